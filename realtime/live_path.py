"""What happens to a hop between input and output: separated, put at its levels, summed; watched on the way."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .meter import LevelMeter
from .mixer import StemMixer
from .model import ModelSession
from .ring import Ring, ring_write
from .separator import HopSeparator

BYPASS = "bypass"  # the mixture's strip in the mixer, beside those of the stems


class Processor(Protocol):
    """Turns hops into hops, always as late.

    Attributes:
        rate_hz: sample rate of what goes in and out.
        channels: of what goes in and out.
        hop_samples: length of a hop.
        delay_samples: by how much what comes out is late.
    """

    rate_hz: int
    channels: int
    hop_samples: int
    delay_samples: int

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
    """Separator and mixer, hop by hop; the stems and what the network saw can be watched through rings.

    Args:
        model: the separator's network.
        rate_hz: a native rate of the model.
        stems: receives the stems at their levels in the mix: [frame, source * channel], sources outermost.
        columns: receives a frame a hop: features and masks of the voice, [channel * band] each.

    Attributes:
        model: as given.
        mixer: levels; may be changed by another thread while playing.
        meter: levels of `input`, each source as it is in the mix, and `output`.
    """

    def __init__(
        self, model: ModelSession, rate_hz: int, stems: Ring | None = None, columns: Ring | None = None
    ) -> None:
        spec = model.spec
        self._separator = HopSeparator(model)
        self.model = model
        self.rate_hz, self.channels = rate_hz, spec.signal.channels
        self.hop_samples, self.delay_samples = spec.signal.hop_samples, self._separator.delay_samples
        self.mixer = StemMixer((*spec.sources, BYPASS), rate_hz)
        self.meter = LevelMeter(("input", *spec.sources, "output"))
        self._stems, self._columns = stems, columns
        self._parts: NDArray[np.float32] = np.zeros((3, self.hop_samples, self.channels), np.float32)
        self._stem_frames: NDArray[np.float32] = np.zeros((self.hop_samples, 2 * self.channels), np.float32)
        self._column: NDArray[np.float32] = np.zeros((1, 2 * self.channels * spec.signal.bands), np.float32)
        self._bypassed = False
        self._muted: set[str] = set()
        self._aim(jump=True)

    @property
    def dry_gain(self) -> float:
        """That of the loudest strip: a karaoke singer must not be startled by a mixture at full level."""
        return self.mixer.loudest_gain

    def set_gain_db(self, source: str, gain_db: float) -> None:
        """Level of one stem in the mix."""
        self.mixer.set_gain_db(source, gain_db)

    def set_muted(self, muted: set[str]) -> None:
        """Which stems are silent."""
        self._muted = set(muted)
        self._aim()

    def set_bypassed(self, bypassed: bool) -> None:
        """Let the mixture through as it came, equally late, or the stems at their levels."""
        self._bypassed = bypassed
        self._aim()

    def jump(self) -> None:
        """Take all levels at once, as before the first sample."""
        self._aim(jump=True)

    def watch(self, stems: Ring | None, columns: Ring | None) -> None:
        """Let other rings receive stems and columns; only while nothing is processed."""
        self._stems, self._columns = stems, columns

    def process(self, samples: NDArray[np.float32], mix: NDArray[np.float32]) -> None:
        """See `Processor.process`."""
        voice, rest, mixture = self._parts
        self._separator.process(samples, voice, mixture)
        np.subtract(mixture, voice, out=rest)
        self.mixer.process([voice, rest, mixture], mix)
        for strip, block in enumerate((samples, voice, rest, mix)):
            self.meter.measure(strip, block)
        if self._stems is not None:
            self._stem_frames[:, : self.channels] = voice
            self._stem_frames[:, self.channels :] = rest
            ring_write(self._stems.words, self._stems.data, self._stem_frames)
        if self._columns is not None:
            half = self._column.shape[1] // 2
            self._column[0, :half] = self.model.features(1).reshape(-1)
            self._column[0, half:] = self.model.masks(1).reshape(-1)
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
        self._separator.reset()
        self._stems, self._columns = stems, columns

    def _aim(self, *, jump: bool = False) -> None:
        for source in self.mixer.sources[:-1]:
            self.mixer.set_muted(source, self._bypassed or source in self._muted)
        self.mixer.set_muted(BYPASS, not self._bypassed)
        if jump:
            self.mixer.jump()
