"""Training tracks: folders with `vocals.*` and `accompaniment.*`, decoded once into a cache of 16-bit arrays."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from ..realtime.errors import AdvsepError

STEMS = ("vocals", "accompaniment")
SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".caf")
Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")
HOLD_OUT_EVERY = 10  # without a splits file one track in so many is kept for validation


@dataclass(frozen=True, slots=True)
class TrackFiles:
    """One song on disk: its folder, what names it in a splits file, and its two stems."""

    name: str
    corpus: str
    vocals: Path
    accompaniment: Path


@dataclass(frozen=True, slots=True)
class Track:
    """One decoded song.

    Attributes:
        vocals: int16 [sample, channel] at the model's rate, memory-mapped.
        accompaniment: likewise, as many samples.
        vocals_bandwidth_hz: above it the vocals' recording holds nothing.
        accompaniment_bandwidth_hz: likewise.
    """

    files: TrackFiles
    vocals: NDArray[np.int16]
    accompaniment: NDArray[np.int16]
    vocals_bandwidth_hz: float
    accompaniment_bandwidth_hz: float

    def __reduce__(self) -> tuple[Any, ...]:
        # Where worker processes are not forked (macOS, Windows) each would be sent the samples of every song.
        if isinstance(self.vocals, np.memmap):
            return _cached, (self.files, Path(str(self.vocals.filename)).parent)
        stems = (self.vocals, self.accompaniment)
        return Track, (self.files, *stems, self.vocals_bandwidth_hz, self.accompaniment_bandwidth_hz)


def find_tracks(roots: Iterable[Path]) -> list[TrackFiles]:
    """Every folder below `roots` that holds both stems, sorted by path.

    Raises:
        AdvsepError: a root is missing or holds no track, or a folder holds only one of its stems.
    """
    found: list[TrackFiles] = []
    for root in roots:
        if not root.is_dir():
            raise AdvsepError(f"{root}: no such folder; give a folder that holds one folder a track")
        tracks = [track for folder in sorted(_folders(root)) if (track := _track_in(folder, root)) is not None]
        if not tracks:
            raise AdvsepError(
                f"{root}: no tracks; expected folders that each hold vocals.wav and accompaniment.wav "
                f"(or {', '.join(SUFFIXES[1:])})"
            )
        found += tracks
    return found


def _folders(root: Path) -> set[Path]:
    return {path.parent for stem in STEMS for path in root.rglob(f"{stem}.*") if _is_audio(path)}


def _is_audio(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _track_in(folder: Path, root: Path) -> TrackFiles | None:
    stems: dict[str, Path] = {}
    for stem in STEMS:
        files = sorted(path for path in folder.glob(f"{stem}.*") if _is_audio(path))
        if len(files) != 1:
            found = ", ".join(p.name for p in files) or "none"
            todo = "keep one of them" if files else f"add {stem}.wav or take the folder away"
            raise AdvsepError(f"{folder}: expected one {stem}.* file, found {found}; {todo}")
        stems[stem] = files[0]
    corpus = folder.parent.name if folder != root else root.name
    return TrackFiles(folder.name, corpus, stems["vocals"], stems["accompaniment"])


def split_tracks(tracks: list[TrackFiles], splits_file: Path | None) -> dict[Split, list[TrackFiles]]:
    """Divide tracks into train, valid and test.

    Args:
        tracks: as `find_tracks` gives them.
        splits_file: JSON {corpus path: {"train": [names], "valid": […], "test": […]}}; without it
            every tenth track by name hash is kept for validation and none for test.

    Raises:
        AdvsepError: the file cannot be read, or a track is not in it.
    """
    divided: dict[Split, list[TrackFiles]] = {"train": [], "valid": [], "test": []}
    if splits_file is None:
        for track in tracks:
            digest = hashlib.sha256(track.name.encode()).digest()
            divided["valid" if digest[0] % HOLD_OUT_EVERY == 0 else "train"].append(track)
        if not divided["valid"] and len(divided["train"]) > 1:
            divided["valid"].append(divided["train"].pop())
        if not divided["train"] and divided["valid"]:
            divided["train"].append(divided["valid"].pop())
        return divided
    table = _read_splits(splits_file)
    for track in tracks:
        entry = _entry(table, track)
        home: list[Split] = [split for split in SPLITS if track.name in entry.get(split, [])]
        if len(home) != 1:
            raise AdvsepError(
                f"{splits_file}: track '{track.name}' of '{track.corpus}' must be in exactly one of "
                f"train, valid and test, found in {' and '.join(home) or 'none'}; change the file or leave it out"
            )
        divided[home[0]].append(track)
    return divided


def _read_splits(path: Path) -> dict[str, dict[str, list[str]]]:
    try:
        data: Any = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise AdvsepError(f"{path}: cannot read the splits: {error.strerror}") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise AdvsepError(f"{path}: expected JSON with train, valid and test names a corpus, found {error}") from None
    if not isinstance(data, dict):
        raise AdvsepError(f"{path}: expected a table of corpora, each with train, valid and test, found {data!r:.40}")
    table = {key: value for key, value in data.items() if isinstance(value, dict)}  # the rest is the file's version
    for corpus, entry in table.items():
        for split in SPLITS:
            names = entry.get(split, [])
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise AdvsepError(f"{path}: '{split}' of '{corpus}' must be a list of track names, found {names!r:.40}")
    return table


def _entry(table: dict[str, dict[str, list[str]]], track: TrackFiles) -> dict[str, list[str]]:
    """What the splits file says of a track's corpus: keys are paths, of which the last part must fit."""
    keys = [key for key in table if key.rsplit("/", 1)[-1] == track.corpus]
    above = track.vocals.parent.parent.as_posix()
    # Corpora of the same name, `accompaniment/librosa` and `mixtures/librosa`, are told apart by their folders.
    keys.sort(key=lambda key: f"/{above}".endswith(f"/{key}"), reverse=True)
    return table[keys[0]] if keys else {}


