"""The trainer's signal path against the one that plays."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from advsep.realtime.masking import BandMasking
from advsep.realtime.spec import SignalSpec
from advsep.realtime.stft import StreamingAnalysis, StreamingSynthesis
from advsep.trainer.signal import SignalPath, mask_magnitudes

from .conftest import spec_of

SIZES = [(2048, 256, 512), (2048, 64, 128), (512, 128, 512), (1200, 100, 400), (256, 64, 128)]
"""N, H, S."""
FRAMES = 40


def noise(spec: SignalSpec, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (0.3 * rng.standard_normal((FRAMES * spec.hop_samples, spec.channels))).astype(np.float32)


def live_spectra(spec: SignalSpec, samples: np.ndarray) -> np.ndarray:
    analysis = StreamingAnalysis.of_signal(spec)
    spectra = np.zeros((FRAMES, spec.channels, spec.bins), np.complex64)
    analysis.process(samples, spectra)
    return spectra


def batch_of(path: SignalPath, samples: np.ndarray) -> torch.Tensor:
    return torch.nn.functional.pad(torch.from_numpy(samples.T.copy())[None], (path.history_samples, 0))


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("sizes", SIZES)
def test_spectra_features_and_masks_are_those_of_the_live_path(sizes: tuple[int, int, int], channels: int) -> None:
    spec = spec_of(sizes, channels)
    path, samples = SignalPath(spec), noise(spec)
    live = live_spectra(spec, samples)
    spectra = path.analyse(batch_of(path, samples))
    assert spectra.shape == (1, channels, FRAMES, spec.bins)
    assert np.abs(spectra[0].numpy() - live.swapaxes(0, 1)).max() < 1e-5 * np.abs(live).max()

    masking = BandMasking(spec)
    wanted = np.zeros((channels, FRAMES, spec.bands), np.float32)
    masking.features(live, wanted)
    for each in (spectra, spectra.clone().requires_grad_()):  # compiled, and to be learnt through
        features = path.features(each)[0].detach().numpy()
        assert np.allclose(features, wanted, rtol=1e-5, atol=1e-5)

    masks = np.random.default_rng(2).random((channels, FRAMES, spec.bands), np.float32)
    masked = np.zeros_like(live)
    masking.apply(masks, np.ones_like(live), masked)
    bins = path.bin_masks(torch.from_numpy(masks)[None])[0].numpy()
    assert np.abs(bins - masked.real.swapaxes(0, 1)).max() < 1e-5


def test_at_another_native_rate_bands_are_those_of_the_live_path_there() -> None:
    spec = dataclasses.replace(spec_of((2048, 256, 512), 2), native_rates_hz=(48000, 44100))
    assert spec.rates_hz == (44100, 48000)
    own, other = (SignalPath(spec, rate_hz) for rate_hz in spec.rates_hz)
    samples = noise(spec)
    live, masked = live_spectra(spec, samples), np.zeros((FRAMES, 2, spec.bins), np.complex64)
    spectra = other.analyse(batch_of(other, samples))
    masks = np.random.default_rng(2).random((2, FRAMES, spec.bands), np.float32)
    found: list[np.ndarray] = []
    for path, rate_hz in ((own, 44100), (other, 48000)):
        wanted = np.zeros((2, FRAMES, spec.bands), np.float32)
        BandMasking(spec, rate_hz).features(live, wanted)
        for each in (spectra, spectra.clone().requires_grad_()):
            assert np.allclose(path.features(each)[0].detach().numpy(), wanted, rtol=1e-5, atol=1e-5)
        BandMasking(spec, rate_hz).apply(masks, np.ones_like(live), masked)
        bins = path.bin_masks(torch.from_numpy(masks)[None])[0].numpy()
        assert np.abs(bins - masked.real.swapaxes(0, 1)).max() < 1e-5
        found.append(wanted)
    assert np.abs(found[0] - found[1]).max() > 0.1


@pytest.mark.parametrize("sizes", SIZES)
def test_synthesis_gives_the_sound_back_late_by_s_minus_h(sizes: tuple[int, int, int]) -> None:
    spec = spec_of(sizes, 2)
    path, samples = SignalPath(spec), noise(spec)
    waveform = batch_of(path, samples)
    out = path.synthesise(path.analyse(waveform))[0].numpy().T
    delay = spec.synthesis_samples - spec.hop_samples
    assert out.shape == (FRAMES * spec.hop_samples + delay, 2)
    whole = len(samples) - delay
    error = out[delay : delay + whole] - samples[:whole]
    assert 10 * np.log10(np.sum(error.astype(np.float64) ** 2) / np.sum(samples.astype(np.float64) ** 2)) < -100


@pytest.mark.parametrize("crossfade", [None, 1, 40, 64])
def test_masked_sound_is_that_of_the_live_path(crossfade: int | None) -> None:
    spec = dataclasses.replace(spec_of((512, 64, 256), 2), crossfade_samples=crossfade, taper_samples=crossfade)
    path, samples = SignalPath(spec), noise(spec)
    masks = np.random.default_rng(2).random((2, FRAMES, spec.bands), np.float32)
    heard = path.synthesise(path.analyse(batch_of(path, samples)) * path.bin_masks(torch.from_numpy(masks)[None]))

    live, masked, wanted = live_spectra(spec, samples), np.zeros((FRAMES, 2, spec.bins), np.complex64), samples.copy()
    BandMasking(spec).apply(masks, live, masked)
    StreamingSynthesis.of_signal(spec).process(masked, wanted)
    assert np.abs(heard[0, :, : len(samples)].numpy().T - wanted).max() < 1e-5


def test_complex_masks_are_those_of_the_live_path_and_their_magnitudes() -> None:
    spec = dataclasses.replace(spec_of((512, 128, 512), 2), mask="complex")
    path = SignalPath(spec)
    masks = np.random.default_rng(2).uniform(-1, 2, (4, FRAMES, spec.bands)).astype(np.float32)
    masked = np.zeros((FRAMES, 2, spec.bins), np.complex64)
    BandMasking(spec).apply(masks, np.ones_like(masked), masked)
    given = torch.from_numpy(masks)[None]
    assert np.abs(path.bin_masks(given)[0].numpy() - masked.swapaxes(0, 1)).max() < 1e-5
    voice, rest = mask_magnitudes(given, spec)
    turned = torch.complex(given[:, :2], given[:, 2:])
    assert torch.allclose(voice, turned.abs(), atol=1e-4)
    assert torch.allclose(rest, (1 - turned).abs(), atol=1e-4)


def test_batch_items_do_not_touch_each_other() -> None:
    spec = spec_of((256, 64, 128), 2)
    path = SignalPath(spec)
    one, two = batch_of(path, noise(spec, 1)), batch_of(path, noise(spec, 2))
    both = path.synthesise(path.analyse(torch.cat([one, two])))
    assert torch.equal(both[1], path.synthesise(path.analyse(two))[0])


def test_silence_has_features_of_zero() -> None:
    path = SignalPath(spec_of((256, 64, 128), 2))
    features = path.features(path.analyse(torch.zeros(1, 2, path.history_samples + 64)))
    assert torch.equal(features, torch.zeros_like(features))
