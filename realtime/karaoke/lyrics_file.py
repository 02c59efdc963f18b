"""Files of words: found beside a song, and read whatever they hold."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from .lrc import TIME_TAG, parse_lrc
from .lyrics import Lyrics, Timing
from .lyrics_text import LyricsError, LyricsText, read_text
from .ultrastar import HEADER, parse_ultrastar, read_headers
from .ultrastar_notes import NOTE

Format = Literal["lrc", "ultrastar"]

LRC_SUFFIX, TEXT_SUFFIX = ".lrc", ".txt"
_SOUND_SUFFIXES = frozenset(
    (
        ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".wma", ".aif", ".aiff", ".caf", ".w64",
        ".rf64", ".au",
    )
)  # fmt: skip
_MOST_TEXTS = 20  # of a folder that are opened to see whose they are
_FINENESS: dict[Timing, int] = {"line": 0, "word": 1, "note": 2}
_ULTRASTAR_HEADERS = frozenset(("BPM", "GAP", "MP3", "AUDIO", "TITLE", "ARTIST"))


def read_lyrics(path: Path) -> Lyrics:
    """Read an LRC or UltraStar file, whichever its content shows it to be.

    Raises:
        LyricsError: it cannot be read, or nothing sensible can be made of it; says where and what to do.
    """
    text = read_text(path)
    lyrics = _parsed(text, _format_of(text))
    if lyrics is None:
        raise LyricsError(
            f"{path}: expected times before the words (LRC) or notes (UltraStar), found neither; "
            "choose a file of timed words"
        )
    return lyrics


def find_lyrics(song: Path) -> Path | None:
    """The file of words that belongs to a song: the one with the finest timing of those that can be read.

    Looked at are SONG.lrc and SONG.txt beside it, in large or small letters, and an UltraStar file in its folder
    whose #AUDIO or #MP3 names it, or the folder's only one where the song is the only sound. Where none of them can
    be read, the first that was meant to be one, so that reading it says what is wrong.

    Args:
        song: a sound file; need not be there.
    """
    try:
        names = os.listdir(song.parent)
    except (OSError, ValueError):
        return None
    candidates = [song.with_name(name) for name in _of_same_name(song, names)]
    candidates += [path for path in _ultrastar_of(song, names) if path not in candidates]
    best, best_fineness, damaged = None, -1, None
    for path in candidates:
        try:
            text = read_text(path)
            lyrics = _parsed(text, _format_of(text))
        except LyricsError:
            damaged = damaged or path
            continue
        if lyrics is not None and _FINENESS[lyrics.timing] > best_fineness:
            best, best_fineness = path, _FINENESS[lyrics.timing]
        elif lyrics is None and path.suffix.lower() == LRC_SUFFIX:  # a .txt may be anything
            damaged = damaged or path
    return best or damaged


def _parsed(text: LyricsText, kind: Format | None) -> Lyrics | None:
    if kind is None:
        return None
    return parse_lrc(text) if kind == "lrc" else parse_ultrastar(text)


def _format_of(text: LyricsText) -> Format | None:
    """What a file holds more of; a file of headers only is one without its notes."""
    timed = sum(TIME_TAG.search(line) is not None for line in text.lines)
    notes = sum(NOTE.fullmatch(line) is not None for line in text.lines)
    if timed or notes:
        return "lrc" if timed > notes else "ultrastar"
    named = (HEADER.fullmatch(line) for line in text.lines)
    has_headers = any(found is not None and found[1].strip().upper() in _ULTRASTAR_HEADERS for found in named)
    return "ultrastar" if has_headers else None


def _of_same_name(song: Path, names: Iterable[str]) -> list[str]:
    stem = _folded(song.stem)
    found = [name for name in names if os.path.splitext(name)[1].lower() in (LRC_SUFFIX, TEXT_SUFFIX)]
    return sorted((name for name in found if _folded(_stem(name)) == stem), key=lambda n: (_stem(n) != song.stem, n))


def _ultrastar_of(song: Path, names: list[str]) -> list[Path]:
    """UltraStar files of the song's folder that name it, else the one that there is beside the one sound."""
    texts = sorted(name for name in names if name.lower().endswith(TEXT_SUFFIX))
    if len(texts) > _MOST_TEXTS:
        return []
    found: list[tuple[Path, str]] = []
    for name in texts:
        try:
            text = read_text(song.with_name(name))
        except LyricsError:
            continue
        if _format_of(text) == "ultrastar":
            headers = read_headers(text)
            sound = headers.get("AUDIO") or headers.get("MP3")
            named = "" if sound is None else _folded(re.split(r"[/\\]", sound.value)[-1])
            found.append((song.with_name(name), named))
    there = {_folded(name) for name in names}
    # A song that was converted has another suffix than its file of words says.
    own, stem = _folded(song.name), _folded(song.stem)
    ours = [path for path, sound in found if sound == own or (sound not in there and _stem(sound) == stem)]
    sounds = sum(os.path.splitext(name)[1].lower() in _SOUND_SUFFIXES for name in names)
    return ours or ([found[0][0]] if len(found) == 1 and sounds <= 1 else [])


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]


def _folded(name: str) -> str:
    """For comparing: small letters, and letters with accents as one sign, however the disk spells them."""
    return unicodedata.normalize("NFC", name).casefold()
