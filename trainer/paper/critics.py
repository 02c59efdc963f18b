"""The two critics: what voices and accompaniments sound like, learnt from recordings and from what is separated."""

from __future__ import annotations

import torch

from ..critic import Critic
from ..taught_critic import TaughtCritic
from .config import PaperConfig
from .spectra import CRITIC_BINS

VOICE, ACCOMPANIMENT = SOURCES = ("voice", "accompaniment")


def make_critics(config: PaperConfig, device: torch.device) -> dict[str, TaughtCritic]:
    """One a source in `semi`, none in `supervised`."""
    if config.mode == "supervised":
        return {}
    return {
        name: TaughtCritic(
            Critic(CRITIC_BINS, config.patch_frames, width=config.critic_width),
            device,
            config.seed + 1000 * (number + 1),
            learning_rate=config.learning_rate,
            betas=(0.9, 0.999),  # Adam's own
            penalty_weight=config.penalty_weight,
        )
        for number, name in enumerate(SOURCES)
    }
