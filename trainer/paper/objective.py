"""The paper's losses: L = L_s + alpha L_u + beta L_add, on log1p magnitudes; L_add alone is in linear ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..critic import additive_loss, unpaired_loss
from ..paper_unet import PaperUnet, crop, padded_bins
from ..taught_critic import TaughtCritic
from .critics import SOURCES
from .examples import PairedBatch, UnpairedBatch
from .spectra import CRITIC_BINS, OUTPUT_BINS, log_magnitudes


@dataclass(frozen=True, slots=True)
class Estimates:
    """What the network made of a batch.

    Attributes:
        mixture: log1p [example, 1, bin, frame], the middle of the input, as large as an estimate.
        sources: log1p [example, source, bin, frame], voice first; 258 bins, the last one silent in every recording.
    """

    mixture: Tensor
    sources: Tensor

    def patches(self, frames: int) -> dict[str, Tensor]:
        """What a critic sees of each source, [example, 1, 256, frame]."""
        return {name: crop(self.sources[:, n : n + 1], CRITIC_BINS, frames) for n, name in enumerate(SOURCES)}


def estimate(network: PaperUnet, mixtures: Tensor) -> Estimates:
    """Both sources of mixtures.

    Args:
        network: the separator.
        mixtures: excerpts with context, float32 [example, sample].
    """
    heard = padded_bins(log_magnitudes(mixtures))
    sources = network(heard)
    return Estimates(crop(heard, sources.shape[2], sources.shape[3]), sources)


def targets(batch: PairedBatch, frames: int) -> Tensor:
    """True log1p magnitudes [example, source, 258, frame]: the middle frames of the same transform as the mixtures'."""
    both = [log_magnitudes(each) for each in (batch.voices, batch.accompaniments)]
    return torch.cat([crop(padded_bins(each), OUTPUT_BINS, frames) for each in both], 1)


def recorded_patches(batch: UnpairedBatch, frames: int) -> dict[str, Tensor]:
    """What a critic sees of recordings, by source, [example, 1, 256, frame]."""
    both = (batch.voices, batch.accompaniments)
    return {
        name: crop(padded_bins(log_magnitudes(each)), CRITIC_BINS, frames)
        for name, each in zip(SOURCES, both, strict=True)
    }


def supervised_loss(sources: Tensor, true: Tensor) -> Tensor:
    """L_s: mean squared error of the voice plus that of the accompaniment, [example, source, bin, frame]."""
    return (sources - true).square().mean((0, 2, 3)).sum()


def supervised_loss_of(network: PaperUnet, batch: PairedBatch, frames: int) -> Tensor:
    """L_s of a network on paired excerpts; `frames` it gives."""
    estimates = estimate(network, batch.voices + batch.accompaniments)
    return supervised_loss(estimates.sources, targets(batch, frames))


def unpaired_losses(
    network: PaperUnet, batch: UnpairedBatch, critics: dict[str, TaughtCritic], patch_frames: int
) -> tuple[Tensor, Tensor]:
    """L_u and L_add of a network on unpaired mixtures."""
    estimates = estimate(network, batch.mixtures)
    patches = estimates.patches(patch_frames)
    adversarial = unpaired_loss([critic.scores(patches[name]) for name, critic in critics.items()])
    additive = additive_loss(estimates.mixture, estimates.sources[:, :1], estimates.sources[:, 1:])
    return adversarial, additive
