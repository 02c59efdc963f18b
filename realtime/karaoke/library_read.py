"""What one song's file, and the words beside it, say about the song."""

from __future__ import annotations

import codecs
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import soundfile

from .library_song import Read, Song, Stamp
from .library_text import readable

SUFFIXES = frozenset(
    (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".caf", ".w64", ".rf64", ".au")
)
LRC, TXT = ".lrc", ".txt"
WORDS_SUFFIXES = frozenset((LRC, TXT))
_HEAD_BYTES = 16384  # of a file of words: its headers
_LONGEST_TEXT = 300
_YEAR = re.compile(r"\b(1[4-9]\d\d|20\d\d)\b")
# What a folder of one song is often called, where the sound's own name says nothing.
_NAMELESS = frozenset(("song", "audio", "music", "track", "mix", "mixture", "full"))
_TRACK_NUMBER = re.compile(r"^(?:0\d{1,2}[-._)\s]|\d{1,3}\s*[-._)]\s)\s*(?=\S)")  # not that of 99 Luftballons


@dataclass(slots=True)
class FolderFiles:
    """Sound files of one folder, and files of words.

    Attributes:
        songs: (time of the last change, ns; size, bytes) by name.
        words: the same of files that may hold words.
    """

    songs: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    words: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    _by_stem: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def add(self, name: str, suffix: str, mtime_ns: int, size_bytes: int) -> None:
        """One file, by its suffix in small letters."""
        if suffix in SUFFIXES:
            self.songs[name] = mtime_ns, size_bytes
        else:
            self.words[name] = mtime_ns, size_bytes
            self._by_stem.setdefault(_stem(name), []).append(name)

    def beside(self, song: str) -> list[str]:
        """Files that may hold a song's words: of its name, and a .txt that is the folder's only one."""
        found = sorted(self._by_stem.get(_stem(song), []))
        texts = [name for name in self.words if name.lower().endswith(TXT)]
        return found + [name for name in texts if len(texts) == 1 and name not in found]

    def stamp(self, song: str) -> Stamp:
        """Of a song and its words."""
        words = ((readable(name), *self.words[name]) for name in self.beside(song))
        return Stamp(*self.songs[song], ";".join(f"{name}|{mtime_ns}|{size}" for name, mtime_ns, size in words))


def read_song(path: Path, files: FolderFiles, stamp: Stamp) -> Read:
    """Open a song and the words beside it.

    Words are what an UltraStar header says, then the sound's tags, then the names of file and folder.

    Args:
        path: of the sound file.
        files: of its folder.
        stamp: of it.

    Returns:
        Also of a file that is no song: with a problem.
    """
    headers, has_words = _words_of(path, files)
    try:
        tags, length_s = _tags_of(path)
    except (soundfile.LibsndfileError, OSError, ValueError, TypeError, RuntimeError) as error:
        said = str(getattr(error, "error_string", None) or getattr(error, "strerror", None) or error)
        problem = f"cannot be read as sound ({' '.join(said.split()).rstrip('.')})"
        return Read(Song(path=path, title=_short(readable(path.stem))), stamp, problem)
    artist, title = _names_of(path, len(files.songs))
    year = headers.get("YEAR") or tags.get("date", "")
    found_year = _YEAR.search(year)
    song = Song(
        path=path,
        title=_short(headers.get("TITLE") or tags.get("title") or title),
        artist=_short(headers.get("ARTIST") or tags.get("artist") or artist),
        album=_short(headers.get("EDITION") or tags.get("album", "")),
        language=_short(headers.get("LANGUAGE", "")),
        year=None if found_year is None else int(found_year[0]),
        length_s=length_s,
        has_words=has_words,
    )
    return Read(song, stamp, "" if length_s > 0 else "holds no sound")


def read_headers(path: Path) -> dict[str, str]:
    """The headers of an UltraStar file by name, in capitals; none of any other file.

    `#NAME:value` at the file's beginning, of which #BPM is always there:
    https://usdx.eu/format/
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return {}
    headers: dict[str, str] = {}
    for line in _decoded(head).splitlines():
        if not line.strip():
            continue
        if not line.startswith("#"):
            break
        name, _, value = line[1:].partition(":")
        headers.setdefault(name.strip().upper(), " ".join(value.split()))
    return headers if headers.get("BPM") else {}


def _words_of(path: Path, files: FolderFiles) -> tuple[dict[str, str], bool]:
    """Headers of the UltraStar file that belongs to a song, and whether any file of words does."""
    has_words = False
    for name in files.beside(path.name):
        if name.lower().endswith(LRC):
            has_words |= files.words[name][1] > 0
            continue
        headers = read_headers(path.with_name(name))
        sound = (headers.get("AUDIO") or headers.get("MP3") or "").casefold()
        is_ours = _stem(name) == _stem(path.name) or sound == path.name.casefold() or len(files.songs) == 1
        if headers and is_ours:
            return headers, True
    return {}, has_words


def _tags_of(path: Path) -> tuple[dict[str, str], float]:
    """Tags as libsndfile finds them, and the length, s."""
    # Bytes: soundfile does not take names that are no UTF-8 as text.
    name: Any = str(path) if os.name == "nt" else os.fsencode(path)
    with soundfile.SoundFile(name) as file:
        tags = {key: " ".join(text.replace("\0", " ").split()) for key, text in file.copy_metadata().items()}
        return tags, max(0.0, file.frames / file.samplerate)


def _names_of(path: Path, songs_beside: int) -> tuple[str, str]:
    """Artist and title by `Artist - Title.ogg`, `03 Title.ogg`, or the folder of a song that is called `audio`."""
    name = readable(path.stem)
    if path.stem.casefold() in _NAMELESS and songs_beside == 1 and path.parent.name:
        name = readable(path.parent.name)
    name = " ".join(name.replace("_", " ").split()) or readable(path.name)
    parts = [part.strip() for part in re.split(r"\s[-–—]\s", name)]
    if len(parts) > 2 and parts[0].isdigit():  # 03 - Artist - Title
        parts = parts[1:]
    if len(parts) >= 2 and parts[0] and parts[1] and not parts[0].isdigit():
        return parts[0], " - ".join(parts[1:])
    return "", _TRACK_NUMBER.sub("", name)


def _decoded(head: bytes) -> str:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
    ):  # fmt: skip
        if head.startswith(mark):
            return head.decode(encoding, "replace")
    # The last sign may be cut; any other that is no UTF-8 says that nothing is.
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return head.decode("cp1252", "replace")


def _stem(name: str) -> str:
    return os.path.splitext(name)[0].casefold()


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
