"""A source, separated: stems that start at its first sample and have its length, rate and channels."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import AdvsepError
from .model import ModelSession
from .resample import StreamResampler
from .sample_queue import SampleQueue
from .separator import StreamSeparator
from .source import Source
from .timing import HopTimes

HOPS_AT_ONCE = 64  # handed to the network where nobody waits for them
MOST_AT_ONCE_SAMPLES = 16384  # read at once, by the model's clock: so much is lost where a damaged file breaks off


@dataclass(frozen=True, slots=True)
class StemBlock:
    """A stretch of separated sound, all [sample, channel] float32 at the source's rate.

    Attributes:
        mixture: what the source gave.
        stems: one array a source of the model; they sum to the mixture.
    """

    mixture: NDArray[np.float32]
    stems: dict[str, NDArray[np.float32]]


class StemStream:
    """Separates a source block by block, in memory that does not grow with its length.

    The sound takes the streaming path of live play; its latency is taken out again, since a file
    need not be waited for. At a rate that the model does not know natively the voice is resampled
    there and back; the accompaniment is always the source minus the voice.

    Args:
        source: mono or stereo.
        model: whose `max_frames` is at least `hops_per_read`.
        hops_per_read: hops handed to the network at once; 1 is how it plays live.

    Attributes:
        times: how long each hop took, resampling included.
        model_rate_hz: rate at which the network runs.
        latency_samples: what the delay would be live, in samples of `model_rate_hz`.

    Raises:
        AdvsepError: a stereo source for a mono model.
    """

    def __init__(self, source: Source, model: ModelSession, hops_per_read: int = 1) -> None:
        signal = model.spec.signal
        if source.channels > signal.channels:
            raise AdvsepError(
                f"{source.name}: stereo, but the model {model.spec.name} takes mono only; "
                "mix the file down or choose another model"
            )
        self._source, self._channels = source, signal.channels
        self._voice_name, self._rest_name = model.spec.sources
        self.model_rate_hz = source.rate_hz if source.rate_hz in signal.native_rates_hz else signal.sample_rate_hz
        self._separator = StreamSeparator(model, hops_per_read, self.model_rate_hz)
        self.latency_samples = self._separator.latency_samples
        self.times = HopTimes()
        self._hop = signal.hop_samples
        # Reading a whole number of hops' worth keeps the pace of the network even.
        at_once = min(hops_per_read, max(1, MOST_AT_ONCE_SAMPLES // self._hop)) * self._hop
        self._read_samples = max(1, round(at_once * source.rate_hz / self.model_rate_hz))
        self._to_model = StreamResampler(source.rate_hz, self.model_rate_hz, source.channels)
        self._from_model = StreamResampler(self.model_rate_hz, source.rate_hz, source.channels)
        self._to_skip = self.latency_samples
        self._fed_samples, self._spent_s = 0, 0.0
        self._mixture = SampleQueue(source.channels)
        self._voice = SampleQueue(source.channels)
        self._ended = False

    def warm_up(self) -> None:
        """Compile or load what runs (seconds on a machine's first run)."""
        self._separator.warm_up()

    def read(self) -> StemBlock | None:
        """The next stretch, of varying length; None after the last sample."""
        while not self._ended:
            block = self._source.read(self._read_samples)
            self._ended = len(block) == 0
            began_s = time.perf_counter()
            hops = self._advance(block)
            self._spent_s += time.perf_counter() - began_s
            if hops:  # else the resampler is still collecting: its time belongs to the hop that comes of it
                self.times.add(self._spent_s, hops)
                self._spent_s = 0.0
            ready = min(self._mixture.held, self._voice.held) if not self._ended else self._mixture.held
            if ready:
                return self._take(ready)
        return None

    def read_all(self) -> StemBlock:
        """All that is left, in one block; one of no samples after the last."""
        blocks = [self._take(0)]
        while (block := self.read()) is not None:
            blocks.append(block)
        stems = {name: np.concatenate([block.stems[name] for block in blocks]) for name in blocks[0].stems}
        return StemBlock(np.concatenate([block.mixture for block in blocks]), stems)

    def _advance(self, block: NDArray[np.float32]) -> int:
        """Separate a block (an empty one: the end); returns how many hops that completed."""
        self._mixture.put(block)
        samples = self._to_model.process(block, last=self._ended)
        if self._ended:
            # What is still inside comes out behind as much silence as the latency is long.
            samples = np.concatenate([samples, np.zeros((self.latency_samples, samples.shape[1]), np.float32)])
        voice = self._separate(samples)
        skipped = min(self._to_skip, len(voice))
        self._to_skip -= skipped
        self._voice.put(self._from_model.process(voice[skipped:], last=self._ended))
        done = self._fed_samples // self._hop
        self._fed_samples += len(samples)
        return self._fed_samples // self._hop - done

    def _separate(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        duplicated = samples.shape[1] < self._channels
        if duplicated:
            samples = np.repeat(samples, self._channels, 1)
        voice, late = np.empty_like(samples), np.empty_like(samples)
        self._separator.process(samples, voice, late)
        return voice.mean(1, keepdims=True) if duplicated else voice

    def _take(self, count: int) -> StemBlock:
        mixture, voice = self._mixture.take(count), self._voice.take(count)
        if len(voice) < count:  # resampling there and back may round a sample away at the very end
            voice = np.pad(voice, ((0, count - len(voice)), (0, 0)))
        return StemBlock(mixture, {self._voice_name: voice, self._rest_name: mixture - voice})
