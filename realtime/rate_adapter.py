"""A processor at a rate that it does not know: resampled there and back, always equally late.

soxr has two engines. The one for constant ratios works in the frequency domain, block by block: its
delay is 19 ms each way at 96 kHz (9.8 ms at the lowest quality) and it gives nothing for a while,
then a lot. The one for variable ratios, here at a constant one, works in time and gives as much as it
takes at every call: 2.5 ms there and 5.0 ms back. Level within 0.003 dB up to 20 kHz (between 48 and
96 kHz), what it adds below -110 dB; towards a lower rate its phase is not linear: 15 kHz comes 40 µs
after 1 kHz. benchmarks/resampling.py measures all this.

Between hops of the device and hops of the processor lie two queues. They start with as much silence
as keeps them from ever running empty, found by running the resamplers once: the schedule repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import soxr
from numpy.typing import NDArray

from .live_path import Processor
from .ring import Ring, ring_read, ring_write

LONGEST_SCHEDULE_HOPS = 2048
SETTLING_HOPS = 64  # until both resamplers give as much as they take


def model_rate_for(rate_hz: int, native_rates_hz: Sequence[int]) -> int:
    """The native rate that a device's rate converts to most simply: itself, else that of the smallest whole ratio."""

    def effort(native_hz: int) -> tuple[int, int]:
        ratio = Fraction(rate_hz, native_hz)
        return ratio.numerator * ratio.denominator, -native_hz

    return min(native_rates_hz, key=effort)


