"""Streaming sample-rate conversion that keeps samples where they were in time, through soxr."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray


class StreamResampler:
    """Blocks at one rate to blocks at another; the first sample out lies at the time of the first sample in.

    What comes out of a call is what could be computed so far, so blocks out vary in length. At the
    same rate on both sides blocks pass unchanged.

    Args:
        from_hz: rate of what goes in.
        to_hz: rate of what comes out.
        channels: of both.
    """

    def __init__(self, from_hz: int, to_hz: int, channels: int) -> None:
        self._stream = (
            None if from_hz == to_hz else soxr.ResampleStream(from_hz, to_hz, channels, dtype="float32", quality="HQ")
        )
        self._channels = channels

    def process(self, block: NDArray[np.float32], *, last: bool = False) -> NDArray[np.float32]:
        """Convert one block.

        Args:
            block: [sample, channel].
            last: nothing follows; what is still inside comes out.

        Returns:
            float32 [sample, channel].
        """
        if self._stream is None:
            return block
        return np.ascontiguousarray(self._stream.resample_chunk(block, last=last), np.float32)
