"""The meter against pyloudnorm, the standard's table and the signals by which meters are approved."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pyloudnorm
import pytest
import scipy.signal
from advsep.realtime.plugin import run, start
from advsep.realtime.plugins.biquad import filter_still
from advsep.realtime.plugins.meter import BINS, Meter, Readings, k_weighting
from numpy.typing import NDArray

SIZES = (1, 63, 64, 65, 512, 513)
Samples = NDArray[np.float32]


def measured(samples: Samples, rate_hz: int, sizes: tuple[int, ...] = (512,)) -> Readings:
    """Readings at the end; what goes in has to come out."""
    plugin, out, at, turn = Meter(), samples.copy(), 0, 0
    start(plugin, rate_hz, 513, samples.shape[1])
    while at < len(out):
        run(plugin, out[at : at + sizes[turn % len(sizes)]])
        at, turn = at + sizes[turn % len(sizes)], turn + 1
    np.testing.assert_array_equal(out, samples)
    return plugin.readings()


def sine(level_dbfs: float, seconds: float, rate_hz: int = 48000, hz: float = 1000.0) -> Samples:
    """Peak at a level, on both channels."""
    wave = 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)
    return np.stack([wave, wave], axis=1).astype(np.float32)


def steps(*parts: tuple[float, float]) -> Samples:
    return np.concatenate([sine(level_dbfs, seconds) for level_dbfs, seconds in parts])


def test_at_48_khz_the_weighting_is_the_standards_table() -> None:
    """BS.1770-4, annex 1, tables 1 and 2."""
    table = [
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585],
        [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621],
    ]
    sound = np.random.default_rng(1).standard_normal((20000, 1))
    expected = scipy.signal.sosfilt(table, sound, axis=0)
    for row in k_weighting(48000):
        filter_still(sound, row, np.zeros((1, 2)))
    np.testing.assert_allclose(sound, expected, atol=1e-9)


@pytest.mark.parametrize("rate_hz", [8000, 44100, 96000, 192000])
def test_at_other_rates_it_weights_alike(rate_hz: int) -> None:
    def gain_db(hz: float, at_hz: int) -> float:
        sound = np.sin(2 * np.pi * hz * np.arange(2 * at_hz) / at_hz)[:, None]
        for row in k_weighting(at_hz):
            filter_still(sound, row, np.zeros((1, 2)))
        return 10 * math.log10(np.mean(sound[at_hz:] ** 2))

    for hz in (20, 40, 100, 997, 1700, 2500):
        assert gain_db(hz, rate_hz) == pytest.approx(gain_db(hz, 48000), abs=0.3 if rate_hz == 8000 else 0.02)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 44100, 48000, 192000])
@pytest.mark.parametrize("channels", [1, 2])
def test_loudness_of_gated_noise_is_pyloudnorms(rate_hz: int, channels: int) -> None:
    rng = np.random.default_rng(rate_hz + channels)
    noise = rng.standard_normal((10 * ((rate_hz + 1) // 2), channels))
    levels = np.repeat([0.1, 0.001, 0.3, 0.0, 1e-5, 0.05, 0.2, 0.02, 0.2, 0.08], (rate_hz + 1) // 2)[:, None]
    samples = (noise * levels).astype(np.float32)
    found = measured(samples, rate_hz, SIZES).integrated_lufs
    # De Man leaves the numerator of the low cut 1, -2, 1 at every rate, which is the standard's gain at 48 kHz only.
    excess = [
        1 + k / 0.5003270373238773 + k * k for k in np.tan(np.pi * 38.13547087602444 / np.array([rate_hz, 48000]))
    ]
    expected = pyloudnorm.Meter(rate_hz, filter_class="DeMan").integrated_loudness(samples.astype(np.float64))
    assert found == pytest.approx(expected - 20 * math.log10(excess[0] / excess[1]), abs=0.01)
    if rate_hz >= 44100:
        expected = pyloudnorm.Meter(rate_hz).integrated_loudness(samples.astype(np.float64))
        assert found == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("hz", [60.0, 440.0, 3000.0, 10000.0])
def test_loudness_of_sines_is_pyloudnorms(hz: float) -> None:
    samples = sine(-12, 2, hz=hz)
    found = measured(samples, 48000)
    expected = pyloudnorm.Meter(48000, filter_class="DeMan").integrated_loudness(samples.astype(np.float64))
    assert found.integrated_lufs == pytest.approx(expected, abs=0.02)
    assert found.momentary_lufs == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("rate_hz", [44100, 48000, 96000])
def test_a_full_scale_sine_in_one_channel_reads_minus_3_01(rate_hz: int) -> None:
    samples = sine(0, 4, rate_hz, hz=997)
    samples[:, 1] = 0
    found = measured(samples, rate_hz)
    for lufs in (found.momentary_lufs, found.short_term_lufs, found.integrated_lufs):
        assert lufs == pytest.approx(-3.01, abs=0.01)
    assert measured(samples[:, :1].copy(), rate_hz).integrated_lufs == pytest.approx(-3.01, abs=0.01)


@pytest.mark.parametrize(
    ("samples", "integrated_lufs"),
    [
        (steps((-23, 20)), -23.0),
        (steps((-33, 20)), -33.0),
        (steps((-36, 10), (-23, 60), (-36, 10)), -23.0),
        (steps((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)), -23.0),
        (steps((-26, 20), (-20, 20.1), (-26, 20)), -23.0),
    ],
)
def test_ebu_tech_3341_cases_1_to_5(samples: Samples, integrated_lufs: float) -> None:
    found = measured(samples, 48000)
    assert found.integrated_lufs == pytest.approx(integrated_lufs, abs=0.1)
    if integrated_lufs == -33.0 or len(samples) == 20 * 48000:
        assert found.momentary_lufs == pytest.approx(integrated_lufs, abs=0.1)
        assert found.short_term_lufs == pytest.approx(integrated_lufs, abs=0.1)


def test_ebu_tech_3341_case_9_short_term() -> None:
    """1.34 s at -20 and 1.66 s at -30 dBFS by turns: -23 LUFS after 3 s, whenever one looks."""
    samples, plugin = steps(*[(-20, 1.34), (-30, 1.66)] * 4), Meter()
    start(plugin, 48000, 480, 2)
    found = list[float]()
    for i in range(0, len(samples), 480):
        plugin.process(samples[i : i + 480])
        found.append(plugin.readings().short_term_lufs)
    np.testing.assert_allclose(found[300:], -23.0, atol=0.1)


def test_ebu_tech_3341_case_12_momentary() -> None:
    """0.18 s at -20 and 0.22 s at -30 dBFS by turns: -23 LUFS after 1 s."""
    samples, plugin = steps(*[(-20, 0.18), (-30, 0.22)] * 12), Meter()
    start(plugin, 48000, 480, 2)
    found = list[float]()
    for i in range(0, len(samples), 480):
        plugin.process(samples[i : i + 480])
        found.append(plugin.readings().momentary_lufs)
    np.testing.assert_allclose(found[100:], -23.0, atol=0.1)


@pytest.mark.parametrize(
    ("divisor", "phase_deg", "level", "true_peak_dbtp"),
    [(4, 0, 0.5, -6), (4, 45, 0.5, -6), (6, 60, 0.5, -6), (8, 67.5, 0.5, -6), (4, 45, 1.41, 3)],
)
def test_ebu_tech_3341_cases_15_to_19_true_peak(
    divisor: int, phase_deg: float, level: float, true_peak_dbtp: float
) -> None:
    """Between -0.4 and +0.2 dB; a sine of a quarter of the rate at 45 degrees has samples 3 dB below its peak."""
    n = np.arange(24000)
    wave = level * np.sin(2 * np.pi * n / divisor + np.radians(phase_deg)) * np.minimum(1, n / 4000)
    found = measured(np.stack([wave, 0 * wave], axis=1).astype(np.float32), 48000)
    assert true_peak_dbtp - 0.4 <= found.true_peak_dbtp <= true_peak_dbtp + 0.2
    if phase_deg == 45:
        assert found.highest_peak_dbfs == pytest.approx(true_peak_dbtp - 3.01, abs=0.03)


@pytest.mark.parametrize("size", SIZES)
def test_level_and_peaks(size: int) -> None:
    samples = np.concatenate([sine(-6, 0.5), sine(-20, 0.5)])
    samples[10000, 1] = -0.9
    found = measured(samples, 48000, (size,))
    assert found.rms_dbfs == pytest.approx(-23.01, abs=0.01)
    assert found.peak_dbfs == pytest.approx(-20, abs=0.01)
    assert found.highest_peak_dbfs == pytest.approx(20 * math.log10(0.9), abs=1e-5)
    np.testing.assert_allclose(dataclasses.astuple(found), dataclasses.astuple(measured(samples, 48000, (513,))))


def test_silence_reads_nothing_and_whispers_below_the_gate_do_not_count() -> None:
    assert measured(np.zeros((48000, 2), np.float32), 48000) == Readings()
    found = measured(steps((-73, 2)), 48000)
    assert found.integrated_lufs == -math.inf
    assert found.momentary_lufs == pytest.approx(-73, abs=0.1)
    assert measured(steps((-23, 0.39)), 48000).integrated_lufs == -math.inf  # not one whole gating block


def test_the_same_after_a_day() -> None:
    """A histogram that has counted 24 hours of -20 LUFS weighs a minute of -14 as it should, and is as long."""
    plugin = Meter()
    start(plugin, 8000, 800, 2)
    for block in np.split(sine(-20, 3, 8000), 30):
        plugin.process(block)
    one = plugin.readings().integrated_lufs
    plugin._histogram *= 864000 / plugin._histogram[0].sum()
    for block in np.split(sine(-14, 60, 8000), 600):
        plugin.process(block)
    expected = 10 * math.log10((864000 * 10 ** (one / 10) + 600 * 10 ** ((one + 6) / 10)) / 864600)
    assert plugin.readings().integrated_lufs == pytest.approx(expected, abs=1e-4)
    assert plugin._histogram.shape == (2, BINS)


def test_it_is_as_new_after_reset() -> None:
    samples, plugin = sine(-23, 1.05), Meter()
    start(plugin, 48000, 480, 2)
    found = list[Readings]()
    for _ in range(2):
        for i in range(0, len(samples), 480):
            plugin.process(samples[i : i + 480])
        found.append(plugin.readings())
        plugin.reset()
        assert plugin.readings() == Readings()
    assert found[0] == found[1]


def test_loud_and_tiny_sound_reads_finite_numbers() -> None:
    rng = np.random.default_rng(4)
    for level in (16.0, 1e-38, 1e6):
        found = measured((level * rng.choice([-1.0, 1.0], (8000, 2))).astype(np.float32), 8000)
        assert found.highest_peak_dbfs == pytest.approx(20 * math.log10(level), abs=0.01)
        assert all(not math.isnan(value) and value < math.inf for value in (found.integrated_lufs, found.rms_dbfs))
