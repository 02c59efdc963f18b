"""Muon against what it stands for: steps along the polar factor of the momentum."""

from __future__ import annotations

import copy

import pytest
import torch
from advsep.trainer.config import OptimiserConfig, load_preset
from advsep.trainer.live_unet import LiveUnet
from advsep.trainer.muon import MUON, Muon, Optimisers, inner_matrices, orthogonalised


def network(seed: int = 0) -> LiveUnet:
    torch.manual_seed(seed)
    config = load_preset("live-12")
    return LiveUnet(config.signal.spec(), config.network)


def polar(matrix: torch.Tensor) -> torch.Tensor:
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    return u @ vh


@pytest.mark.parametrize("shape", [(24, 24), (16, 240), (240, 16)])
def test_singular_values_come_near_1_and_vectors_stay(shape: tuple[int, int]) -> None:
    torch.manual_seed(1)
    matrix = torch.randn(shape) * 1e-3
    found = orthogonalised(matrix)
    values = torch.linalg.svdvals(polar(matrix).T @ found)[: min(shape)]
    assert 0.3 < float(values.min()) <= float(values.max()) < 1.3
    assert torch.nn.functional.cosine_similarity(found.ravel(), polar(matrix).ravel(), dim=0) > 0.97


def test_steps_are_those_of_the_polar_factor_of_nesterovs_momentum() -> None:
    torch.manual_seed(2)
    weight = torch.nn.Parameter(torch.randn(12, 4, 1, 5))
    before, momentum = weight.detach().clone(), torch.zeros(12, 20)
    muon, wanted = Muon([(weight, 1)], lr=0.02), before.reshape(12, 20).clone()
    for _ in range(3):
        weight.grad = torch.randn_like(weight)
        momentum = 0.95 * momentum + 0.05 * weight.grad.reshape(12, 20)
        wanted -= 0.02 * polar(0.05 * weight.grad.reshape(12, 20) + 0.95 * momentum)
        muon.step()
    moved = (weight.detach() - before).reshape(12, 20)
    assert torch.nn.functional.cosine_similarity(moved.ravel(), (wanted - before.reshape(12, 20)).ravel(), dim=0) > 0.97
    assert 0.02 < float(torch.linalg.matrix_norm(moved, 2)) < 3 * 0.02 * 1.3


def test_gates_move_as_three_matrices_and_tall_ones_farther() -> None:
    torch.manual_seed(3)
    gradient = torch.randn(3 * 8, 8)
    together = torch.nn.Parameter(torch.zeros(24, 8))
    alone = [torch.nn.Parameter(torch.zeros(8, 8)) for _ in range(3)]
    as_one = torch.nn.Parameter(torch.zeros(24, 8))
    for weight, part in [(together, gradient), *zip(alone, gradient.chunk(3), strict=True), (as_one, gradient)]:
        weight.grad = part.clone()
    Muon([(together, 3)], lr=0.1).step()
    Muon([(each, 1) for each in alone], lr=0.1).step()
    Muon([(as_one, 1)], lr=0.1).step()
    assert torch.allclose(together, torch.cat(alone), atol=1e-6)
    # Three times as tall as wide: steps are longer by the root of 3, so that outputs change as much.
    assert float(as_one.detach().norm()) == pytest.approx(0.1 * 3**0.5 * 8**0.5, rel=0.2)


def test_inner_matrices_are_all_but_biases_norms_and_the_outermost() -> None:
    live = network()
    found = {id(weight): parts for weight, parts in inner_matrices(live)}
    names = {name: found[id(weight)] for name, weight in live.named_parameters() if id(weight) in found}
    layers = [f"encoders.{i}.convolution" for i in (1, 2, 3)] + [f"decoders.{i}.convolution" for i in (0, 1, 2)]
    whole = [f"{layer}.weight" for layer in (*layers, "squeeze", "expand")]
    assert names == dict.fromkeys(whole, 1) | {"gru.weight_ih_l0": 3, "gru.weight_hh_l0": 3}


@pytest.mark.parametrize("factor", [0.0, 20.0])
def test_every_weight_moves_and_states_are_gone_on_from(factor: float) -> None:
    live, config = network(), OptimiserConfig(matrix_factor=factor)
    first = copy.deepcopy(live.state_dict())
    one = Optimisers(live, config)

    def step(optimisers: Optimisers, of: LiveUnet, seed: int) -> None:
        torch.manual_seed(seed)
        for weight in of.parameters():
            weight.grad = torch.randn_like(weight)
        optimisers.set_rate(1e-3)
        optimisers.step()
        optimisers.zero_grad()

    step(one, live, 0)
    assert all(not torch.equal(weight, first[name]) for name, weight in live.named_parameters())
    assert all(weight.grad is None for weight in live.parameters())
    state, twin = one.state(), network(9)
    assert (MUON in state) == (factor > 0)
    twin.load_state_dict(live.state_dict())
    other = Optimisers(twin, config)
    other.set_state(state)
    for seed in (1, 2):
        step(one, live, seed)
        step(other, twin, seed)
    assert all(torch.equal(a, b) for a, b in zip(live.parameters(), twin.parameters(), strict=True))


def test_the_rate_of_matrices_is_the_factor_times_the_rate() -> None:
    live = network()
    before = live.squeeze.weight.detach().clone()
    optimisers = Optimisers(live, OptimiserConfig(matrix_factor=20.0))
    for weight in live.parameters():
        weight.grad = torch.randn_like(weight)
    optimisers.set_rate(1e-4)
    optimisers.step()
    assert float(torch.linalg.matrix_norm(live.squeeze.weight.detach() - before, 2)) == pytest.approx(2e-3, rel=0.3)
