"""Where a song is between two reports of it, so that words and notes move evenly."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

LONGEST_GUESS_S = 0.1  # without a report


class SongClock:
    """Goes on by itself from the last report for at most 100 ms.

    Reports come with the sound's blocks and a little unevenly: one that is behind what was shown by less than that
    holds the time instead of turning it back.

    Args:
        now_s: a clock that only goes forwards; tests have their own.

    Attributes:
        playing: whether time goes on.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._reported_s, self._at_s, self._speed = 0.0, -math.inf, 1.0
        self._shown_s = 0.0
        self.playing = False

    def report(self, position_s: float, playing: bool, speed: float = 1.0) -> None:
        """Take the engine's word for it; what is no number is not taken.

        Args:
            position_s: in the song, as it is heard now.
            playing: whether it goes on.
            speed: seconds of the song in a second, 0.5 to 1.5.
        """
        if not (math.isfinite(position_s) and math.isfinite(speed)):
            return
        before_s = self.position_s
        behind_s = before_s - position_s
        holds = playing and self.playing and 0.0 < behind_s < LONGEST_GUESS_S
        self._reported_s, self._at_s, self._speed, self.playing = position_s, self._now_s(), speed, playing
        self._shown_s = before_s if holds else position_s

    @property
    def position_s(self) -> float:
        """In the song, now."""
        if not self.playing:
            return self._shown_s
        self._shown_s = max(self._shown_s, self._reported_s + min(self._age_s, LONGEST_GUESS_S) * self._speed)
        return self._shown_s

    @property
    def is_guessing(self) -> bool:
        """Whether the position goes on without another report."""
        return self.playing and self._age_s < LONGEST_GUESS_S

    @property
    def _age_s(self) -> float:
        return max(0.0, self._now_s() - self._at_s)
