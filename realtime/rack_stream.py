"""A separated source through a rack: what it makes of it starts at the source's first sample and has its length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .host import Rack
from .sample_queue import SampleQueue
from .stems import StemBlock, StemStream

BLOCK_SAMPLES = 1024  # that a rack gets at once


@dataclass(frozen=True, slots=True)
class RackBlock:
    """A stretch, all [sample, channel] float32 at the source's rate.

    Attributes:
        stems: one array a source, as it leaves its fader.
        mix: what is to be heard.
    """

    stems: dict[str, NDArray[np.float32]]
    mix: NDArray[np.float32]


class RackStream:
    """Takes the rack's latency out again, since a file need not be waited for.

    Args:
        stream: the separated source.
        rack: for its sources, rate and channels and for blocks of `BLOCK_SAMPLES`; nothing has gone through it.
        channels: of the source.
    """

    def __init__(self, stream: StemStream, rack: Rack, channels: int) -> None:
        self._stream, self._rack, self._channels = stream, rack, channels
        self._stems = {name: SampleQueue(channels) for name in rack.sources}
        self._mix = SampleQueue(channels)
        self._stems_to_skip, self._mix_to_skip = rack.stems_latency_samples, rack.latency_samples
        self._left = rack.latency_samples  # of silence, behind the last sample
        self._taken = self._given = 0
        self._ended = False

    def read(self) -> RackBlock | None:
        """The next stretch, of varying length; None after the last sample."""
        while True:
            ready = min(self._mix.held, *(queue.held for queue in self._stems.values()))
            ready = min(ready, self._taken - self._given)
            if ready:
                self._given += ready
                return RackBlock(
                    {name: queue.take(ready) for name, queue in self._stems.items()}, self._mix.take(ready)
                )
            if self._ended:
                return None
            block = self._stream.read()
            if block is not None:
                self._taken += len(block.mixture)
            else:
                self._ended, block = True, self._silence()
            self._process(block)

    def _silence(self) -> StemBlock:
        silence = np.zeros((self._left, self._channels), np.float32)
        return StemBlock(silence, {name: silence.copy() for name in self._stems})

    def _process(self, block: StemBlock) -> None:
        mix = np.empty_like(block.mixture)
        for start in range(0, len(mix), BLOCK_SAMPLES):
            part = slice(start, start + BLOCK_SAMPLES)
            self._rack.process({name: stem[part] for name, stem in block.stems.items()}, block.mixture[part], mix[part])
        skipped = min(self._stems_to_skip, len(mix))
        self._stems_to_skip -= skipped
        for name, stem in block.stems.items():
            self._stems[name].put(stem[skipped:])
        skipped = min(self._mix_to_skip, len(mix))
        self._mix_to_skip -= skipped
        self._mix.put(mix[skipped:])
