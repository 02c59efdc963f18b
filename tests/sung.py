"""Synthetic singing whose pitch is known at every sample: slides, vibrato, vowels, attacks and noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

VOWELS_HZ = {  # first four formants of a singer's vowels (Peterson and Barney 1952, men, rounded; the fourth ours)
    "a": (730.0, 1090.0, 2440.0, 3400.0),
    "e": (530.0, 1840.0, 2480.0, 3500.0),
    "i": (270.0, 2290.0, 3010.0, 3600.0),
    "o": (570.0, 840.0, 2410.0, 3300.0),
    "u": (300.0, 870.0, 2240.0, 3200.0),
}
BANDWIDTHS_HZ = (90.0, 110.0, 160.0, 220.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A sung note; `slide_s` is how long it takes from the pitch before it to its own."""

    start_s: float
    end_s: float
    pitch_midi: float
    vowel: str = "a"
    vibrato_hz: float = 0.0
    vibrato_cents: float = 0.0
    slide_s: float = 0.0
    scoop_semitones: float = 0.0


@dataclass(frozen=True, slots=True)
class Sung:
    """What was sung [sample], the pitch of every sample (NaN: none) and its level, 1 while a note is held."""

    samples: NDArray[np.float32]
    pitch_midi: NDArray[np.float64]
    level: NDArray[np.float64]
    rate_hz: int

    def pitch_at(self, times_s: NDArray[np.float64], level: float = 0.5) -> NDArray[np.float64]:
        """True pitch at these times, NaN where the voice is below `level`."""
        at = np.round(times_s * self.rate_hz).astype(int)
        inside = (at >= 0) & (at < len(self.samples))
        at = np.where(inside, at, 0)
        return np.where(inside & (self.level[at] >= level), self.pitch_midi[at], np.nan)


def sing(
    notes: Sequence[Note], rate_hz: int, *, length_s: float, snr_db: float = np.inf, peak: float = 0.5, seed: int = 0
) -> Sung:
    """Sing notes that do not overlap; those that touch are sung on one breath."""
    time_s = np.arange(round(length_s * rate_hz)) / rate_hz
    pitch, level = np.full(len(time_s), np.nan), np.zeros(len(time_s))
    spans: list[slice] = []
    for n, note in enumerate(notes):
        before = notes[n - 1] if n and notes[n - 1].end_s >= note.start_s - 1e-9 else None
        follows = n + 1 < len(notes) and notes[n + 1].start_s <= note.end_s + 1e-9
        held = slice(*np.searchsorted(time_s, (note.start_s, note.end_s)))
        since_s = time_s[held] - note.start_s
        pitch[held] = _pitch_of(note, before, since_s)
        attack = np.ones(len(since_s)) if before else np.sin(np.pi / 2 * np.clip(since_s / 0.04, 0, 1)) ** 2
        left_s = note.end_s - time_s[held]
        level[held] = attack * (1 if follows else np.sin(np.pi / 2 * np.clip(left_s / 0.06, 0, 1)) ** 2)
        spans.append(held)
    voice = _voice(notes, spans, pitch, level, rate_hz)
    random = np.random.default_rng(seed)
    voice *= peak / max(float(np.abs(voice).max()), 1e-12)
    sung_power = np.mean(voice[level > 0.5] ** 2) if (level > 0.5).any() else peak**2 / 10
    noise = random.standard_normal(len(time_s)) * np.sqrt(sung_power * 10 ** (-snr_db / 10))
    return Sung((voice + noise).astype(np.float32), pitch, level, rate_hz)


def _pitch_of(note: Note, before: Note | None, since_s: NDArray[np.float64]) -> NDArray[np.float64]:
    pitch = np.full(len(since_s), note.pitch_midi)
    from_midi = before.pitch_midi if before else note.pitch_midi - note.scoop_semitones
    slide_s = note.slide_s or (0.08 if note.scoop_semitones else 0.0)
    if slide_s:
        pitch += (from_midi - note.pitch_midi) * (0.5 + 0.5 * np.cos(np.pi * np.clip(since_s / slide_s, 0, 1)))
    swelling = np.clip((since_s - 0.1) / 0.2, 0, 1)  # a singer's vibrato begins late
    return pitch + note.vibrato_cents / 100 * swelling * np.sin(2 * np.pi * note.vibrato_hz * since_s)


def _voice(
    notes: Sequence[Note], spans: Sequence[slice], pitch: NDArray[np.float64], level: NDArray[np.float64], rate_hz: int
) -> NDArray[np.float64]:
    frequency_hz = np.where(np.isnan(pitch), 0.0, 440 * 2 ** ((pitch - 69) / 12))
    phase = 2 * np.pi * np.cumsum(frequency_hz) / rate_hz
    voice = np.zeros(len(pitch))
    highest_hz = min(rate_hz / 2 * 0.9, 7000.0)
    for note, span in zip(notes, spans, strict=True):
        f0, angle = frequency_hz[span], phase[span]
        for harmonic in range(1, int(highest_hz / max(f0.min(), 30.0)) + 1):
            at_hz = harmonic * f0
            voice[span] += np.where(at_hz < highest_hz, _gain(at_hz, f0, note.vowel), 0) * np.sin(harmonic * angle)
    return voice * level


def _gain(frequency_hz: NDArray[np.float64], f0_hz: NDArray[np.float64], vowel: str) -> NDArray[np.float64]:
    """Glottal source of −12 dB an octave above 100 Hz, lips +6, resonances of the vowel in cascade; linear.

    Who sings above the first formant raises it along (Sundberg 1975, "Formant technique in a professional female
    singer"), which the highest notes need to be heard at all.
    """
    gain = (frequency_hz / 100.0) / (1 + (frequency_hz / 100.0) ** 2)
    for n, (formant_hz, width_hz) in enumerate(zip(VOWELS_HZ[vowel], BANDWIDTHS_HZ, strict=True)):
        at_hz = np.maximum(formant_hz, f0_hz) if n == 0 else formant_hz
        gain *= at_hz**2 / np.hypot(at_hz**2 - frequency_hz**2, frequency_hz * width_hz)
    return gain


def a_song(lowest_midi: float, seed: int, *, count: int = 12) -> list[Note]:
    """Notes within an octave: some slide, some scoop, most have vibrato of 5 to 7 Hz and 50 to 100 cents."""
    random = np.random.default_rng(seed)
    notes: list[Note] = []
    at_s = 0.3
    for n in range(count):
        length_s = float(random.uniform(0.35, 0.9))
        tied = n % 3 == 1
        at_s += 0.0 if tied else float(random.uniform(0.1, 0.25))
        notes.append(
            Note(
                start_s=round(at_s, 3),
                end_s=round(at_s + length_s, 3),
                pitch_midi=float(lowest_midi + random.integers(0, 13)),
                vowel="aeiou"[int(random.integers(5))],
                vibrato_hz=float(random.uniform(5, 7)),
                vibrato_cents=float(random.uniform(50, 100)) * (n % 4 != 0),
                slide_s=float(random.uniform(0.05, 0.15)) if tied else 0.0,
                scoop_semitones=1.5 if n % 3 == 2 else 0.0,
            )
        )
        at_s = notes[-1].end_s
    return notes
