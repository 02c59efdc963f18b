"""The room a singer hears: a feedback delay network of eight lines.

Jean-Marc Jot and Antoine Chaigne, "Digital delay networks for designing artificial reverberators" (AES 1991):
every line loses as much as its length asks for, so that all of the room decays at one speed, the
highs at a faster one. What leaves the lines is mixed by a unitary matrix, which keeps energy: a
Hadamard matrix behind rotations of the lines in pairs. The rotations turn slowly, so that no mode stays
in its place and rings (Sebastian Schlecht and Emanuël Habets, "Time-varying feedback matrices in feedback
delay networks", JASA 2015). Schroeder's all-passes make every click dense before it gets there.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..jit import jit
from ..parameter import Parameter
from ..plugin import Plugin

LINES, STAGES = 8, 4
# Seconds at size 1; primes of samples are taken near them.
LINE_S = (0.0193, 0.0229, 0.0267, 0.0301, 0.0343, 0.0389, 0.0431, 0.0487)
# Of the stages left and right by turns.
DIFFUSER_S = (0.0021, 0.0023, 0.0034, 0.0037, 0.0053, 0.0049, 0.0071, 0.0077)
DIFFUSION = 0.6
CROSSOVER_HZ = 3000.0  # between lows and highs
DRIEST = 0.9  # share of the highs' decay that full damping takes
TURNS_HZ = 0.7  # of the rotations
# Which lines are heard the other way round; rows at right angles, and none of the Hadamard matrix.
LEFT_SIGNS = (1, 1, 1, -1, 1, 1, 1, -1)
RIGHT_SIGNS = (1, 1, 1, -1, -1, -1, -1, 1)

WAIT = LINES + 2 * STAGES  # the first of two delays before all others

Samples = NDArray[np.float32]
Places = NDArray[np.int64]
Values = NDArray[np.float64]

# Rows of what the lines keep: low-pass, gains of lows and of highs, their steps per frame, the present frame.
_LOW, _GAIN, _HIGH, _GAIN_STEP, _HIGH_STEP, _NOW = range(6)


def delay_lengths(rate_hz: int, size: float) -> tuple[list[int], list[int]]:
    """Samples of the lines and of the all-passes: different primes, so that no echoes fall together."""
    found: list[int] = []
    for seconds in (*LINE_S, *DIFFUSER_S):
        samples = max(2, round(seconds * size * rate_hz))
        while samples in found or any(samples % i == 0 for i in range(2, math.isqrt(samples) + 1)):
            samples += 1
        found.append(samples)
    return found[:LINES], found[LINES:]


class Reverb(Plugin):
    """A room around the sound, in stereo.

    A room in stereo; what is heard of it alone (`mix=1`) is as loud as noise that goes in, if nothing is damped.

    The left comes in at every other line, the right at those between; each side hears all of them. In mono the
    left side is heard.
    """

    parameters = (
        Parameter(
            name="decay_s",
            default=1.0,
            lowest=0.3,
            highest=10.0,
            unit="s",
            taper="log",
            smoothing_s=0.1,
            help="Until the room is 60 dB quieter.",
        ),
        Parameter(name="damping", default=0.5, smoothing_s=0.1, help="How much sooner highs fade: at 1 ten times."),
        Parameter(
            name="size", default=1.0, lowest=0.5, highest=2.0, fixed=True, help="Walls' distance; 1: a small hall."
        ),
        Parameter(
            name="predelay_s", default=0.01, highest=0.2, unit="s", fixed=True, help="Quiet before the room answers."
        ),
        Parameter(name="width", default=1.0, help="From a room in the middle, 0, to one all around, 1."),
        Parameter(name="mix", default=0.25, help="Share of the room; at 0 only the sound as it came."),
    )

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        """See `Plugin`."""
        self._rate_hz, self._size = float(rate_hz), self.value("size")
        lines, diffusers = delay_lengths(rate_hz, self._size)
        before = round(self.value("predelay_s") * rate_hz)
        self._lengths = np.array([*lines, *diffusers, before, before], np.int64)
        self._starts = np.concatenate([[0], np.cumsum(self._lengths)[:-1]])
        self._places = self._starts.copy()
        self._past: Samples = np.zeros(int(self._lengths.sum()) + 1, np.float32)
        self._lines: Samples = np.zeros((6, LINES), np.float32)
        self._turn = np.zeros(4)  # cosine and sine of the angle, and of its step per frame
        self.reset()
        self.process(np.zeros((1, channels), np.float32))
        self.reset()

    def reset(self) -> None:
        """See `Plugin`."""
        self._past.fill(0.0)
        self._places[:] = self._starts
        self._lines.fill(0.0)
        step = 2 * math.pi * TURNS_HZ / self._rate_hz
        self._turn[:] = 1.0, 0.0, math.cos(step), math.sin(step)
        self._update_tail()

    def process(self, block: Samples) -> None:
        """See `Plugin`."""
        if _reverberate(
            block,
            self._past,
            self._starts,
            self._lengths,
            self._places,
            self._lines,
            self._turn,
            self.values.begin,
            self.values.end,
            self._rate_hz,
        ):
            self._update_tail()

    def _update_tail(self) -> None:
        """The room's own decay, after the sound has come through quiet, all-passes and the longest line."""
        ring_s = 3 * max(DIFFUSER_S) / -math.log10(DIFFUSION)
        tail_s = 1.1 * self.value("decay_s") + self.value("predelay_s") + (max(LINE_S) + ring_s) * self._size
        self.tail_samples = math.ceil(tail_s * self._rate_hz)