def load_tracks(
    files: list[TrackFiles], rate_hz: int, cache: Path, on_track: Callable[[TrackFiles], None] | None = None
) -> list[Track]:
    """Decode what the cache lacks and map the rest.

    Args:
        files: the tracks.
        rate_hz: rate to resample to.
        cache: folder for the decoded arrays; made where it is missing.
        on_track: called after each track, for a progress bar.

    Raises:
        AdvsepError: a stem cannot be read, holds NaN, or the two differ in length; or the disk is full.
    """
    tracks: list[Track] = []
    for item in files:
        tracks.append(_load_track(item, rate_hz, cache))
        if on_track is not None:
            on_track(item)
    return tracks


def _load_track(files: TrackFiles, rate_hz: int, cache: Path) -> Track:
    key = hashlib.sha256()
    for path in (files.vocals, files.accompaniment):
        status = path.stat()
        key.update(f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}|{rate_hz}|1".encode())
    folder = cache / key.hexdigest()[:24]
    try:
        return _cached(files, folder)
    except (OSError, EOFError, ValueError, KeyError, TypeError):  # not there yet, or damaged by a crash of the machine
        _decode_into(files, rate_hz, folder)
    return _cached(files, folder)


def _cached(files: TrackFiles, folder: Path) -> Track:
    info = json.loads((folder / "track.json").read_text("utf-8"))
    vocals, accompaniment = (np.load(folder / f"{stem}.npy", mmap_mode="r") for stem in STEMS)
    vocals_hz, accompaniment_hz = (float(info["bandwidth_hz"][stem]) for stem in STEMS)
    return Track(files, vocals, accompaniment, vocals_hz, accompaniment_hz)


def _decode_into(files: TrackFiles, rate_hz: int, folder: Path) -> None:
    stems = [_decode(path, rate_hz) for path in (files.vocals, files.accompaniment)]
    (vocals, vocals_hz), (accompaniment, accompaniment_hz) = stems
    if len(vocals) != len(accompaniment):
        raise AdvsepError(
            f"{files.vocals.parent}: stems of one track must have equal length, found vocals "
            f"{len(vocals) / rate_hz:.3f} s and accompaniment {len(accompaniment) / rate_hz:.3f} s; cut or pad one"
        )
    # One gain for both keeps the mixture in proportion where a stem is hotter than full scale.
    scale = 32767 / max(1.0, float(np.abs(vocals).max()), float(np.abs(accompaniment).max()))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as name:
            for stem, samples in zip(STEMS, (vocals, accompaniment), strict=True):
                np.save(Path(name) / f"{stem}.npy", np.round(samples * scale).astype(np.int16))
            bandwidth_hz = dict(zip(STEMS, (vocals_hz, accompaniment_hz), strict=True))
            info = {"track": str(files.vocals.parent), "bandwidth_hz": bandwidth_hz}
            (Path(name) / "track.json").write_text(json.dumps(info), "utf-8")
            folder.mkdir(exist_ok=True)
            # track.json goes last: its presence says that the arrays are whole.
            for file in (*(f"{stem}.npy" for stem in STEMS), "track.json"):
                os.replace(Path(name) / file, folder / file)
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
