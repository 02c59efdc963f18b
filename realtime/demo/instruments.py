"""The band's instruments, one note or one stroke at a time, each dry and mono unless it says otherwise.

Tones are sums of decaying partials (nothing above Nyquist is ever made); noises are shaped in the
frequency domain; the strings are P. Nasca's PADsynth (a spectrum of broadened harmonics with random phases).
"""

from __future__ import annotations

import numpy as np

from .sound import AUDIBLE_LIMIT_HZ, FloatArray, band_shape, bin_frequencies_hz, midi_to_hz, noise_spectrum, samples

_INAUDIBLE_TIME_CONSTANTS = 8.0


def partials(
    freq_hz: FloatArray, gain: FloatArray, decay_s: FloatArray, duration_s: float, sample_rate_hz: int
) -> FloatArray:
    """Sum of decaying sines.

    Args:
        freq_hz: [partials]; those near or above Nyquist are left out.
        gain: [partials], amplitudes at the start.
        decay_s: [partials], time constants (to 1/e).
        duration_s: length of the result.
        sample_rate_hz: of the result.

    Returns:
        [samples], starting and ending at zero.
    """
    times_s = np.arange(samples(duration_s, sample_rate_hz)) / sample_rate_hz
    tone = np.zeros(times_s.size)
    for one_freq_hz, one_gain, one_decay_s in zip(freq_hz, gain, decay_s, strict=True):
        if one_freq_hz > min(0.46 * sample_rate_hz, AUDIBLE_LIMIT_HZ):
            continue
        count = min(times_s.size, samples(_INAUDIBLE_TIME_CONSTANTS * one_decay_s, sample_rate_hz))
        time_s = times_s[:count]
        tone[:count] += one_gain * np.exp(-time_s / one_decay_s) * np.sin(2.0 * np.pi * one_freq_hz * time_s)
    return released(tone, 0.03, sample_rate_hz)


def released(sound: FloatArray, release_s: float, sample_rate_hz: int) -> FloatArray:
    """`sound` [samples] with its last `release_s` seconds faded to zero."""
    count = min(sound.size, samples(release_s, sample_rate_hz))
    faded = sound.copy()
    faded[sound.size - count :] *= 0.5 + 0.5 * np.cos(np.pi * (np.arange(count) + 1.0) / count)
    return faded


def hiss(
    rng: np.random.Generator, band_hz: tuple[float, float], decay_s: float, sample_rate_hz: int, attack_s: float = 5e-4
) -> FloatArray:
    """A stroke of noise between the two corners of a band that dies away with time constant `decay_s`, [samples]."""
    count = samples(_INAUDIBLE_TIME_CONSTANTS * decay_s, sample_rate_hz)
    spectrum, freq_hz = noise_spectrum(rng, count, sample_rate_hz)
    times_s = np.arange(count) / sample_rate_hz
    envelope = np.exp(-times_s / decay_s) * (1.0 - np.exp(-times_s / attack_s))
    return np.fft.irfft(spectrum * band_shape(freq_hz, band_hz), count) * envelope


def mixed(*sounds: FloatArray) -> FloatArray:
    """Sum of sounds of different lengths that start together."""
    total = np.zeros(max(sound.size for sound in sounds))
    for sound in sounds:
        total[: sound.size] += sound
    return total


def _drop(start_hz: float, end_hz: float, fall_s: float, decay_s: float, sample_rate_hz: int) -> FloatArray:
    """A sine whose pitch falls exponentially, the body of a drum."""
    times_s = np.arange(samples(_INAUDIBLE_TIME_CONSTANTS * decay_s, sample_rate_hz)) / sample_rate_hz
    cycles = end_hz * times_s + (start_hz - end_hz) * fall_s * (1.0 - np.exp(-times_s / fall_s))
    envelope = np.exp(-times_s / decay_s)
    body = np.sin(2.0 * np.pi * cycles) * envelope
    # A falling sine pushes more to one side than to the other: the mean goes, under a curve that starts at zero.
    lean = envelope * (1.0 - envelope)
    return body - lean * (body.sum() / lean.sum())


def kick(rng: np.random.Generator, sample_rate_hz: int) -> FloatArray:
    """Bass drum."""
    click = hiss(rng, (1500.0, 5000.0), 0.006, sample_rate_hz)
    return mixed(_drop(170.0, 50.0, 0.028, 0.13, sample_rate_hz), 0.35 * click)


def snare(rng: np.random.Generator, sample_rate_hz: int) -> FloatArray:
    """Snare drum: two modes of the head, and the wires."""
    head = mixed(
        0.55 * _drop(240.0, 188.0, 0.02, 0.07, sample_rate_hz), 0.3 * _drop(370.0, 332.0, 0.02, 0.05, sample_rate_hz)
    )
    wires = hiss(rng, (1200.0, 8500.0), 0.075, sample_rate_hz)
    crack = hiss(rng, (900.0, 5000.0), 0.012, sample_rate_hz)
    return mixed(head, 0.42 * wires, 0.5 * crack)


