"""The voice that masks make, as it is heard, and a way back to the masks: what a network is to be judged by.

With a long analysis window and a short synthesis window only the last samples of a frame are heard, and a mask that
is right for the whole frame is not right for its end: where a harmonic passes through three bins, their sum has lost
half of its level there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..realtime.jit import jit
from ..realtime.masking import BandMasking
from ..realtime.spec import SignalSpec
from .side_by_side import side_by_side
from .signal import SignalPath


def masked_sound(masks: Tensor, spectra: Tensor, path: SignalPath) -> Tensor:
    """What is heard of the voice, without the S - H samples at either end that lack a neighbour's frame.

    On a processor one pass over the bins does what several operations of torch would, there and back.

    Args:
        masks: of the bands [batch, channel or 2 * channel, frame, band], as `LiveUnet` returns them.
        spectra: of the mixture, complex64 [batch, channel, frame, bin], without gradient.
        path: of both.

    Returns:
        float32 [batch, channel, frames * H - (S - H)]; its first sample is the first of the first frame's hop.
    """
    if spectra.device.type == "cpu":
        return _MaskedSound.apply(masks.float(), spectra, path)  # type: ignore[no-untyped-call, no-any-return]
    return masked_sound_anywhere(masks, spectra, path)


def masked_sound_anywhere(masks: Tensor, spectra: Tensor, path: SignalPath) -> Tensor:
    """The same on any device, by autograd."""
    return _heard(path.bin_masks(masks.float()) * spectra, path)


def _heard(masked: Tensor, path: SignalPath) -> Tensor:
    spec = path.spec
    late = spec.synthesis_samples - spec.hop_samples
    return path.synthesise(masked)[..., late : masked.shape[2] * spec.hop_samples]


class _MaskedSound(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, masks: Tensor, spectra: Tensor, path: SignalPath) -> Tensor:
        ctx.save_for_backward(spectra)
        ctx.path, ctx.maps = path, masks.shape[1]
        masked = torch.empty_like(spectra)
        given, mixture, made = (each.detach().numpy() for each in (masks, spectra, masked))

        def mask_one(lane: int) -> None:
            path.masking.apply(given[lane], mixture[lane].swapaxes(0, 1), made[lane].swapaxes(0, 1))

        side_by_side(mask_one, len(given))
        return _heard(masked, path).contiguous()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (spectra,) = ctx.saved_tensors
        spec: SignalSpec = ctx.path.spec
        n, h, s = spec.window_samples, spec.hop_samples, spec.synthesis_samples
        tails = nn.functional.pad(gradients[0], (s - h, s - h)).unfold(-1, s, h) * ctx.path.synthesis
        owed = torch.fft.rfft(nn.functional.pad(tails, (n - s, 0))).numpy()
        masking: BandMasking = ctx.path.masking
        batch, channels, frames, _ = spectra.shape
        found = np.zeros((batch, ctx.maps // channels, channels, frames, spec.bands), np.float32)
        mixture = spectra.numpy()

        def owe_one(lane: int) -> None:
            _owed_to_bands(owed[lane], mixture[lane], masking.lower, masking.weight, found[lane])

        side_by_side(owe_one, batch)
        # What irfft makes of a bin: 2 / N but for the two without a mirror image, which no band is made of alone.
        return torch.from_numpy(found.reshape(batch, ctx.maps, frames, spec.bands)).mul_(2 / n), None, None


@jit
def _owed_to_bands(
    owed: NDArray[np.complex64],
    spectra: NDArray[np.complex64],
    lower: NDArray[np.int64],
    weight: NDArray[np.float32],
    found: NDArray[np.float32],
) -> None:
    """Gradients of bins [channel, frame, bin] times conj(spectra) to those of bands [part, channel, frame, band]."""
    parts, channels, frames, bands = found.shape
    bins = spectra.shape[2]
    for c in range(channels):
        for t in range(frames):
            for k in range(bins):
                g, x = owed[c, t, k], spectra[c, t, k]
                # The lowest and the highest bin have no mirror image.
                share = np.float32(0.5) if k in (0, bins - 1) else np.float32(1)
                low, high, near = lower[k], min(lower[k] + 1, bands - 1), weight[k]
                re = share * (g.real * x.real + g.imag * x.imag)
                found[0, c, t, low] += (1 - near) * re
                found[0, c, t, high] += near * re
                if parts == 2:
                    im = share * (g.imag * x.real - g.real * x.imag)
                    found[1, c, t, low] += (1 - near) * im
                    found[1, c, t, high] += near * im
