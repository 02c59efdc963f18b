"""All takes of a singer's machine: a folder each, listed, renamed, exported, and thrown into the trash."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from ..extras import require_extra
from .take_details import TakeDetails, TakeError, is_file_name, read_details, write_details
from .take_ending import MIXDOWN, is_unfinished, recover, track_path
from .take_export import export_sound
from .take_lock import is_being_recorded

LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class TakeInfo:
    """A take as a list shows it.

    Attributes:
        folder: of its files.
        details: what it says of itself; None: it cannot be read.
        problem: what is wrong with it, in words; empty: nothing.
        started: UTC, ISO 8601; of a damaged one when its folder changed last.
    """

    folder: Path
    details: TakeDetails | None
    problem: str
    started: str

    @property
    def name(self) -> str:
        """As it is shown."""
        return self.folder.name if self.details is None else self.details.name

    @property
    def duration_s(self) -> float:
        """Its length; 0 where that is not known."""
        return 0.0 if self.details is None else self.details.duration_s

    @property
    def tracks(self) -> dict[str, Path]:
        """Its sound files that are there, by track; the mixdown first."""
        if self.details is not None:
            names = set(self.details.tracks)
        else:
            names = {path.stem for path in self.folder.glob("*") if path.suffix in (".wav", ".flac")}
        found = {
            name: track_path(self.folder, name) for name in sorted(names, key=lambda name: (name != MIXDOWN, name))
        }
        return {name: path for name, path in found.items() if path is not None}


class Takes:
    """The takes in a folder; what others put there is left alone.

    Args:
        folder: made when the first take is; None: `advsep takes` among the user's music.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = takes_folder() if folder is None else folder

    def list(self) -> list[TakeInfo]:
        """Finished takes, the newest first; damaged ones with words for it, none is left out for it.

        Raises:
            TakeError: the folder cannot be read.
        """
        found = [self.info(folder) for folder in self._folders() if not is_unfinished(folder)]
        return sorted(found, key=lambda take: (take.started, take.folder.name), reverse=True)

    def unfinished(self) -> list[TakeInfo]:
        """Takes whose program died before they were finished, the newest first; `recover` or `delete` them.

        Raises:
            TakeError: the folder cannot be read.
        """
        left = [folder for folder in self._folders() if is_unfinished(folder) and not is_being_recorded(folder)]
        return sorted(map(self.info, left), key=lambda take: (take.started, take.folder.name), reverse=True)

    def info(self, folder: Path) -> TakeInfo:
        """One take, whatever became of it."""
        details, problem = None, ""
        try:
            details = read_details(folder)
        except TakeError as error:
            problem = str(error)
        started = _start(folder, details)
        if details is not None and details.state != "recording":
            missing = [track for track in details.tracks if track_path(folder, track) is None]
            if missing or not details.tracks:
                problem = f"{folder}: expected {', '.join(missing) or 'sound files'}, found none; delete the take"
        return TakeInfo(folder, details, problem, started)

    def new_folder(self, song: str) -> Path:
        """Where to record a take of a song: a name by time and title that is free; not made yet."""
        title = "".join(sign if is_file_name(f"a{sign}") else " " for sign in song)
        stem = f"{datetime.now().astimezone():%Y-%m-%d %H-%M-%S} {' '.join(title.split())}"[:LONGEST_NAME].strip(" .")
        found, number = self.folder / stem, 1
        while found.exists():
            number += 1
            found = self.folder / f"{stem} {number}"
        return found

    def recover(self, take: TakeInfo) -> TakeInfo:
        """Make an unfinished take whole; raises as `take_ending.recover` does."""
        recover(take.folder)
        return self.info(take.folder)

    def rename(self, take: TakeInfo, name: str) -> TakeInfo:
        """Give it another name to be shown by; its folder and files keep theirs.

        Raises:
            TakeError: there is no name, or it cannot be written.
        """
        name = " ".join(name.split())
        if not name:
            raise TakeError(f"{take.folder}: expected a name for the take, found none; type one")
        write_details(take.folder, replace(read_details(take.folder), name=name))
        return self.info(take.folder)

    def export(
        self, take: TakeInfo, path: Path, *, track: str = MIXDOWN, bits: int = 24, overwrite: bool = False
    ) -> None:
        """Copy a track to a file elsewhere; see `export_sound`.

        Raises:
            TakeError: the take has no such track, or see there.
        """
        source = take.tracks.get(track)
        if source is None:
            there = f"only {', '.join(take.tracks)}" if take.tracks else "no sound at all"
            raise TakeError(f"{take.folder}: expected the track {track}, found {there}; choose another")
        if path.absolute().parent.resolve() == take.folder.resolve():
            raise TakeError(f"{path}: expected a place outside the take's own folder; choose another folder")
        export_sound(source, path, bits, overwrite=overwrite)

    def delete(self, take: TakeInfo) -> None:
        """Move it to the trash.

        Raises:
            AdvsepError: it is being recorded, or no trash can be had; nothing was deleted.
        """
        if is_being_recorded(take.folder):
            raise TakeError(f"{take.folder}: this take is being recorded; end the recording first")
        if not take.folder.exists():
            raise TakeError(f"{take.folder}: expected a take to delete, found none; it is gone already")
        require_extra("moving a take to the trash needs the gui extra", "gui", "send2trash")
        import send2trash

        try:
            send2trash.send2trash(str(take.folder))
        except Exception as error:  # each system's own kinds
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise TakeError(
                f"{take.folder}: cannot be moved to the trash ({why}), so nothing was deleted; delete it by hand"
            ) from None

    def _folders(self) -> list[Path]:
        """Those that hold a take, or what is left of one."""
        try:
            folders = [path for path in self.folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
            return [folder for folder in folders if _is_take(folder)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise TakeError(
                f"{self.folder}: expected the folder of takes, found one that cannot be read "
                f"({error.strerror or error}); choose another"
            ) from None


def takes_folder() -> Path:
    """Where takes go that were given no place."""
    from platformdirs import user_music_path

    return user_music_path() / "advsep takes"


def _is_take(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        return any(
            path.name in ("take.json", f"{MIXDOWN}.wav", f"{MIXDOWN}.flac") or path.name.endswith(".wav.partial")
            for path in folder.iterdir()
        )
    return True  # what cannot be read is shown, and says so


def _start(folder: Path, details: TakeDetails | None) -> str:
    if details is not None:
        with contextlib.suppress(ValueError):
            began = datetime.fromisoformat(details.started)
            return began.astimezone(UTC).isoformat(timespec="seconds")
    with contextlib.suppress(OSError):
        return datetime.fromtimestamp(folder.stat().st_mtime, UTC).isoformat(timespec="seconds")
    return ""
