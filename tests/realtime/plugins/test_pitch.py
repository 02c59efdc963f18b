"""Pitch: tones against the tones they should become, formants against a slow true envelope, changes without clicks."""

from __future__ import annotations

import numpy as np
import pytest
from advsep.realtime.parameter import SMOOTHING_S
from advsep.realtime.plugin import run, start
from advsep.realtime.plugins.formants import CELL_BINS, ROUNDS, SMOOTHEST_S, STEEPEST_DB_PER_HZ, Formants
from advsep.realtime.plugins.pitch import Pitch
from numpy.typing import NDArray
from scipy.signal import chirp

RATE_HZ = 44100
Samples = NDArray[np.float32]


def made(rate_hz: int = RATE_HZ, channels: int = 1, **values: float | bool) -> Pitch:
    plugin = Pitch()
    for name, value in values.items():
        plugin.set(name, value)
    start(plugin, rate_hz, 8193, channels)
    return plugin


def play(plugin: Pitch, samples: Samples, block: int = 512) -> Samples:
    heard = samples.astype(np.float32)
    for at in range(0, len(heard), block):
        run(plugin, heard[at : at + block])
    return heard


def tone(f0_hz: float, seconds: float, rate_hz: int = RATE_HZ) -> Samples:
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    return (0.2 * np.sin(2 * np.pi * f0_hz * t)[:, None]).astype(np.float32)


