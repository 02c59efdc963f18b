"""The raw materials that the singer and the band share: noise, smooth wandering, a room, placing.

Noise is drawn in the frequency domain, bin by bin from the lowest, so that a render at 8 kHz holds
the same noise as one at 192 kHz, only with less of its top.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
IndexArray = NDArray[np.int64]

_NOISE_REFERENCE_BAND_HZ = 22050.0
AUDIBLE_LIMIT_HZ = 18000.0


def samples(duration_s: float, sample_rate_hz: int) -> int:
    """The whole number of samples nearest to a duration in seconds."""
    return round(duration_s * sample_rate_hz)


def midi_to_hz(pitch_midi: float) -> float:
    """Frequency in Hz of a MIDI note number, equal temperament with A4 = 69 = 440 Hz."""
    return float(440.0 * 2.0 ** ((pitch_midi - 69.0) / 12.0))


def db_to_gain(gain_db: float) -> float:
    """Amplitude factor of a level in dB."""
    return float(10.0 ** (gain_db / 20.0))


def bin_frequencies_hz(sample_count: int, sample_rate_hz: int) -> FloatArray:
    """Frequencies in Hz of the bins of `np.fft.rfft`, [sample_count // 2 + 1]."""
    return np.arange(sample_count // 2 + 1, dtype=np.float64) * (sample_rate_hz / sample_count)


def noise_spectrum(rng: np.random.Generator, sample_count: int, sample_rate_hz: int) -> tuple[ComplexArray, FloatArray]:
    """White noise as the spectrum of `np.fft.rfft`, ready to be shaped.

    Returns:
        spectrum and its frequencies in Hz, both [sample_count // 2 + 1]. The density is that of noise
        with variance one at 44.1 kHz, whatever the rate; nothing above 18 kHz.
    """
    freq_hz = bin_frequencies_hz(sample_count, sample_rate_hz)
    # A generator of its own, because how many numbers are drawn depends on the rate and later draws must not.
    draws = rng.spawn(1)[0].standard_normal((freq_hz.size, 2))
    spectrum = draws[:, 0] + 1j * draws[:, 1]
    duration_s = sample_count / sample_rate_hz
    spectrum *= sample_count / np.sqrt(4.0 * duration_s * _NOISE_REFERENCE_BAND_HZ)
    spectrum[0] = 0.0
    spectrum[freq_hz > AUDIBLE_LIMIT_HZ] = 0.0
    if sample_count % 2 == 0:
        spectrum[-1] = 0.0
    return spectrum, freq_hz


def noise(rng: np.random.Generator, sample_count: int, sample_rate_hz: int) -> FloatArray:
    """White noise, [sample_count], of `noise_spectrum`'s density: variance one at 44.1 kHz."""
    spectrum, _ = noise_spectrum(rng, sample_count, sample_rate_hz)
    return np.fft.irfft(spectrum, sample_count)


def band_shape(freq_hz: FloatArray, band_hz: tuple[float, float]) -> FloatArray:
    """Gain in 0…1 of a gentle band-pass (12 dB an octave on both sides), same shape as `freq_hz`."""
    low_hz, high_hz = band_hz
    below = (freq_hz / low_hz) ** 2
    return below / (1.0 + below) / (1.0 + (freq_hz / high_hz) ** 2)


def wander(rng: np.random.Generator, times_s: FloatArray, rate_hz: float) -> FloatArray:
    """A smooth random curve of about unit deviation that changes `rate_hz` times a second, like `times_s`."""
    knots_s = np.arange(0.0, float(times_s[-1]) + 2.0 / rate_hz, 1.0 / rate_hz)
    values = rng.standard_normal(knots_s.size)
    position = times_s * rate_hz
    left = position.astype(np.int64)
    # A raised-cosine step between knots has no corner that could be heard as a buzz.
    blend = 0.5 - 0.5 * np.cos(np.pi * (position - left))
    return values[left] * (1.0 - blend) + values[left + 1] * blend


def smooth(track: FloatArray, width: int) -> FloatArray:
    """`track` [points, ...] averaged along its first axis under a Hann window of `width` points."""
    if width < 3:
        return track
    window = np.hanning(width + 2)[1:-1]
    window /= window.sum()
    before = width // 2
    padded = np.concatenate(
        [np.repeat(track[:1], before, axis=0), track, np.repeat(track[-1:], width - 1 - before, axis=0)]
    )
    columns = padded.reshape(padded.shape[0], -1).T
    averaged: list[FloatArray] = [np.convolve(column, window, mode="valid").astype(np.float64) for column in columns]
    return np.stack(averaged, axis=1).reshape(track.shape)


def fast_length(sample_count: int) -> int:
    """The next power of two, for an FFT."""
    return 1 << max(1, (sample_count - 1).bit_length())


def room_response(
    rng: np.random.Generator, sample_rate_hz: int, decay_s: float, pre_delay_s: float, band_hz: tuple[float, float]
) -> FloatArray:
    """A small hall: noise that dies away, after a pre-delay, a different one for each ear.

    Returns:
        [samples, 2], each column of about unit energy; `decay_s` is the time to -60 dB, `band_hz` holds
        the lower and the upper corner.
    """
    sample_count = samples(decay_s, sample_rate_hz)
    time_s = np.arange(sample_count) / sample_rate_hz
    envelope = 10.0 ** (-3.0 * time_s / decay_s) * (1.0 - np.exp(-time_s / 0.008))
    response = np.zeros((sample_count + samples(pre_delay_s, sample_rate_hz), 2))
    for channel in range(2):
        spectrum, freq_hz = noise_spectrum(rng, sample_count, sample_rate_hz)
        colored = np.fft.irfft(spectrum * band_shape(freq_hz, band_hz), sample_count)
        response[-sample_count:, channel] = colored * envelope
    # A fixed scale, not this render's own energy: the room must be equally loud at every rate.
    expected_energy = 44100.0 * decay_s / (6.0 * np.log(10.0)) * band_hz[1] / _NOISE_REFERENCE_BAND_HZ
    return response / np.sqrt(expected_energy) * (44100.0 / sample_rate_hz)


def in_room(send: FloatArray, response: FloatArray) -> FloatArray:
    """The reverberation, [samples, 2], of a mono `send` [samples] under `response` [taps, 2]; same length."""
    length = fast_length(send.size + response.shape[0])
    spectrum = np.fft.rfft(send, length)
    return np.stack(
        [np.fft.irfft(spectrum * np.fft.rfft(response[:, side], length), length)[: send.size] for side in range(2)],
        axis=1,
    )


def pan_gains(pan: float) -> tuple[float, float]:
    """Left and right gain of constant power for a pan of -1 (left) … 1 (right)."""
    angle = (pan + 1.0) * np.pi / 4.0
    return float(np.cos(angle)), float(np.sin(angle))


def place(track: FloatArray, sound: FloatArray, start_s: float, sample_rate_hz: int, gain: float) -> None:
    """Add `sound` [samples] times `gain` into `track` [samples] from `start_s`; what lies outside is cut."""
    start = samples(start_s, sample_rate_hz)
    first = max(0, -start)
    count = min(sound.size, track.size - start)
    if count > first:
        track[start + first : start + count] += gain * sound[first:count]
