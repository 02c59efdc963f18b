"""Beside each band of a frame what there is at its harmonics: a partial of a voice is known by the others.

As the harmonic constant-Q transform does for pitch (Bittner et al., "Deep salience representations for f0 estimation in
polyphonic music", ISMIR 2017), on bands of any layout.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..realtime.bands import band_centres
from ..realtime.spec import SignalSpec


class Harmonics(nn.Module):
    """Features and, as further maps, the same read at multiples of each band's frequency.

    Args:
        spec: the bands.
        ratios: of the frequency that is read to that of the band: 0.5, 2, 3.
    """

    lower: Tensor
    upper: Tensor
    lower_share: Tensor
    upper_share: Tensor

    def __init__(self, spec: SignalSpec, ratios: tuple[float, ...]) -> None:
        super().__init__()
        self.ratios = ratios
        centres = band_centres(spec)
        wanted = np.outer(ratios, centres).ravel()
        upper = np.clip(np.searchsorted(centres, wanted), 1, spec.bands - 1)
        share = np.clip((wanted - centres[upper - 1]) / (centres[upper] - centres[upper - 1]), 0.0, 1.0)
        inside = (wanted >= centres[0]) & (wanted <= centres[-1])  # beyond the last band there is nothing
        tables = {"lower_share": (1 - share) * inside, "upper_share": share * inside}
        for name, table in {"lower": upper - 1, "upper": upper, **tables}.items():
            kept = torch.from_numpy(table.copy())
            kept = kept.float().reshape(-1, 1, 1, 1) if name in tables else kept
            self.register_buffer(name, kept, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """[batch, channel, frame, band] to [batch, channel * (1 + ratio), frame, band], the features first."""
        return torch.cat([features, self.read(features)], 1) if self.ratios else features

    def read(self, features: Tensor) -> Tensor:
        """What is read alone: of each channel all ratios, [batch, channel * ratio, frame, band]."""
        batch, channels, frames, bands = features.shape
        # Bands first: what is read then is whole rows, several times as fast as single numbers.
        rows = features.permute(3, 0, 1, 2)
        read = rows.index_select(0, self.lower) * self.lower_share
        read = read + rows.index_select(0, self.upper) * self.upper_share
        read = read.reshape(len(self.ratios), bands, batch, channels, frames).permute(2, 3, 0, 4, 1)
        return read.reshape(batch, -1, frames, bands)


def ratios_of(spec: SignalSpec, shares: NDArray[np.float32], bands: NDArray[np.int64]) -> tuple[float, ...]:
    """The ratios that tables were made for, to a thousandth.

    Args:
        spec: the bands.
        shares: `lower_share` and `upper_share`, [2, ratio * band, …].
        bands: `lower` and `upper`, likewise.
    """
    centres = band_centres(spec)
    shares = shares.reshape(len(shares), -1)
    read = (shares * centres[bands]).sum(0).reshape(-1, spec.bands)
    known = (shares.sum(0) > 0.5).reshape(read.shape) & (centres > 0)
    return tuple(round(float(np.median(line[of] / centres[of])), 3) for line, of in zip(read, known, strict=True))
