"""The network that a run begins with, where that is a trained one, and how far its average may go from it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..realtime.spec import SignalSpec
from .balancer import average_weights
from .checkpoint import load_weights
from .config import TrainConfig
from .live_unet import LiveUnet
from .pretrained import Pretrained
from .settled import settle_norms, settle_sizes


def begun_network(
    config: TrainConfig, spec: SignalSpec, weights: Pretrained, features: Callable[[], Tensor]
) -> LiveUnet:
    """What `--from` named, as a network that can be trained.

    Args:
        config: of the run.
        spec: its signal path.
        weights: trained.
        features: makes [batch, channel, frame, band] of what will be learnt from; asked for where the batch norms of
            an exported model need statistics again.
    """
    network = LiveUnet(spec, config.network)
    turning = config.signal.mask == "complex" and weights.signal.mask == "ratio"
    known = with_complex_masks(network, weights.weights) if turning else weights.weights
    load_weights(network, widened(network, known))
    if weights.folded and config.mode != "critics" and not config.frozen_norms:
        settle_norms(network, features())
        settle_sizes(network)
    return network


def with_complex_masks(network: LiveUnet, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a network with ratio masks for one with complex masks, which begin where those were."""
    last = f"decoders.{len(network.decoders) - 1}.convolution"
    grown = dict(weights)
    for name, axis in ((f"{last}.weight", 1), (f"{last}.bias", 0)):
        nothing = torch.zeros_like(weights[name])
        grown[name] = torch.cat([weights[name], nothing, nothing], axis)
    return grown


def widened(network: LiveUnet, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a network with fewer maps or units for a wider one, which begins as the same function.

    What is new hears everything, by the random weights that `network` has, and leads nowhere yet (Chen, Goodfellow and
    Shlens 2016, "Net2Net", but for the noise). Weights that have no place in it stay as they are.
    """
    made = network.state_dict()
    return {
        name: _grown(name, old, made[name]) if _has_place(old, made.get(name)) else old for name, old in weights.items()
    }


def _has_place(old: Tensor, new: Tensor | None) -> bool:
    return new is not None and old.dim() == new.dim() and all(a <= b for a, b in zip(old.shape, new.shape, strict=True))


def _grown(name: str, old: Tensor, new: Tensor) -> Tensor:
    if new.shape == old.shape:
        return old
    new = new.clone()
    transposed = name.startswith("decoders.") and old.dim() > 1
    # Three gates lie behind one another, and before a decoder the maps of two levels.
    rows = _places(len(old), len(new), 3 if name.startswith("gru.") else 2 if transposed else 1)
    if old.dim() == 1:
        new[rows] = old
        return new
    columns = torch.arange(old.shape[1])
    new[(slice(None), columns) if transposed else rows] = 0.0
    new[rows[:, None], columns] = old
    return new


def _places(old: int, new: int, parts: int) -> Tensor:
    """Where `old` numbers in as many parts lie among `new` ones."""
    return torch.cat([torch.arange(old // parts) + part * (new // parts) for part in range(parts)])


class Average:
    """The moving average of a network's weights, part of the way back to those it began with.

    Fine-tuned weights lose what they do not hear again; between them and the first ones lies what is good at both
    (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").

    Args:
        network: holds the average; changed in place.
        config: its `optimiser.ema_decay` and `begun_share`.
        begun: the network that the run began with; None: random weights.
    """

    def __init__(self, network: nn.Module, config: TrainConfig, begun: nn.Module | None) -> None:
        self.network, self._config = network, config
        self._begun = begun if config.begun_share > 0 else None

    @torch.no_grad()
    def follow(self, network: nn.Module, step: int) -> None:
        """Take in the weights after a step."""
        decay = self._config.optimiser.ema_decay
        if not self._config.begun_from:  # untrained weights are forgotten faster than at the final pace
            decay = min(decay, (1 + step) / (10 + step))
        # decay * average + (1 - decay) * (share * first + (1 - share) * new), in two steps
        if self._begun is not None:
            kept = 1 - (1 - decay) * (1 - self._config.begun_share)
            average_weights(self.network, self._begun, decay / kept)
            decay = kept
        average_weights(self.network, network, decay)
