"""Two devices, two clocks: what one captures is brought to the pace of the other, always equally late.

No two sound cards agree on what a second is: at 300 ppm they are a second apart after an hour. The
bridge measures how far what was captured runs ahead of what is played, and steers a resampler of
variable ratio so that this stays as it is. The loop is slow, and the ratio glides from one value to
the next, so that no change of pitch is heard.

Counts of frames move by whole blocks. Between blocks positions are carried on by the time since the
last one, else the loop would follow the beat of the two devices' blocks instead of their clocks.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import soxr
from numpy.typing import NDArray

from .channels import match_channels
from .exchange import ARMED, FADE_FRAMES, GATE_S, LONGEST_BLOCK, PLAYED, WANTED, Deck
from .ring import ring_read, ring_write

SPARE_S = 0.003  # how late a block may be noticed
LOST_S = 0.010  # a latency so far off is not steered back but set anew
FASTEST = 1e-3  # most that the ratio departs from the nominal one
# The loop's pace, critically damped: at first a step of 300 ppm moves the latency by 0.4 ms before it is back;
# what was found out about the clocks is held on to ever longer.
FIRST_RAD_S, LATER_RAD_S, FIRST_LASTS_S = 0.3, 0.05, 10.0
SMOOTHING_RAD = 0.1  # times the inverse pace: against the jitter of when blocks are noticed
LONGEST_STEP_S = 0.1
STEER_S = 0.02  # from one ratio to the next
BLOCK_FRAMES = 4096  # resampled at once, at most
SETTLING_S = 0.1  # until a device's clock is believed


class DriftBridge:
    """A `Feeder` of an engine that is `fed` but does not hold: from a capture device's deck to that of a playback one.

    Both streams run by themselves; the engine's worker pumps. While nothing is captured the engine
    hears silence, and begins anew once something is.

    Args:
        captured: deck of the capture device, whose stream has no output.
        played: deck of the engine, whose stream has no input.
        captured_hz: nominal rate of the capture device.
        played_hz: nominal rate of the playback device.
        spare_s: how late a block of either device may be noticed.
        clock: seconds; for tests.

    Attributes:
        latency_samples: from capture to the engine's input, at `played_hz`; kept within 1 ms of this. Set when
            capture begins, for it depends on the device's blocks.
        begun: how often capture began.
        underruns: how often it ended because nothing came in time.
        overruns: how often because too much came, or the worker took too long to fetch it.
    """

    def __init__(
        self,
        captured: Deck,
        played: Deck,
        captured_hz: int,
        played_hz: int,
        *,
        spare_s: float = SPARE_S,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.latency_samples = self.begun = self.underruns = self.overruns = 0
        self._captured, self._played, self._clock = captured, played, clock
        self._captured_hz, self._played_hz = captured_hz, played_hz
        self._spare_samples, self._fade_in_samples = spare_s * played_hz, round(GATE_S * played_hz)
        ins, outs = captured.inputs.data.shape[1], played.inputs.data.shape[1]
        self._loop = RatioLoop(captured_hz / played_hz, played_hz)
        self._stream = soxr.ResampleStream(captured_hz / played_hz * (1 + 2 * FASTEST), 1, ins, "float32", vr=True)
        self._held_samples = self._measure_held()
        self._block: NDArray[np.float32] = np.zeros((BLOCK_FRAMES, ins), np.float32)
        self._silence: NDArray[np.float32] = np.zeros((BLOCK_FRAMES, outs), np.float32)
        self._last: NDArray[np.float32] = np.zeros(outs, np.float32)
        self._running, self._fetched, self._faded = False, 0, 0
        self._capture_clock = _Position(captured, captured_hz)
        self._play_clock = _Position(played, played_hz)

    @property
    def drift_ppm(self) -> float:
        """By how much the capture device is found to be faster than the playback one, in millionths."""
        return 1e6 * self._loop.found

    def start(self) -> None:
        """See `Feeder.start`."""
        words = self._captured.words
        if words[WANTED] == 0 and words[ARMED] == 0:
            self._captured.prepare(
                delay=0, latency=0, hop=BLOCK_FRAMES, rate_hz=self._captured_hz, captures=True, holds=False
            )
        words[WANTED] = 1
        self._last.fill(0.0)
        self._wait_for_capture()

    def stop(self) -> None:
        """See `Feeder.stop`; the capture device's stream goes on into its ring."""
        self._running = False

    def pump(self) -> None:
        """See `Feeder.pump`."""
        now_s = self._clock()
        captured, played = self._captured.inputs.written, int(self._played.words[PLAYED])
        self._capture_clock.notice(captured, now_s)
        self._play_clock.notice(played, now_s)
        if self._running and captured > self._fetched:
            self._fetch(captured)
        if self._running and self._played.inputs.written < played:
            self.underruns += 1
            self._interrupt()
        if self._running:
            self._steer(now_s)
        else:
            self._idle(now_s)

    def _fetch(self, captured: int) -> None:
        """Everything that was captured, through the resampler."""
        while self._fetched < captured:
            block = self._block[: min(BLOCK_FRAMES, captured - self._fetched)]
            if not ring_read(self._captured.inputs.words, self._captured.inputs.data, self._fetched, block):
                self.overruns += 1
                self._interrupt()
                return
            self._fetched += len(block)
            converted = self._stream.resample_chunk(block)
            if len(converted):
                self._feed(converted)

    def _feed(self, block: NDArray[np.float32]) -> None:
        if block.shape[1] != len(self._last):
            fitting = np.empty((len(block), len(self._last)), np.float32)
            match_channels(block, fitting)
            block = fitting
        whole = self._fade_in_samples
        if self._faded < whole:
            count = min(whole - self._faded, len(block))
            block[:count] *= (np.arange(self._faded, self._faded + count, dtype=np.float32) / whole)[:, None]
            self._faded += count
        self._last[:] = block[-1]
        ring_write(self._played.inputs.words, self._played.inputs.data, block)

    def _steer(self, now_s: float) -> None:
        """Compare where the latency is with where it should be; from time to time, change the ratio."""
        error = self._ahead(now_s) - self.latency_samples
        ratio = self._loop.step(error, now_s)
        if abs(self._loop.error) > LOST_S * self._played_hz:
            self.overruns, self.underruns = self.overruns + (error > 0), self.underruns + (error <= 0)
            self._interrupt()
        elif ratio is not None:
            self._stream.set_io_ratio(ratio, 1, round(STEER_S * self._captured_hz))

    def _ahead(self, now_s: float) -> float:
        """By how many samples what is captured now will be later in the engine's input than what is played now."""
        to_come = self._capture_clock.at(now_s) - self._fetched
        fed = self._played.inputs.written + self._held_samples
        return fed + to_come / self._loop.nominal - self._play_clock.at(now_s)

    def _interrupt(self) -> None:
        """What sounded last fades out; then silence, until capture is found running."""
        ramp = np.linspace(1, 0, FADE_FRAMES, endpoint=False).astype(np.float32)
        ring_write(self._played.inputs.words, self._played.inputs.data, ramp[:, None] * self._last)
        self._wait_for_capture()

    def _wait_for_capture(self) -> None:
        self._running = False
        self._capture_clock.doubt()
        self._play_clock.doubt()

    def _idle(self, now_s: float) -> None:
        """Silence up to what the engine is about to need; begin where both clocks run."""
        played = self._play_clock.at(now_s)
        self._fill_up(math.ceil(played + self._spare_samples))
        if self._capture_clock.runs(now_s) and self._play_clock.runs(now_s):
            self._begin(now_s)

    def _begin(self, now_s: float) -> None:
        """From the next captured frame on, so that it comes as late as all that follow."""
        nominal = self._loop.nominal
        longest = int(self._captured.words[LONGEST_BLOCK])
        self.latency_samples = math.ceil(longest / nominal + self._held_samples + self._spare_samples)
        self._fetched = self._captured.inputs.written
        since = (self._capture_clock.at(now_s) - self._fetched) / nominal
        first = round(self._play_clock.at(now_s) + self.latency_samples - since)
        if first < self._played.inputs.written:
            return  # silence was fed too far ahead: the next time
        self._fill_up(first)
        self._stream.clear()
        self._stream.set_io_ratio(self._loop.resume(now_s), 1, 0)
        self._faded, self._running, self.begun = 0, True, self.begun + 1

    def _fill_up(self, position: int) -> None:
        while (missing := position - self._played.inputs.written) > 0:
            block = self._silence[: min(missing, BLOCK_FRAMES)]
            ring_write(self._played.inputs.words, self._played.inputs.data, block)

    def _measure_held(self) -> float:
        """How many samples of output the resampler owes for what it was given; the same at all ratios near by."""
        nominal = self._loop.nominal
        self._stream.set_io_ratio(nominal, 1, 0)
        silence = np.zeros((64, self._captured.inputs.data.shape[1]), np.float32)
        given, owed = 0.0, 0.0
        calls = 400
        for call in range(calls):
            given += len(silence) / nominal - len(self._stream.resample_chunk(silence))
            owed += given if call >= calls // 2 else 0.0
        self._stream.clear()
        return owed / (calls - calls // 2)


class RatioLoop:
    """From an error in samples to a ratio: proportional and integral, critically damped, smoothed.

    Args:
        nominal: samples in for a sample out where the clocks agree.
        rate_hz: of what comes out.

    Attributes:
        nominal: as given.
        error: smoothed, in samples.
        found: departure of the ratio from the nominal one that keeps the error at zero.
    """

    def __init__(self, nominal: float, rate_hz: int) -> None:
        self.nominal, self.error, self.found = nominal, 0.0, 0.0
        self._rate_hz, self._resumed_s, self._stepped_s = rate_hz, 0.0, 0.0
        self._sum, self._count = 0.0, 0

    def resume(self, now_s: float) -> float:
        """Begin at error zero with what was found before; returns the ratio."""
        self.error, self._sum, self._count = 0.0, 0.0, 0
        self._resumed_s = self._stepped_s = now_s
        return self.nominal * (1 + self.found)

    def step(self, error_samples: float, now_s: float) -> float | None:
        """Take in what is measured; returns a new ratio every `STEER_S`."""
        self._sum, self._count = self._sum + error_samples, self._count + 1
        passed_s = now_s - self._stepped_s
        if passed_s < STEER_S:
            return None
        passed_s = min(passed_s, LONGEST_STEP_S)
        running_s = max(now_s - self._resumed_s, FIRST_LASTS_S)
        pace = max(LATER_RAD_S, FIRST_RAD_S * FIRST_LASTS_S / running_s)
        self.error += (self._sum / self._count - self.error) * (1 - math.exp(-passed_s * pace / SMOOTHING_RAD))
        self._sum, self._count, self._stepped_s = 0.0, 0, now_s
        found = self.found + pace**2 * self.error * passed_s / self._rate_hz
        self.found = min(max(found, -FASTEST), FASTEST)
        departure = self.found + 2 * pace * self.error / self._rate_hz
        return self.nominal * (1 + min(max(departure, -FASTEST), FASTEST))


class _Position:
    """A device's count of frames, carried on between its blocks.

    A block is never noticed before it came, often later: what is carried on is the earliest that was seen.
    """

    def __init__(self, deck: Deck, rate_hz: int) -> None:
        self._words, self._rate_hz = deck.words, rate_hz
        self._count, self._came_s = 0, -math.inf
        self._blocks, self._since_s = -1, 0.0

    def notice(self, count: int, now_s: float) -> None:
        if count == self._count:
            return
        expected_s = self._came_s + (count - self._count) / self._rate_hz * (1 + 2 * FASTEST)
        self._came_s = min(now_s, expected_s) if now_s - expected_s < LOST_S else now_s
        self._count = count
        self._blocks += 1
        if self._blocks == 0:
            self._since_s = now_s

    def at(self, now_s: float) -> float:
        return self._count + min((now_s - self._came_s) * self._rate_hz, self._most)

    def doubt(self) -> None:
        """Something was wrong: look at it for a while."""
        self._blocks, self._came_s = -1, -math.inf

    def runs(self, now_s: float) -> bool:
        """Whether blocks come, and long enough to know when."""
        late = (now_s - self._came_s) * self._rate_hz > self._most
        return self._blocks > 0 and not late and now_s - self._since_s > SETTLING_S

    @property
    def _most(self) -> int:
        return 2 * int(self._words[LONGEST_BLOCK])
