"""Sound decoded once, kept as memory-mapped 16-bit arrays in a cache."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from ..realtime.errors import AdvsepError


@dataclass(frozen=True, slots=True)
class Decoded:
    """Files that belong together, of equal length.

    Attributes:
        samples: int16 [sample, channel] of each, memory-mapped.
        bandwidth_hz: above it each holds nothing.
    """

    samples: Mapping[str, NDArray[np.int16]]
    bandwidth_hz: Mapping[str, float]


def load_decoded(paths: Mapping[str, Path], rate_hz: int, cache: Path) -> Decoded:
    """Decode what the cache lacks and map the rest.

    Args:
        paths: of files that belong together, by name.
        rate_hz: rate to resample to.
        cache: folder for the arrays; made where it is missing.

    Raises:
        AdvsepError: a file cannot be read, holds NaN, or they differ in length; or the disk is full.
    """
    key = hashlib.sha256()
    for path in paths.values():
        status = path.stat()
        key.update(f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}|{rate_hz}|1".encode())
    folder = cache / key.hexdigest()[:24]
    try:
        return read_decoded(paths, folder)
    except (OSError, EOFError, ValueError, KeyError, TypeError):  # not there yet, or damaged by a crash of the machine
        _decode_into(paths, rate_hz, folder)
    return read_decoded(paths, folder)


def read_decoded(names: Iterable[str], folder: Path) -> Decoded:
    """What lies in one folder of the cache; raises what a missing or damaged file does."""
    names = tuple(names)
    info = json.loads((folder / "track.json").read_text("utf-8"))
    samples = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}
    return Decoded(samples, {name: float(info["bandwidth_hz"][name]) for name in names})


def _decode_into(paths: Mapping[str, Path], rate_hz: int, folder: Path) -> None:
    decoded = {name: _decode(path, rate_hz) for name, path in paths.items()}
    where = next(iter(paths.values())).parent
    if len({len(samples) for samples, _ in decoded.values()}) > 1:
        lengths = " and ".join(f"{name} {len(samples) / rate_hz:.3f} s" for name, (samples, _) in decoded.items())
        raise AdvsepError(f"{where}: stems of one track must have equal length, found {lengths}; cut or pad one")
    # One gain for all keeps the mixture in proportion where a stem is hotter than full scale.
    scale = 32767 / max(1.0, *(float(np.abs(samples).max()) for samples, _ in decoded.values()))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            for name, (samples, _) in decoded.items():
                np.save(Path(made) / f"{name}.npy", np.round(samples * scale).astype(np.int16))
            info = {"track": str(where), "bandwidth_hz": {name: hz for name, (_, hz) in decoded.items()}}
            (Path(made) / "track.json").write_text(json.dumps(info), "utf-8")
            folder.mkdir(exist_ok=True)
            # track.json goes last: its presence says that the arrays are whole.
            for file in (*(f"{name}.npy" for name in decoded), "track.json"):
                os.replace(Path(made) / file, folder / file)
    except OSError as error:
        raise AdvsepError(
            f"{folder.parent}: cannot write the cache of decoded audio: {error.strerror or error}; "
            "free some space or choose another folder with --cache"
        ) from None


def _decode(path: Path, rate_hz: int) -> tuple[NDArray[np.float32], float]:
    samples, source_hz = read_stem(path)
    bandwidth_hz = measured_bandwidth_hz(samples, source_hz)
    return soxr.resample(samples, source_hz, rate_hz, quality="HQ"), bandwidth_hz


def read_stem(path: Path) -> tuple[NDArray[np.float32], int]:
    """Samples [sample, channel] of a stem and their rate.

    Raises:
        AdvsepError: not audio, empty, of more than two channels, or holding NaN or infinity.
    """
    try:
        decoded: tuple[Any, int] = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        why = str(getattr(error, "error_string", error)).rstrip(".")
        raise AdvsepError(f"{path}: cannot be read as audio ({why}); convert it to WAV or FLAC") from None
    samples: NDArray[np.float32] = decoded[0]
    rate_hz = decoded[1]
    if len(samples) == 0:
        raise AdvsepError(f"{path}: holds no samples; take the track away or get a whole copy")
    if samples.shape[1] > 2:
        raise AdvsepError(f"{path}: expected mono or stereo, found {samples.shape[1]} channels; mix it down first")
    if not np.isfinite(samples).all():
        first = int(np.argmin(np.isfinite(samples).all(1)))
        raise AdvsepError(
            f"{path}: sample {first} ({first / rate_hz:.3f} s) is not a finite number; render the file again"
        )
    return samples, rate_hz


def measured_bandwidth_hz(samples: NDArray[np.float32], rate_hz: int, floor_db: float = -85.0) -> float:
    """Frequency above which a recording holds nothing, so that nothing can be learnt from it.

    The long-term power at each frequency is compared with the loudest. Returns the upper edge of the
    highest band above `floor_db`, at most 95 % of half the rate (resamplers roll off above). That most is
    also what silence gets: it is silent at every frequency.
    """
    most_hz = 0.475 * rate_hz
    frame = max(64, round(rate_hz / 250) * 8)
    count = len(samples) // frame
    if count == 0:
        return most_hz
    frames = samples[: count * frame].reshape(count, frame, -1)[:: max(1, count // 4000)]
    # A channel at a time: what is opposite in left and right is sound too.
    # Hann's side lobes would lift the first two empty kHz above the floor.
    window = np.kaiser(frame, 14.0)
    power = sum((np.abs(np.fft.rfft(channel * window, axis=1)) ** 2).mean(0) for channel in np.moveaxis(frames, 2, 0))
    audible = np.flatnonzero(power > np.max(power) * 10 ** (floor_db / 10))
    return min((int(audible[-1]) + 1) * rate_hz / frame, most_hz) if len(audible) else most_hz
