"""Sound faster or slower, higher or lower, block by block, with every sample at a place that is known exactly."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .plugins.pitch_shift import HOPS, PitchShift


class TimeStretch:
    """A phase vocoder with a clock for what goes in and another for what comes out, see `plugins.pitch_shift`.

    Output sample n is the sound at input sample `first + n * tempo`: no latency is left to be counted, but input is
    taken `context_samples` before and behind.

    Args:
        rate_hz: sample rate.
        channels: 1 or 2, which stay in step.
        frame_s: of what is transformed at once, rounded to a power of two in samples: longer for low sounds.
        tempo: input samples an output sample.
        ratio: of the new pitch to the old one.
        keeps_formants: leaves the spectral envelope where it was.

    Attributes:
        context_samples: input that must have been given before the first output sample's own place.
    """

    def __init__(
        self, rate_hz: int, channels: int, frame_s: float, tempo: float, ratio: float, *, keeps_formants: bool
    ) -> None:
        self._frame_samples = frame = 1 << round(math.log2(frame_s * rate_hz))
        self._hop, self._tempo, self._ratio = frame // HOPS, tempo, ratio
        self._formant_ratio = 1.0 if keeps_formants else ratio
        self._shift = PitchShift(frame, channels, rate_hz)
        # The first frames' middles lie so far before the first output sample that all that reach it are there.
        self._lead_hops = HOPS // 2
        lead = self._lead_hops * self._hop
        self.context_samples = math.ceil(lead * tempo) + frame // 2
        self._past: NDArray[np.float32] = np.zeros((2 * frame, channels), np.float32)
        self._sums: NDArray[np.float32] = np.zeros((frame, channels), np.float32)
        self._given, self._frames = 0, 0
        self._waiting: NDArray[np.float32] = np.zeros((0, channels), np.float32)
        self._last_end = self._end_of(-1)

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """What can be said of the output so far, [sample, channel], a new array.

        Args:
            block: input that goes on, [sample, channel]; the very first one begins `context_samples` before the
                place of output sample 0.
        """
        made: list[NDArray[np.float32]] = []
        self._waiting = np.concatenate([self._waiting, block])
        while (end := self._end_of(self._frames)) <= self._given + len(self._waiting):
            self._take(end - self._given)
            made.append(self._next(end))
        self._take(len(self._waiting))
        return np.concatenate(made) if made else np.zeros((0, block.shape[1]), np.float32)

    def _end_of(self, number: int) -> int:
        """Input position behind a frame's last sample."""
        middle = (number - self._lead_hops) * self._hop * self._tempo
        return round(self.context_samples + middle) + self._frame_samples // 2

    def _take(self, count: int) -> None:
        """Into the past, of which a frame is read."""
        part, self._waiting = self._waiting[:count], self._waiting[count:]
        mask = len(self._past) - 1
        part = part[-len(self._past) :] if len(part) > len(self._past) else part
        places = np.arange(self._given + count - len(part), self._given + count) & mask
        self._past[places] = part
        self._given += count

    def _next(self, end: int) -> NDArray[np.float32]:
        """Put one frame, and give the hop that is complete with it."""
        number, frame, hop = self._frames, self._frame_samples, self._hop
        put_end = number * hop + frame
        came_on = max(1, end - self._last_end)
        self._shift.add(self._past, self._sums, end, self._ratio, self._formant_ratio, put_end=put_end, came_on=came_on)
        self._last_end, self._frames = end, number + 1
        places = np.arange(number * hop, number * hop + hop) & (frame - 1)
        ready = self._sums[places]
        self._sums[places] = 0.0
        # Frame n's middle is put at n * hop + frame / 2: output sample 0 is there where n is `_lead_hops`.
        skip = self._lead_hops * hop + frame // 2 - number * hop
        return ready[max(0, skip) :]
