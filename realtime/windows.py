"""Asymmetric window pair: a long analysis window, a short synthesis window at its end.

The analysis window decides the frequency resolution, the synthesis window the latency. Their
product over the last S samples is a Hann window scaled to overlap-add to one at hop H
(Mauler and Martin, "A low delay, variable resolution, perfect reconstruction spectral
analysis-synthesis system for speech enhancement", EUSIPCO 2007).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .spec import check_windows


def analysis_window(window_samples: int, synthesis_samples: int) -> NDArray[np.float64]:
    """The window a frame is multiplied with before its FFT.

    Returns:
        shape [window_samples], in 0…1: a quarter sine rising over N - M samples, then a
        quarter cosine falling over M, with M = synthesis_samples / 2.
    """
    check_windows(window_samples, synthesis_samples // 2, synthesis_samples)
    half = synthesis_samples // 2
    rise = window_samples - half
    up = np.sin(np.pi / 2 * (np.arange(rise) + 0.5) / rise)
    down = np.cos(np.pi / 2 * (np.arange(half) + 0.5) / half)
    return np.concatenate([up, down])


def synthesis_window(window_samples: int, hop_samples: int, synthesis_samples: int) -> NDArray[np.float64]:
    """The window the last `synthesis_samples` samples of an inverse FFT are multiplied with.

    Returns:
        shape [synthesis_samples]: Hann (half-sample offset) over the analysis window, times 2H/S,
        so that the overlapped frames of an unchanged spectrum sum to the signal.
    """
    check_windows(window_samples, hop_samples, synthesis_samples)
    phase = 2 * np.pi * (np.arange(synthesis_samples) + 0.5) / synthesis_samples
    hann = 0.5 - 0.5 * np.cos(phase)
    tail = analysis_window(window_samples, synthesis_samples)[-synthesis_samples:]
    return hann / tail * (2 * hop_samples / synthesis_samples)
