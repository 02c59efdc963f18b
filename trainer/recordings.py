"""Recordings that no other belongs to: solo voices, accompaniments and whole mixtures, for unpaired learning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..realtime.errors import AdvsepError
from .decoded import load_decoded, read_decoded
from .tracks import SUFFIXES, read_splits

_NAME = "recording"


@dataclass(frozen=True, slots=True)
class Recording:
    """One decoded recording.

    Attributes:
        path: of its file.
        samples: int16 [sample, channel] at the model's rate, memory-mapped.
        bandwidth_hz: above it the recording holds nothing.
    """

    path: Path
    samples: NDArray[np.int16]
    bandwidth_hz: float

    def __reduce__(self) -> tuple[Any, ...]:
        # As of tracks: worker processes that are not forked map the file instead of being sent it.
        if isinstance(self.samples, np.memmap):
            return _cached, (self.path, Path(str(self.samples.filename)).parent)
        return Recording, (self.path, self.samples, self.bandwidth_hz)


def find_recordings(roots: list[Path]) -> list[Path]:
    """Every sound file below some folders, sorted.

    Raises:
        AdvsepError: a folder is missing or holds none.
    """
    found: list[Path] = []
    for root in roots:
        if not root.is_dir():
            raise AdvsepError(f"{root}: no such folder; give a folder of recordings")
        files = sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
        if not files:
            raise AdvsepError(f"{root}: no recordings; expected files such as .wav or {', '.join(SUFFIXES[1:])}")
        found += files
    return found


def without_held_out(paths: list[Path], splits: Path | None) -> list[Path]:
    """Those that a splits file does not hold out for validation or test; those that it does not name are kept.

    A recording is named by its file's name, or by that of its folder, and its corpus by the folder around it.

    Args:
        paths: of files.
        splits: as `tracks.split_tracks` reads it; None holds nothing out.

    Raises:
        AdvsepError: the splits cannot be read.
    """
    if splits is None:
        return paths
    table = read_splits(splits)

    def is_held_out(path: Path) -> bool:
        for name, around in ((path.stem, path.parent), (path.parent.name, path.parent.parent)):
            place = f"/{around.resolve().as_posix()}"
            for corpus, entry in table.items():
                if place.endswith(f"/{corpus}") and any(name in entry.get(part, ()) for part in ("valid", "test")):
                    return True
        return False

    return [path for path in paths if not is_held_out(path)]


def load_recordings(
    paths: list[Path], rate_hz: int, cache: Path, on_recording: Callable[[Path], None] = lambda path: None
) -> list[Recording]:
    """Decode what the cache lacks and map the rest.

    Args:
        paths: of the files.
        rate_hz: rate to resample to.
        cache: folder for the arrays.
        on_recording: called after each, for a progress bar.

    Raises:
        AdvsepError: a file cannot be read or holds NaN, or the disk is full.
    """
    recordings: list[Recording] = []
    for path in paths:
        found = load_decoded({_NAME: path}, rate_hz, cache)
        recordings.append(Recording(path, found.samples[_NAME], found.bandwidth_hz[_NAME]))
        on_recording(path)
    return recordings


def _cached(path: Path, folder: Path) -> Recording:
    found = read_decoded((_NAME,), folder)
    return Recording(path, found.samples[_NAME], found.bandwidth_hz[_NAME])
