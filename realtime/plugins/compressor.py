"""A compressor: makes what is loud less loud, and then all of it louder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..jit import jit
from ..parameter import Parameter
from ..plugin import Plugin
from .envelope import any_moves, factor_of, kept, level_db_of, on_line

_THRESHOLD, _RATIO, _KNEE, _ATTACK, _RELEASE, _MAKEUP, _MIX = range(7)
_INAUDIBLE_DB = 1e-6  # a reduction that is none
_HELD, _REDUCTION = range(2)


class Compressor(Plugin):
    """Evens loud and soft: turns down what is above a threshold.

    Feed-forward and logarithmic, one gain for all channels.

    After Giannoulis, Massberg and Reiss, "Digital Dynamic Range Compressor Design" (JAES 60(6), 2012):
    the gain computer with a quadratic knee on the peak of the loudest channel, then the smooth decoupled
    peak detector on the reduction in decibels. `attack_s` and `release_s` are time constants, in which
    63 % of the way are gone; letting go takes about both. With a `mix` of 0 nothing is changed, and
    without makeup neither is what stays below the knee, nor anything at a `ratio` of 1.
    """

    parameters = (
        Parameter(
            name="threshold_db",
            default=-18.0,
            lowest=-80.0,
            highest=0.0,
            unit="dB",
            help="Peak level above which it turns down.",
        ),
        Parameter(
            name="ratio",
            default=3.0,
            lowest=1.0,
            highest=100.0,
            unit=": 1",
            taper="log",
            help="Decibels above the threshold that go in for each that comes out.",
        ),
        Parameter(
            name="knee_db",
            default=6.0,
            highest=24.0,
            unit="dB",
            help="Width of the range around the threshold in which the ratio sets in.",
        ),
        Parameter(
            name="attack_s",
            default=0.005,
            lowest=0.0001,
            highest=0.5,
            unit="s",
            taper="log",
            smoothing_s=0.0,
            help="Time constant of turning down.",
        ),
        Parameter(
            name="release_s",
            default=0.12,
            lowest=0.005,
            highest=5.0,
            unit="s",
            taper="log",
            smoothing_s=0.0,
            help="Time constant of letting go.",
        ),
        Parameter(
            name="makeup_db",
            default=0.0,
            lowest=-24.0,
            highest=24.0,
            unit="dB",
            help="Level of what was compressed.",
        ),
        Parameter(
            name="mix",
            default=1.0,
            help="Share of what was compressed; the rest is the sound as it came (parallel compression).",
        ),
    )

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        """See `Plugin`."""
        self._rate_hz = float(rate_hz)
        self._state: NDArray[np.float64] = np.zeros(2)
        self.process(np.ones((1, channels), np.float32))
        self.reset()

    def process(self, block: NDArray[np.float32]) -> None:
        """See `Plugin`."""
        _compress(block, self.values.begin, self.values.end, self._rate_hz, self._state)

    def reset(self) -> None:
        """See `Plugin`."""
        self._state.fill(0.0)


@jit
def _compress(
    block: NDArray[np.float32],
    begin: NDArray[np.float64],
    end: NDArray[np.float64],
    rate_hz: float,
    state: NDArray[np.float64],
) -> None:
    frames, channels = block.shape
    moves = any_moves(begin, end)
    attack, release = kept(end[_ATTACK], rate_hz), kept(end[_RELEASE], rate_hz)
    threshold_db, slope, knee_db = end[_THRESHOLD], 1.0 - 1.0 / end[_RATIO], end[_KNEE]
    makeup_db, mix = end[_MAKEUP], end[_MIX]
    starts_at = factor_of(threshold_db - knee_db / 2)
    held_db, reduction_db = state[_HELD], state[_REDUCTION]
    quiet = np.float32(1.0 + mix * (factor_of(makeup_db) - 1.0))
    for i in range(frames):
        if moves:
            threshold_db = on_line(begin[_THRESHOLD], end[_THRESHOLD], i, frames)
            slope = 1.0 - 1.0 / on_line(begin[_RATIO], end[_RATIO], i, frames)
            knee_db = on_line(begin[_KNEE], end[_KNEE], i, frames)
            makeup_db = on_line(begin[_MAKEUP], end[_MAKEUP], i, frames)
            mix = on_line(begin[_MIX], end[_MIX], i, frames)
            starts_at = factor_of(threshold_db - knee_db / 2)
        peak = np.float32(0.0)
        for c in range(channels):
            peak = max(peak, abs(block[i, c]))
        wanted_db = 0.0
        if peak > starts_at:
            wanted_db = slope * _excess_db(level_db_of(np.float64(peak)) - threshold_db, knee_db)
        held_db = max(wanted_db, release * held_db + (1.0 - release) * wanted_db)
        reduction_db = attack * reduction_db + (1.0 - attack) * held_db
        if held_db < _INAUDIBLE_DB and reduction_db < _INAUDIBLE_DB:
            held_db = reduction_db = 0.0
        gain = quiet
        if reduction_db > 0.0 or moves:
            gain = np.float32(1.0 + mix * (factor_of(makeup_db - reduction_db) - 1.0))
        for c in range(channels):
            block[i, c] *= gain
    state[_HELD], state[_REDUCTION] = held_db, reduction_db


@jit
def _excess_db(over_db: float, knee_db: float) -> float:
    """By how much a level counts as above the threshold; times the slope it is the reduction."""
    if 2.0 * over_db >= knee_db:
        return over_db
    return (over_db + knee_db / 2) ** 2 / (2.0 * knee_db) if 2.0 * over_db > -knee_db else 0.0
