"""Which data set a folder holds, told by its layout alone; a folder's own name says nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...realtime.errors import AdvsepError
from . import folders, karaoke, manifest, medleydb, musdb
from .listing import sound_files, unreadable
from .track import DatasetTrack, Role


@dataclass(frozen=True, slots=True)
class Layout:
    """How one data set lies on disk.

    Attributes:
        name: of the set.
        looked_for: the files that tell it, for an error.
        fits: whether a path is laid out so; quick, and right for a damaged copy too, so that reading says what lacks.
        read: its tracks.
    """

    name: str
    looked_for: str
    fits: Callable[[Path], bool]
    read: Callable[[Path], list[DatasetTrack]]


# Aligned folders come last: MUSDB18-HQ has files named vocals.wav too.
LAYOUTS = (
    Layout("CSV manifest", manifest.LOOKED_FOR, manifest.fits, manifest.read),
    Layout("MUSDB18-HQ", musdb.HQ_LOOKED_FOR, musdb.fits_hq, musdb.read_hq),
    Layout("MUSDB18", musdb.STEMS_LOOKED_FOR, musdb.fits_stems, musdb.read_stems),
    Layout("DSD100", musdb.DSD_LOOKED_FOR, musdb.fits_dsd, musdb.read_dsd),
    Layout("MedleyDB", medleydb.LOOKED_FOR, medleydb.fits, medleydb.read),
    Layout("CCMixter", karaoke.CCMIXTER_LOOKED_FOR, karaoke.fits_ccmixter, karaoke.read_ccmixter),
    Layout("iKala", karaoke.IKALA_LOOKED_FOR, karaoke.fits_ikala, karaoke.read_ikala),
    Layout("MIR-1K", karaoke.MIR1K_LOOKED_FOR, karaoke.fits_mir1k, karaoke.read_mir1k),
    Layout("aligned folders", folders.LOOKED_FOR, folders.fits_aligned, folders.read_aligned),
)


def recognise(root: Path, role: Role | None = None) -> Layout:
    """The layout of a data set.

    Args:
        root: its folder, or a CSV manifest.
        role: what the files of a folder without any layout are; None: such a folder is an error.

    Raises:
        AdvsepError: there is nothing, it may not be read, or it is laid out like no set known here.
    """
    try:
        there = root.is_file() or any(root.iterdir())
        layout = next((layout for layout in LAYOUTS if layout.fits(root)), None) if there else None
    except (FileNotFoundError, NotADirectoryError):
        raise AdvsepError(f"{root}: no such folder; give a data set's folder or a CSV manifest") from None
    except OSError as error:
        raise unreadable(root, error) from None
    if not there:
        raise AdvsepError(f"{root}: empty; give a folder that holds a data set")
    if layout is not None:
        return layout
    if role is not None:
        kind = role
        return Layout(f"folder of {kind}", "sound files", Path.is_dir, lambda path: folders.read_recordings(path, kind))
    count = sum(1 for _ in sound_files(root)) if root.is_dir() else 0
    hint = f"; if its {count} sound files are recordings of one kind, say which with --role" if count else ""
    raise AdvsepError(
        f"{root}: no known data set; looked for {'; '.join(each.looked_for for each in LAYOUTS)}. "
        f"Give the folder that directly holds these{hint}"
    )


def read_tracks(root: Path, role: Role | None = None) -> list[DatasetTrack]:
    """Every track of a data set, whatever its layout; as `recognise`, and what that layout's reader raises."""
    layout = recognise(root, role)
    try:
        return layout.read(root)
    except OSError as error:
        raise unreadable(root, error) from None
