"""Levels of what plays, measured hop by hop for a display that looks less often."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .jit import jit
from .spec import LOUDEST_SAMPLE
from .status import Level

_PEAK, _SQUARES, _COUNT = range(3)


class LevelMeter:
    """Peak and mean square of some strips since they were last read.

    One thread measures, another reads; what is read is at most a hop apart between strips.

    Args:
        strips: names of what is measured.
    """

    def __init__(self, strips: tuple[str, ...]) -> None:
        self.strips = strips
        self._sums: NDArray[np.float64] = np.zeros((len(strips), 3))
        self._anew: NDArray[np.bool_] = np.zeros(len(strips), np.bool_)

    def measure(self, strip: int, block: NDArray[np.float32]) -> None:
        """Add a block [frame, channel]; values that are no sound do not count."""
        _measure(self._sums, self._anew, strip, block)

    def read(self) -> dict[str, Level]:
        """Levels since the last call (the same again where nothing was measured meanwhile)."""
        sums = self._sums.copy()
        self._anew.fill(True)
        return {name: _level(*row) for name, row in zip(self.strips, sums, strict=True)}


def _level(peak: float, squares: float, count: float) -> Level:
    mean_square = squares / count if count else 0.0
    return Level(
        peak_dbfs=20 * math.log10(peak) if peak > 0 else -math.inf,
        rms_dbfs=10 * math.log10(mean_square) if mean_square > 0 else -math.inf,
    )


@jit
def _measure(sums: NDArray[np.float64], anew: NDArray[np.bool_], strip: int, block: NDArray[np.float32]) -> None:
    if anew[strip]:
        sums[strip] = 0.0
        anew[strip] = False
    peak, squares = np.float32(0.0), np.float64(0.0)
    for i in range(block.shape[0]):
        for c in range(block.shape[1]):
            value = abs(block[i, c])
            if value <= LOUDEST_SAMPLE:
                peak = max(peak, value)
                squares += np.float64(value) * np.float64(value)
    sums[strip, _PEAK] = max(sums[strip, _PEAK], np.float64(peak))
    sums[strip, _SQUARES] += squares
    sums[strip, _COUNT] += block.size
