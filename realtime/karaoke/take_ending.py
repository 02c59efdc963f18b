"""The end of a take: partial files become whole ones, whether it ended in order or its program was killed.

Every step can be interrupted and done again: the partial files are cut to one length and their headers
mended, then they take their names one by one, and `take.json` says last that all is done.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..whole_file import whole_file
from .take_details import DETAILS_FILE, State, TakeDetails, TakeError, read_details, utc_now, write_details
from .take_lock import TakeLock
from .take_wav import FULL_SCALE, GrowingWav, Shape, frames_in, mend, shape_of

MIXDOWN = "mixdown"
BLOCK_FRAMES = 1 << 16
_PARTIAL = ".wav.partial"


def partial_path(folder: Path, track: str) -> Path:
    """Where a track lies while it is recorded."""
    return folder / f".{track}{_PARTIAL}"


def track_path(folder: Path, track: str) -> Path | None:
    """Where a finished track lies, WAV before FLAC; None: it is not there."""
    paths = (folder / f"{track}.{ending}" for ending in ("wav", "flac"))
    return next((path for path in paths if path.is_file()), None)


def partial_tracks(folder: Path) -> tuple[str, ...]:
    """Tracks that are not finished.

    Raises:
        OSError: the folder cannot be read.
    """
    found = sorted(path.name for path in folder.glob(f".*{_PARTIAL}"))
    return tuple(name.removesuffix(_PARTIAL)[1:] for name in found)


def is_unfinished(folder: Path) -> bool:
    """Whether something was recorded there that was never finished; also while it is recorded."""
    with contextlib.suppress(OSError, TakeError):
        return bool(partial_tracks(folder)) or read_details(folder).state == "recording"
    return False


def finish_files(folder: Path, details: TakeDetails, state: State) -> TakeDetails:
    """Give all tracks of a take their length, their headers and their names.

    Args:
        folder: of the take.
        details: with its tracks.
        state: to be written.

    Returns:
        The details as they were written: length, tracks that are there, and notes.

    Raises:
        TakeError: nothing is there to keep, or the disk refuses; what is there stays and can be tried again.
    """
    try:
        notes, frames, rate_hz = _finish(folder, details)
    except (OSError, soundfile.LibsndfileError) as error:
        raise TakeError(
            f"{folder}: the take cannot be finished: {why(error)}; free some space and recover it"
        ) from None
    present = tuple(track for track in details.tracks if track_path(folder, track) is not None)
    finished = replace(
        details,
        state=state,
        rate_hz=rate_hz,
        duration_s=frames / rate_hz,
        tracks=present,
        notes=(*details.notes, *notes),
    )
    write_details(folder, finished)
    return finished


def recover(folder: Path) -> TakeDetails:
    """Make whole files of a take whose program died; one that is finished is left as it is.

    Where `take.json` is damaged it is put aside, and the take gets a new one.

    Raises:
        TakeError: it is being recorded, there is nothing to keep, or the disk refuses.
    """
    lock = TakeLock(folder)
    if not folder.is_dir():
        raise TakeError(f"{folder}: expected the folder of a take, found none; choose another")
    if not lock.take():
        raise TakeError(f"{folder}: this take is being recorded; end the recording first")
    try:
        details = _details_to_recover(folder)
        if is_unfinished(folder):
            details = finish_files(folder, details, "recovered")
            for leftover in folder.glob(".*.partial"):
                leftover.unlink(missing_ok=True)
        return details
    finally:
        lock.release()


def to_flac(folder: Path, track: str) -> Path:
    """Pack a finished WAV; it is removed once the FLAC was read back and is the same to the last bit.

    Raises:
        TakeError: it is not there, the disk refuses, or the copy is not the same; the WAV stays.
    """
    wav, target = folder / f"{track}.wav", folder / f"{track}.flac"
    try:
        with whole_file(target) as partial:
            with soundfile.SoundFile(wav) as source:
                if source.subtype != "PCM_24":
                    raise TakeError(f"{wav}: expected 24 bits to pack, found {source.subtype}; it stays as it is")
                rate_hz, channels = source.samplerate, source.channels
                with soundfile.SoundFile(partial, "w", rate_hz, channels, "PCM_24", format="FLAC") as packed:
                    for block in blocks_of(source):
                        packed.write(block)
            if not _is_same(wav, partial):
                raise TakeError(f"{target}: what was written is not what was read, so the WAV is kept; check the disk")
            _sync_file(partial)
        wav.unlink()
    except (OSError, soundfile.LibsndfileError) as error:
        raise TakeError(f"{target}: cannot be written: {why(error)}; the WAV beside it is kept") from None
    return target


def blocks_of(source: Any) -> Generator[NDArray[np.int32]]:
    """An open sound file as int32 [sample, channel], which holds 24 bits exactly."""
    while len(block := source.read(BLOCK_FRAMES, "int32", always_2d=True)):
        yield block


def why(error: Exception) -> str:
    """What the system said."""
    return error.strerror if isinstance(error, OSError) and error.strerror else "the disk took no more, or is damaged"


def _finish(folder: Path, details: TakeDetails) -> tuple[list[str], int, int]:
    """Returns notes, the length in frames, and the sample rate."""
    notes: list[str] = []
    partials: dict[str, Shape] = {}
    lengths: list[int] = []
    rate_hz = details.rate_hz
    for track in details.tracks:
        partial, final = partial_path(folder, track), track_path(folder, track)
        if final is not None:
            info = soundfile.info(final)
            lengths.append(int(info.frames))
            rate_hz = rate_hz or int(info.samplerate)
            partial.unlink(missing_ok=True)
        elif partial.exists() and (shape := shape_of(partial) or _usual_shape(track, rate_hz)):
            partials[track] = shape
            lengths.append(frames_in(partial, shape))
            rate_hz = rate_hz or shape.rate_hz
    # A file that a broken disk lost must not take the others with it.
    frames = min((length for length in lengths if length), default=0)
    if frames == 0:
        raise TakeError(f"{folder}: expected the sound of a take, found none; delete the take")
    for track, shape in partials.items():
        if frames_in(partial_path(folder, track), shape) < frames:
            notes.append(f"{track}: its file was empty and is lost")
            partial_path(folder, track).unlink()
        else:
            mend(partial_path(folder, track), shape, frames)
            notes += _give_name(folder, track, shape)
    return notes, frames, rate_hz


def _give_name(folder: Path, track: str, shape: Shape) -> list[str]:
    """Returns what is to be said about it."""
    partial, final = partial_path(folder, track), folder / f"{track}.wav"
    if not shape.as_float:
        os.replace(partial, final)
        return []
    try:
        gain_db = _to_24_bits(partial, final)
    except OSError as error:
        os.replace(partial, final)
        return [f"{track}: is kept as 32-bit floats, for 24 bits could not be written ({why(error)})"]
    partial.unlink()
    if gain_db == 0.0:
        return []
    return [f"{track}: was {-gain_db:.1f} dB beyond full scale, and is turned down as a whole by as much"]


def _to_24_bits(partial: Path, final: Path) -> float:
    """Turned down as a whole where it is beyond full scale; returns by how much, dB, 0 or below.

    Raises:
        OSError: it cannot be written.
    """
    with soundfile.SoundFile(partial) as source:
        shape = Shape(source.samplerate, source.channels, as_float=False)
        peak = max((float(np.abs(block).max()) for block in _floats_of(source)), default=0.0)
        gain = FULL_SCALE / peak if peak > FULL_SCALE else 1.0
        source.seek(0)
        # Not its usual partial name, which the floats have.
        whole = final.with_suffix(".wav.24bit")
        with whole_file(whole) as target:
            written = GrowingWav(target, shape)
            try:
                for block in _floats_of(source):
                    written.write(block * np.float32(gain))
            finally:
                written.close()
            mend(target, shape, written.frames)
        os.replace(whole, final)
    return 20 * math.log10(gain)


def _floats_of(source: Any) -> Generator[NDArray[np.float32]]:
    while len(block := source.read(BLOCK_FRAMES, "float32", always_2d=True)):
        yield block


def _is_same(one: Path, other: Path) -> bool:
    with soundfile.SoundFile(one) as a, soundfile.SoundFile(other) as b:
        return a.frames == b.frames and all(
            np.array_equal(x, y) for x, y in zip(blocks_of(a), blocks_of(b), strict=True)
        )


def _usual_shape(track: str, rate_hz: int) -> Shape | None:
    """Of a file whose header was lost."""
    return Shape(rate_hz, 2, as_float=track == MIXDOWN) if rate_hz else None


def _details_to_recover(folder: Path) -> TakeDetails:
    try:
        return read_details(folder)
    except TakeError as error:
        path = folder / DETAILS_FILE
        with contextlib.suppress(OSError):
            os.replace(path, path.with_suffix(".damaged.json"))
        details = TakeDetails(
            name=folder.name,
            song=folder.name,
            started=utc_now(),
            tracks=partial_tracks(folder),
            notes=(f"its description was lost: {error}",),
        )
        write_details(folder, details)
        return details


def _sync_file(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())
