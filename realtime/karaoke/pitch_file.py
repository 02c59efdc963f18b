"""A pitch trace as a file beside the stems it was heard in, so that a song is listened to once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..whole_file import whole_file
from .pitch_model import PitchError
from .pitch_trace import PitchTrace

VERSION = 1  # rises when a trace means something else, or when the tracker hears better
_AGAIN = "delete it, and the pitch is found anew"


def save_trace(path: Path, trace: PitchTrace) -> None:
    """Write a trace to an .npz file, which is there whole or not at all.

    Raises:
        PitchError: it cannot be written.
    """
    try:
        with whole_file(path) as partial, partial.open("wb") as file:
            np.savez_compressed(
                file,
                version=np.int64(VERSION),
                times_s=trace.times_s,
                pitch_midi=trace.pitch_midi,
                confidence=trace.confidence,
            )
    except OSError as error:
        raise PitchError(
            f"{path}: the pitch cannot be written: {error.strerror or error}; make room or choose another folder"
        ) from None


def load_trace(path: Path) -> PitchTrace:
    """Read what `save_trace` wrote.

    Raises:
        PitchError: it is missing, damaged, of another version, or no trace.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            version = int(arrays["version"])
            read = (
                [_numbers(arrays, name) for name in ("times_s", "pitch_midi", "confidence")]
                if version == VERSION
                else []
            )
    except Exception as error:  # zipfile, zlib and NumPy raise a dozen types for a damaged file, OSError among them
        if isinstance(error, OSError) and error.errno is not None:
            raise PitchError(f"{path}: the pitch cannot be read: {error.strerror}; {_AGAIN}") from None
        raise _damaged(path, str(error)) from None
    if version != VERSION:
        raise PitchError(f"{path}: expected a pitch file of version {VERSION}, found {version}; {_AGAIN}")
    times_s, pitch_midi, confidence = read
    if not len(times_s) == len(pitch_midi) == len(confidence):
        raise _damaged(path, "arrays of different lengths")
    if not np.isfinite(times_s).all() or (np.diff(times_s) <= 0).any():
        raise _damaged(path, "times that do not rise")
    if np.isinf(pitch_midi).any() or not ((confidence >= 0) & (confidence <= 1)).all():
        raise _damaged(path, "pitches or confidences beyond what is possible")
    return PitchTrace(times_s, pitch_midi.astype(np.float32), confidence.astype(np.float32))


def _numbers(arrays: Any, name: str) -> NDArray[np.float64]:
    array = arrays[name]
    if array.ndim != 1 or array.dtype.kind != "f":
        raise ValueError(f"{name} of shape {array.shape} and type {array.dtype}")
    return np.asarray(array, np.float64)


def _damaged(path: Path, found: str) -> PitchError:
    return PitchError(f"{path}: expected a pitch file written by advsep, found {found or 'a damaged one'}; {_AGAIN}")