@jit
def _set_gains(low: Samples, high: Samples, lengths: Places, decay_s: float, damping: float, rate_hz: float) -> None:
    """What each line keeps of lows and highs that have gone through it."""
    high_s = decay_s * (1.0 - DRIEST * damping)
    for i in range(LINES):
        low[i] = 10.0 ** (-3.0 * lengths[i] / (rate_hz * decay_s))
        high[i] = 10.0 ** (-3.0 * lengths[i] / (rate_hz * high_s))


@jit
def _level(lengths: Places, decay_s: float, rate_hz: float) -> float:
    """Gain at which noise comes out as loud as it goes in: every line has 1/4 / (1 - g²) of its power."""
    mean = lengths[:LINES].sum() / LINES
    return math.sqrt((1.0 - 10.0 ** (-6.0 * mean / (rate_hz * decay_s))) / 2.0)


@jit
def _waited(x: np.float32, past: Samples, place: int) -> np.float32:
    """What entered a ring one round ago."""
    y = past[place]
    past[place] = x
    return y


@jit
def _diffused(x: np.float32, past: Samples, place: int) -> np.float32:
    """One frame through an all-pass."""
    y = past[place] - np.float32(DIFFUSION) * x
    past[place] = x + np.float32(DIFFUSION) * y
    return y


@jit
def _circulate(now: Samples, cos: np.float32, sin: np.float32) -> None:
    """Unitary: pairs turned, half of them backwards, then Hadamard's matrix in three passes of sums and differences."""
    for i in range(0, LINES, 2):
        a, b = now[i], now[i + 1]
        turn = sin if i % 4 == 0 else -sin
        now[i], now[i + 1] = cos * a - turn * b, turn * a + cos * b
    for width in (1, 2, 4):
        for i in range(LINES):
            if i & width == 0:
                a, b = now[i], now[i + width]
                now[i], now[i + width] = a + b, a - b
    for i in range(LINES):
        now[i] *= np.float32(LINES**-0.5)


