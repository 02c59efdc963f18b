"""The network that plays live: a U-Net that strides along frequency only and carries its past as explicit state.

The forward pass is `(features, *states) -> (masks, *states)` for any number of frames, so training
on long excerpts, separating files in chunks and playing one frame at a time are the same code.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..realtime.spec import SignalSpec, StateSpec
from ..realtime.strict import FormatError
from .coherence import Coherence
from .gru import run_gru
from .harmonics import Harmonics
from .norm_relu import normed_behind, normed_beside


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveUnetConfig:
    """Size of a `LiveUnet`.

    Attributes:
        channels: feature maps of each encoder level; every level halves the bands.
        kernel_frames: frames a convolution sees (the present one and `kernel_frames - 1` past ones).
        kernel_bands: bands a convolution sees, odd.
        recurrent_size: units of the GRU at the bottleneck.
        dilations: frames from one that a level's convolution sees to the next, a level; empty: 1 at each. With
            look-ahead the first has to reach as far back, or no fine detail of the frame that the mask is for is left.
        harmonics: multiples of each band's frequency that the first convolution sees beside it, see `Harmonics`.
    """

    channels: tuple[int, ...] = (24, 48, 64, 96, 128)
    kernel_frames: int = 2
    kernel_bands: int = 5
    recurrent_size: int = 256
    dilations: tuple[int, ...] = ()
    harmonics: tuple[float, ...] = ()

    @property
    def past_frames(self) -> tuple[int, ...]:
        """Frames before the present one that each level's convolution sees."""
        dilations = self.dilations or (1,) * len(self.channels)
        return tuple(each * (self.kernel_frames - 1) for each in dilations)


class Encoder(nn.Module):
    """Causal convolution along time, stride 2 along frequency; its state is the frames it still needs."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int], dilation: int) -> None:
        super().__init__()
        sizes: dict[str, Any] = {"stride": (1, 2), "padding": (0, kernel[1] // 2), "dilation": (dilation, 1)}
        self.convolution = nn.Conv2d(inputs, outputs, kernel, bias=False, **sizes)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, behind: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor]:
        """Half the bands of frames behind this level's past, behind `past`; and as `normed_beside` takes them."""
        return normed_behind(self.norm, self.convolution(behind), past)


class Decoder(nn.Module):
    """Transposed convolution that doubles the bands of one frame at a time."""

    def __init__(self, inputs: int, outputs: int, kernel_bands: int, *, last: bool) -> None:
        super().__init__()
        pad = kernel_bands // 2
        self.convolution = nn.ConvTranspose2d(
            inputs, outputs, (1, kernel_bands), stride=(1, 2), padding=(0, pad), output_padding=(0, 1), bias=last
        )
        self.norm = None if last else nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """[batch, channel, frame, band] to twice the bands, with another level's maps beside them if there are any."""
        y = self.convolution(x)
        return y if skip is None or self.norm is None else normed_beside(self.norm, y, skip)


