"""Levels, times and straight lines, as compiled dynamics need them in every frame.

After editing this file, touch the plugins that import it: see `realtime/jit.py`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..jit import jit

_NEPERS_PER_DB = math.log(10) / 20


@jit
def factor_of(level_db: float) -> float:
    """The factor of a level; exactly 1 for 0 dB."""
    return math.exp(level_db * _NEPERS_PER_DB)


@jit
def level_db_of(factor: float) -> float:
    """Inverse of `factor_of`; `factor` > 0."""
    return math.log(factor) / _NEPERS_PER_DB


@jit
def kept(time_s: float, rate_hz: float) -> float:
    """What is left after a frame of something that fades exponentially, to 1/e in `time_s` > 0."""
    return math.exp(-1.0 / (time_s * rate_hz))


@jit
def on_line(begin: float, end: float, frame: int, frames: int) -> float:
    """A parameter's value at a frame of a block, see `ParameterValues`; exactly `end` at the last one."""
    return end - (end - begin) * (frames - 1 - frame) / frames


@jit
def any_moves(begin: NDArray[np.float64], end: NDArray[np.float64]) -> bool:
    """Whether a parameter has another value at the block's end, without the array that NumPy would make."""
    moves = False
    for i in range(len(begin)):
        moves = moves or begin[i] != end[i]
    return moves