@jit
def _go_round(
    left: np.float32,
    right: np.float32,
    past: Samples,
    places: Places,
    lines: Samples,
    share: np.float32,
    cos: np.float32,
    sin: np.float32,
) -> tuple[np.float32, np.float32]:
    """One frame of all lines: what comes in, and what is heard of them left and right."""
    low, gain, high, now = lines[_LOW], lines[_GAIN], lines[_HIGH], lines[_NOW]
    heard_left, heard_right = np.float32(0.0), np.float32(0.0)
    for i in range(LINES):
        out = past[places[i]]
        heard_left += np.float32(LEFT_SIGNS[i]) * out
        heard_right += np.float32(RIGHT_SIGNS[i]) * out
        step = share * (out - low[i])
        now[i] = high[i] * out + (gain[i] - high[i]) * (low[i] + step)
        low[i] += step + step
    _circulate(now, cos, sin)
    for i in range(0, LINES, 2):
        past[places[i]] = now[i] + np.float32(0.5) * left
        past[places[i + 1]] = now[i + 1] + np.float32(0.5) * right
    return np.float32(heard_left), np.float32(heard_right)


@jit
def _tune(lines: Samples, lengths: Places, begin: Values, end: Values, frames: int, rate_hz: float) -> None:
    _set_gains(lines[_GAIN], lines[_HIGH], lengths, begin[0], begin[1], rate_hz)
    lines[_GAIN_STEP] = lines[_HIGH_STEP] = 0.0
    if begin[0] != end[0] or begin[1] != end[1]:
        _set_gains(lines[_GAIN_STEP], lines[_HIGH_STEP], lengths, end[0], end[1], rate_hz)
        for i in range(LINES):
            lines[_GAIN_STEP, i] = (lines[_GAIN_STEP, i] - lines[_GAIN, i]) / np.float32(frames)
            lines[_HIGH_STEP, i] = (lines[_HIGH_STEP, i] - lines[_HIGH, i]) / np.float32(frames)


@jit
def _reverberate(
    block: Samples,
    past: Samples,
    starts: Places,
    lengths: Places,
    places: Places,
    lines: Samples,
    turn: Values,
    begin: Values,
    end: Values,
    rate_hz: float,
) -> bool:
    """Every delay is a ring of its own length, `places` is where it stands; returns whether decay or damping moved."""
    frames, right = block.shape[0], block.shape[1] - 1
    moved = begin[0] != end[0] or begin[1] != end[1]
    _tune(lines, lengths, begin, end, frames, rate_hz)
    level_begin, level_end = _level(lengths, begin[0], rate_hz), _level(lengths, end[0], rate_hz)
    warped = math.tan(math.pi * min(CROSSOVER_HZ / rate_hz, 0.4))
    share = np.float32(warped / (1.0 + warped))
    cos, sin = turn[0], turn[1]
    for n in range(frames):
        part = (n + 1) / frames
        level = level_begin + part * (level_end - level_begin)
        width, mix = begin[4] + part * (end[4] - begin[4]), begin[5] + part * (end[5] - begin[5])
        if moved:
            lines[_GAIN] += lines[_GAIN_STEP]
            lines[_HIGH] += lines[_HIGH_STEP]
        x, y = block[n, 0], block[n, right]
        a, b = x, y
        if lengths[WAIT] > 0:
            a, b = _waited(x, past, places[WAIT]), _waited(y, past, places[WAIT + 1])
        for i in range(LINES, WAIT, 2):
            a, b = _diffused(a, past, places[i]), _diffused(b, past, places[i + 1])
        a, b = _go_round(a, b, past, places, lines, share, np.float32(cos), np.float32(sin))
        middle, side = 0.5 * level * (a + b), 0.5 * level * width * (a - b)
        block[n, 0] = np.float32(x + mix * (middle + side - x))
        if right:
            block[n, 1] = np.float32(y + mix * (middle - side - y))
        for i in range(len(places)):
            places[i] = starts[i] if places[i] + 1 >= starts[i] + lengths[i] else places[i] + 1
        cos, sin = cos * turn[2] - sin * turn[3], sin * turn[2] + cos * turn[3]
    size = (3.0 - cos * cos - sin * sin) / 2.0  # rounding must not make the rotation grow
    turn[0], turn[1] = cos * size, sin * size
    return moved
