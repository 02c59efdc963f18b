"""Numbers too small to hear: they cost nothing where sound is played, and stay what they are elsewhere."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from advsep.realtime.jit import jit
from advsep.realtime.model import ModelSession
from advsep.realtime.registry import find_model
from advsep.realtime.subnormals import subnormals_as_zero

SMALL = 1e-39  # below float32's smallest normal number


@jit
def _half(value: np.float32) -> float:
    return value * np.float32(0.5)


def test_small_numbers_are_zero_inside_and_themselves_outside() -> None:
    before = _half(np.float32(SMALL))
    with subnormals_as_zero():
        inside = _half(np.float32(SMALL)), float(np.float32(1e-30) * np.float32(1e-9))
        kept = _half(np.float32(3e-38))
    assert inside == (0.0, 0.0)
    assert kept == pytest.approx(1.5e-38)
    assert before == _half(np.float32(SMALL)) == pytest.approx(SMALL / 2)


def test_an_error_puts_everything_back() -> None:
    with pytest.raises(ValueError, match="as it is"), subnormals_as_zero():
        raise ValueError("as it is")
    assert _half(np.float32(SMALL)) > 0


def test_threads_that_run_already_are_left_alone() -> None:
    found: list[float] = []
    go = threading.Event()

    def look() -> None:
        go.wait()
        found.append(_half(np.float32(SMALL)))

    thread = threading.Thread(target=look)
    thread.start()
    with subnormals_as_zero():
        go.set()
        thread.join()
    assert found[0] > 0


def test_opening_a_model_does_not_change_the_thread_that_opens_it() -> None:
    ModelSession(find_model("live-12"))
    assert _half(np.float32(SMALL)) > 0
