"""Faster or slower, higher or lower: what a song is played at."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .errors import AdvsepError

SLOWEST, FASTEST = 0.5, 1.5
FARTHEST_SEMITONES = 12.0


class TuneError(AdvsepError):
    """A tempo or key that cannot be played."""


@dataclass(frozen=True, slots=True)
class Tune:
    """Tempo and key beside those of the song itself.

    Attributes:
        tempo: seconds of the song a second, `SLOWEST` to `FASTEST`.
        key_semitones: higher than the song, at most `FARTHEST_SEMITONES` either way.

    Raises:
        TuneError: beyond that.
    """

    tempo: float = 1.0
    key_semitones: float = 0.0

    def __post_init__(self) -> None:
        if not SLOWEST <= self.tempo <= FASTEST:
            raise TuneError(
                f"tempo: expected {SLOWEST:.0%} to {FASTEST:.0%} of the song's, found {self.tempo:.0%}; choose another"
            )
        if not math.isfinite(self.key_semitones) or abs(self.key_semitones) > FARTHEST_SEMITONES:
            raise TuneError(
                f"key: expected at most {FARTHEST_SEMITONES:g} semitones up or down, found {self.key_semitones:g}; "
                "choose another"
            )

    @property
    def is_neutral(self) -> bool:
        """Whether the song is played as it is."""
        return self.tempo == 1 and self.key_semitones == 0


AS_IT_IS = Tune()
