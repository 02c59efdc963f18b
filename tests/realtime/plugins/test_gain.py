"""Gain: the level that was asked for, exact silence, exact nothing, and no click."""

from __future__ import annotations

import numpy as np
import pytest
from advsep.realtime.parameter import SMOOTHING_S
from advsep.realtime.plugin import run, start
from advsep.realtime.plugins.gain import Gain
from numpy.typing import NDArray

SIZES = (1, 63, 64, 65, 512, 513)
Samples = NDArray[np.float32]


def gain(rate_hz: int = 44100, channels: int = 2, **values: float) -> Gain:
    made = Gain()
    for name, value in values.items():
        made.set(name, value)
    start(made, rate_hz, max(SIZES), channels)
    return made


def play(plugin: Gain, sound: Samples, size: int = 256) -> Samples:
    out = sound.copy()
    for at in range(0, len(out), size):
        run(plugin, out[at : at + size])
    return out


def noise(frames: int, channels: int = 2, level: float = 1.0) -> Samples:
    return (level * np.random.default_rng(1).standard_normal((frames, channels))).astype(np.float32)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [8000, 192000])
def test_the_factor_of_a_level(size: int, channels: int, rate_hz: int) -> None:
    sound = noise(1100, channels)
    for db, invert in ((-3.0, 0), (24.0, 1), (-119.9, 0)):
        heard = play(gain(rate_hz, channels, db=db, invert=invert), sound, size)
        expected = (-1) ** invert * 10 ** (db / 20) * sound.astype(np.float64)
        np.testing.assert_allclose(heard, expected, rtol=2e-7)


def test_nothing_at_0_db_and_silence_at_the_lowest() -> None:
    sound = noise(1000)
    np.testing.assert_array_equal(play(gain(), sound), sound)
    np.testing.assert_array_equal(play(gain(invert=1), sound), -sound)
    assert not play(gain(db=-120), sound).any()


@pytest.mark.parametrize("size", SIZES)
def test_a_move_is_a_straight_line_of_decibels_down_to_silence(size: int) -> None:
    """144 dB in 50 ms at 48 kHz are 0.06 dB a frame; in the last block it may go slower, to end with it."""
    played = gain(48000)
    one = np.ones((4000, 2), np.float32)
    np.testing.assert_array_equal(play(played, one[:500], size), one[:500])
    played.set("db", -120)
    heard = play(played, one, size)[:, 0].astype(np.float64)
    line = -0.06 * np.arange(1, 1921)
    np.testing.assert_allclose(20 * np.log10(heard[:1920]), line, atol=1e-4)
    assert not heard[2064:].any()


def test_polarity_turns_through_silence_without_a_click() -> None:
    played = gain(48000)
    sine = (0.8 * np.sin(2 * np.pi * 100 / 48000 * np.arange(9600))[:, None] * np.ones(2)).astype(np.float32)
    heard = [play(played, sine[:3210])]
    played.set("invert", True)
    heard.append(play(played, sine[3210:]))
    out = np.concatenate(heard)
    turned = round(SMOOTHING_S * 48000)
    np.testing.assert_array_equal(out[3210 + turned :], -sine[3210 + turned :])
    most = np.abs(np.diff(sine, axis=0)).max() + 0.8 * 2 / turned
    assert np.abs(np.diff(out, axis=0)).max() <= most * 1.0001


@pytest.mark.parametrize("channels", [1, 2])
def test_whatever_comes_the_result_is_finite_and_a_reset_forgets(channels: int) -> None:
    played = gain(channels=channels, db=24)
    for level in (0.0, 1e-40, 1.0, 15.9, 1e12):
        assert np.isfinite(play(played, noise(700, channels, level))).all()
    played.set("db", -6)
    played.set("invert", True)
    play(played, noise(10, channels))
    played.values.jump()
    played.reset()
    expected = play(gain(channels=channels, db=-6, invert=1), noise(700, channels))
    np.testing.assert_array_equal(play(played, noise(700, channels)), expected)
    assert (played.latency_samples, played.tail_samples) == (0, 0)
