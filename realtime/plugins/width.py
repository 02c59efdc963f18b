"""Stereo width: more or less of what differs between the two channels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..jit import jit
from ..parameter import Parameter
from ..plugin import Plugin
from .envelope import any_moves, on_line

_WIDTH, _MONO_BELOW = range(2)
_LOWEST_HZ = 20.0  # of the filter; below, it is mixed in
_TAIL_S = 0.1


class Width(Plugin):
    """Wider or narrower stereo, with lows in the middle if asked for.

    Scales the side, half of left minus right, and leaves the middle, and so the sum of both, as it is.

    Below `mono_below_hz` the side falls by 12 dB an octave (Butterworth; trapezoidal state variable
    filter after Simper, "Linear Trapezoidal State Variable Filter", Cytomic 2014). A `width` of 1 with
    this off changes nothing; neither does anything on a mono strip.
    """

    parameters = (
        Parameter(name="width", default=1.3, highest=2.0, help="0 is mono, 1 as it came, 2 twice the side."),
        Parameter(
            name="mono_below_hz",
            default=0.0,
            highest=500.0,
            unit="Hz",
            smoothing_s=0.25,
            help="Frequencies below are made mono; 0 is off.",
        ),
    )

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        """See `Plugin`."""
        self.tail_samples = round(_TAIL_S * rate_hz) if channels == 2 else 0
        self._radians = math.pi / rate_hz
        self._state: NDArray[np.float64] = np.zeros(2)
        self.process(np.zeros((1, channels), np.float32))
        self.reset()

    def process(self, block: NDArray[np.float32]) -> None:
        """See `Plugin`."""
        if block.shape[1] == 2:
            _widen(block, self.values.begin, self.values.end, self._radians, self._state)

    def reset(self) -> None:
        """See `Plugin`."""
        self._state.fill(0.0)


@jit
def _widen(
    block: NDArray[np.float32],
    begin: NDArray[np.float64],
    end: NDArray[np.float64],
    radians: float,
    state: NDArray[np.float64],
) -> None:
    frames = len(block)
    moves = any_moves(begin, end)
    if begin[_MONO_BELOW] == 0.0 and end[_MONO_BELOW] == 0.0:
        state[:] = 0.0
        if not moves and end[_WIDTH] == 1.0:
            return
        for i in range(frames):
            width = on_line(begin[_WIDTH], end[_WIDTH], i, frames)
            own, other = np.float32((1.0 + width) / 2), np.float32((1.0 - width) / 2)
            left, right = block[i, 0], block[i, 1]
            block[i, 0] = own * left + other * right
            block[i, 1] = own * right + other * left
        return
    width, below_hz = end[_WIDTH], end[_MONO_BELOW]
    share, direct, cross, low = _filter(below_hz, radians)
    first, second = state[0], state[1]
    for i in range(frames):
        if moves:
            width = on_line(begin[_WIDTH], end[_WIDTH], i, frames)
            below_hz = on_line(begin[_MONO_BELOW], end[_MONO_BELOW], i, frames)
            share, direct, cross, low = _filter(below_hz, radians)
        left, right = np.float64(block[i, 0]), np.float64(block[i, 1])
        mid, side = (left + right) / 2, (left - right) / 2
        rest = side - second
        band = direct * first + cross * rest
        lows = second + cross * first + low * rest
        first, second = 2.0 * band - first, 2.0 * lows - second
        side = width * (side - share * (math.sqrt(2.0) * band + lows))
        block[i, 0], block[i, 1] = np.float32(mid + side), np.float32(mid - side)
    state[0], state[1] = first, second


@jit
def _filter(below_hz: float, radians: float) -> tuple[float, float, float, float]:
    """How much of the filter is heard, and its three coefficients (Simper's a1, a2, a3)."""
    g = math.tan(max(below_hz, _LOWEST_HZ) * radians)
    direct = 1.0 / (1.0 + g * (g + math.sqrt(2.0)))
    return min(1.0, below_hz / _LOWEST_HZ), direct, g * direct, g * g * direct
