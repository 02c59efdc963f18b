"""The worker between the rings of a deck: takes hops as they come in, has them processed, keeps the deadline or counts.

What arrives in a block of P frames is wanted back, `delay` frames later, by a block of P frames.
With a hop of H frames the delay that leaves the worker one whole period, whatever the phase of blocks
and hops, is max(H, P) where one divides the other and P + H - gcd(P, H) otherwise.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .channels import match_channels
from .exchange import ARMED, DRY_GAIN_WANTED, ENDS_AT, LATENCY, MISSED_HOPS, PLAYED, RESUME_FRAMES, WANTED, Deck
from .live_path import Processor
from .ring import ring_read, ring_release, ring_skip, ring_write
from .scheduling import quiet_collector, raise_priority
from .subnormals import subnormals_as_zero
from .timing import HopTimes

POLL_S = 0.0002
AHEAD_POLL_S = 0.002  # where the worker runs ahead of what is heard
LEAD_SAMPLES = 4096  # how far the worker runs ahead where the input need not be waited for
LONGEST_CATCH_UP_S = 0.1
IDLE_S = 0.05  # no hop for so long: none is expected either


def adaptation_delay(hop_samples: int, period_samples: int) -> int:
    """Frames from a hop's first sample until it may be wanted back, see the module."""
    if hop_samples % period_samples == 0 or period_samples % hop_samples == 0:
        return max(hop_samples, period_samples)
    return hop_samples + period_samples - math.gcd(hop_samples, period_samples)


class Feeder(Protocol):
    """Fills a deck's input ring, where the callback does not."""

    def start(self) -> None:
        """Begin, at position 0 of the ring; the first time with the first sample, later with the one heard last."""
        ...

    def pump(self) -> None:
        """Move what there is to move; called by the worker between hops, must not wait."""
        ...

    def stop(self) -> None:
        """Write nothing any more."""
        ...


