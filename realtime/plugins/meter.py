"""How loud it is: loudness as broadcasters measure it, level and peaks; the sound passes unchanged.

ITU-R BS.1770-4 and EBU R 128: K-weighted power over 400 ms and 3 s, and since the start with gates at
-70 LUFS and 10 LU below what passes that. The weighting's analogue prototypes are Brecht De Man's
("Evaluation of implementations of the EBU R128 loudness measurement", AES 2018): at 48 kHz the standard's
table, at other rates the same gains to 0.02 dB (at 8 kHz up to 0.3 dB more near 2.5 kHz).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ..jit import jit
from ..plugin import Plugin
from .biquad import WIDTH, Numbers, filter_still, set_analogue
from .true_peak import TAPS, interpolation_kernel, raise_to_true_peaks

STEPS_PER_S = 10  # readings; a gating block is four of these steps, each begins a step after the one before
MOMENTARY_STEPS, SHORT_TERM_STEPS = 4, 30
OFFSET_DB = -0.691  # so that 997 Hz in one channel reads its level
GATE_LUFS, GATE_LU = -70.0, -10.0
BINS, BIN_LU = 1100, 0.1  # of the histogram of gating blocks, from the gate up; the last takes all that is louder

# What is kept from frame to frame: frames, steps, weighted power, power and peak of the present step, highest
# peaks since the start.
_FRAMES, _STEPS, _LOUD, _POWER, _PEAK, _HIGHEST, _TRUE = range(7)


@dataclass(frozen=True, slots=True)
class Readings:
    """What a meter shows; -inf where nothing was heard.

    Attributes:
        momentary_lufs: loudness of the last 0.4 s.
        short_term_lufs: loudness of the last 3 s.
        integrated_lufs: gated loudness of everything since the start.
        rms_dbfs: mean square of the last 0.4 s, all channels; a full-scale sine reads -3.01.
        peak_dbfs: loudest sample of the last 0.4 s.
        highest_peak_dbfs: loudest sample since the start.
        true_peak_dbtp: loudest value since the start, also between samples.
    """

    momentary_lufs: float = -math.inf
    short_term_lufs: float = -math.inf
    integrated_lufs: float = -math.inf
    rms_dbfs: float = -math.inf
    peak_dbfs: float = -math.inf
    highest_peak_dbfs: float = -math.inf
    true_peak_dbtp: float = -math.inf


class Meter(Plugin):
    """Loudness and peaks of what passes: LUFS, RMS, true peak.

    Measures what passes, in as much memory after a week as at first.

    Readings are renewed ten times a second. Integrated loudness comes from a histogram of the gating
    blocks' powers, in which only the second gate falls on a bin's edge.
    """

    def __init__(self) -> None:
        super().__init__()
        self._readings = Readings()

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        """See `Plugin`."""
        self._rate_hz = rate_hz
        self._rows = k_weighting(rate_hz)
        self._memory = np.zeros((2, channels, 2))
        self._sound = np.zeros((max_block, channels))
        self._steps = np.zeros((3, SHORT_TERM_STEPS))  # weighted power, power and peak of the last steps
        self._histogram = np.zeros((2, BINS))  # how many gating blocks, and the sum of their powers
        self._state = np.zeros(_TRUE + 1)
        self._shown = np.zeros(len(fields(Readings)))
        self._kernel = interpolation_kernel()
        self._recent: NDArray[np.float32] = np.zeros((channels, max_block + TAPS - 1), np.float32)
        self._peaks: NDArray[np.float32] = np.zeros(max_block, np.float32)
        self.process(np.zeros((1, channels), np.float32))
        self.reset()

    def reset(self) -> None:
        """Measure anew, see `Plugin`."""
        for kept in (self._memory, self._steps, self._histogram, self._state, self._recent):
            kept.fill(0.0)
        self._readings = Readings()

    def process(self, block: NDArray[np.float32]) -> None:
        """See `Plugin`."""
        _find_true_peak(block, self._recent, self._kernel, self._peaks, self._state)
        if _measure(
            block,
            self._sound,
            self._rows,
            self._memory,
            self._steps,
            self._histogram,
            self._state,
            self._shown,
            self._rate_hz,
        ):
            self._readings = Readings(*self._shown.tolist())

    def readings(self) -> Readings:
        """The last ones, all of one moment; from any thread."""
        return self._readings


def k_weighting(rate_hz: float) -> Numbers:
    """Rows of `biquad` for the head's shelf and the low cut."""
    rows = np.zeros((2, WIDTH))
    high = 10 ** (3.999843853973347 / 20)
    q = 0.7071752369554196
    set_analogue(rows[0], 1681.974450955533, q, high, high**0.4996667741545416 / q, 1.0, rate_hz)
    hz, q = 38.13547087602444, 0.5003270373238773
    warped = math.tan(math.pi * hz / 48000)
    # The standard's table leaves its numerator 1, -2, 1, which is a little more than the prototype.
    set_analogue(rows[1], hz, q, 1 + warped / q + warped**2, 0.0, 0.0, rate_hz)
    return rows


