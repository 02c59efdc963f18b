"""What networks and losses need of spectra, in one pass over their bins, for processors."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..realtime.jit import jit
from ..realtime.spec import SignalSpec
from .side_by_side import side_by_side

SUMS = 7  # of `losses.MaskStatistics`, in its order


def band_sums(voice: Tensor, accompaniment: Tensor, bins: list[int], spec: SignalSpec) -> Tensor:
    """The sums of `losses.MaskStatistics`, several times as fast as torch's operations one after another.

    Args:
        voice: complex64 [batch, channel, frame, bin], on the processor.
        accompaniment: likewise.
        bins: how many there are to learn from, [batch].
        spec: says which bins make a band.

    Returns:
        float32 [sum, batch, channel, frame, band].
    """
    batch, channels, frames, _ = voice.shape
    found = np.empty((SUMS, batch, channels, frames, spec.bands), np.float32)
    edges = np.array(spec.band_edges_bins, np.int64)
    parts = [np.asarray(torch.view_as_real(each.detach())) for each in (voice, accompaniment)]

    def sum_one(place: int) -> None:
        lane, channel = divmod(place, channels)
        voice_of, accompaniment_of = (np.ascontiguousarray(part[lane, channel]) for part in parts)
        inside = min(bins[lane], int(edges[-1]))
        _sum_bands(voice_of, accompaniment_of, inside, edges, found[:, lane, channel])

    side_by_side(sum_one, batch * channels)
    return torch.from_numpy(found)


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


@jit
def _sum_bands(
    voice: NDArray[np.float32],
    accompaniment: NDArray[np.float32],
    bins: int,
    edges: NDArray[np.int64],
    found: NDArray[np.float32],
) -> None:
    """Spectra [frame, bin, 2] to sums [sum, frame, band] over the first `bins` of them."""
    x, v, a, power, cross, voice_power = np.zeros((6, edges[-1]), np.float32)
    for frame in range(voice.shape[0]):
        for k in range(bins):
            v_re, v_im = voice[frame, k, 0], voice[frame, k, 1]
            a_re, a_im = accompaniment[frame, k, 0], accompaniment[frame, k, 1]
            x_re, x_im = v_re + a_re, v_im + a_im
            power[k] = x_re * x_re + x_im * x_im
            voice_power[k] = v_re * v_re + v_im * v_im
            cross[k] = x_re * v_re + x_im * v_im
            x[k] = np.sqrt(power[k])
            v[k] = np.sqrt(voice_power[k])
            a[k] = np.sqrt(a_re * a_re + a_im * a_im)
        for band in range(len(edges) - 1):
            none = np.float32(0)
            sums = none, none, none, none, none, none, none
            for k in range(edges[band], min(edges[band + 1], bins)):
                sums = (
                    sums[0] + x[k],
                    sums[1] + np.sqrt(x[k] * v[k]),
                    sums[2] + np.sqrt(x[k] * a[k]),
                    sums[3] + v[k] + a[k],
                    sums[4] + power[k],
                    sums[5] + cross[k],
                    sums[6] + voice_power[k],
                )
            for number in range(SUMS):
                found[number, frame, band] = sums[number]
