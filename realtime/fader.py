"""Gain and pan of a strip, and what it sends elsewhere, without a click when they change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import jit
from .parameter import SMOOTHING_S


class Fader:
    """One gain a channel, going in straight lines at the speed of a full-scale change in `SMOOTHING_S`.

    Setting is safe from any thread, processing belongs to one.

    Args:
        rate_hz: sample rate.
        channels: 1 or 2.
        gain: at first.
    """

    def __init__(self, rate_hz: int, channels: int, gain: float = 1.0) -> None:
        self._targets: NDArray[np.float32] = np.full(channels, gain, np.float32)
        self._gains = self._targets.copy()
        self._step = np.float32(1.0 / max(1.0, SMOOTHING_S * rate_hz))

    def aim(self, gain: float, pan: float = 0.0) -> None:
        """Go to a gain; `pan` from -1 (left) to 1 (right) makes the other side quieter, in the middle nothing."""
        self._targets[:] = gain
        if len(self._targets) == 2:
            self._targets[0] *= np.float32(min(1.0, 1.0 - pan))
            self._targets[1] *= np.float32(min(1.0, 1.0 + pan))

    def jump(self) -> None:
        """Be there, as before the first sample."""
        self._gains[:] = self._targets

    @property
    def loudest(self) -> float:
        """The greatest gain that is aimed at."""
        return float(self._targets.max())

    @property
    def silent(self) -> bool:
        """Whether nothing comes through, now and from now on."""
        return not self._targets.any() and not self._gains.any()

    def scale(self, block: NDArray[np.float32]) -> None:
        """Apply to a block [frame, channel] in place."""
        _scale(block, block, self._gains, self._targets, self._step, False)

    def add(self, block: NDArray[np.float32], to: NDArray[np.float32]) -> None:
        """Add a block at this level to another one."""
        _scale(block, to, self._gains, self._targets, self._step, True)


def gain_of(gain_db: float) -> float:
    """The factor of a level."""
    return 10 ** (gain_db / 20)


@jit
def _scale(
    source: NDArray[np.float32],
    target: NDArray[np.float32],
    gains: NDArray[np.float32],
    aims: NDArray[np.float32],
    step: np.float32,
    adds: bool,
) -> None:
    for c in range(source.shape[1]):
        gain, aim = gains[c], aims[c]
        for i in range(source.shape[0]):
            if gain < aim:
                gain = min(gain + step, aim)
            elif gain > aim:
                gain = max(gain - step, aim)
            value = gain * source[i, c]
            target[i, c] = target[i, c] + value if adds else value
        gains[c] = gain
