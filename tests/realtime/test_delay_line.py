"""Delays against a plain shift, also while they change."""

from __future__ import annotations

import numpy as np
import pytest
from advsep.realtime.delay_line import DelayLine
from advsep.realtime.parameter import SMOOTHING_S

RATE_HZ = 44100
FADE = round(SMOOTHING_S * RATE_HZ)
NOISE = np.random.default_rng(3).standard_normal((20000, 2)).astype(np.float32)


def through(line: DelayLine, samples: np.ndarray, changes: dict[int, int] | None = None) -> np.ndarray:
    """In blocks of 1 to 700 frames that end where a change is to come."""
    out, at, rng = samples.copy(), 0, np.random.default_rng(5)
    stops = [*sorted(changes or {}), len(samples)]
    for stop in stops:
        while at < stop:
            count = min(int(rng.integers(1, 700)), stop - at)
            line.process(out[at : at + count])
            at += count
        if changes and stop in changes:
            line.set_delay(changes[stop])
    return out


def shifted(samples: np.ndarray, delay: int) -> np.ndarray:
    return np.concatenate([np.zeros((delay, 2), np.float32), samples])[: len(samples)]


@pytest.mark.parametrize("delay", [0, 1, 63, 64, 441, 4095, 4096])
def test_a_delay_is_a_shift(delay: int) -> None:
    line = DelayLine(4096, 2, RATE_HZ)
    line.set_delay(delay, fade=False)
    np.testing.assert_array_equal(through(line, NOISE), shifted(NOISE, delay))


def test_a_new_delay_fades_in_over_the_smoothing_time() -> None:
    line = DelayLine(4096, 2, RATE_HZ)
    line.set_delay(100, fade=False)
    out = through(line, NOISE, {5000: 4096, 12000: 7})
    late = [shifted(NOISE, delay) for delay in (100, 4096, 7)]
    expected = late[0].copy()
    expected[5000:] = late[1][5000:]
    expected[12000:] = late[2][12000:]
    for at, old, new in ((5000, 0, 1), (12000, 1, 2)):
        ramp = (np.arange(1, FADE + 1, dtype=np.float32) / np.float32(FADE))[:, None]
        part = slice(at, at + FADE)
        expected[part] = late[old][part] + ramp * (late[new][part] - late[old][part])
    np.testing.assert_allclose(out, expected, atol=1e-6)


def test_what_cannot_be_is_refused() -> None:
    line = DelayLine(100, 2, RATE_HZ)
    with pytest.raises(ValueError, match="delay of 101 samples: expected 0 to 100"):
        line.set_delay(101)
    line.set_delay(50)
    assert line.fading
    with pytest.raises(RuntimeError, match="changes already"):
        line.set_delay(20)
    line.reset()
    line.set_delay(20)
