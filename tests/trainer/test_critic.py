"""Critics and their losses, each against the same thing computed another way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from advsep.realtime.errors import AdvsepError
from advsep.trainer.critic import (
    Critic,
    additive_loss,
    critic_loss,
    gradient_penalty,
    initialise,
    unpaired_loss,
)
from advsep.trainer.taught_critic import TaughtCritic
from torch import nn


def parameters(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def test_it_is_as_large_as_the_papers() -> None:
    critic = Critic(256, 64)
    assert parameters(critic) == 1_869_344
    assert [tuple(layer.kernel_size) for layer in critic.convolutions] == [(4, 4)] * 4 + [(4, 2)] * 2
    assert [layer.out_channels for layer in critic.convolutions] == [32, 64, 128, 256, 256, 256]
    assert critic(torch.zeros(3, 1, 256, 64)).shape == (3,)


def same(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: tuple[int, int]) -> np.ndarray:
    """TensorFlow's "same" convolution, one output at a time."""
    sides = [-(-side // step) for side, step in zip(x.shape[1:], stride, strict=True)]
    totals = [
        max(0, (n - 1) * step + kernel - side)
        for n, step, kernel, side in zip(sides, stride, weight.shape[2:], x.shape[1:], strict=True)
    ]
    padded = np.pad(x, [(0, 0), *((total // 2, total - total // 2) for total in totals)])
    y = np.zeros((len(weight), *sides))
    for i in range(sides[0]):
        for j in range(sides[1]):
            part = padded[:, i * stride[0] : i * stride[0] + weight.shape[2], j * stride[1] :][..., : weight.shape[3]]
            y[:, i, j] = np.tensordot(weight, part, 3) + bias
    return y


def leaky(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.2 * x)


@pytest.mark.parametrize(("bins", "frames", "channels"), [(32, 8, 1), (20, 12, 2), (16, 16, 1)])
def test_a_score_is_what_the_paper_describes(bins: int, frames: int, channels: int) -> None:
    torch.manual_seed(3)
    critic = Critic(bins, frames, channels, width=3).double()
    for weight in critic.parameters():
        nn.init.normal_(weight, std=0.3)
    x = torch.randn(2, channels, bins, frames, dtype=torch.float64)
    scores = critic(x).detach().numpy()
    for patch, score in zip(x.numpy(), scores, strict=True):
        y = patch
        for layer in critic.convolutions:
            y = leaky(same(y, layer.weight.detach().numpy(), layer.bias.detach().numpy(), layer.stride))
        y = leaky(critic.dense.weight.detach().numpy() @ y.ravel() + critic.dense.bias.detach().numpy())
        assert score == pytest.approx((critic.score.weight.detach().numpy() @ y).item(), rel=1e-9)


class Slope(nn.Module):
    """A critic whose gradient is known: |w| everywhere, times what x is where `bent`."""

    def __init__(self, weight: torch.Tensor, *, bent: bool = False) -> None:
        super().__init__()
        self.weight, self.bent = nn.Parameter(weight), bent

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x.flatten(1)
        return ((y * y / 2 if self.bent else y) * self.weight).sum(1)


@pytest.mark.parametrize("steepness", [0.0, 0.5, 1.0, 1.5, 4.0])
def test_only_what_is_steeper_than_one_is_punished(steepness: float) -> None:
    weight = torch.zeros(16)
    weight[3] = steepness
    real, fake = torch.randn(5, 1, 4, 4), torch.randn(5, 1, 4, 4)
    penalty = gradient_penalty(Slope(weight), real, fake)
    assert float(penalty.detach()) == pytest.approx(max(steepness - 1, 0) ** 2, abs=1e-5)


def test_the_penalty_is_taken_between_and_each_sample_for_itself() -> None:
    """The gradient of w x^2 / 2 is w x: the places follow from the penalty's own draws, done again here."""
    real, fake = torch.randn(6, 1, 4, 4) + 3, torch.randn(6, 1, 4, 4) - 1
    weight = torch.rand(16) + 0.5
    penalty = gradient_penalty(Slope(weight, bent=True), real, fake, torch.Generator().manual_seed(7))
    again = torch.Generator().manual_seed(7)
    order, share = torch.randperm(6, generator=again), torch.rand(6, 1, 1, 1, generator=again)
    expected = 0.0
    for i in range(6):
        place = share[i, 0] * real[i] + (1 - share[i, 0]) * fake[order[i]]
        expected += max(float((place.flatten() * weight).norm()) - 1, 0) ** 2 / 6
    assert float(penalty.detach()) == pytest.approx(expected, rel=1e-5)
    assert len(set(order.tolist())) == 6
    assert order.tolist() != list(range(6))


def test_the_penalty_teaches_the_weights_and_nothing_else() -> None:
    critic = Slope(torch.full((16,), 0.8))
    real, fake = torch.randn(4, 1, 4, 4, requires_grad=True), torch.randn(4, 1, 4, 4, requires_grad=True)
    gradient_penalty(critic, real, fake).backward()
    # d/dw of (|w| - 1)^2 = 2 (|w| - 1) w / |w|, with |w| = 3.2.
    torch.testing.assert_close(critic.weight.grad, torch.full((16,), 2 * 2.2 * 0.8 / 3.2))
    assert real.grad is None
    assert fake.grad is None


def test_what_does_not_count_teaches_nothing() -> None:
    real, fake = torch.randn(4, 1, 16, 8), torch.randn(4, 1, 16, 8) - 1
    heard = torch.tensor([1.0, 0.0, 1.0, 0.0])
    other = torch.where(heard[:, None, None, None] > 0, fake, 100 * torch.randn(4, 1, 16, 8))
    taught: list[Critic] = []
    for outputs, weights in ((fake, heard), (other, heard), (fake, None)):
        torch.manual_seed(3)
        critic = TaughtCritic(
            Critic(16, 8, width=4), torch.device("cpu"), 5, learning_rate=0.01, betas=(0.0, 0.9), penalty_weight=10.0
        )
        distance = critic.learn(real, outputs, weights)
        torch.manual_seed(3)
        fresh = Critic(16, 8, width=4)
        initialise(fresh)
        counts = torch.ones(4) if weights is None else weights
        assert distance == pytest.approx(float((counts * (fresh(real) - fresh(outputs))).mean().detach()), rel=1e-4)
        taught.append(critic.network)
    masked, changed, whole = (torch.cat([w.flatten() for w in critic.parameters()]) for critic in taught)
    assert torch.equal(masked, changed)
    assert not torch.equal(masked, whole)


def test_losses_are_the_papers() -> None:
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.0, -4.0, 1.0])
    assert float(critic_loss(real, fake, torch.tensor(0.25), 10.0)) == pytest.approx(-1.0 - 2.0 + 2.5)
    assert float(unpaired_loss([real, fake])) == pytest.approx(-2.0 + 1.0)
    mixture, voice, rest = (torch.log1p(torch.tensor([[x, 2 * x]])) for x in (5.0, 1.0, 3.0))
    assert float(additive_loss(mixture, voice, rest)) == pytest.approx((1.0**2 + 2.0**2) / 2, rel=1e-5)


def test_a_critic_learns_to_tell_two_kinds_apart() -> None:
    torch.manual_seed(5)
    critic = Critic(16, 8, width=4)
    initialise(critic)
    optimiser = torch.optim.Adam(critic.parameters(), 1e-3, betas=(0.0, 0.9))
    ridge = torch.zeros(16, 1)
    ridge[5] = 1.0
    for _ in range(60):
        real, fake = ridge + 0.1 * torch.randn(16, 1, 16, 8), 0.1 * torch.randn(16, 1, 16, 8)
        loss = critic_loss(critic(real), critic(fake), gradient_penalty(critic, real, fake), 10.0)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    real, fake = ridge + 0.1 * torch.randn(64, 1, 16, 8), 0.1 * torch.randn(64, 1, 16, 8)
    assert (critic(real) > critic(fake).max()).float().mean() > 0.95
    # One-sided: as steep as one allows, which is the distance of the two, sqrt(8).
    assert float((critic(real).mean() - critic(fake).mean()).detach()) == pytest.approx(8**0.5, rel=0.35)


@pytest.mark.parametrize("sides", [(3, 64), (64, 3)])
def test_patches_that_are_too_small_are_refused(sides: tuple[int, int]) -> None:
    with pytest.raises(AdvsepError, match="4 x 4 or more"):
        Critic(*sides)
