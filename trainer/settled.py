"""An exported model's weights, made ready to learn on: batch norms and the sizes of matrices that export took away."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..realtime.errors import AdvsepError
from .live_unet import LiveUnet
from .muon import matrix_size


@torch.no_grad()
def settle_norms(network: LiveUnet, features: Tensor) -> None:
    """Give batch norms that only add a bias the statistics of real features, so that training can go on.

    In evaluation the network stays the function that it was; in training, where a norm takes its batch's statistics,
    it then is nearly the same.

    Args:
        network: of a `Pretrained` that is folded.
        features: [batch, channel, frame, band], some seconds of what it will learn from.

    Raises:
        AdvsepError: the features are silent.
    """
    seen: dict[nn.Module, Tensor] = {}
    layers: list[Any] = [*network.encoders, *(each for each in network.decoders if getattr(each, "norm", None))]

    def watch(convolution: nn.Module, _: Any, output: Tensor) -> None:
        seen[convolution] = output

    hooks = [layer.convolution.register_forward_hook(watch) for layer in layers]
    try:
        training = network.training
        network.eval()(features, *network.initial_states(len(features)))
        network.train(training)
    finally:
        for hook in hooks:
            hook.remove()
    for layer in layers:
        norm = layer.norm
        variance, mean = torch.var_mean(seen[layer.convolution].float(), (0, 2, 3))
        if not bool((variance > 0).any()):
            raise AdvsepError("the recordings to begin with are silent; give others")
        norm.bias += mean - norm.running_mean
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())


@torch.no_grad()
def settle_sizes(network: LiveUnet) -> None:
    """Give convolutions before a batch norm the size that they had before export scaled them to what norms made of it.

    What such a convolution computes does not depend on its size, but how far a step of `Muon`, always as long, turns
    it does. In training all matrices grow alike, so the size of the one before the GRU, which no norm hides, tells that
    of the others.

    Args:
        network: with settled norms; in evaluation it stays the function that it was.
    """
    wanted = matrix_size(network.squeeze.weight)
    layers: list[Any] = [*network.encoders[1:], *network.decoders[:-1]]
    for layer in layers:
        convolution, norm = layer.convolution, layer.norm
        factor = wanted / matrix_size(convolution.weight)
        deviation = (norm.running_var + norm.eps).sqrt()
        convolution.weight *= factor
        norm.running_mean *= factor
        norm.running_var *= factor**2
        norm.weight *= (norm.running_var + norm.eps).sqrt() / (factor * deviation)
