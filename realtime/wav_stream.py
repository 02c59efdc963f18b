"""WAV without knowing its end: the header as programs write it to pipes, and what its samples mean."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .source import HIGHEST_RATE_HZ, LOWEST_RATE_HZ

UNKNOWN_FROM_BYTES = 0x7FFF0000  # programs that cannot know the length write 0 or something above
LONGEST_PIECE_BYTES = 1 << 16
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
READABLE = ((PCM, 16), (PCM, 24), (PCM, 32), (FLOAT, 32), (FLOAT, 64))


class NotWavError(Exception):
    """What was found instead, in words."""


@dataclass(frozen=True, slots=True)
class WavFormat:
    """How samples are stored.

    Attributes:
        tag: `PCM` or `FLOAT`.
        channels: 1 or 2.
        rate_hz: sample rate.
        bits: of one value.
    """

    tag: int
    channels: int
    rate_hz: int
    bits: int

    @property
    def frame_bytes(self) -> int:
        """Size of one sample of all channels."""
        return self.channels * self.bits // 8

    def samples(self, data: bytes) -> NDArray[np.float32]:
        """Whole frames as float32 [sample, channel]; integers come to lie in ±1."""
        if self.tag == FLOAT:
            values = np.frombuffer(data, f"<f{self.bits // 8}").astype(np.float32)
        elif self.bits == 24:
            widened = np.zeros((len(data) // 3, 4), np.uint8)
            widened[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
            values = widened.view("<i4")[:, 0].astype(np.float32) * np.float32(2.0**-31)
        else:
            values = np.frombuffer(data, f"<i{self.bits // 8}").astype(np.float32) * np.float32(2.0 ** (1 - self.bits))
        return values.reshape(-1, self.channels)


def read_header(take: Callable[[int], bytes]) -> tuple[WavFormat, int | None]:
    """Read up to the first sample.

    Args:
        take: returns exactly so many bytes, fewer where the stream ends.

    Returns:
        The format, and how many samples the header promises; None where it makes no promise.

    Raises:
        NotWavError: the stream is something else, or of a kind that is not read.
    """
    start = take(12)
    if not start:
        raise NotWavError("nothing")
    if start[:4] not in (b"RIFF", b"RF64", b"BW64") or start[8:] != b"WAVE":
        raise NotWavError(f"something that begins with {start[:8]!r}")
    found: WavFormat | None = None
    long_bytes = 0
    while True:
        tag, size = struct.unpack("<4sI", _exactly(take, 8))
        if tag == b"data":
            break
        padded = size + size % 2
        if tag == b"fmt ":
            found = _parse_format(_exactly(take, min(padded, 40)))
            padded -= min(padded, 40)
        elif tag == b"ds64" and padded >= 16:
            long_bytes = int(struct.unpack("<8xQ", _exactly(take, 16))[0])
            padded -= 16
        while padded:
            padded -= len(_exactly(take, min(padded, LONGEST_PIECE_BYTES)))
    if found is None:
        raise NotWavError("samples without a format")
    length_bytes = long_bytes if start[:4] != b"RIFF" and size == 0xFFFFFFFF else size
    known = 0 < length_bytes < (UNKNOWN_FROM_BYTES if length_bytes == size else 1 << 62)
    return found, length_bytes // found.frame_bytes if known else None


def stream_header(rate_hz: int, channels: int) -> bytes:
    """The header of 32-bit float WAV whose length nobody knows yet: the largest that it can say."""
    frame_bytes, unknown = 4 * channels, 0xFFFFFFFF
    form = struct.pack("<HHIIHHH", FLOAT, channels, rate_hz, rate_hz * frame_bytes, frame_bytes, 32, 0)
    chunks = (b"fmt ", len(form)), (b"fact", 4), (b"data", unknown)
    heads = [struct.pack("<4sI", *chunk) for chunk in chunks]
    return b"".join(
        (
            struct.pack("<4sI4s", b"RIFF", unknown, b"WAVE"),
            heads[0],
            form,
            heads[1],
            struct.pack("<I", unknown),
            heads[2],
        )
    )


def _exactly(take: Callable[[int], bytes], count: int) -> bytes:
    taken = take(count)
    if len(taken) < count:
        raise NotWavError("an end within its header")
    return taken


def _parse_format(content: bytes) -> WavFormat:
    if len(content) < 16:
        raise NotWavError("a format of too few bytes")
    tag, channels, rate_hz, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", content)
    if tag == EXTENSIBLE and len(content) >= 26:
        tag = struct.unpack_from("<H", content, 24)[0]
    if (tag, bits) not in READABLE:
        raise NotWavError(f"samples of kind {tag} with {bits} bits; add `-c:a pcm_s16le` or `-c:a pcm_f32le`")
    if channels not in (1, 2):
        raise NotWavError(f"{channels} channels where mono or stereo is possible; add `-ac 2`")
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise NotWavError(
            f"a sample rate of {rate_hz} Hz where {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz are possible; "
            "add `-ar 44100`"
        )
    if frame_bytes != channels * bits // 8:
        raise NotWavError(f"frames of {frame_bytes} bytes for {channels} channels of {bits} bits")
    return WavFormat(tag, channels, rate_hz, bits)
