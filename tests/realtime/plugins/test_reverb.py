"""The room against the network written plainly with matrices, and its acoustics measured on what comes out."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
import scipy.linalg
import scipy.signal
from advsep.realtime.parameter import Value
from advsep.realtime.plugin import run, start
from advsep.realtime.plugins.reverb import Reverb, delay_lengths
from numpy.typing import NDArray

SIZES = (1, 63, 64, 65, 512, 513)
Samples = NDArray[np.float32]
DRY: dict[str, Value] = {"mix": 0.0}
ROOM: dict[str, Value] = {"mix": 1.0, "predelay_s": 0.0, "damping": 0.0}


def prepared(values: Mapping[str, Value], rate_hz: int, channels: int) -> Reverb:
    plugin = Reverb()
    for name, value in values.items():
        plugin.set(name, value)
    start(plugin, rate_hz, max(SIZES), channels)
    return plugin


def through(plugin: Reverb, samples: Samples, sizes: tuple[int, ...] = SIZES) -> Samples:
    out, at, turn = samples.copy(), 0, 0
    while at < len(out):
        run(plugin, out[at : at + sizes[turn % len(sizes)]])
        at, turn = at + sizes[turn % len(sizes)], turn + 1
    return out


def answer(values: Mapping[str, Value], rate_hz: int, seconds: float, given: tuple[float, float] = (1, 1)) -> Samples:
    """Impulse response [frame, channel]."""
    click = np.zeros((round(seconds * rate_hz), 2), np.float32)
    click[0] = given
    return through(prepared(ROOM | dict(values), rate_hz, 2), click, (512,))


def decay_s(samples: NDArray[np.floating], rate_hz: int) -> float:
    """ISO 3382: the line through -5 to -35 dB of Schroeder's backward integral, to 60 dB."""
    energy = np.cumsum(samples[::-1].astype(np.float64) ** 2)[::-1]
    level_db = 10 * np.log10(energy / energy[0] + 1e-30)
    first, last = int(np.argmax(level_db < -5)), int(np.argmax(level_db < -35))
    slope = np.polyfit(np.arange(first, last) / rate_hz, level_db[first:last], 1)[0]
    return float(-60 / slope)


def reference(samples: Samples, rate_hz: int, v: Mapping[str, float]) -> NDArray[np.float64]:
    """The same network in float64: one matrix, one frame at a time, all delays read from all that ever was."""
    frames = len(samples)
    given = np.repeat(samples.astype(np.float64), 2 // samples.shape[1], axis=1)
    wait = round(v["predelay_s"] * rate_hz)
    diffuse = np.concatenate([np.zeros((wait, 2)), given])[:frames]
    lines, passes = delay_lengths(rate_hz, v["size"])
    for stage in range(4):
        for side in range(2):
            delay = passes[2 * stage + side]
            between = [0.0] * (delay - 1)
            diffuse[:, side] = scipy.signal.lfilter([-0.6, *between, 1], [1, *between, -0.6], diffuse[:, side])
    length = np.array(lines)
    gain = 10 ** (-3 * length / (rate_hz * v["decay_s"]))
    high = 10 ** (-3 * length / (rate_hz * v["decay_s"] * (1 - 0.9 * v["damping"])))
    hadamard = scipy.linalg.hadamard(8) / math.sqrt(8)
    b, a = scipy.signal.butter(1, min(3000, 0.4 * rate_hz), fs=rate_hz)
    past, heard, last, low = np.zeros((frames, 8)), np.zeros((frames, 8)), np.zeros(8), np.zeros(8)
    inlet = 0.5 * np.array([[1, 0], [0, 1]] * 4)
    for n in range(frames):
        out = np.array([past[n - d, i] if n >= d else 0.0 for i, d in enumerate(lines)])
        low, last = b[0] * out + b[1] * last - a[1] * low, out
        angle = 2 * math.pi * 0.7 * n / rate_hz
        turns = [[[math.cos(w), -math.sin(w)], [math.sin(w), math.cos(w)]] for w in (angle, -angle)]
        past[n] = hadamard @ scipy.linalg.block_diag(*turns, *turns) @ (high * out + (gain - high) * low)
        past[n] += inlet @ diffuse[n]
        heard[n] = out
    level = math.sqrt((1 - 10 ** (-6 * np.mean(length) / (rate_hz * v["decay_s"]))) / 2)
    left, right = level * heard @ [1, 1, 1, -1, 1, 1, 1, -1], level * heard @ [1, 1, 1, -1, -1, -1, -1, 1]
    middle, side = (left + right) / 2, v["width"] * (left - right) / 2
    wet = np.stack([middle + side, middle - side], axis=1)
    return ((1 - v["mix"]) * given + v["mix"] * wet)[:, : samples.shape[1]]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("rate_hz", "values"),
    [
        (8000, {"decay_s": 0.3, "damping": 0.0, "size": 0.5, "predelay_s": 0.0, "width": 1.0, "mix": 1.0}),
        (8000, {"decay_s": 10.0, "damping": 1.0, "size": 0.7, "predelay_s": 0.02, "width": 0.3, "mix": 0.6}),
        (44100, {"decay_s": 1.0, "damping": 0.5, "size": 0.5, "predelay_s": 0.01, "width": 0.0, "mix": 0.25}),
        (48000, {"decay_s": 2.5, "damping": 0.3, "size": 0.6, "predelay_s": 0.0, "width": 1.0, "mix": 0.8}),
    ],
)
def test_it_is_the_network(rate_hz: int, values: dict[str, float], channels: int) -> None:
    samples = (0.3 * np.random.default_rng(2).standard_normal((5000, channels))).astype(np.float32)
    heard = through(prepared(values, rate_hz, channels), samples)
    np.testing.assert_allclose(heard, reference(samples, rate_hz, values), atol=3e-6)


