"""Gradients of both losses together, and lanes that are left out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from advsep.trainer.balancer import average_weights, backward
from advsep.trainer.config import TrainConfig
from advsep.trainer.losses import truncated_mean
from advsep.trainer.team import Team, make_fabric
from torch import nn

MakeConfig = Callable[..., TrainConfig]


@pytest.fixture
def team() -> Team:
    return Team(make_fabric("32-true", accelerator="cpu"))


def losses(layer: nn.Linear) -> tuple[torch.Tensor, torch.Tensor]:
    """L_s = |W|^2 / 2, of gradient W; L_u = 1000 sum(W), of gradient 1000; the bias is in the first alone."""
    return (layer.weight.square().sum() + layer.bias.square().sum()) / 2, 1000 * layer.weight.sum()


@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_balanced_gradients_have_the_lengths_that_were_asked_for(tiny: MakeConfig, team: Team, scale: float) -> None:
    config = tiny(adversarial={"balance": 0.3}, optimiser={"clip_norm": 1e9})
    layer = nn.Linear(3, 2)
    supervised, unpaired = losses(layer)
    length = backward(layer, supervised, scale * unpaired, config, team)
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    whole = np.sqrt((weight**2).sum() + (bias**2).sum())
    pull = 0.3 * whole / np.sqrt(6)  # six equal parts of a vector 0.3 times as long
    np.testing.assert_allclose(layer.weight.grad, weight + pull, rtol=1e-5)
    np.testing.assert_allclose(layer.bias.grad, bias, rtol=1e-5)
    assert length == pytest.approx(np.sqrt(((weight + pull) ** 2).sum() + (bias**2).sum()), rel=1e-5)


def test_without_a_balance_the_weight_is_alpha(tiny: MakeConfig, team: Team) -> None:
    config = tiny(adversarial={"unpaired_weight": 0.002}, optimiser={"clip_norm": 1e9})
    layer = nn.Linear(3, 2)
    backward(layer, *losses(layer), config, team)
    np.testing.assert_allclose(layer.weight.grad, layer.weight.detach() + 2.0, rtol=1e-5)


def test_the_whole_gradient_is_clipped(tiny: MakeConfig, team: Team) -> None:
    layer = nn.Linear(3, 2)
    backward(layer, 100 * losses(layer)[0], None, tiny(optimiser={"clip_norm": 0.5}), team)
    assert layer.weight.grad is not None
    assert layer.bias.grad is not None
    both = float(layer.weight.grad.square().sum() + layer.bias.grad.square().sum()) ** 0.5
    assert both == pytest.approx(0.5, rel=1e-4)


def test_the_average_moves_by_what_is_left_of_the_decay() -> None:
    mean, live = nn.BatchNorm2d(2), nn.BatchNorm2d(2)
    with torch.no_grad():
        live.weight.fill_(3.0)
        assert live.num_batches_tracked is not None
        live.num_batches_tracked.fill_(7)
    average_weights(mean, live, 0.75)
    assert mean.weight.tolist() == [1.5, 1.5]
    assert mean.num_batches_tracked == 7


def test_the_largest_losses_are_left_out() -> None:
    found = torch.tensor([5.0, 1.0, 9.0, 3.0], requires_grad=True)
    assert truncated_mean(found, 0.0).item() == 4.5
    assert truncated_mean(found, 0.2).item() == 4.5  # less than one lane
    mean = truncated_mean(found, 0.5)
    assert mean.item() == 2.0
    mean.backward()
    assert found.grad is not None
    assert found.grad.tolist() == [0.0, 0.5, 0.0, 0.5]
