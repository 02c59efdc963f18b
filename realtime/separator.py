"""The separator: samples in, voice and equally late mixture out, hop by hop.

`HopSeparator` is the core, for whole hops. `StreamSeparator` puts a first-in first-out buffer
around it, so that blocks of any size come out exactly `latency_samples` late.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import jit
from .masking import BandMasking
from .model import ModelSession
from .spec import LOUDEST_SAMPLE
from .stft import StreamingAnalysis, StreamingSynthesis


class HopSeparator:
    """STFT, network, masks and inverse STFT for whole hops.

    Output is `delay_samples` = S - H + look-ahead late. Samples that are not finite, or beyond
    `LOUDEST_SAMPLE`, are taken as silence and counted: one of them would stay in the network's states for ever.

    Args:
        model: a session whose `max_frames` is at least `max_hops`.
        max_hops: most hops a call may hold; decides the size of all buffers.
        rate_hz: of the samples, a native rate of the model; None: its own.

    Attributes:
        repaired_samples: values that were no sound so far.
    """

    def __init__(self, model: ModelSession, max_hops: int = 1, rate_hz: int | None = None) -> None:
        spec = model.spec.signal
        h, channels = spec.hop_samples, spec.channels
        self.model, self.spec, self.max_hops = model, spec, max_hops
        self.repaired_samples = 0
        self.delay_samples = spec.latency_samples - h
        self._analysis = StreamingAnalysis.of_signal(spec)
        self._synthesis = StreamingSynthesis.of_signal(spec)
        self._masking = BandMasking(spec, rate_hz)
        # Spectra wait here for the masks that look-ahead makes late.
        self._spectra = np.zeros((spec.lookahead_frames + max_hops, channels, spec.bins), np.complex64)
        self._masked = np.zeros((max_hops, channels, spec.bins), np.complex64)
        # The mixture waits here for its voice.
        self._mixture = np.zeros((self.delay_samples + max_hops * h, channels), np.float32)

    def warm_up(self) -> None:
        """Compile or load everything that runs in `process` (seconds on a machine's first run), then reset."""
        silence = np.zeros((self.spec.hop_samples, self.spec.channels), np.float32)
        self.process(silence, np.zeros_like(silence), np.zeros_like(silence))
        self.reset()

    def reset(self) -> None:
        """Back to silence; counters stay."""
        self.model.reset()
        self._analysis.reset()
        self._synthesis.reset()
        self._spectra.fill(0)
        self._mixture.fill(0)

    def process(self, samples: NDArray[np.float32], voice: NDArray[np.float32], mixture: NDArray[np.float32]) -> None:
        """Separate 1 to `max_hops` hops.

        Args:
            samples: [hops * H, channel].
            voice: like `samples`, written: the first source, `delay_samples` late.
            mixture: like `samples`, written: what came in, equally late.
        """
        count = len(samples)
        hops, late = count // self.spec.hop_samples, self.spec.lookahead_frames
        fresh = self._mixture[self.delay_samples : self.delay_samples + count]
        self.repaired_samples += _copy_finite(samples, fresh)
        spectra = self._spectra[late : late + hops]
        self._analysis.process(fresh, spectra)
        self._masking.features(spectra, self.model.features(hops))
        masks = self.model.run(hops)
        self._masking.apply(masks, self._spectra[:hops], self._masked[:hops])
        self._synthesis.process(self._masked[:hops], voice)
        mixture[:] = self._mixture[:count]
        _shift(self._mixture, count, self.delay_samples)
        if late:
            self._spectra[:late] = self._spectra[hops : hops + late].copy()


class StreamSeparator:
    """Separation of a stream in blocks of any size, exactly `latency_samples` late whatever their size.

    Args:
        model: the model's session.
        max_hops: hops handed to the network at once where a block holds so many.
        rate_hz: of the samples, a native rate of the model; None: its own.
    """

    def __init__(self, model: ModelSession, max_hops: int = 1, rate_hz: int | None = None) -> None:
        self._core = HopSeparator(model, max_hops, rate_hz)
        spec = model.spec.signal
        self._hop, self._channels = spec.hop_samples, spec.channels
        self.latency_samples = spec.latency_samples
        self._pending = np.zeros((max_hops * self._hop, self._channels), np.float32)
        self._waiting = 0
        # A hop of silence goes ahead, so that there is always enough to give back.
        self._ready = [np.zeros((max_hops * self._hop + self._hop, self._channels), np.float32) for _ in range(2)]
        self._held = self._hop

    @property
    def repaired_samples(self) -> int:
        """Values that were no sound so far."""
        return self._core.repaired_samples

    def warm_up(self) -> None:
        """Compile or load everything that runs in `process` (seconds on a machine's first run), then reset."""
        self._core.warm_up()
        self.reset()

    def reset(self) -> None:
        """Back to silence."""
        self._core.reset()
        self._waiting, self._held = 0, self._hop
        for ready in self._ready:
            ready.fill(0)

    def process(self, samples: NDArray[np.float32], voice: NDArray[np.float32], mixture: NDArray[np.float32]) -> None:
        """Separate a block.

        Args:
            samples: [sample, channel], any number of samples.
            voice: like `samples`, written: the first source, `latency_samples` late.
            mixture: like `samples`, written: what came in, equally late.
        """
        done = 0
        while done < len(samples):
            count = min(len(samples) - done, len(self._pending) - self._waiting)
            self._pending[self._waiting : self._waiting + count] = samples[done : done + count]
            self._waiting += count
            self._separate_whole_hops()
            for ready, out in zip(self._ready, (voice, mixture), strict=True):
                out[done : done + count] = ready[:count]
                _shift(ready, count, self._held - count)
            self._held -= count
            done += count

    def _separate_whole_hops(self) -> None:
        whole = self._waiting // self._hop * self._hop
        if whole == 0:
            return
        voice, mixture = (ready[self._held : self._held + whole] for ready in self._ready)
        self._core.process(self._pending[:whole], voice, mixture)
        self._held += whole
        self._waiting -= whole
        _shift(self._pending, whole, self._waiting)


@jit
def _copy_finite(source: NDArray[np.float32], target: NDArray[np.float32]) -> int:
    """Copy [sample, channel]; values that are not finite become 0. Returns how many."""
    repaired = 0
    for i in range(source.shape[0]):
        for c in range(source.shape[1]):
            value = source[i, c]
            if not abs(value) <= LOUDEST_SAMPLE:  # NaN compares false
                value = np.float32(0.0)
                repaired += 1
            target[i, c] = value
    return repaired


@jit
def _shift(buffer: NDArray[np.float32], start: int, count: int) -> None:
    """Move `count` rows from `start` to the front; numpy would copy overlapping rows through a new array."""
    for i in range(count):
        for c in range(buffer.shape[1]):
            buffer[i, c] = buffer[start + i, c]
