"""Blocks put in at one end and taken out in other lengths at the other, where memory may grow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class SampleQueue:
    """Holds [sample, channel] float32.

    Args:
        channels: of every block.
    """

    def __init__(self, channels: int) -> None:
        self._samples: NDArray[np.float32] = np.zeros((0, channels), np.float32)

    @property
    def held(self) -> int:
        """How many samples are inside."""
        return len(self._samples)

    def put(self, block: NDArray[np.float32]) -> None:
        """Append a block; it must not be changed by its owner any more."""
        self._samples = np.concatenate([self._samples, block]) if len(self._samples) else block

    def take(self, count: int) -> NDArray[np.float32]:
        """Remove the first `count` samples, or what there is."""
        taken, self._samples = self._samples[:count], self._samples[count:]
        return np.ascontiguousarray(taken)
