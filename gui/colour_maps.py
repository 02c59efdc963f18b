"""Colours of levels and of what critics say: tables that the colour blind can read, as packed pixels.

The tables are those of matplotlib and of Peter Kovesi's *Good Colour Maps* (2015), as pyqtgraph ships them.
"""

from __future__ import annotations

import functools
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

ColourName = Literal["viridis", "cividis", "magma", "grey"]
COLOUR_NAMES: tuple[ColourName, ...] = get_args(ColourName)

LEVELS = 256  # codes of a level: 0 the lowest
# Codes of a map rise with the distance from zero, so that the greatest of several is the one that tells most:
# that there is none, zero, and then -1, +1, -2, +2 … of MAP_REACH steps.
MAP_NONE, MAP_ZERO, MAP_REACH = 0, 1, 127

_FILES = {"grey": "CET-L1"}
_DIVERGING = "CET-D1"  # blue, white, red: told apart with red-green blindness too


@functools.cache
def sequential(name: ColourName) -> NDArray[np.uint8]:
    """Colours from dark to light, uint8 [256, 3]; lightness rises all the way."""
    return _table(_FILES.get(name, name), LEVELS)


@functools.cache
def diverging() -> NDArray[np.uint8]:
    """Colours about white, uint8 [255, 3]: blue below zero, red above."""
    return _table(_DIVERGING, 2 * MAP_REACH + 1)


def packed(colours: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Opaque pixels as QImage's RGB32 has them [...] of colours [..., 3]."""
    red, green, blue = (colours[..., i].astype(np.uint32) for i in range(3))
    return (np.uint32(0xFF << 24) | (red << np.uint32(16)) | (green << np.uint32(8)) | blue).astype(np.uint32)


@functools.cache
def level_pixels(name: ColourName) -> NDArray[np.uint32]:
    """Pixel of each code of a level [256]."""
    return packed(sequential(name))


@functools.lru_cache(maxsize=8)
def map_pixels(opacity: float, *, signed: bool) -> NDArray[np.uint32]:
    """Pixel of each code of a map over each code of a level, [map * 256 + level].

    The estimate below is grey, so that all colour is the critic's. Up to an opacity of a half zero is clear and
    only what differs from it is coloured; above, zero turns white, and at 1 the map stands alone.

    Args:
        opacity: 0 to 1.
        signed: red where more would please and blue where less would; else red by the amount.
    """
    steps = _steps()
    away = np.abs(steps)
    over = diverging().astype(np.float32)[MAP_REACH + (steps if signed else away)]
    ground = min(max(2 * opacity - 1, 0.0), 1.0)
    share = ground + (1 - ground) * min(2 * opacity, 1.0) * (away / MAP_REACH)
    below = sequential("grey").astype(np.float32)
    mixed = below[None] + share[:, None, None].astype(np.float32) * (over[:, None] - below[None])
    return np.concatenate([level_pixels("grey"), packed(np.round(mixed).astype(np.uint8)).reshape(-1)])


def level_codes(levels_db: NDArray[np.float32], low_db: float, high_db: float) -> NDArray[np.uint8]:
    """Codes of levels: 0 at `low_db` and below (silence, -inf, too), 255 at `high_db` and above."""
    steps = (levels_db - np.float32(low_db)) * np.float32((LEVELS - 1) / (high_db - low_db))
    return np.clip(steps, 0, LEVELS - 1).astype(np.uint8)


def map_codes(gradients: NDArray[np.float32], full_scale: float) -> NDArray[np.uint8]:
    """Codes of a map's values: the farthest at ± `full_scale` and beyond, `MAP_NONE` for NaN."""
    away = np.rint(np.minimum(np.abs(gradients) * np.float32(MAP_REACH / full_scale), MAP_REACH))
    codes = np.maximum(2 * away + (gradients > 0), MAP_ZERO)
    return np.nan_to_num(codes, copy=False, nan=MAP_NONE).astype(np.uint8)


def _steps() -> NDArray[np.int64]:
    """From zero, of each code of a map but `MAP_NONE`: 0, -1, 1, -2, 2 … [255]."""
    codes = np.arange(MAP_ZERO, 2 * MAP_REACH + 2)
    return np.where(codes % 2, 1, -1) * (codes // 2)


def _table(name: str, count: int) -> NDArray[np.uint8]:
    from pyqtgraph import colormap  # costs a second, which only a window that is drawn pays

    found = colormap.get(name)
    assert found is not None
    table = np.asarray(found.getLookupTable(nPts=count), np.uint8)[:, :3].copy()
    table.setflags(write=False)
    return table
