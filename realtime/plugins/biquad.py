"""Second-order filters that may be turned while sound goes through them.

Andrew Simper's state-variable form, "Linear Trapezoidal Integrated SVF" (Cytomic, 2013), with the transfer
functions of Robert Bristow-Johnson's Audio EQ Cookbook. Its state can only shrink without input, also
while the coefficients go in straight lines: every step is a mean of contractions, whatever the sound.

A section's coefficients are a row of `WIDTH` float64; its memory is [channel, 2] float64, zero at first.
Every `set_` below writes a row.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..jit import jit

Numbers = NDArray[np.float64]

A1, A2, A3, M0, M1, M2 = range(6)
WIDTH = 6
BUTTERWORTH_Q = math.sqrt(0.5)
HIGHEST_SHARE = 0.49  # of the sample rate; the highest frequency of a section

_TAIL_NEPERS = 10.0  # 1 falls to -60 dB, also when a peak of +24 dB rings


@jit
def _tune(row: Numbers, g: float, k: float) -> None:
    row[A1] = 1.0 / (1.0 + g * (g + k))
    row[A2] = g * row[A1]
    row[A3] = g * row[A2]


@jit
def _warped(hz: float, rate_hz: float) -> float:
    """The analogue frequency, in units in which the bilinear transform is s = (z - 1) / (z + 1)."""
    return math.tan(math.pi * min(hz / rate_hz, HIGHEST_SHARE))


@jit
def set_high_pass(row: Numbers, hz: float, q: float, share: float, rate_hz: float) -> None:
    """12 dB per octave; `share` 0 to 1 of it beside the sound as it came: at 0 the section is neutral."""
    _tune(row, _warped(hz, rate_hz), 1.0 / q)
    row[M0] = 1.0
    row[M1] = -share / q
    row[M2] = -share


@jit
def set_low_pass(row: Numbers, hz: float, q: float, share: float, rate_hz: float) -> None:
    """As `set_high_pass`."""
    _tune(row, _warped(hz, rate_hz), 1.0 / q)
    row[M0] = 1.0 - share
    row[M1] = 0.0
    row[M2] = share


@jit
def set_peak(row: Numbers, hz: float, q: float, gain_db: float, rate_hz: float) -> None:
    """`gain_db` at `hz`, nothing far from it."""
    a = 10.0 ** (gain_db / 40.0)
    k = 1.0 / (q * a)
    _tune(row, _warped(hz, rate_hz), k)
    row[M0] = 1.0
    row[M1] = k * (a * a - 1.0)
    row[M2] = 0.0


@jit
def set_low_shelf(row: Numbers, hz: float, q: float, gain_db: float, rate_hz: float) -> None:
    """`gain_db` far below `hz`, half of it there."""
    a = 10.0 ** (gain_db / 40.0)
    _tune(row, _warped(hz, rate_hz) / math.sqrt(a), 1.0 / q)
    row[M0] = 1.0
    row[M1] = (a - 1.0) / q
    row[M2] = a * a - 1.0


@jit
def set_high_shelf(row: Numbers, hz: float, q: float, gain_db: float, rate_hz: float) -> None:
    """`gain_db` far above `hz`, half of it there."""
    a = 10.0 ** (gain_db / 40.0)
    _tune(row, _warped(hz, rate_hz) * math.sqrt(a), 1.0 / q)
    row[M0] = a * a
    row[M1] = (1.0 - a) * a / q
    row[M2] = 1.0 - a * a


@jit
def set_analogue(row: Numbers, hz: float, q: float, high: float, band: float, low: float, rate_hz: float) -> None:
    """(high s² + band s + low) / (s² + s / q + 1) of an analogue prototype, s in units of `hz`."""
    _tune(row, _warped(hz, rate_hz), 1.0 / q)
    row[M0] = high
    row[M1] = band - high / q
    row[M2] = low - high


@jit
def neutral(row: Numbers) -> bool:
    """Whether what comes goes out, bit by bit."""
    return row[M0] == 1.0 and row[M1] == 0.0 and row[M2] == 0.0


@jit
def tail_of(row: Numbers) -> float:
    """Samples for which a section rings above -60 dB."""
    p, q, r = 2.0 * row[A1] - 1.0, 2.0 * row[A2], 1.0 - 2.0 * row[A3]
    middle, determinant = (p + r) / 2.0, p * r + q * q
    spread = middle * middle - determinant
    radius = math.sqrt(determinant) if spread < 0.0 else abs(middle) + math.sqrt(spread)
    return _TAIL_NEPERS / max(-math.log(max(radius, 1e-9)), 1e-9)


@jit
def filter_still(sound: Numbers, row: Numbers, memory: Numbers) -> None:
    """Filter `sound` [frame, channel] in place."""
    a1, a2, a3, m0, m1, m2 = row[A1], row[A2], row[A3], row[M0], row[M1], row[M2]
    last = sound.shape[1] - 1  # both channels in one loop: neither waits for the other; mono is done twice, kept once
    band, low, other_band, other_low = memory[0, 0], memory[0, 1], memory[last, 0], memory[last, 1]
    for i in range(sound.shape[0]):
        x, other = sound[i, 0], sound[i, last]
        rest, other_rest = x - low, other - other_low
        v1, other_v1 = a1 * band + a2 * rest, a1 * other_band + a2 * other_rest
        v2, other_v2 = low + (a2 * band + a3 * rest), other_low + (a2 * other_band + a3 * other_rest)
        sound[i, 0] = m0 * x + (m1 * v1 + m2 * v2)
        sound[i, last] = m0 * other + (m1 * other_v1 + m2 * other_v2)
        band, other_band = 2.0 * v1 - band, 2.0 * other_v1 - other_band
        low, other_low = 2.0 * v2 - low, 2.0 * other_v2 - other_low
    memory[0, 0], memory[0, 1], memory[last, 0], memory[last, 1] = band, low, other_band, other_low


@jit
def filter_moving(sound: Numbers, old: Numbers, new: Numbers, memory: Numbers) -> None:
    """The same, from the row before the first frame to the one at the last in a straight line."""
    frames = sound.shape[0]
    for i in range(frames):
        part = (i + 1) / frames
        a1, a2 = old[A1] + part * (new[A1] - old[A1]), old[A2] + part * (new[A2] - old[A2])
        a3, m0 = old[A3] + part * (new[A3] - old[A3]), old[M0] + part * (new[M0] - old[M0])
        m1, m2 = old[M1] + part * (new[M1] - old[M1]), old[M2] + part * (new[M2] - old[M2])
        for c in range(sound.shape[1]):
            x, band, low = sound[i, c], memory[c, 0], memory[c, 1]
            v1 = a1 * band + a2 * (x - low)
            v2 = low + (a2 * band + a3 * (x - low))
            sound[i, c] = m0 * x + (m1 * v1 + m2 * v2)
            memory[c, 0] = 2.0 * v1 - band
            memory[c, 1] = 2.0 * v2 - low
