"""How long hops take: a histogram of fixed size, exact count, mean and maximum, percentiles to 2 %."""

from __future__ import annotations

import math

import numpy as np

STEPS_A_DECADE = 128
SHORTEST_S = 1e-6
DECADES = 8


class HopTimes:
    """Times of hops in constant memory, whatever their number.

    Attributes:
        hops: counted so far.
        total_s: of all.
        max_s: of the longest.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(DECADES * STEPS_A_DECADE + 1, np.int64)
        self.hops = 0
        self.total_s = 0.0
        self.max_s = 0.0

    def add(self, elapsed_s: float, hops: int = 1) -> None:
        """Count `hops` hops that took `elapsed_s` together, each taken as its equal share."""
        share_s = elapsed_s / hops
        place = int(STEPS_A_DECADE * math.log10(max(share_s, SHORTEST_S) / SHORTEST_S))
        self._counts[min(place, len(self._counts) - 1)] += hops
        self.hops += hops
        self.total_s += elapsed_s
        self.max_s = max(self.max_s, share_s)

    def percentiles_s(self, *percents: float) -> list[float]:
        """Times that so many percent of the hops did not exceed: upper edges of steps, at most the maximum."""
        below = np.cumsum(self._counts)
        total = int(below[-1])
        if total == 0:
            return [0.0] * len(percents)
        places = [int(np.searchsorted(below, math.ceil(total * percent / 100))) for percent in percents]
        return [min(self.max_s, SHORTEST_S * 10 ** ((place + 1) / STEPS_A_DECADE)) for place in places]

    def percentile_s(self, percent: float) -> float:
        """One of `percentiles_s`."""
        return self.percentiles_s(percent)[0]