class LiveUnet(nn.Module):
    """Features to masks of the first source, one mask a channel.

    Args:
        spec: its bands, divisible by 2 ** levels, and its channels are those of the features and of the masks; its
            `coherence_frames` say whether phases are among the features.
        config: the network's size.

    Raises:
        FormatError: a size that does not fit together.
    """

    def __init__(self, spec: SignalSpec, config: LiveUnetConfig) -> None:
        super().__init__()
        bands, channels, levels = spec.bands, spec.channels, len(config.channels)
        odd = config.kernel_bands > 0 and config.kernel_bands % 2 == 1
        positive = bands > 0 and config.recurrent_size > 0 and all(width > 0 for width in config.channels)
        dilated = len(config.dilations) in (0, levels) and all(each > 0 for each in config.dilations)
        positive = positive and all(ratio > 0 for ratio in config.harmonics)
        if levels == 0 or bands % 2**levels or not (odd and positive and dilated) or config.kernel_frames < 2:
            raise FormatError(
                "a live U-Net needs positive sizes, bands divisible by 2 ** levels, an odd kernel_bands, 2 or more "
                "kernel_frames and no dilations or one a level; "
                f"got {bands} bands, channels {config.channels}, kernel_bands {config.kernel_bands}, kernel_frames "
                f"{config.kernel_frames}, recurrent_size {config.recurrent_size}, dilations {config.dilations}, "
                f"harmonics {config.harmonics}"
            )
        self.bands, self.channels, self.config = bands, channels, config
        self.harmonics = Harmonics(spec, config.harmonics)
        # A complex mask is made of a share, what is added to it, and an imaginary part.
        made = channels if spec.mask == "ratio" else 3 * channels
        widths, self.mask = (channels, *config.channels), spec.mask
        self.coherence = Coherence(channels, spec.coherence_frames) if spec.coherence_frames else None
        # Of each comparison its spread over harmonics and two parts, see `Coherence`.
        compared = len(spec.coherence_frames) * (1 + len(config.harmonics) + 2)
        seen = (channels * (1 + len(config.harmonics)) + compared, *config.channels)
        self._heard = spec.feature_maps
        before = 0 if self.coherence is None else self.coherence.past_frames
        self.past_frames = (before + config.past_frames[0], *config.past_frames[1:])
        self.encoders = nn.ModuleList(
            Encoder(a, b, (config.kernel_frames, config.kernel_bands), dilation)
            for (a, b), dilation in zip(itertools.pairwise(seen), config.dilations or (1,) * levels, strict=True)
        )
        bottleneck = widths[-1] * (bands >> levels)
        self.squeeze = nn.Linear(bottleneck, config.recurrent_size)
        self.gru = nn.GRU(config.recurrent_size, config.recurrent_size, batch_first=True)
        self.expand = nn.Linear(config.recurrent_size, bottleneck)
        self.decoders = nn.ModuleList(
            Decoder(widths[i] * 2, widths[i - 1] if i > 1 else made, config.kernel_bands, last=i == 1)
            for i in range(levels, 0, -1)
        )

    @property
    def states(self) -> tuple[StateSpec, ...]:
        """Name and shape (for batch 1) of each state, in the order of `forward`."""
        widths = (self._heard, *self.config.channels[:-1])
        sizes = enumerate(zip(widths, self.past_frames, strict=True))
        maps = [StateSpec(name=f"past_{i}", shape=(1, w, past, self.bands >> i)) for i, (w, past) in sizes]
        return (*maps, StateSpec(name="recurrent", shape=(1, 1, self.config.recurrent_size)))

    def initial_states(self, batch: int) -> list[Tensor]:
        """Zeros for `batch` sequences; the GRU's batch axis is its second."""
        device = self.squeeze.weight.device
        *maps, recurrent = self.states
        zeros = [torch.zeros(batch, *spec.shape[1:], device=device) for spec in maps]
        return [*zeros, torch.zeros(1, batch, recurrent.shape[2], device=device)]

    def forward(self, features: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """Masks for `features` and the states to pass with the frames that follow.

        Args:
            features: [batch, `feature_maps`, frame, band], any number of frames.
            states: as `initial_states` or as the previous call returned them.

        Returns:
            masks [batch, channel, frame, band] in 0…1, or complex ones [batch, 2 * channel, frame, band], real parts
            in -1…2, then imaginary in -1…1; and the next states.
        """
        x, skips, next_states = torch.cat([states[0], features], 2), [], []
        for encoder, kept, past in zip(self.encoders, self.past_frames, (*states[1:-1], None), strict=True):
            next_states.append(x[:, :, -kept:])
            x = x if skips else self._first_maps(x)
            x, skip = encoder(x, past)
            skips.append(skip)
        batch, width, frames, bands = x.shape
        flat = x.transpose(1, 2).reshape(batch, frames, width * bands)
        context, recurrent_next = run_gru(self.gru, self.squeeze(flat), states[-1])
        x = torch.relu(self.expand(context)).reshape(batch, frames, width, bands).transpose(1, 2)
        x = torch.cat([x, skips.pop()], 1)
        for decoder in self.decoders:
            x = decoder(x, skips.pop() if skips else None)
        return (self._masks(x), *next_states, recurrent_next)

    def _first_maps(self, features: Tensor) -> Tensor:
        """What the first convolution sees of features with their past before them."""
        if self.coherence is None:
            return self.harmonics(features)
        present = features[:, : self.channels, self.coherence.past_frames :]
        steady, *parts = self.coherence(features)
        if not self.config.harmonics:
            return torch.cat([present, steady, *parts], 1)
        # Of both at once; a voice's upper partials lose their phase first.
        read = self.harmonics.read(torch.cat([present, steady], 1))
        cut = self.channels * len(self.config.harmonics)
        return torch.cat([present, read[:, :cut], steady, read[:, cut:], *parts], 1)

    def _masks(self, x: Tensor) -> Tensor:
        if self.mask == "ratio":
            return torch.sigmoid(x)
        share, added, imaginary = x.chunk(3, 1)
        return torch.cat([torch.sigmoid(share) + torch.tanh(added), torch.tanh(imaginary)], 1)
