"""The separator gives back exactly what went in, exactly as late as it says, in any portions, for minutes."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest
from advsep.realtime.demo import DemoSong
from advsep.realtime.masking import BandMasking
from advsep.realtime.model import ModelSession
from advsep.realtime.separator import HopSeparator, StreamSeparator
from advsep.realtime.spec import SignalSpec
from advsep.realtime.stft import StreamingAnalysis, StreamingSynthesis
from numpy.typing import NDArray

RATE_HZ = 44100
MAX_HOPS = 64
HOP = 256

Sound = NDArray[np.float32]


@pytest.fixture(scope="module")
def separator(bundled_model: Path) -> StreamSeparator:
    made = StreamSeparator(ModelSession(bundled_model, MAX_HOPS), MAX_HOPS)
    made.warm_up()
    return made


@pytest.fixture(scope="module")
def two_minutes(demo_song: DemoSong) -> Sound:
    song = demo_song.mixture
    return np.tile(song, (1 + 120 * RATE_HZ // len(song), 1))[: 120 * RATE_HZ]


@pytest.fixture(scope="module")
def two_minutes_at_once(separator: StreamSeparator, two_minutes: Sound) -> Sound:
    return separated(separator, two_minutes)[0]


def separated(
    separator: StreamSeparator, samples: Sound, sizes: Iterable[int] = repeat(1 << 20)
) -> tuple[Sound, Sound]:
    """Voice and late mixture of a stream that arrives in blocks of these sizes."""
    separator.reset()
    voice, late = np.full_like(samples, np.nan), np.full_like(samples, np.nan)
    start = 0
    for size in sizes:
        if start >= len(samples):
            break
        part = slice(start, start + size)
        separator.process(samples[part], voice[part], late[part])
        start += size
    return voice, late


def noise(seconds: float, channels: int = 2, seed: int = 0) -> Sound:
    shape = (round(seconds * RATE_HZ), channels)
    return (0.1 * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def delayed(samples: Sound, by: int) -> Sound:
    return np.concatenate([np.zeros((by, samples.shape[1]), np.float32), samples])[: len(samples)]


def level_db(error: Sound, signal: Sound) -> float:
    power = [float(np.mean(np.square(each, dtype=np.float64))) for each in (error, signal)]
    return 10 * np.log10(power[0] / power[1] + 1e-30)


def test_the_mixture_comes_back_bit_for_bit_and_exactly_late(separator: StreamSeparator) -> None:
    samples = noise(2.0)
    rng = np.random.default_rng(1)
    _, late = separated(separator, samples, iter(lambda: int(rng.integers(1, 5000)), None))
    assert separator.latency_samples == 512
    np.testing.assert_array_equal(late, delayed(samples, 512))


@pytest.mark.parametrize("size", [63, 256, 257, 4096])
def test_any_block_size_gives_the_same_voice(
    separator: StreamSeparator, two_minutes: Sound, two_minutes_at_once: Sound, size: int
) -> None:
    head = two_minutes[: 10 * RATE_HZ]
    voice, late = separated(separator, head, repeat(size))
    np.testing.assert_allclose(voice, two_minutes_at_once[: len(head)], atol=1e-5)
    np.testing.assert_array_equal(late, delayed(head, 512))


def test_samples_one_by_one(separator: StreamSeparator, two_minutes: Sound, two_minutes_at_once: Sound) -> None:
    head = two_minutes[: 2 * RATE_HZ]
    np.testing.assert_allclose(separated(separator, head, repeat(1))[0], two_minutes_at_once[: len(head)], atol=1e-5)


def test_two_minutes_in_random_blocks_and_finite_states(
    separator: StreamSeparator, bundled_model: Path, two_minutes: Sound, two_minutes_at_once: Sound
) -> None:
    assert np.sqrt(np.mean(two_minutes_at_once[-RATE_HZ * 20 :] ** 2)) > 1e-3  # it still sings after 100 s
    session = ModelSession(bundled_model, 4)
    other = StreamSeparator(session, 4)
    rng = np.random.default_rng(2)
    voice, late = separated(other, two_minutes, iter(lambda: int(rng.integers(1, 2000)), None))
    np.testing.assert_allclose(voice, two_minutes_at_once, atol=1e-5)
    np.testing.assert_array_equal(late, delayed(two_minutes, 512))
    assert all(np.isfinite(state).all() and np.abs(state).max() < 1e3 for state in session.states)


def test_it_separates(demo_song: DemoSong, two_minutes_at_once: Sound) -> None:
    """No more than that the bundled model makes the voice stand out from what it was in the mixture."""
    voice = two_minutes_at_once[512 : 512 + len(demo_song.vocals)]
    ours = level_db(voice - demo_song.vocals, demo_song.vocals)
    mixture = level_db(demo_song.accompaniment, demo_song.vocals)
    assert ours < mixture - 1.0


@pytest.mark.parametrize(
    ("h", "s", "ahead", "crossfade"),
    [
        (64, 128, 0, None),
        (128, 256, 0, None),
        (256, 512, 0, None),
        (512, 1024, 0, None),
        (256, 512, 3, None),
        (128, 512, 1, None),
        (64, 128, 0, 16),
        (256, 512, 0, 64),
        (128, 512, 1, 1),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_declared_latency_is_measured_latency_of_every_preset(
    make_model: Callable[..., Path],
    with_signal: Callable[..., SignalSpec],
    h: int,
    s: int,
    ahead: int,
    crossfade: int | None,
    channels: int,
) -> None:
    spec = with_signal(
        hop_samples=h,
        synthesis_samples=s,
        lookahead_frames=ahead,
        crossfade_samples=crossfade,
        taper_samples=crossfade,
        channels=channels,
    )
    separator = StreamSeparator(ModelSession(make_model(spec), 3), 3)
    assert separator.latency_samples == s + ahead * h == spec.latency_samples
    samples = noise(0.5, channels)
    samples[:4096] = 0
    samples[1000] = 1.0  # the impulse
    voice, late = separated(separator, samples, repeat(97))
    assert int(np.abs(voice[:4096, 0]).argmax()) == 1000 + spec.latency_samples
    wanted = delayed(samples, spec.latency_samples)
    assert level_db(voice - wanted, wanted) < -110
    np.testing.assert_array_equal(late, wanted)


@pytest.mark.parametrize("max_hops", [1, 5])
def test_lookahead_masks_meet_earlier_spectra(
    make_model: Callable[..., Path], with_signal: Callable[..., SignalSpec], max_hops: int
) -> None:
    """Masks that follow the level of bursts, applied by hand to the spectra of three frames before."""
    ahead, spec = 3, with_signal(lookahead_frames=3)
    path = make_model(spec, logit=-6.0, slope=4.0)
    samples = noise(1.0)[: 160 * HOP] * np.repeat(np.arange(160) // 7 % 2, HOP)[:, None].astype(np.float32)
    frames = len(samples) // HOP
    spectra = np.zeros((frames, 2, spec.bins), np.complex64)
    StreamingAnalysis(2048, 512, HOP, 2).process(samples, spectra)
    session, masking, masked = ModelSession(path, frames), BandMasking(spec), np.zeros_like(spectra)
    masking.features(spectra, session.features(frames))
    masks = session.run(frames)
    assert masks.std() > 0.2
    masking.apply(np.ascontiguousarray(masks[:, ahead:]), spectra[:-ahead], masked[:-ahead])
    wanted = np.zeros_like(samples)
    StreamingSynthesis(2048, 512, HOP, 2).process(masked, wanted)
    separator = StreamSeparator(ModelSession(path, max_hops), max_hops)
    voice, _ = separated(separator, samples, repeat(1000))
    late = separator.latency_samples - (512 - HOP)  # the synthesis by hand is 512 - HOP late itself
    known = len(samples) - separator.latency_samples
    np.testing.assert_allclose(voice[late : late + known], wanted[:known], atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_values_that_are_no_sound_become_silence_and_leave_no_trace(separator: StreamSeparator, bad: float) -> None:
    damaged, mended = noise(1.5), noise(1.5)
    places = [(7, 0), (20_000, 1), (20_001, 0), (20_001, 1)]
    for place in places:
        damaged[place], mended[place] = bad, 0.0
    wanted = separated(separator, mended)
    before = separator.repaired_samples
    found = separated(separator, damaged)
    assert separator.repaired_samples - before == len(places)
    np.testing.assert_array_equal(found[0], wanted[0])
    np.testing.assert_array_equal(found[1], wanted[1])
    assert np.isfinite(found[0]).all()


def test_the_loudest_that_counts_as_sound_stays_finite(separator: StreamSeparator) -> None:
    samples = noise(1.0)
    samples[10_000:10_300] = 9e11
    voice, _ = separated(separator, samples)
    assert np.isfinite(voice).all()
    again, _ = separated(separator, noise(1.0))
    assert np.isfinite(again).all()


def test_silence_stays_silence_and_full_scale_stays_finite(separator: StreamSeparator) -> None:
    voice, late = separated(separator, np.zeros((RATE_HZ, 2), np.float32))
    assert not voice.any()
    assert not late.any()
    square = np.sign(np.sin(2 * np.pi * 110.3 * np.arange(3 * RATE_HZ) / RATE_HZ)).astype(np.float32)
    voice, _ = separated(separator, np.stack([square, -square], 1))
    assert np.isfinite(voice).all()
    assert np.abs(voice).max() < 2.0


def test_dc_and_a_very_quiet_song(separator: StreamSeparator) -> None:
    for samples in (np.full((RATE_HZ, 2), 0.5, np.float32), np.float32(1e-38) * noise(1.0)):
        voice, late = separated(separator, samples)
        assert np.isfinite(voice).all()
        np.testing.assert_array_equal(late, delayed(samples, 512))


def test_whole_hops_come_a_hop_earlier(bundled_model: Path) -> None:
    core = HopSeparator(ModelSession(bundled_model, 4), 4)
    assert core.delay_samples == 512 - HOP
    samples = noise(0.2)[: 32 * HOP]
    late, voice = np.empty_like(samples), np.empty_like(samples)
    for start in range(0, len(samples), 4 * HOP):
        part = slice(start, start + 4 * HOP)
        core.process(samples[part], voice[part], late[part])
    np.testing.assert_array_equal(late, delayed(samples, 256))


def test_a_steady_stream_does_not_grow(bundled_model: Path) -> None:
    separator = StreamSeparator(ModelSession(bundled_model, 1), 1)
    block = noise(1.0)[:HOP]
    voice, late = np.empty_like(block), np.empty_like(block)
    for _ in range(50):
        separator.process(block, voice, late)
    tracemalloc.start()
    try:
        separator.process(block, voice, late)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(2000):
            separator.process(block, voice, late)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 2000 * 8  # what any hop left behind would be more; once, something else may be
    assert peak - before < 8000  # views come and go; no block of sound (2048 bytes) is held
