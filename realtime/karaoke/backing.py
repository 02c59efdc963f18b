"""Who takes a song's tracks hop by hop beside live sound, and lets them stand still without stopping it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..exchange import HOP, Deck
from ..ring import ring_read, ring_release, ring_skip
from ..tape import FADE_S

CAPACITY_FRAMES = 65536  # of which half is a lead, and half what a change of device goes on with
RESUME_S = 0.05  # that must be there before it goes on, after it had nothing


class BackingPlayer:
    """Takes hops from a ring that a feeder fills; fades where it stands still, and where nothing is there.

    `take` and what `call` calls belong to the worker's thread.

    Args:
        channels: of the tracks together.
        hop_samples: taken at once.
        rate_hz: sample rate.

    Attributes:
        deck: whose input ring is filled.
        playing: whether it goes on; may be set from any thread.
        starved_samples: silence where the song should have gone on.
        unheard_samples: how much of what was taken is not heard yet; set by whoever knows.
    """

    def __init__(self, channels: int, hop_samples: int, rate_hz: int) -> None:
        self.deck = Deck(CAPACITY_FRAMES, channels, 1)
        self.deck.words[HOP] = hop_samples
        self.playing, self.starved_samples, self.unheard_samples = True, 0, 0
        self._hop, self._resume = hop_samples, round(RESUME_S * rate_hz)
        self._step = np.float32(1.0 / max(1.0, FADE_S * rate_hz))
        self._fade_samples = -(-round(FADE_S * rate_hz) // hop_samples) * hop_samples
        self._gains: NDArray[np.float32] = np.zeros(hop_samples, np.float32)
        self._along: NDArray[np.float32] = np.arange(1, hop_samples + 1, dtype=np.float32) * self._step
        self._share, self._position, self._hungry = np.float32(0.0), 0, True
        self._end: int | None = None
        self._jobs: deque[Callable[[], None]] = deque()
        self._clicks: deque[NDArray[np.float32]] = deque()

    @property
    def taken_samples(self) -> int:
        """See `Listener`."""
        return self._position

    @property
    def played_samples(self) -> int:
        """See `Listener`; where it stands still, all that was taken."""
        return max(0, self._position - (0 if self.stands else self.unheard_samples))

    @property
    def stands(self) -> bool:
        """Whether it was told to stand still, and does."""
        return self._share == 0 and not self.playing

    @property
    def ended(self) -> bool:
        """Whether all was taken."""
        return self._end is not None and self._position >= self._end

    @property
    def counting_in(self) -> bool:
        """Whether clicks are heard before the song goes on."""
        return len(self._clicks) > 0

    def call(self, job: Callable[[], None]) -> None:
        """See `Listener`."""
        self._jobs.append(job)

    def take_back(self, keep_until: int = 0) -> int:
        """See `Listener`."""
        position = max(self._position, keep_until)
        ring_skip(self.deck.inputs.words, position)
        self._end = None
        return position

    def end_at(self, input_samples: int) -> None:
        """See `Listener`."""
        self._end = input_samples

    def leave_out(self, position: int) -> None:
        """Go on behind what lies before a position of the ring; by the worker, while it stands."""
        self._position = max(self._position, position)

    def count_in(self, clicks: NDArray[np.float32]) -> None:
        """Give other sound, [sample, channel], before the song goes on; by the worker, while it stands."""
        hop = self._hop
        padded = np.pad(clicks, ((0, -len(clicks) % hop), (0, 0)))
        self._clicks.extend(padded[at : at + hop] for at in range(0, len(padded), hop))

    def stop_counting(self) -> None:
        """Give up what is left of the clicks; by the worker."""
        self._clicks.clear()

    def take(self, block: NDArray[np.float32]) -> None:
        """Fill a hop [sample, channel] with what goes on now."""
        while self._jobs:
            self._jobs.popleft()()
        block.fill(0.0)
        if self._share == 0 and self._clicks and self.playing:
            block[:] = self._clicks.popleft()
            return
        wanted = self._wants()
        if self._share == 0 and not wanted:
            if self.playing and not self.ended:
                self.starved_samples += self._hop
            return
        inputs = self.deck.inputs
        count = self._hop if self._end is None else min(self._hop, max(0, self._end - self._position))
        if not ring_read(inputs.words, inputs.data, self._position, block[:count]):
            self._share, self._hungry = np.float32(0.0), True  # it was taken back within the fade
            block.fill(0.0)
            return
        self._position += count
        ring_release(inputs.words, max(0, self._position - inputs.capacity_frames // 2))
        self._scale(block, wanted)

    def _wants(self) -> bool:
        """Whether the song is to sound; it goes on only with some in hand, and ends fading before it has none."""
        if not self.playing or self.ended or self._clicks:
            return False
        there = self.deck.inputs.written - self._position
        if self._end is not None:
            self._hungry = False
            return True
        self._hungry = there < (self._resume if self._hungry else self._fade_samples + self._hop)
        return not self._hungry

    def _scale(self, block: NDArray[np.float32], wanted: bool) -> None:
        if wanted and self._share == 1:
            return
        np.add(self._along if wanted else -self._along, self._share, out=self._gains)
        np.clip(self._gains, 0.0, 1.0, out=self._gains)
        block *= self._gains[:, None]
        self._share = self._gains[-1]