class RateAdapter:
    """A `Processor` at `rate_hz` around one at another rate.

    Where the ratio of the rates is not that of whole hops, a hop is a little shorter than the inner
    one, so that no hop has to do two.

    Args:
        inner: warmed up or not.
        rate_hz: of the device.

    Attributes:
        hop_samples: at `rate_hz`.
        adaptation_samples: the adapter's own delay at `rate_hz`: measured with an impulse through the resamplers
            and queues at construction (where it is highest), to the nearest whole sample. What lies below 5 kHz
            comes up to 15 µs before that.
        emptied: calls for which the queue held too little; stays 0.

    Raises:
        ValueError: `rate_hz` is the inner rate.
    """

    def __init__(self, inner: Processor, rate_hz: int) -> None:
        if inner.rate_hz == rate_hz:
            raise ValueError(f"the processor is at {rate_hz} Hz already")
        self._inner, self.rate_hz, self.channels = inner, rate_hz, inner.channels
        self._ratio = Fraction(rate_hz, inner.rate_hz)
        self.hop_samples = int(inner.hop_samples * self._ratio)
        self.emptied = 0
        self._down = soxr.ResampleStream(rate_hz, inner.rate_hz, self.channels, dtype="float32", vr=True)
        self._up = soxr.ResampleStream(inner.rate_hz, rate_hz, self.channels, dtype="float32", vr=True)
        self._samples: NDArray[np.float32] = np.zeros((inner.hop_samples, self.channels), np.float32)
        self._mix: NDArray[np.float32] = np.zeros((inner.hop_samples, self.channels), np.float32)
        waiting_samples, ready_samples, longest = self._plan()
        self._waiting = _Queue(waiting_samples, longest, self.channels)
        self._ready = _Queue(ready_samples, longest, self.channels)
        self.adaptation_samples = self._measure_delay()
        self._left_out = Fraction(0)

    @property
    def delay_samples(self) -> int:
        """See `Processor.delay_samples`."""
        return self.adaptation_samples + round(self._inner.delay_samples * self._ratio)

    @property
    def dry_gain(self) -> float:
        """See `Processor.dry_gain`."""
        return self._inner.dry_gain

    def process(self, samples: NDArray[np.float32], mix: NDArray[np.float32]) -> None:
        """See `Processor.process`."""
        self._run(samples, mix, self._inner.process)

    def skip(self, count: int) -> None:
        """See `Processor.skip`."""
        self._left_out += count / self._ratio
        hops = int(self._left_out / self._inner.hop_samples)
        self._left_out -= hops * self._inner.hop_samples
        self._inner.skip(hops * self._inner.hop_samples)

    def warm_up(self) -> None:
        """See `Processor.warm_up`."""
        self._inner.warm_up()
        self._reset()

    def _run(
        self,
        samples: NDArray[np.float32],
        mix: NDArray[np.float32],
        inside: Callable[[NDArray[np.float32], NDArray[np.float32]], None],
    ) -> None:
        self._waiting.put(self._down.resample_chunk(samples))
        while self._waiting.take(self._samples):
            inside(self._samples, self._mix)
            self._ready.put(self._up.resample_chunk(self._mix))
        if not self._ready.take(mix):
            self.emptied += 1
            mix.fill(0.0)

    def _reset(self) -> None:
        self._down.clear()
        self._up.clear()
        self._waiting.reset()
        self._ready.reset()
        self._left_out = Fraction(0)

    def _plan(self) -> tuple[int, int, int]:
        """Silence that both queues start with, the least in all, and the most that either will hold."""
        inner_hop, hop = self._inner.hop_samples, self.hop_samples
        repeats = (hop / self._ratio / inner_hop).denominator
        calls = SETTLING_HOPS + min(repeats, LONGEST_SCHEDULE_HOPS)
        came = _given(self._down, hop, calls, self.channels)  # after so many hops of the device
        went = np.concatenate([[0], _given(self._up, inner_hop, calls + 2, self.channels)])  # after so many inner hops
        wanted = hop * np.arange(1, calls + 1)

        def missing(waiting: int) -> int:
            return max(0, int((wanted - went[(waiting + came) // inner_hop]).max()))

        waiting = min(range(inner_hop), key=lambda count: count * self._ratio + missing(count))
        # A schedule too long to be looked at whole may come out a sample worse elsewhere.
        ready = missing(waiting) + int(repeats > LONGEST_SCHEDULE_HOPS)
        longest = max(waiting + 2 * inner_hop, ready + 2 * hop) + int(2 * inner_hop * max(1, self._ratio))
        return waiting, ready, longest

    def _measure_delay(self) -> int:
        """Where an impulse is highest that nothing is done to inside; leaves everything as before."""
        hops = SETTLING_HOPS
        impulse = np.zeros((hops * self.hop_samples, self.channels), np.float32)
        heard = np.zeros_like(impulse)
        self._reset()
        impulse[self.hop_samples] = 1.0
        for start in range(0, len(impulse), self.hop_samples):
            part = slice(start, start + self.hop_samples)
            self._run(impulse[part], heard[part], _unchanged)
        self._reset()
        return int(np.argmax(np.abs(heard[:, 0]))) - self.hop_samples


def _unchanged(samples: NDArray[np.float32], mix: NDArray[np.float32]) -> None:
    mix[:] = samples


def _given(stream: soxr.ResampleStream, count: int, calls: int, channels: int) -> NDArray[np.int64]:
    """How much has come out after each of so many calls with `count` samples; leaves the stream cleared."""
    silence = np.zeros((count, channels), np.float32)
    lengths = [len(stream.resample_chunk(silence)) for _ in range(calls)]
    stream.clear()
    return np.cumsum(lengths)


class _Queue:
    """Blocks put in and taken out in other lengths, behind some silence, in memory of fixed size."""

    def __init__(self, silence: int, longest: int, channels: int) -> None:
        self._ring = Ring(1 << (longest - 1).bit_length(), channels)
        self._silence, self._taken = silence, 0
        self.reset()

    def reset(self) -> None:
        self._ring.clear(self._silence)
        self._taken = 0

    def put(self, block: NDArray[np.float32]) -> None:
        ring_write(self._ring.words, self._ring.data, np.ascontiguousarray(block))

    def take(self, block: NDArray[np.float32]) -> bool:
        if not ring_read(self._ring.words, self._ring.data, self._taken, block):
            return False
        self._taken += len(block)
        return True