def formants_db(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of a vowel, at 700, 1200 and 2600 Hz."""
    peaks = [(700, 130, 0), (1200, 140, -4), (2600, 200, -12)]
    return 10 * np.log10(sum(10 ** (db / 10) / (1 + ((hz - at) / wide) ** 2) for at, wide, db in peaks))


def voice(f0_hz: float, seconds: float) -> Samples:
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    hz = f0_hz * np.arange(1, int(8000 / f0_hz))
    phases = np.random.default_rng(3).uniform(0, 2 * np.pi, len(hz))
    parts = 10 ** (formants_db(hz) / 20)[:, None] * np.sin(2 * np.pi * hz[:, None] * t + phases[:, None])
    return (0.1 * parts.sum(0)[:, None]).astype(np.float32)


def partials(heard: Samples, f0_hz: float, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequency and level of each partial, where a second of sound is loudest near its place."""
    seconds, n = 1.0, 8 * RATE_HZ
    part = heard[-round(seconds * RATE_HZ) :, 0].astype(np.float64)
    window = np.hanning(len(part))
    spectrum = np.abs(np.fft.rfft(part * window, n)) * 2 / window.sum()
    found = np.zeros((2, count))
    for i in range(count):
        near = np.arange(round((i + 0.7) * f0_hz * n / RATE_HZ), round((i + 1.3) * f0_hz * n / RATE_HZ))
        k = near[np.argmax(spectrum[near])]
        a, b, c = np.log(spectrum[k - 1 : k + 2])
        found[:, i] = (k + 0.5 * (a - c) / (a - 2 * b + c)) * RATE_HZ / n, 20 * np.log10(spectrum[k])
    return found[0], found[1]


@pytest.mark.parametrize("semitones", [-12, -7.3, -2, 0.4, 3, 12])
@pytest.mark.parametrize("f0_hz", [110.0, 440.0, 3000.0])
def test_a_sine_becomes_the_sine_at_its_new_pitch(semitones: float, f0_hz: float) -> None:
    heard = play(made(semitones=semitones, formants=False), tone(f0_hz, 0.7))[RATE_HZ // 4 :, 0].astype(np.float64)
    turn = 2 * np.pi * f0_hz * 2 ** (semitones / 12) * np.arange(len(heard)) / RATE_HZ
    basis = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    best = np.linalg.lstsq(basis, heard, rcond=None)[0]
    assert abs(20 * np.log10(np.hypot(*best) / 0.2)) < 0.05
    assert 10 * np.log10(np.mean((heard - basis @ best) ** 2) / 0.02) < -70


@pytest.mark.parametrize("formants", [False, True])
@pytest.mark.parametrize(("f0_hz", "semitones"), [(120.0, 5), (220.0, -4), (220.0, 2.5), (180.0, 12)])
def test_a_voice_gets_another_pitch_and_its_formants_stay_or_go(f0_hz: float, semitones: float, formants: bool) -> None:
    ratio, count = 2 ** (semitones / 12), int(3500 / f0_hz / 2 ** (semitones / 12))
    heard = play(made(semitones=semitones, formants=formants), voice(f0_hz, 1.5))
    hz, level_db = partials(heard, f0_hz * ratio, count)
    wanted_hz = f0_hz * ratio * np.arange(1, count + 1)
    assert np.abs(1200 * np.log2(hz / wanted_hz)).max() < 1
    expected_db = formants_db(wanted_hz if formants else wanted_hz / ratio) - 20
    errors_db = level_db - expected_db
    loud = expected_db > expected_db.max() - 20
    # Without formants every partial keeps its level; with them what lies between two partials is a guess.
    assert np.abs(errors_db[loud]).max() < (4.5 if formants else 0.2)
    if formants:
        assert np.sqrt(np.mean(errors_db[loud] ** 2)) < 2
        moved_db = level_db - formants_db(wanted_hz / ratio) + 20
        assert np.std(errors_db[loud]) < 0.5 * np.std(moved_db[loud])


def test_formants_move_alone() -> None:
    heard = play(made(formant_semitones=4), voice(110.0, 1.5))
    hz, level_db = partials(heard, 110.0, 30)
    assert np.abs(1200 * np.log2(hz / (110.0 * np.arange(1, 31)))).max() < 1
    errors_db = level_db - formants_db(hz / 2 ** (4 / 12)) + 20
    assert np.sqrt(np.mean(errors_db**2)) < 2.5


@pytest.mark.parametrize(("f0_hz", "semitones"), [(80, 3), (150, 5), (300, -5), (700, -2)])
def test_a_lone_sine_has_no_formants_to_keep(f0_hz: float, semitones: float) -> None:
    heard = play(made(semitones=semitones), tone(f0_hz, 0.5))[RATE_HZ // 4 :]
    assert abs(20 * np.log10(np.abs(heard).max() / 0.2)) < 2


def test_envelope_is_the_textbooks() -> None:
    rng = np.random.default_rng(5)
    bins, ratio, formant_ratio = 2048, 1.3, 0.9
    power = rng.exponential(size=bins + 1) * 10 ** (-np.arange(bins + 1) / 400)
    power[:30] *= 1e-5
    found = Formants(bins, RATE_HZ)
    found.find(power.astype(np.float32), ratio, formant_ratio)
    cells = bins // CELL_BINS
    edges = CELL_BINS * np.arange(cells + 1)
    levels = np.array([0.5 * np.log(power[max(0, at - 2) : at + 2].max()) for at in edges])
    tops = np.flatnonzero((levels[:-1] >= levels[1:]) & (20 * np.log10(np.e) * (levels.max() - levels[:-1]) <= 30))
    levels[: tops[0]] = levels[tops[0]]
    apart_hz = np.abs(np.subtract.outer(edges, edges)) * RATE_HZ / 2 / bins
    levels = (levels - apart_hz * STEEPEST_DB_PER_HZ / 20 * np.log(10)).max(axis=1)
    waves = np.minimum(np.arange(2 * cells), 2 * cells - np.arange(2 * cells)) / (SMOOTHEST_S * RATE_HZ)
    lifter = np.cos(np.pi / 2 * np.clip((waves - 0.7) / 0.6, 0, 1)) ** 2
    envelope = np.full(cells + 1, -np.inf)
    for _ in range(ROUNDS):
        envelope = np.fft.rfft(np.fft.irfft(np.maximum(levels, envelope)) * lifter).real
    at = np.arange(cells + 1)
    change = np.interp(at / formant_ratio, at, envelope) - np.interp(at / ratio, at, envelope)
    np.testing.assert_allclose(found.gains, np.exp(np.clip(change, -1.7269, 1.7269)), rtol=2e-3)


@pytest.mark.parametrize(("rate_hz", "channels"), [(8000, 1), (44100, 2), (48000, 2), (192000, 1)])
def test_at_0_it_only_delays_and_a_shift_is_as_late_as_declared(rate_hz: int, channels: int) -> None:
    sweep = chirp(np.arange(rate_hz) / rate_hz, 100, 1, 0.2 * rate_hz)[:, None] * np.ones(channels)
    plugin = made(rate_hz, channels)
    late, heard = plugin.latency_samples, play(plugin, (0.3 * sweep).astype(np.float32))
    assert late / rate_hz == pytest.approx(0.045, rel=0.42)
    np.testing.assert_array_equal(heard[late:], (0.3 * sweep).astype(np.float32)[:-late])
    assert not heard[:late].any()
    # Bursts of a tone: where their middle is.
    t = np.arange(rate_hz) / rate_hz
    burst = np.exp(-(((t - 0.4) / 0.03) ** 2)) * np.sin(2 * np.pi * 600 * t)
    given = (0.3 * burst[:, None] * np.ones(channels)).astype(np.float32)
    heard = play(made(rate_hz, channels, semitones=3, formants=False), given).astype(np.float64)
    middle = np.sum(heard[:, 0] ** 2 * np.arange(rate_hz)) / np.sum(heard[:, 0] ** 2)
    assert middle - 0.4 * rate_hz == pytest.approx(late, abs=0.001 * rate_hz)


@pytest.mark.parametrize("rate_hz", [8000, 44100, 192000])
def test_formants_alone_are_exactly_as_late_as_declared(rate_hz: int) -> None:
    given = 0.1 * np.random.default_rng(6).standard_normal((1 << 16, 1)).astype(np.float32)
    plugin = made(rate_hz, formant_semitones=2)
    spectra = [np.fft.rfft(x[:, 0], 1 << 17) for x in (play(plugin, given), given)]
    assert np.argmax(np.fft.irfft(spectra[0] * np.conj(spectra[1]))) == plugin.latency_samples


def test_a_beat_stays_where_it_is() -> None:
    given = np.zeros((RATE_HZ, 1), np.float32)
    given[20000:20300, 0] = np.random.default_rng(1).uniform(-0.8, 0.8, 300) * np.exp(-np.arange(300) / 60)
    plugin = made(semitones=-4)
    heard = play(plugin, given)[plugin.latency_samples :, 0] ** 2
    assert np.sum(heard[19900:20500]) > 0.8 * np.sum(heard)


@pytest.mark.parametrize(("rate_hz", "channels"), [(8000, 1), (44100, 2), (192000, 2)])
def test_blocks_do_not_matter_and_reset_is_a_new_beginning(rate_hz: int, channels: int) -> None:
    given = 0.2 * np.random.default_rng(2).standard_normal((20000, channels)).astype(np.float32)
    plugin = made(rate_hz, channels, semitones=2, formant_semitones=-1)
    whole = play(plugin, given, 8193)
    for block in (1, 63, 64, 65, 512, 513):
        plugin.reset()
        count = 4000 if block == 1 else len(given)
        np.testing.assert_array_equal(play(plugin, given[:count], block), whole[:count])


def test_both_sides_stay_where_they_are() -> None:
    left = voice(150.0, 0.6)
    heard = play(made(channels=2, semitones=3), np.concatenate([left, -0.5 * left], axis=1))
    np.testing.assert_allclose(heard[:, 1], -0.5 * heard[:, 0], atol=1e-5)


def test_changes_do_not_click() -> None:
    given, plugin, done = tone(300.0, 3.0), made(), 0
    changes = [{"semitones": 3}, {"semitones": -5}, {"semitones": 0}, {"formant_semitones": 6}, {"formants": False}]
    changes += [{"semitones": 12}, {"semitones": 0, "formant_semitones": 0}, {"semitones": 1}]
    heard = given.copy()
    for i, change in enumerate([{}, *changes]):
        for name, value in change.items():
            plugin.set(name, value)
        stop = (i + 1) * len(given) // 9
        while done < stop:
            count = min(257, stop - done)
            run(plugin, heard[done : done + count])
            done += count
    # Of the highest tone that is heard, an octave up, and of two of them fading over one into the other.
    steepest = 0.2 * 2 * np.pi * 600 / RATE_HZ
    assert np.abs(np.diff(heard[:, 0])).max() < 1.3 * steepest + 2 * 0.2 / (SMOOTHING_S * RATE_HZ)
    assert np.abs(heard).max() < 0.3


def test_it_goes_silent_after_its_tail_and_stays_finite() -> None:
    rng = np.random.default_rng(4)
    for level in (1e-40, 1.0, 16.0):
        plugin = made(channels=2, semitones=-3)
        given = np.zeros((40000, 2), np.float32)
        given[:16000] = level * rng.choice([-1, 1], (16000, 2))
        heard = play(plugin, given)
        assert np.isfinite(heard).all()
        assert plugin.tail_samples is not None
        after = heard[16000 + plugin.latency_samples + plugin.tail_samples :]
        assert np.abs(after).max() <= 1e-6 * level
    assert not play(made(semitones=5), np.zeros((9000, 1), np.float32)).any()


def test_back_at_0_the_sound_passes_unchanged_again() -> None:
    plugin, given = made(semitones=4), voice(200.0, 1.0)
    heard = given.copy()
    run(plugin, heard[:5000])
    plugin.set("semitones", 0)
    for at in range(5000, len(heard), 500):
        run(plugin, heard[at : at + 500])
    late = plugin.latency_samples
    np.testing.assert_array_equal(heard[10000:], given[10000 - late : -late])


def test_damaged_sound_leaves_with_its_frames() -> None:
    """NaN never comes from a host; it must not read memory that is not there, nor stay."""
    plugin, given = made(semitones=3), voice(150.0, 0.5)
    broken = given.copy()
    broken[3000:3005, 0] = (np.nan, np.inf, -np.inf, 1e30, 1e12)
    heard = play(plugin, broken)
    assert np.isfinite(heard[3010 + 2 * plugin.latency_samples :]).all()
    assert np.abs(heard[3010 + 3 * plugin.latency_samples :]).max() > 0.1


def test_vibrato_is_followed() -> None:
    """A voice that goes up and down by 30 cents 6 times a second: its partials against those of a higher one."""
    t = np.arange(2 * RATE_HZ) / RATE_HZ

    def sung(f0_hz: float) -> NDArray[np.float64]:
        turns = np.cumsum(f0_hz * 2 ** (30 / 1200 * np.sin(2 * np.pi * 6 * t))) / RATE_HZ
        return np.sum([np.sin(2 * np.pi * k * turns) / k for k in range(1, 12)], axis=0)

    def levels(samples: NDArray[np.float64]) -> NDArray[np.float64]:
        frames = np.lib.stride_tricks.sliding_window_view(samples, 2048)[8192::1024] * np.hanning(2048)
        return np.abs(np.fft.rfft(frames))

    plugin = made(semitones=4, formants=False)
    heard = play(plugin, (0.1 * sung(220.0)[:, None]).astype(np.float32))[plugin.latency_samples :, 0]
    ours, theirs = levels(10 * heard.astype(np.float64)), levels(sung(220.0 * 2 ** (4 / 12))[: len(heard)])
    assert 10 * np.log10(np.sum((ours - theirs) ** 2) / np.sum(theirs**2)) < -20
