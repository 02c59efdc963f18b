"""A tape at a deck's rate and channels, block by block."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .channels import match_channels
from .resample import StreamResampler
from .source import SeekableSource, Source
from .tape import Loop, Tape

BLOCK_S = 0.05  # asked of the source at once
Stopped = Callable[[], bool]


def never() -> bool:
    """Of one who waits as long as it takes."""
    return False


class Reel:
    """Reads a source from a place on; goes there with the first block.

    Args:
        source: one that cannot seek has to stand at its start.
        place: sample of the source; a negative one, or a loop, needs one that can seek.
        loop: see `Tape`.
        rate_hz: of what is given.
        channels: of what is given.

    Attributes:
        first_place: as given.
        ended: whether all was read.
        turns: (sample given, place) where rounds of the loop began; to be emptied by who reads it.
    """

    def __init__(self, source: Source, place: int, loop: Loop | None, rate_hz: int, channels: int) -> None:
        self.first_place, self.ended = place, False
        self.turns: list[tuple[float, int]] = []
        self._source, self._channels, self._pace = source, channels, source.rate_hz / rate_hz
        self._tape = Tape(source, place, loop)
        self._resampler = StreamResampler(source.rate_hz, rate_hz, source.channels)
        self._is_there = False

    def read(self) -> NDArray[np.float32]:
        """The next block [sample, channel]; may have no samples where a source has to be waited for.

        Raises:
            SourceError: the source is damaged there; may be called again.
        """
        if not self._is_there:
            self._go_there()
        if not self._source.wait(BLOCK_S):
            return np.zeros((0, self._channels), np.float32)
        block = self._tape.read(max(1, round(BLOCK_S * self._source.rate_hz)))
        if self._tape.turned_at is not None and self._tape.loop is not None:
            self.turns.append((self._tape.turned_at / self._pace, self._tape.loop.begin))
            self._tape.turned_at = None
        self.ended = len(block) == 0
        converted = self._resampler.process(block, last=self.ended)
        fitting = np.empty((len(converted), self._channels), np.float32)
        match_channels(converted, fitting)
        return fitting

    def gather(self, block: NDArray[np.float32], count: int, stopped: Stopped = never) -> NDArray[np.float32]:
        """A block continued to at least so many samples, where there are so many and it is not `stopped`.

        Raises as `read` does.
        """
        while len(block) < count and not self.ended and not stopped():
            block = np.concatenate([block, self.read()])
        return block

    def lose_place(self) -> None:
        """Somebody else moved the source: go back before reading on."""
        self._is_there = False

    def _go_there(self) -> None:
        place = max(0, self._tape.place)
        if isinstance(self._source, SeekableSource):
            self._source.seek(place)
        else:
            self._source.skip(place)
        self._is_there = True
