"""Separated songs on disk, found by content and model: written by one process while others read.

    <folder>/<song key>-<model key>/entry.json   what it is, whole-file; its time is that of the last use
                                    000000.flac  chunks (see `stem_chunks`), whole or not there, in any order
                                    .used        shared lock of all who use it; survives no crash
                                    .worker      lock of the one process that writes chunks

Removing and opening are done one at a time, under a lock of the whole folder. An entry is removed only
where nobody holds its `.used`, entry.json first, so that half a removal is an entry that is no more.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from ..registry import best_model, find_model
from ..source import FileSource
from .song_key import song_key
from .stem_entry import FACTS_NAME, EntryFacts, StemEntry, StemError, model_key, read_facts, write_facts
from .stem_lock import FileLock, try_lock

LIMIT_BYTES = 4 << 30  # some forty songs
_USED_NAME = ".used"
_ENTRY_NAME = re.compile(r"[0-9a-f]{32}-.+")


@dataclass(frozen=True, slots=True)
class StoredSong:
    """An entry as a list shows it.

    Attributes:
        facts: what it is.
        folder: where it lies.
        size_bytes: what its files take.
        used_s: when it was opened last, seconds since 1970.
        chunks: how many of them are there.
    """

    facts: EntryFacts
    folder: Path
    size_bytes: int
    used_s: float
    chunks: int


class StemCache:
    """Entries below a folder, of a limited size together.

    Args:
        folder: made if need be; None: `stems` in the user's cache.
        limit_bytes: beyond it entries that nobody uses are removed, the one used least recently first.
    """

    def __init__(self, folder: Path | None = None, limit_bytes: int = LIMIT_BYTES) -> None:
        self.folder = _user_folder() if folder is None else folder
        self.limit_bytes = limit_bytes

    def open(self, song: Path, model_name: str | None = None) -> StemEntry:
        """The entry of a song, made if need be, and not removed before it is closed.

        Args:
            song: a sound file.
            model_name: of a bundled model, or the path of a model file; None: the best.

        Raises:
            SourceError: the song is no sound file that can be used.
            SongKeyError: it cannot be read.
            ModelError: there is no such model.
            StemError: the folder cannot be written, or another version of advsep uses the entry.
        """
        model = find_model(best_model() if model_name is None else model_name)
        source = FileSource(song)
        source.close()
        facts = EntryFacts.of(song, source, model)
        folder = self.folder / f"{song_key(song)}-{model_key(model)}"
        with self._changing():
            self._make_room(folder)
            return StemEntry(folder, *_renewed(folder, facts))

    @property
    def size_bytes(self) -> int:
        """What all entries take."""
        return sum(_size_bytes(folder) for folder in self._folders())

    def entries(self) -> list[StoredSong]:
        """What there is, the entry used last first."""
        found: list[StoredSong] = []
        for folder in self._folders():
            facts = read_facts(folder)
            if facts is not None:
                chunks = sum(path.suffix == ".flac" for path in folder.iterdir())
                found.append(StoredSong(facts, folder, _size_bytes(folder), _used_s(folder), chunks))
        return sorted(found, key=lambda song: song.used_s, reverse=True)

    def clear(self) -> None:
        """Remove every entry that nobody uses.

        Raises:
            StemError: one cannot be removed.
        """
        with self._changing():
            for folder in self._folders():
                _remove_unused(folder)

    def make_room(self) -> None:
        """Remove what is beyond the limit, for one who writes to an entry that is open.

        Raises:
            StemError: the folder cannot be written.
        """
        with self._changing():
            self._make_room(None)

    def _make_room(self, kept: Path | None) -> None:
        sizes = {folder: _size_bytes(folder) for folder in self._folders()}
        total_bytes = sum(sizes.values())
        for folder in sorted(sizes, key=_used_s):
            if total_bytes <= self.limit_bytes:
                return
            if folder != kept and _remove_unused(folder):
                total_bytes -= sizes[folder]

    def _folders(self) -> list[Path]:
        try:
            return [path for path in self.folder.iterdir() if _ENTRY_NAME.fullmatch(path.name)]
        except OSError:
            return []

    @contextlib.contextmanager
    def _changing(self) -> Generator[None]:
        """Nobody else opens or removes meanwhile; what the system has to say becomes words."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / ".lock", shared=False, wait=True):
                yield
        except OSError as error:
            raise StemError(
                f"{self.folder}: separated songs cannot be kept there: {error.strerror}; free some space, or choose "
                "another folder that you may write to"
            ) from None


def _renewed(folder: Path, facts: EntryFacts) -> tuple[EntryFacts, FileLock]:
    """An entry's facts and the lock of one who uses it; what is of another kind is replaced."""
    folder.mkdir(exist_ok=True)
    found = read_facts(folder)
    if found is None or not found.fits(facts):
        if not _remove_unused(folder):
            raise StemError(
                f"{folder}: expected stems of this version of advsep, found others, in use by another program; close it"
            )
        folder.mkdir()
        write_facts(folder, facts)
        found = facts
    os.utime(folder / FACTS_NAME)
    return found, FileLock(folder / _USED_NAME, shared=True)


def _remove_unused(folder: Path) -> bool:
    """Remove an entry unless somebody uses it; whether it is gone. Whoever calls holds the lock of the whole folder."""
    lock = try_lock(folder / _USED_NAME)
    if lock is None:
        return False
    lock.close()  # nobody can open it now, and Windows removes no open file
    (folder / FACTS_NAME).unlink(missing_ok=True)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    return True


def _size_bytes(folder: Path) -> int:
    total_bytes = 0
    with contextlib.suppress(OSError), os.scandir(folder) as files:
        for file in files:
            with contextlib.suppress(OSError):
                total_bytes += file.stat().st_size
    return total_bytes


def _used_s(folder: Path) -> float:
    try:
        return (folder / FACTS_NAME).stat().st_mtime
    except OSError:
        return 0.0


def _user_folder() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("advsep") / "stems"
