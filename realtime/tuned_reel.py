"""A source as it is heard at another tempo or key."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .reel import Reel, Stopped, never
from .source import Source
from .tape import Loop
from .time_stretch import TimeStretch
from .tune import Tune

# Of what is transformed at once: bass and chords need it long, a voice keeps its consonants in short ones.
BAND_FRAME_S, VOICE_FRAME_S = 0.09, 0.045
STEREO = 2


class TunedReel:
    """Reads as `Reel` does, tuned. Pairs of channels stay in step; formants of the second pair stay where they were.

    Args:
        source: as of `Reel`.
        place: as of `Reel`: of the first sample given.
        loop: as of `Reel`.
        rate_hz: of what is given.
        channels: of what is given: 1, 2, or 4 for accompaniment and voice.
        tune: what it is tuned to.

    Attributes:
        first_place, ended, turns: as of `Reel`.
    """

    def __init__(self, source: Source, place: int, loop: Loop | None, rate_hz: int, channels: int, tune: Tune) -> None:
        self.first_place, self.ended = place, False
        self.turns: list[tuple[float, int]] = []
        ratio = 2 ** (tune.key_semitones / 12)
        self._tempo, self._channels = tune.tempo, channels
        self._pairs = [
            TimeStretch(
                rate_hz,
                min(STEREO, channels),
                VOICE_FRAME_S if first else BAND_FRAME_S,
                tune.tempo,
                ratio,
                keeps_formants=first > 0,
            )
            for first in range(0, channels, STEREO)
        ]
        # All pairs read as far ahead as the one that needs most.
        self._context = max(pair.context_samples for pair in self._pairs)
        before = math.ceil(self._context * source.rate_hz / rate_hz)
        self._reel = Reel(source, place - before, loop, rate_hz, channels)
        self._to_skip = [self._context - pair.context_samples for pair in self._pairs]
        self._ready: list[NDArray[np.float32]] = [np.zeros((0, min(STEREO, channels)), np.float32) for _ in self._pairs]
        self._taken, self._given = 0, 0

    def read(self) -> NDArray[np.float32]:
        """See `Reel.read`."""
        block = self._reel.read()
        self._taken += len(block)
        self.turns += [((given - self._context) / self._tempo, place) for given, place in self._reel.turns]
        self._reel.turns.clear()
        if self._reel.ended and not self.ended:
            block = np.concatenate([block, np.zeros((2 * self._context, self._channels), np.float32)])
        for number, pair in enumerate(self._pairs):
            part = block[self._to_skip[number] :, STEREO * number : STEREO * number + STEREO]
            self._to_skip[number] = max(0, self._to_skip[number] - len(block))
            self._ready[number] = np.concatenate([self._ready[number], pair.process(part)])
        count = min(map(len, self._ready))
        if self._reel.ended:
            self.ended = True
            count = min(count, max(0, round((self._taken - self._context) / self._tempo) - self._given))
        given = np.concatenate([ready[:count] for ready in self._ready], 1)
        self._ready = [ready[count:] for ready in self._ready]
        self._given += count
        return given

    def gather(self, block: NDArray[np.float32], count: int, stopped: Stopped = never) -> NDArray[np.float32]:
        """See `Reel.gather`."""
        while len(block) < count and not self.ended and not stopped():
            block = np.concatenate([block, self.read()])
        return block

    def lose_place(self) -> None:
        """See `Reel.lose_place`."""
        self._reel.lose_place()
