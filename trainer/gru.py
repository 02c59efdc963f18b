"""A GRU's steps, learnt from faster than torch's own does on a processor: the gradient of its weights is one product.

torch records every frame's small operations and adds up a gradient of the weights a frame at a time. Here what a frame
passes back is computed for all frames at once, as far as it does not depend on the frame behind it, which leaves one
small product a frame; the weights' gradient is one large product over all frames.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


def run_gru(gru: nn.GRU, inputs: Tensor, first: Tensor) -> tuple[Tensor, Tensor]:
    """What `gru(inputs, first)` gives, with a faster backward pass where that is to be had.

    Args:
        gru: of one layer and one direction, `batch_first`, with biases.
        inputs: [batch, frame, input].
        first: the state before, [1, batch, unit].

    Returns:
        The states after each frame [batch, frame, unit], and the last one [1, batch, unit].
    """
    learns = torch.is_grad_enabled() and any(weight.requires_grad for weight in gru.parameters())
    if not learns or inputs.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return gru(inputs, first)
    weight_in, weight, bias_in, bias = gru.all_weights[0]
    driven = nn.functional.linear(inputs.transpose(0, 1), weight_in, bias_in)
    states: Tensor = _Recurrence.apply(driven, first[0], weight, bias)  # pyright: ignore[reportAssignmentType]
    return states.transpose(0, 1), states[-1:]


class _Recurrence(torch.autograd.Function):
    """h' = n + z (h - n) with r, z = sigmoid, n = tanh(driven_n + r (W_n h + b_n)): Cho et al. (2014), as in cuDNN."""

    @staticmethod
    def forward(ctx: Any, driven: Tensor, first: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """States [frame, batch, unit] from what the inputs contribute to the gates r, z, n [frame, batch, 3 unit]."""
        frames, batch, size = len(driven), len(first), first.shape[1]
        gates, candidates = torch.empty_like(driven), driven.new_empty(frames, batch, size)
        states = driven.new_empty(frames + 1, batch, size)
        states[0] = first
        turned = weight.t()
        rows = zip(driven, gates, candidates, states, states[1:], strict=False)
        for into, gate, candidate, state, following in rows:
            held = torch.addmm(bias, state, turned)
            candidate.copy_(held[:, 2 * size :])
            both, new = gate[:, : 2 * size], gate[:, 2 * size :]
            torch.add(into[:, : 2 * size], held[:, : 2 * size], out=both).sigmoid_()
            torch.addcmul(into[:, 2 * size :], both[:, :size], candidate, out=new).tanh_()
            torch.lerp(new, state, both[:, size:], out=following)
        ctx.save_for_backward(gates, candidates, states, weight)
        return states[1:].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Of the four inputs."""
        gates, candidates, states, weight = ctx.saved_tensors
        frames, batch, size = candidates.shape
        reset, update, new = gates.split(size, 2)
        # How each gate's sum, and what r is multiplied by, change with the state that follows.
        of_new = (1 - update) * (1 - new.square())
        of_reset = of_new * candidates * reset * (1 - reset)
        of_update = (states[:-1] - new) * update * (1 - update)
        factors = torch.stack([of_reset, of_update, of_new * reset], 2)
        held, back = torch.empty_like(factors), torch.empty_like(candidates)
        following = gradients[0]
        passed = following.new_zeros(batch, size)
        for t in range(frames - 1, -1, -1):
            change = torch.add(following[t], passed, out=back[t])
            torch.mul(factors[t], change[:, None], out=held[t])
            passed = torch.addmm(change * update[t], held[t].view(batch, 3 * size), weight)
        flat = held.view(frames * batch, 3 * size)
        driven = held.view(frames, batch, 3 * size).clone()
        driven[:, :, 2 * size :] = back * of_new
        return driven, passed, flat.t() @ states[:-1].reshape(frames * batch, size), flat.sum(0)
