"""Plugins for the tests of the validator: three good ones, and many that break one rule each."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from typing import Any, ClassVar

import numpy as np
from advsep.realtime.jit import jit
from advsep.realtime.parameter import Parameter
from advsep.realtime.plugin import Plugin
from numpy.typing import NDArray

Samples = NDArray[np.float32]


class Gain(Plugin):
    """Makes it louder or quieter."""

    parameters = (
        Parameter(name="gain_db", default=0.0, lowest=-60.0, highest=12.0, unit="dB", help="Level."),
        Parameter.switch("inverts", False, help="Turns the polarity round."),
    )

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        self._ramp = np.repeat(np.arange(1, max_block + 1, dtype=np.float32)[:, None], channels, 1)
        self._gains = np.empty_like(self._ramp)

    def process(self, block: Samples) -> None:
        begin, end = (10 ** (db / 20) for db in self.moves("gain_db"))
        gains = self._gains[: len(block)]
        np.multiply(self._ramp[: len(block)], (end - begin) / len(block), out=gains)
        gains += np.float32(begin)
        np.multiply(block, gains, out=block)
        if self.value("inverts"):
            np.negative(block, out=block)


class Late(Plugin):
    """Delays, and says so."""

    delay_samples: ClassVar[int] = 441
    latency_samples = 441

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        self._past = np.zeros((self.delay_samples + max_block, channels), np.float32)
        self._moved = np.zeros_like(self._past)

    def process(self, block: Samples) -> None:
        """The past is kept in order, the newest frame last."""
        count, past, moved = len(block), self._past, self._moved
        moved[:-count] = past[count:]
        moved[-count:] = block
        past[:] = moved
        block[:] = past[len(past) - count - self.delay_samples : len(past) - self.delay_samples]

    def reset(self) -> None:
        self._past.fill(0.0)


class LowPass(Plugin):
    """One pole, whose cutoff moves."""

    parameters = (
        Parameter(
            name="cutoff_hz",
            default=1000.0,
            lowest=100.0,
            highest=3000.0,
            unit="Hz",
            taper="log",
            help="Upper end.",
        ),
    )
    tail_samples = 0

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        self._rate_hz = rate_hz
        self._last = np.zeros(channels)
        self.tail_samples = int(rate_hz * 0.02) + 20

    def process(self, block: Samples) -> None:
        begin, end = (1 - math.exp(-2 * math.pi * hz / self._rate_hz) for hz in self.moves("cutoff_hz"))
        _low_pass(block, self._last, begin, end)

    def reset(self) -> None:
        self._last.fill(0.0)


@jit
def _low_pass(block: Samples, last: NDArray[np.float64], begin: float, end: float) -> None:
    for i in range(block.shape[0]):
        share = begin + (end - begin) * (i + 1) / block.shape[0]
        for c in range(block.shape[1]):
            last[c] += share * (block[i, c] - last[c])
            block[i, c] = last[c]


class LinearPhase(Plugin):
    """A symmetric filter: it rings before its latency, and after it."""

    taps = np.hanning(33).astype(np.float32) * np.sinc(np.arange(-16, 17) / 8).astype(np.float32) / 8
    latency_samples = 16
    tail_samples = 16

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        self._past = np.zeros((len(self.taps), channels), np.float32)
        self.process(np.zeros((1, channels), np.float32))

    def process(self, block: Samples) -> None:
        _convolve(block, self._past, self.taps)

    def reset(self) -> None:
        self._past.fill(0.0)


class WetEcho(Late):
    """An echo without the sound itself: not late, only its answer is."""

    latency_samples = 0
    tail_samples = 441 * 2

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        super().prepare(rate_hz, max_block, channels)
        self._filter = np.zeros((33, channels), np.float32)
        self._taps = np.array([1, -1, 1, 1, -1, 1, -1, -1, 1, *[0] * 24], np.float32) / np.float32(3)

    def process(self, block: Samples) -> None:
        super().process(block)
        _convolve(block, self._filter, self._taps)

    def reset(self) -> None:
        super().reset()
        self._filter.fill(0.0)


@jit
def _convolve(block: Samples, past: Samples, taps: Samples) -> None:
    """The newest frame of `past` comes first."""
    for i in range(block.shape[0]):
        for c in range(block.shape[1]):
            for k in range(len(taps) - 1, 0, -1):
                past[k, c] = past[k - 1, c]
            past[0, c] = block[i, c]
            total = np.float32(0)
            for k in range(len(taps)):
                total += taps[k] * past[k, c]
            block[i, c] = total


class OneLater(Late):
    """Comes out a sample later than it says."""

    delay_samples = 442


class OneEarlier(LinearPhase):
    """A filter that answers a sample before it says, of which no copy is clear."""

    taps = np.array([0, 0, 0, 0, 0, 0, 0, *[1, -1, 1, 1, -1, 1, -1, -1, 1], *[0] * 17], np.float32) / np.float32(3)
    latency_samples = 8
    tail_samples = 16


class Unwritten(Plugin):
    """Has no prepare."""

    def process(self, block: Samples) -> None:
        pass


class NaN(Gain):
    """Divides by zero in long blocks."""

    def process(self, block: Samples) -> None:
        if len(block) == 65:
            block[3, 0] = np.nan


class Raises(Gain):
    """Raises in mono."""

    def process(self, block: Samples) -> None:
        if block.shape[1] == 1:
            raise RuntimeError("no luck")


class Leaves(Gain):
    """Ends the program at the second second."""

    def process(self, block: Samples) -> None:
        sys.exit(3)


class Crashes(Gain):
    """Ends the process without a word, in mono."""

    def process(self, block: Samples) -> None:
        if block.shape[1] == 1:
            os._exit(7)


class Faults(Gain):
    """Reads where nothing is, in mono."""

    def process(self, block: Samples) -> None:
        if block.shape[1] == 1:
            import ctypes

            ctypes.string_at(0)


class Hangs(Gain):
    """Waits for ever, in mono."""

    def process(self, block: Samples) -> None:
        if block.shape[1] == 1:
            while True:
                time.sleep(0.01)


class Prints(Gain):
    """Says what it does, in Python's way and past Python."""

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        super().prepare(rate_hz, max_block, channels)
        print("preparing")
        os.write(1, b"deeper\n")


