"""The limiter: against a slow one, and against true peaks measured by SciPy's resampler."""

from __future__ import annotations

import numpy as np
import pytest
from advsep.realtime.plugin import run, start
from advsep.realtime.plugins.limiter import Limiter
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfilt

SIZES = (1, 63, 64, 65, 512, 513)
RATE_HZ = 44100
DEFAULTS = {p.name: p.default for p in Limiter.parameters}
Samples = NDArray[np.float32]


def limiter(rate_hz: int = RATE_HZ, channels: int = 2, **values: float) -> Limiter:
    made = Limiter()
    for name, value in values.items():
        made.set(name, value)
    start(made, rate_hz, max(SIZES), channels)
    return made


def play(plugin: Limiter, sound: Samples, size: int = 256) -> Samples:
    out = sound.copy()
    for at in range(0, len(out), size):
        run(plugin, out[at : at + size])
    return out


def noise(frames: int, channels: int = 2, seed: int = 3) -> Samples:
    """Between +24 and -30 dB, another level every 700 frames."""
    rng = np.random.default_rng(seed)
    levels_db = np.repeat(rng.uniform(-30, 24, frames // 700 + 1), 700)[:frames, None]
    return (rng.uniform(-1, 1, (frames, channels)) * 10 ** (levels_db / 20)).astype(np.float32)


def shifted(sound: Samples, late: int) -> Samples:
    return np.concatenate([np.zeros((late, sound.shape[1]), np.float32), sound])[: len(sound)]


def slow_true_peaks(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """Zeros between the frames, one long filter: [frame], from behind each frame up to the next one, which counts."""
    ends = np.kaiser(129, 5.0) * np.sinc((np.arange(129) - 64) / 8)
    for phase in range(8):
        ends[phase::8] /= ends[phase::8].sum()
    dense = np.zeros((8 * len(sound) + 128, sound.shape[1]))  # late by 64
    for c in range(sound.shape[1]):
        stuffed = np.zeros(8 * len(sound))
        stuffed[::8] = sound[:, c]
        dense[:, c] = np.convolve(stuffed, ends)
    return np.abs(dense[65 : 65 + 8 * len(sound)]).max(axis=1).reshape(len(sound), 8).max(axis=1)


def slow(sound: Samples, rate_hz: int, **changed: float) -> NDArray[np.float64]:
    """Frame by frame, not yet late: gains that are needed, brute minimum, recovery, weights of a triangle."""
    v = DEFAULTS | changed
    given = sound.astype(np.float64)
    peaks = np.abs(given).max(axis=1)
    ahead = max(1, round(v["lookahead_s"] * rate_hz))
    if v["true_peak"]:
        after = slow_true_peaks(given)
        peaks = np.maximum(peaks, np.maximum(after, np.concatenate([[0], after[:-1]])))
    needed = np.minimum(1, 10 ** (v["ceiling_db"] / 20) / np.maximum(peaks, 1e-9))
    needed = np.concatenate([needed, np.ones(ahead)])
    keeps = 0.1 ** (1 / (v["release_s"] * rate_hz))
    gain, released = 1.0, np.ones(len(needed))
    for i in range(len(needed)):
        gain = min(1 - (1 - gain) * keeps, needed[max(0, i - ahead) : i + 1].min())
        released[i] = gain
    first = (ahead + 2) // 2
    weights = np.convolve(np.full(first, 1 / first), np.full(ahead + 2 - first, 1 / (ahead + 2 - first)))
    gains = np.convolve(np.concatenate([np.ones(ahead), released]), weights, "valid")[ahead:]
    return gains[: len(given), None] * given


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [8000, 44100, 192000])
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"true_peak": 0, "ceiling_db": -6, "release_s": 0.01},
        {"ceiling_db": -12, "release_s": 0.005, "lookahead_s": 0.004},
    ],
)
def test_it_does_what_a_slow_one_does(values: dict[str, float], rate_hz: int, channels: int) -> None:
    sound, played = noise(6000, channels), limiter(rate_hz, channels, **values)
    late, expected = played.latency_samples, slow(sound, rate_hz, **values)
    ahead_s = values.get("lookahead_s", 0.0015)
    assert late == round(ahead_s * rate_hz) + (8 if values.get("true_peak", 1) else 0)
    heard = play(played, sound)
    assert not heard[:late].any()
    np.testing.assert_allclose(heard[late:], expected[: len(sound) - late], atol=2e-6)


