"""What moves the weights: Muon where they are matrices inside the network, AdamW for the rest.

At equal steps the live network ends where AdamW alone needs four times as many (docs/experiments.md).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, overload

import torch
from torch import Tensor, nn

from .config import OptimiserConfig
from .live_unet import LiveUnet

ADAMW, MUON = "adamw", "muon"
MOMENTUM = 0.95
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
NEWTON_SCHULZ_STEPS = 5


@torch.no_grad()
def orthogonalised(matrix: Tensor) -> Tensor:
    """A matrix [row, column] with its singular values brought near 1 (0.7 to 1.2), by Newton-Schulz iteration."""
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.float()
    x = x / (x.norm() + 1e-7)
    x = x.T if tall else x
    for _ in range(NEWTON_SCHULZ_STEPS):
        products = x @ x.T
        x = a * x + (b * products + c * products @ products) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum whose direction is orthogonalised: every singular direction of a weight moves alike.

    Jordan et al. (2024), "Muon: An optimizer for hidden layers in neural networks"; torch's own refuses the weights of
    convolutions. Weights of more than two axes are matrices of their first axis.

    Args:
        weights: each with the number of matrices that lie in it behind one another (the gates of a GRU: 3).
        lr: size of a step: the spectral norm of a square matrix's change.
    """

    def __init__(self, weights: Iterable[tuple[nn.Parameter, int]], lr: float) -> None:
        by_parts: dict[int, list[nn.Parameter]] = {}
        for weight, parts in weights:
            by_parts.setdefault(parts, []).append(weight)
        groups: list[dict[str, Any]] = [{"params": each, "parts": parts} for parts, each in by_parts.items()]
        super().__init__(groups, {"lr": lr})

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Any) -> float: ...
    @torch.no_grad()
    def step(self, closure: Any = None) -> float | None:
        """Move the weights that have gradients."""
        assert closure is None, "no optimiser here evaluates the loss again"
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, group["parts"], group["lr"])
        return None

    def _move(self, weight: nn.Parameter, parts: int, rate: float) -> None:
        assert weight.grad is not None
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        momentum: Tensor = state["momentum"]
        momentum.lerp_(weight.grad, 1 - MOMENTUM)
        ahead = weight.grad.lerp(momentum, MOMENTUM)  # Nesterov's
        matrices = ahead.reshape(parts, len(weight) // parts, -1)
        turned = torch.stack([orthogonalised(matrix) for matrix in matrices])
        weight.add_(turned.reshape(weight.shape), alpha=-rate * _tallness(matrices[0]))


def matrix_size(weight: Tensor) -> float:
    """Root mean square of the singular values of a weight [row, …], in steps of `Muon` of rate 1."""
    matrix = weight.detach().reshape(len(weight), -1)
    return float(matrix.norm()) / min(matrix.shape) ** 0.5 / _tallness(matrix)


def _tallness(matrix: Tensor) -> float:
    return max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5


class Optimisers:
    """Both together, as one.

    Args:
        network: whose weights learn.
        config: rates; with a `matrix_factor` of 0 AdamW moves all weights.
    """

    def __init__(self, network: LiveUnet, config: OptimiserConfig) -> None:
        matrices = inner_matrices(network) if config.matrix_factor > 0 else []
        taken = {id(weight) for weight, _ in matrices}
        rest = [weight for weight in network.parameters() if id(weight) not in taken]
        adamw = torch.optim.AdamW(rest, config.learning_rate, weight_decay=config.weight_decay)
        self._parts: dict[str, tuple[torch.optim.Optimizer, float]] = {ADAMW: (adamw, 1.0)}
        if matrices:
            factor = config.matrix_factor
            self._parts[MUON] = (Muon(matrices, config.learning_rate * factor), factor)

    def set_rate(self, rate: float) -> None:
        """Learning rate of the steps that follow: AdamW's; Muon's is `matrix_factor` times as large."""
        for part, factor in self._parts.values():
            for group in part.param_groups:
                group["lr"] = rate * factor

    def zero_grad(self) -> None:
        """Forget gradients."""
        for part, _ in self._parts.values():
            part.zero_grad()

    def step(self) -> None:
        """Move all weights."""
        for part, _ in self._parts.values():
            part.step()

    def state(self) -> dict[str, Any]:
        """To go on from: AdamW's, as in checkpoints from before Muon, and Muon's within it where there is one."""
        states = {name: part.state_dict() for name, (part, _) in self._parts.items()}
        return states.pop(ADAMW) | states

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave for the same settings; it is copied, since optimisers write into theirs."""
        states = copy.deepcopy(state)
        if MUON in self._parts:
            self._parts[MUON][0].load_state_dict(states.pop(MUON))
        self._parts[ADAMW][0].load_state_dict(states)


def inner_matrices(network: LiveUnet) -> list[tuple[nn.Parameter, int]]:
    """Weights that take many numbers to many, for `Muon`: all but biases, norms and the outermost convolutions."""
    outermost = {id(network.encoders[0].convolution.weight), id(network.decoders[-1].convolution.weight)}  # type: ignore[union-attr]
    return [
        (weight, 3 if name.startswith("gru.") else 1)
        for name, weight in network.named_parameters()
        if weight.dim() > 1 and id(weight) not in outermost
    ]
