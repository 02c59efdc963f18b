"""A source that need not be waited for, played through the engine: read, brought to the device's rate, fed to the ring.

The feeder never writes more than the ring has room for, and the callback pauses where the feeder has
nothing, so every sample of the source is heard, once. What was fed but not heard when the engine
stopped is fed again first when it goes on: neither a pause nor another model loses a sample.
"""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from .engine import Engine, match_channels
from .exchange import HOP, LATENCY, Deck
from .resample import StreamResampler
from .ring import ring_read, ring_room, ring_write
from .source import Source

BLOCK_S = 0.05  # asked of the source at once; also how long a stop may take


class SourceFeeder:
    """Reads a source in a thread of its own and fills the input ring of a deck whose engine is `fed` and `holds`.

    Give it to the engine (`engine.feeder = feeder`), which starts it when the ring is empty, and stops it.

    Args:
        source: read from where it is; to be closed by whoever opened it, once the engine is disarmed.
        deck: whose input ring is filled.
        rate_hz: of the deck.
        engine: is told where the input ends.
        begin_s: how much of the source to leave out first.
        longest_s: how much of it to take at most; None: all.

    Attributes:
        error: what ended the input before its time, such as a damaged file, else None.
        length_samples: how much is played in all, at the deck's rate; None while that is not known.
    """

    def __init__(
        self,
        source: Source,
        deck: Deck,
        rate_hz: int,
        engine: Engine,
        *,
        begin_s: float = 0.0,
        longest_s: float | None = None,
    ) -> None:
        self.error: Exception | None = None
        self._source, self._deck, self._rate_hz, self._engine = source, deck, rate_hz, engine
        self._to_skip = round(begin_s * source.rate_hz)
        self._left = None if longest_s is None else round(longest_s * source.rate_hz)
        self.length_samples = self._expected_samples()
        self._resampler = StreamResampler(source.rate_hz, rate_hz, source.channels)
        self._source_ended = self._left == 0
        # What could not be written, or was not heard, before the last stop.
        self._kept: NDArray[np.float32] = np.zeros((0, deck.inputs.data.shape[1]), np.float32)
        self._heard_before = 0
        self._end: int | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def ended(self) -> bool:
        """Whether all of the source is in the ring; `Engine.ended` says when it has been heard."""
        return self._end is not None

    @property
    def played_samples(self) -> int:
        """How much has been heard, at the deck's rate, over all starts."""
        return self._heard_before + (0 if self._thread is None else self._heard_samples())

    def start(self) -> None:
        """See `Feeder.start`."""
        self._end = None
        self._stop.clear()
        self._thread = threading.Thread(target=self._work, name="advsep-feeder", daemon=True)
        self._thread.start()

    def pump(self) -> None:
        """See `Feeder.pump`: a source may have to be waited for, so a thread of its own moves its samples."""

    def stop(self) -> None:
        """See `Feeder.stop`."""
        if self._thread is None:
            return
        self._stop.set()
        self._thread.join()
        heard = self._heard_samples()
        self._kept = np.concatenate([self._unheard(heard), self._kept])
        self._heard_before, self._thread = self._heard_before + heard, None

    def _heard_samples(self) -> int:
        return min(self._engine.played_samples, self._fed_samples())

    def _fed_samples(self) -> int:
        return self._deck.inputs.written if self._end is None else self._end

    def _unheard(self, heard: int) -> NDArray[np.float32]:
        inputs, end = self._deck.inputs, self._fed_samples()
        first = max(heard, inputs.written - inputs.capacity_frames)
        block = np.zeros((max(0, end - first), inputs.data.shape[1]), np.float32)
        ring_read(inputs.words, inputs.data, first, block)
        return block

    def _work(self) -> None:
        self._kept = self._write(self._kept)
        while not self._source_ended and not self._stop.is_set():
            self._step()
        if not self._stop.is_set():
            self._finish()

    def _step(self) -> None:
        """From the source to the ring, one block, if there is one."""
        try:
            block = self._read()
        except Exception as error:  # handed to whoever watches the feeder; what was read until then is played
            self.error, block = error, np.zeros((0, self._source.channels), np.float32)
        if block is None:
            return
        if self._left is not None:
            self._left -= len(block)
        self._source_ended = len(block) == 0 or self._left == 0
        converted = self._resampler.process(block, last=self._source_ended)
        fitting = np.empty((len(converted), self._kept.shape[1]), np.float32)
        match_channels(converted, fitting)
        self._kept = self._write(fitting)

    def _read(self) -> NDArray[np.float32] | None:
        if self._to_skip:
            self._source.skip(self._to_skip)
            self._to_skip = 0
        if not self._source.wait(BLOCK_S):
            return None
        count = max(1, round(BLOCK_S * self._source.rate_hz))
        return self._source.read(count if self._left is None else min(count, self._left))

    def _write(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Into the ring, as it has room; returns what a stop left over."""
        inputs = self._deck.inputs
        pause_s = min(BLOCK_S / 2, inputs.capacity_frames / 8 / self._rate_hz)
        while len(block) and not self._stop.is_set():
            count = min(len(block), ring_room(inputs.words, inputs.data))
            if count:
                ring_write(inputs.words, inputs.data, block[:count])
                block = block[count:]
            else:
                self._stop.wait(pause_s)
        return block

    def _finish(self) -> None:
        """Say where the input ends, then push its last hop out."""
        fed = self._deck.inputs.written
        self._end, self.length_samples = fed, self._heard_before + fed
        self._engine.end_at(fed)
        hop, latency = (int(self._deck.words[word]) for word in (HOP, LATENCY))
        self._write(np.zeros((-(-(fed + latency) // hop) * hop - fed, self._kept.shape[1]), np.float32))

    def _expected_samples(self) -> int | None:
        if self._source.samples is None:
            return None
        count = max(0, self._source.samples - self._to_skip)
        count = count if self._left is None else min(count, self._left)
        # As soxr rounds.
        return (2 * count * self._rate_hz + self._source.rate_hz) // (2 * self._source.rate_hz)
