"""The singer: vocal folds and breath, through a vocal tract that moves, into a small room.

The source-filter model of Fant (1960) with a cascade of resonances (Klatt 1980). The filter is applied
to short overlapping frames, each with the formants of its moment, and cross-faded between them.
"""

from __future__ import annotations

import numpy as np

from .articulation import CONTROL_RATE_HZ, Performance, SungNote, articulate
from .sound import (
    AUDIBLE_LIMIT_HZ,
    ComplexArray,
    FloatArray,
    IndexArray,
    bin_frequencies_hz,
    db_to_gain,
    fast_length,
    in_room,
    noise,
    noise_spectrum,
    room_response,
    samples,
    smooth,
)

_SEED = 1933
_FRAME_S = 0.005
_RINGING_S = 0.030
_BATCH_FRAMES = 128
_BANDWIDTHS_HZ = (85.0, 120.0, 210.0, 300.0)
_NASAL_POLE_HZ, _NASAL_ZERO_HZ, _NASAL_BANDWIDTH_HZ = 300.0, 520.0, 110.0
_FIRST_UPPER_FORMANT_HZ, _UPPER_SPACING_HZ, _UPPER_FORMANTS = 5300.0, 1150.0, 9
_BREATH_CORNER_HZ = 900.0
_ASPIRATION_GAIN_DB = -1.0
_FRICATION_GAIN_DB = -4.0
_LEVEL_TARGET = 1.0
_LEVEL_RATIO = 0.55
_ROOM_GAIN_DB = -13.0


def sing(notes: tuple[SungNote, ...], sample_rate_hz: int, sample_count: int) -> FloatArray:
    """Sings a melody, in a small room.

    Args:
        notes: the melody, in order.
        sample_rate_hz: 8000…192000.
        sample_count: length of the result; what rings longer is cut.

    Returns:
        [sample_count, 2], left and right, about 1 RMS while the voice sounds; the dry voice is in the middle.
    """
    performance = articulate(notes, sample_count / sample_rate_hz, _SEED)
    rng = np.random.default_rng(_SEED + 1)
    folds, hiss = _sources(performance, sample_rate_hz, sample_count, rng)
    dry = _levelled(_through_mouth(folds, hiss, performance, sample_rate_hz), sample_rate_hz)
    response = room_response(rng, sample_rate_hz, 1.3, 0.022, (250.0, 5000.0))
    return dry[:, None] + db_to_gain(_ROOM_GAIN_DB) * in_room(dry, response)


