"""The signal path of `realtime` once more, in torch and for whole batches, so that a network can learn through it.

Axes: waveforms [batch, channel, sample], spectra [batch, channel, frame, bin],
features and masks [batch, channel, frame, band].
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ..realtime.bands import band_average_matrix, band_interpolation_matrix
from ..realtime.masking import PHASE_FLOOR, BandMasking
from ..realtime.spec import SignalSpec
from ..realtime.windows import analysis_window, synthesis_window
from .side_by_side import side_by_side


class SignalPath(nn.Module):
    """STFT, features, masks and inverse STFT of one `SignalSpec`, without state.

    Args:
        spec: the signal path.
        rate_hz: of the samples, a native rate; None: the spec's own.

    Frame t of `analyse` ends at sample (t + 1) * H of the signal behind its history, exactly as
    frame t of `realtime.stft.StreamingAnalysis` does.
    """

    analysis: Tensor
    synthesis: Tensor
    average: Tensor
    interpolate: Tensor

    def __init__(self, spec: SignalSpec, rate_hz: int | None = None) -> None:
        super().__init__()
        self.spec, self.masking = spec, BandMasking(spec, rate_hz)
        n, h, s = spec.window_samples, spec.hop_samples, spec.synthesis_samples
        tables = {
            "analysis": analysis_window(n, s, spec.taper_samples),
            "synthesis": synthesis_window(n, h, s, spec.crossfade_samples, spec.taper_samples),
            "average": band_average_matrix(spec, rate_hz).T,
            "interpolate": band_interpolation_matrix(spec, rate_hz).T,
        }
        for name, table in tables.items():
            self.register_buffer(name, torch.from_numpy(table.copy()).float(), persistent=False)

    @property
    def history_samples(self) -> int:
        """Samples that must lie before the first hop: N - H."""
        return self.spec.window_samples - self.spec.hop_samples

    def analyse(self, waveform: Tensor) -> Tensor:
        """Spectra of a waveform that starts with `history_samples` of the past.

        Args:
            waveform: float32 [batch, channel, N - H + frames * H].

        Returns:
            complex64 [batch, channel, frame, bin].
        """
        frames = waveform.unfold(-1, self.spec.window_samples, self.spec.hop_samples)
        return torch.fft.rfft(frames * self.analysis)

    def synthesise(self, spectra: Tensor) -> Tensor:
        """Overlap-add of the frames' last S samples; delayed by S - H like the stream.

        Returns:
            float32 [batch, channel, frames * H + S - H]: with the tail that `flush` would give.
        """
        spec = self.spec
        hop, size = spec.hop_samples, spec.synthesis_samples
        tails = torch.fft.irfft(spectra, n=spec.window_samples)[..., -size:] * self.synthesis
        batch, channels, frames, _ = tails.shape
        # A frame reaches over S / H hops: its first parts are summed, then its second ones, a hop later, and so on.
        parts = tails.reshape(batch, channels, frames, size // hop, hop).unbind(3)
        padded = [nn.functional.pad(part, (0, 0, i, len(parts) - 1 - i)) for i, part in enumerate(parts)]
        return torch.stack(padded).sum(0).reshape(batch, channels, -1)

    def features(self, spectra: Tensor) -> Tensor:
        """Compressed band magnitudes of mid and side (of the channel itself where there is one), then phases if any.

        Returns:
            float32 [batch, `feature_maps`, frame, band], as `BandMasking.features` writes them.
        """
        if spectra.device.type == "cpu" and not spectra.requires_grad:
            return self._compiled_features(spectra)
        if spectra.shape[1] == 2:
            left, right = spectra.unbind(1)
            spectra = torch.stack([left + right, left - right], 1) * 0.5
        re, im = spectra.real[..., : self.average.shape[0]], spectra.imag[..., : self.average.shape[0]]
        magnitude = (re * re).addcmul_(im, im).sqrt_()  # torch's complex abs is several times slower on a CPU
        found = torch.log1p(magnitude.matmul(self.average) * self.spec.feature_scale)
        if not self.spec.coherence_frames:
            return found
        mid = spectra[:, :1, :, self.masking.phased.clip(0)]  # a band of many bins has no one phase
        mid = mid / (mid.abs() + PHASE_FLOOR) * torch.from_numpy(self.masking.phased >= 0).to(mid.device)
        return torch.cat([found, mid.real, mid.imag], 1)

    def _compiled_features(self, spectra: Tensor) -> Tensor:
        batch, _, frames, _ = spectra.shape
        found, given = np.empty((batch, self.spec.feature_maps, frames, self.spec.bands), np.float32), spectra.numpy()
        side_by_side(lambda lane: self.masking.features(given[lane].swapaxes(0, 1), found[lane]), batch)
        return torch.from_numpy(found)

    def bin_masks(self, masks: Tensor) -> Tensor:
        """Masks of the bands [batch, mask map, frame, band] to masks of the bins [batch, channel, frame, bin]."""
        bins, channels = masks.matmul(self.interpolate), self.spec.channels
        return bins if bins.shape[1] == channels else torch.complex(bins[:, :channels], bins[:, channels:])


def mask_magnitudes(masks: Tensor, spec: SignalSpec) -> tuple[Tensor, Tensor]:
    """How much of the mixture's magnitudes masks [batch, mask map, frame, band] leave for voice and accompaniment."""
    if spec.mask == "ratio":
        return masks, 1 - masks
    real, imaginary = masks[:, : spec.channels], masks[:, spec.channels :]
    turned = imaginary.square() + 1e-8  # a square root has no slope at nothing
    return (real.square() + turned).sqrt(), ((1 - real).square() + turned).sqrt()
