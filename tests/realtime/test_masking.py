"""Features and masks against loops over bins written from their description."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from advsep.realtime.bands import band_average_matrix, band_interpolation_matrix
from advsep.realtime.masking import BandMasking
from advsep.realtime.spec import SignalSpec
from numpy.typing import NDArray

FRAMES = 3


def random_spectra(spec: SignalSpec, seed: int = 0) -> NDArray[np.complex64]:
    rng = np.random.default_rng(seed)
    shape = (FRAMES, spec.channels, spec.bins)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def slow_features(spectra: NDArray[np.complex64], spec: SignalSpec) -> NDArray[np.float64]:
    wide = spectra.astype(np.complex128)
    heard = [(wide[:, 0] + wide[:, 1]) / 2, (wide[:, 0] - wide[:, 1]) / 2] if spec.channels == 2 else [wide[:, 0]]
    edges = spec.band_edges_bins
    out = np.zeros((spec.channels, len(wide), spec.bands))
    for c, sound in enumerate(heard):
        for t in range(len(wide)):
            for band in range(spec.bands):
                magnitudes = [abs(sound[t, k]) for k in range(edges[band], edges[band + 1])]
                out[c, t, band] = np.log(1 + spec.feature_scale * sum(magnitudes) / len(magnitudes))
    return out


def slow_mask_of_bin(masks: NDArray[np.floating], k: int, spec: SignalSpec) -> float:
    """Straight line between the centres of the two bands around bin k, flat outside."""
    centres = [(low + high - 1) / 2 for low, high in zip(spec.band_edges_bins, spec.band_edges_bins[1:], strict=False)]
    if k <= centres[0]:
        return float(masks[0])
    for band in range(len(centres) - 1):
        if centres[band] <= k <= centres[band + 1]:
            share = (k - centres[band]) / (centres[band + 1] - centres[band])
            return float(masks[band]) * (1 - share) + float(masks[band + 1]) * share
    return float(masks[-1])


@pytest.mark.parametrize("channels", [1, 2])
def test_features_are_log1p_of_mean_magnitudes_of_mid_and_side(signal: SignalSpec, channels: int) -> None:
    spec = dataclasses.replace(signal, channels=channels)
    spectra = random_spectra(spec)
    features = np.zeros((channels, FRAMES, spec.bands), np.float32)
    BandMasking(spec).features(spectra, features)
    np.testing.assert_allclose(features, slow_features(spectra, spec), rtol=2e-6)


@pytest.mark.parametrize("channels", [1, 2])
def test_masks_are_interpolated_between_band_centres(signal: SignalSpec, channels: int) -> None:
    spec = dataclasses.replace(signal, channels=channels)
    spectra, masked = random_spectra(spec), np.zeros((FRAMES, channels, spec.bins), np.complex64)
    masks = np.random.default_rng(1).random((channels, FRAMES, spec.bands)).astype(np.float32)
    BandMasking(spec).apply(masks, spectra, masked)
    for t in range(FRAMES):
        for c in range(channels):
            wanted = [spectra[t, c, k] * slow_mask_of_bin(masks[c, t], k, spec) for k in range(spec.bins)]
            np.testing.assert_allclose(masked[t, c], wanted, rtol=1e-5, atol=1e-6)


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
