"""From losses to gradients: L_s and L_u weighed, averaged over processes, clipped; and the average of weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .config import TrainConfig
from .team import Team


def backward(network: nn.Module, supervised: Tensor, unpaired: Tensor | None, config: TrainConfig, team: Team) -> float:
    """Fill the gradients of L_s + alpha L_u, or of both balanced, and clip them.

    With `adversarial.balance` b above 0, alpha is chosen at every step so that the gradient of alpha L_u is b times
    as long as that of L_s, over all weights: what critics say then counts alike whatever their scale (after the
    balancer of Défossez et al., *High Fidelity Neural Audio Compression*, 2022).

    Args:
        network: whose weights learn; its gradients are to be zero.
        supervised: L_s.
        unpaired: L_u, None where there is none.
        config: of the run.
        team: gradients are averaged over it.

    Returns:
        Length of the whole gradient before it was clipped.
    """
    settings = config.adversarial
    parameters = [weight for weight in network.parameters() if weight.requires_grad]
    pulls: list[Tensor] = []
    if unpaired is not None and settings.balance > 0:
        found = torch.autograd.grad(unpaired, parameters, allow_unused=True, materialize_grads=True)
        pulls = [each.clone() for each in found]
        team.average(pulls)
        supervised.backward()
    else:
        (supervised if unpaired is None else supervised + settings.unpaired_weight * unpaired).backward()
    held = [weight.grad for weight in parameters if weight.grad is not None]
    team.average(held)
    if pulls:
        alpha = settings.balance * _length(held) / (_length(pulls) + 1e-12)
        for weight, pull in zip(parameters, pulls, strict=True):
            weight.grad = alpha * pull if weight.grad is None else weight.grad + alpha * pull
    return float(nn.utils.clip_grad_norm_(parameters, config.optimiser.clip_norm))


def _length(gradients: list[Tensor]) -> float:
    return float(torch.stack([gradient.norm() for gradient in gradients]).norm())


@torch.no_grad()
def average_weights(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    """Move `averaged` by 1 - `decay` towards `network`; whole numbers are copied."""
    live = network.state_dict()
    for name, mean in averaged.state_dict().items():
        if mean.is_floating_point():
            mean.lerp_(live[name], 1 - decay)
        else:
            mean.copy_(live[name])