@pytest.mark.parametrize("true_peak", [0, 1])
def test_blocks_of_any_length_give_the_same(true_peak: int) -> None:
    expected = play(limiter(true_peak=true_peak), noise(9000), 512)
    for size in SIZES:
        np.testing.assert_array_equal(play(limiter(true_peak=true_peak), noise(9000), size), expected)


@pytest.mark.parametrize("rate_hz", [8000, 44100, 192000])
@pytest.mark.parametrize("lookahead_s", [0.0002, 0.0015, 0.01])
@pytest.mark.parametrize("true_peak", [0, 1])
@pytest.mark.parametrize("ceiling_db", [0.0, -1.0, -23.7])
def test_no_sample_is_ever_above_the_ceiling(
    ceiling_db: float, true_peak: int, lookahead_s: float, rate_hz: int
) -> None:
    """In whole numbers of float32, not nearly; there is no clipping behind it that could help."""
    played = limiter(rate_hz, ceiling_db=ceiling_db, true_peak=true_peak, lookahead_s=lookahead_s, release_s=0.005)
    heard = play(played, noise(60000, seed=7), 512)
    loudest = float(np.abs(heard).max())
    lowest = 0.6 if true_peak else 0.999  # the peaks between the samples of noise are the louder ones
    assert lowest * 10 ** (ceiling_db / 20) < loudest <= 10 ** (ceiling_db / 20)


def hot_signals() -> dict[str, Samples]:
    rng, t = np.random.default_rng(0), np.arange(20000)
    ends = np.minimum(1, np.minimum(t, t[::-1]) / 500)
    white = rng.standard_normal(len(t))
    burst = np.where((t > 5000) & (t < 5400), 2 * np.sin(np.pi / 2 * t + np.pi / 4), 0)
    found = {
        "45 degrees": 1.4 * np.sin(np.pi / 2 * t + np.pi / 4) * ends,
        "19 kHz": 1.3 * np.sin(2 * np.pi * 19000 / RATE_HZ * t + 0.3) * ends,
        "white": 3 * white,
        "below 18 kHz": sosfilt(butter(8, 18000, fs=RATE_HZ, output="sos"), white),
        "below 3 kHz": 4 * sosfilt(butter(4, 3000, fs=RATE_HZ, output="sos"), white),
        "clipped": 1.2 * np.clip(4 * sosfilt(butter(4, 3000, fs=RATE_HZ, output="sos"), white), -1, 1),
        "square": np.sign(np.sin(2 * np.pi * 441.7 / RATE_HZ * t)),
        "burst": burst,
    }
    return {name: sound[:, None].astype(np.float32) for name, sound in found.items()}


def true_peak_db(sound: Samples) -> float:
    """At 32 times the rate, by a filter of 641 taps; the limiter's own has 8 times and 128 taps."""
    padded = np.concatenate([np.zeros(64), sound[:, 0].astype(np.float64), np.zeros(64)])
    return float(20 * np.log10(np.abs(resample_poly(padded, 32, 1, window=("kaiser", 9.0))).max()))


@pytest.mark.parametrize("name", hot_signals())
def test_true_peaks_stay_at_the_ceiling(name: str) -> None:
    sound = hot_signals()[name]
    assert true_peak_db(sound) > 0
    over_db = true_peak_db(play(limiter(channels=1), sound)) + 1
    assert -0.2 < over_db < 0.1
    if name == "45 degrees":  # samples at -0.1 dB, peaks between them at 2.9
        assert np.abs(sound).max() < 1
        assert true_peak_db(play(limiter(channels=1, true_peak=0), sound)) + 1 > 2.9


