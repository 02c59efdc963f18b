"""WAV files that grow: what is written is in the file at once, and the header can be mended from its length.

24 bits of PCM, or 32-bit floats for what may become louder than full scale. Beyond 4 GiB the header is
that of RF64 (EBU Tech 3306); room for it is kept from the start.
"""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..wav_stream import FLOAT, PCM

HEADER_BYTES = 80  # RIFF, room for the sizes of RF64, format, beginning of the data
FULL_SCALE = 1.0 - 2.0**-23  # the loudest of 24 bits
_RIFF_LIMIT_BYTES = 0xFFFFFFFF
_PCM_STEPS = 2.0**23


class Shape(NamedTuple):
    """How samples are stored.

    Attributes:
        rate_hz: sample rate.
        channels: of the file.
        as_float: 32-bit floats, else 24 bits.
    """

    rate_hz: int
    channels: int
    as_float: bool

    @property
    def frame_bytes(self) -> int:
        """Size of one sample of all channels."""
        return self.channels * (4 if self.as_float else 3)


class GrowingWav:
    """A file that is being recorded; every sample of a finished `write` outlives the death of the process.

    Not safe for threads, except that `sync` may be called by another.

    Args:
        path: made; one that is there is replaced.
        shape: of the samples.

    Attributes:
        frames: written completely.
        clipped: values of 24 bits beyond full scale, written as full scale.
        silenced: values that were no numbers, written as 0.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, path: Path, shape: Shape) -> None:
        self.path, self.shape = path, shape
        self.frames = self.clipped = self.silenced = 0
        self._file = path.open("wb", buffering=0)
        try:
            self._write(header(shape, 0))
        except OSError:
            self._file.close()
            raise

    def write(self, frames: NDArray[np.float32]) -> None:
        """Append [sample, channel].

        Raises:
            OSError: the disk is full or gone; what is in the file before stays readable.
        """
        if not np.isfinite(frames).all():
            self.silenced += int(np.count_nonzero(~np.isfinite(frames)))
            frames = np.nan_to_num(frames, nan=0.0, posinf=0.0, neginf=0.0)
        if self.shape.as_float:
            data = np.ascontiguousarray(frames, "<f4").tobytes()
        else:
            self.clipped += int(np.count_nonzero(np.abs(frames) > 1.0))
            data = pcm24(frames)
        self._write(data)
        self.frames += len(frames)

    def sync(self) -> None:
        """Have the disk itself hold what was written, against a loss of power; may take long.

        Raises:
            OSError: the disk is full or gone.
        """
        _sync_data(self._file.fileno())

    def close(self) -> None:
        """Close it as it is; `mend` completes it."""
        self._file.close()

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            # A disk that gets full takes a part first, and refuses the next.
            written = self._file.write(rest)
            if not written:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            rest = rest[written:]


def pcm24(frames: NDArray[np.float32]) -> bytes:
    """Little-endian 24-bit integers; ±1 is full scale, what is beyond becomes full scale."""
    steps = np.clip(np.rint(frames.astype(np.float64) * _PCM_STEPS), -_PCM_STEPS, _PCM_STEPS - 1)
    return np.ascontiguousarray(steps.astype("<i4")).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def header(shape: Shape, frames: int) -> bytes:
    """The first `HEADER_BYTES` of a file of so many frames: RIFF, or RF64 where it is 4 GiB or more."""
    data_bytes = frames * shape.frame_bytes
    riff_bytes = HEADER_BYTES - 8 + data_bytes + data_bytes % 2
    is_long = riff_bytes > _RIFF_LIMIT_BYTES
    shown_riff, shown_data = (_RIFF_LIMIT_BYTES,) * 2 if is_long else (riff_bytes, data_bytes)
    sizes = struct.pack("<QQQI", riff_bytes, data_bytes, frames, 0) if is_long else bytes(28)
    form = struct.pack(
        "<HHIIHH",
        FLOAT if shape.as_float else PCM,
        shape.channels,
        shape.rate_hz,
        shape.rate_hz * shape.frame_bytes,
        shape.frame_bytes,
        32 if shape.as_float else 24,
    )
    return b"".join(
        (
            struct.pack("<4sI4s", b"RF64" if is_long else b"RIFF", shown_riff, b"WAVE"),
            struct.pack("<4sI", b"ds64" if is_long else b"JUNK", len(sizes)) + sizes,
            struct.pack("<4sI", b"fmt ", len(form)) + form,
            struct.pack("<4sI", b"data", shown_data),
        )
    )


def shape_of(path: Path) -> Shape | None:
    """What a file of ours says of itself; None where its header is not one of ours.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        found = file.read(HEADER_BYTES)
    if len(found) < HEADER_BYTES or found[:4] not in (b"RIFF", b"RF64") or found[48:52] != b"fmt ":
        return None
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", found, 56)
    if (tag, bits) not in ((PCM, 24), (FLOAT, 32)) or not channels or not rate_hz or found[72:76] != b"data":
        return None
    return Shape(rate_hz, channels, tag == FLOAT)


def frames_in(path: Path, shape: Shape) -> int:
    """Whole frames by the length of the file, whatever its header says.

    Raises:
        OSError: it cannot be read.
    """
    return max(0, path.stat().st_size - HEADER_BYTES) // shape.frame_bytes


def mend(path: Path, shape: Shape, frames: int) -> None:
    """Cut the file to so many frames, give it the header that it needs, and have the disk hold it.

    Raises:
        OSError: it cannot be changed.
    """
    with path.open("r+b", buffering=0) as file:
        data_bytes = frames * shape.frame_bytes
        file.truncate(HEADER_BYTES + data_bytes)
        file.truncate(HEADER_BYTES + data_bytes + data_bytes % 2)
        file.write(header(shape, frames))
        os.fsync(file.fileno())


def _sync_data(descriptor: int) -> None:
    # macOS and Windows have only the other, which writes the file's times as well.
    getattr(os, "fdatasync", os.fsync)(descriptor)
