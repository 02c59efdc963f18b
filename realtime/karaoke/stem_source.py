"""Stems read while they are still being made: a tape of four channels that has to be waited for."""

from __future__ import annotations

import contextlib
import threading
import time

import numpy as np
from numpy.typing import NDArray

from ..source import SourceError
from .stem_chunks import CHANNELS, ChunkError, ChunkReader
from .stem_entry import StemEntry

_POLL_S = 0.01
_AHEAD = 2  # samples of the next chunk that are decoded for one of this


class _DamagedError(Exception):
    """A chunk that is, by its number."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


class StemSource:
    """A `SeekableSource`: accompaniment left, right, vocals left, right, with the song's first sample first.

    The two stems add up to the song. A chunk is given once all of it has been decoded and found whole; the next one is
    decoded in pieces meanwhile, so that no read takes long. Three chunks at most are in memory.
    One thread reads; `close` may come from another one, and ends a `read` that waits.

    Args:
        entry: to be closed by whoever opened it, after this.

    Attributes:
        name: for messages and displays.
        rate_hz: the song's sample rate.
        channels: 4.
        samples: of the song.
    """

    def __init__(self, entry: StemEntry) -> None:
        self.name, self.rate_hz, self.channels = entry.facts.name, entry.rate_hz, CHANNELS
        self.samples: int | None
        self.samples = self._end = entry.samples
        self._entry, self._position = entry, 0
        self._readers: dict[int, ChunkReader] = {}
        self._closed = threading.Event()

    def read(self, count: int) -> NDArray[np.float32]:
        """See `Source.read`: waits for the first sample; none at the end, and none once it is closed.

        Raises:
            SourceError: a chunk is damaged; it is removed, so that it can be made anew.
        """
        while not self._closed.is_set():
            if self.wait(_POLL_S):
                block = self._gather(count)
                if len(block) or self._position >= self._end or count <= 0:
                    return block
        return np.zeros((0, CHANNELS), np.float32)

    def skip(self, count: int) -> None:
        """See `Source.skip`."""
        self.seek(self._position + count)

    def seek(self, position: int) -> None:
        """See `SeekableSource.seek`."""
        self._position = min(max(position, 0), self._end)
        self._forget()

    def wait(self, timeout_s: float) -> bool:
        """See `Source.wait`; False once it is closed."""
        give_up_s = time.monotonic() + timeout_s
        while not self._closed.is_set():
            if self._position >= self._end or self._is_there():
                return True
            left_s = give_up_s - time.monotonic()
            if left_s <= 0:
                return False
            self._closed.wait(min(_POLL_S, left_s))
        return False

    def close(self) -> None:
        """See `Source.close`."""
        self._closed.set()

    def _gather(self, count: int) -> NDArray[np.float32]:
        """Up to `count` samples, as far as they are there."""
        pieces = [np.zeros((0, CHANNELS), np.float32)]
        while count > 0 and self._position < self._end and self._is_there():
            try:
                piece = self._piece(count)
            except _DamagedError as error:
                if len(pieces) > 1:  # that comes first; the next call meets the damage again
                    break
                raise self._removed(error.index) from None
            pieces.append(piece)
            self._position += len(piece)
            count -= len(piece)
        block = np.concatenate(pieces)
        self._look_ahead(len(block))
        return block

    def _is_there(self) -> bool:
        """Whether the next sample is."""
        index, at = divmod(self._position, self._entry.chunk_samples)
        return self._has(index) and (at < self._seam(index) or self._has(index + 1))

    def _has(self, index: int) -> bool:
        return index in self._readers or self._entry.chunk_path(index).exists()

    def _seam(self, index: int) -> int:
        """The sample of a chunk from which on the next one may be faded in."""
        length = self._entry.chunk_length(index)
        return length if index == self._entry.chunks - 1 else length - self._entry.lead_samples

    def _piece(self, count: int) -> NDArray[np.float32]:
        """At most `count` samples from the position on: of one chunk, before its seam or after it."""
        index, at = divmod(self._position, self._entry.chunk_samples)
        reader = self._open(index)
        if reader is None:  # gone since it was looked for
            return np.zeros((0, CHANNELS), np.float32)
        seam, length = self._seam(index), self._entry.chunk_length(index)
        end = min(at + count, seam if at < seam else length)
        piece = self._stems(index, reader)[reader.lead + at : reader.lead + end]
        if at < seam:
            return piece
        after = self._open(index + 1)
        if after is None:
            return piece[:0]
        return self._faded(piece, self._stems(index + 1, after)[: after.lead], at - (length - after.lead))

    @staticmethod
    def _faded(piece: NDArray[np.float32], lead: NDArray[np.float32], at: int) -> NDArray[np.float32]:
        """The end of a chunk from which the lead of the next one takes over; `at` is counted from the lead's start."""
        first = max(0, -at)  # where the lead is shorter than it may be
        count = len(piece) - first
        if len(lead) == 0 or count <= 0:
            return piece
        begin = at + first
        share = ((np.arange(begin, begin + count, dtype=np.float32) + 1) / (len(lead) + 1))[:, None]
        faded = piece.copy()
        faded[first:] += share * (lead[begin : begin + count] - piece[first:])
        return faded

    def _open(self, index: int) -> ChunkReader | None:
        if index not in self._readers:
            try:
                self._readers[index] = ChunkReader(self._entry.chunk_path(index), self._entry.chunk_length(index))
            except FileNotFoundError:
                return None
            except ChunkError:
                raise _DamagedError(index) from None
        return self._readers[index]

    def _stems(self, index: int, reader: ChunkReader) -> NDArray[np.float32]:
        try:
            return reader.stems()
        except ChunkError:
            raise _DamagedError(index) from None

    def _removed(self, index: int) -> SourceError:
        """What to say of a damaged chunk, which is taken away so that nobody meets it again."""
        self._readers.pop(index, None)
        path, at_s = self._entry.chunk_path(index), index * self._entry.chunk_samples / self.rate_hz
        with contextlib.suppress(OSError):
            path.unlink()
        return SourceError(
            f"{path}: the separated sound of {self.name} from {at_s:.1f} s on was damaged, and has been removed; "
            "choose the song again to have it made anew"
        )

    def _look_ahead(self, count: int) -> None:
        """Decode some of the next chunk, if it is there; what is wrong with it is said when it is needed."""
        self._forget()
        index = self._position // self._entry.chunk_samples + 1
        if index < self._entry.chunks:
            with contextlib.suppress(ChunkError, FileNotFoundError):
                if index not in self._readers:
                    path = self._entry.chunk_path(index)
                    self._readers[index] = ChunkReader(path, self._entry.chunk_length(index))
                self._readers[index].advance(_AHEAD * count)

    def _forget(self) -> None:
        """What lies elsewhere than the position."""
        here = self._position // self._entry.chunk_samples
        for index in [index for index in self._readers if abs(index - here) > 1]:
            del self._readers[index]
