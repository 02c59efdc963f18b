"""Critics: networks that tell a separator's outputs from recordings of a source, by one number without a limit.

The shape is the paper's (Stoller, Ewert, Dixon, ICASSP 2018), for patches of any size: 1,869,344 parameters
for its 256 bins x 64 frames.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..realtime.strict import FormatError

SLOPE = 0.2  # of LeakyReLU below zero
SMALLEST_SIDE, DENSE = 4, 32
MOST_WIDENINGS = 3


class Critic(nn.Module):
    """A score of a patch of a spectrogram; higher: more like a recording.

    4x4 convolutions of stride 2 until a side is 4 or less, the maps twice as many each time up to 8 times
    `width`; then 4x2 convolutions of stride 2 along frequency until that side is 4 or less; a dense layer of 32
    and a linear one without bias. LeakyReLU between; no normalisation, which would tie samples of a batch together
    that the gradient penalty takes one by one.

    Args:
        bins: bins or bands of a patch.
        frames: frames of a patch.
        channels: maps of a patch: 1, or 2 for a voice and an accompaniment together.
        width: maps of the first convolution.

    Raises:
        FormatError: sides that are not 4 or more.
    """

    def __init__(self, bins: int, frames: int, channels: int = 1, width: int = 32) -> None:
        super().__init__()
        if min(bins, frames) < SMALLEST_SIDE or min(channels, width) < 1:
            raise FormatError(f"a critic needs patches of 4 x 4 or more, got {bins} bins x {frames} frames")
        self.bins, self.frames, self.channels = bins, frames, channels
        layers: list[nn.Conv2d] = []
        maps, wide = channels, width
        while min(bins, frames) > SMALLEST_SIDE:
            layers.append(nn.Conv2d(maps, wide, 4, stride=2))
            bins, frames = (bins + 1) // 2, (frames + 1) // 2
            maps, wide = wide, min(2 * wide, width << MOST_WIDENINGS)
        while bins > SMALLEST_SIDE:
            layers.append(nn.Conv2d(maps, maps, (4, 2), stride=(2, 1)))
            bins = (bins + 1) // 2
        self.convolutions = nn.ModuleList(layers)
        self.dense = nn.Linear(maps * bins * frames, DENSE)
        self.score = nn.Linear(DENSE, 1, bias=False)

    def forward(self, patches: Tensor) -> Tensor:
        """Scores [batch] of patches [batch, channel, bin, frame]."""
        x = patches
        for convolution in self.convolutions:
            x = nn.functional.leaky_relu(convolution(_same(x, convolution)), SLOPE)
        x = nn.functional.leaky_relu(self.dense(x.flatten(1)), SLOPE)
        return self.score(x)[:, 0]


def _same(x: Tensor, convolution: nn.Module) -> Tensor:
    """Padded so that a side n becomes n / stride, rounded up; the odd row goes behind, as in TensorFlow."""
    pads: list[int] = []
    for side, kernel, stride in zip(x.shape[2:], convolution.kernel_size, convolution.stride, strict=True):  # type: ignore[arg-type]
        total = max(0, (-(-side // stride) - 1) * stride + kernel - side)
        pads = [total // 2, total - total // 2, *pads]
    return nn.functional.pad(x, pads)


def gradient_penalty(
    critic: nn.Module,
    real: Tensor,
    fake: Tensor,
    generator: torch.Generator | None = None,
    heard: Tensor | None = None,
) -> Tensor:
    """How much steeper than 1 a critic is between recordings and outputs, one-sided and squared.

    Mean of max(|grad D(e real + (1 - e) fake)| - 1, 0)^2 with e uniform in 0…1 for each sample, after Gulrajani
    et al., *Improved Training of Wasserstein GANs* (2017), their one-sided variant. Which output stands beside
    which recording is drawn anew. In float32, whatever surrounds it.

    Args:
        critic: differentiable twice.
        real: patches of recordings [batch, channel, bin, frame].
        fake: as many of outputs; not differentiated.
        generator: what is drawn follows from it.
        heard: [batch], how much each output counts; None: all the same.
    """
    with torch.autocast(real.device.type, enabled=False):
        batch = len(real)
        places = torch.randperm(batch, generator=generator).to(real.device)
        share = torch.rand(batch, 1, 1, 1, generator=generator).to(real.device)
        between = (share * real.detach().float() + (1 - share) * fake.detach().float()[places]).requires_grad_()
        (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        # The root of zero has no slope.
        norm = (gradient.flatten(1).square().sum(1) + 1e-12).sqrt()
        excess = (norm - 1).clamp(min=0).square()
        return (excess if heard is None else heard[places] * excess).mean()


def critic_loss(scores_of_real: Tensor, scores_of_fake: Tensor, penalty: Tensor, penalty_weight: float) -> Tensor:
    """What a critic minimises: the negative Wasserstein distance as it sees it, plus its penalty."""
    return scores_of_fake.mean() - scores_of_real.mean() + penalty_weight * penalty


def unpaired_loss(scores_of_fakes: list[Tensor]) -> Tensor:
    """L_u: what a separator minimises, the sum over sources of -E D(estimate)."""
    return -torch.stack([scores.mean() for scores in scores_of_fakes]).sum()


def additive_loss(mixture: Tensor, voice: Tensor, accompaniment: Tensor) -> Tensor:
    """L_add: mean squared difference of the mixture's and both estimates' linear magnitudes, from log1p ones."""
    return (torch.expm1(mixture) - torch.expm1(voice) - torch.expm1(accompaniment)).square().mean()


def initialise(network: nn.Module) -> None:
    """Weights as the paper's layers began with: Glorot's uniform, biases at zero."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
