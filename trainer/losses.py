"""The loss: on the stems as they are heard."""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn

from ..realtime.spec import SignalSpec

POWER_FLOOR = 1e-4
"""Of a bin, some 90 dB below full scale: silence must not be divided by silence, and a square root needs a slope."""


def sound_loss(
    estimate: Tensor, voice: Tensor, mixture: Tensor, bandwidth_hz: Tensor, spec: SignalSpec, phase_weight: float
) -> Tensor:
    """Error of both stems, relative to the mixture, of each of the batch [batch].

    Spectra are those of sine windows half as long as the analysis window that overlap by half, so that every sample
    counts alike. The first part is the squared error of square-rooted magnitudes of voice and accompaniment (soft
    passages count), the second the squared error of the complex spectrum, which is that of the waveform: what SDR
    measures. The analysis frames themselves would not do: of 93 ms of a frame 12 or fewer are heard, see
    `masked_sound`.

    Args:
        estimate: of the voice [batch, channel, sample]; the accompaniment is the rest of the mixture.
        voice: the true one, likewise.
        mixture: likewise, without gradient.
        bandwidth_hz: [batch], above which a recording holds nothing to learn from.
        spec: says the rate and the analysis window's length.
        phase_weight: weight of the second part.
    """
    window = spec.window_samples // 4 * 2  # even, so that half of it is whole
    inside = bins_below(bandwidth_hz, window // 2 + 1, spec.sample_rate_hz / window)
    with torch.no_grad():
        x, v = _spectrum(mixture, window), _spectrum(voice, window)
        power, roots_v, roots_a = _power(x) * inside, _roots(v), _roots(x - v)
        places = inside.sum((1, 2, 3)) * x.shape[1] * x.shape[2]
        magnitude = (power + POWER_FLOOR).sqrt() * inside
    estimated = _spectrum(estimate, window)
    roots = (_roots(estimated) - roots_v).square() + (_roots(x - estimated) - roots_a).square()
    waves = _power(estimated - v)
    axes = (1, 2, 3)
    relative_roots = (roots * inside).sum(axes) / (magnitude.sum(axes) + 1e-3 * places)
    relative_waves = (waves * inside).sum(axes) / (power.sum(axes) + POWER_FLOOR * places)
    return relative_roots + phase_weight * relative_waves


def bins_below(bandwidth_hz: Tensor, bins: int, bin_hz: float) -> Tensor:
    """1 for bins within the bandwidth [batch], 0 above: [batch, 1, 1, bin]."""
    freq_hz = torch.arange(bins, device=bandwidth_hz.device) * bin_hz
    return (freq_hz <= bandwidth_hz[:, None]).float()[:, None, None]


def truncated_mean(losses: Tensor, fraction: float) -> Tensor:
    """Mean of what is left when the largest `fraction` of the losses [batch] is taken out, rounded down.

    Where labels are wrong the loss is large, and learning them is what it would take to lower it.
    """
    kept = len(losses) - int(fraction * len(losses))
    return losses.mean() if kept == len(losses) else losses.topk(kept, largest=False).values.mean()


def _spectrum(waveform: Tensor, window: int) -> Tensor:
    """[batch, channel, sample] to real and imaginary parts [batch, channel, frame, bin, 2], silence around it."""
    half = window // 2
    padded = nn.functional.pad(waveform, (half, half + -waveform.shape[-1] % half))
    frames = padded.unfold(-1, window, half) * _sine(window, waveform.device)
    return torch.view_as_real(torch.fft.rfft(frames))  # torch's complex arithmetic is several times slower on a CPU


@functools.lru_cache(maxsize=4)
def _sine(window: int, device: torch.device) -> Tensor:
    return torch.sin(torch.pi / window * (torch.arange(window, device=device) + 0.5))


def _power(spectrum: Tensor) -> Tensor:
    return spectrum.square().sum(-1)


def _roots(spectrum: Tensor) -> Tensor:
    """Square roots of magnitudes."""
    return (_power(spectrum) + POWER_FLOOR).pow(0.25)
