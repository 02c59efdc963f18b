"""A source read as it is to be heard: from a place on, round and round in a loop, and no seam clicks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .source import SeekableSource, Source

FADE_S = 0.010  # of a seam


class Loop(NamedTuple):
    """Samples of a source to go round between: the first, and the one after the last."""

    begin: int
    end: int


class Tape:
    """Reads a source on from a place.

    At the end of a round what comes before the loop's begin fades in over what comes before its end. So the begin is
    heard whole from its first sample on, and a round lasts exactly as long as the loop. Behind the end a loop is none.

    Args:
        source: that stands at `place`, or at 0 for a negative one, where the first sample is read again and again:
            from there to a song that begins loud there is no step. Only one that can `seek` can have that, or loop.
        place: sample to begin with.
        loop: at least two seams long.

    Attributes:
        place: of the next sample.
        given: samples so far.
        turned_at: `given` where the last round began; None: none has.
    """

    def __init__(self, source: Source, place: int = 0, loop: Loop | None = None) -> None:
        self.place, self.loop, self.given = place, loop, 0
        self.turned_at: int | None = None
        self._source = source
        self._seam_samples = fade_samples(source.rate_hz)

    def read(self, count: int) -> NDArray[np.float32]:
        """The next samples [sample, channel], at most `count`, seldom a seam's more; none: it is over."""
        loop, source = self.loop, self._source
        if loop is None or not isinstance(source, SeekableSource):
            return self._give(count)
        left = loop.end - self._seam_samples - self.place
        if left != 0:
            return self._give(min(count, left) if left > 0 else count)
        before = self._give(self._seam_samples)
        if len(before) == self._seam_samples:
            self.place = loop.begin - self._seam_samples
            source.seek(max(0, self.place))
            given, after = self.given, self._give(self._seam_samples)
            if len(after) < len(before):  # what is before the first sample, then the song
                after = np.concatenate([after, self._give(len(before) - len(after))])
            before, self.given, self.turned_at = cross_fade(before, after), given, given
        return before

    def _give(self, count: int) -> NDArray[np.float32]:
        source = self._source
        if self.place < 0 and isinstance(source, SeekableSource):
            block = np.repeat(source.read(1), min(count, -self.place), 0)
            source.seek(0)
        else:
            block = source.read(count)
        self.place += len(block)
        self.given += len(block)
        return block


def fade_samples(rate_hz: int) -> int:
    """Of a seam."""
    return round(FADE_S * rate_hz)


def cross_fade(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
    """From one to the other [sample, channel], equally long, along half a wave; what is the same in both stays so."""
    along = (np.arange(len(after))[:, None] + 0.5) / max(1, len(after))
    share = (0.5 - 0.5 * np.cos(np.pi * along)).astype(np.float32)
    return (before + share * (after - before)).astype(np.float32)
