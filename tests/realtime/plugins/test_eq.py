"""The equaliser against the cookbook's coefficients in direct form, and what turning its knobs sounds like."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import pytest
import scipy.signal
from advsep.realtime.parameter import Value
from advsep.realtime.plugin import MOVING_SAMPLES, run, start
from advsep.realtime.plugins.eq import Equaliser
from numpy.typing import NDArray

SIZES = (1, 63, 64, 65, 512, 513)
Q = math.sqrt(0.5)


def prepared(values: Mapping[str, Value], rate_hz: int, channels: int) -> Equaliser:
    plugin = Equaliser()
    for name, value in values.items():
        plugin.set(name, value)
    start(plugin, rate_hz, max(SIZES), channels)
    return plugin


def through(plugin: Equaliser, samples: NDArray[np.float32], sizes: tuple[int, ...] = SIZES) -> NDArray[np.float32]:
    out, at, turn = samples.copy(), 0, 0
    while at < len(out):
        run(plugin, out[at : at + sizes[turn % len(sizes)]])
        at, turn = at + sizes[turn % len(sizes)], turn + 1
    return out


def cookbook(kind: str, hz: float, q: float, gain_db: float, rate_hz: int) -> list[float]:
    """b0 b1 b2 a0 a1 a2 over a0, as Robert Bristow-Johnson writes them."""
    w, a = 2 * math.pi * min(hz, 0.49 * rate_hz) / rate_hz, 10 ** (gain_db / 40)
    cos, alpha = math.cos(w), math.sin(w) / (2 * q)
    root = 2 * math.sqrt(a) * alpha
    b, c = {
        "high_pass": ([(1 + cos) / 2, -(1 + cos), (1 + cos) / 2], [1 + alpha, -2 * cos, 1 - alpha]),
        "low_pass": ([(1 - cos) / 2, 1 - cos, (1 - cos) / 2], [1 + alpha, -2 * cos, 1 - alpha]),
        "peak": ([1 + alpha * a, -2 * cos, 1 - alpha * a], [1 + alpha / a, -2 * cos, 1 - alpha / a]),
        "low_shelf": (
            [
                a * (a + 1 - (a - 1) * cos + root),
                2 * a * (a - 1 - (a + 1) * cos),
                a * (a + 1 - (a - 1) * cos - root),
            ],
            [a + 1 + (a - 1) * cos + root, -2 * (a - 1 + (a + 1) * cos), a + 1 + (a - 1) * cos - root],
        ),
        "high_shelf": (
            [
                a * (a + 1 + (a - 1) * cos + root),
                -2 * a * (a - 1 + (a + 1) * cos),
                a * (a + 1 + (a - 1) * cos - root),
            ],
            [a + 1 - (a - 1) * cos + root, 2 * (a - 1 - (a + 1) * cos), a + 1 - (a - 1) * cos - root],
        ),
    }[kind]
    return [value / c[0] for value in (*b, *c)]


def sections(values: Mapping[str, float], rate_hz: int) -> Iterator[list[float]]:
    if "low_cut_hz" in values:
        qs = (0.541196100, 1.306562965) if values.get("low_cut_steep") else (Q,)
        yield from (cookbook("high_pass", values["low_cut_hz"], q, 0, rate_hz) for q in qs)
    for kind in ("low_shelf", "high_shelf"):
        if f"{kind}_db" in values:
            yield cookbook(kind, values[f"{kind}_hz"], Q, values[f"{kind}_db"], rate_hz)
    for i in (1, 2, 3):
        if f"peak{i}_db" in values:
            yield cookbook("peak", values[f"peak{i}_hz"], values[f"peak{i}_q"], values[f"peak{i}_db"], rate_hz)
    if "high_cut_hz" in values:
        yield cookbook("low_pass", values["high_cut_hz"], Q, 0, rate_hz)


def random_values(rng: np.random.Generator, rate_hz: int) -> dict[str, float]:
    def hz() -> float:
        return float(np.exp(rng.uniform(np.log(40), np.log(min(15000, 0.4 * rate_hz)))))

    values: dict[str, float] = {"low_cut_hz": min(hz(), 1000.0), "low_cut_steep": float(rng.integers(2))}
    for name in ("low_shelf", "high_shelf", "peak1", "peak2", "peak3"):
        values |= {f"{name}_hz": hz(), f"{name}_db": float(rng.uniform(-20, 12))}
    values |= {f"peak{i}_q": float(np.exp(rng.uniform(np.log(0.2), np.log(8)))) for i in (1, 2, 3)}
    return values | {"high_cut_hz": float(rng.uniform(0.2, 0.35) * min(rate_hz, 40000))}


@pytest.mark.parametrize("rate_hz", [8000, 44100, 48000, 192000])
@pytest.mark.parametrize("channels", [1, 2])
def test_it_is_the_cookbooks_cascade(rate_hz: int, channels: int) -> None:
    rng = np.random.default_rng(rate_hz + channels)
    samples = (0.3 * rng.standard_normal((6000, channels))).astype(np.float32)
    for _ in range(4):
        values = random_values(rng, rate_hz)
        expected = scipy.signal.sosfilt(list(sections(values, rate_hz)), samples.astype(np.float64), axis=0)
        heard = through(prepared(values, rate_hz, channels), samples)
        np.testing.assert_allclose(heard, expected, atol=2e-6 * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize(
    "values",
    [
        {"low_shelf_hz": 900.0, "low_shelf_db": 9.0},
        {"peak1_hz": 900.0, "peak1_db": 9.0, "peak1_q": 1.0},
        {"high_shelf_hz": 900.0, "high_shelf_db": -9.0},
        {"low_cut_hz": 20.0},
        {"high_cut_hz": 15870.0},
    ],
)
def test_each_section_alone(values: dict[str, float]) -> None:
    """The cuts as near to off as they are the cookbook's."""
    samples = np.random.default_rng(6).standard_normal((5000, 2)).astype(np.float32)
    expected = scipy.signal.sosfilt(list(sections(values, 44100)), samples.astype(np.float64), axis=0)
    np.testing.assert_allclose(through(prepared(values, 44100, 2), samples), expected, atol=3e-6)


