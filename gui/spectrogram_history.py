"""The last seconds of three spectrograms and of what critics said of them, by position; of bounded size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .columns import PICTURES, Columns

NOTHING_DB = -np.inf


class History:
    """Columns by their positions; the oldest make room for the newest.

    Args:
        bands: of a column.
        capacity: columns that are kept.

    Attributes:
        start: position of the first column ever; -1 before it.
        end: position behind the newest column.
    """

    def __init__(self, bands: int, capacity: int) -> None:
        self.bands, self.capacity = bands, capacity
        self.start, self.end = -1, -1
        self._levels_db: NDArray[np.float32] = np.full((PICTURES, capacity, bands), NOTHING_DB, np.float32)
        self._loudest_db: NDArray[np.float32] = np.full(capacity, NOTHING_DB, np.float32)
        self._maps: NDArray[np.float32] | None = None  # weighted sums [source, column, band]; most windows have none
        self._weights: NDArray[np.float32] = np.zeros((PICTURES - 1, capacity), np.float32)

    @property
    def first(self) -> int:
        """Position of the oldest column that is kept."""
        return max(self.start, self.end - self.capacity)

    def append(self, columns: Columns) -> None:
        """Take newer columns; those between them and the last, if any, were lost and hold nothing."""
        position, levels_db = columns.position, columns.levels_db
        if self.start < 0:
            self.start = self.end = position
        if position > self.end:
            self._clear(max(self.end, position - self.capacity), position)
        end = position + levels_db.shape[1]
        begin = max(position, end - self.capacity, self.end)
        if end <= begin:
            return
        self._clear(begin, end)
        places = self._places(begin, end)
        self._levels_db[:, places] = levels_db[:, begin - position :]
        self._loudest_db[places] = levels_db[0, begin - position :].max(1)
        self.end = end

    def levels_db(self, picture: int, start: int, end: int) -> NDArray[np.float32]:
        """Levels [column, band] from a position to another; `NOTHING_DB` where nothing is kept.

        Args:
            picture: 0 mixture, 1 first source, 2 second source.
            start: of the first column.
            end: behind the last.
        """
        found = self._levels_db[picture, self._places(start, end)]
        return self._emptied(found, start, end, NOTHING_DB)

    def loudest_db(self, start: int, end: int) -> float:
        """Highest level of the mixture from a position to another."""
        start, end = max(start, self.first), min(end, self.end)
        return float(self._loudest_db[self._places(start, end)].max()) if start < end else NOTHING_DB

    def add_map(self, source: int, end: int, gradient: NDArray[np.float32]) -> tuple[int, int]:
        """Take a critic's map of the columns before `end`.

        A cell shows the mean of all maps that it lay in, those counting most in whose middle it lay: the gradient
        of the mean score of these patches.

        Args:
            source: 0 or 1.
            end: position behind the patch.
            gradient: float32 [band, frame].

        Returns:
            The positions between which something changed; equal where the columns are no longer kept.
        """
        frames = gradient.shape[1]
        start = max(end - frames, self.first)
        stop = min(end, self.end)
        if start >= stop:
            return end, end
        if self._maps is None:
            self._maps = np.zeros((PICTURES - 1, self.capacity, self.bands), np.float32)
        weights = np.sin(np.pi * (np.arange(frames, dtype=np.float32) + 0.5) / frames) ** 2
        inside = slice(start - (end - frames), stop - (end - frames))
        places = self._places(start, stop)
        self._maps[source, places] += (gradient * weights).T[inside]
        self._weights[source, places] += weights[inside]
        return start, stop

    def gradients(self, source: int, start: int, end: int) -> NDArray[np.float32]:
        """A critic's map [column, band] from a position to another; NaN where there is none."""
        if self._maps is None:
            return np.full((end - start, self.bands), np.nan, np.float32)
        places = self._places(start, end)
        weights = self._weights[source, places]
        weights = np.where(weights > 0, weights, np.float32(np.nan)).astype(np.float32)
        return self._emptied(self._maps[source, places] / weights[:, None], start, end, np.nan)

    def _places(self, start: int, end: int) -> NDArray[np.int64]:
        return np.arange(start, end) % self.capacity

    def _clear(self, start: int, end: int) -> None:
        """Have columns hold nothing, whatever they held a round ago."""
        places = self._places(start, end)
        self._levels_db[:, places] = NOTHING_DB
        self._loudest_db[places] = NOTHING_DB
        self._weights[:, places] = 0.0
        if self._maps is not None:
            self._maps[:, places] = 0.0

    def _emptied(self, values: NDArray[np.float32], start: int, end: int, nothing: float) -> NDArray[np.float32]:
        """With nothing at the positions that are not kept."""
        values[: max(self.first - start, 0)] = nothing
        values[max(self.end - start, 0) :] = nothing
        return values
