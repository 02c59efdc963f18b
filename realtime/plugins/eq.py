"""A parametric equaliser: cuts at both ends, two shelves and three peaks."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..jit import jit
from ..parameter import Parameter
from ..plugin import Plugin
from .biquad import (
    BUTTERWORTH_Q,
    HIGHEST_SHARE,
    WIDTH,
    Numbers,
    filter_moving,
    filter_still,
    neutral,
    set_high_pass,
    set_high_shelf,
    set_low_pass,
    set_low_shelf,
    set_peak,
    tail_of,
)

LOW_CUT_OFF_HZ, HIGH_CUT_OFF_HZ = 10.0, 20000.0
SECTIONS = 8
# Of the two sections of a Butterworth high-pass of fourth order.
STEEP_QS = (1 / (2 * math.cos(math.pi / 8)), 1 / (2 * math.cos(3 * math.pi / 8)))


def _frequency(name: str, default: float, help: str, lowest: float = 20.0, highest: float = 20000.0) -> Parameter:
    return Parameter(
        name=name, default=default, lowest=lowest, highest=highest, unit="Hz", taper="log", smoothing_s=0.03, help=help
    )


def _gain(name: str, help: str) -> Parameter:
    return Parameter(name=name, default=0.0, lowest=-24.0, highest=24.0, unit="dB", smoothing_s=0.03, help=help)


def _peak(i: int, hz: float) -> tuple[Parameter, Parameter, Parameter]:
    return (
        _gain(f"peak{i}_db", f"Gain at the middle of peak {i}; 0 takes it out."),
        _frequency(f"peak{i}_hz", hz, f"Middle of peak {i}."),
        Parameter(
            name=f"peak{i}_q",
            default=1.0,
            lowest=0.1,
            highest=10.0,
            taper="log",
            smoothing_s=0.03,
            help=f"How narrow peak {i} is: its middle divided by its width.",
        ),
    )


class Equaliser(Plugin):
    """Parametric equaliser: cuts, shelves and three bells.

    Eight second-order sections in a row, as in the Audio EQ Cookbook; float64 inside.

    Sections that do nothing are not run, and when none is, the sound passes bit by bit. A cut fades in
    over the octave (third of an octave at the top) beside the end of its range that means off; beyond
    that the responses are the cookbook's. Frequencies stay below 0.49 of the sample rate, where the
    high cut is off; shelves have Q = 0.71, the steepest without overshoot.
    """

    parameters = (
        _frequency("low_cut_hz", LOW_CUT_OFF_HZ, "What lies below is cut; 10 Hz: nothing is.", 10.0, 1000.0),
        Parameter.switch("low_cut_steep", False, fixed=True, help="Cut the lows by 24 instead of 12 dB per octave."),
        _gain("low_shelf_db", "Gain of the lows."),
        _frequency("low_shelf_hz", 120.0, "Where the low shelf has half its gain."),
        *_peak(1, 250.0),
        *_peak(2, 1000.0),
        *_peak(3, 3500.0),
        _gain("high_shelf_db", "Gain of the highs."),
        _frequency("high_shelf_hz", 8000.0, "Where the high shelf has half its gain."),
        _frequency("high_cut_hz", HIGH_CUT_OFF_HZ, "What lies above is cut; 20 kHz: nothing is.", 500.0),
    )

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        """See `Plugin`."""
        self._rate_hz = float(rate_hz)
        self._steep = self.value("low_cut_steep") == 1
        self._seen = np.empty(len(self.parameters))
        self._old, self._new = np.empty((SECTIONS, WIDTH)), np.empty((SECTIONS, WIDTH))
        self._memory = np.zeros((SECTIONS, channels, 2))
        self._sound = np.zeros((max_block, channels))
        self.reset()
        self.process(np.zeros((1, channels), np.float32))
        self.reset()

    def reset(self) -> None:
        """See `Plugin`."""
        self._seen[:] = self.values.end
        self._memory.fill(0.0)
        self._tail = self.tail_samples = _design(self._new, self._seen, self._steep, self._rate_hz)
        self._old[:] = self._new

    def process(self, block: NDArray[np.float32]) -> None:
        """See `Plugin`."""
        self._tail = self.tail_samples = _equalise(
            block,
            self._sound,
            self.values.end,
            self._seen,
            self._old,
            self._new,
            self._memory,
            self._steep,
            self._rate_hz,
            self._tail,
        )


@jit
def _design(rows: Numbers, values: Numbers, steep: bool, rate_hz: float) -> int:
    """Coefficients of all sections, in the order of the parameters; returns the tail in samples."""
    hz = values[0]
    share = min(1.0, math.log2(hz / LOW_CUT_OFF_HZ))
    set_high_pass(rows[0], hz, STEEP_QS[0] if steep else BUTTERWORTH_Q, share, rate_hz)
    set_high_pass(rows[1], hz, STEEP_QS[1], share if steep else 0.0, rate_hz)
    set_low_shelf(rows[2], values[3], BUTTERWORTH_Q, values[2], rate_hz)
    for i in range(3):
        set_peak(rows[3 + i], values[5 + 3 * i], values[6 + 3 * i], values[4 + 3 * i], rate_hz)
    set_high_shelf(rows[6], values[14], BUTTERWORTH_Q, values[13], rate_hz)
    highest_hz = min(HIGH_CUT_OFF_HZ, HIGHEST_SHARE * rate_hz)
    share = max(0.0, min(1.0, 3.0 * math.log2(highest_hz / values[15])))
    set_low_pass(rows[7], values[15], BUTTERWORTH_Q, share, rate_hz)
    tail = 0.0
    for row in rows:
        if not neutral(row):
            tail += tail_of(row)
    return math.ceil(tail)


@jit
def _equalise(
    block: NDArray[np.float32],
    sound: Numbers,
    values: Numbers,
    seen: Numbers,
    old: Numbers,
    new: Numbers,
    memory: Numbers,
    steep: bool,
    rate_hz: float,
    tail: int,
) -> int:
    moved = False
    for i in range(len(values)):
        moved = moved or values[i] != seen[i]
    if moved:
        seen[:] = values
        tail = _design(new, values, steep, rate_hz)
    sounds = False
    for s in range(SECTIONS):
        sounds = sounds or not neutral(new[s]) or not neutral(old[s])
    if not sounds:
        return tail
    frames, channels = block.shape
    part = sound[:frames]
    for i in range(frames):
        for c in range(channels):
            part[i, c] = block[i, c]
    for s in range(SECTIONS):
        _run_section(part, old[s], new[s], memory[s], moved)
    if moved:
        old[:] = new
    for i in range(frames):
        for c in range(channels):
            block[i, c] = np.float32(part[i, c])
    return tail


@jit
def _run_section(sound: Numbers, old: Numbers, new: Numbers, memory: Numbers, moved: bool) -> None:
    begins, ends = neutral(old), neutral(new)
    if begins and ends:
        return
    if not moved:
        filter_still(sound, new, memory)
        return
    if begins:
        old[:3] = new[:3]  # tuned at once: nothing is heard of it yet
    filter_moving(sound, old, new, memory)
    if ends:
        memory[:] = 0.0