def test_a_section_that_was_off_has_forgotten_what_it_heard() -> None:
    plugin = prepared({"peak1_db": 24, "peak1_hz": 50, "peak1_q": 10, "low_cut_hz": 100}, 48000, 1)
    through(plugin, np.ones((9000, 1), np.float32))
    for off_or_on in ({"peak1_db": 0, "low_cut_hz": 10}, {"peak1_db": 24, "low_cut_hz": 100}):
        for name, value in off_or_on.items():
            plugin.set(name, value)
        heard = through(plugin, np.zeros((9000, 1), np.float32))
    assert not heard.any()


@pytest.mark.parametrize(
    ("values", "hz", "gain_db"),
    [
        ({"peak2_hz": 1000, "peak2_db": 7, "peak2_q": 4}, 1000, 7),
        ({"peak1_hz": 60, "peak1_db": -18, "peak1_q": 0.5}, 60, -18),
        ({"low_shelf_hz": 300, "low_shelf_db": 8}, 300, 4),
        ({"high_shelf_hz": 5000, "high_shelf_db": -10}, 5000, -5),
        ({"low_cut_hz": 90}, 90, -3.0103),
        ({"low_cut_hz": 90, "low_cut_steep": True}, 90, -3.0103),
        ({"low_cut_hz": 400, "low_cut_steep": True}, 100, -48.2),
        ({"low_cut_hz": 400}, 100, -24.1),
        ({"high_cut_hz": 5000}, 5000, -3.0103),
        ({"low_shelf_db": 12, "high_shelf_db": 6}, 20000, 6),
    ],
)
def test_a_sine_comes_out_as_loud_as_is_set(values: dict[str, Value], hz: float, gain_db: float) -> None:
    phase = 2 * np.pi * hz * np.arange(48000) / 48000
    heard = through(prepared(values, 48000, 1), (0.5 * np.sin(phase)[:, None]).astype(np.float32))[24000:, 0]
    level = 2 * abs(np.mean(heard * np.exp(-1j * phase[24000:]))) / 0.5
    assert 20 * math.log10(level) == pytest.approx(gain_db, abs=0.15)


