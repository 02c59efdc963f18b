"""Where a frequency lies on a picture: by octaves or by the model's bands; rows, ticks and back again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..realtime.bands import band_edges_hz
from ..realtime.telemetry import Layout

AxisKind = Literal["log", "bands"]
AXIS_KINDS: tuple[AxisKind, ...] = get_args(AxisKind)

LOWEST_HZ = 20.0  # of the axis by octaves, which has no zero
_ROUND_ENOUGH, _ENOUGH_TICKS = 1, 4  # digits 3, 4, 6, … only where 1, 2 and 5 leave the axis bare
_NARROWEST: dict[AxisKind, float] = {"log": math.log(1.5), "bands": 8.0}


@dataclass(frozen=True, slots=True)
class Rows:
    """Which bands the rows of a picture show.

    Attributes:
        starts: first band of each row, from the lowest row up; a row shows its bands' highest level.
        stop: the band behind those of the highest row.
    """

    starts: NDArray[np.intp]
    stop: int


class FrequencyScale:
    """Frequencies and places along an axis of one kind; places rise with the frequency.

    Args:
        kind: `log`: a place is ln(Hz); `bands`: its number, so that the lower bands, which are narrow, have room.
        edges_hz: of the bands, rising, one more than bands.
    """

    def __init__(self, kind: AxisKind, edges_hz: NDArray[np.float64]) -> None:
        self.kind: AxisKind = kind
        self.edges_hz = edges_hz

    @property
    def lowest_hz(self) -> float:
        """Where the axis can begin."""
        return max(LOWEST_HZ, float(self.edges_hz[0])) if self.kind == "log" else float(self.edges_hz[0])

    @property
    def highest_hz(self) -> float:
        """Where the axis can end."""
        return float(self.edges_hz[-1])

    def place_of(self, hz: float) -> float:
        """Place of a frequency, kept within the axis."""
        hz = min(max(hz, self.lowest_hz), self.highest_hz)
        if self.kind == "log":
            return math.log(hz)
        return float(np.interp(hz, self.edges_hz, np.arange(len(self.edges_hz))))

    def hz_of(self, place: float) -> float:
        """Frequency at a place."""
        if self.kind == "log":
            return math.exp(place)
        return float(np.interp(place, np.arange(len(self.edges_hz)), self.edges_hz))

    def band_of(self, hz: float) -> int:
        """The band that a frequency belongs to."""
        band = int(np.searchsorted(self.edges_hz, hz, "right")) - 1
        return min(max(band, 0), len(self.edges_hz) - 2)

    def zoomed(self, low_hz: float, high_hz: float, factor: float, about_hz: float) -> tuple[float, float]:
        """Limits `factor` times as far apart, with `about_hz` where it was; kept within the axis, and not too near."""
        low, high, about = self.place_of(low_hz), self.place_of(high_hz), self.place_of(about_hz)
        bottom, top = self.place_of(self.lowest_hz), self.place_of(self.highest_hz)
        width = min(max((high - low) * factor, min(_NARROWEST[self.kind], top - bottom)), top - bottom)
        share = (about - low) / (high - low)
        low = min(max(about - share * width, bottom), top - width)
        return self.hz_of(low), self.hz_of(low + width)

    def moved(self, low_hz: float, high_hz: float, share: float) -> tuple[float, float]:
        """Limits moved up by a share of what they enclose, as far as the axis goes."""
        low, high = self.place_of(low_hz), self.place_of(high_hz)
        bottom, top = self.place_of(self.lowest_hz), self.place_of(self.highest_hz)
        step = min(max(share * (high - low), bottom - low), top - high)
        return self.hz_of(low + step), self.hz_of(high + step)


class FrequencyAxis:
    """A scale between two limits on a picture so many rows high; row 0 is the highest.

    Args:
        scale: of the axis.
        low_hz: at the lower edge of the lowest row.
        high_hz: at the upper edge of the highest row.
        rows: height of the picture.
    """

    def __init__(self, scale: FrequencyScale, low_hz: float, high_hz: float, rows: int) -> None:
        self.scale, self.rows = scale, rows
        self._low, self._high = scale.place_of(low_hz), scale.place_of(high_hz)

    def y_of(self, hz: float) -> float:
        """Distance from the top of the picture, in rows."""
        return (self._high - self.scale.place_of(hz)) / (self._high - self._low) * self.rows

    def hz_at(self, y: float) -> float:
        """Frequency at a distance from the top, in rows."""
        return self.scale.hz_of(self._high - y / self.rows * (self._high - self._low))

    def shown(self) -> Rows:
        """Which bands each row shows."""
        edges = [self.hz_at(float(y)) for y in range(self.rows, -1, -1)]
        starts = np.array([self.scale.band_of(hz) for hz in edges[:-1]], np.intp)
        last = int(np.searchsorted(self.scale.edges_hz, edges[-1] * (1 - 1e-9), "left")) - 1
        return Rows(starts, max(last, int(starts[-1])) + 1)

    def ticks(self, apart_rows: float) -> list[tuple[float, str]]:
        """Frequencies worth a name and their names, at least so many rows apart, from the top."""
        found: list[tuple[float, str]] = []
        taken = list[float]()
        for roundness, hz in _round_frequencies(self.hz_at(self.rows), self.hz_at(0)):
            if roundness > _ROUND_ENOUGH and len(found) >= _ENOUGH_TICKS:
                break
            y = self.y_of(hz)
            if apart_rows / 2 <= y <= self.rows - apart_rows / 2 and all(abs(y - each) >= apart_rows for each in taken):
                found.append((hz, hz_words(hz)))
                taken.append(y)
        return sorted(found, reverse=True)


def edges_hz(layout: Layout) -> NDArray[np.float64]:
    """Edges of a layout's bands, from 0 on."""
    return np.maximum(band_edges_hz(layout.band_edges_bins, layout.model_rate_hz, layout.window_samples), 0.0)


def hz_words(hz: float) -> str:
    """`440 Hz`, `1.5 kHz`."""
    return f"{hz:.0f} Hz" if hz < 999.5 else f"{hz / 1000:.3g} kHz"


def _round_frequencies(low_hz: float, high_hz: float) -> Iterator[tuple[int, float]]:
    """The roundest first, with a number: 1, then 2 and 5, then the other digits, then tenths of them."""
    decades = [10.0**i for i in range(1, 5)]
    tenths = tuple(i / 10 for i in range(11, 100) if i % 10)
    for roundness, digits in enumerate(((1.0,), (2.0, 5.0), (3.0, 4.0, 6.0, 7.0, 8.0, 9.0), tenths)):
        for decade in decades:
            for digit in digits:
                if low_hz <= digit * decade <= high_hz:
                    yield roundness, digit * decade
