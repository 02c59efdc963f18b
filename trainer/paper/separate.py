"""Whole tracks through the paper's network: magnitudes in windows, the mixture's phase, and back."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..paper_unet import BINS, CONTEXT, PaperUnet, padded_bins
from .config import PaperConfig
from .spectra import analyse, synthesise

WINDOWS_AT_ONCE = 16  # bounds memory


@torch.no_grad()
def separate_magnitudes(network: PaperUnet, magnitudes: Tensor, config: PaperConfig) -> Tensor:
    """Both sources' magnitudes.

    Args:
        network: in evaluation mode.
        magnitudes: linear, of a mixture, [bin, frame]; any number of frames.
        config: what the network was trained with.

    Returns:
        linear, [source, bin, frame], voice first.
    """
    frames, step = magnitudes.shape[1], config.output_frames
    whole = -(-frames // step) * step
    heard = torch.nn.functional.pad(torch.log1p(magnitudes), (CONTEXT, whole - frames + CONTEXT))
    windows = heard.unfold(1, config.input_frames, step).transpose(0, 1)[:, None]  # [window, 1, bin, frame]
    outputs = torch.cat([network(padded_bins(part)) for part in windows.split(WINDOWS_AT_ONCE)])
    joined = outputs[:, :, :BINS].permute(1, 2, 0, 3).reshape(2, BINS, whole)
    return torch.expm1(joined[..., :frames])


@torch.no_grad()
def separate(network: PaperUnet, mixture: NDArray[np.float32], config: PaperConfig) -> NDArray[np.float32]:
    """Voice and accompaniment of a track.

    Args:
        network: in evaluation mode.
        mixture: [sample], mono, at 8192 Hz.
        config: what the network was trained with.

    Returns:
        [source, sample], voice first, as long as the mixture.
    """
    device = next(network.parameters()).device
    spectrum = analyse(torch.from_numpy(mixture).to(device))
    sources = separate_magnitudes(network, spectrum.abs(), config)
    waves = [synthesise(torch.polar(source, spectrum.angle()), len(mixture)) for source in sources]
    return torch.stack(waves).cpu().numpy()
