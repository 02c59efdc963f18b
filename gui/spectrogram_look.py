"""How the spectrograms look: what the tool bar, the wheel and the keys change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

from .colour_maps import ColourName
from .frequency_axis import AxisKind, FrequencyScale

MapChoice = Literal["off", "voice", "accompaniment", "both"]
MAP_CHOICES: tuple[MapChoice, ...] = get_args(MapChoice)

SHORTEST_SPAN_S, LONGEST_SPAN_S = 0.5, 10.0
LOWEST_DB, HIGHEST_DB, SMALLEST_RANGE_DB = -150, 10, 10
_ALL_HZ = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """All that is to be chosen.

    Attributes:
        axis: of the frequencies.
        low_hz: at the bottom; kept within the axis.
        high_hz: at the top; kept within the axis.
        span_s: width of the pictures.
        low_db: of the darkest colour.
        high_db: of the lightest.
        colours: of the levels.
        map_choice: whose critic's map lies over whose estimate.
        signed: whether the map tells more from less.
        opacity: of the map, 0 to 1.
    """

    axis: AxisKind = "log"
    low_hz: float = 40.0
    high_hz: float = _ALL_HZ
    span_s: float = 8.0
    low_db: int = -90
    high_db: int = -10
    colours: ColourName = "magma"
    map_choice: MapChoice = "off"
    signed: bool = True
    opacity: float = 0.5

    def shows_map(self, source: int) -> bool:
        """Whether the map of the first (0) or second (1) source is shown."""
        return self.map_choice in (("voice", "accompaniment")[source], "both")

    def with_range(self, low_db: int, high_db: int) -> Look:
        """Other limits of the colours, kept apart; the upper one gives way."""
        low_db = min(max(low_db, LOWEST_DB), HIGHEST_DB - SMALLEST_RANGE_DB)
        return replace(self, low_db=low_db, high_db=min(max(high_db, low_db + SMALLEST_RANGE_DB), HIGHEST_DB))

    def with_span(self, span_s: float) -> Look:
        """Another width, within the limits."""
        return replace(self, span_s=min(max(span_s, SHORTEST_SPAN_S), LONGEST_SPAN_S))

    def zoomed(self, scale: FrequencyScale, factor: float, about_hz: float) -> Look:
        """Frequencies so many times as far apart."""
        low_hz, high_hz = scale.zoomed(*self.limits_hz(scale), factor, about_hz)
        return replace(self, low_hz=low_hz, high_hz=high_hz)

    def moved(self, scale: FrequencyScale, share: float) -> Look:
        """Frequencies moved up by a share of what is seen."""
        low_hz, high_hz = scale.moved(*self.limits_hz(scale), share)
        return replace(self, low_hz=low_hz, high_hz=high_hz)

    def whole(self) -> Look:
        """All frequencies, and the usual width."""
        return replace(self, low_hz=Look().low_hz if self.axis == "log" else 0.0, high_hz=_ALL_HZ, span_s=Look().span_s)

    def limits_hz(self, scale: FrequencyScale) -> tuple[float, float]:
        """Lowest and highest frequency that is seen on a scale."""
        low_hz, high_hz = max(self.low_hz, scale.lowest_hz), min(self.high_hz, scale.highest_hz)
        return (low_hz, high_hz) if low_hz < high_hz else (scale.lowest_hz, scale.highest_hz)
