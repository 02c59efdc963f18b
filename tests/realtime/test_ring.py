"""The ring: nothing lost where the writer asks for room, nothing torn where it does not."""

from __future__ import annotations

import mmap
import subprocess
import sys
import threading
from pathlib import Path

import numba
import numpy as np
import pytest
from advsep.realtime.ring import (
    CLAIMED,
    RING_WORDS,
    Ring,
    ring_read,
    ring_release,
    ring_room,
    ring_skip,
    ring_write,
    ring_written,
)
from hypothesis import given, settings
from hypothesis import strategies as st


def frames(start: int, count: int, width: int) -> np.ndarray:
    """Frames that say where they belong: position and column, exact in float32."""
    positions = np.arange(start, start + count)[:, None] % 4096
    return (positions * width + np.arange(width)).astype(np.float32)


@pytest.mark.parametrize(("capacity", "width"), [(0, 1), (3, 1), (-4, 1), (8, 0)])
def test_impossible_sizes_are_refused(capacity: int, width: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        Ring(capacity, width)


def test_memory_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match=f"expected {Ring.size_bytes(8, 2)} bytes"):
        Ring(8, 2, memoryview(bytearray(Ring.size_bytes(8, 2) - 1)))


@settings(max_examples=300, deadline=None)
@given(
    log_capacity=st.integers(0, 6),
    width=st.integers(1, 3),
    steps=st.lists(st.tuples(st.sampled_from("wrfs"), st.integers(0, 70)), max_size=60),
)
def test_it_behaves_as_a_list_of_all_frames(log_capacity: int, width: int, steps: list[tuple[str, int]]) -> None:
    """Against the plainest model there is: everything ever written, and what of it is still in the ring."""
    ring = Ring(1 << log_capacity, width)
    capacity, everything, released, valid_from = ring.capacity_frames, 0, 0, 0
    for what, amount in steps:
        if what == "w":
            count = amount % (capacity + 1)
            ring_write(ring.words, ring.data, frames(everything, count, width))
            everything += count
        elif what == "s":
            everything += amount
            valid_from = everything  # what was skipped means nothing
            ring_skip(ring.words, everything)
        elif what == "f":
            released = min(everything, released + amount)
            ring_release(ring.words, released)
        else:
            position = max(0, everything - amount)
            count = amount % 9
            block = np.full((count, width), -1, np.float32)
            there = position + count <= everything and everything - position <= capacity
            assert ring_read(ring.words, ring.data, position, block) == there
            if there and position >= valid_from:
                np.testing.assert_array_equal(block, frames(position, count, width))
        assert ring.written == everything
        assert ring_room(ring.words, ring.data) == capacity - (everything - released)


def test_a_position_that_never_was_or_is_not_yet_cannot_be_read() -> None:
    ring, block = Ring(8, 1), np.zeros((2, 1), np.float32)
    assert not ring_read(ring.words, ring.data, 0, block)
    ring_write(ring.words, ring.data, frames(0, 3, 1))
    assert not ring_read(ring.words, ring.data, -1, block)
    assert ring_read(ring.words, ring.data, 1, block)
    assert not ring_read(ring.words, ring.data, 2, block)


def test_frames_that_are_being_overwritten_are_lost_before_they_are_torn() -> None:
    """The writer has announced frames 8 to 10 and not yet published them: 0 to 2 may be half gone."""
    ring, block = Ring(8, 1), np.zeros((1, 1), np.float32)
    ring_write(ring.words, ring.data, frames(0, 8, 1))
    ring.words[CLAIMED] = 11
    assert [ring_read(ring.words, ring.data, position, block) for position in range(8)] == [False] * 3 + [True] * 5


def test_clear_begins_anew_anywhere() -> None:
    ring, block = Ring(8, 2), np.ones((4, 2), np.float32)
    ring_write(ring.words, ring.data, frames(0, 5, 2))
    ring.clear(100)
    assert ring.written == 100
    assert ring_room(ring.words, ring.data) == 8
    assert not ring.data.any()
    ring_write(ring.words, ring.data, frames(100, 4, 2))
    assert ring_read(ring.words, ring.data, 100, block)
    np.testing.assert_array_equal(block, frames(100, 4, 2))


