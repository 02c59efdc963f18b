"""How steadily each band's phase turns: a tone of an instrument goes on as it did, that of a voice does not.

A frame is compared with what a tone of constant frequency would have made of two earlier ones, as onset detection in
the complex domain does (Bello, Duxbury, Davies and Sandler, "On the use of phase and energy for musical onset
detection in the complex domain", IEEE Signal Processing Letters 2004).
"""

from __future__ import annotations

from collections.abc import Callable

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

    def forward(self, features: Tensor, spread: Callable[[Tensor], Tensor]) -> Tensor:
        """Maps of each d, one d behind another.

        Args:
            features: [batch, channel + 2, `past_frames` + frame, band].
            spread: makes more maps of one, as `Harmonics` does: a voice's upper partials lose their phase first.

        Returns:
            [batch, map, frame, band]: `spread` of the cosine of how far the phase is from a constant tone's, and both
            parts of what such a tone's frame would be beside this one; magnitudes as shares, so that none is large.
        """
        past = self.past_frames
        count = features.shape[2] - past
        magnitude = torch.expm1(features[:, :1])
        cosine, sine = features[:, self.channels :].split(1, 1)
        now, now_re, now_im = (each[:, :, past:] for each in (magnitude, cosine, sine))
        maps: list[Tensor] = []
        for late in self.frames:
            once, twice = slice(past - late, past - late + count), slice(past - 2 * late, past - 2 * late + count)
            re, im = _product(now_re, now_im, cosine[:, :, twice], sine[:, :, twice])
            square_re, square_im = _product(*(each[:, :, once] for each in (cosine, sine, cosine, sine)))
            turned_re, turned_im = _product(re, im, square_re, -square_im)
            then = magnitude[:, :, once]
            share = 2 * then / (now + then + SILENT)
            maps += [spread(turned_re), share * turned_re, share * turned_im]
        return torch.cat(maps, 1)


def _product(a_re: Tensor, a_im: Tensor, b_re: Tensor, b_im: Tensor) -> tuple[Tensor, Tensor]:
    """Of two complex numbers; an exported graph has none."""
    return a_re * b_re - a_im * b_im, a_re * b_im + a_im * b_re