class Returns(Gain):
    """Gives back a shorter block."""

    def process(self, block: Samples) -> Any:
        return block[:-1].copy()


class Reshapes(Gain):
    """Makes its block another one."""

    def process(self, block: Samples) -> None:
        block.shape = (block.shape[1], block.shape[0])


class Oversteps(Gain):
    """Writes a frame that is not its own."""

    def process(self, block: Samples) -> None:
        np.lib.stride_tricks.as_strided(block, (len(block) + 1, block.shape[1]))[-1] = 0


class Remembers(Late):
    """Does not forget."""

    def reset(self) -> None:
        pass


class OutOfRange(Gain):
    """Turns itself up."""

    def process(self, block: Samples) -> None:
        if self.value("gain_db") == 12:
            self.values.end[0] = 99.0


class TakesAll(Gain):
    """Sets whatever it is told to."""

    def set(self, name: str, value: Any) -> None:
        if name in self.values.places and not isinstance(value, str):
            self.values.targets[self.values.places[name]] = value
        else:
            super().set(name, value)


class ByBlocks(Plugin):
    """Turns each block's first frame down."""

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        pass

    def process(self, block: Samples) -> None:
        block[0] *= np.float32(0.5)


class Clicks(Gain):
    """Its gain jumps."""

    def process(self, block: Samples) -> None:
        block *= np.float32(10 ** (self.values.target("gain_db") / 20))


class Explodes(Gain):
    """Gives infinity while its gain rests between -20 and -10 dB."""

    def process(self, block: Samples) -> None:
        begin, end = self.moves("gain_db")
        if begin == end and -20 < end < -10:
            block.fill(np.inf)


class TailOfNone(LowPass):
    """Rings for a second, and says that it does not."""

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        super().prepare(rate_hz, max_block, channels)
        self._rate_hz *= 300
        self.tail_samples = 0


class KeepsNaN(LowPass):
    """Its reset multiplies by zero."""

    def reset(self) -> None:
        self._last *= 0


class Stateful(Gain):
    """Gives a state that it does not take up."""

    def state(self) -> dict[str, Any]:
        return {"gain": 2.0}


class Allocates(Gain):
    """Copies each block."""

    def process(self, block: Samples) -> None:
        block[:] = block.copy() + np.float32(0.0)


class Hoards(Gain):
    """Keeps a number of each block."""

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        super().prepare(rate_hz, max_block, channels)
        self._levels: list[float] = []

    def process(self, block: Samples) -> None:
        self._levels.append(float(block[0, 0]))


class LeavesThread(Gain):
    """Its thread goes on after close."""

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        super().prepare(rate_hz, max_block, channels)
        threading.Thread(target=time.sleep, args=(30,), name="left-over", daemon=True).start()


class Dear(Gain):
    """Takes two milliseconds a block."""

    def process(self, block: Samples) -> None:
        if len(block) == 128:
            time.sleep(0.002)


class Shares(Plugin):
    """All its instances have one past."""

    last: ClassVar[Samples] = np.zeros(2, np.float32)
    tail_samples = 1

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        self.reset()

    def process(self, block: Samples) -> None:
        _add_last(block, self.last)

    def reset(self) -> None:
        self.last.fill(0.0)


class RemembersInUse(Plugin):
    """At its default it does nothing; otherwise it does not forget."""

    parameters = (Parameter(name="amount", default=0.0, help="Share of the last frame."),)
    tail_samples = 1

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        self._last = np.zeros(channels, np.float32)

    def process(self, block: Samples) -> None:
        if self.value("amount") > 0:
            _add_last(block, self._last)


class SharesByTurns(Shares):
    """The one that plays takes the past over, cleared: alone it is as it should be."""

    last = np.zeros(2, np.float32)
    owner: ClassVar[Plugin | None] = None

    def process(self, block: Samples) -> None:
        if SharesByTurns.owner is not self:
            self.reset()
        super().process(block)

    def reset(self) -> None:
        super().reset()
        SharesByTurns.owner = self


@jit
def _add_last(block: Samples, last: Samples) -> None:
    for i in range(block.shape[0]):
        for c in range(block.shape[1]):
            now = block[i, c]
            block[i, c] += last[c]
            last[c] = now


class Writes(Gain):
    """Leaves a file where it is called."""

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        super().prepare(rate_hz, max_block, channels)
        with open("left-over.txt", "w", encoding="utf-8") as file:
            file.write("sound")


no_plugin = 3
