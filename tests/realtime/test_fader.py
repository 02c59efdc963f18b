"""Faders settle in time, move without a click, and pan makes one side quieter."""

from __future__ import annotations

import numpy as np
import pytest
from advsep.realtime.fader import Fader, gain_of
from advsep.realtime.parameter import SMOOTHING_S
from numpy.typing import NDArray


def gains_over(fader: Fader, samples: int, channels: int = 2) -> NDArray[np.float32]:
    """The gain over time: what the fader makes of ones."""
    block = np.ones((samples, channels), np.float32)
    fader.scale(block)
    return block


@pytest.mark.parametrize("rate_hz", [8000, 44100, 192000])
def test_a_change_settles_in_time_and_never_jumps(rate_hz: int) -> None:
    fader, settled = Fader(rate_hz, 2), round(SMOOTHING_S * rate_hz)
    assert (gains_over(fader, 100) == 1.0).all()
    fader.aim(0.0)
    heard = gains_over(fader, 2 * settled)
    assert heard[settled // 2, 0] == pytest.approx(0.5, abs=0.02)
    assert not heard[settled + 1 :].any()
    assert np.abs(np.diff(heard, axis=0, prepend=1.0)).max() <= 1.01 / (SMOOTHING_S * rate_hz)
    fader.aim(1.0)
    assert (gains_over(fader, 2 * settled)[settled + 1 :] == 1.0).all()


def test_a_change_goes_on_over_the_border_of_blocks() -> None:
    split, whole = Fader(44100, 1), Fader(44100, 1)
    for each in (split, whole):
        each.aim(gain_of(-6.0206))
    parts = np.concatenate([gains_over(split, count, 1) for count in (1, 63, 400, 64, 472)])
    np.testing.assert_array_equal(parts, gains_over(whole, 1000, 1))
    assert parts[-1] == pytest.approx(0.5, abs=1e-6)


def test_a_jump_is_there_with_the_first_sample() -> None:
    fader = Fader(44100, 2)
    fader.aim(gain_of(-20.0))
    fader.jump()
    assert gains_over(fader, 1)[0, 0] == pytest.approx(0.1)
    assert fader.loudest == pytest.approx(0.1)


@pytest.mark.parametrize(("pan", "left", "right"), [(0.0, 1, 1), (-1.0, 1, 0), (1.0, 0, 1), (0.5, 0.5, 1)])
def test_pan_makes_the_other_side_quieter(pan: float, left: float, right: float) -> None:
    fader = Fader(44100, 2)
    fader.aim(1.0, pan)
    fader.jump()
    assert gains_over(fader, 1)[0].tolist() == [left, right]
    mono = Fader(44100, 1)
    mono.aim(1.0, pan)
    mono.jump()
    assert gains_over(mono, 1, 1)[0, 0] == 1.0


def test_what_is_sent_elsewhere_is_added_there_and_left_as_it_is_here() -> None:
    send = Fader(44100, 2, 0.5)
    block, bus = np.ones((10, 2), np.float32), np.full((10, 2), 0.25, np.float32)
    send.add(block, bus)
    assert (bus == 0.75).all()
    assert (block == 1.0).all()
    assert not send.silent
    send.aim(0.0)
    send.jump()
    assert send.silent
