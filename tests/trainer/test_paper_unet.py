"""The paper's network: shapes, size, and what each output can have seen."""

from __future__ import annotations

import torch
from advsep.trainer.critic import initialise
from advsep.trainer.paper_unet import BINS, CONTEXT, INPUT_BINS, PaperUnet, crop, padded_bins


def parameters(network: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def test_it_is_as_large_as_the_papers() -> None:
    network = PaperUnet()
    assert parameters(network) == 958_596
    assert network(torch.zeros(2, 1, 350, 158)).shape == (2, 2, 258, 66)
    assert network(torch.zeros(1, 1, 366, 190)).shape == (1, 2, 274, 98)


def test_an_stft_fits_with_silence_around_it() -> None:
    rows = padded_bins(torch.ones(1, 1, BINS, 3))
    assert rows.shape == (1, 1, INPUT_BINS, 3)
    assert rows[0, 0, :46].sum() == rows[0, 0, 303:].sum() == 0
    assert rows[0, 0, 46:303].min() == 1


def test_what_comes_out_knows_its_context_and_no_more() -> None:
    """An output hears 46 bins and frames to each side of its place, give or take one for the pooling's phase."""
    torch.manual_seed(1)
    network = PaperUnet().double()
    initialise(network)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.constant_(module.bias, 0.1)  # so that not all is cut off on the way
    x = torch.rand(1, 1, 350, 158, dtype=torch.float64, requires_grad=True)
    network(x)[0, :, 129, 33].sum().backward()
    assert x.grad is not None
    for axis, place in ((1, 129 + CONTEXT), (0, 33 + CONTEXT)):
        heard = x.grad[0, 0].abs().sum(axis).nonzero()[:, 0]
        assert abs(int(heard.min()) - (place - CONTEXT)) <= 1
        assert abs(int(heard.max()) - (place + CONTEXT)) <= 1


def test_the_middle_is_the_middle() -> None:
    x = torch.arange(6.0)[:, None].repeat(1, 8)[None, None]
    assert crop(x, 2, 4)[0, 0, :, 0].tolist() == [2.0, 3.0]
    assert crop(x, 2, 4).shape == (1, 1, 2, 4)


def test_outputs_are_no_less_than_zero() -> None:
    torch.manual_seed(2)
    network = PaperUnet()
    initialise(network)
    assert network(torch.randn(1, 1, 350, 158)).min() >= 0
