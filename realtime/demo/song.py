"""The demo song with its true stems, made on the spot: nothing to download and nothing to license."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import AdvsepError
from .band import play
from .score import MELODY, SONG_S
from .sound import FloatArray, db_to_gain, samples
from .voice import sing

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8000, 192000
_VOCALS_GAIN_DB = -22.0
_BAND_GAIN_DB = -5.8
_FADE_OUT_S = 0.6
# Nothing above 18 kHz is ever played, so higher rates than this are the same render with more samples.
_RENDER_LIMIT_HZ = 48000


@dataclass(frozen=True)
class DemoSong:
    """A song and the parts it is the sum of.

    Attributes:
        vocals: the singer and her room, float32 [samples, channels].
        accompaniment: the band, float32 [samples, channels].
        sample_rate_hz: of both.
    """

    vocals: NDArray[np.float32]
    accompaniment: NDArray[np.float32]
    sample_rate_hz: int

    @property
    def mixture(self) -> NDArray[np.float32]:
        """vocals + accompaniment, float32 [samples, channels], peaks at about -2 dBFS."""
        return self.vocals + self.accompaniment


def demo_song(sample_rate_hz: int = 44100, duration_s: float | None = None, channels: int = 2) -> DemoSong:
    """Plays and sings the demo song; the same bytes at every call on one machine.

    Args:
        sample_rate_hz: 8000…192000. Every rate holds the same song, up to its Nyquist frequency or 18 kHz.
        duration_s: seconds wanted; a longer song is the song again and again, a shorter one its beginning.
            None is the whole song once, 28.8 s.
        channels: 2, or 1 for the mean of left and right.

    Raises:
        AdvsepError: when an argument is out of its range.
    """
    if not LOWEST_RATE_HZ <= sample_rate_hz <= HIGHEST_RATE_HZ:
        message = f"The demo song's sample rate must be {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz, not {sample_rate_hz}."
        raise AdvsepError(message)
    if channels not in (1, 2):
        message = f"The demo song has 1 or 2 channels, not {channels}."
        raise AdvsepError(message)
    wanted = samples(SONG_S if duration_s is None else duration_s, sample_rate_hz)
    if wanted < 1:
        message = f"The demo song's duration must be at least one sample, not {duration_s} s."
        raise AdvsepError(message)
    render_rate_hz = min(sample_rate_hz, _RENDER_LIMIT_HZ)
    song_samples = samples(SONG_S, render_rate_hz)
    vocals = sing(MELODY, render_rate_hz, song_samples) * db_to_gain(_VOCALS_GAIN_DB)
    band = play(render_rate_hz, song_samples) * db_to_gain(_BAND_GAIN_DB)
    return DemoSong(
        vocals=_finished(vocals, wanted, channels, sample_rate_hz),
        accompaniment=_finished(band, wanted, channels, sample_rate_hz),
        sample_rate_hz=sample_rate_hz,
    )


def _finished(stem: FloatArray, wanted: int, channels: int, sample_rate_hz: int) -> NDArray[np.float32]:
    """Brings a stem to its rate, fades its end to zero (it may start again without a click), cuts or loops it."""
    song_samples = samples(SONG_S, sample_rate_hz)
    if song_samples > stem.shape[0]:
        spectrum = np.fft.rfft(stem, axis=0) * (song_samples / stem.shape[0])
        stem = np.fft.irfft(spectrum, song_samples, axis=0)
    count = samples(_FADE_OUT_S, sample_rate_hz)
    stem[stem.shape[0] - count :] *= (0.5 + 0.5 * np.cos(np.pi * (np.arange(count) + 1.0) / count))[:, None]
    if channels == 1:
        stem = stem.mean(axis=1, keepdims=True)
    once = stem.astype(np.float32)
    repeats = -(-wanted // once.shape[0])
    return np.tile(once, (repeats, 1))[:wanted]
