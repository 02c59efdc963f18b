"""Pieces of recordings as examples need them: cut, played faster or slower, coloured, at a level."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from ..realtime.spec import SignalSpec

TILT_HZ = (60.0, 16000.0)  # between these a tilt is a straight line over octaves; beyond them it is level


def cut_excerpt(
    recording: NDArray[np.int16], start: int, count: int, wanted: int, channels: int
) -> NDArray[np.float32]:
    """`count` samples of a recording, silence behind its end, played in the time of `wanted`.

    Args:
        recording: [sample, 1 or 2].
        start: of the first sample.
        count: samples to read.
        wanted: samples to give.
        channels: 1 or 2; mono is given to both, of stereo the mean is taken.

    Returns:
        float32 [channel, wanted].
    """
    samples = np.zeros((count, recording.shape[1]), np.float32)
    part = recording[start : start + count]
    samples[: len(part)] = part.astype(np.float32) / 32768
    if count != wanted:
        samples = soxr.resample(samples, count, wanted, quality="MQ")
        samples = np.pad(samples, ((0, max(0, wanted - len(samples))), (0, 0)))[:wanted]
    if samples.shape[1] < channels:
        samples = np.repeat(samples, channels, 1)
    elif samples.shape[1] > channels:
        samples = samples.mean(1, keepdims=True)
    return samples.T


def past_samples(spec: SignalSpec) -> int:
    """Samples before a segment: N - H for its first frame, and the frames that look-ahead is still to mask."""
    return spec.window_samples - spec.hop_samples + spec.lookahead_frames * spec.hop_samples


def at_level(samples: NDArray[np.float32], level_dbfs: float) -> NDArray[np.float32]:
    """Samples of any shape scaled to an RMS level; what is nearly silent stays as it is."""
    rms = float(np.sqrt(np.mean(samples**2)))
    # A nearly silent excerpt stays silent: raising it would teach the network noise.
    return samples * np.float32(10 ** (level_dbfs / 20) / rms) if rms > 1e-4 else samples


def tilted(samples: NDArray[np.float32], tilt_db: float, rate_hz: int) -> NDArray[np.float32]:
    """Samples [channel, sample] whose level rises by `tilt_db` from 60 Hz to 16 kHz, evenly over octaves, in phase."""
    low_hz, high_hz = TILT_HZ
    freq_hz = np.fft.rfftfreq(samples.shape[1], 1 / rate_hz).clip(low_hz, high_hz)
    place = np.log(freq_hz / low_hz) / np.log(high_hz / low_hz) - 0.5
    gain = (10 ** (place * tilt_db / 20)).astype(np.float32)
    return np.fft.irfft(np.fft.rfft(samples, axis=1) * gain, samples.shape[1], axis=1).astype(np.float32)
