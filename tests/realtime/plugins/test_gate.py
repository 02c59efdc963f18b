"""The gate: against a slow one, and what a singer expects of it in numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from advsep.realtime.plugin import run, start
from advsep.realtime.plugins.gate import Gate
from numpy.typing import NDArray

SIZES = (1, 63, 64, 65, 512, 513)
DEFAULTS = {p.name: p.default for p in Gate.parameters}
Samples = NDArray[np.float32]


def gate(rate_hz: int = 44100, channels: int = 2, **values: float) -> Gate:
    made = Gate()
    for name, value in values.items():
        made.set(name, value)
    start(made, rate_hz, max(SIZES), channels)
    return made


def play(plugin: Gate, sound: Samples, size: int = 256) -> Samples:
    out = sound.copy()
    for at in range(0, len(out), size):
        run(plugin, out[at : at + size])
    return out


def words(frames: int, channels: int, rate_hz: int, seed: int = 3) -> Samples:
    """Noise: words of -6 to 0 dB that last 20 to 60 ms, between them 100 to 300 ms at -80 to -30 dB."""
    rng = np.random.default_rng(seed)
    levels_db, loud = np.empty(0), True
    while len(levels_db) < frames:
        length_s, level_db = (rng.uniform(0.02, 0.06), -6) if loud else (rng.uniform(0.1, 0.3), rng.uniform(-80, -30))
        levels_db = np.append(levels_db, np.full(round(length_s * rate_hz), level_db + rng.uniform(0, 6)))
        loud = not loud
    sound = rng.uniform(-1, 1, (frames, channels)) * 10 ** (levels_db[:frames, None] / 20)
    return sound.astype(np.float32)


def slow(sound: Samples, rate_hz: int, **changed: float) -> NDArray[np.float64]:
    """The same in whole arrays and decibels where there is a choice: level, when it is open, gain."""
    v = DEFAULTS | changed
    peak = np.abs(sound.astype(np.float64)).max(axis=1)
    level_db, fall_db = np.empty(len(peak)), 20 / math.log(10) / (0.02 * rate_hz)
    last_db = -math.inf
    for i, p in enumerate(peak):
        last_db = level_db[i] = max(20 * math.log10(p) if p > 0 else -math.inf, last_db - fall_db)
    opening = level_db >= v["threshold_db"]
    keeping = level_db >= v["threshold_db"] - v["hysteresis_db"]
    last_kept, is_open, gain = -1, False, 0.0
    floor = 0.0 if v["range_db"] >= 120 else 10 ** (-v["range_db"] / 20)
    gain = floor
    gains = np.empty(len(peak))
    for i in range(len(peak)):
        if opening[i] or (is_open and keeping[i]):
            last_kept, is_open = i, True
        is_open = is_open and i - last_kept <= round(v["hold_s"] * rate_hz)
        time_s, aim = (v["attack_s"], 1.0) if is_open else (v["release_s"], floor)
        gain = aim + (gain - aim) * 0.1 ** (1 / (time_s * rate_hz))
        gains[i] = gain
    late = round(v["lookahead_s"] * rate_hz)
    delayed = np.concatenate([np.zeros((late, sound.shape[1])), sound])[: len(sound)]
    return gains[:, None] * delayed


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [8000, 44100, 192000])
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"threshold_db": -20, "range_db": 120, "hold_s": 0, "release_s": 0.02, "hysteresis_db": 0},
        {"threshold_db": -10, "range_db": 12, "attack_s": 0.01, "hold_s": 0.01, "lookahead_s": 0.004},
    ],
)
def test_it_does_what_a_slow_one_does(values: dict[str, float], rate_hz: int, channels: int) -> None:
    sound = words(rate_hz, channels, rate_hz)
    expected = slow(sound, rate_hz, **values)
    np.testing.assert_allclose(play(gate(rate_hz, channels, **values), sound), expected, atol=3e-6)


@pytest.mark.parametrize("lookahead_s", [0, 0.003])
def test_blocks_of_any_length_give_the_same(lookahead_s: float) -> None:
    sound = words(9000, 2, 44100)
    values = {"threshold_db": -20, "hold_s": 0.01, "release_s": 0.03, "lookahead_s": lookahead_s}
    expected = play(gate(**values), sound, 512)
    for size in SIZES:
        np.testing.assert_array_equal(play(gate(**values), sound, size), expected)


@pytest.mark.parametrize("lookahead_s", [0, 0.002])
def test_open_it_changes_nothing_and_with_no_range_neither(lookahead_s: float) -> None:
    sound, late = words(20000, 2, 44100), round(lookahead_s * 44100)
    ungated = gate(range_db=0, threshold_db=0, lookahead_s=lookahead_s)
    assert ungated.latency_samples == late
    np.testing.assert_array_equal(play(ungated, sound)[late:], sound[: len(sound) - late])
    loud = (0.3 + 0.1 * sound).astype(np.float32)
    heard = play(gate(lookahead_s=lookahead_s), loud)
    settled = round(0.001 * 44100 * 6) + late
    np.testing.assert_array_equal(heard[settled:], loud[settled - late : len(loud) - late])


def test_opens_holds_and_closes_in_the_times_that_were_set() -> None:
    """A tone of 0.5 s above a hum: nine tenths open after the attack, 20 dB down a release after hold and fall."""
    rate_hz, hum = 48000, 1e-3
    sound = np.full((3 * rate_hz, 1), hum, np.float32)
    sound[rate_hz : rate_hz + rate_hz // 2] = 0.1
    heard = play(gate(rate_hz, 1, attack_s=0.01, hold_s=0.2, release_s=0.3), sound)[:, 0] / sound[:, 0]
    assert 20 * np.log10(heard[rate_hz - 1]) == pytest.approx(-40, abs=0.01)
    assert heard[rate_hz + 479] == pytest.approx(1 - 0.1 * 0.99, abs=1e-4)
    # 0.1 falls to -51 dB = 0.0028 in 20 ms * ln(0.1 / 0.0028); then the hold.
    closing = 1.5 + 0.02 * math.log(0.1 / 10 ** (-51 / 20)) + 0.2
    assert np.flatnonzero(heard[round(1.2 * rate_hz) :] < 1)[0] / rate_hz + 1.2 == pytest.approx(closing, abs=1e-3)
    assert heard[round((closing + 0.3) * rate_hz)] == pytest.approx(0.01 + 0.99 * 0.1, abs=1e-3)


@pytest.mark.parametrize("hz", [50, 110, 1000])
def test_a_decaying_tone_closes_it_once(hz: float) -> None:
    """Without hold: the hysteresis and the fall of the level are enough."""
    t = np.arange(3 * 44100) / 44100
    noise_db = np.random.default_rng(5).normal(0, 1, len(t))
    sound = (0.1 * np.exp(-2 * t) * np.sin(2 * np.pi * hz * t) * 10 ** (noise_db / 20)).astype(np.float32)[:, None]
    heard = play(gate(channels=1, hold_s=0, attack_s=0.0001), sound)[:, 0]
    heard_share = np.abs(heard) / np.maximum(np.abs(sound[:, 0]), 1e-30)
    falls = np.diff(heard_share[np.abs(sound[:, 0]) > 1e-9])
    assert (falls[441:] < 1e-6).all()
    assert heard_share[-100:].max() < 0.02


def test_both_channels_get_the_gain_of_the_louder_one() -> None:
    sound = words(20000, 2, 44100)
    sound[:, 1] *= np.float32(1e-3)
    heard = play(gate(threshold_db=-20, hold_s=0.01, release_s=0.02), sound)
    audible = np.abs(sound).min(axis=1) > 1e-8
    shares = heard[audible] / sound[audible]
    np.testing.assert_allclose(shares[:, 0], shares[:, 1], rtol=1e-5)
    assert shares.min() < 0.1
    assert shares.max() == 1


def test_moving_parameters_do_not_click() -> None:
    rate_hz = 48000
    sine = (0.01 * np.sin(2 * np.pi * 200 / rate_hz * np.arange(rate_hz)))[:, None].astype(np.float32)
    played = gate(rate_hz, 1, threshold_db=-20, range_db=0)
    heard = []
    for i, (name, value) in enumerate([("range_db", 120), ("range_db", 3), ("threshold_db", -60), ("hold_s", 1)]):
        heard.append(play(played, sine[12000 * i : 12000 * (i + 1)]))
        played.set(name, value)
    out = np.concatenate(heard)[:, 0]
    # 120 dB in 50 ms; opening by 3 dB in 1 ms begins with ln 10 of the way per attack.
    line = 0.01 * (10 ** (120 / (0.05 * rate_hz) / 20) - 1)
    opening = 0.01 * (1 - 10 ** (-3 / 20)) * math.log(10) / (0.001 * rate_hz)
    assert np.abs(np.diff(out)).max() < np.abs(np.diff(sine[:, 0])).max() + max(line, opening)


@pytest.mark.parametrize("channels", [1, 2])
def test_whatever_comes_the_result_is_finite_and_a_reset_forgets(channels: int) -> None:
    played = gate(channels=channels, lookahead_s=0.002)
    fresh = play(gate(channels=channels, lookahead_s=0.002), words(5000, channels, 44100))
    for level in (0.0, 1e-40, 1.0, 15.9, 1e12):
        assert np.isfinite(play(played, np.full((700, channels), level, np.float32))).all()
    played.reset()
    np.testing.assert_array_equal(play(played, words(5000, channels, 44100)), fresh)
    late = played.latency_samples
    assert not play(played, np.zeros((late + 1000, channels), np.float32))[late:].any()
    assert played.tail_samples == 0
