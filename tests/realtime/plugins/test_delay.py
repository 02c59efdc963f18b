"""The echo against its recurrence written plainly, and what is heard while its knobs turn."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
import scipy.signal
from advsep.realtime.parameter import Value
from advsep.realtime.plugin import run, start
from advsep.realtime.plugins.delay import FADE_S, Delay
from numpy.typing import NDArray

SIZES = (1, 63, 64, 65, 512, 513)
Samples = NDArray[np.float32]


def prepared(values: Mapping[str, Value], rate_hz: int, channels: int) -> Delay:
    plugin = Delay()
    for name, value in values.items():
        plugin.set(name, value)
    start(plugin, rate_hz, max(SIZES), channels)
    return plugin


def through(plugin: Delay, samples: Samples, sizes: tuple[int, ...] = SIZES) -> Samples:
    out, at, turn = samples.copy(), 0, 0
    while at < len(out):
        run(plugin, out[at : at + sizes[turn % len(sizes)]])
        at, turn = at + sizes[turn % len(sizes)], turn + 1
    return out


def smoothing(hz: float, rate_hz: int) -> float:
    """The one-pole low-pass with -3 dB at `hz`, from |H|² = a² / (1 - 2 (1 - a) cos w + (1 - a)²) = 1/2."""
    if hz >= min(20000, 0.49 * rate_hz):
        return 1.0
    cos = math.cos(2 * math.pi * hz / rate_hz)
    return float(max(root.real for root in np.roots([1, 2 - 2 * cos, 2 * cos - 2])))


def reference(
    samples: Samples, rate_hz: int, time_s: float, feedback: float, hz: float, pong: bool, mix: float
) -> NDArray[np.float64]:
    """Lines that begin full of silence, float64."""
    frames, channels = samples.shape
    delay, a = round(time_s * rate_hz), smoothing(hz, rate_hz)
    line, out, low = np.zeros((frames, channels)), np.zeros((frames, channels)), np.zeros(channels)
    for n in range(frames):
        tap = line[n - delay] if n >= delay else np.zeros(channels)
        low = a * tap + (1 - a) * low
        back, given = feedback * low, samples[n].astype(np.float64)
        line[n] = [given.mean() + back[1], back[0]] if pong and channels == 2 else given + back
        out[n] = (1 - mix) * given + mix * low
    return out


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("rate_hz", "time_s", "feedback", "hz", "pong", "mix"),
    [
        (8000, 0.001, 0.95, 20000.0, False, 0.5),
        (8000, 0.05, 0.5, 1000.0, True, 0.25),
        (44100, 0.013, 0.7, 6000.0, False, 1.0),
        (48000, 0.021, 0.9, 200.0, True, 0.7),
        (192000, 0.004, 0.35, 15000.0, True, 0.25),
    ],
)
def test_it_is_the_recurrence(
    channels: int, rate_hz: int, time_s: float, feedback: float, hz: float, pong: bool, mix: float
) -> None:
    samples = (0.3 * np.random.default_rng(2).standard_normal((5000, channels))).astype(np.float32)
    values = {"time_s": time_s, "feedback": feedback, "high_cut_hz": hz, "ping_pong": pong, "mix": mix}
    expected = reference(samples, rate_hz, time_s, feedback, hz, pong, mix)
    np.testing.assert_allclose(through(prepared(values, rate_hz, channels), samples), expected, atol=2e-6)


def test_an_echo_comes_when_and_as_loud_as_set() -> None:
    click = np.zeros((48000, 2), np.float32)
    click[0] = 0.5
    values: dict[str, Value] = {"time_s": 0.25, "feedback": 0.5, "high_cut_hz": 20000.0, "mix": 0.5}
    heard = through(prepared(values, 48000, 2), click)[:, 0]
    places = np.flatnonzero(heard)
    np.testing.assert_array_equal(places, [0, 12000, 24000, 36000])
    np.testing.assert_allclose(heard[places], [0.25, 0.25, 0.125, 0.0625])
    heard = through(prepared(values | {"ping_pong": True}, 48000, 2), click)
    np.testing.assert_array_equal(np.flatnonzero(heard[:, 0]), [0, 12000, 36000])
    np.testing.assert_array_equal(np.flatnonzero(heard[:, 1]), [0, 24000])


def test_every_repeat_is_3_db_darker_at_the_cut() -> None:
    click = np.zeros((9600, 1), np.float32)
    click[0] = 1.0
    values: dict[str, Value] = {"time_s": 0.02, "feedback": 0.95, "high_cut_hz": 3000.0, "mix": 1.0}
    heard = through(prepared(values, 48000, 1), click)[:, 0]
    for i, part in enumerate(np.split(heard[960:], 9)[:6]):
        at = abs(np.sum(part * np.exp(-2j * np.pi * 3000 / 48000 * np.arange(960))))
        assert 20 * math.log10(at / 0.95**i) == pytest.approx(-3.0103 * (i + 1), abs=0.05)


def test_without_echoes_it_passes_bit_by_bit() -> None:
    samples = np.random.default_rng(1).standard_normal((30000, 2)).astype(np.float32)
    np.testing.assert_array_equal(through(prepared({"mix": 0.0}, 48000, 2), samples), samples)


def test_a_new_time_fades_in_where_the_old_one_was() -> None:
    samples = np.random.default_rng(3).standard_normal((20000, 1)).astype(np.float32)
    plugin = prepared({"time_s": 0.1, "feedback": 0.0, "high_cut_hz": 20000.0, "mix": 1.0}, 8000, 1)
    first = through(plugin, samples[:5000])
    plugin.set("time_s", 0.5)
    heard = np.concatenate([first, through(plugin, samples[5000:5100])])
    plugin.set("time_s", 0.2)  # before the fade is over: comes next
    heard = np.concatenate([heard, through(plugin, samples[5100:])])[:, 0]
    late = {delay: np.concatenate([np.zeros(delay), samples[:-delay, 0]]) for delay in (800, 4000, 1600)}
    fade = round(FADE_S * 8000)
    expected, ramp = late[800].copy(), np.arange(1, fade + 1) / fade
    for at, old, new in ((5000, 800, 4000), (5000 + fade, 4000, 1600)):
        expected[at:] = late[new][at:]
        expected[at : at + fade] = (1 - ramp) * late[old][at : at + fade] + ramp * late[new][at : at + fade]
    np.testing.assert_allclose(heard, expected, atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_turning_knobs_makes_no_click(size: int) -> None:
    t = np.arange(48000) / 48000
    swell = np.sin(np.pi / 2 * np.minimum(1, t / 0.1)) ** 2
    samples = (swell * (0.3 * np.sin(2 * np.pi * 220 * t) + 0.3))[:, None].astype(np.float32) * np.float32([1.0, -1.0])
    plugin, heard = prepared({"feedback": 0.5, "time_s": 0.05}, 48000, 2), list[Samples]()
    turns: list[dict[str, Value]] = [
        {},
        {"ping_pong": True},
        {"time_s": 0.011, "feedback": 0.0},
        {"high_cut_hz": 200.0, "mix": 1.0},
        {"high_cut_hz": 20000.0, "ping_pong": False},
        {"feedback": 0.6, "time_s": 0.1},
        {"mix": 0.0},
        {},
    ]
    for turn, part in zip(turns, np.split(samples, len(turns)), strict=True):
        for name, value in turn.items():
            plugin.set(name, value)
        heard.append(through(plugin, part, (size,)))
    sound = np.concatenate(heard)
    # A step of 0.3 in 720 frames at most, for three things at a time, on top of the sine and its echoes.
    assert np.abs(np.diff(sound, axis=0)).max() < 0.03
    above = scipy.signal.sosfilt(scipy.signal.butter(4, 6000, "high", fs=48000, output="sos"), sound, axis=0)
    assert np.abs(above[400:]).max() < 0.002


def test_it_is_as_new_after_reset() -> None:
    samples = np.random.default_rng(8).standard_normal((9000, 2)).astype(np.float32)
    plugin = prepared({"time_s": 0.03}, 48000, 2)
    first = through(plugin, samples)
    plugin.reset()
    np.testing.assert_array_equal(through(plugin, samples), first)
    plugin.set("time_s", 0.05)
    plugin.values.jump()
    plugin.reset()
    np.testing.assert_array_equal(through(plugin, samples), through(prepared({"time_s": 0.05}, 48000, 2), samples))


@pytest.mark.parametrize("feedback", [0.0, 0.35, 0.95])
@pytest.mark.parametrize("hz", [200.0, 20000.0])
def test_the_tail_is_true(feedback: float, hz: float) -> None:
    plugin = prepared({}, 8000, 1)
    through(plugin, np.ones((1000, 1), np.float32))
    plugin.set("time_s", 0.02)
    plugin.set("feedback", feedback)
    plugin.set("high_cut_hz", hz)
    plugin.set("mix", 1.0)
    through(plugin, np.ones((40000, 1), np.float32))
    steady = 1 / (1 - feedback)
    assert plugin.tail_samples is not None
    tail = through(plugin, np.zeros((plugin.tail_samples + 2000, 1), np.float32))
    assert np.abs(tail[plugin.tail_samples :]).max() < 1e-3 * steady
    assert np.abs(tail[plugin.tail_samples // 4 :]).max() > 1e-3 * steady


@pytest.mark.parametrize("rate_hz", [8000, 192000])
def test_loud_and_tiny_sound_stays_finite(rate_hz: int) -> None:
    rng = np.random.default_rng(4)
    plugin = prepared({"feedback": 0.95, "high_cut_hz": 20000.0, "time_s": 0.001, "mix": 1.0}, rate_hz, 2)
    for level in (16.0, 1e-38, 1e-42, 0.0, 16.0):
        heard = through(plugin, (level * rng.choice([-1.0, 1.0], (rate_hz // 10, 2))).astype(np.float32))
        assert np.isfinite(heard).all()
        assert np.abs(heard).max() <= 16.0 / (1 - 0.95) * 1.001
