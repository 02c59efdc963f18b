"""The streaming STFT against a slow float64 one, written from the formulas of its design alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from advsep.realtime import stft
from advsep.realtime.spec import SpecError
from advsep.realtime.stft import StreamingAnalysis, StreamingSynthesis
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

LIVE = [(4096, 128, 64), (4096, 256, 128), (4096, 512, 256), (4096, 1024, 512)]
"""N, S, H of live-3, live-6, live-12 and live-23."""

OTHERS = [
    (512, 512, 128),  # symmetric, a quarter overlap
    (1024, 1024, 512),  # symmetric, H = S/2
    (2048, 512, 32),  # H far below S/2
    (1536, 512, 256),  # not a power of two
    (1200, 400, 100),
    (2048, 512, 256),
    (4096, 4096, 1024),  # studio's
    (90, 30, 5),  # odd quarter of everything
    (64, 32, 16),  # the smallest power of two of our own FFT
    (32, 32, 8),  # below it
    (128, 4, 1),
    (2, 2, 1),  # the smallest of all
]

QUICK = [
    (4096, 512, 256, 64, 256),
    (4096, 512, 256, 64, 64),
    (4096, 512, 256, 256, 100),  # H = C: all S samples, by a Hann window
    (512, 256, 64, 1, 1),
    (512, 256, 64, 17, 256),
    (1200, 400, 100, 33, 399),
    (2, 2, 1, 1, 1),
]
"""N, S, H, C, M."""

Windows = tuple[int, int, int]


# --- The slow reference -------------------------------------------------------------------------


def slow_windows(n: int, s: int, h: int, m: int | None = None) -> tuple[list[float], list[float]]:
    m = m or s // 2
    a = [
        math.sin(math.pi / 2 * (i + 0.5) / (n - m)) if i < n - m else math.cos(math.pi / 2 * (i - (n - m) + 0.5) / m)
        for i in range(n)
    ]
    hann = [math.sin(math.pi * (i + 0.5) / s) ** 2 for i in range(s)]
    return a, [hann[i] / a[n - s + i] * 2 * h / s for i in range(s)]


def slow_crossfade(n: int, s: int, h: int, c: int, m: int) -> list[float]:
    """The synthesis window that lets a frame take over from the one before it within c samples."""
    a, _ = slow_windows(n, s, h, m)
    heard = [
        math.sin(math.pi / 2 * (i + 0.5) / c) ** 2
        if i < c
        else 1.0
        if i < h
        else math.cos(math.pi / 2 * (i - h + 0.5) / c) ** 2
        if i < h + c
        else 0.0
        for i in range(s)
    ]
    return [heard[i] / a[n - s + i] for i in range(s)]


def slow_analysis(samples: NDArray[np.float64], n: int, s: int, h: int, m: int | None = None) -> NDArray[np.complex128]:
    """[time, channels] -> [frames, channels, bins]; frame t ends at sample (t + 1) * h."""
    window, _ = slow_windows(n, s, h, m)
    frames, channels = len(samples) // h, samples.shape[1]
    spectra = np.zeros((frames, channels, n // 2 + 1), np.complex128)
    for t in range(frames):
        for c in range(channels):
            frame = [0.0] * n
            for i in range(n):
                source = (t + 1) * h - n + i
                if source >= 0:
                    frame[i] = window[i] * float(samples[source, c])
            spectra[t, c] = np.fft.rfft(frame)
    return spectra


def slow_synthesis(
    spectra: NDArray[np.complex128], n: int, s: int, h: int, quick: tuple[int, int] | None = None
) -> NDArray[np.float64]:
    """[frames, channels, bins] -> [frames * h, channels], s - h samples late."""
    window = slow_crossfade(n, s, h, *quick) if quick else slow_windows(n, s, h)[1]
    frames, channels = spectra.shape[:2]
    late = np.zeros((frames * h + s, channels))
    for t in range(frames):
        for c in range(channels):
            frame = np.fft.irfft(spectra[t, c], n)
            for i in range(s):
                late[t * h + i, c] += frame[n - s + i] * window[i]
    return late[: frames * h]


# --- Helpers --------------------------------------------------------------------------------------


def noise(frames: int, windows: Windows, channels: int, seed: int = 0) -> NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    return generator.uniform(-1, 1, (frames * windows[2], channels)).astype(np.float32)


def empty_spectra(frames: int, windows: Windows, channels: int) -> NDArray[np.complex64]:
    return np.full((frames, channels, windows[0] // 2 + 1), np.nan, np.complex64)


def analyse(samples: NDArray[np.float32], windows: Windows) -> NDArray[np.complex64]:
    channels = samples.shape[1]
    spectra = empty_spectra(len(samples) // windows[2], windows, channels)
    StreamingAnalysis(*windows, channels).process(samples, spectra)
    return spectra


def through(samples: NDArray[np.float32], windows: Windows) -> NDArray[np.float32]:
    """The pair's whole output, flushed: S - H samples longer than the input."""
    n, s, h = windows
    channels = samples.shape[1]
    analysis, synthesis = StreamingAnalysis(n, s, h, channels), StreamingSynthesis(n, s, h, channels)
    frames = len(samples) // h
    spectra = empty_spectra(frames + analysis.flush_frames, windows, channels)
    analysis.process(samples, spectra[:frames])
    analysis.flush(spectra[frames:])
    output = np.full((len(samples) + s - h, channels), np.nan, np.float32)
    synthesis.process(spectra, output)
    return output


