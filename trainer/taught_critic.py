"""A critic with what it takes to teach it, for every run that has critics."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from .critic import Critic, critic_loss, gradient_penalty, initialise


class TaughtCritic:
    """A critic, its Adam, and its penalty.

    Args:
        network: its weights are drawn anew.
        device: of its weights.
        seed: what its penalty draws follows from it.
        learning_rate: of Adam.
        betas: of Adam.
        penalty_weight: lambda, of the gradient penalty.
        average: is given the gradients of every step, to replace them by their mean over all processes.

    Attributes:
        network: the critic.
    """

    def __init__(
        self,
        network: Critic,
        device: torch.device,
        seed: int,
        *,
        learning_rate: float,
        betas: tuple[float, float],
        penalty_weight: float,
        average: Callable[[Iterable[Tensor]], None] = lambda gradients: None,
    ) -> None:
        initialise(network)
        self.network = network.to(device)
        # After the weights were moved.
        self._optimiser = torch.optim.Adam(network.parameters(), learning_rate, betas)
        self._penalty_weight, self._average = penalty_weight, average
        self._generator = torch.Generator().manual_seed(seed)

    def learn(self, real: Tensor, fake: Tensor, heard: Tensor | None = None) -> float:
        """One step; returns the Wasserstein distance as the critic saw it before.

        Args:
            real: patches of recordings [example, map, bin, frame].
            fake: as many of outputs.
            heard: [example], how much each counts; None: all the same.
        """
        self.network.requires_grad_(True)
        penalty = gradient_penalty(self.network, real, fake, self._generator, heard)
        scores_of_real, scores_of_fake = self.network(real), self.network(fake.detach())
        if heard is not None:
            scores_of_real, scores_of_fake = heard * scores_of_real, heard * scores_of_fake
        loss = critic_loss(scores_of_real, scores_of_fake, penalty, self._penalty_weight)
        self._optimiser.zero_grad()
        loss.backward()
        self._average(weight.grad for weight in self.network.parameters() if weight.grad is not None)
        self._optimiser.step()
        return float((scores_of_real.mean() - scores_of_fake.mean()).detach())

    def scores(self, fake: Tensor) -> Tensor:
        """Of patches [example], to be differentiated by the separator's weights only."""
        self.network.requires_grad_(False)
        return self.network(fake)

    def state(self) -> dict[str, Any]:
        """Everything that a resumed run needs."""
        return {
            "critic": self.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "generator": self._generator.get_state(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Take up what `state` gave."""
        self.network.load_state_dict(state["critic"])
        # A copy, since Adam writes into it.
        self._optimiser.load_state_dict(copy.deepcopy(state["optimiser"]))
        self._generator.set_state(state["generator"])
