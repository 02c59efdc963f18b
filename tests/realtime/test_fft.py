"""Our real FFT against NumPy's in float64."""

from __future__ import annotations

import numpy as np
import pytest
from advsep.realtime.fft import fft_tables, forward, inverse


@pytest.mark.parametrize("power", range(1, 15))
def test_every_power_of_two(power: int) -> None:
    check(2**power)


@pytest.mark.parametrize("length", [6, 90, 1200, 1536, 3000])
def test_lengths_left_to_rocket_fft(length: int) -> None:
    check(length)


def check(n: int) -> None:
    rng = np.random.default_rng(n)
    tables, work = fft_tables(n)
    frame = rng.uniform(-1, 1, n).astype(np.float32)
    spectrum = np.zeros(n // 2 + 1, np.complex64)
    forward(frame, spectrum, tables, work)
    expected = np.fft.rfft(frame.astype(np.float64))
    assert np.linalg.norm(spectrum - expected) < 3e-7 * np.linalg.norm(expected)
    assert spectrum[0].imag == spectrum[-1].imag == 0
    # irfft looks at no imaginary part at 0 and N/2.
    spectrum[0] += 5j
    spectrum[-1] -= 3j
    back = np.zeros_like(frame)
    inverse(spectrum, back, 0, tables, work)
    assert np.linalg.norm(back / n - frame) < 5e-7 * np.linalg.norm(frame)
    tail = np.zeros_like(frame)
    inverse(spectrum, tail, n // 3, tables, work)
    np.testing.assert_array_equal(tail[n // 3 :], back[n // 3 :])
