"""The loss on sound against spectra taken slowly, one window after another, in float64."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from advsep.realtime.spec import SignalSpec, geometric_band_edges
from advsep.trainer.losses import POWER_FLOOR, bins_below, sound_loss, truncated_mean

BATCH, CHANNELS, SAMPLES = 3, 2, 1000
SPEC = SignalSpec(
    sample_rate_hz=8000,
    native_rates_hz=(8000,),
    window_samples=128,
    hop_samples=16,
    synthesis_samples=32,
    lookahead_frames=0,
    channels=CHANNELS,
    band_edges_bins=geometric_band_edges(64, 20, 8),
    compression="log1p",
    feature_scale=4.0,
)
WINDOW = 64
BIN_HZ = 8000 / WINDOW
ALL_HZ = torch.full((BATCH,), 4000.0)


def noise(seed: int) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.standard_normal((BATCH, CHANNELS, SAMPLES)).astype(np.float32))


def slow_spectra(samples: np.ndarray) -> np.ndarray:
    """[frame, bin] of one channel."""
    half = WINDOW // 2
    padded = np.concatenate([np.zeros(half), samples.astype(np.float64), np.zeros(half + -len(samples) % half)])
    window = [np.sin(np.pi * (i + 0.5) / WINDOW) for i in range(WINDOW)]
    return np.array([np.fft.rfft(padded[i : i + WINDOW] * window) for i in range(0, len(padded) - half, half)])


def slow_loss(estimate: np.ndarray, voice: np.ndarray, mixture: np.ndarray, hz: float, phase_weight: float) -> float:
    """Of one of the batch [channel, sample]."""
    roots = waves = magnitude = power = places = 0.0
    for channel in range(CHANNELS):
        e, v, x = (slow_spectra(each[channel]) for each in (estimate, voice, mixture))
        for k in range(WINDOW // 2 + 1):
            if k * BIN_HZ > hz:
                continue
            for frame in range(len(x)):
                one, true, sum_of_both = e[frame, k], v[frame, k], x[frame, k]
                roots += (root(one) - root(true)) ** 2 + (root(sum_of_both - one) - root(sum_of_both - true)) ** 2
                waves += abs(one - true) ** 2
                magnitude += root(sum_of_both) ** 2
                power += abs(sum_of_both) ** 2
                places += 1
    return roots / (magnitude + 1e-3 * places) + phase_weight * waves / (power + POWER_FLOOR * places)


def root(value: complex) -> float:
    return (abs(value) ** 2 + POWER_FLOOR) ** 0.25


@pytest.mark.parametrize("phase_weight", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("level", [1.0, 1e-4])
def test_it_is_the_sum_over_bins(phase_weight: float, level: float) -> None:
    voice, band, estimate = (noise(seed) * level for seed in (1, 2, 3))
    bandwidth_hz = torch.tensor([4000.0, 1234.0, 10 * BIN_HZ])
    found = sound_loss(estimate, voice, voice + band, bandwidth_hz, SPEC, phase_weight)
    for item in range(BATCH):
        of_one = [each[item].numpy() for each in (estimate, voice, voice + band)]
        wanted = slow_loss(of_one[0], of_one[1], of_one[2], float(bandwidth_hz[item]), phase_weight)
        assert float(found[item]) == pytest.approx(wanted, rel=1e-4)


def test_its_second_part_is_the_error_of_the_waveform() -> None:
    """Windows that overlap sum to one, and Parseval's theorem holds for each; bins 0 and N / 2 count half too much."""
    voice, band, estimate = noise(1), noise(2), noise(3)
    of_both = [sound_loss(estimate, voice, voice + band, ALL_HZ, SPEC, weight) for weight in (0.0, 1.0)]
    wanted = (estimate - voice).square().sum((1, 2)) / (voice + band).square().sum((1, 2))
    assert torch.allclose(of_both[1] - of_both[0], wanted, rtol=0.02)


def test_it_is_nothing_for_the_true_voice_and_the_whole_for_none() -> None:
    voice = 100 * noise(1)  # floors are nothing beside it
    silence = torch.zeros_like(voice)
    assert not sound_loss(voice, voice, voice + noise(2), ALL_HZ, SPEC, 2.0).any()
    # Of a voice alone nothing was found: its magnitudes are missing from one stem and too many in the other.
    missed = sound_loss(silence, voice, voice, ALL_HZ, SPEC, 1.0)
    assert torch.allclose(missed, torch.tensor(3.0), rtol=0.02)


def test_nothing_is_learnt_above_the_bandwidth() -> None:
    estimate = noise(3).requires_grad_()
    edge = 12
    loss = sound_loss(estimate, noise(1), noise(1) + noise(2), torch.full((BATCH,), edge * BIN_HZ), SPEC, 1.0)
    loss.sum().backward()
    assert estimate.grad is not None
    power = np.abs(np.fft.rfft(estimate.grad.numpy())) ** 2
    limit = round((edge + 3) * BIN_HZ / 8000 * SAMPLES)  # the window's own width
    assert power[..., limit:].sum() < 1e-3 * power[..., : limit // 2].sum()


def test_the_bin_at_the_bandwidth_belongs_to_it() -> None:
    limits = torch.tensor([10 * BIN_HZ, 10 * BIN_HZ - 0.1, 10 * BIN_HZ + 0.1, 0.0, 1e9])
    inside = bins_below(limits, 33, BIN_HZ)
    assert inside.shape == (5, 1, 1, 33)
    assert inside.sum((1, 2, 3)).tolist() == [11, 10, 11, 1, 33]
    assert inside[0, 0, 0, 10] == 1
    assert inside[0, 0, 0, 11] == 0


@pytest.mark.parametrize("bandwidth_hz", [4000.0, 0.0])
@pytest.mark.parametrize("samples", [SAMPLES, 5])
def test_silence_gives_a_finite_loss_and_gradient(bandwidth_hz: float, samples: int) -> None:
    silence = torch.zeros(BATCH, CHANNELS, samples)
    estimate = silence.clone().requires_grad_()
    loss = sound_loss(estimate, silence, silence, torch.full((BATCH,), bandwidth_hz), SPEC, 1.0).mean()
    loss.backward()
    assert float(loss.detach()) == 0
    assert estimate.grad is not None
    assert torch.isfinite(estimate.grad).all()


def test_half_a_window_is_cut_to_an_even_length() -> None:
    spec = dataclasses.replace(SPEC, window_samples=130, band_edges_bins=geometric_band_edges(65, 20, 8))
    found, wanted = (sound_loss(noise(3), noise(1), noise(1) + noise(2), ALL_HZ, each, 1.0) for each in (spec, SPEC))
    assert torch.equal(found, wanted)


def test_the_largest_losses_are_left_out() -> None:
    losses = torch.tensor([5.0, 1.0, 2.0, 100.0, 3.0])
    assert float(truncated_mean(losses, 0.0)) == pytest.approx(22.2)
    assert float(truncated_mean(losses, 0.39)) == pytest.approx(11 / 4)
    assert float(truncated_mean(losses, 0.4)) == pytest.approx(2.0)
