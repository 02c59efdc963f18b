"""The histogram of hop times tells percentiles as NumPy does, in constant memory."""

from __future__ import annotations

import numpy as np
import pytest
from advsep.realtime.timing import HopTimes


@pytest.mark.parametrize("spread", [0.05, 0.5, 2.0])
def test_percentiles_are_right_to_two_percent(spread: float) -> None:
    elapsed_s = np.random.default_rng(0).lognormal(np.log(1e-3), spread, 20_000)
    times = HopTimes()
    for each_s in elapsed_s:
        times.add(float(each_s))
    for percent in (1, 50, 90, 99, 99.9):
        assert times.percentile_s(percent) == pytest.approx(np.percentile(elapsed_s, percent), rel=0.02)
    assert times.percentile_s(100) == times.max_s == elapsed_s.max()
    assert times.total_s == pytest.approx(elapsed_s.sum())
    assert times.hops == 20_000


def test_hops_handed_over_at_once_share_their_time() -> None:
    times = HopTimes()
    times.add(0.064, hops=64)
    times.add(0.002)
    assert (times.hops, times.max_s, times.total_s) == (65, 0.002, pytest.approx(0.066))
    assert times.percentile_s(50) == pytest.approx(0.001, rel=0.02)


@pytest.mark.parametrize("elapsed_s", [0.0, 1e-9, 1e6])
def test_times_beyond_the_ends_are_counted(elapsed_s: float) -> None:
    times = HopTimes()
    times.add(elapsed_s)
    assert times.hops == 1
    assert times.percentile_s(50) == pytest.approx(min(elapsed_s, times.percentile_s(50)))


def test_nothing_counted_yet() -> None:
    assert (HopTimes().hops, HopTimes().percentile_s(99), HopTimes().max_s) == (0, 0.0, 0.0)