def decibels(error: NDArray[np.float64], signal: NDArray[np.float32]) -> float:
    return 10 * math.log10(float(np.sum(np.square(error))) / float(np.sum(np.square(signal, dtype=np.float64))) + 1e-99)


def error_db(samples: NDArray[np.float32], windows: Windows) -> float:
    delay = windows[1] - windows[2]
    output = through(samples, windows)
    return decibels(output[delay:].astype(np.float64) - samples, samples)


# --- Right ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("windows", LIVE + OTHERS)
def test_reconstructs_every_sample_of_the_stream(windows: Windows) -> None:
    frames = max(12, 3 * windows[0] // windows[2])
    assert error_db(noise(frames, windows, 2), windows) < -130


@pytest.mark.parametrize("windows", LIVE + OTHERS)
def test_agrees_with_the_slow_reference_in_random_blocks(windows: Windows) -> None:
    n, s, h = windows
    frames, channels = 24, 2
    samples = noise(frames, windows, channels)
    expected = slow_analysis(samples.astype(np.float64), n, s, h)
    rng = np.random.default_rng(1)
    masks = rng.uniform(0, 1, expected.shape)
    expected_output = slow_synthesis(expected * masks, n, s, h)

    analysis, synthesis = StreamingAnalysis(n, s, h, channels), StreamingSynthesis(n, s, h, channels)
    spectra = empty_spectra(frames, windows, channels)
    output = np.full_like(samples, np.nan)
    done = 0
    while done < frames:
        hops = int(rng.integers(0, min(7, frames - done) + 1))
        block = slice(done * h, (done + hops) * h)
        analysis.process(samples[block], spectra[done : done + hops])
        masked = (spectra[done : done + hops] * masks[done : done + hops]).astype(np.complex64)
        synthesis.process(masked, output[block])
        done += hops

    # Full scale of a bin is a full-scale sine at its middle: half the window's sum.
    full_scale = sum(slow_windows(n, s, h)[0]) / 2
    assert np.max(np.abs(spectra - expected)) < 1e-5 * full_scale
    assert np.max(np.abs(output - expected_output)) < 1e-5


@pytest.mark.parametrize("sizes", QUICK)
def test_windows_that_fall_quickly_and_take_over_quickly(sizes: tuple[int, int, int, int, int]) -> None:
    n, s, h, c, m = sizes
    frames = max(24, 3 * n // h)
    samples, spectra = noise(frames, (n, s, h), 2), empty_spectra(frames, (n, s, h), 2)
    StreamingAnalysis(n, s, h, 2, m).process(samples, spectra)
    expected = slow_analysis(samples[: 4 * h].astype(np.float64), n, s, h, m)
    assert np.max(np.abs(spectra[:4] - expected)) < 1e-5 * sum(slow_windows(n, s, h, m)[0]) / 2

    synthesis = StreamingSynthesis(n, s, h, 2, c, m)
    assert synthesis.delay_samples == s - h
    output = np.empty_like(samples)
    synthesis.process(spectra, output)
    assert decibels(output[s - h :].astype(np.float64) - samples[: len(samples) - s + h], samples) < -120

    masked = (spectra * np.random.default_rng(1).uniform(0, 1, spectra.shape)).astype(np.complex64)
    StreamingSynthesis(n, s, h, 2, c, m).process(masked, output)
    wanted = slow_synthesis(masked.astype(np.complex128), n, s, h, (c, m))
    assert np.max(np.abs(output - wanted)) < 1e-4


def test_a_crossfade_of_half_the_synthesis_window_is_none() -> None:
    spectra = analyse(noise(40, (4096, 512, 256), 2), (4096, 512, 256)) * np.float32(0.3)
    outputs = [np.empty((40 * 256, 2), np.float32) for _ in range(2)]
    for output, crossfade in zip(outputs, (None, 256), strict=True):
        StreamingSynthesis(4096, 512, 256, 2, crossfade).process(spectra, output)
    np.testing.assert_allclose(*outputs, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    half=st.integers(1, 40),
    hops_in_half=st.integers(1, 6),
    more=st.integers(0, 120),
    channels=st.integers(1, 3),
    blocks=st.lists(st.integers(0, 5), max_size=12),
)
def test_any_valid_windows_reconstruct(
    half: int, hops_in_half: int, more: int, channels: int, blocks: list[int]
) -> None:
    h, s = half, 2 * half * hops_in_half
    windows = (s + 2 * more, s, h)
    samples = noise(sum(blocks) + 8, windows, channels)
    assert error_db(samples, windows) < -120
    whole = analyse(samples, windows)
    analysis = StreamingAnalysis(*windows, channels)
    start = 0
    for hops in [*blocks, 8]:
        spectra = empty_spectra(hops, windows, channels)
        analysis.process(samples[start * h : (start + hops) * h], spectra)
        np.testing.assert_array_equal(spectra, whole[start : start + hops])
        start += hops


# --- In time --------------------------------------------------------------------------------------


@pytest.mark.parametrize("windows", LIVE + OTHERS)
def test_delays_by_exactly_s_minus_h(windows: Windows) -> None:
    n, s, h = windows
    frames = 2 * n // h + 4
    for place in (0, 1, h - 1, frames * h // 2, frames * h - 1):
        samples = np.zeros((frames * h, 1), np.float32)
        samples[place] = 1
        output = through(samples, windows)
        assert int(np.argmax(np.abs(output))) == place + s - h
        output[place + s - h] -= 1
        assert np.max(np.abs(output)) < 1e-6
    assert StreamingSynthesis(*windows, 1).delay_samples == s - h


@pytest.mark.parametrize("windows", [LIVE[2], (1200, 400, 100), (64, 32, 4)])
def test_flush_is_what_zeros_would_bring(windows: Windows) -> None:
    n, s, h = windows
    samples = noise(9, windows, 2)
    analysis = StreamingAnalysis(n, s, h, 2)
    assert analysis.flush_frames == s // h - 1
    spectra = empty_spectra(9 + analysis.flush_frames, windows, 2)
    analysis.process(samples, spectra[:9])
    analysis.flush(spectra[9:])
    padded = np.concatenate([samples, np.zeros((s - h, 2), np.float32)])
    np.testing.assert_array_equal(spectra, analyse(padded, windows))


def test_without_flush_the_end_is_missing() -> None:
    windows = LIVE[2]
    samples = noise(9, windows, 1)
    synthesis = StreamingSynthesis(*windows, 1)
    output = np.zeros_like(samples)
    synthesis.process(analyse(samples, windows), output)
    np.testing.assert_array_equal(output, through(samples, windows)[: len(samples)])


@pytest.mark.parametrize("windows", [LIVE[0], (1536, 512, 256)])
def test_reset_forgets_everything(windows: Windows) -> None:
    samples = noise(40, windows, 2)
    analysis, synthesis = StreamingAnalysis(*windows, 2), StreamingSynthesis(*windows, 2)
    outputs: list[NDArray[np.float32]] = []
    for _ in range(2):
        spectra, output = empty_spectra(40, windows, 2), np.zeros_like(samples)
        analysis.process(samples, spectra)
        synthesis.process(spectra, output)
        outputs.append(output)
        analysis.process(np.full((windows[2], 2), np.nan, np.float32), spectra[:1])
        synthesis.process(spectra[:1], output[: windows[2]].copy())
        analysis.reset()
        synthesis.reset()
    np.testing.assert_array_equal(outputs[0], outputs[1])


# --- Whatever comes in ----------------------------------------------------------------------------


@pytest.mark.parametrize("windows", [LIVE[2], (1200, 400, 100)])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_channels_do_not_touch(windows: Windows, channels: int) -> None:
    samples = noise(30, windows, channels)
    together = through(samples, windows)
    for c in range(channels):
        alone = through(np.ascontiguousarray(samples[:, c : c + 1]), windows)
        np.testing.assert_array_equal(together[:, c : c + 1], alone)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("windows", [LIVE[2], (1536, 512, 256), (64, 32, 4)])
def test_nan_and_infinity_leave_after_n_plus_s_samples(windows: Windows, bad: float) -> None:
    n, s, h = windows
    frames = 4 * (n + s) // h
    samples = noise(frames, windows, 2)
    clean = through(samples, windows)
    at = (n // h + 3) * h + h // 2
    samples[at, 0] = bad
    dirty = through(samples, windows)
    assert not np.isfinite(dirty[at + s - h, 0])
    np.testing.assert_array_equal(dirty[:, 1], clean[:, 1])
    # The frame that completes it is the first to hold it; what that frame completes begins up to S - H earlier.
    before = at // h * h
    np.testing.assert_array_equal(dirty[:before, 0], clean[:before, 0])
    after = at + n + s
    np.testing.assert_array_equal(dirty[after:, 0], clean[after:, 0])


def test_silence_stays_exact_silence() -> None:
    for windows in (LIVE[2], (1200, 400, 100)):
        assert not np.any(through(np.zeros((40 * windows[2], 2), np.float32), windows))


@pytest.mark.parametrize("windows", [LIVE[0], LIVE[3], (1200, 400, 100), (512, 512, 128)])
def test_dc_full_scale_and_denormals(windows: Windows) -> None:
    length = 30 * windows[2]
    for level in (1.0, -1.0, 1e-30, 1e-40):
        samples = np.full((length, 1), level, np.float32)
        output = through(samples, windows)[windows[1] - windows[2] :]
        assert np.max(np.abs(output - samples)) <= 1e-6 * abs(level) + 1e-44
    square = np.where(np.arange(length)[:, None] // 50 % 2, 1, -1).astype(np.float32)
    assert error_db(square, windows) < -130


def test_input_is_left_alone_and_may_be_read_only() -> None:
    windows = (1536, 512, 256)
    samples = noise(5, windows, 2)
    samples.flags.writeable = False
    spectra = analyse(samples, windows)
    kept = spectra.copy()
    spectra.flags.writeable = False
    StreamingSynthesis(*windows, 2).process(spectra, np.zeros((5 * 256, 2), np.float32))
    np.testing.assert_array_equal(spectra, kept)
    # A second signature would have meant seconds of compiling in the middle of a stream.
    for kernel in ("_analyse", "_synthesise"):
        assert len(getattr(stft, kernel).signatures) == 1


# --- Refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize("windows", [(512, 512, 100), (512, 1024, 256), (511, 128, 64), (512, 127, 1), (512, 0, 1)])
def test_refuses_windows_that_cannot_reconstruct(windows: Windows) -> None:
    for make in (StreamingAnalysis, StreamingSynthesis):
        with pytest.raises(SpecError, match="windows need"):
            make(*windows, 2)
    with pytest.raises(ValueError, match="channels must be 1 or more, got 0"):
        StreamingAnalysis(512, 128, 64, 0)


@pytest.mark.parametrize(
    ("samples", "spectra", "message"),
    [
        (np.zeros((64, 2)), np.zeros((1, 2, 257), np.complex64), "samples must .* got float64"),
        (np.zeros((63, 2), np.float32), np.zeros((1, 2, 257), np.complex64), r"samples must .* shape \(64, 2\)"),
        (np.zeros((64, 1), np.float32), np.zeros((1, 2, 257), np.complex64), r"samples must .* got .* \(64, 1\)"),
        (np.zeros(128, np.float32), np.zeros((1, 2, 257), np.complex64), "samples must"),
        (np.zeros((2, 64), np.float32).T, np.zeros((1, 2, 257), np.complex64), "samples .* not C-contiguous"),
        (np.zeros((64, 2), ">f4"), np.zeros((1, 2, 257), np.complex64), "samples must .* got >f4"),
        (np.zeros((64, 2), np.float32), np.zeros((1, 2, 257), np.complex128), "spectra must .* got complex128"),
        (np.zeros((64, 2), np.float32), np.zeros((1, 2, 256), np.complex64), r"spectra must .* \(1, 2, 257\)"),
        (np.zeros((64, 2), np.float32), np.zeros((1, 2, 514), np.complex64)[:, :, ::2], "spectra .* not C-contig"),
        (np.zeros((64, 2), np.float32), np.zeros((2, 257), np.complex64), "must be a C-contiguous array"),
    ],
)
def test_refuses_wrong_arrays(samples: NDArray[np.float32], spectra: NDArray[np.complex64], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StreamingAnalysis(512, 128, 64, 2).process(samples, spectra)
    with pytest.raises(ValueError, match=message):
        StreamingSynthesis(512, 128, 64, 2).process(spectra, samples)


def test_refuses_to_fill_read_only_arrays_and_odd_flushes() -> None:
    samples, spectra = np.zeros((64, 2), np.float32), np.zeros((1, 2, 257), np.complex64)
    samples.flags.writeable = spectra.flags.writeable = False
    analysis = StreamingAnalysis(512, 128, 64, 2)
    with pytest.raises(ValueError, match=r"spectra .* read-only"):
        analysis.process(samples, spectra)
    with pytest.raises(ValueError, match=r"samples .* read-only"):
        StreamingSynthesis(512, 128, 64, 2).process(spectra, samples)
    with pytest.raises(ValueError, match=r"spectra .* shape \(1, 2, 257\)"):
        analysis.flush(np.zeros((2, 2, 257), np.complex64))
