"""Colours: lightness tells the level to everybody, and a map over an estimate is what its opacity says."""

from __future__ import annotations

import numpy as np
import pytest
from advsep.gui.colour_maps import (
    COLOUR_NAMES,
    MAP_NONE,
    MAP_REACH,
    MAP_ZERO,
    diverging,
    level_codes,
    level_pixels,
    map_codes,
    map_pixels,
    sequential,
)


def lightness(colours: np.ndarray) -> np.ndarray:
    """CIE L* of sRGB [..., 3] in 0…255."""
    srgb = colours / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    y = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.where(y > 216 / 24389, 116 * np.cbrt(y) - 16, y * 24389 / 27)


@pytest.mark.parametrize("name", COLOUR_NAMES)
def test_a_higher_level_is_lighter(name: str) -> None:
    found = lightness(sequential(name).astype(float))
    assert np.diff(found).min() > -0.35  # a step of 1 in one of 255 values
    assert np.diff(found[::8]).min() > 0.5
    assert found[-1] - found[0] > 70


def test_a_map_is_lightest_at_zero_and_its_ends_are_blue_and_red() -> None:
    colours = diverging().astype(float)
    found = lightness(colours)
    assert found[MAP_REACH] > 90
    assert np.diff(found[: MAP_REACH + 1 : 6]).min() > 0
    assert np.diff(found[MAP_REACH::6]).max() < 0
    assert colours[0, 2] > 2 * max(colours[0, 0], colours[0, 1])
    assert colours[-1, 0] > 2 * max(colours[-1, 1], colours[-1, 2])


def unpacked(pixels: np.ndarray) -> np.ndarray:
    return np.stack([(pixels >> shift) & 255 for shift in (16, 8, 0)], -1).astype(int)


def test_opacity_goes_from_the_estimate_alone_to_the_map_alone() -> None:
    grey = unpacked(level_pixels("grey"))
    for opacity in (0.0, 0.3, 0.5, 0.8, 1.0):
        pixels = unpacked(map_pixels(opacity, signed=True)).reshape(256, 256, 3)
        np.testing.assert_array_equal(pixels[MAP_NONE], grey)
        if opacity <= 0.5:
            np.testing.assert_array_equal(pixels[MAP_ZERO], grey)
        shown = np.abs(pixels[255] - grey).sum()
        assert shown == 0 if opacity == 0 else shown > 0
    for step in range(-MAP_REACH, MAP_REACH + 1):
        (code,) = map_codes(np.array([step], np.float32), MAP_REACH)
        assert (pixels[code] == diverging()[MAP_REACH + step].astype(int)).all()
    assert map_pixels(0.5, signed=True)[0] >> 24 == 255


def test_an_absolute_map_has_no_direction() -> None:
    pixels = map_pixels(0.7, signed=False).reshape(256, 256)
    np.testing.assert_array_equal(pixels[2::2], pixels[3::2])
    np.testing.assert_array_equal(pixels[1::2], map_pixels(0.7, signed=True).reshape(256, 256)[1::2])


def test_codes_of_levels_and_maps() -> None:
    levels = np.array([-np.inf, -200, -90, -50, -10, 3], np.float32)
    np.testing.assert_array_equal(level_codes(levels, -90, -10), [0, 0, 0, 127, 255, 255])
    gradients = np.array([-9, -2, -1, 0, 1, 2, 9, np.nan], np.float32)
    np.testing.assert_array_equal(map_codes(gradients, 2.0), [254, 254, 128, MAP_ZERO, 129, 255, 255, MAP_NONE])