@numba.njit(nogil=True)
def write_all(words, data, total, longest, patient):  # noqa: ANN001, ANN201
    """Blocks of changing length; `patient`: never overwrite what was not released."""
    block = np.empty((longest, data.shape[1]), np.float32)
    position, length = 0, 1
    while position < total:
        length = length % longest + 1
        count = min(length, total - position)
        if patient and ring_room(words, data) < count:
            continue
        for i in range(count):
            for k in range(data.shape[1]):
                block[i, k] = (position + i) % 1000003 + k * 7  # all below 2 ** 24: exact
        ring_write(words, data, block[:count])
        position += count


@numba.njit(nogil=True)
def read_all(words, data, total, longest, patient):  # noqa: ANN001, ANN201
    """Returns frames that were right, wrong (torn) and lost."""
    block = np.empty((longest, data.shape[1]), np.float32)
    position, length, right, wrong, lost = 0, 3, 0, 0, 0
    while position < total:
        length = (length + 2) % longest + 1
        count = min(length, total - position)
        written = ring_written(words)
        if written < position + count:
            continue
        if not ring_read(words, data, position, block[:count]):
            # Overtaken: go on at what is newest.
            lost += max(position, written - 2 * longest) - position
            position = max(position, written - 2 * longest)
            continue
        for i in range(count):
            good = True
            for k in range(data.shape[1]):
                good = good and block[i, k] == (position + i) % 1000003 + k * 7
            right += good
            wrong += not good
        position += count
        if patient:
            ring_release(words, position)
    return right, wrong, lost


@pytest.mark.parametrize("patient", [True, False])
def test_two_threads_never_tear_a_frame(patient: bool) -> None:
    """A small ring, so that both are always at the same few frames; a million of them, bearable on one core."""
    ring, total, longest = Ring(256, 5), 1_000_000, 31
    result: list[tuple[int, int, int]] = []
    arguments = (ring.words, ring.data, total, longest, patient)
    for compiled in (write_all, read_all):  # compile first: both must start together
        compiled(Ring(256, 5).words, ring.data, 0, longest, patient)
    reader = threading.Thread(target=lambda: result.append(read_all(*arguments)))
    writer = threading.Thread(target=lambda: write_all(*arguments))
    reader.start()
    writer.start()
    writer.join()
    reader.join()
    right, wrong, lost = result[0]
    assert wrong == 0
    assert right + lost == total
    if patient:
        assert lost == 0
    else:
        assert right > 0


WRITE_FROM_ANOTHER_PROCESS = """
import mmap, sys
import numpy as np
from advsep.realtime.ring import Ring, ring_write
with open(sys.argv[1], "r+b") as file:
    ring = Ring(4096, 5, memoryview(mmap.mmap(file.fileno(), 0)))
for start in range(0, 3000, 100):
    ring_write(ring.words, ring.data, np.arange(start * 5, (start + 100) * 5, dtype=np.float32).reshape(100, 5))
"""


def test_another_process_may_be_the_writer(tmp_path: Path) -> None:
    path, block = tmp_path / "ring", np.zeros((3000, 5), np.float32)
    path.write_bytes(bytes(Ring.size_bytes(4096, 5)))
    with path.open("r+b") as file:
        ring = Ring(4096, 5, memoryview(mmap.mmap(file.fileno(), 0)))
    subprocess.run([sys.executable, "-c", WRITE_FROM_ANOTHER_PROCESS, path], check=True, timeout=60)
    assert ring_read(ring.words, ring.data, 0, block)
    np.testing.assert_array_equal(block, np.arange(15000, dtype=np.float32).reshape(3000, 5))


def test_indices_of_writer_and_reader_lie_on_lines_of_their_own() -> None:
    ring = Ring(8, 1)
    before = ring.words.copy()
    ring_write(ring.words, ring.data, frames(0, 1, 1))
    by_writer = set(np.flatnonzero(ring.words != before) // 8)
    before = ring.words.copy()
    ring_release(ring.words, 1)
    by_reader = set(np.flatnonzero(ring.words != before) // 8)
    assert not by_writer & by_reader
    assert RING_WORDS == 24
