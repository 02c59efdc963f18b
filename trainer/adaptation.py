"""`--adapt`: a trained model made better for recordings of one's own, no two of which belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..realtime.errors import AdvsepError
from .excerpts import at_level
from .recordings import Recording
from .tracks import Track, TrackFiles

FOLDERS = {
    "voices": ("voices", "vocals", "voice", "solos"),
    "accompaniments": ("accompaniments", "accompaniment", "instrumentals", "bands"),
    "mixtures": ("mixtures", "songs", "mixes"),
}
"""Names of subfolders by what they hold."""

HELD_OUT_SHARE = 0.15  # of each recording, its end
VOICE_DBFS, BAND_DBFS = -20.0, -17.0  # of held-out mixtures
LONGEST_S = 60.0

SETTINGS: dict[str, Any] = {
    "steps": 200,
    "lanes": 8,
    "begun_share": 0.5,
    "frozen_norms": True,
    "validate_every": 50,
    "patience_validations": 3,
    "optimiser.learning_rate": 2e-4,
    "optimiser.matrix_factor": 0.0,
    "optimiser.warmup_steps": 50,
    "optimiser.ema_decay": 0.98,
}
"""What differs from a training from the start, unless it is asked for otherwise."""
FOR_SOLOS: dict[str, Any] = {"mode": "supervised", "remix.solo_probability": 1.0}
FOR_MIXTURES: dict[str, Any] = {
    "mode": "self",
    "remix.pseudo_probability": 1.0,
    "remix.tilt_db": 3.0,
    "truncated_fraction": 0.25,
}


@dataclass(frozen=True, slots=True)
class OwnFolders:
    """Where the kinds of recordings lie; an empty list where there are none of a kind."""

    voices: list[Path]
    accompaniments: list[Path]
    mixtures: list[Path]

    @property
    def settings(self) -> dict[str, Any]:
        """Of the run, by key: remixes of voices and accompaniments where both are there, else a teacher's guesses."""
        return SETTINGS | (FOR_SOLOS if self.voices and self.accompaniments else FOR_MIXTURES)


def own_folders(root: Path) -> OwnFolders:
    """Look into a folder of recordings.

    Args:
        root: holds `voices`, `accompaniments`, `mixtures`, some of them; or, without these, mixtures.

    Raises:
        AdvsepError: it is no folder, or holds voices only or accompaniments only.
    """
    if not root.is_dir():
        raise AdvsepError(f"{root}: no such folder; give one with the folders voices, accompaniments, mixtures in it")
    found: dict[str, list[Path]] = {
        kind: [path for path in sorted(root.iterdir()) if path.is_dir() and path.name.lower() in names]
        for kind, names in FOLDERS.items()
    }
    if not any(found.values()):
        return OwnFolders([], [], [root])
    if not found["mixtures"] and not (found["voices"] and found["accompaniments"]):
        held, other = ("voices", "accompaniments") if found["voices"] else ("accompaniments", "voices")
        raise AdvsepError(f"{root}: found {held} but no {other} and no mixtures; add a folder {other} or mixtures")
    return OwnFolders(found["voices"], found["accompaniments"], found["mixtures"])


def held_back(recordings: Sequence[Recording]) -> tuple[list[Recording], list[NDArray[np.int16]]]:
    """Recordings without their ends, and the ends [sample, channel], which nothing is learnt from."""
    kept: list[Recording] = []
    ends: list[NDArray[np.int16]] = []
    for each in recordings:
        cut = len(each.samples) - int(HELD_OUT_SHARE * len(each.samples))
        kept.append(Recording(each.path, each.samples[:cut], each.bandwidth_hz))
        ends.append(np.array(each.samples[cut:]))
    return kept, ends


def held_back_track(
    voices: Sequence[NDArray[np.int16]], accompaniments: Sequence[NDArray[np.int16]], rate_hz: int, bandwidth_hz: float
) -> Track:
    """The ends of voices one after another over those of accompaniments, a minute at most, to validate with."""
    longest = round(LONGEST_S * rate_hz)
    stems = [_joined(parts, longest, level) for parts, level in ((voices, VOICE_DBFS), (accompaniments, BAND_DBFS))]
    count = min(map(len, stems))
    files = TrackFiles("held back", "own", Path(), Path())
    return Track(files, stems[0][:count], stems[1][:count], bandwidth_hz, bandwidth_hz)


def _joined(parts: Sequence[NDArray[np.int16]], longest: int, level_dbfs: float) -> NDArray[np.int16]:
    """An equal share of each, at a level."""
    share = max(1, longest // len(parts))
    stereo = [np.repeat(part, 2, 1) if part.shape[1] == 1 else part for part in (each[:share] for each in parts)]
    samples = [at_level(part.astype(np.float32) / np.float32(32768), level_dbfs) for part in stereo]
    return (np.concatenate(samples).clip(-1, 1) * 32767).astype(np.int16)
