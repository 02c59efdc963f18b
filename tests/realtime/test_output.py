"""The null device keeps time and counts what came too late."""

from __future__ import annotations

import time

import numpy as np
from advsep.realtime.output import NullOutput

BLOCK = np.zeros((160, 2), np.float32)  # 20 ms at 8 kHz


def test_ten_blocks_take_their_time() -> None:
    output, began_s = NullOutput(8000), time.perf_counter()
    for _ in range(10):
        output.write(BLOCK)
    assert 0.199 <= time.perf_counter() - began_s < 0.4


def test_waiting_does_not_drift() -> None:
    """Each sleep is a little too long; their sum must not be."""
    output, began_s = NullOutput(8000), time.perf_counter()
    for _ in range(100):
        output.write(BLOCK[:16])
        time.sleep(0.0005)
    if output.misses == 0:  # else the machine was busy with something else
        assert time.perf_counter() - began_s < 0.23


def test_a_late_block_is_one_miss() -> None:
    output = NullOutput(8000)
    long = np.zeros((800, 2), np.float32)
    for _ in range(2):
        output.write(long)
    assert output.misses == 0
    time.sleep(0.15)  # longer than the 100 ms of a block
    for _ in range(2):
        output.write(long)
    assert output.misses == 1


def test_values_beyond_full_scale_are_counted() -> None:
    output = NullOutput(8000)
    output.write(np.array([[1.0, -1.0], [1.1, -0.5], [-2.0, 2.0]], np.float32))
    assert output.clipped_samples == 3
    output.close()
