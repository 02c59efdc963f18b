"""A ring of frames between one writer and any readers, without a lock, over memory that processes may share.

Frames have absolute positions: the first one ever written is number 0. A position says where a
frame belongs in time, so a reader that fell behind knows exactly what it lost, and a hop that came
late cannot shift what follows it.

Two ways of use, by what the writer does when the reader is slow:

- It asks `ring_room` first: nothing is ever lost (a file that is fed to the engine).
- It writes on: the oldest frames go, and `ring_read` tells a reader that it came too late, whether
  before it began or while it copied (an audio callback, which must not wait; telemetry).

The writer announces what it is about to overwrite (`CLAIMED`), writes, then publishes (`WRITTEN`).
A reader copies, then looks at `CLAIMED`: frames that the writer may have touched meanwhile are lost,
never torn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .atomic import fence_acquire, fence_release, load_acquire, store_release
from .jit import jit

LINE_WORDS = 8  # a cache line: writer and reader must not slow each other down by sharing one
CLAIMED, WRITTEN, READ = 0, LINE_WORDS, 2 * LINE_WORDS
RING_WORDS = 3 * LINE_WORDS


class Ring:
    """Memory of a ring; the functions of this module, which compiled code calls, do the work.

    Args:
        capacity_frames: a power of two.
        width: values a frame.
        buffer: at least `Ring.size_bytes` bytes, all zero at first, that may belong to several processes;
            None: memory of this process.

    Attributes:
        words: int64, the indices.
        data: float32 [capacity, width].
    """

    def __init__(self, capacity_frames: int, width: int, buffer: memoryview | None = None) -> None:
        if capacity_frames < 1 or capacity_frames & (capacity_frames - 1) or width < 1:
            raise ValueError(f"expected a power of two and a width of 1 or more, got {capacity_frames} and {width}")
        size = self.size_bytes(capacity_frames, width)
        if buffer is None:
            buffer = memoryview(bytearray(size))
        elif len(buffer) < size:
            raise ValueError(f"expected {size} bytes for the ring, got {len(buffer)}")
        self.words: NDArray[np.int64] = np.frombuffer(buffer, np.int64, RING_WORDS)
        data = np.frombuffer(buffer, np.float32, capacity_frames * width, RING_WORDS * 8)
        self.data: NDArray[np.float32] = data.reshape(capacity_frames, width)

    @staticmethod
    def size_bytes(capacity_frames: int, width: int) -> int:
        """Memory that a ring takes."""
        return RING_WORDS * 8 + capacity_frames * width * 4

    @property
    def capacity_frames(self) -> int:
        """Most frames it can hold."""
        return len(self.data)

    @property
    def written(self) -> int:
        """Position after the last frame that may be read."""
        return int(ring_written(self.words))

    def clear(self, position: int = 0) -> None:
        """Begin anew at `position`; neither side may be at work."""
        self.words[[CLAIMED, WRITTEN, READ]] = position
        self.data.fill(0.0)


@jit
def ring_written(words: NDArray[np.int64]) -> int:
    """Position after the last frame that may be read."""
    return load_acquire(words, WRITTEN)


@jit
def ring_room(words: NDArray[np.int64], data: NDArray[np.float32]) -> int:
    """Frames that can be written without losing one that was not released; for the writer."""
    return data.shape[0] - (words[WRITTEN] - load_acquire(words, READ))


@jit
def ring_write(words: NDArray[np.int64], data: NDArray[np.float32], block: NDArray[np.float32]) -> None:
    """Append frames [frame, width], at most the capacity; for the one writer. Never waits."""
    start, mask = words[WRITTEN], data.shape[0] - 1
    store_release(words, CLAIMED, start + block.shape[0])
    fence_release()
    for i in range(block.shape[0]):
        for k in range(data.shape[1]):
            data[(start + i) & mask, k] = block[i, k]
    store_release(words, WRITTEN, start + block.shape[0])


@jit
def ring_skip(words: NDArray[np.int64], position: int) -> None:
    """Go on at a later position; what lies between is undefined. For the writer."""
    store_release(words, CLAIMED, position)
    store_release(words, WRITTEN, position)


@jit
def ring_read(words: NDArray[np.int64], data: NDArray[np.float32], position: int, block: NDArray[np.float32]) -> bool:
    """Copy frames from `position` on into [frame, width]; for a reader.

    Returns:
        False where they are not all there: not yet written, or overwritten before the copy was complete.
        What is in `block` then means nothing.
    """
    count, mask = block.shape[0], data.shape[0] - 1
    if position < 0 or position + count > load_acquire(words, WRITTEN):
        return False
    for i in range(count):
        for k in range(data.shape[1]):
            block[i, k] = data[(position + i) & mask, k]
    fence_acquire()
    return load_acquire(words, CLAIMED) - position <= data.shape[0]


@jit
def ring_release(words: NDArray[np.int64], position: int) -> None:
    """Frames before `position` are no longer needed; for the reader that `ring_room` waits for."""
    store_release(words, READ, position)
