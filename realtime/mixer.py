"""Levels of the stems and their sum, without a click when they change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import jit

SMOOTHING_S = 0.015


class StemMixer:
    """Gain and mute a stem, and the sum of all.

    A change takes effect as a straight line over `SMOOTHING_S` at the speed of a full-scale change.

    Args:
        sources: names of the stems, in the order of the arrays given to `process`.
        rate_hz: sample rate.
    """

    def __init__(self, sources: tuple[str, ...], rate_hz: int) -> None:
        self.sources = sources
        self._gain_db = dict.fromkeys(sources, 0.0)
        self._muted = dict.fromkeys(sources, False)
        self._targets = np.ones(len(sources), np.float32)
        self._gains = np.ones(len(sources), np.float32)
        self._step = np.float32(1.0 / (SMOOTHING_S * rate_hz))

    def set_gain_db(self, source: str, gain_db: float) -> None:
        """Level of one stem; 0 dB leaves it as it is."""
        self._gain_db[source] = gain_db
        self._aim()

    def set_muted(self, source: str, muted: bool) -> None:
        """Silence one stem, or let it sound again at its level."""
        self._muted[source] = muted
        self._aim()

    def is_muted(self, source: str) -> bool:
        """Whether a stem is muted."""
        return self._muted[source]

    @property
    def loudest_gain(self) -> float:
        """The greatest gain that is aimed at."""
        return float(self._targets.max())

    def jump(self) -> None:
        """Take the levels that are set at once, as before the first sample."""
        self._gains[:] = self._targets

    def process(self, stems: list[NDArray[np.float32]], mix: NDArray[np.float32]) -> None:
        """Scale the stems in place and write their sum.

        Args:
            stems: in the order of `sources`, each [sample, channel].
            mix: like one stem, written.
        """
        mix.fill(0.0)
        for i, stem in enumerate(stems):
            self._gains[i] = _scale_into(stem, mix, self._gains[i], self._targets[i], self._step)

    def _aim(self) -> None:
        for i, source in enumerate(self.sources):
            self._targets[i] = 0.0 if self._muted[source] else 10 ** (self._gain_db[source] / 20)


@jit
def _scale_into(
    stem: NDArray[np.float32], mix: NDArray[np.float32], gain: np.float32, target: np.float32, step: np.float32
) -> np.float32:
    for i in range(stem.shape[0]):
        if gain < target:
            gain = min(gain + step, target)
        elif gain > target:
            gain = max(gain - step, target)
        for c in range(stem.shape[1]):
            stem[i, c] *= gain
            mix[i, c] += stem[i, c]
    return gain
