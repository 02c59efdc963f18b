"""What happens to a hop between input and output: separated, sent through the rack; watched on the way."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .meter import LevelMeter
from .model import ModelSession
from .rack_builder import RackBuilder
from .rack_spec import RackSpec
from .ring import Ring, ring_write
from .separator import HopSeparator

NEUTRAL = RackSpec()


class Processor(Protocol):
    """Turns hops into hops.

    Attributes:
        rate_hz: sample rate of what goes in and out.
        channels: of what goes in and out.
        hop_samples: length of a hop.
    """

    rate_hz: int
    channels: int
    hop_samples: int

    @property
    def delay_samples(self) -> int:
        """By how much what comes out is late; may change between two hops."""
        ...

    @property
    def dry_gain(self) -> float:
        """Gain at which the mixture may stand in for a hop that came late."""
        ...

    def process(self, samples: NDArray[np.float32], mix: NDArray[np.float32]) -> None:
        """One hop [hop_samples, channel] in, one out, written to `mix`."""
        ...

    def skip(self, count: int) -> None:
        """`count` samples, a whole number of hops, are left out: there was no time for them."""
        ...

    def warm_up(self) -> None:
        """Compile and load everything that runs in `process`, then begin anew."""
        ...


class LivePath:
    """Separator and rack, hop by hop; the stems and what the network saw can be watched through rings.

    Args:
        model: the separator's network.
        rate_hz: a native rate of the model.
        rack: what happens to the stems; plugins are made and prepared here.
        bypassed: begin with the mixture as it came.

    Attributes:
        model: as given.
        builder: of the rack; `builder.rack` runs it.
        meter: levels of `input`, each source as it is in the mix, and `output`.

    Raises:
        AdvsepError: the rack cannot be built.
    """

    def __init__(self, model: ModelSession, rate_hz: int, rack: RackSpec = NEUTRAL, *, bypassed: bool = False) -> None:
        spec = model.spec
        self._separator = HopSeparator(model, rate_hz=rate_hz)
        self.model = model
        self.rate_hz, self.channels, self.hop_samples = rate_hz, spec.signal.channels, spec.signal.hop_samples
        self.builder = RackBuilder(spec.sources, rate_hz, self.hop_samples, self.channels)
        self.builder.apply(self.builder.plan(rack))
        self.rack = self.builder.rack
        self.meter = LevelMeter(("input", *spec.sources, "output"))
        self._stems: Ring | None = None
        self._columns: Ring | None = None
        self._parts: NDArray[np.float32] = np.zeros((3, self.hop_samples, self.channels), np.float32)
        self._blocks = dict(zip(spec.sources, self._parts[:2], strict=True))
        self._stem_frames: NDArray[np.float32] = np.zeros((self.hop_samples, 2 * self.channels), np.float32)
        self._column: NDArray[np.float32] = np.zeros((1, 2 * self.channels * spec.signal.bands), np.float32)
        self.set_levels(rack, bypassed=bypassed)
        self.rack.reset()

    @property
    def delay_samples(self) -> int:
        """See `Processor.delay_samples`: that of the separator and of the rack."""
        return self._separator.delay_samples + self.rack.latency_samples

    @property
    def stems_delay_samples(self) -> int:
        """By how much the stems are late that can be watched."""
        return self._separator.delay_samples + self.rack.stems_latency_samples

    @property
    def dry_gain(self) -> float:
        """That of the loudest strip: a karaoke singer must not be startled by a mixture at full level."""
        return self.rack.loudest_gain

    def set_levels(self, rack: RackSpec, *, bypassed: bool) -> None:
        """Gains, mutes, solos, pans and sends of a rack, or the mixture as it came, equally late; from any thread."""
        self.rack.set_levels(rack, bypassed=bypassed)

    def close(self) -> None:
        """Have the plugins give back what they hold; nothing is processed any more."""
        self.builder.close()

    def watch(self, stems: Ring | None, columns: Ring | None) -> None:
        """Let other rings receive stems and columns; only while nothing is processed."""
        self._stems, self._columns = stems, columns

    def process(self, samples: NDArray[np.float32], mix: NDArray[np.float32]) -> None:
        """See `Processor.process`."""
        voice, rest, mixture = self._parts
        self._separator.process(samples, voice, mixture)
        np.subtract(mixture, voice, out=rest)
        self.rack.process(self._blocks, mixture, mix)
        for strip, block in enumerate((samples, voice, rest, mix)):
            self.meter.measure(strip, block)
        if self._stems is not None:
            self._stem_frames[:, : self.channels] = voice
            self._stem_frames[:, self.channels :] = rest
            ring_write(self._stems.words, self._stems.data, self._stem_frames)
        if self._columns is not None:
            half = self._column.shape[1] // 2
            self._column[0, :half] = self.model.features(1)[: self.channels].reshape(-1)
            self._column[0, half:] = self.model.shares(1).reshape(-1)
            ring_write(self._columns.words, self._columns.data, self._column)

    def skip(self, count: int) -> None:
        """See `Processor.skip`: watched as silence, so that everything later keeps its place."""
        self._stem_frames.fill(0.0)
        self._column.fill(0.0)
        for _ in range(count // self.hop_samples):
            if self._stems is not None:
                ring_write(self._stems.words, self._stems.data, self._stem_frames)
            if self._columns is not None:
                ring_write(self._columns.words, self._columns.data, self._column)

    def warm_up(self) -> None:
        """See `Processor.warm_up`."""
        stems, columns = self._stems, self._columns
        # Rings of its own: what writes to them has to be loaded as well.
        self._stems, self._columns = Ring(1024, self._stem_frames.shape[1]), Ring(16, self._column.shape[1])
        silence = np.zeros((self.hop_samples, self.channels), np.float32)
        for _ in range(4):
            self.process(silence, np.zeros_like(silence))
        self.reset()
        self._stems, self._columns = stems, columns

    def reset(self) -> None:
        """Forget all sound, and be at the levels that are set."""
        self._separator.reset()
        self.rack.reset()
