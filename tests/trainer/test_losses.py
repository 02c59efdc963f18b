"""The loss on bands against the sum over bins, written out slowly in float64."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from advsep.realtime.spec import SignalSpec, geometric_band_edges
from advsep.trainer.losses import (
    MASK_FLOOR,
    bins_below,
    mask_loss,
    mask_statistics,
    statistics_anywhere,
    sum_bands,
)

BATCH, CHANNELS, FRAMES = 3, 2, 4
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
BIN_HZ = 8000 / 128


def spectra(seed: int) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    shape = (BATCH, CHANNELS, FRAMES, SPEC.bins)
    return torch.from_numpy((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64))


def random_masks(seed: int = 5) -> torch.Tensor:
    masks = np.random.default_rng(seed).random((BATCH, CHANNELS, FRAMES, SPEC.bands), np.float32)
    masks[0, 0, 0, :2] = (0.0, 1.0)  # the floors, too
    return torch.from_numpy(masks)


def slow_loss(
    masks: np.ndarray, voice: np.ndarray, band: np.ndarray, bandwidth_hz: list[float], phase_weight: float
) -> float:
    """Per bin and in float64; only the floors are those of the code."""
    total = 0.0
    for item in range(BATCH):
        roots = waves = mixture = power = 0.0
        for c, t, b in itertools.product(range(CHANNELS), range(FRAMES), range(SPEC.bands)):
            m = MASK_FLOOR + (1 - 2 * MASK_FLOOR) * float(masks[item, c, t, b])
            for k in range(SPEC.band_edges_bins[b], SPEC.band_edges_bins[b + 1]):
                if k * BIN_HZ > bandwidth_hz[item]:
                    continue
                v, a = complex(voice[item, c, t, k]), complex(band[item, c, t, k])
                x = v + a
                roots += (np.sqrt(m * abs(x)) - np.sqrt(abs(v))) ** 2
                roots += (np.sqrt((1 - m) * abs(x)) - np.sqrt(abs(a))) ** 2
                waves += abs(m * x - v) ** 2
                mixture += abs(x)
                power += abs(x) ** 2
        places = CHANNELS * FRAMES * SPEC.bands
        total += roots / (mixture + 1e-3 * places) + phase_weight * waves / (power + 1e-4 * places)
    return total / BATCH


@pytest.mark.parametrize("phase_weight", [0.0, 1.0, 0.3])
@pytest.mark.parametrize("level", [1.0, 1e-4])
def test_it_is_the_sum_over_bins(phase_weight: float, level: float) -> None:
    voice, band, masks = spectra(1) * level, spectra(2) * level * 0.5, random_masks()
    bandwidth_hz = [4000.0, 1234.0, 40 * BIN_HZ]
    statistics = mask_statistics(voice, band, torch.tensor(bandwidth_hz), SPEC)
    found = float(mask_loss(masks, statistics, phase_weight).mean())
    wanted = slow_loss(masks.numpy(), voice.numpy(), band.numpy(), bandwidth_hz, phase_weight)
    assert found == pytest.approx(wanted, rel=2e-5)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_processors_sums_are_those_of_every_device(threads: int) -> None:
    voice, band = spectra(1), spectra(2)[:, :, ::2].repeat_interleave(2, 2)
    voice[1, 0, 2] = 0
    hz = torch.tensor([4000.0, 1234.0, 0.0])
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = mask_statistics(voice, band, hz, SPEC)
    finally:
        torch.set_num_threads(before)
    wanted = statistics_anywhere(voice, band, bins_below(hz, SPEC), SPEC)
    for field in dataclasses.fields(found):
        torch.testing.assert_close(getattr(found, field.name), getattr(wanted, field.name), rtol=1e-5, atol=1e-5)
    assert found.mixture[0].all()
    assert not found.mixture[2, :, :, 1:].any()  # bin 0 lies at 0 Hz


def test_it_vanishes_at_the_true_mask_of_stems_that_do_not_overlap() -> None:
    owner = torch.from_numpy(np.random.default_rng(3).integers(0, 2, (BATCH, CHANNELS, FRAMES, SPEC.bands)))
    of_bins = owner.repeat_interleave(torch.tensor(np.diff(SPEC.band_edges_bins)), -1)
    of_bins = torch.cat([of_bins, of_bins[..., -1:]], -1)
    voice, band = spectra(1) * of_bins, spectra(2) * (1 - of_bins)
    statistics = mask_statistics(voice, band, torch.full((BATCH,), 4000.0), SPEC)
    true = float(mask_loss(owner.float(), statistics, 1.0).mean())
    assert 0 <= true < 3 * MASK_FLOOR  # what the floor costs, no more
    assert float(mask_loss(1 - owner.float(), statistics, 1.0).mean()) > 1
    assert float(mask_loss(torch.full(owner.shape, 0.5), statistics, 1.0).mean()) > 0.3


def test_nothing_is_learnt_above_the_bandwidth() -> None:
    masks = random_masks().clamp(0.1, 0.9).requires_grad_()
    edge = SPEC.band_edges_bins[12]
    statistics = mask_statistics(spectra(1), spectra(2), torch.full((BATCH,), (edge - 0.5) * BIN_HZ), SPEC)
    mask_loss(masks, statistics, 1.0).mean().backward()
    assert masks.grad is not None
    assert not masks.grad[..., 12:].any()
    assert masks.grad[..., :12].all()


def test_the_bin_at_the_bandwidth_belongs_to_it() -> None:
    limits = torch.tensor([10 * BIN_HZ, 10 * BIN_HZ - 0.1, 10 * BIN_HZ + 0.1, 0.0, 1e9])
    inside = bins_below(limits, SPEC)
    assert inside.shape == (5, 1, 1, 64)
    assert inside.sum((1, 2, 3)).tolist() == [11, 10, 11, 1, 64]
    assert inside[0, 0, 0, 10] == 1
    assert inside[0, 0, 0, 11] == 0


@pytest.mark.parametrize("single_bins", [0, 8, 19])
def test_sums_of_bands_are_sums_of_their_bins(single_bins: int) -> None:
    spec = dataclasses.replace(SPEC, band_edges_bins=geometric_band_edges(64, 20, single_bins))
    x = spectra(4).abs()[..., :64]
    wanted = [x[..., low:high].sum(-1) for low, high in itertools.pairwise(spec.band_edges_bins)]
    assert torch.allclose(sum_bands(x, spec), torch.stack(wanted, -1), rtol=1e-5)
    ones = dataclasses.replace(SPEC, band_edges_bins=tuple(range(65)))
    assert torch.equal(sum_bands(x, ones), x)


@pytest.mark.parametrize("bandwidth_hz", [4000.0, 0.0])
def test_silence_gives_a_finite_loss_and_gradient(bandwidth_hz: float) -> None:
    silence = torch.zeros(BATCH, CHANNELS, FRAMES, SPEC.bins, dtype=torch.complex64)
    masks = random_masks().requires_grad_()
    statistics = mask_statistics(silence, silence, torch.full((BATCH,), bandwidth_hz), SPEC)
    loss = mask_loss(masks, statistics, 1.0).mean()
    loss.backward()
    assert float(loss.detach()) == 0
    assert masks.grad is not None
    assert torch.isfinite(masks.grad).all()


@pytest.mark.parametrize("shut", [0.0, 1.0])
def test_a_mask_that_is_wholly_shut_can_still_learn_to_open(shut: float) -> None:
    masks = torch.full((BATCH, CHANNELS, FRAMES, SPEC.bands), shut, requires_grad=True)
    statistics = mask_statistics(spectra(1), spectra(2), torch.full((BATCH,), 4000.0), SPEC)
    mask_loss(masks, statistics, 1.0).mean().backward()
    assert masks.grad is not None
    assert torch.isfinite(masks.grad).all()
    assert (masks.grad < 0 if shut == 0 else masks.grad > 0).float().mean() > 0.95


def test_voice_alone_and_band_alone_pull_the_mask_apart() -> None:
    silence, sound = torch.zeros_like(spectra(1)), spectra(1)
    full = torch.full((BATCH,), 4000.0)
    for voice, band, sign in ((sound, silence, -1), (silence, sound, 1)):
        masks = torch.full((BATCH, CHANNELS, FRAMES, SPEC.bands), 0.5, requires_grad=True)
        mask_loss(masks, mask_statistics(voice, band, full, SPEC), 1.0).mean().backward()
        assert masks.grad is not None
        assert (masks.grad.sign() == sign).all()
