"""Pitches that were heard an octave too low, found by the harmonics that are not there.

A high voice of few harmonics in noise, nearly a sine, is what the network most often takes for the octave below. Then
every second harmonic of what it says is missing, which no voice does: its odd harmonics, taken together, lie within
20 dB of its even ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .pitch_model import HIGHEST_HZ, HOP_SAMPLES, RATE_HZ

WINDOW_SAMPLES = 1024
SPECTRUM_SAMPLES = 2048
LOWEST_JUDGED_HZ = 150.0  # below, harmonics lie too close together for the window
MISSING = 10 ** (-26 / 20)  # odd harmonics against even ones
_HANN = np.hanning(WINDOW_SAMPLES + 1)[:-1].astype(np.float32)
_ODD, _EVEN = np.array([1, 3, 5]), np.array([2, 4, 6])


def raise_octaves(
    frequency_hz: NDArray[np.float32], samples: NDArray[np.float32], first_frame: int
) -> NDArray[np.float32]:
    """Frequencies of frames, doubled where their odd harmonics are missing.

    Args:
        frequency_hz: [frame].
        samples: [sample] at 16 kHz; what lies before and after counts as silence.
        first_frame: in `samples`, that of `frequency_hz[0]`; its middle is at `first_frame` hops.
    """
    judged = np.flatnonzero((frequency_hz >= LOWEST_JUDGED_HZ) & (frequency_hz * 2 <= HIGHEST_HZ))
    if not len(judged):
        return frequency_hz
    half = WINDOW_SAMPLES // 2
    padded = np.pad(samples, half)
    starts = (first_frame + judged) * HOP_SAMPLES
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SAMPLES)[starts] * _HANN
    power = np.abs(np.fft.rfft(windows, SPECTRUM_SAMPLES).astype(np.complex64)) ** 2
    missing = _sum(power, frequency_hz[judged], _ODD) < MISSING**2 * _sum(power, frequency_hz[judged], _EVEN)
    raised = frequency_hz.copy()
    raised[judged[missing]] *= 2
    return raised


def _sum(
    power: NDArray[np.float32], frequency_hz: NDArray[np.float32], harmonics: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Power at some harmonics [frame], the strongest of five bins around each."""
    at = np.round(frequency_hz[:, np.newaxis] * harmonics * (SPECTRUM_SAMPLES / RATE_HZ)).astype(int)
    bins = at[:, :, np.newaxis] + np.arange(-2, 3)
    inside = bins < power.shape[1]
    found = np.take_along_axis(power[:, np.newaxis], np.where(inside, bins, 0), axis=2)
    return np.where(inside, found, 0).max(axis=2).sum(axis=1)
