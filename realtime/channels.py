"""From one number of channels to another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def match_channels(source: NDArray[np.float32], target: NDArray[np.float32]) -> None:
    """Copy [frame, channel] to another number of channels: mono to all, stereo to mono by the mean."""
    if target.shape[1] == 1 and source.shape[1] > 1:
        np.add(source[:, :1], source[:, 1:2], out=target)
        target *= np.float32(0.5)
    else:
        target[:] = source[:, : target.shape[1]]
