"""Looks through the folders of a library in the background, and reads what is new there or has changed."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import AdvsepError
from .library import Library
from .library_read import SUFFIXES, WORDS_SUFFIXES, FolderFiles, read_song
from .library_song import Read, Stamp
from .library_text import readable

_BATCH_SONGS, _BATCH_S = 100, 0.5  # a scan that is cut off has kept all but so much
_LOWEST = 19  # of the niceness that Unix knows


@dataclass(frozen=True, slots=True)
class ScanProgress:
    """How far a scan is.

    Attributes:
        files_seen: sound files so far.
        files_read: of those, new or changed ones, which were opened.
        songs: that the library lists.
        dropped: songs that were forgotten, since their files are gone.
        current: what is being looked at, for people.
        state: `cancelled` keeps all that was found, `failed` too: see the notes.
        notes: what could not be looked at and what was done about it, a sentence each.
    """

    files_seen: int = 0
    files_read: int = 0
    songs: int = 0
    dropped: int = 0
    current: str = ""
    state: str = "running"
    notes: tuple[str, ...] = ()


class Scan:
    """One walk through the folders of a library, in a thread of low priority.

    Only files that are new or changed are opened, so that one that was cut off goes on where it was. Songs
    whose files are gone are forgotten; not so if their whole folder is gone or cannot be read, or holds
    no sound at all any more: a drive that is not plugged in comes back.

    Args:
        library: path of the library's file; the thread opens it for itself.
        folders: to be looked through; None: all of the library's.
    """

    def __init__(self, library: Path, folders: Sequence[Path] | None = None) -> None:
        self._path, self._folders = library, folders
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="advsep-library-scan", daemon=True)
        self._progress = ScanProgress()
        self._waiting: list[Read] = []
        self._flush_at_s = 0.0

    @property
    def progress(self) -> ScanProgress:
        """How far it is; may be asked for at any time by any thread."""
        return self._progress

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin; once a scan."""
        self._thread.start()

    def cancel(self) -> None:
        """End after the file that is being read; what was found is kept."""
        self._cancelled.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until it has ended; whether it has."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        _lower_priority()
        state = "done"
        try:
            with contextlib.closing(Library(self._path)) as library:
                for folder in library.folders if self._folders is None else self._folders:
                    self._scan_folder(library, Path(os.path.abspath(folder)))
            state = "cancelled" if self._cancelled.is_set() else "done"
        except AdvsepError as error:
            self._note(str(error))
            state = "failed"
        except Exception as error:  # a thread's end must not be silent
            self._note(f"{self._progress.current}: the scan ended there ({error!r}); report it, and scan again")
            state = "failed"
        self._progress = replace(self._progress, state=state, current="")

    def _scan_folder(self, library: Library, folder: Path) -> None:
        known = library.stamps(folder)
        self._progress = replace(self._progress, songs=library.count(), current=_shown(folder))
        walk = _Walk(folder)
        seen: set[Path] = set()
        for path, files in walk.songs():
            if self._cancelled.is_set():
                break
            seen.add(path)
            self._look_at(library, path, files, known.get(path))
        self._flush(library)
        for where, why in walk.unread:
            kept = sum(path == where or where in path.parents for path in known if path not in seen)
            self._note(_about_unread(where, why, kept, is_root=where == folder))
        if self._cancelled.is_set():
            return
        gone = [path for path in known if path not in seen and not walk.has_missed(path)]
        if gone and not seen:
            self._note(
                f"{_shown(folder)}: expected songs, found none; {_kept(len(gone))} in case a drive is not "
                "plugged in: remove the folder to forget them"
            )
            return
        library.drop(gone)
        self._progress = replace(self._progress, dropped=self._progress.dropped + len(gone), songs=library.count())

    def _look_at(self, library: Library, path: Path, files: FolderFiles, known: Stamp | None) -> None:
        stamp = files.stamp(path.name)
        progress = replace(self._progress, files_seen=self._progress.files_seen + 1, current=_shown(path))
        if stamp != known:
            self._waiting.append(read_song(path, files, stamp))
            progress = replace(progress, files_read=progress.files_read + 1)
        self._progress = progress
        if len(self._waiting) >= _BATCH_SONGS or time.monotonic() > self._flush_at_s:
            self._flush(library)

    def _flush(self, library: Library) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            library.store(waiting)
            self._progress = replace(self._progress, songs=library.count())
        self._flush_at_s = time.monotonic() + _BATCH_S

    def _note(self, words: str) -> None:
        self._progress = replace(self._progress, notes=(*self._progress.notes, words))


@dataclass(slots=True)
class _Walk:
    """Through a folder and all below it, once each, whatever links lead in circles.

    Attributes:
        root: where it begins.
        unread: folders that are there, or should be, and cannot be read, and why.
    """

    root: Path
    unread: list[tuple[Path, str]] = field(default_factory=list[tuple[Path, str]])
    _been: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])

    def songs(self) -> Iterator[tuple[Path, FolderFiles]]:
        """Sound files by name, and what lies beside them."""
        todo = [self.root]
        while todo:
            folder = todo.pop()
            files, folders = FolderFiles(), list[Path]()
            try:
                status = os.stat(folder)
                place = status.st_dev, status.st_ino
                if place in self._been:
                    continue
                self._been.add(place)
                with os.scandir(folder) as entries:
                    for entry in entries:
                        self._take(folder, entry, files, folders)
            except OSError as error:
                self.unread.append((folder, error.strerror or str(error)))
            for name in sorted(files.songs):
                yield folder / name, files
            todo += sorted(folders, reverse=True)

    def has_missed(self, path: Path) -> bool:
        """Whether it lies where the walk could not look."""
        return any(where == path or where in path.parents for where, _ in self.unread)

    def _take(self, folder: Path, entry: os.DirEntry[str], files: FolderFiles, folders: list[Path]) -> None:
        if entry.name.startswith("."):  # hidden, or half written
            return
        try:
            if entry.is_dir():
                folders.append(folder / entry.name)
                return
            suffix = os.path.splitext(entry.name)[1].lower()
            if suffix in SUFFIXES or suffix in WORDS_SUFFIXES:
                status = entry.stat()
                files.add(entry.name, suffix, status.st_mtime_ns, status.st_size)
            elif entry.is_symlink() and not entry.is_file():
                os.stat(entry.path)
        except OSError as error:  # above all links to what is not there
            self.unread.append((folder / entry.name, error.strerror or str(error)))


def _about_unread(where: Path, why: str, kept: int, *, is_root: bool) -> str:
    if is_root:
        advice = "plug its drive in and scan again, or remove the folder"
        return f"{_shown(where)}: expected a folder of songs: {why}; {_kept(kept)}: {advice}"
    left = _kept(kept) if kept else "left out"
    return f"{_shown(where)}: cannot be read: {why}; {left}"


def _kept(songs: int) -> str:
    return "its song is kept" if songs == 1 else f"its {songs} songs are kept"


def _shown(path: Path) -> str:
    return readable(str(path))


def _lower_priority() -> None:
    """Of this thread, where the system has priorities a thread: the sound comes first."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST)
