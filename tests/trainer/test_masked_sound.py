"""What masks make heard: against the trainer's signal path by autograd, and against separation of a whole excerpt."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from advsep.trainer.masked_sound import masked_sound, masked_sound_anywhere
from advsep.trainer.signal import SignalPath

from .conftest import spec_of

SIZES = [(2048, 256, 512), (2048, 64, 128), (512, 128, 512), (1200, 100, 400), (256, 64, 128), (256, 128, 256)]
"""N, H, S."""
BATCH, FRAMES = 2, 7


def path_of(sizes: tuple[int, int, int], channels: int) -> SignalPath:
    return SignalPath(spec_of(sizes, channels))


def sound(path: SignalPath, seed: int) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    count = path.history_samples + FRAMES * path.spec.hop_samples
    return torch.from_numpy(rng.standard_normal((BATCH, path.spec.channels, count)).astype(np.float32))


def masks_for(path: SignalPath, parts: int) -> torch.Tensor:
    rng = np.random.default_rng(9)
    shape = (BATCH, parts * path.spec.channels, FRAMES, path.spec.bands)
    return torch.from_numpy(rng.uniform(-1, 1, shape).astype(np.float32))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("sizes", SIZES)
def test_sound_and_gradient_are_those_of_every_device(
    sizes: tuple[int, int, int], channels: int, parts: int, threads: int
) -> None:
    path = path_of(sizes, channels)
    spectra, masks = path.analyse(sound(path, 1)), masks_for(path, parts)
    found: list[tuple[torch.Tensor, torch.Tensor]] = []
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for way in (masked_sound, masked_sound_anywhere):
            given = masks.clone().requires_grad_()
            heard = way(given, spectra, path)
            weights = torch.from_numpy(np.random.default_rng(3).standard_normal(heard.shape).astype(np.float32))
            (heard * weights).sum().backward()
            assert given.grad is not None
            found.append((heard.detach(), given.grad))
    finally:
        torch.set_num_threads(before)
    for one, other in zip(*found, strict=True):
        assert other.abs().max() > 0
        assert (one - other).abs().max() < 2e-6 * other.abs().max()


@pytest.mark.parametrize("sizes", SIZES)
def test_open_masks_give_the_sound_of_the_segment(sizes: tuple[int, int, int]) -> None:
    path = path_of(sizes, 2)
    samples = sound(path, 1)
    heard = masked_sound(torch.ones(BATCH, 2, FRAMES, path.spec.bands), path.analyse(samples), path)
    h, s = path.spec.hop_samples, path.spec.synthesis_samples
    assert heard.shape == (BATCH, 2, FRAMES * h - (s - h))
    first = path.history_samples
    assert (heard - samples[..., first : first + heard.shape[-1]]).abs().max() < 1e-4


def test_a_quarter_turn_twice_is_the_sound_upside_down() -> None:
    """Turning bin 0 of a real signal gives nothing, so the input has none."""
    path = path_of((256, 64, 128), 2)
    spectra = path.analyse(sound(path, 1))
    spectra[..., 0] = spectra[..., -1] = 0
    turn = torch.cat([torch.zeros(BATCH, 2, FRAMES, path.spec.bands), torch.ones(BATCH, 2, FRAMES, path.spec.bands)], 1)
    once = masked_sound(turn, spectra, path)
    twice = masked_sound(turn, spectra * 1j, path)
    straight = masked_sound(torch.ones(BATCH, 2, FRAMES, path.spec.bands), spectra, path)
    assert torch.allclose(twice, -straight, atol=1e-5)
    assert not torch.allclose(once, straight, atol=0.1)
