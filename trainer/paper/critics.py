"""The two critics: what voices and accompaniments sound like, learnt from recordings and from what is separated."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from ..critic import Critic, critic_loss, gradient_penalty, initialise
from .config import PaperConfig
from .spectra import CRITIC_BINS

VOICE, ACCOMPANIMENT = SOURCES = ("voice", "accompaniment")


class SourceCritic:
    """A critic of one source with what it takes to teach it.

    Args:
        config: of the run.
        device: of its weights.
        seed: what its penalty draws follows from it.

    Attributes:
        network: the critic.
    """

    def __init__(self, config: PaperConfig, device: torch.device, seed: int) -> None:
        self.network = Critic(CRITIC_BINS, config.patch_frames, width=config.critic_width)
        initialise(self.network)
        self.network.to(device)
        self._optimiser = torch.optim.Adam(self.network.parameters(), config.learning_rate)
        self._penalty_weight = config.penalty_weight
        self._generator = torch.Generator().manual_seed(seed)

    def learn(self, real: Tensor, fake: Tensor) -> float:
        """One step on patches [example, 1, bin, frame]; returns the Wasserstein distance as it saw it before."""
        self.network.requires_grad_(True)
        penalty = gradient_penalty(self.network, real, fake, self._generator)
        scores_of_real, scores_of_fake = self.network(real), self.network(fake.detach())
        loss = critic_loss(scores_of_real, scores_of_fake, penalty, self._penalty_weight)
        self._optimiser.zero_grad()
        loss.backward()
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


def make_critics(config: PaperConfig, device: torch.device) -> dict[str, SourceCritic]:
    """One a source in `semi`, none in `supervised`."""
    if config.mode == "supervised":
        return {}
    return {name: SourceCritic(config, device, config.seed + 1000 * (n + 1)) for n, name in enumerate(SOURCES)}
