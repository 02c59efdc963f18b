"""The U-Net of the paper, exactly: magnitudes of a mixture in, magnitudes of voice and accompaniment out.

Stoller, Ewert, Dixon, *Semi-Supervised Adversarial Audio Source Separation applied to Singing Voice
Extraction*, ICASSP 2018. Convolutions are valid, so what comes out is smaller than what goes in: the
context on both sides is real sound, not padding.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

CONTEXT = 46  # bins and frames on each side that only the input has
BINS, INPUT_BINS, LOW_ROWS, HIGH_ROWS = 257, 350, 46, 47
WIDTHS = (16, 32, 64, 128, 256)


class PaperUnet(nn.Module):
    """958,596 parameters; log1p magnitudes in, log1p magnitudes of two sources out; no mask.

    A 3x3 convolution to 16 maps; four times: 2x2 maximum, 3x3 convolution to twice the maps; four times:
    2x2 transposed convolution of stride 2, the cropped maps from the way down beside it, 3x3 convolution; the
    cropped input beside it, a 1x1 convolution a source. ReLU behind everything, the outputs included.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, WIDTHS[0], 3)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3) for a, b in itertools.pairwise(WIDTHS))
        pairs = list(itertools.pairwise(reversed(WIDTHS)))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in pairs)
        self.merge = nn.ModuleList(nn.Conv2d(2 * b, b, 3) for _, b in pairs)
        self.voice, self.accompaniment = (nn.Conv2d(WIDTHS[0] + 1, 1, 1) for _ in range(2))

    def forward(self, magnitudes: Tensor) -> Tensor:
        """Both sources of the middle of a spectrogram.

        Args:
            magnitudes: log1p, [batch, 1, bin, frame]; 350 x 158 for an output of 258 x 66. Sides of 350 + 16 i
                and 158 + 16 j are taken, too.

        Returns:
            [batch, source, bin - 92, frame - 92], voice first, 0 or more.
        """
        x = torch.relu(self.first(magnitudes))
        skips: list[Tensor] = []
        for convolution in self.down:
            skips.append(x)
            x = torch.relu(convolution(nn.functional.max_pool2d(x, 2)))
        for up, merge, skip in zip(self.up, self.merge, reversed(skips), strict=True):
            x = torch.relu(up(x))
            x = torch.relu(merge(torch.cat([crop(skip, x.shape[2], x.shape[3]), x], 1)))
        x = torch.cat([crop(magnitudes, x.shape[2], x.shape[3]), x], 1)
        return torch.relu(torch.cat([self.voice(x), self.accompaniment(x)], 1))


def crop(x: Tensor, bins: int, frames: int) -> Tensor:
    """The middle of [batch, map, bin, frame]."""
    low, early = (x.shape[2] - bins) // 2, (x.shape[3] - frames) // 2
    return x[:, :, low : low + bins, early : early + frames]


def padded_bins(magnitudes: Tensor) -> Tensor:
    """The 257 bins of an STFT of 512 samples as the 350 rows that the network takes: silence around them."""
    return nn.functional.pad(magnitudes, (0, 0, LOW_ROWS, HIGH_ROWS))
