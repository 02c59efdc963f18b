"""A level, and the polarity if asked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..jit import jit
from ..parameter import SMOOTHING_S, Parameter
from ..plugin import Plugin
from ..rack_spec import LOUDEST_DB, QUIETEST_DB
from .envelope import factor_of, on_line

_DB, _INVERT = range(2)


class Gain(Plugin):
    """A level in dB, and the polarity if asked for.

    Multiplies by one factor; at 0 dB nothing is changed, at the lowest level nothing is left.

    A new level is reached in a straight line of decibels, a new polarity in one of the factor, through silence.
    """

    parameters = (
        Parameter(
            name="db",
            default=0.0,
            lowest=QUIETEST_DB,
            highest=LOUDEST_DB,
            unit="dB",
            smoothing_s=0.05,
            help=f"Level; {QUIETEST_DB:g} dB is silence.",
        ),
        Parameter.switch("invert", False, help="Turns the waveform upside down."),
    )

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        """See `Plugin`."""
        self._sign: NDArray[np.float64] = np.ones(1)  # 1 to -1, where the polarity is
        self._step = 2.0 / max(1.0, SMOOTHING_S * rate_hz)
        self.process(np.zeros((1, channels), np.float32))
        self.reset()

    def process(self, block: NDArray[np.float32]) -> None:
        """See `Plugin`."""
        _scale(block, self.values.begin, self.values.end, self._sign, self._step)

    def reset(self) -> None:
        """See `Plugin`."""
        self._sign[0] = 1.0 - 2.0 * self.value("invert")


@jit
def _scale(
    block: NDArray[np.float32],
    begin: NDArray[np.float64],
    end: NDArray[np.float64],
    sign: NDArray[np.float64],
    step: float,
) -> None:
    frames, channels = block.shape
    now, aim = sign[0], 1.0 - 2.0 * end[_INVERT]
    if begin[_DB] == end[_DB] and now == aim:
        factor = np.float32(aim * _factor(end[_DB]))
        if factor != np.float32(1.0):
            samples = block.reshape(block.size)
            for i in range(len(samples)):
                samples[i] *= factor
        return
    for i in range(frames):
        now = max(aim, now - step) if aim < now else min(aim, now + step)
        factor = np.float32(now * _factor(on_line(begin[_DB], end[_DB], i, frames)))
        for c in range(channels):
            block[i, c] *= factor
    sign[0] = now


@jit
def _factor(level_db: float) -> float:
    return factor_of(level_db) if level_db > QUIETEST_DB else 0.0
