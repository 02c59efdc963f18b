"""How steadily each band's phase turns: a tone of an instrument goes on as it did, that of a voice does not.

A frame is compared with what a tone of constant frequency would have made of two earlier ones, as onset detection in
the complex domain does (Bello, Duxbury, Davies and Sandler, "On the use of phase and energy for musical onset
detection in the complex domain", IEEE Signal Processing Letters 2004).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SILENT = 0.1
"""Of a feature before its compression: what is softer is as good as nothing."""


class Coherence(nn.Module):
    """Maps of phases and magnitudes now, beside those d and 2 d frames ago, for several d.

    Args:
        channels: of the magnitudes; the first one's phases, as cosine and sine, lie behind them.
        frames: each d.
    """

    def __init__(self, channels: int, frames: tuple[int, ...]) -> None:
        super().__init__()
        self.channels, self.frames = channels, frames

    @property
    def past_frames(self) -> int:
        """Frames that are needed before the first one compared."""
        return 2 * max(self.frames)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Maps of all d, of one after another of what is said here.

        Args:
            features: [batch, channel + 2, `past_frames` + frame, band].

        Returns:
            three of [batch, d, frame, band]: the cosine of how far the phase is from a constant tone's; the real and
            the imaginary part of such a tone's frame beside this one, with magnitudes as shares so that none is large.
        """
        batch, _, frames, bands = features.shape
        count = frames - self.past_frames
        # One reading of all frames that are compared: a graph of few operations, each of which costs microseconds.
        offsets = [self.past_frames - late for late in (0, *self.frames, *(2 * each for each in self.frames))]
        wanted = torch.tensor(offsets, device=features.device)[:, None] + torch.arange(count, device=features.device)
        read = features.index_select(2, wanted.flatten()).reshape(batch, -1, len(offsets), count, bands)
        parts = [1, len(self.frames), len(self.frames)]
        power, power_once, _ = torch.expm1(read[:, 0]).split(parts, 1)
        now, once, twice = zip(*(read[:, self.channels + part].split(parts, 1) for part in (0, 1)), strict=True)
        steady = _product(_product(once, once), (twice[0], -twice[1]))
        turned_re, turned_im = _product(now, (steady[0], -steady[1]))
        share = 2 * power_once / (power + power_once + SILENT)
        return turned_re, share * turned_re, share * turned_im


def _product(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Of two complex numbers; an exported graph has none."""
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]
