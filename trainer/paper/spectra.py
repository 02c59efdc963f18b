"""What the paper's network hears: log1p magnitudes of mono sound at 8192 Hz, 257 bins, 32 frames a second.

Frame t of a sound has its middle at sample 256 t, whether the sound is taken whole or in excerpts: what lies before
the first sample and behind the last is silence.
"""

from __future__ import annotations

import torch
from torch import Tensor

RATE_HZ = 8192
WINDOW_SAMPLES, HOP_SAMPLES = 512, 256
OUTPUT_BINS = 258  # of the network: the 257 and a silent row above them
CRITIC_BINS = 256  # without the lowest


def excerpt_samples(frames: int) -> int:
    """Samples that frames of an excerpt reach over."""
    return (frames - 1) * HOP_SAMPLES + WINDOW_SAMPLES


def frames_of(samples: int) -> int:
    """Frames whose middle lies in a sound."""
    return 1 + samples // HOP_SAMPLES


def log_magnitudes(waveforms: Tensor) -> Tensor:
    """Of excerpts that begin half a window before the middle of their first frame.

    Args:
        waveforms: float [batch, `excerpt_samples(frames)`].

    Returns:
        [batch, 1, bin, frame], 257 bins, 0 or more.
    """
    window = torch.hann_window(WINDOW_SAMPLES, dtype=waveforms.dtype, device=waveforms.device)
    spectra = torch.stft(waveforms, WINDOW_SAMPLES, HOP_SAMPLES, window=window, center=False, return_complex=True)
    return torch.log1p(spectra.abs())[:, None]


def analyse(waveform: Tensor) -> Tensor:
    """Spectrum of a whole sound, with one frame more, so that each sample lies in two.

    Args:
        waveform: float [sample].

    Returns:
        complex [bin, frame], `frames_of(samples) + 1` frames.
    """
    longer = torch.nn.functional.pad(waveform, (0, HOP_SAMPLES))
    window = torch.hann_window(WINDOW_SAMPLES, dtype=waveform.dtype, device=waveform.device)
    return torch.stft(
        longer, WINDOW_SAMPLES, HOP_SAMPLES, window=window, center=True, pad_mode="constant", return_complex=True
    )


def synthesise(spectrum: Tensor, samples: int) -> Tensor:
    """The sound [sample] of exactly so many samples; the inverse of `analyse`."""
    window = torch.hann_window(WINDOW_SAMPLES, dtype=spectrum.real.dtype, device=spectrum.device)
    return torch.istft(spectrum, WINDOW_SAMPLES, HOP_SAMPLES, window=window, center=True, length=samples)
