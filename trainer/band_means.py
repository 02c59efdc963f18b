"""What networks hear of spectra, in one pass over their bins, for processors."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..realtime.jit import jit
from ..realtime.spec import SignalSpec
from .side_by_side import side_by_side


def band_means(spectra: Tensor, spec: SignalSpec) -> Tensor:
    """Mean magnitude of each band of mid and side, of the channel itself where there is one.

    Args:
        spectra: complex64 [batch, channel, frame, bin], on the processor.
        spec: says which bins make a band.

    Returns:
        float32 [batch, channel, frame, band].
    """
    batch, channels, frames, _ = spectra.shape
    found = np.empty((batch, channels, frames, spec.bands), np.float32)
    edges = np.array(spec.band_edges_bins, np.int64)
    part = np.asarray(torch.view_as_real(spectra.detach()))

    def average_one(lane: int) -> None:
        first, last = (np.ascontiguousarray(part[lane, channel]) for channel in (0, channels - 1))
        if channels == 1:
            _average_bands(first, last, np.float32(1), np.float32(0), edges, found[lane, 0])
            return
        for channel, sign in enumerate((0.5, -0.5)):
            _average_bands(first, last, np.float32(0.5), np.float32(sign), edges, found[lane, channel])

    side_by_side(average_one, batch)
    return torch.from_numpy(found)


@jit
def _average_bands(
    one: NDArray[np.float32],
    other: NDArray[np.float32],
    weight: np.float32,
    other_weight: np.float32,
    edges: NDArray[np.int64],
    found: NDArray[np.float32],
) -> None:
    """A weighted sum of two spectra [frame, bin, 2] to mean magnitudes [frame, band]."""
    magnitudes = np.zeros(edges[-1], np.float32)
    for frame in range(one.shape[0]):
        for k in range(edges[-1]):
            re = weight * one[frame, k, 0] + other_weight * other[frame, k, 0]
            im = weight * one[frame, k, 1] + other_weight * other[frame, k, 1]
            magnitudes[k] = np.sqrt(re * re + im * im)
        for band in range(len(edges) - 1):
            total = np.float32(0)
            for k in range(edges[band], edges[band + 1]):
                total += magnitudes[k]
            found[frame, band] = total / np.float32(edges[band + 1] - edges[band])
