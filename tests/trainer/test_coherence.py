"""Phases beside those of earlier frames: by hand with complex numbers, on tones, and through the live path."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from advsep.realtime.masking import PHASE_FLOOR, BandMasking
from advsep.realtime.model import ModelSession
from advsep.realtime.spec import SignalSpec
from advsep.realtime.stft import StreamingAnalysis
from advsep.trainer.begun import begun_network
from advsep.trainer.coherence import SILENT, Coherence
from advsep.trainer.config import TrainConfig
from advsep.trainer.live_unet import LiveUnet
from advsep.trainer.pretrained import begun_config, load_pretrained
from advsep.trainer.run_folder import config_toml
from advsep.trainer.signal import SignalPath
from random_models import write_random_model

from .conftest import spec_of

FRAMES = (1, 3)
COUNT = 60


def coherent(channels: int, frames: tuple[int, ...] = FRAMES) -> SignalSpec:
    spec = dataclasses.replace(spec_of((2048, 256, 512), channels), native_rates_hz=(44100, 48000))
    return dataclasses.replace(spec, coherence_frames=frames)


def spectra_of(spec: SignalSpec, samples: np.ndarray) -> np.ndarray:
    """[frame, channel, bin] of [sample, channel]."""
    analysis = StreamingAnalysis.of_signal(spec)
    spectra = np.zeros((len(samples) // spec.hop_samples, spec.channels, spec.bins), np.complex64)
    analysis.process(samples.astype(np.float32), spectra)
    return spectra


def features_of(spec: SignalSpec, spectra: np.ndarray, rate_hz: int | None = None) -> np.ndarray:
    features = np.full((spec.feature_maps, len(spectra), spec.bands), np.nan, np.float32)
    BandMasking(spec, rate_hz).features(spectra, features)
    return features


@pytest.mark.parametrize("rate_hz", [None, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_features_hold_the_phase_of_mid_where_a_band_is_a_bin(channels: int, rate_hz: int | None) -> None:
    spec = coherent(channels)
    noise = 0.1 * np.random.default_rng(0).standard_normal((COUNT * spec.hop_samples, channels))
    spectra = spectra_of(spec, noise)
    features = features_of(spec, spectra, rate_hz)
    plain = dataclasses.replace(spec, coherence_frames=())
    assert features.shape[0] == channels + 2
    assert np.array_equal(features[:channels], features_of(plain, spectra, rate_hz))
    mid = spectra.mean(1)
    singles = 0
    for band, (low, high) in enumerate(zip(spec.band_edges_bins, spec.band_edges_bins[1:], strict=False)):
        wanted = np.zeros(len(mid), np.complex64)
        if high - low == 1:
            at = round(low * 44100 / (rate_hz or 44100))
            wanted = mid[:, at] / (np.abs(mid[:, at]) + PHASE_FLOOR)
            singles += 1
        np.testing.assert_allclose(
            features[channels, :, band] + 1j * features[channels + 1, :, band], wanted, atol=1e-5
        )
    assert singles == 34  # 32 and two of the geometric ones


@pytest.mark.parametrize("rate_hz", [44100, 48000])
def test_the_trainer_hears_the_same_phases(rate_hz: int) -> None:
    spec = coherent(2)
    noise = 0.1 * np.random.default_rng(1).standard_normal((COUNT * spec.hop_samples, 2))
    wanted = features_of(spec, spectra_of(spec, noise), rate_hz)
    path = SignalPath(spec, rate_hz)
    waveform = torch.from_numpy(noise.T.astype(np.float32))[None]
    spectra = path.analyse(torch.nn.functional.pad(waveform, (path.history_samples, 0)))
    for each in (spectra, spectra.clone().requires_grad_()):  # compiled, and to be learnt through
        assert np.abs(path.features(each)[0].detach().numpy() - wanted).max() < 1e-3


def test_maps_are_what_complex_numbers_say() -> None:
    spec = coherent(2)
    noise = 0.1 * np.random.default_rng(2).standard_normal((COUNT * spec.hop_samples, 2))
    spectra = spectra_of(spec, noise)
    features = torch.from_numpy(features_of(spec, spectra))[None]
    coherence = Coherence(2, FRAMES)
    assert coherence.past_frames == 6
    found = torch.stack(coherence(features))[:, 0].numpy()
    assert found.shape == (3, 2, COUNT - 6, spec.bands)
    mid = spectra.mean(1).astype(np.complex128)[:, :32]
    turned, power = mid / (np.abs(mid) + PHASE_FLOOR), np.abs(mid) * spec.feature_scale
    for number, late in enumerate(FRAMES):
        for t in range(6, COUNT):
            u, v, w = turned[t], turned[t - late], turned[t - 2 * late]
            as_before = v**2 * np.conj(w)  # the phase that goes on as it did from w to v
            beside = u * np.conj(as_before)
            share = 2 * power[t - late] / (power[t] + power[t - late] + SILENT)
            wanted = [beside.real, share * beside.real, share * beside.imag]
            np.testing.assert_allclose(found[:, number, t - 6, :32], wanted, atol=2e-4)


def test_a_steady_tone_is_coherent_and_a_singers_is_not() -> None:
    spec = coherent(1, (4, 8))
    time_s = np.arange(400 * spec.hop_samples) / 44100
    vibrato = 0.05 * 330 / 5.5 * np.sin(2 * np.pi * 5.5 * time_s)  # 5 % of the frequency, 5.5 times a second
    cosines: list[np.ndarray] = []
    for deviation in (0 * vibrato, vibrato):
        tone = 0.2 * np.sin(2 * np.pi * 330 * time_s + deviation)
        features = torch.from_numpy(features_of(spec, spectra_of(spec, tone[:, None])))[None, :, 20:]
        steady, _, _ = Coherence(1, (4, 8))(features)
        cosines.append(steady[0, :, :, 15].mean(1).numpy())  # 330 Hz lie in bin 15
    assert np.all(cosines[0] > 0.999)
    assert np.all(cosines[1] < [0.95, 0.6])


@pytest.fixture
def pair(tiny: Callable[..., TrainConfig], tmp_path: Path) -> tuple[TrainConfig, Path]:
    """A network that compares phases, and its file."""
    config = tiny(signal={"coherence_frames": (2, 5)}, network={"harmonics": (0.5, 2.0)})
    write_random_model(config, tmp_path / "tiny.onnx")
    return config, tmp_path / "tiny.onnx"


def test_an_exported_model_compares_phases_however_its_frames_come(pair: tuple[TrainConfig, Path]) -> None:
    config, path = pair
    weights = load_pretrained(str(path))
    assert (weights.signal, weights.network) == (config.signal, config.network)
    network = LiveUnet(config.signal.spec(), config.network)
    network.load_state_dict(weights.weights)
    features = torch.rand(1, 3, 40, 32, generator=torch.Generator().manual_seed(3)) * 2 - 1
    features[:, :1] += 1
    states = network.initial_states(1)
    assert states[0].shape == (1, 3, 1 + 2 * 5, 32)
    with torch.no_grad():
        wanted = network.eval()(features, *states)[0][0].numpy()
        blind = torch.cat([features[:, :1], torch.zeros(1, 2, 40, 32)], 1)
        assert np.abs(network(blind, *states)[0][0].numpy() - wanted).max() > 0.01
    session, found = ModelSession(path, 7), []
    for start in range(0, 40, 7):
        count = min(7, 40 - start)
        session.features(count)[:] = features[0, :, start : start + count].numpy()
        found.append(session.run(count).copy())
    assert np.abs(np.concatenate(found, 1) - wanted).max() < 1e-5


def test_weights_that_compared_nothing_begin_as_they_were(
    tiny: Callable[..., TrainConfig], pair: tuple[TrainConfig, Path], tmp_path: Path
) -> None:
    coherent_config, _ = pair
    plain = tiny(network={"harmonics": (0.5, 2.0)})
    write_random_model(plain, tmp_path / "plain.onnx")
    weights = load_pretrained(str(tmp_path / "plain.onnx"))
    (tmp_path / "coherent.toml").write_text(config_toml(dataclasses.replace(coherent_config, name="coherent")))
    config = begun_config(weights, "plain", str(tmp_path / "coherent.toml"), [], None)
    assert config.signal.coherence_frames == (2, 5)
    features = 2 * torch.rand(2, 3, 30, 32)
    before = begun_network(plain, plain.signal.spec(), weights, lambda: features[:, :1]).eval()
    after = begun_network(config, config.signal.spec(), weights, lambda: features).eval()
    with torch.no_grad():
        wanted = before(features[:, :1], *before.initial_states(2))[0]
        found = after(features, *after.initial_states(2))[0]
    assert float(wanted.std()) > 0.01
    assert torch.allclose(found, wanted, atol=1e-6)
