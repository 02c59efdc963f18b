"""What happens to a hop of a microphone: it passes its own strip, beside a song's tracks, and no separator."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..fader import gain_of
from ..meter import LevelMeter
from ..rack_builder import RackBuilder
from ..rack_spec import MASTER, MICROPHONE, RackSpec
from ..ring import Ring, ring_write
from .backing import BackingPlayer

ACCOMPANIMENT, VOCALS = "accompaniment", "vocals"
SOURCES = (VOCALS, ACCOMPANIMENT, MICROPHONE)
RAW_MICROPHONE, MIX = "microphone raw", "mix"
TRACKS = (RAW_MICROPHONE, MICROPHONE, ACCOMPANIMENT, VOCALS, MIX)  # of the ring that can be watched
HOP_SAMPLES, CHANNELS = 128, 2


class KaraokePath:
    """Microphone and tracks through one rack, hop by hop; see `Processor`.

    Args:
        player: gives the tracks: accompaniment left and right, voice left and right.
        rate_hz: of everything.
        rack: what happens to the strips; plugins are made and prepared here.
        bypassed: begin with the song as it came and the microphone as it is.

    Attributes:
        builder: of the rack; `builder.rack` runs it.
        meter: levels of `input`, each strip as it is in the mix, and `output`.

    Raises:
        AdvsepError: the rack cannot be built.
    """

    def __init__(self, player: BackingPlayer, rate_hz: int, rack: RackSpec, *, bypassed: bool = False) -> None:
        self.rate_hz, self.channels, self.hop_samples = rate_hz, CHANNELS, HOP_SAMPLES
        self._player = player
        self.builder = RackBuilder(SOURCES, rate_hz, HOP_SAMPLES, CHANNELS)
        self.builder.apply(self.builder.plan(rack))
        self.rack = self.builder.rack
        self.meter = LevelMeter(("input", *SOURCES, "output"))
        self.dry_gain = 0.0
        self._tracks: NDArray[np.float32] = np.zeros((HOP_SAMPLES, 2 * CHANNELS), np.float32)
        parts: NDArray[np.float32] = np.zeros((len(SOURCES), HOP_SAMPLES, CHANNELS), np.float32)
        self._blocks: dict[str, NDArray[np.float32]] = dict(zip(SOURCES, parts, strict=True))
        self._everything: NDArray[np.float32] = np.zeros((HOP_SAMPLES, CHANNELS), np.float32)
        self._watched: Ring | None = None
        self._frames: NDArray[np.float32] = np.zeros((HOP_SAMPLES, len(TRACKS) * CHANNELS), np.float32)
        self.set_levels(rack, bypassed=bypassed)
        self.rack.reset()

    @property
    def delay_samples(self) -> int:
        """See `Processor.delay_samples`: that of plugins."""
        return self.rack.latency_samples

    def set_levels(self, rack: RackSpec, *, bypassed: bool) -> None:
        """Gains, mutes, solos, pans and sends of a rack, or everything as it came; from any thread."""
        self.rack.set_levels(rack, bypassed=bypassed)
        # What stands in for a hop that came late is the microphone: no louder than its strip.
        silent = MICROPHONE in rack.silent(SOURCES) or rack.named(MASTER).muted
        gain_db = rack.named(MICROPHONE).gain_db + rack.named(MASTER).gain_db
        self.dry_gain = 1.0 if bypassed else 0.0 if silent else gain_of(gain_db)

    def close(self) -> None:
        """Have the plugins give back what they hold; nothing is processed any more."""
        self.builder.close()

    def watch(self, tracks: Ring | None) -> None:
        """Let a ring receive `TRACKS`, a frame a sample; only while nothing is processed."""
        self._watched = tracks

    def process(self, samples: NDArray[np.float32], mix: NDArray[np.float32]) -> None:
        """See `Processor.process`: `samples` are the microphone's."""
        blocks, frames = self._blocks, self._frames
        self._player.take(self._tracks)
        blocks[ACCOMPANIMENT][:] = self._tracks[:, :CHANNELS]
        blocks[VOCALS][:] = self._tracks[:, CHANNELS:]
        blocks[MICROPHONE][:] = samples
        np.add(blocks[ACCOMPANIMENT], blocks[VOCALS], out=self._everything)
        self._everything += samples
        self.rack.process(blocks, self._everything, mix)
        for strip, block in enumerate((samples, *blocks.values(), mix)):
            self.meter.measure(strip, block)
        if self._watched is not None:
            heard = (samples, blocks[MICROPHONE], blocks[ACCOMPANIMENT], blocks[VOCALS], mix)
            for number, block in enumerate(heard):
                frames[:, CHANNELS * number : CHANNELS * (number + 1)] = block
            ring_write(self._watched.words, self._watched.data, frames)

    def skip(self, count: int) -> None:
        """See `Processor.skip`: the song goes on, unheard, as its clock does."""
        self._frames.fill(0.0)
        for _ in range(count // self.hop_samples):
            self._player.take(self._tracks)
            if self._watched is not None:
                ring_write(self._watched.words, self._watched.data, self._frames)

    def warm_up(self) -> None:
        """See `Processor.warm_up`."""
        player, watched = self._player, self._watched
        self._player = BackingPlayer(2 * CHANNELS, HOP_SAMPLES, self.rate_hz)
        ring_write(
            self._player.deck.inputs.words, self._player.deck.inputs.data, np.zeros((8192, 2 * CHANNELS), np.float32)
        )
        self._watched = Ring(1024, self._frames.shape[1])
        silence = np.zeros((HOP_SAMPLES, CHANNELS), np.float32)
        for _ in range(4):
            self.process(silence, np.zeros_like(silence))
        self._player, self._watched = player, watched
        self.reset()

    def reset(self) -> None:
        """Forget all sound, and be at the levels that are set."""
        self.rack.reset()
