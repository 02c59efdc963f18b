"""True peaks: what the detector reads of sines, beside the filter that ITU-R BS.1770-4 prints."""

from __future__ import annotations

import numpy as np
import pytest
from advsep.realtime.plugins.true_peak import DELAY_SAMPLES, TAPS, interpolation_kernel, raise_to_true_peaks
from numpy.typing import NDArray

# BS.1770-4, annex 2, phases 0 and 1; phases 3 and 2 are the same backwards.
ITU = [
    [0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000, -0.0594482421875, 0.1373291015625,
     0.9721679687500, -0.1022949218750, 0.0476074218750, -0.0266113281250, 0.0148925781250, -0.0083007812500],
    [-0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250, -0.1665039062500, 0.4650878906250,
     0.7797851562500, -0.2003173828125, 0.1015625000000, -0.0582275390625, 0.0330810546875, -0.0189208984375],
]  # fmt: skip


def sines(frequency: float) -> NDArray[np.float64]:
    """[phase, frame], at a share of the sample rate; nothing but the phase differs."""
    phases = np.linspace(0, np.pi, 64, endpoint=False)[:, None]
    return np.sin(2 * np.pi * frequency * np.arange(80) + phases)


def read(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """[frame], of one [channel, frame]."""
    frames = sound.shape[1] - TAPS + 1
    peaks = np.zeros(frames, np.float32)
    raise_to_true_peaks(sound, frames, interpolation_kernel(), peaks)
    return peaks


def itu_read(sound: NDArray[np.float64]) -> float:
    filters = [*ITU, *(phase[::-1] for phase in ITU)]
    return max(float(np.abs(np.convolve(sound, taps, "valid")).max()) for taps in filters)


@pytest.mark.parametrize("frequency", [0.01, 0.1, 0.2, 0.25, 0.3, 0.35, 0.4])
def test_sines_of_any_phase_are_read_closer_than_by_the_standards_filter(frequency: float) -> None:
    """One period or 64 frames: short enough that few phases are met, as in a burst."""
    frames = 16 + max(2, round(0.5 / frequency))
    found_db = [20 * np.log10(read(sine[None, :frames].astype(np.float32)).max()) for sine in sines(frequency)]
    itu_db = [20 * np.log10(itu_read(sine[: frames - 4])) for sine in sines(frequency)]
    assert -0.15 < min(found_db) <= max(found_db) < 0.03
    assert np.abs(found_db).max() <= np.abs(itu_db).max()


def test_the_peak_is_told_where_it_is_and_of_the_loudest_channel() -> None:
    """Two samples of 1 side by side: 4 / pi between them, as the sum of two sincs has it."""
    sound = np.zeros((2, 60), np.float32)
    sound[1, 30:32] = 1.0
    peaks = read(sound)
    # Peak i lies behind frame i + 7.
    assert int(peaks.argmax()) == 30 - (DELAY_SAMPLES - 1)
    assert peaks.max() == pytest.approx(4 / np.pi, rel=0.02)
    assert peaks[30 - DELAY_SAMPLES] >= 1.0
    mono = read(sound[1:])
    np.testing.assert_array_equal(peaks, mono)


def test_the_kernel_keeps_a_constant() -> None:
    np.testing.assert_allclose(interpolation_kernel().sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(interpolation_kernel(), interpolation_kernel()[::-1, ::-1], atol=1e-7)