@pytest.mark.parametrize("size", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("rate_hz", [8000, 44100, 192000])
def test_delays_have_no_common_divisor_and_last_as_long_at_every_rate(rate_hz: int, size: float) -> None:
    lines, passes = delay_lengths(rate_hz, size)
    lengths = [*lines, *passes]
    assert len(lines) == len(passes) == 8
    assert all(math.gcd(a, b) == 1 for i, a in enumerate(lengths) for b in lengths[:i])
    assert sum(lines) / rate_hz == pytest.approx(0.2639 * size, rel=0.03)


@pytest.mark.parametrize(("asked_s", "size"), [(0.3, 0.5), (0.3, 1.0), (1.0, 1.0), (1.0, 2.0), (3.0, 1.0)])
def test_it_decays_as_fast_as_set(asked_s: float, size: float) -> None:
    heard = answer({"decay_s": asked_s, "size": size}, 44100, 1.5 * asked_s + 0.3)
    for c in range(2):
        assert decay_s(heard[:, c], 44100) == pytest.approx(asked_s, rel=0.05)


def test_damped_highs_decay_faster_and_lows_as_before() -> None:
    heard = answer({"decay_s": 1.0, "damping": 0.5}, 48000, 2.0)[:, 0]
    for band, expected_s in (((80, 400), 1.0), ((9000, 15000), 0.55)):
        part = scipy.signal.sosfilt(scipy.signal.butter(4, band, "band", fs=48000, output="sos"), heard)
        assert decay_s(part, 48000) == pytest.approx(expected_s, rel=0.1)


def test_the_matrix_keeps_energy() -> None:
    """At 10 s to -60 dB a tenth of a second costs 0.6 dB; a matrix that is not unitary would cost or add more."""
    plugin = prepared(ROOM | {"decay_s": 10.0, "size": 0.5}, 8000, 2)
    through(plugin, np.random.default_rng(0).standard_normal((8000, 2)).astype(np.float32))
    tail = through(plugin, np.zeros((80000, 2), np.float32)).astype(np.float64)
    power = (tail**2).sum(axis=1).reshape(10, -1).mean(axis=1)
    np.testing.assert_allclose(-np.diff(10 * np.log10(power)), 6.0, atol=1.0)


def test_the_room_is_as_loud_as_noise_that_goes_in() -> None:
    for decay, rate_hz in ((0.4, 44100), (3.0, 8000)):
        noise = (0.1 * np.random.default_rng(5).standard_normal((8 * rate_hz, 2))).astype(np.float32)
        heard = through(prepared(ROOM | {"decay_s": decay}, rate_hz, 2), noise, (512,))[3 * rate_hz :]
        assert 20 * np.log10(np.std(heard) / 0.1) == pytest.approx(0.0, abs=0.5)


def test_left_and_right_differ_and_their_sum_is_no_thinner() -> None:
    for given in ((1, 1), (1, 0)):
        heard = answer({"decay_s": 1.0}, 48000, 1.5, given).astype(np.float64)
        assert abs(np.corrcoef(heard.T)[0, 1]) < 0.1
        assert (heard.sum(axis=1) ** 2).sum() / (heard**2).sum() == pytest.approx(1.0, abs=0.1)
    narrow = answer({"width": 0.0}, 48000, 0.5, (1, 0))
    np.testing.assert_array_equal(narrow[:, 0], narrow[:, 1])


def test_echoes_grow_dense_within_a_tenth_of_a_second() -> None:
    """Abel and Huang (AES 2006): share of samples beyond the standard deviation, 1 for Gaussian noise."""
    heard = answer({"decay_s": 1.0}, 48000, 1.0, (1, 0))[:, 0]

    def density(at_s: float) -> float:
        part = heard[round(at_s * 48000) :][:960].astype(np.float64)
        return float(np.mean(np.abs(part) > np.sqrt(np.mean(part**2))) / math.erfc(math.sqrt(0.5)))

    assert not heard[: delay_lengths(48000, 1.0)[0][0]].any()
    assert density(0.02) < 0.5 < density(0.03) < density(0.06)
    assert min(density(t) for t in (0.08, 0.1, 0.2, 0.4)) > 0.85


def test_no_pitch_rings_on() -> None:
    """Flatness of the late tail's spectrum, undamped: noise has 0.56; with the matrix at rest it is 0.002."""
    heard = answer({"decay_s": 2.0}, 8000, 3.0)[8000:, 0] * 10 ** (3 * np.arange(16000) / (2.0 * 8000))
    power = np.abs(np.fft.rfft(heard * np.hanning(16000)))[1:-1] ** 2
    assert np.exp(np.mean(np.log(power))) / np.mean(power) > 0.3


def test_it_waits_as_long_as_set() -> None:
    click = np.zeros((9600, 1), np.float32)
    click[0] = 1.0
    first = [
        int(np.flatnonzero(through(prepared(ROOM | {"predelay_s": s}, 48000, 1), click))[0]) for s in (0.0, 0.1, 0.0001)
    ]
    assert first[1] - first[0] == 4800
    assert first[2] - first[0] == 5


def test_without_the_room_it_passes_bit_by_bit() -> None:
    samples = np.random.default_rng(1).standard_normal((9000, 2)).astype(np.float32)
    np.testing.assert_array_equal(through(prepared(DRY, 48000, 2), samples), samples)


@pytest.mark.parametrize("size", SIZES)
def test_turning_knobs_makes_no_click(size: int) -> None:
    t = np.arange(24000) / 48000
    swell = np.sin(np.pi / 2 * np.minimum(1, t / 0.05)) ** 2
    samples = (swell * 0.3 * np.sin(2 * np.pi * 220 * t))[:, None].astype(np.float32) * np.float32([1.0, 0.5])
    plugin, heard = prepared({"damping": 0.0}, 48000, 2), list[Samples]()
    turns: list[dict[str, Value]] = [{}, {"decay_s": 10.0}, {"damping": 1.0, "mix": 1.0}, {"width": 0.0}]
    turns += [{"decay_s": 0.3, "damping": 0.0}, {"mix": 0.0, "width": 1.0}]
    for turn, part in zip(turns, np.split(samples, len(turns)), strict=True):
        for name, value in turn.items():
            plugin.set(name, value)
        heard.append(through(plugin, part, (size,)))
    above = scipy.signal.butter(4, 6000, "high", fs=48000, output="sos")
    assert np.abs(scipy.signal.sosfilt(above, np.concatenate(heard), axis=0)).max() < 0.001


def test_it_is_as_new_after_reset() -> None:
    samples = np.random.default_rng(8).standard_normal((9000, 2)).astype(np.float32)
    plugin = prepared({}, 48000, 2)
    first = through(plugin, samples)
    plugin.reset()
    np.testing.assert_array_equal(through(plugin, samples), first)


@pytest.mark.parametrize("values", [{}, {"decay_s": 0.3, "size": 2.0}, {"decay_s": 3.0, "damping": 0.0}])
def test_the_tail_is_true(values: dict[str, Value]) -> None:
    plugin = prepared(values | {"mix": 1.0}, 8000, 2)
    through(plugin, np.random.default_rng(2).standard_normal((40000, 2)).astype(np.float32))
    assert plugin.tail_samples is not None
    tail = through(plugin, np.zeros((plugin.tail_samples + 8000, 2), np.float32))
    assert np.sqrt(np.mean(tail[plugin.tail_samples :] ** 2)) < 1e-3
    assert np.sqrt(np.mean(tail[plugin.tail_samples // 2 :][:1000] ** 2)) > 1e-3


def test_loud_and_tiny_sound_stays_finite() -> None:
    plugin, rng = prepared(ROOM | {"decay_s": 10.0}, 8000, 2), np.random.default_rng(4)
    for level in (16.0, 1e-38, 1e-42, 0.0, 16.0):
        heard = through(plugin, (level * rng.choice([-1.0, 1.0], (8000, 2))).astype(np.float32))
        assert np.isfinite(heard).all()
        assert np.abs(heard).max() < 16 * 10
