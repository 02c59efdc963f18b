"""Batch norm over the batches of all processes; torch's own does that on GPUs only."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn import functional as collective


class SyncedBatchNorm(nn.BatchNorm2d):
    """A `BatchNorm2d` whose statistics in training are those of the batches of all processes, equally large."""

    @staticmethod
    def like(norm: nn.BatchNorm2d) -> SyncedBatchNorm:
        """With another's weights and statistics."""
        synced = SyncedBatchNorm(norm.num_features, norm.eps, norm.momentum)
        synced.load_state_dict(norm.state_dict())
        return synced.to(norm.weight.device)

    def forward(self, input: Tensor) -> Tensor:
        """[batch, channel, frame, band], normalised a channel."""
        if not self.training:
            return super().forward(input)
        wide = input.float()
        count = wide.numel() // wide.shape[1] * dist.get_world_size()
        mean = collective.all_reduce(wide.sum((0, 2, 3))) / count
        centred = wide - mean[:, None, None]
        variance = collective.all_reduce(centred.square().sum((0, 2, 3))) / count
        follow_statistics(self, mean, variance, count)
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(input.dtype)


def process_count(norm: nn.BatchNorm2d) -> int:
    """Of the processes that share the norm's statistics."""
    return dist.get_world_size() if isinstance(norm, SyncedBatchNorm) else 1


def process_mean(norm: nn.BatchNorm2d, values: Tensor) -> Tensor:
    """Mean over the processes that share the norm's statistics, without a gradient; may replace `values`."""
    count = process_count(norm)
    if count > 1:
        dist.all_reduce(values)
        values /= count
    return values


@torch.no_grad()
def follow_statistics(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor, count: int) -> None:
    """Bring what evaluation will use nearer to a batch's statistics, as torch does.

    Args:
        norm: with a momentum.
        mean: [channel].
        variance: [channel], of which `count` values a channel are the whole.
        count: values a channel.
    """
    assert norm.momentum is not None
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    norm.running_mean.lerp_(mean.to(norm.running_mean), norm.momentum)
    norm.running_var.lerp_((variance * (count / max(1, count - 1))).to(norm.running_var), norm.momentum)
    norm.num_batches_tracked += 1