@pytest.mark.parametrize("rate_hz", [8000, 48000, 192000])
def test_neutral_passes_bit_by_bit(rate_hz: int) -> None:
    samples = np.random.default_rng(1).standard_normal((3000, 2)).astype(np.float32)
    plugin = prepared({"peak1_hz": 3000.0, "low_shelf_hz": 40.0}, rate_hz, 2)
    assert plugin.tail_samples == 0
    np.testing.assert_array_equal(through(plugin, samples), samples)
    plugin.set("peak1_db", 12.0)
    plugin.set("low_cut_hz", 200.0)
    assert not np.array_equal(through(plugin, samples), samples)
    plugin.set("peak1_db", 0.0)
    plugin.set("low_cut_hz", 10.0)
    through(plugin, np.zeros((rate_hz // 20, 2), np.float32))
    np.testing.assert_array_equal(through(plugin, samples), samples)


def test_a_high_cut_beyond_the_sample_rate_does_nothing() -> None:
    samples = np.random.default_rng(1).standard_normal((3000, 2)).astype(np.float32)
    np.testing.assert_array_equal(through(prepared({"high_cut_hz": 4500}, 8000, 2), samples), samples)


@pytest.mark.parametrize("size", SIZES)
def test_turning_knobs_makes_no_click(size: int) -> None:
    """A sine on top of a constant, which a cut takes away: no step beyond what a 30 ms way implies."""
    t = np.arange(48000) / 48000
    samples = (0.3 * np.sin(2 * np.pi * 220 * t) + 0.3)[:, None].astype(np.float32)
    plugin, heard = prepared({}, 48000, 1), list[NDArray[np.float32]]()
    turns: list[dict[str, Value]] = [
        {},
        {"low_cut_hz": 300.0},
        {"peak1_db": 12.0, "peak1_hz": 220.0, "low_shelf_db": -12.0},
        {"high_cut_hz": 600.0, "peak1_hz": 5000.0, "peak1_q": 10.0},
        {"low_cut_hz": 10.0, "high_shelf_db": 12.0, "high_shelf_hz": 100.0},
        {"peak1_db": 0.0, "low_shelf_db": 0.0, "high_shelf_db": 0.0},
        {"high_cut_hz": 20000.0},
        {},
    ]
    for turn, part in zip(turns, np.split(samples, len(turns)), strict=True):
        for name, value in turn.items():
            plugin.set(name, value)
        heard.append(through(plugin, part, (size,)))
    sound = np.concatenate(heard)[:, 0]
    assert np.abs(np.diff(sound)).max() < 0.035
    # A click has highs: 0.09 where the values jump from one frame to the next.
    above = scipy.signal.sosfilt(scipy.signal.butter(4, 6000, "high", fs=48000, output="sos"), sound[200:])
    assert np.abs(above[200:]).max() < 0.002


def test_it_is_as_new_after_reset() -> None:
    samples = np.random.default_rng(8).standard_normal((2000, 2)).astype(np.float32)
    plugin = prepared({"low_cut_hz": 90, "peak3_db": 3}, 48000, 2)
    first = through(plugin, samples)
    plugin.reset()
    np.testing.assert_array_equal(through(plugin, samples), first)
    plugin.set("peak3_db", -9)
    plugin.values.jump()
    plugin.reset()
    np.testing.assert_array_equal(
        through(plugin, samples), through(prepared({"low_cut_hz": 90, "peak3_db": -9}, 48000, 2), samples)
    )


@pytest.mark.parametrize(
    ("values", "hz"),
    [({"low_cut_hz": 90}, 90), ({"peak1_db": 24, "peak1_hz": 50, "peak1_q": 10}, 50), ({"high_cut_hz": 500}, 500)],
)
def test_the_tail_is_true(values: dict[str, Value], hz: float) -> None:
    plugin = prepared(values, 8000, 1)
    burst = np.sin(2 * np.pi * hz * np.arange(80000) / 8000)[:, None].astype(np.float32)
    through(plugin, burst)
    assert plugin.tail_samples is not None
    tail = through(plugin, np.zeros((plugin.tail_samples + 8000, 1), np.float32))
    assert np.abs(tail[plugin.tail_samples :]).max() < 1e-3
    assert np.abs(tail[plugin.tail_samples // 4 :]).max() > 1e-3


@pytest.mark.parametrize("rate_hz", [8000, 11025, 192000])
def test_any_setting_gives_finite_sound(rate_hz: int) -> None:
    rng = np.random.default_rng(rate_hz)
    plugin = prepared({}, rate_hz, 2)
    for turn in range(60):
        for parameter in plugin.parameters:
            if not parameter.fixed:
                plugin.set(parameter.name, parameter.at(float(rng.choice([0.0, 1.0, rng.random()]))))
        sound = rng.standard_normal((MOVING_SAMPLES * 5, 2)) * (0.0, 1e-38, 1.0, 16.0)[turn % 4]
        heard = through(plugin, sound.astype(np.float32))
        assert np.isfinite(heard).all()
        assert np.abs(heard).max() < 16 * 5 * 10 ** (5 * 24 / 20)
