"""Losses on masks, exact on bins but paid for on bands.

A mask that is constant within a band leaves, of every squared error over its bins, only a few sums
that do not depend on the mask. They are computed once, without gradients; what the network is
differentiated through is [batch, channel, frame, band], a quarter of the bins.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor

from ..realtime.spec import SignalSpec
from .band_sums import band_sums

MASK_FLOOR = 1e-4  # keeps the slope of the square root finite where a mask closes, and never at zero


@dataclass(frozen=True, slots=True)
class MaskStatistics:
    """Sums over the bins of each band, all [batch, channel, frame, band].

    With mixture X, voice V, accompaniment A = X - V, magnitudes |.| and the sum running over bins:

    Attributes:
        mixture: sum of |X|.
        mixture_voice: sum of sqrt(|X| |V|).
        mixture_accompaniment: sum of sqrt(|X| |A|).
        voice_and_accompaniment: sum of |V| + |A|.
        power: sum of |X|^2.
        cross: sum of Re(conj(X) V).
        voice_power: sum of |V|^2.
    """

    mixture: Tensor
    mixture_voice: Tensor
    mixture_accompaniment: Tensor
    voice_and_accompaniment: Tensor
    power: Tensor
    cross: Tensor
    voice_power: Tensor


@torch.no_grad()
def mask_statistics(voice: Tensor, accompaniment: Tensor, bandwidth_hz: Tensor, spec: SignalSpec) -> MaskStatistics:
    """Gather the sums for spectra of true stems.

    Args:
        voice: complex [batch, channel, frame, bin].
        accompaniment: likewise.
        bandwidth_hz: [batch], above which a recording holds nothing to learn from.
        spec: says which bins make a band.
    """
    inside = bins_below(bandwidth_hz, spec)
    if voice.device.type == "cpu":
        return MaskStatistics(*band_sums(voice, accompaniment, inside.sum((1, 2, 3)).int().tolist(), spec))
    return statistics_anywhere(voice, accompaniment, inside, spec)


def statistics_anywhere(voice: Tensor, accompaniment: Tensor, inside: Tensor, spec: SignalSpec) -> MaskStatistics:
    """The same for spectra on any device; `inside` is 1 for bins to learn from, see `bins_below`."""
    bins = spec.band_edges_bins[-1]
    # Real and imaginary parts laid out apart: torch's complex arithmetic is several times slower on a CPU.
    v_re, v_im, a_re, a_im = (
        part[..., :bins] * inside for part in (voice.real, voice.imag, accompaniment.real, accompaniment.imag)
    )
    x_re, x_im = v_re + a_re, v_im + a_im
    power, voice_power = x_re.square().addcmul_(x_im, x_im), v_re.square().addcmul_(v_im, v_im)
    accompaniment_power = a_re.square().addcmul_(a_im, a_im)
    cross = (x_re * v_re).addcmul_(x_im, v_im)
    x, v, a = power.sqrt(), voice_power.sqrt(), accompaniment_power.sqrt()
    sums = (x, (x * v).sqrt_(), (x * a).sqrt_(), v + a, power, cross, voice_power)
    return MaskStatistics(*(sum_bands(each, spec) for each in sums))


def bins_below(bandwidth_hz: Tensor, spec: SignalSpec) -> Tensor:
    """1 for bins within the bandwidth, 0 above: [batch, 1, 1, bin] over the bins that the bands cover."""
    bins = torch.arange(spec.band_edges_bins[-1], device=bandwidth_hz.device)
    freq_hz = bins * (spec.sample_rate_hz / spec.window_samples)
    return (freq_hz <= bandwidth_hz[:, None]).float()[:, None, None]


def sum_bands(x: Tensor, spec: SignalSpec) -> Tensor:
    """Sum over the bins of each band: [..., bin] to [..., band]."""
    edges = spec.band_edges_bins
    singles = next((i for i in range(spec.bands) if edges[i + 1] - edges[i] > 1), spec.bands)
    if singles == spec.bands:
        return x
    # Most bands are one bin wide: only the wide ones are worth a matrix product.
    return torch.cat([x[..., :singles], x[..., singles:].matmul(_wide_bands(spec, singles, x.device))], -1)


@functools.lru_cache(maxsize=4)
def _wide_bands(spec: SignalSpec, first: int, device: torch.device) -> Tensor:
    """1 where a bin belongs to a band: [bin, band], from band `first` on, which begins with the bin of that number."""
    edges = spec.band_edges_bins
    wide = torch.zeros(edges[-1] - first, spec.bands - first, device=device)
    for band in range(first, spec.bands):
        wide[edges[band] - first : edges[band + 1] - first, band - first] = 1.0
    return wide


def mask_loss(masks: Tensor, statistics: MaskStatistics, phase_weight: float) -> Tensor:
    """Error of both stems, relative to the mixture, of each of the batch [batch].

    The first part is the squared error of square-rooted magnitudes of voice and accompaniment
    (soft passages count), the second the squared error of the complex spectrum, which is what SDR
    measures (the phase-sensitive loss of Erdogan et al., ICASSP 2015). With masks constant within
    bands both equal the sums over bins.

    Args:
        masks: voice masks in 0…1 [batch, channel, frame, band].
        statistics: of the true stems.
        phase_weight: weight of the second part.
    """
    s, mask = statistics, MASK_FLOOR + (1 - 2 * MASK_FLOOR) * masks.float()
    roots = s.mixture + s.voice_and_accompaniment
    roots = roots - 2 * (mask.sqrt() * s.mixture_voice + (1 - mask).sqrt() * s.mixture_accompaniment)
    waves = mask.square() * s.power - 2 * mask * s.cross + s.voice_power
    axes = (1, 2, 3)
    # The floors stand for a mixture near -80 dBFS: silence must not be divided by silence.
    places = mask.shape[1] * mask.shape[2] * mask.shape[3]
    relative_roots = roots.sum(axes) / (s.mixture.sum(axes) + 1e-3 * places)
    relative_waves = waves.sum(axes) / (s.power.sum(axes) + 1e-4 * places)
    return relative_roots + phase_weight * relative_waves


def truncated_mean(losses: Tensor, fraction: float) -> Tensor:
    """Mean of what is left when the largest `fraction` of the losses [batch] is taken out, rounded down.

    Where labels are wrong the loss is large, and learning them is what it would take to lower it.
    """
    kept = len(losses) - int(fraction * len(losses))
    return losses.mean() if kept == len(losses) else losses.topk(kept, largest=False).values.mean()
