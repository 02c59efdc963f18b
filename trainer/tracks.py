"""Training tracks: folders with `vocals.*` and `accompaniment.*`, decoded once into a cache of 16-bit arrays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..realtime.errors import AdvsepError
from .decoded import Decoded, load_decoded, read_decoded

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
    table = read_splits(splits_file)
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


def read_splits(path: Path) -> dict[str, dict[str, list[str]]]:
    """Names of a splits file, by corpus and split.

    Raises:
        AdvsepError: it cannot be read, or is of another form.
    """
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
    found = load_decoded({"vocals": files.vocals, "accompaniment": files.accompaniment}, rate_hz, cache)
    return _track_of(files, found)


def _track_of(files: TrackFiles, found: Decoded) -> Track:
    stems, hz = found.samples, found.bandwidth_hz
    return Track(files, stems["vocals"], stems["accompaniment"], hz["vocals"], hz["accompaniment"])


def _cached(files: TrackFiles, folder: Path) -> Track:
    return _track_of(files, read_decoded(STEMS, folder))
