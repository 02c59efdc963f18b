"""Features and masks against loops over bins written from their description."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from advsep.realtime.bands import band_average_matrix, band_interpolation_matrix
from advsep.realtime.masking import BandMasking
from advsep.realtime.spec import SignalSpec
from advsep.realtime.stft import StreamingAnalysis
from numpy.typing import NDArray

FRAMES = 3


def random_spectra(spec: SignalSpec, seed: int = 0) -> NDArray[np.complex64]:
    rng = np.random.default_rng(seed)
    shape = (FRAMES, spec.channels, spec.bins)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def slow_features(spectra: NDArray[np.complex64], spec: SignalSpec, rate_hz: int | None = None) -> NDArray[np.float64]:
    """In hertz: a band's own frequencies, and how much of each bin lies among them."""
    wide = spectra.astype(np.complex128)
    heard = [(wide[:, 0] + wide[:, 1]) / 2, (wide[:, 0] - wide[:, 1]) / 2] if spec.channels == 2 else [wide[:, 0]]
    own_hz, bin_hz = spec.sample_rate_hz / spec.window_samples, (rate_hz or spec.sample_rate_hz) / spec.window_samples
    edges_hz = [max((edge - 0.5) * own_hz, -bin_hz / 2) for edge in spec.band_edges_bins]
    out = np.zeros((spec.channels, len(wide), spec.bands))
    for c, sound in enumerate(heard):
        for t in range(len(wide)):
            for band in range(spec.bands):
                low_hz, high_hz = edges_hz[band : band + 2]
                total = 0.0
                for k in range(spec.bins):
                    shared_hz = min(high_hz, (k + 0.5) * bin_hz) - max(low_hz, (k - 0.5) * bin_hz)
                    if shared_hz > 1e-9:
                        total += shared_hz * abs(sound[t, k])
                out[c, t, band] = np.log(1 + spec.feature_scale * total / (high_hz - low_hz))
    return out


def slow_mask_of_bin(masks: NDArray[np.floating], k: float, spec: SignalSpec) -> float:
    """Straight line between the centres of the two bands around bin k, flat outside."""
    centres = [(low + high - 1) / 2 for low, high in zip(spec.band_edges_bins, spec.band_edges_bins[1:], strict=False)]
    if k <= centres[0]:
        return float(masks[0])
    for band in range(len(centres) - 1):
        if centres[band] <= k <= centres[band + 1]:
            share = (k - centres[band]) / (centres[band + 1] - centres[band])
            return float(masks[band]) * (1 - share) + float(masks[band + 1]) * share
    return float(masks[-1])


RATES_HZ = [None, 48000, 32000]
"""The model's own, higher and lower: then the highest bands lie beyond the spectrum."""


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("channels", [1, 2])
def test_features_are_log1p_of_mean_magnitudes_of_mid_and_side(
    signal: SignalSpec, channels: int, rate_hz: int | None
) -> None:
    spec = dataclasses.replace(signal, channels=channels)
    spectra = random_spectra(spec)
    features = np.zeros((channels, FRAMES, spec.bands), np.float32)
    BandMasking(spec, rate_hz).features(spectra, features)
    np.testing.assert_allclose(features, slow_features(spectra, spec, rate_hz), rtol=2e-6)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("channels", [1, 2])