def hat(rng: np.random.Generator, sample_rate_hz: int, decay_s: float) -> FloatArray:
    """Hi-hat, closed at a decay of about 0.03 s, open at about 0.15 s."""
    return mixed(
        hiss(rng, (8000.0, 14000.0), decay_s, sample_rate_hz), 0.35 * hiss(rng, (3500.0, 7000.0), 0.008, sample_rate_hz)
    )


def shaker(rng: np.random.Generator, sample_rate_hz: int) -> FloatArray:
    """Shaker: noise that swells before it falls."""
    return hiss(rng, (5500.0, 9500.0), 0.022, sample_rate_hz, attack_s=0.018)


def crash(rng: np.random.Generator, sample_rate_hz: int) -> FloatArray:
    """Crash cymbal."""
    return mixed(
        hiss(rng, (3500.0, 12000.0), 0.55, sample_rate_hz, attack_s=0.004),
        hiss(rng, (1000.0, 6000.0), 0.09, sample_rate_hz),
    )


def tom(rng: np.random.Generator, sample_rate_hz: int, pitch_hz: float) -> FloatArray:
    """Tom-tom tuned to `pitch_hz`."""
    body = _drop(1.5 * pitch_hz, pitch_hz, 0.04, 0.14, sample_rate_hz)
    return mixed(body, 0.25 * hiss(rng, (800.0, 4000.0), 0.015, sample_rate_hz))


def bass(pitch_midi: int, duration_s: float, sample_rate_hz: int) -> FloatArray:
    """A plucked bass string of at most `duration_s`."""
    number = np.arange(1, 17, dtype=np.float64)
    freq_hz = number * midi_to_hz(pitch_midi)
    gain = np.abs(np.sin(np.pi * number * 0.21)) / number**1.05 / (1.0 + (freq_hz / 900.0) ** 2)
    tone = partials(freq_hz, gain, 1.1 / (1.0 + 0.28 * number), duration_s, sample_rate_hz)
    return _softened(tone, 0.004, sample_rate_hz)


def electric_piano(pitch_midi: int, duration_s: float, sample_rate_hz: int) -> FloatArray:
    """A tine piano: a round tone, a second harmonic that bites, and a short bell above."""
    number = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.27, 11.3])
    gain = np.array([1.0, 0.45, 0.22, 0.16, 0.09, 0.15, 0.06])
    decay_s = np.array([1.5, 0.80, 0.55, 0.45, 0.35, 0.12, 0.05])
    tone = partials(number * midi_to_hz(pitch_midi), gain, decay_s, duration_s, sample_rate_hz)
    return _softened(tone, 0.002, sample_rate_hz)


def guitar(pitch_midi: int, duration_s: float, sample_rate_hz: int) -> FloatArray:
    """A plucked steel string: a comb of partials from the place of the pluck, a little stretched by stiffness."""
    number = np.arange(1, 31, dtype=np.float64)
    freq_hz = midi_to_hz(pitch_midi) * number * np.sqrt(1.0 + 6e-5 * number**2)
    gain = np.sin(np.pi * number * 0.13) / number**0.8 / (1.0 + (freq_hz / 6500.0) ** 4)
    decay_s = 1.0 / (1.1 + 0.14 * number + (freq_hz / 2600.0) ** 2)
    return _softened(partials(freq_hz, gain, decay_s, duration_s, sample_rate_hz), 0.0008, sample_rate_hz)


def _softened(tone: FloatArray, attack_s: float, sample_rate_hz: int) -> FloatArray:
    times_s = np.arange(tone.size) / sample_rate_hz
    return tone * (1.0 - np.exp(-times_s / attack_s))


def strings(
    rng: np.random.Generator, pitches_midi: tuple[int, ...], duration_s: float, sample_rate_hz: int
) -> FloatArray:
    """An ensemble holding a chord, [samples, 2], each ear with its own phases; swells in and out."""
    count = samples(duration_s, sample_rate_hz)
    freq_hz = bin_frequencies_hz(count, sample_rate_hz)
    shape = np.zeros(freq_hz.size)
    for pitch_midi in pitches_midi:
        for number in range(1, 25):
            center_hz = number * midi_to_hz(pitch_midi)
            if center_hz > min(0.45 * sample_rate_hz, 9000.0):
                break
            # Twenty players are never quite together: about 12 cents of spread, in Hz growing with the partial.
            width_hz = 0.007 * center_hz
            near = slice(*np.searchsorted(freq_hz, [center_hz - 4.0 * width_hz, center_hz + 4.0 * width_hz]))
            level = 1.0 / number / (1.0 + (center_hz / 4000.0) ** 2)
            shape[near] += level * np.exp(-0.5 * np.square((freq_hz[near] - center_hz) / width_hz)) / np.sqrt(width_hz)
    swell = np.sin(np.pi * (np.arange(count) + 0.5) / count) ** 0.6
    chord = np.zeros((count, 2))
    for side in range(2):
        spectrum, _ = noise_spectrum(rng, count, sample_rate_hz)
        chord[:, side] = np.fft.irfft(spectrum * shape, count) * swell
    return chord * np.sqrt(44100.0 / 40.0)