def _sources(
    performance: Performance, sample_rate_hz: int, sample_count: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """What enters the throat (vocal folds and breath) and the noise made at lips and teeth, both [samples]."""
    times_s = np.arange(sample_count) / sample_rate_hz

    def at_samples(track: FloatArray) -> FloatArray:
        return np.interp(times_s, performance.times_s, track)

    pitch_hz = at_samples(performance.pitch_hz)
    phase = 2.0 * np.pi * (np.cumsum(pitch_hz) - 0.5 * (pitch_hz + pitch_hz[0])) / sample_rate_hz
    voicing = at_samples(performance.voicing)
    # Air leaks most while the folds are open, which is what glues the breath to the tone.
    leak = 1.0 - 0.6 * np.minimum(voicing, 1.0) * np.cos(phase)
    spectrum, freq_hz = noise_spectrum(rng, sample_count, sample_rate_hz)
    # Breath is not made by the folds: this undoes the fall of their spectrum, which the tract filter includes.
    spectrum *= np.hypot(1.0, freq_hz / _BREATH_CORNER_HZ)
    breath = at_samples(performance.aspiration) * leak * np.fft.irfft(spectrum, sample_count)
    loudness = 0.35 + 0.65 * at_samples(performance.effort)
    folds = voicing * loudness * pulse_train(phase, pitch_hz, sample_rate_hz)
    hiss = at_samples(performance.frication) * noise(rng, sample_count, sample_rate_hz)
    return folds + db_to_gain(_ASPIRATION_GAIN_DB) * breath, db_to_gain(_FRICATION_GAIN_DB) * hiss


def pulse_train(phase: FloatArray, pitch_hz: FloatArray, sample_rate_hz: int) -> FloatArray:
    """Sum of cos(k·phase) over every harmonic k below Nyquist (and 18 kHz), in closed form, so no aliasing.

    Args:
        phase: of the fundamental in radians, [samples].
        pitch_hz: the fundamental at each sample, [samples].
        sample_rate_hz: decides how many harmonics there are.
    """
    harmonics = min(0.48 * sample_rate_hz, AUDIBLE_LIMIT_HZ) / pitch_hz
    whole = np.floor(harmonics) - 1.0
    half_sine = np.sin(0.5 * phase)
    at_peak = np.abs(half_sine) < 1e-7
    kernel = np.sin((whole + 0.5) * phase) / np.where(at_peak, 1.0, half_sine)
    kernel = np.where(at_peak, 2.0 * whole + 1.0, kernel)
    # The topmost harmonic fades in and out as the pitch moves, instead of clicking.
    return 0.5 * (kernel - 1.0) + (harmonics - 1.0 - whole) * np.cos((whole + 1.0) * phase)


def _through_mouth(folds: FloatArray, hiss: FloatArray, performance: Performance, sample_rate_hz: int) -> FloatArray:
    """Filters both sources with the formants of each moment; [samples] in, [samples] out."""
    hop = samples(_FRAME_S, sample_rate_hz)
    length = fast_length(2 * hop + samples(_RINGING_S, sample_rate_hz))
    freq_hz = bin_frequencies_hz(length, sample_rate_hz)
    fixed = _fixed_response(freq_hz)
    window = 0.5 - 0.5 * np.cos(np.pi * (np.arange(2 * hop) + 0.5) / hop)
    frames = folds.size // hop + 1
    padding = (hop, (frames + 1) * hop - folds.size)
    sources = [np.lib.stride_tricks.sliding_window_view(np.pad(s, padding), 2 * hop)[::hop] for s in (folds, hiss)]
    tail_hops = -(-length // hop)
    output = np.zeros((frames + tail_hops, hop))
    for start in range(0, frames, _BATCH_FRAMES):
        stop = min(start + _BATCH_FRAMES, frames)
        voiced, fricated = (np.asarray(source[start:stop]) for source in sources)
        if not (voiced.any() or fricated.any()):
            continue
        points = np.round(np.arange(start, stop) * hop / sample_rate_hz * CONTROL_RATE_HZ).astype(np.int64)
        points = np.minimum(points, performance.times_s.size - 1)
        spectrum = np.fft.rfft(voiced * window, length) * (fixed * _tract_response(freq_hz, performance, points))
        spectrum += np.fft.rfft(fricated * window, length) * _teeth_response(freq_hz, performance, points)
        pieces = np.zeros((stop - start, tail_hops * hop))
        pieces[:, :length] = np.fft.irfft(spectrum, length)
        for piece in range(tail_hops):
            output[start + piece : stop + piece] += pieces[:, piece * hop : (piece + 1) * hop]
    return output.ravel()[hop : hop + folds.size]


def _resonance(freq_hz: FloatArray, center_hz: FloatArray | float, bandwidth_hz: FloatArray | float) -> ComplexArray:
    """Reciprocal of a pole pair's response (one at 0 Hz); multiply with it for a zero, divide for a formant."""
    natural = np.square(center_hz) + np.square(0.5 * np.asarray(bandwidth_hz))
    return 1.0 - np.square(freq_hz) / natural + 1j * (freq_hz * (bandwidth_hz / natural))


def _fixed_response(freq_hz: FloatArray) -> ComplexArray:
    """What does not move: the formants above the fourth, and nothing left near Nyquist; [bins]."""
    inverse = np.ones(freq_hz.size, dtype=np.complex128)
    for number in range(_UPPER_FORMANTS):
        inverse *= _resonance(freq_hz, _FIRST_UPPER_FORMANT_HZ + number * _UPPER_SPACING_HZ, 300.0 + 60.0 * number)
    return 1.0 / inverse


def _tract_response(freq_hz: FloatArray, performance: Performance, points: IndexArray) -> ComplexArray:
    """Vocal folds' spectrum, moving formants, nose and lips, [frames, bins]."""
    pitch_hz = performance.pitch_hz[points, None]
    effort = performance.effort[points, None]
    formants_hz = performance.formants_hz[points]
    # Singers open the jaw so that the first formant does not fall below the note (Sundberg 1975).
    first_hz = np.maximum(formants_hz[:, :1], 1.05 * pitch_hz)
    inverse = _resonance(freq_hz, first_hz, _BANDWIDTHS_HZ[0])
    for number in range(1, 4):
        inverse *= _resonance(freq_hz, formants_hz[:, number : number + 1], _BANDWIDTHS_HZ[number])
    # Two poles at the glottal formant, one zero at 0 Hz for the lips, one pole that effort pushes up.
    glottal_hz = 0.9 * pitch_hz
    inverse *= np.square(1.0 + 1j * freq_hz / glottal_hz) * (1.0 + 1j * freq_hz / (3000.0 + 9000.0 * effort**2))
    response = (1j * freq_hz / glottal_hz) / inverse
    nasal = performance.nasal[points, None]
    zero_hz = _NASAL_POLE_HZ + nasal * (_NASAL_ZERO_HZ - _NASAL_POLE_HZ)
    open_nose = np.flatnonzero(nasal[:, 0] > 1e-3)
    nose = _resonance(freq_hz, zero_hz[open_nose], _NASAL_BANDWIDTH_HZ)
    response[open_nose] *= nose / _resonance(freq_hz, _NASAL_POLE_HZ, _NASAL_BANDWIDTH_HZ)
    return response


def _teeth_response(freq_hz: FloatArray, performance: Performance, points: IndexArray) -> FloatArray:
    """Band of the consonants' noise, [frames, bins], in 0…1."""
    low_hz, high_hz = performance.frication_band_hz[points, :1], performance.frication_band_hz[points, 1:]
    above = np.square(np.square(freq_hz / low_hz))
    return above / (1.0 + above) / (1.0 + np.square(freq_hz / high_hz))


def _levelled(voice: FloatArray, sample_rate_hz: int) -> FloatArray:
    """Evens out the loudness of vowels and notes, as a recording engineer would; same shape."""
    hop = samples(_FRAME_S, sample_rate_hz)
    blocks = np.pad(voice, (0, -voice.size % hop)).reshape(-1, hop)
    power = smooth(np.square(blocks).mean(axis=1), round(0.15 / _FRAME_S))
    gain = (np.sqrt(power) / _LEVEL_TARGET + 0.15) ** -_LEVEL_RATIO
    centers = (np.arange(gain.size) + 0.5) * hop
    return voice * np.interp(np.arange(voice.size), centers, gain)