@jit
def _db(power: float, offset_db: float) -> float:
    return 10.0 * math.log10(power) + offset_db if power > 0.0 else -math.inf


@jit
def _find_true_peak(
    block: NDArray[np.float32],
    recent: NDArray[np.float32],
    kernel: NDArray[np.float32],
    peaks: NDArray[np.float32],
    state: Numbers,
) -> None:
    """Raise the true peak; `recent` [channel, frame] begins with the last frames of the block before."""
    frames, channels = block.shape
    for c in range(channels):
        for i in range(frames):
            recent[c, TAPS - 1 + i] = block[i, c]
    peaks[:frames] = 0.0
    raise_to_true_peaks(recent, frames, kernel, peaks)
    highest = np.float32(0.0)
    for i in range(frames):
        highest = max(highest, peaks[i])
    state[_TRUE] = max(state[_TRUE], np.float64(highest))
    for c in range(channels):
        for i in range(TAPS - 1):
            recent[c, i] = recent[c, frames + i]


@jit
def _measure(
    block: NDArray[np.float32],
    sound: Numbers,
    rows: Numbers,
    memory: Numbers,
    steps: Numbers,
    histogram: Numbers,
    state: Numbers,
    shown: Numbers,
    rate_hz: int,
) -> bool:
    """Returns whether there are new readings in `shown`."""
    frames, channels = block.shape
    weighted = sound[:frames]
    for i in range(frames):
        for c in range(channels):
            weighted[i, c] = block[i, c]
    filter_still(weighted, rows[0], memory[0])
    filter_still(weighted, rows[1], memory[1])
    done, renewed = 0, False
    while done < frames:
        ends = (int(state[_STEPS]) + 1) * rate_hz // STEPS_PER_S
        count = min(frames - done, ends - int(state[_FRAMES]))
        loud, power, peak = 0.0, 0.0, np.float32(0.0)
        for i in range(done, done + count):
            for c in range(channels):
                loud += weighted[i, c] * weighted[i, c]
                power += np.float64(block[i, c]) * np.float64(block[i, c])
                peak = max(peak, abs(block[i, c]))
        state[_LOUD] += loud
        state[_POWER] += power
        state[_PEAK] = max(state[_PEAK], np.float64(peak))
        state[_FRAMES] += count
        done += count
        if int(state[_FRAMES]) == ends:
            _end_step(steps, histogram, state, shown, rate_hz, channels)
            renewed = True
    return renewed


@jit
def _end_step(steps: Numbers, histogram: Numbers, state: Numbers, shown: Numbers, rate_hz: int, channels: int) -> None:
    place = int(state[_STEPS]) % SHORT_TERM_STEPS
    for row in range(3):
        steps[row, place] = state[_LOUD + row]
        state[_LOUD + row] = 0.0
    state[_STEPS] += 1.0
    loud, power, peak = 0.0, 0.0, 0.0
    for back in range(MOMENTARY_STEPS):
        loud += steps[0, place - back]
        power += steps[1, place - back]
        peak = max(peak, steps[2, place - back])
    step_frames = rate_hz / STEPS_PER_S
    loud /= MOMENTARY_STEPS * step_frames
    state[_HIGHEST] = max(state[_HIGHEST], steps[2, place])
    shown[0] = _db(loud, OFFSET_DB)
    shown[1] = _db(steps[0].sum() / (SHORT_TERM_STEPS * step_frames), OFFSET_DB)
    if state[_STEPS] >= MOMENTARY_STEPS and shown[0] >= GATE_LUFS:
        found = min(BINS - 1, int((shown[0] - GATE_LUFS) / BIN_LU))
        histogram[0, found] += 1.0
        histogram[1, found] += loud
    shown[2] = _db(_gated_power(histogram), OFFSET_DB)
    shown[3] = _db(power / (MOMENTARY_STEPS * step_frames * channels), 0.0)
    shown[4] = _db(peak * peak, 0.0)
    shown[5] = _db(state[_HIGHEST] ** 2, 0.0)
    shown[6] = _db(state[_TRUE] ** 2, 0.0)


@jit
def _gated_power(histogram: Numbers) -> float:
    """Mean of the blocks above the second gate, which lies below the mean of all."""
    count, power = histogram[0].sum(), histogram[1].sum()
    if count == 0.0:
        return 0.0
    gate = power / count * 10.0 ** (GATE_LU / 10.0)
    count, power = 0.0, 0.0
    for found in range(BINS):
        if histogram[1, found] > gate * histogram[0, found]:
            count += histogram[0, found]
            power += histogram[1, found]
    return power / count
