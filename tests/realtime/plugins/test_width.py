"""Stereo width: against mid and side written out, and a Butterworth filter of SciPy's on the side."""

from __future__ import annotations

import numpy as np
import pytest
from advsep.realtime.plugin import run, start
from advsep.realtime.plugins.width import Width
from numpy.typing import NDArray
from scipy.signal import butter, lfilter

SIZES = (1, 63, 64, 65, 512, 513)
Samples = NDArray[np.float32]


def widener(rate_hz: int = 44100, channels: int = 2, **values: float) -> Width:
    made = Width()
    for name, value in values.items():
        made.set(name, value)
    start(made, rate_hz, max(SIZES), channels)
    return made


def play(plugin: Width, sound: Samples, size: int = 256) -> Samples:
    out = sound.copy()
    for at in range(0, len(out), size):
        run(plugin, out[at : at + size])
    return out


def noise(frames: int, channels: int = 2) -> Samples:
    return np.random.default_rng(1).uniform(-1, 1, (frames, channels)).astype(np.float32)


def tones(left_hz: float, right_hz: float, rate_hz: int = 48000, level: float = 0.5) -> Samples:
    t = np.arange(rate_hz) / rate_hz
    return (level * np.sin(2 * np.pi * np.outer(t, [left_hz, right_hz]))).astype(np.float32)


def slow(sound: Samples, rate_hz: int, width: float, mono_below_hz: float) -> NDArray[np.float64]:
    mid, side = (sound.astype(np.float64) @ np.array([[0.5, 0.5], [0.5, -0.5]])).T
    if mono_below_hz:
        side = lfilter(*butter(2, mono_below_hz, "high", fs=rate_hz), side)
    return np.stack([mid + width * side, mid - width * side], axis=1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rate_hz", [8000, 44100, 192000])
@pytest.mark.parametrize(("width", "mono_below_hz"), [(1.3, 0), (0, 0), (2, 500), (1, 20), (0.5, 120)])
def test_it_does_what_a_slow_one_does(width: float, mono_below_hz: float, rate_hz: int, size: int) -> None:
    sound = noise(3000)
    played = play(widener(rate_hz, width=width, mono_below_hz=mono_below_hz), sound, size)
    np.testing.assert_allclose(played, slow(sound, rate_hz, width, mono_below_hz), atol=5e-7)


def test_as_it_came_is_bit_by_bit_and_a_mono_strip_passes() -> None:
    np.testing.assert_array_equal(play(widener(width=1), noise(2000)), noise(2000))
    played = widener(channels=1, width=2, mono_below_hz=100)
    np.testing.assert_array_equal(play(played, noise(2000, 1)), noise(2000, 1))
    assert played.tail_samples == 0


def test_the_sum_of_both_channels_stays_whatever_is_set() -> None:
    sound = noise(4000)
    for values in ({"width": 2}, {"width": 0.2, "mono_below_hz": 300}):
        np.testing.assert_allclose(play(widener(**values), sound).sum(axis=1), sound.sum(axis=1), atol=5e-7)


@pytest.mark.parametrize(("hz", "side_db"), [(30, -24.10), (120, -3.01), (480, -0.017)])
def test_the_side_falls_by_12_db_an_octave(hz: float, side_db: float) -> None:
    """A Butterworth filter at 120 Hz: 10 log10(1 / (1 + (120 / f)^4))."""
    sound = tones(hz, hz) * np.array([1, -1], np.float32)
    heard = play(widener(48000, width=1, mono_below_hz=120), sound)[24000:]
    left_db = 10 * np.log10(np.mean(heard[:, 0].astype(np.float64) ** 2) / (0.5**2 / 2))
    assert left_db == pytest.approx(side_db, abs=0.01)


@pytest.mark.parametrize("mono_below_hz", [20, 100, 500])
def test_after_the_tail_nothing_is_heard(mono_below_hz: float) -> None:
    played = widener(48000, mono_below_hz=mono_below_hz, width=2)
    sound = tones(20, 20, level=1.0)[: 48000 // 20 * 10 - 600] * np.array([1, -1], np.float32)
    play(played, sound)
    assert played.tail_samples == 4800
    rest = play(played, np.zeros((9600, 2), np.float32))
    assert np.abs(rest[4800:]).max() < 1e-3 * np.abs(sound).max()
    if mono_below_hz == 20:
        assert np.abs(rest[1500:4800]).max() > 1e-3  # the bound is not for nothing


def test_moving_parameters_do_not_click() -> None:
    """Also with the low frequencies of the side in the filter when it is taken out."""
    rate_hz, played, heard = 48000, widener(48000, width=0), []
    sound = np.tile(tones(60, 1000, rate_hz), (2, 1))
    moves = [("width", 2.0), ("mono_below_hz", 500.0), ("width", 0.0), ("width", 1.0), ("mono_below_hz", 0.0)]
    for i, (name, value) in enumerate(moves):
        heard.append(play(played, sound[16000 * i : 16000 * (i + 1)]))
        played.set(name, value)
    heard.append(play(played, sound[80000:]))
    out = np.concatenate(heard)
    # Twice the side of two tones of 0.5; 2 of width in 15 ms; what the filter holds fades in 10 ms (20 of 500 Hz).
    own = 2 * np.abs(np.diff(sound, axis=0)).max()
    assert np.abs(np.diff(out, axis=0)).max() < own + 0.5 * 2 / (0.015 * rate_hz) + 0.5 / (0.01 * rate_hz)
    np.testing.assert_array_equal(out[94000:], sound[94000:])


def test_blocks_of_any_length_give_the_same() -> None:
    expected = play(widener(mono_below_hz=90), noise(5000), 512)
    for size in SIZES:
        np.testing.assert_array_equal(play(widener(mono_below_hz=90), noise(5000), size), expected)


@pytest.mark.parametrize("channels", [1, 2])
def test_whatever_comes_the_result_is_finite_and_a_reset_forgets(channels: int) -> None:
    played = widener(channels=channels, width=2, mono_below_hz=500)
    fresh = play(widener(channels=channels, width=2, mono_below_hz=500), noise(3000, channels))
    for level in (0.0, 1e-40, 1.0, 15.9, 1e11):
        loud = noise(700, channels) * np.float32(level)
        assert np.isfinite(play(played, loud)).all()
    played.reset()
    np.testing.assert_array_equal(play(played, noise(3000, channels)), fresh)
    assert played.latency_samples == 0
