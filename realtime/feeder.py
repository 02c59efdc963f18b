"""A source that need not be waited for, played through the engine: read, brought to the device's rate, fed to the ring.

The feeder never writes more than the ring has room for, and the callback pauses where the feeder has
nothing, so every sample of the source is heard, once. What was fed but not heard when the engine
stopped is fed again first when it goes on: neither a pause nor another model loses a sample.

A jump takes back what no hop was made of yet, and fades from it into what comes before the new place. Separator and
rack never notice more than a cut in the music: nothing of theirs is reset, and tails of plugins ring on.
"""

from __future__ import annotations

import contextlib
import math
import threading

import numpy as np
from numpy.typing import NDArray

from .errors import AdvsepError
from .exchange import HOP, LATENCY, Deck
from .jump import Jump, Listener
from .places import Places
from .reel import BLOCK_S, Reel
from .ring import ring_read, ring_room, ring_write
from .source import Source
from .tape import Loop, cross_fade, fade_samples
from .tune import AS_IT_IS, Tune
from .tuned_reel import TunedReel

SPLICE_S = 0.15  # how far ahead of what is taken the tune changes: longer than it takes to get there


class SourceFeeder:
    """Reads a source in a thread of its own and fills the input ring of a deck whose engine is `fed` and `holds`.

    Give it to the engine (`engine.feeder = feeder`), which starts it when the ring is empty, and stops it.

    Args:
        source: read from where it is; to be closed by whoever opened it, once the engine is disarmed.
        deck: whose input ring is filled.
        rate_hz: of the deck.
        engine: takes it, and is told where it ends.
        begin_s: how much of the source to leave out first.
        longest_s: how much sound to give at most; None: all.
        loop: of a source that can seek.
        tune: tempo and key of a source that can seek.

    Attributes:
        error: what ended the input before its time, such as a damaged file, else None.
        length_samples: how much is played in all, at the deck's rate, if nobody jumps; None while that is not known.
    """

    def __init__(
        self,
        source: Source,
        deck: Deck,
        rate_hz: int,
        engine: Listener,
        *,
        begin_s: float = 0.0,
        longest_s: float | None = None,
        loop: Loop | None = None,
        tune: Tune = AS_IT_IS,
    ) -> None:
        self.error: Exception | None = None
        self._source, self._deck, self._rate_hz, self._engine = source, deck, rate_hz, engine
        self._longest = None if longest_s is None else round(longest_s * rate_hz)
        # What could not be written, or was not heard, before the last stop.
        self._kept: NDArray[np.float32] = np.zeros((0, deck.inputs.data.shape[1]), np.float32)
        self._heard_before = 0
        self._end: int | None = None
        place = round(begin_s * source.rate_hz)
        if loop is not None and loop.end - fade_samples(source.rate_hz) < place < loop.end:
            place = loop.begin  # too late for a seam
        self._tune = tune
        self._places = Places(place, self._pace(tune))
        self._reel, self._reel_at = self._reel_from(place, loop, tune), 0
        self._reel.ended = self._longest == 0
        self._end_place = self._expected_end(0, place)
        self.length_samples = self._expected_samples(place)
        self._asked: Jump | None = None
        self._landing: Jump | None = None
        self._asking = threading.Lock()
        self._stop, self._wake = False, threading.Event()
        self._run = 0
        self._thread: threading.Thread | None = None

    @property
    def ended(self) -> bool:
        """Whether all of the source is in the ring; `Engine.ended` says when it has been heard."""
        return self._end is not None

    @property
    def played_samples(self) -> int:
        """How much has been heard, at the deck's rate, over all starts."""
        return self._heard_before + (0 if self._thread is None else self._heard_samples())

    @property
    def position_s(self) -> float:
        """The place in the source that is heard now."""
        heard = 0 if self._thread is None else self._heard_samples()
        place, end_s = self._places.at(heard), self.end_s
        return place / self._source.rate_hz if end_s is None else min(place / self._source.rate_hz, end_s)

    def place_s(self, position: float) -> float:
        """The place in the source at a position of the ring."""
        return self._places.at(position) / self._source.rate_hz

    @property
    def end_s(self) -> float | None:
        """The last place in the source that is heard, loops aside; None while that is not known."""
        place = self._end_place if self._end is None else self._places.at(self._end)
        return None if place is None else place / self._source.rate_hz

    def jump(self, place: int | None, loop: Loop | None, tune: Tune | None = None) -> Jump:
        """Have another place, loop or tune heard; of several on their way to be taken up the last one is.

        Args:
            place: sample of the source, which must be able to seek; None: stay.
            loop: from then on.
            tune: from then on; None: as before.
        """
        with self._asking:
            if place is None and self._asked is not None:
                place = self._asked.place
            if tune is None:
                tune = self._tune if self._asked is None else self._asked.tune
            self._asked = jump = Jump(place, loop, tune)
            self._wake.set()
        return jump

    def has_landed(self, jump: Jump) -> bool:
        """Whether its place is heard."""
        return self._thread is not None and jump.lands_at is not None and self._heard_samples() >= jump.lands_at

    def start(self) -> None:
        """See `Feeder.start`."""
        self._end, self._stop = None, False
        self._wake.clear()
        self._run += 1
        self._thread = threading.Thread(target=self._work, name="advsep-feeder", daemon=True)
        self._thread.start()

    def pump(self) -> None:
        """See `Feeder.pump`: a source may have to be waited for, so a thread of its own moves its samples."""

    def stop(self) -> None:
        """See `Feeder.stop`."""
        if self._thread is None:
            return
        self._stop = True
        self._wake.set()
        self._thread.join()
        heard = self._heard_samples()
        self._kept = np.concatenate([self._unheard(heard), self._kept])
        self._heard_before, self._thread = self._heard_before + heard, None
        self._places.move(-heard)
        self._reel_at -= heard
        self._end = None if self._end is None else self._end - heard
        if self._landing is not None and self._landing.lands_at is not None:
            self._landing.lands_at -= heard

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
        while not self._stop:
            if (jump := self._take_asked()) is not None:
                self._go(jump)
            elif len(self._kept):
                self._kept = self._write(self._kept)
            elif not self._reel.ended:
                self._step()
            elif self._end is None:
                self._finish()
            else:
                self._wake.wait()

    def _take_asked(self) -> Jump | None:
        with self._asking:
            jump, self._asked = self._asked, None
            if jump is not None:
                self._wake.clear()
        return jump

    def _within_longest(self, block: NDArray[np.float32], position: int) -> NDArray[np.float32]:
        """What of a block for that position of the ring is still to be heard."""
        left = self._left(position)
        if left is None:
            return block
        self._reel.ended = self._reel.ended or len(block) >= left
        return block[:left]

    def _left(self, position: int) -> int | None:
        """How much is still to be heard from a position of the ring on; None: all there is."""
        return None if self._longest is None else max(0, self._longest - self._heard_before - position)

    def _write(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Into the ring, as it has room; returns what a stop or a jump left over."""
        inputs = self._deck.inputs
        pause_s = min(BLOCK_S / 2, inputs.capacity_frames / 8 / self._rate_hz)
        while len(block) and not self._stop and self._asked is None:
            count = min(len(block), ring_room(inputs.words, inputs.data))
            if count:
                ring_write(inputs.words, inputs.data, block[:count])
                block = block[count:]
            else:
                self._wake.wait(pause_s)
        return block

    def _finish(self) -> None:
        """Say where the input ends, then push its last hop out."""
        fed = self._deck.inputs.written
        self._end, self.length_samples = fed, self._heard_before + fed
        self._engine.end_at(fed)
        hop, latency = (int(self._deck.words[word]) for word in (HOP, LATENCY))
        self._write(np.zeros((-(-(fed + latency) // hop) * hop - fed, self._kept.shape[1]), np.float32))

    def _step(self) -> None:
        """The reel's next block, to be written."""
        try:
            block = self._reel.read()
        except Exception as error:  # handed to whoever watches the feeder; what was read until then is played
            self.error, self._reel.ended = error, True
            return
        self._kept = self._within_longest(block, self._deck.inputs.written)
        self._mark_turns()

    def _go(self, jump: Jump) -> None:
        """Jump, or stay and say why, or leave it for the next start."""
        stays_from, reel = self._reel_for(jump)
        seam = fade_samples(self._rate_hz)
        try:
            fresh = reel.gather(self._kept[:0], seam + round(SPLICE_S * self._rate_hz), lambda: self._stop)
        except AdvsepError as error:
            jump.error = str(error)
            self._reel.lose_place()
            return
        spliced = self._splice(fresh, stays_from)
        if spliced is None:
            self._reel.lose_place()
            with self._asking:
                self._asked = self._asked or jump
            return
        at, old = spliced
        late = 0 if stays_from is None else at - stays_from
        self._reel, self._reel_at, self._end, self._tune = reel, at - late, None, jump.tune
        self._places.cut(at - late, reel.first_place, self._heard_samples(), self._pace(jump.tune))
        self._end_place = self._expected_end(at, self._places.at(at))
        if old is None:  # the worker put it there
            self._kept = self._kept[:0]
            self._within_longest(fresh[late:], at)
        else:
            with contextlib.suppress(AdvsepError):  # the next block says so
                fresh = reel.gather(fresh, late + seam, lambda: self._stop)
            self._kept = self._within_longest(_faded(old, fresh[late:]), at)
        self._mark_turns()
        jump.lands_at = at + (seam if stays_from is None else 0)
        self._landing = jump

    def _reel_for(self, jump: Jump) -> tuple[int | None, Reel | TunedReel]:
        """Where a jump leads, and the position that the reel's first sample belongs to; None: wherever it is put."""
        seam, target = fade_samples(self._source.rate_hz), jump.place
        if target is None:
            stays_from = self._engine.taken_samples
            if jump.tune != self._tune:
                latest = self._fed_samples() - fade_samples(self._rate_hz)  # there must be something to fade from
                stays_from = max(stays_from, min(stays_from + round(SPLICE_S * self._rate_hz), latest))
            place = round(self._places.at(stays_from))
            if jump.loop is None or place <= jump.loop.end - seam:
                return stays_from, self._reel_from(place, jump.loop, jump.tune)
            target = jump.loop.begin
        return None, self._reel_from(target - round(seam * jump.tune.tempo), jump.loop, jump.tune)

    def _reel_from(self, place: int, loop: Loop | None, tune: Tune) -> Reel | TunedReel:
        if tune.is_neutral:
            return Reel(self._source, place, loop, self._rate_hz, self._kept.shape[1])
        return TunedReel(self._source, place, loop, self._rate_hz, self._kept.shape[1], tune)

    def _pace(self, tune: Tune) -> float:
        """Samples of the source a sample."""
        return tune.tempo * self._source.rate_hz / self._rate_hz

    def _splice(
        self, fresh: NDArray[np.float32], stays_from: int | None
    ) -> tuple[int, NDArray[np.float32] | None] | None:
        """Have the worker leave alone what it has not begun with, and go over to what is there instead.

        Args:
            fresh: what comes from `stays_from` on; None: from wherever it is put.
            stays_from: up to there the input stays as it is.

        Returns:
            The position where the input is another, and what would have come there, or None for it where `fresh`
            was put there already, which is so unless it came too late; None: the worker has ended.
        """
        inputs, run, done = self._deck.inputs, self._run, threading.Event()
        old = np.zeros((fade_samples(self._rate_hz), inputs.data.shape[1]), np.float32)
        spliced: list[tuple[int, NDArray[np.float32] | None]] = []

        def splice() -> None:
            if run != self._run:  # of a feeder that was stopped before its turn came
                return
            begin = max(self._engine.taken_samples, stays_from or 0)
            ring_read(inputs.words, inputs.data, begin, old[: min(len(old), inputs.written - begin)])
            at = self._engine.take_back(stays_from or 0)
            rest = fresh[0 if stays_from is None else at - stays_from :]
            if len(rest) < len(old):
                spliced.append((at, old))
            else:
                # At once: whoever takes must not find nothing there.
                ring_write(inputs.words, inputs.data, _faded(old, rest)[: self._left(at)])
                spliced.append((at, None))
            done.set()

        self._engine.call(splice)
        while not done.wait(BLOCK_S):
            if self._stop:
                return None
        return spliced[0]

    def _mark_turns(self) -> None:
        for given, place in self._reel.turns:
            self._places.cut(self._reel_at + given, place, self._heard_samples())
        self._reel.turns.clear()

    def _expected_end(self, at: int, place: float) -> float | None:
        """The last place that is heard where one lies at a position."""
        if self._source.samples is None:
            return None
        left = self._left(at)
        left = math.inf if left is None else left
        return max(place, min(self._source.samples, place + left * self._pace(self._tune)))

    def _expected_samples(self, place: int) -> int | None:
        if self._source.samples is None:
            return None
        count = max(0, self._source.samples - place)
        # As soxr rounds.
        converted = (2 * count * self._rate_hz + self._source.rate_hz) // (2 * self._source.rate_hz)
        converted = round(converted / self._tune.tempo)
        return converted if self._longest is None else min(converted, self._longest)


def _faded(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
    """What comes after, its begin faded into from what came before; silence where it is shorter."""
    after = np.pad(after, ((0, max(0, len(before) - len(after))), (0, 0)))
    after[: len(before)] = cross_fade(before, after[: len(before)])
    return after