def test_masks_are_interpolated_between_band_centres(signal: SignalSpec, channels: int, rate_hz: int | None) -> None:
    spec = dataclasses.replace(signal, channels=channels)
    spectra, masked = random_spectra(spec), np.zeros((FRAMES, channels, spec.bins), np.complex64)
    masks = np.random.default_rng(1).random((channels, FRAMES, spec.bands)).astype(np.float32)
    BandMasking(spec, rate_hz).apply(masks, spectra, masked)
    bin_of = (rate_hz or spec.sample_rate_hz) / spec.sample_rate_hz  # of the model's bins, where a bin lies among them
    for t in range(FRAMES):
        for c in range(channels):
            wanted = [spectra[t, c, k] * slow_mask_of_bin(masks[c, t], k * bin_of, spec) for k in range(spec.bins)]
            np.testing.assert_allclose(masked[t, c], wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("channels", [1, 2])
def test_complex_masks_turn_phases(signal: SignalSpec, channels: int, rate_hz: int | None) -> None:
    spec = dataclasses.replace(signal, channels=channels, mask="complex")
    spectra, masked = random_spectra(spec), np.zeros((FRAMES, channels, spec.bins), np.complex64)
    masks = np.random.default_rng(1).uniform(-1, 2, (spec.mask_maps, FRAMES, spec.bands)).astype(np.float32)
    BandMasking(spec, rate_hz).apply(masks, spectra, masked)
    bin_of = (rate_hz or spec.sample_rate_hz) / spec.sample_rate_hz
    for t in range(FRAMES):
        for c in range(channels):
            real, imaginary = (
                np.array([slow_mask_of_bin(masks[part, t], k * bin_of, spec) for k in range(spec.bins)])
                for part in (c, channels + c)
            )
            np.testing.assert_allclose(masked[t, c], spectra[t, c] * (real + 1j * imaginary), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("level", [0.0, 0.25, 1.0])
def test_a_constant_mask_scales_exactly(signal: SignalSpec, level: float) -> None:
    spectra = random_spectra(signal)
    masked = np.empty_like(spectra)
    BandMasking(signal).apply(np.full((2, FRAMES, signal.bands), level, np.float32), spectra, masked)
    np.testing.assert_array_equal(masked, np.float32(level) * spectra)


def test_one_band_alone_holds_its_mask_everywhere(signal: SignalSpec) -> None:
    spec = dataclasses.replace(signal, band_edges_bins=(0, 1024))
    spectra = random_spectra(spec)
    masked = np.empty_like(spectra)
    BandMasking(spec).apply(np.full((2, FRAMES, 1), 0.5, np.float32), spectra, masked)
    np.testing.assert_array_equal(masked, np.float32(0.5) * spectra)


def test_the_matrices_of_training_are_the_kernels_of_playing(signal: SignalSpec) -> None:
    average, spread = band_average_matrix(signal), band_interpolation_matrix(signal)
    assert average.shape == (64, 1024)
    assert spread.shape == (1025, 64)
    np.testing.assert_allclose(average.sum(1), 1.0)
    np.testing.assert_allclose(spread.sum(1), 1.0)
    masks = np.random.default_rng(2).random(signal.bands)
    np.testing.assert_allclose(spread @ masks, [slow_mask_of_bin(masks, k, signal) for k in range(signal.bins)])
    magnitudes = np.abs(random_spectra(dataclasses.replace(signal, channels=1))[:, 0, :1024].astype(np.complex128))
    by_matrix = np.log1p(signal.feature_scale * magnitudes @ average.T)
    mono = dataclasses.replace(signal, channels=1)
    np.testing.assert_allclose(by_matrix, slow_features(random_spectra(mono), mono)[0])


def test_a_chord_has_the_same_features_at_any_native_rate(signal: SignalSpec) -> None:
    """Low tones in bands of one bin, high ones in wide bands: the network hears them in the same places."""
    features: list[NDArray[np.float32]] = []
    for rate_hz, as_if_hz in ((44100, 44100), (48000, 48000), (48000, 44100)):
        time_s = np.arange(signal.window_samples) / rate_hz
        chord = np.sum([np.sin(2 * np.pi * hz * time_s) for hz in (196.0, 392.0, 587.0, 3136.0, 9000.0)], 0)
        frames = signal.window_samples // signal.hop_samples
        spectra = np.zeros((frames, 2, signal.bins), np.complex64)
        analysis = StreamingAnalysis.of_signal(signal)
        analysis.process(np.repeat(chord[:, None], 2, 1).astype(np.float32), spectra)
        heard = np.zeros((2, frames, signal.bands), np.float32)
        BandMasking(signal, as_if_hz).features(spectra, heard)
        features.append(heard[0, -1])
    alike = np.corrcoef(features)[0]
    assert alike[1] > 0.98
    assert alike[2] < 0.9
