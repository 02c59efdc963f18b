"""The compressor: against a slow one after the paper, and its curve and times in numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from advsep.realtime.plugin import run, start
from advsep.realtime.plugins.compressor import Compressor
from numpy.typing import NDArray

SIZES = (1, 63, 64, 65, 512, 513)
DEFAULTS = {p.name: p.default for p in Compressor.parameters}
Samples = NDArray[np.float32]


def compressor(rate_hz: int = 44100, channels: int = 2, **values: float) -> Compressor:
    made = Compressor()
    for name, value in values.items():
        made.set(name, value)
    start(made, rate_hz, max(SIZES), channels)
    return made


def play(plugin: Compressor, sound: Samples, size: int = 256) -> Samples:
    out = sound.copy()
    for at in range(0, len(out), size):
        run(plugin, out[at : at + size])
    return out


def noise(frames: int, channels: int = 2, seed: int = 3) -> Samples:
    """Between +10 and -60 dB, another level every 500 frames."""
    rng = np.random.default_rng(seed)
    levels_db = np.repeat(rng.uniform(-60, 10, frames // 500 + 1), 500)[:frames, None]
    return (rng.uniform(-1, 1, (frames, channels)) * 10 ** (levels_db / 20)).astype(np.float32)


def curve_db(level_db: float, threshold_db: float, ratio: float, knee_db: float) -> float:
    """The static curve of Giannoulis, Massberg and Reiss, 2012, as they write it."""
    if 2 * (level_db - threshold_db) < -knee_db:
        return level_db
    if 2 * abs(level_db - threshold_db) <= knee_db and knee_db:
        return level_db + (1 / ratio - 1) * (level_db - threshold_db + knee_db / 2) ** 2 / (2 * knee_db)
    return threshold_db + (level_db - threshold_db) / ratio


def slow(sound: Samples, rate_hz: int, **changed: float) -> NDArray[np.float64]:
    """Gain computer, smooth decoupled detector, makeup, in decibels throughout."""
    v = DEFAULTS | changed
    attack, release = (math.exp(-1 / (v[name] * rate_hz)) for name in ("attack_s", "release_s"))
    first = second = 0.0
    gains = np.empty((len(sound), 1))
    for i, peak in enumerate(np.abs(sound.astype(np.float64)).max(axis=1)):
        level_db = 20 * math.log10(max(peak, 1e-30))
        over_db = level_db - curve_db(level_db, v["threshold_db"], v["ratio"], v["knee_db"])
        first = max(over_db, release * first + (1 - release) * over_db)
        second = attack * second + (1 - attack) * first
        gains[i] = 10 ** ((v["makeup_db"] - second) / 20)
    return sound * ((1 - v["mix"]) + v["mix"] * gains)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [8000, 44100, 192000])
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"threshold_db": -40, "ratio": 100, "knee_db": 0, "attack_s": 0.0001, "release_s": 0.01, "makeup_db": 12},
        {"threshold_db": -30, "ratio": 4, "knee_db": 24, "release_s": 0.03, "mix": 0.4, "makeup_db": 6},
    ],
)
def test_it_does_what_a_slow_one_does(values: dict[str, float], rate_hz: int, channels: int) -> None:
    sound = noise(12000, channels)
    expected = slow(sound, rate_hz, **values)
    np.testing.assert_allclose(play(compressor(rate_hz, channels, **values), sound), expected, rtol=1e-6, atol=1e-9)


def test_blocks_of_any_length_give_the_same() -> None:
    sound = noise(9000)
    expected = play(compressor(), sound, 512)
    for size in SIZES:
        np.testing.assert_array_equal(play(compressor(), sound, size), expected)


@pytest.mark.parametrize("values", [{"ratio": 1}, {"mix": 0, "makeup_db": 9}, {"threshold_db": 0, "mix": 0.3}])
def test_settings_that_do_nothing_change_nothing(values: dict[str, float]) -> None:
    sound = noise(9000)
    if "threshold_db" in values:
        sound /= 5
    np.testing.assert_array_equal(play(compressor(**values), sound), sound)


@pytest.mark.parametrize(
    ("level_db", "knee_db", "out_db"), [(-6, 0, -14), (6, 0, -10), (-18, 6, -18.5), (-15, 6, -17), (-21, 6, -21)]
)
def test_the_curve_of_the_default_in_decibels(level_db: float, knee_db: float, out_db: float) -> None:
    """-18 dB and 3 : 1."""
    held = np.full((44100, 1), 10 ** (level_db / 20), np.float32)
    heard = play(compressor(channels=1, knee_db=knee_db), held)
    assert 20 * np.log10(heard[-1, 0]) == pytest.approx(out_db, abs=1e-4)


def test_attack_and_release_are_time_constants() -> None:
    """12 dB over the threshold at 2 : 1: 6 dB less, 63 % of them after the attack, 37 % left a release later."""
    rate_hz = 48000
    step = np.full((2 * rate_hz, 1), 10 ** (-50 / 20), np.float32)
    step[:rate_hz] = 10 ** (-8 / 20)
    values = {"threshold_db": -20, "ratio": 2, "knee_db": 0, "attack_s": 0.01, "release_s": 0.5}
    heard = play(compressor(rate_hz, 1, **values), step)
    reduction_db = 20 * np.log10(step / heard)[:, 0]
    assert reduction_db[479] == pytest.approx(6 * (1 - math.exp(-1)), abs=1e-3)
    assert reduction_db[rate_hz - 1] == pytest.approx(6, abs=1e-3)
    # Two filters in a row: the release's fall, late by the attack's.
    t, a, r = 0.5, 0.01, 0.5
    left = (r * math.exp(-t / r) - a * math.exp(-t / a)) / (r - a)
    assert reduction_db[rate_hz + round(t * rate_hz) - 1] == pytest.approx(6 * left, abs=2e-3)


def test_both_channels_get_the_same_gain() -> None:
    sound = noise(9000)
    sound[:, 1] *= np.float32(0.01)
    heard = play(compressor(threshold_db=-30), sound)
    gains = heard / sound
    np.testing.assert_allclose(gains[:, 0], gains[:, 1], rtol=1e-6)
    assert gains.min() < 0.5


def test_moving_parameters_do_not_click() -> None:
    """A held tone at -6 dB: the gain goes no faster than the parameters, or the detector after them."""
    rate_hz = 48000
    held = np.full((12000, 1), 0.5, np.float32)
    played = compressor(rate_hz, 1, threshold_db=0, knee_db=0, ratio=4)
    heard = []
    moves = [("threshold_db", -40), ("makeup_db", 12), ("mix", 0.2), ("ratio", 1), ("knee_db", 24), ("makeup_db", 0)]
    for name, value in moves:
        heard.append(play(played, held))
        played.set(name, value)
    gain = np.concatenate([*heard, play(played, held)])[:, 0].astype(np.float64) / 0.5
    # Fastest: makeup over 48 dB and mix over its range in 15 ms each, at gains up to 1.
    fastest_db = 48 / (0.015 * rate_hz)
    assert np.abs(np.diff(gain)).max() <= max(10 ** (fastest_db / 20) - 1, 1 / (0.015 * rate_hz)) * gain.max()
    steps = np.abs(np.diff(gain)) > 0
    assert steps.sum() > 5 * 0.003 * rate_hz


@pytest.mark.parametrize("channels", [1, 2])
def test_whatever_comes_the_result_is_finite_and_a_reset_forgets(channels: int) -> None:
    played = compressor(channels=channels, makeup_db=24, knee_db=0)
    fresh = play(compressor(channels=channels, makeup_db=24, knee_db=0), noise(5000, channels))
    for level in (0.0, 1e-40, 1.0, 15.9, 1e12):
        assert np.isfinite(play(played, np.full((700, channels), level, np.float32))).all()
    played.reset()
    np.testing.assert_array_equal(play(played, noise(5000, channels)), fresh)
    assert not play(played, np.zeros((1000, channels), np.float32)).any()
    assert (played.latency_samples, played.tail_samples) == (0, 0)
