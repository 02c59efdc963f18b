"""A microphone that is turned down, made as loud as the pitch network wants it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WANTED_PEAK = 0.3
MOST_GAIN = 10 ** (30 / 20)
FORGOTTEN_DB_A_SECOND = 2.0


class AutoLevel:
    """Hops brought to the level at which the loudest of the last seconds has `WANTED_PEAK`; louder ones stay.

    The network was taught at usual levels: of a voice with peaks at −40 dBFS it still finds the pitch but no longer
    believes it (share of sung frames found: 0.61, with this 0.99; docs/karaoke-score.md). The gain rises slowly, so
    that a pause stays a pause, and falls at once. What a hop becomes depends on it and those before it alone.

    Args:
        hop_s: length of a hop.
    """

    def __init__(self, hop_s: float) -> None:
        self._kept = 10 ** (-FORGOTTEN_DB_A_SECOND * hop_s / 20)
        self.reset()

    def reset(self) -> None:
        """Forget how loud it was."""
        self._loudest = WANTED_PEAK / MOST_GAIN
        self._gain = MOST_GAIN

    def process(self, hops: NDArray[np.float32]) -> NDArray[np.float32]:
        """Hops [hop, sample], amplified."""
        gains = np.empty(len(hops) + 1, np.float32)
        gains[0] = self._gain
        for n, peak in enumerate(np.abs(hops).max(axis=1)):
            self._loudest = max(float(peak), self._loudest * self._kept)
            gains[n + 1] = min(max(WANTED_PEAK / self._loudest, 1.0), MOST_GAIN)
        self._gain = float(gains[-1])
        rising = np.arange(1, hops.shape[1] + 1, dtype=np.float32) / hops.shape[1]
        start, end = np.minimum(gains[:-1], gains[1:])[:, np.newaxis], gains[1:, np.newaxis]
        return hops * (start + (end - start) * rising)
