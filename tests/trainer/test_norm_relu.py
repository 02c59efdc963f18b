"""Batch norm, ReLU and joining at once: values, statistics and gradients as torch's own, one after another."""

from __future__ import annotations

import copy

import pytest
import torch
from advsep.trainer.norm_relu import normed_behind, normed_beside
from torch import Tensor, nn


def layer(channels: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels)
    random = torch.Generator().manual_seed(channels)
    with torch.no_grad():
        norm.weight.normal_(generator=random)
        norm.bias.normal_(generator=random)
    return norm


def maps(*shape: int, seed: int, channels_last: bool) -> Tensor:
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 3 + 20  # a mean that costs precision
    return x.contiguous(memory_format=torch.channels_last) if channels_last else x


def learnt(out: Tensor, seed: int, *inputs: Tensor) -> list[Tensor]:
    """Gradients of a random weighting of `out`."""
    weights = torch.randn(out.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return list(torch.autograd.grad((out * weights.to(out)).sum(), inputs, retain_graph=True))


def close(one: Tensor, other: Tensor, tolerance: float = 2e-4) -> bool:
    largest = max(map(abs, other.flatten().tolist()), default=0.0)
    return torch.allclose(one.double(), other.double(), rtol=0, atol=tolerance * (1 + largest))


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize(("batch", "frames", "bands", "past"), [(3, 7, 4, 2), (2, 50, 9, 0), (1, 1, 2, 5)])
def test_behind_the_past_is_what_torch_makes(
    batch: int, frames: int, bands: int, past: int, *, channels_last: bool
) -> None:
    norm = layer(5)
    exact = copy.deepcopy(norm).double()
    x = maps(batch, 5, frames, bands, seed=1, channels_last=channels_last).requires_grad_()
    before = maps(batch, 5, past, bands, seed=2, channels_last=channels_last).requires_grad_()
    both, skip = normed_behind(norm, x, before)
    x_exact, before_exact = x.detach().double().requires_grad_(), before.detach().double().requires_grad_()
    wanted = torch.cat([before_exact, torch.relu(exact(x_exact))], 2)
    assert both.shape == wanted.shape
    assert close(both, wanted)
    assert torch.equal(skip, both[:, :, past:])
    assert 0.1 < float((both[:, :, past:] > 0).float().mean()) < 0.9
    gradients = learnt(both, 3, x, norm.weight, norm.bias, before)
    for ours, theirs in zip(gradients, learnt(wanted, 3, x_exact, *exact.parameters(), before_exact), strict=True):
        assert close(ours, theirs)
    for name, buffer in exact.named_buffers():
        assert close(norm.get_buffer(name), buffer)


def test_beside_another_level_both_learn() -> None:
    norm = layer(3)
    exact = copy.deepcopy(norm).double()
    x = maps(4, 3, 6, 8, seed=1, channels_last=True).requires_grad_()
    skip = maps(4, 5, 6, 8, seed=2, channels_last=True).requires_grad_()
    joined = normed_beside(norm, x, skip)
    x_exact, skip_exact = x.detach().double().requires_grad_(), skip.detach().double().requires_grad_()
    wanted = torch.cat([torch.relu(exact(x_exact)), skip_exact], 1)
    assert joined.shape == wanted.shape
    assert close(joined, wanted)
    gradients = learnt(joined, 3, x, norm.weight, norm.bias, skip)
    for ours, theirs in zip(gradients, learnt(wanted, 3, x_exact, *exact.parameters(), skip_exact), strict=True):
        assert close(ours, theirs)


def test_both_ways_back_are_added() -> None:
    """What an encoder level makes is used twice: by the level below it and, beside another's maps, by a decoder."""
    norm, other = layer(3), layer(4)
    exact, other_exact = copy.deepcopy(norm).double(), copy.deepcopy(other).double()
    x = maps(3, 3, 6, 8, seed=1, channels_last=True).requires_grad_()
    y = maps(3, 4, 6, 8, seed=2, channels_last=True).requires_grad_()
    before = maps(3, 3, 2, 8, seed=4, channels_last=True).requires_grad_()
    both, skip = normed_behind(norm, x, before)
    x_exact, y_exact, before_exact = (each.detach().double().requires_grad_() for each in (x, y, before))
    made = torch.relu(exact(x_exact))
    wanted = torch.cat([before_exact, made], 2), torch.cat([torch.relu(other_exact(y_exact)), made], 1)
    found = both, normed_beside(other, y, skip)
    ours = learnt(torch.cat([each.flatten() for each in found]), 3, x, y, before, norm.weight, norm.bias)
    parameters = list(exact.parameters())
    theirs = learnt(torch.cat([each.flatten() for each in wanted]), 3, x_exact, y_exact, before_exact, *parameters)
    for a, b in zip(ours, theirs, strict=True):
        assert close(a, b)


def test_evaluation_uses_what_was_seen_in_training() -> None:
    norm = layer(3)
    for seed in range(60):
        normed_behind(norm, maps(4, 3, 6, 8, seed=seed, channels_last=True).requires_grad_(), None)
    x = maps(4, 3, 6, 8, seed=99, channels_last=True)
    trained, _ = normed_behind(norm, x.requires_grad_(), None)
    evaluated, _ = normed_behind(norm.eval(), x, None)
    assert int(norm.num_batches_tracked or 0) == 61
    assert not torch.equal(trained, evaluated)
    assert close(trained, evaluated.double(), 0.2)


def test_what_is_not_a_number_stays_so() -> None:
    x = maps(2, 3, 4, 4, seed=1, channels_last=True)
    x[0, 1, 2, 3] = torch.nan
    both, _ = normed_behind(layer(3), x.requires_grad_(), None)
    assert bool(both[:, 1].isnan().all())
    assert not bool(both[:, 0].isnan().any())


def test_the_same_twice_whatever_the_threads() -> None:
    x = maps(6, 8, 40, 16, seed=1, channels_last=True)
    count = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            norm, inputs = layer(8), x.clone().requires_grad_()
            both, _ = normed_behind(norm, inputs, None)
            found.append([both, *learnt(both, 5, inputs, norm.weight, norm.bias)])
    finally:
        torch.set_num_threads(count)
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))