class Engine:
    """Runs a processor between a deck's rings, in a thread of its own.

    Args:
        deck: whose callback a stream calls.
        processor: what is done to a hop; warmed up.
        fed: a feeder fills the deck's input ring ahead of time, instead of the callback.
        holds: with `fed`: wait where the feeder has nothing (a file), instead of going on (another device).

    Attributes:
        times: how long hops took.
        latency_samples: frames from input to output, exact; 0 before `arm`.
        skipped_hops: hops that were not even computed, after a stall too long to catch up with.
        error: what ended the worker before its time, else None.
        realtime: whether the system granted the worker real-time scheduling.
        feeder: started and stopped with the worker; None where somebody else fills the ring, or the callback.
        paused: with `holds`: the gate stays shut, and what is heard stands still; see `set_paused`.
    """

    def __init__(self, deck: Deck, processor: Processor, *, fed: bool = False, holds: bool = False) -> None:
        self._deck, self._processor = deck, processor
        self._fed, self._holds = fed, holds
        self.times = HopTimes()
        self.latency_samples, self.skipped_hops, self.period_samples = 0, 0, 0
        self.error: BaseException | None = None
        self.realtime = False
        self.feeder: Feeder | None = None
        self.paused = False
        self._position = self._delay = self._most_behind = 0
        self._jobs: deque[Callable[[], None]] = deque()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._fit(processor)

    def arm(self, period_samples: int, spare_samples: int = 0) -> None:
        """Begin at position 0: the worker starts, the callback opens the gate.

        Args:
            period_samples: the longest block that the stream's callback asks for.
            spare_samples: delay beyond what is needed, for a device whose blocks come unevenly.
        """
        self.disarm()
        processor = self._processor
        hop, self.period_samples = processor.hop_samples, period_samples
        delay = 0 if self._fed and self._holds else adaptation_delay(hop, period_samples) + spare_samples
        self._delay = delay
        self.latency_samples = delay + processor.delay_samples
        self._most_behind = self._reach()
        self._set_dry_gain()
        self._deck.prepare(
            delay=delay,
            latency=self.latency_samples,
            hop=hop,
            rate_hz=processor.rate_hz,
            captures=not self._fed,
            holds=self._holds,
        )
        self._position, self.error = 0, None
        self._warm_up()
        self._stop.clear()
        self._thread = threading.Thread(target=self._work, name="advsep-worker", daemon=True)
        self._thread.start()
        if self.feeder is not None:
            self.feeder.start()
        if self._fed:
            self._await_lead()
        self._deck.words[WANTED] = int(not self.paused)

    def disarm(self, timeout_s: float = 0.5) -> None:
        """Close the gate, then stop the worker; a callback that no longer comes is not waited for longer."""
        self._deck.words[WANTED] = 0
        until_s = time.perf_counter() + timeout_s
        while self._deck.words[ARMED] and time.perf_counter() < until_s:
            time.sleep(0.001)
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._deck.words[ARMED] = 0
        if self.feeder is not None:
            self.feeder.stop()

    def swap(self, processor: Processor) -> None:
        """Go over to another processor; the sound pauses for the gate's time, then goes on at its latency."""
        period_samples = self.period_samples
        self.disarm()
        self._processor = processor
        self._fit(processor)
        self.arm(period_samples)

    def set_paused(self, paused: bool) -> bool:
        """Fade out and stand still, or go on with the next sample; only where it `holds`.

        Returns:
            False where there is not enough to go on with yet: to be asked again.
        """
        self.paused = paused
        if not paused and not self._is_ahead(RESUME_FRAMES):
            return False
        self._deck.words[WANTED] = int(not paused)
        return True

    def take_back(self, keep_until: int = 0) -> int:
        """Forget the input that no hop was made of yet, and its end; only for what `call` calls.

        Args:
            keep_until: position up to which the input stays as it is.

        Returns:
            The position where the input goes on.
        """
        position = max(self._position, keep_until)
        ring_skip(self._deck.inputs.words, position)
        self._deck.words[ENDS_AT] = -1
        return position

    @property
    def taken_samples(self) -> int:
        """How far into the input hops were made of it."""
        return self._position

    def end_at(self, input_samples: int) -> None:
        """The input ends after so many samples: silence from there on, nothing more to miss."""
        self._deck.words[ENDS_AT] = input_samples + int(self._deck.words[LATENCY])

    @property
    def played_samples(self) -> int:
        """How far into the input what is heard now is."""
        return max(0, int(self._deck.words[PLAYED]) - self.latency_samples)

    @property
    def ended(self) -> bool:
        """Whether the last sample has been heard."""
        end = int(self._deck.words[ENDS_AT])
        return end >= 0 and int(self._deck.words[PLAYED]) >= end

    @property
    def misses(self) -> int:
        """Hops that were not there in time, even partly."""
        return self._deck.count(MISSED_HOPS)

    @property
    def load(self) -> float:
        """Share of the time that processing takes."""
        hop_s = self._processor.hop_samples / self._processor.rate_hz
        return self.times.total_s / (self.times.hops * hop_s) if self.times.hops else 0.0

    def call(self, job: Callable[[], None]) -> None:
        """Have the worker do something as soon as no hop is waiting: right after one, where there is most time."""
        self._jobs.append(job)

    def _reach(self) -> int:
        """How far back hops are worth being computed after a stall: as far as windows and plugins reach."""
        hop, rate_hz = self._processor.hop_samples, self._processor.rate_hz
        reach = 2 * (self._processor.delay_samples + hop) + self._delay + hop
        most = min(max(reach, round(LONGEST_CATCH_UP_S * rate_hz)), self._deck.inputs.capacity_frames // 4)
        return most // hop * hop + hop

    def _follow_delay(self) -> None:
        """What plugins add to the delay while sound plays moves where the mixture stands in, and the end."""
        later = self._delay + self._processor.delay_samples - self.latency_samples
        if later:
            self.latency_samples += later
            self._deck.words[LATENCY] = self.latency_samples
            if self._deck.words[ENDS_AT] >= 0:
                self._deck.words[ENDS_AT] += later
            self._most_behind = self._reach()

    def _fit(self, processor: Processor) -> None:
        hop = processor.hop_samples
        ins, outs = self._deck.inputs.data.shape[1], self._deck.outputs.data.shape[1]
        self._captured: NDArray[np.float32] = np.zeros((hop, ins), np.float32)
        self._samples: NDArray[np.float32] = np.zeros((hop, processor.channels), np.float32)
        self._mix: NDArray[np.float32] = np.zeros((hop, processor.channels), np.float32)
        self._played: NDArray[np.float32] = np.zeros((hop, outs), np.float32)

    def _warm_up(self) -> None:
        """Load what moves hops between rings, which would cost the first ones their deadline."""
        hop, scratch = self._processor.hop_samples, Deck(4096, self._captured.shape[1], self._played.shape[1])
        ring_write(scratch.inputs.words, scratch.inputs.data, self._captured)
        ring_read(scratch.inputs.words, scratch.inputs.data, 0, self._captured)
        ring_release(scratch.inputs.words, hop)
        ring_write(scratch.outputs.words, scratch.outputs.data, self._played)
        ring_skip(scratch.outputs.words, 2 * hop)

    def _await_lead(self) -> None:
        """Until the worker is ahead of what will be heard, or the feeder is slower than the clock."""
        until_s = time.perf_counter() + 2.0
        while time.perf_counter() < until_s and self.error is None:
            if self._is_ahead(LEAD_SAMPLES if self._holds else 0):
                return
            time.sleep(0.001)

    def _is_ahead(self, count: int) -> bool:
        """Whether so much more than what was heard, or all there is, can be heard."""
        end, ahead = int(self._deck.words[ENDS_AT]), int(self._deck.words[PLAYED]) + count
        return self._deck.outputs.written >= (ahead if end < 0 else min(ahead, end))

    def _work(self) -> None:
        self.realtime = raise_priority()
        with quiet_collector(), subnormals_as_zero():
            try:
                last_s = time.perf_counter()
                while not self._stop.is_set():
                    if self.feeder is not None:
                        self.feeder.pump()
                    if self._advance():
                        last_s = time.perf_counter()
                        continue
                    if self._jobs and not 0.001 < time.perf_counter() - last_s < IDLE_S:
                        self._jobs.popleft()()
                        self._follow_delay()
                        continue
                    self._rest()
            except BaseException as error:  # handed to whoever watches the engine
                self.error = error

    def _advance(self) -> bool:
        """Process the next hop, if it is there."""
        deck, processor, hop = self._deck, self._processor, self._processor.hop_samples
        behind = deck.inputs.written - self._position
        if behind < hop or (self._holds and deck.outputs.written - int(deck.words[PLAYED]) >= LEAD_SAMPLES):
            return False
        if behind > self._most_behind and not self._holds:
            self._skip((behind - self._most_behind) // hop * hop + hop)
        if not ring_read(deck.inputs.words, deck.inputs.data, self._position, self._captured):
            return True  # overtaken while it read: the next round skips
        began_s = time.perf_counter()
        match_channels(self._captured, self._samples)
        processor.process(self._samples, self._mix)
        match_channels(self._mix, self._played)
        self._set_dry_gain()
        ring_write(deck.outputs.words, deck.outputs.data, self._played)
        self._position += hop
        ring_release(deck.inputs.words, self._position - deck.inputs.capacity_frames // 2)
        self.times.add(time.perf_counter() - began_s)
        return True

    def _skip(self, count: int) -> None:
        """Leave out what was missed too long ago: those positions have been heard without us."""
        self._processor.skip(count)
        self._position += count
        ring_skip(self._deck.outputs.words, self._deck.outputs.written + count)
        self.skipped_hops += count // self._processor.hop_samples

    def _set_dry_gain(self) -> None:
        # The mixture is not kept for longer than the ring.
        is_kept = self.latency_samples + self._most_behind <= self._deck.inputs.capacity_frames // 2
        self._deck.levels[DRY_GAIN_WANTED] = self._processor.dry_gain if is_kept else 0.0

    def _rest(self) -> None:
        """Sleep until shortly before the block that completes the next hop may come."""
        if self._holds:
            time.sleep(AHEAD_POLL_S)
            return
        missing = self._processor.hop_samples - (self._deck.inputs.written - self._position)
        blocks_before = (missing - 1) // max(1, self.period_samples)
        whole_s = 0.0 if self._fed else 0.8 * blocks_before * self.period_samples / self._processor.rate_hz
        time.sleep(max(POLL_S, whole_s))
