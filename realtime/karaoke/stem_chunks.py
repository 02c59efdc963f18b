"""A few seconds of stems as one file: 24-bit FLAC, written whole, read in pieces, never believed when damaged."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..errors import AdvsepError
from ..whole_file import whole_file

CHANNELS = 4  # accompaniment left, right, vocals left, right
LARGEST_SCALE = 0.5  # so that stems up to twice full scale fit
HIGHEST_FLAC_RATE_HZ = 655350
_FULL = 1 << 23  # of 24 bits
_COMMENT = re.compile(r"advsep stems, scale 2\^-(\d+), lead (\d+)")
_COMPRESSION = 0.5  # of 0 to 1: above it files get 6 % smaller in four times the time


class ChunkError(AdvsepError):
    """A file that is no whole chunk of stems."""


def write_chunk(path: Path, mixture: NDArray[np.float32], vocals: NDArray[np.float32], lead: int, rate_hz: int) -> None:
    """Write a chunk, whole or not at all.

    Both stems are rounded so that they add up to the rounded mixture exactly: a song of up to 23 bits comes back
    bit by bit when nothing is taken out. Sound beyond twice full scale is scaled further down, never clipped.

    Args:
        path: the file.
        mixture: [sample, channel], one channel or two.
        vocals: like `mixture`.
        lead: how many samples lie before the chunk's place, to be faded in over the end of the chunk before.
        rate_hz: sample rate, at most that of `FileSource`.

    Raises:
        OSError: it cannot be written.
    """
    exponent = _exponent(max(float(np.abs(part).max(initial=0.0)) for part in (mixture, vocals, mixture - vocals)))
    whole, voice = (np.rint(part.astype(np.float64) * (_FULL * 2.0**-exponent)) for part in (mixture, vocals))
    stems = np.empty((len(mixture), CHANNELS), np.int32)
    stems[:, :2], stems[:, 2:] = whole - voice, voice
    encoded = io.BytesIO()  # so that a full disk is the system's word, not libsndfile's
    with soundfile.SoundFile(
        encoded, "w", _header_rate_hz(rate_hz), CHANNELS, "PCM_24", format="FLAC", compression_level=_COMPRESSION
    ) as file:
        file.comment = f"advsep stems, scale 2^-{exponent}, lead {lead}"
        file.write(stems << 8)
    with whole_file(path) as partial:
        partial.write_bytes(encoded.getbuffer())


class ChunkReader:
    """A chunk decoded piece by piece; all of it has to be there and sound before any of it is given.

    Args:
        path: the file.
        samples: how many the chunk has, its lead aside.

    Attributes:
        lead: samples before the chunk's place.

    Raises:
        FileNotFoundError: it is not there.
        ChunkError: it is damaged, or something else.
    """

    def __init__(self, path: Path, samples: int) -> None:
        self.path = path
        self._encoded = _bytes_of(path)
        try:
            self._file: Any = soundfile.SoundFile(self._encoded)
        except (soundfile.SoundFileError, TypeError):
            raise self._damaged("no FLAC file") from None
        said = _COMMENT.fullmatch(self._file.comment or "")
        if said is None or self._file.channels != CHANNELS:
            raise self._damaged("sound of another origin")
        exponent, self.lead = map(int, said.groups())
        if self._file.frames != samples + self.lead:
            raise self._damaged(f"{self._file.frames} samples instead of {samples + self.lead}")
        self._gain = np.float32(2.0**exponent / (1 << 31))
        self._stems: NDArray[np.float32] = np.empty((self._file.frames, CHANNELS), np.float32)
        self._decoded = 0

    @property
    def is_decoded(self) -> bool:
        """Whether `stems` costs nothing any more."""
        return self._decoded == len(self._stems)

    def advance(self, count: int) -> None:
        """Decode so many more samples, or what is left.

        Raises:
            ChunkError: they are damaged.
        """
        count = min(count, len(self._stems) - self._decoded)
        if count == 0:
            return
        try:
            block = self._file.read(count, dtype="int32", always_2d=True)
        except (soundfile.SoundFileError, ValueError):
            raise self._damaged(f"damage after {self._decoded} samples") from None
        if len(block) < count:
            raise self._damaged(f"an end after {self._decoded + len(block)} samples")
        np.multiply(block, self._gain, out=self._stems[self._decoded : self._decoded + count], casting="unsafe")
        self._decoded += count
        if self.is_decoded:
            self.close()

    def stems(self) -> NDArray[np.float32]:
        """All of it [sample, channel], the lead first; not to be written.

        Raises:
            ChunkError: it is damaged.
        """
        self.advance(len(self._stems))
        return self._stems

    def close(self) -> None:
        """Let go of the file's bytes."""
        self._file.close()
        self._encoded.close()

    def _damaged(self, found: str) -> ChunkError:
        with contextlib.suppress(AttributeError):
            self._file.close()
        return ChunkError(f"{self.path}: expected a chunk of stems, found {found}; remove it to have it made anew")


def _exponent(peak: float) -> int:
    """By which power of two everything is divided so that the loudest sample fits."""
    exponent = round(-np.log2(LARGEST_SCALE))
    while peak * 2.0**-exponent * _FULL >= _FULL - 2:  # both stems may be rounded up
        exponent += 1
    return exponent


def _header_rate_hz(rate_hz: int) -> int:
    """The rate in the file's header, where only some are allowed; nobody of ours reads it."""
    streamable = rate_hz < 1 << 16 or (rate_hz % 10 == 0 and rate_hz <= HIGHEST_FLAC_RATE_HZ)
    return rate_hz if streamable else 48000


def _bytes_of(path: Path) -> io.BytesIO:
    # Read at once, it may be removed while it is decoded, also on Windows.
    try:
        return io.BytesIO(path.read_bytes())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ChunkError(f"{path}: cannot be read: {error.strerror}; see to the disk, or remove the file") from None
