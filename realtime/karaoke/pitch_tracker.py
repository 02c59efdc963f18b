"""A voice's pitch, as it is sung: blocks of sound in, frames of pitch out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..resample import StreamResampler
from .pitch_level import AutoLevel
from .pitch_model import FRAMES_AHEAD, FRAMES_BEFORE, HOP_SAMPLES, MOST_FRAMES, RATE_HZ, PitchError, bundled_network
from .pitch_octave import raise_octaves
from .pitch_trace import PitchTrace, midi_of

FRAME_S = HOP_SAMPLES / RATE_HZ
SUNG = 0.5  # the confidence from which the network's makers call a frame voiced
AHEAD_SEEN = 2  # later frames that `latest` asks for: with fewer the network believes nothing
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 192_000
QUIETEST_DBFS = -70.0
BLEED_DB = 20.0  # below the loud places of a separated voice: instruments that were taken for it
LOUDEST = 4.0  # a sample beyond, 12 dB above full scale, is damage, not sound


class PitchTracker:
    """Pitch of a voice, 62.5 frames a second, the middle of frame n at n * 16 ms from the first sample fed.

    A frame is final once ten later ones are complete, 176 ms after its middle (then nothing can change it any more:
    in whatever blocks the sound comes, the frames are those of the whole at once), and comes out up to
    `frames_a_run` − 1 frames later, and where the rate is not 16 kHz another 15 ms that the resampler holds. `latest`
    shows those after it, up to 60 to 80 ms ago, of which 99 of 100 already are right.

    Args:
        rate_hz: of the sound, 8 to 192 kHz.
        frames_a_run: how many new frames are waited for; fewer cost more: a run computes 21 frames besides.
        quietest_dbfs: frames whose peak lies below are not sung, whatever the network hears (bleed, hum).

    Raises:
        PitchError: the rate is beyond what is possible, or the network is missing.
    """

    def __init__(
        self,
        rate_hz: int,
        *,
        frames_a_run: int = 4,
        quietest_dbfs: float = QUIETEST_DBFS,
    ) -> None:
        if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
            raise PitchError(
                f"pitch: expected a sample rate of {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz, found {rate_hz}; "
                "set the device to one of these"
            )
        self._rate_hz = rate_hz
        self._frames_a_run = frames_a_run
        self._quietest = 10 ** (quietest_dbfs / 20)
        self._network = bundled_network()
        self._level = AutoLevel(FRAME_S)
        self.reset()

    def reset(self) -> None:
        """Begin anew: what is fed next lies at 0 s."""
        self._resampler = StreamResampler(self._rate_hz, RATE_HZ, 1)
        self._level.reset()
        self._pending = np.zeros(0, np.float32)  # less than a hop, not amplified yet
        self._held = np.zeros(0, np.float32)  # whole hops, amplified
        self._peaks = np.zeros(0, np.float32)  # of each, before that
        self._first = 0  # number of the frame with which `_held` begins
        self._done = 0  # frames that are out
        self._ended = False
        self._latest = _trace(0, np.zeros(0, np.float32), np.zeros(0, np.float32))

    @property
    def latest(self) -> PitchTrace:
        """What is known, as of the last run, of the frames after those that are out; it may still change."""
        return self._latest

    def feed(self, samples: NDArray[np.float32]) -> PitchTrace:
        """Hear a block.

        Args:
            samples: [frame, channel], whose mean is taken, or [frame]; what is not a number counts as silence.

        Returns:
            the frames that became final; often none.
        """
        if self._ended:
            self.reset()
        self._take(self._resampler.process(_clean(samples)[:, np.newaxis])[:, 0])
        return self._hear(self._frames_a_run, FRAMES_AHEAD)

    def finish(self) -> PitchTrace:
        """Nothing follows: the frames that are left. What is fed next begins anew."""
        if self._ended:
            self.reset()
        self._take(self._resampler.process(np.zeros((0, 1), np.float32), last=True)[:, 0])
        if len(self._pending):
            self._take(np.zeros(HOP_SAMPLES - len(self._pending), np.float32))
        found = self._hear(1, 0)
        self._ended = True
        return found

    def _take(self, samples: NDArray[np.float32]) -> None:
        pending = np.concatenate([self._pending, samples])
        whole = len(pending) // HOP_SAMPLES * HOP_SAMPLES
        self._pending = pending[whole:]
        if whole:
            hops = pending[:whole].reshape(-1, HOP_SAMPLES)
            self._peaks = np.concatenate([self._peaks, np.abs(hops).max(axis=1)])
            self._held = np.concatenate([self._held, self._level.process(hops).reshape(-1)])

    def _hear(self, at_least: int, ahead: int) -> PitchTrace:
        """The frames that have `ahead` later ones, if there are `at_least` so many."""
        found: list[PitchTrace] = []
        while (new := self._first + len(self._peaks) - ahead - self._done) >= at_least:
            found.append(self._run(min(new, MOST_FRAMES), ahead))
        return _joined(found) if found else _trace(self._done, np.zeros(0, np.float32), np.zeros(0, np.float32))

    def _run(self, new: int, ahead: int) -> PitchTrace:
        """The next `new` frames."""
        skipped = self._done - self._first
        end = min(skipped + new + FRAMES_AHEAD, len(self._peaks))
        held = self._held[: end * HOP_SAMPLES]
        if self._peaks[skipped:end].max() < self._quietest:  # a closed gate costs nothing
            nothing = np.zeros(end - skipped, np.float32)
            heard = _trace(self._done, nothing + np.float32(np.nan), nothing)
        else:
            frequency_hz, confidence = self._network.hear(held)
            confidence = np.where(self._peaks[:end] < self._quietest, 0, confidence)[skipped:].astype(np.float32)
            frequency_hz = raise_octaves(frequency_hz[skipped:], held, skipped)
            pitch_midi = np.where(confidence < SUNG, np.nan, midi_of(frequency_hz)).astype(np.float32)
            heard = _trace(self._done, pitch_midi, confidence)
        self._done += new
        seen = max(new, len(heard) - (AHEAD_SEEN if ahead else 0))
        self._latest = _cut(heard, new, seen)
        dropped = max(0, self._done - FRAMES_BEFORE - self._first)
        self._first += dropped
        self._held, self._peaks = self._held[dropped * HOP_SAMPLES :], self._peaks[dropped:]
        return _cut(heard, 0, new)


def track_samples(samples: NDArray[np.float32], rate_hz: int, *, quietest_dbfs: float = QUIETEST_DBFS) -> PitchTrace:
    """Pitch of a whole recording; as `PitchTracker`, frame by frame.

    Args:
        samples: [frame, channel] or [frame].
        rate_hz: 8 to 192 kHz.
        quietest_dbfs: frames whose peak lies below are not sung.
    """
    tracker = PitchTracker(rate_hz, quietest_dbfs=quietest_dbfs)
    step = 30 * rate_hz
    found = [tracker.feed(samples[start : start + step]) for start in range(0, len(samples), step)]
    return _joined([*found, tracker.finish()])


def track_guide(samples: NDArray[np.float32], rate_hz: int) -> PitchTrace:
    """Pitch of a separated voice: what lies more than `BLEED_DB` below its loud places is not the voice.

    Args:
        samples: [frame, channel] or [frame], the whole song.
        rate_hz: 8 to 192 kHz.
    """
    mono = _clean(samples)
    hop = round(FRAME_S * rate_hz)
    peaks = np.abs(mono[: len(mono) // hop * hop].reshape(-1, hop)).max(axis=1)
    heard = peaks[peaks > 10 ** (QUIETEST_DBFS / 20)]
    loud_db = 20 * np.log10(float(np.percentile(heard, 90))) if len(heard) else 0.0
    return track_samples(mono, rate_hz, quietest_dbfs=max(QUIETEST_DBFS, loud_db - BLEED_DB))


def frame_times_s(count: int, first: int = 0) -> NDArray[np.float64]:
    """Middles of frames [frame]; that of frame 0 is at 0 s."""
    return np.arange(first, first + count, dtype=np.float64) * FRAME_S


def _clean(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """A copy in mono, without what a resampler would smear over all that follows."""
    mono = samples if samples.ndim == 1 else samples.mean(axis=1, dtype=np.float32)
    return np.clip(np.nan_to_num(mono, nan=0.0, posinf=0.0, neginf=0.0), -LOUDEST, LOUDEST).astype(np.float32)


def _trace(first: int, pitch_midi: NDArray[np.float32], confidence: NDArray[np.float32]) -> PitchTrace:
    return PitchTrace(frame_times_s(len(pitch_midi), first), pitch_midi, confidence)


def _cut(trace: PitchTrace, start: int, end: int) -> PitchTrace:
    return PitchTrace(trace.times_s[start:end], trace.pitch_midi[start:end], trace.confidence[start:end])


def _joined(traces: list[PitchTrace]) -> PitchTrace:
    return PitchTrace(
        np.concatenate([trace.times_s for trace in traces]),
        np.concatenate([trace.pitch_midi for trace in traces]),
        np.concatenate([trace.confidence for trace in traces]),
    )
