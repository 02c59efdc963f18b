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
        """Maps of all d, for one after another of what is said here.

        Args:
            features: [batch, channel + 2, `past_frames` + frame, band].
            spread: makes more maps of these, as `Harmonics` does: a voice's upper partials lose their phase first.

        Returns:
            [batch, map, frame, band]: `spread` of the cosine of how far the phase is from a constant tone's, then the
            real and the imaginary part of such a tone's frame beside this one, with magnitudes as shares so that none
            is large.
        """
        past = self.past_frames
        count = features.shape[2] - past
        # All d side by side where the channels were: a graph of few operations, each of which costs microseconds.
        once, twice = (
            torch.stack([features[:, :, past - each * late : past - each * late + count] for late in self.frames], 2)
            for each in (1, 2)
        )
        now = features[:, :, None, past:]
        power, power_once = torch.expm1(now[:, 0]), torch.expm1(once[:, 0])
        re, im = _product(self._phase(now), self._phase(twice))
        square_re, square_im = _product(self._phase(once), self._phase(once))
        turned_re, turned_im = _product((re, im), (square_re, -square_im))
        share = 2 * power_once / (power + power_once + SILENT)
        return torch.cat([spread(turned_re), share * turned_re, share * turned_im], 1)

    def _phase(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return features[:, self.channels], features[:, self.channels + 1]


def _product(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Of two complex numbers; an exported graph has none."""
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]
