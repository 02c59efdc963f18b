"""Asymmetric window pair: a long analysis window, a short synthesis window at its end.

The analysis window decides the frequency resolution, the synthesis window the latency. Their
product over the last S samples overlap-adds to one at hop H: a Hann window (Mauler and Martin, "A
low delay, variable resolution, perfect reconstruction spectral analysis-synthesis system for speech
enhancement", EUSIPCO 2007), or a short one at the beginning of the S samples. What lies behind it
is analysed and not yet heard: look-ahead at no cost, since the latency is S either way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .spec import check_windows


def analysis_window(
    window_samples: int, synthesis_samples: int, taper_samples: int | None = None
) -> NDArray[np.float64]:
    """The window a frame is multiplied with before its FFT.

    Args:
        window_samples: N.
        synthesis_samples: S.
        taper_samples: M, over which it falls; None: S/2.

    Returns:
        shape [window_samples], in 0…1: a quarter sine rising over N - M samples, then a
        quarter cosine falling over M.
    """
    check_windows(window_samples, synthesis_samples // 2, synthesis_samples, taper_samples=taper_samples)
    fall = taper_samples or synthesis_samples // 2
    rise = window_samples - fall
    up = np.sin(np.pi / 2 * (np.arange(rise) + 0.5) / rise)
    down = np.cos(np.pi / 2 * (np.arange(fall) + 0.5) / fall)
    return np.concatenate([up, down])


def synthesis_window(
    window_samples: int,
    hop_samples: int,
    synthesis_samples: int,
    crossfade_samples: int | None = None,
    taper_samples: int | None = None,
) -> NDArray[np.float64]:
    """The window the last `synthesis_samples` samples of an inverse FFT are multiplied with; arguments as below.

    Returns:
        shape [synthesis_samples]: `heard_window` over the analysis window, so that the overlapped frames of an
        unchanged spectrum sum to the signal.
    """
    heard = heard_window(hop_samples, synthesis_samples, crossfade_samples)
    return heard / analysis_window(window_samples, synthesis_samples, taper_samples)[-synthesis_samples:]


def heard_window(hop_samples: int, synthesis_samples: int, crossfade_samples: int | None = None) -> NDArray[np.float64]:
    """How much of each of a frame's last S samples is heard; at hop H it sums to one.

    Args:
        hop_samples: H.
        synthesis_samples: S.
        crossfade_samples: C, over which a frame takes over from the one before it, by a raised cosine: heard are the
            first H + C samples of the S. None: all of them, by a Hann window (half-sample offset) times 2H/S.

    Returns:
        shape [synthesis_samples].
    """
    h, s, c = hop_samples, synthesis_samples, crossfade_samples
    check_windows(s, h, s, c)
    if c is None:
        return (0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(s) + 0.5) / s)) * (2 * h / s)
    rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(c) + 0.5) / c)
    return np.concatenate([rise, np.ones(h - c), 1 - rise, np.zeros(s - h - c)])
