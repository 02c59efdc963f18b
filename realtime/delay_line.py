"""A delay whose length may change while sound goes through it, without a click."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import jit
from .parameter import SMOOTHING_S


class DelayLine:
    """Delays blocks of any length in place; a new delay fades in while the old one fades out.

    Args:
        max_delay: longest delay, samples.
        channels: of each block.
        rate_hz: sample rate.
    """

    def __init__(self, max_delay: int, channels: int, rate_hz: int) -> None:
        self.max_delay = max_delay
        # One frame more than the delay, for the frame that comes in is written first.
        self._past: NDArray[np.float32] = np.zeros((1 << max_delay.bit_length(), channels), np.float32)
        self._delay = self._old = self._at = 0
        self._fade_frames = max(1, round(SMOOTHING_S * rate_hz))
        self._faded = self._fade_frames  # frames of the fade that are over

    @property
    def delay_samples(self) -> int:
        """The delay that is set."""
        return self._delay

    @property
    def fading(self) -> bool:
        """Whether the delay is on its way to what was set."""
        return self._faded < self._fade_frames

    def set_delay(self, samples: int, *, fade: bool = True) -> None:
        """Another delay from the next block on.

        Raises:
            ValueError: it is longer than `max_delay`.
            RuntimeError: another one fades in already.
        """
        if not 0 <= samples <= self.max_delay:
            raise ValueError(f"delay of {samples} samples: expected 0 to {self.max_delay}")
        if samples == self._delay:
            return
        if self.fading:
            raise RuntimeError("the delay changes already")
        self._old, self._delay = self._delay, samples
        self._faded = 0 if fade else self._fade_frames

    def reset(self) -> None:
        """Forget what went in."""
        self._past.fill(0.0)
        self._faded = self._fade_frames

    def process(self, block: NDArray[np.float32]) -> None:
        """Delay a block [frame, channel] in place."""
        if self.max_delay:
            self._faded = _delay(self._past, self._at, block, self._delay, self._old, self._faded, self._fade_frames)
            self._at += len(block)


@jit
def _delay(
    past: NDArray[np.float32],
    at: int,
    block: NDArray[np.float32],
    delay: int,
    old: int,
    faded: int,
    fade_frames: int,
) -> int:
    """Frame n of all that came lies at n modulo the length; returns the frames of the fade that are over."""
    mask = past.shape[0] - 1
    for i in range(block.shape[0]):
        here = at + i
        past[here & mask] = block[i]
        if faded < fade_frames:
            faded += 1
            share = np.float32(faded) / np.float32(fade_frames)
            for c in range(block.shape[1]):
                before = past[(here - old) & mask, c]
                block[i, c] = before + share * (past[(here - delay) & mask, c] - before)
        else:
            for c in range(block.shape[1]):
                block[i, c] = past[(here - delay) & mask, c]
    return faded