@pytest.mark.parametrize("true_peak", [0, 1])
def test_below_the_ceiling_nothing_changes_and_after_a_peak_again_nothing(true_peak: int) -> None:
    quiet = np.random.default_rng(2).uniform(-0.3, 0.3, (3 * RATE_HZ, 2)).astype(np.float32)
    played = limiter(true_peak=true_peak)
    late = played.latency_samples
    np.testing.assert_array_equal(play(played, quiet), shifted(quiet, late))
    with_peak = quiet.copy()
    with_peak[1000, 1] = 8.0
    played.reset()
    heard = play(played, with_peak)
    changed = np.flatnonzero((heard != shifted(with_peak, late)).any(axis=1))
    assert 1000 <= changed[0] <= 1000 + late
    assert changed[-1] < 1000 + late + 1.5 * RATE_HZ


def test_the_gain_is_down_just_in_time_and_both_channels_share_it() -> None:
    """A step of 12 dB over the ceiling: untouched a lookahead before, then down without a turn, and no lower."""
    step = np.full((4000, 2), 0.1, np.float32)
    step[2000:, 0] = 10 ** (11 / 20)
    played = limiter(true_peak=0, lookahead_s=0.002)
    gains = play(played, step)[88:] / step[:-88]
    assert played.latency_samples == 88
    np.testing.assert_allclose(gains[:, 0], gains[:, 1], rtol=1e-6)
    assert (gains[: 2000 - 88] == 1).all()
    assert (np.diff(gains[2000 - 88 : 2001, 0]) < 0).all()
    np.testing.assert_allclose(20 * np.log10(gains[2000:, 0]), -12, atol=1e-4)
    assert np.abs(np.diff(gains[:, 0])).max() <= 2 * (1 - gains[-1, 0]) / 88 * 1.01  # a triangle's highest


def test_it_recovers_in_the_time_that_was_set() -> None:
    sound = np.full((60000, 1), 0.1, np.float32)
    sound[100] = 10 ** (19 / 20)  # 20 dB over
    played = limiter(48000, 1, true_peak=0, release_s=0.5)
    gains = play(played, sound)[72:, 0] / sound[: -72 or None, 0]
    assert gains[100] == pytest.approx(0.1, abs=0.002)
    # As long as the window it stays down, and half of that the mean comes later.
    assert gains[100 + 24000 + 36] == pytest.approx(1 - 0.1 * 0.9, abs=1e-3)


def test_a_moving_ceiling_does_not_click() -> None:
    rate_hz = 48000
    sine = np.sin(2 * np.pi * 200 / rate_hz * np.arange(24000))[:, None].astype(np.float32)
    played = limiter(rate_hz, 1, ceiling_db=0, release_s=0.02)
    heard = []
    for at, ceiling_db in ((0, -24), (6000, -3), (12000, 0), (18000, 0)):
        heard.append(play(played, sine[at : at + 6000]))
        played.set("ceiling_db", ceiling_db)
    out = np.concatenate(heard)[:, 0]
    line = 10 ** (24 / (0.015 * rate_hz) / 20) - 1
    assert np.abs(np.diff(out)).max() < np.abs(np.diff(sine[:, 0])).max() + line
    assert np.abs(out[6000 + 720 + 80 : 12000]).max() <= 10 ** (-24 / 20)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("true_peak", [0, 1])
def test_whatever_comes_the_result_is_finite_and_a_reset_forgets(channels: int, true_peak: int) -> None:
    played = limiter(channels=channels, true_peak=true_peak)
    fresh = play(limiter(channels=channels, true_peak=true_peak), noise(3000, channels))
    for level in (0.0, 1e-40, 1.0, 15.9, 1e12):
        heard = play(played, np.full((700, channels), level, np.float32))
        assert np.isfinite(heard).all()
        assert np.abs(heard).max() <= 10 ** (-1 / 20)
    late = played.latency_samples
    assert not play(played, np.zeros((late + 500, channels), np.float32))[late:].any()
    assert played.tail_samples == 0
    played.reset()
    np.testing.assert_array_equal(play(played, noise(3000, channels)), fresh)
