"""A gate: lets through what is loud enough, and turns down what lies between."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..jit import jit
from ..parameter import Parameter
from ..plugin import Plugin
from .envelope import any_moves, factor_of, kept, on_line

_THRESHOLD, _RANGE, _ATTACK, _HOLD, _RELEASE, _HYSTERESIS = range(6)
_WIDEST_DB = 120.0
_FALL_S = 0.02  # of the level that is watched: bridges the zeros of a wave from 50 Hz on
_NEARLY = 1e-6  # of the way, taken in one step
_LEVEL, _OPENED = range(2)
_IS_OPEN, _WAITED, _AT = range(3)


class Gate(Plugin):
    """Turns down what is below a threshold: bleed and breath between phrases.

    One gain for all channels, between 1 and that of `range_db`.

    The gate opens where the level, the peak of the loudest channel with an exponential fall of 20 ms,
    reaches the threshold; it closes once the level has been `hysteresis_db` below for `hold_s`. The gain
    follows exponentially: `attack_s` and `release_s` are the times in which it goes nine tenths of the
    way, so it closes by 20 dB in `release_s`. Open, nothing is changed.
    """

    parameters = (
        Parameter(
            name="threshold_db", default=-45.0, lowest=-100.0, unit="dB", highest=0.0, help="Peak level that opens it."
        ),
        Parameter(
            name="range_db",
            default=40.0,
            highest=_WIDEST_DB,
            unit="dB",
            smoothing_s=0.05,
            help=f"By how much it turns down what it does not let through; {_WIDEST_DB:g} dB is silence.",
        ),
        Parameter(
            name="attack_s",
            default=0.001,
            lowest=0.0001,
            highest=0.2,
            unit="s",
            taper="log",
            smoothing_s=0.0,
            help="Time in which it opens.",
        ),
        Parameter(
            name="hold_s",
            default=0.08,
            highest=2.0,
            unit="s",
            smoothing_s=0.0,
            help="For how long it stays open after the level has fallen.",
        ),
        Parameter(
            name="release_s",
            default=0.15,
            lowest=0.005,
            highest=4.0,
            unit="s",
            taper="log",
            smoothing_s=0.0,
            help="Time in which it closes by 20 dB.",
        ),
        Parameter(
            name="hysteresis_db",
            default=6.0,
            highest=24.0,
            unit="dB",
            help="How far below the threshold the level may fall before it closes.",
        ),
        Parameter(
            name="lookahead_s",
            default=0.0,
            highest=0.02,
            unit="s",
            fixed=True,
            help="Opens so much before the sound, which comes that much later.",
        ),
    )

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        """See `Plugin`."""
        self.latency_samples = round(self.value("lookahead_s") * rate_hz)
        self._rate_hz = float(rate_hz)
        self._past: NDArray[np.float32] = np.zeros((1 << self.latency_samples.bit_length(), channels), np.float32)
        self._state: NDArray[np.float64] = np.zeros(2)
        self._counts: NDArray[np.int64] = np.zeros(3, np.int64)
        self.process(np.zeros((1, channels), np.float32))
        self.reset()

    def process(self, block: NDArray[np.float32]) -> None:
        """See `Plugin`."""
        _gate(
            block,
            self.values.begin,
            self.values.end,
            self._rate_hz,
            self.latency_samples,
            self._past,
            self._state,
            self._counts,
        )

    def reset(self) -> None:
        """See `Plugin`."""
        self._past.fill(0.0)
        self._state.fill(0.0)
        self._counts.fill(0)


@jit
def _gate(
    block: NDArray[np.float32],
    begin: NDArray[np.float64],
    end: NDArray[np.float64],
    rate_hz: float,
    delay: int,
    past: NDArray[np.float32],
    state: NDArray[np.float64],
    counts: NDArray[np.int64],
) -> None:
    frames, channels = block.shape
    moves = any_moves(begin, end)
    fall, hold = kept(_FALL_S, rate_hz), round(end[_HOLD] * rate_hz)
    opening = 1.0 - kept(end[_ATTACK] / math.log(10.0), rate_hz)
    closing = 1.0 - kept(end[_RELEASE] / math.log(10.0), rate_hz)
    opens_at, closes_at, turned_down = _levels(end[_THRESHOLD], end[_HYSTERESIS], end[_RANGE])
    level, opened = state[_LEVEL], state[_OPENED]
    is_open, waited, at = counts[_IS_OPEN] > 0, counts[_WAITED], counts[_AT]
    mask = len(past) - 1
    for i in range(frames):
        if moves:
            opens_at, closes_at, turned_down = _levels(
                on_line(begin[_THRESHOLD], end[_THRESHOLD], i, frames),
                on_line(begin[_HYSTERESIS], end[_HYSTERESIS], i, frames),
                on_line(begin[_RANGE], end[_RANGE], i, frames),
            )
        level = level * fall if level > _NEARLY * closes_at else 0.0
        for c in range(channels):
            level = max(level, np.float64(abs(block[i, c])))
        if level >= (closes_at if is_open else opens_at):
            is_open, waited = True, 0
        elif is_open:
            waited += 1
            is_open = waited <= hold
        if is_open:
            opened = opened + (1.0 - opened) * opening if opened < 1.0 - _NEARLY else 1.0
        else:
            opened = opened - opened * closing if opened > _NEARLY else 0.0
        gain = np.float32(1.0 - turned_down * (1.0 - opened))
        for c in range(channels):
            value = block[i, c]
            if delay:
                past[at & mask, c] = value
                value = past[(at - delay) & mask, c]
            block[i, c] = gain * value
        at += 1
    state[_LEVEL], state[_OPENED] = level, opened
    counts[_IS_OPEN], counts[_WAITED], counts[_AT] = is_open, waited, at


@jit
def _levels(threshold_db: float, hysteresis_db: float, range_db: float) -> tuple[float, float, float]:
    """Peaks from which it opens and below which it closes, and what a closed gate takes away."""
    left = factor_of(-range_db) if range_db < _WIDEST_DB else 0.0
    return factor_of(threshold_db), factor_of(threshold_db - hysteresis_db), 1.0 - left
