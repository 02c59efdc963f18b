"""Tracks of any data set as the trainer takes them: one file a stem."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import soundfile

from ...realtime.errors import AdvsepError
from ..tracks import STEMS, TrackFiles
from .track import DatasetTrack, Part, Role, read_sum


def as_track_files(
    tracks: Iterable[DatasetTrack], folder: Path, on_track: Callable[[DatasetTrack], None] = lambda track: None
) -> list[TrackFiles]:
    """One file a stem of each track that has both sources; the others are left out.

    A stem that is one whole file is taken where it lies. One that is a sum, a channel or a stream is written once,
    as 32-bit float WAV at its own rate, and again only when a part of it changes.

    Args:
        tracks: of data sets.
        folder: for what is written; made where it is missing.
        on_track: called after each track, for a progress bar.

    Raises:
        AdvsepError: a part cannot be read, or does not fit the others; or the disk is full.
    """
    found: list[TrackFiles] = []
    for track in tracks:
        if track.is_paired:
            stems = (_stem(track, role, folder) for role in STEMS)
            found.append(TrackFiles(track.name, track.corpus, *stems))
        on_track(track)
    return found


def _stem(track: DatasetTrack, role: Role, folder: Path) -> Path:
    parts = track.parts(role)
    if len(parts) == 1 and parts[0] == Part(parts[0].path):
        return parts[0].path
    path = folder / track.corpus / f"{track.name.replace('/', '_')}-{_key(parts)}" / f"{role}.wav"
    if not path.is_file():
        _write(parts, path)
    return path


def _key(parts: tuple[Part, ...]) -> str:
    key = hashlib.sha256()
    for part in parts:
        try:
            status = part.path.stat()
        except OSError as error:
            raise AdvsepError(f"{part.path}: cannot be read: {error.strerror}; get a whole copy") from None
        key.update(f"{part.path.resolve()}|{part.channel}|{part.stream}|{status.st_size}|{status.st_mtime_ns}".encode())
    return key.hexdigest()[:12]


def _write(parts: tuple[Part, ...], path: Path) -> None:
    samples, rate_hz = read_sum(parts)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as made:
            # Moved when whole: a file that is there is a file that is right.
            soundfile.write(Path(made) / path.name, samples, rate_hz, subtype="FLOAT")
            os.replace(Path(made) / path.name, path)
    except (OSError, soundfile.LibsndfileError) as error:
        why = getattr(error, "strerror", None) or error
        raise AdvsepError(f"{path}: cannot be written: {why}; free some space or choose another folder") from None
