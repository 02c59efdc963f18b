"""The GRU of training against torch's own."""

from __future__ import annotations

import pytest
import torch
from advsep.trainer.gru import run_gru
from torch import Tensor, nn


@pytest.mark.parametrize(("batch", "frames", "inputs", "size"), [(3, 11, 7, 5), (1, 1, 4, 6), (2, 300, 8, 16)])
@pytest.mark.parametrize(("kind", "most"), [(torch.float64, 1e-11), (torch.float32, 2e-5)])
def test_outputs_and_gradients_are_torchs(
    batch: int, frames: int, inputs: int, size: int, kind: torch.dtype, most: float
) -> None:
    torch.manual_seed(frames)
    gru = nn.GRU(inputs, size, batch_first=True).to(kind)
    heard = torch.randn(batch, frames, inputs, dtype=kind, requires_grad=True)
    first = torch.randn(1, batch, size, dtype=kind, requires_grad=True)
    weight = torch.randn(batch, frames, size, dtype=kind)

    def results(states: Tensor, last: Tensor) -> list[Tensor]:
        loss = (weight * states.sin()).sum() + last.square().sum()
        return [states, last, *torch.autograd.grad(loss, [heard, first, *gru.parameters()])]

    for found, wanted in zip(results(*run_gru(gru, heard, first)), results(*gru(heard, first)), strict=True):
        torch.testing.assert_close(found, wanted, rtol=most, atol=most)


def test_a_frozen_or_unlearning_one_is_left_to_torch() -> None:
    gru = nn.GRU(4, 3, batch_first=True)
    heard, first = torch.randn(2, 5, 4), torch.zeros(1, 2, 3)
    with torch.no_grad():
        assert torch.equal(run_gru(gru, heard, first)[0], gru(heard, first)[0])
    gru.requires_grad_(False)
    states, _ = run_gru(gru, heard.requires_grad_(), first)
    assert type(states.grad_fn).__name__ == type(gru(heard, first)[0].grad_fn).__name__
