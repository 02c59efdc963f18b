"""From notes and syllables to what the singer does at each millisecond: pitch, mouth, breath, effort."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .phonemes import Sound, syllable, total_duration_s
from .sound import FloatArray, smooth, wander

CONTROL_RATE_HZ = 1000
_PAUSE_S = 0.12
_CONSONANT_SHARE = 0.55
_CLOSING_S = 0.16
_GLIDE_S = 0.085
_FORMANT_GLIDE_S = 0.055
_LEVEL_GLIDE_S = 0.016
_SOFT_START_S = 0.06
_VIBRATO_RATE_HZ = 5.6
_VIBRATO_DEPTH_SEMITONES = 0.42
_BREATH_S = 0.30


@dataclass(frozen=True)
class SungNote:
    """One note of the melody.

    Attributes:
        start_s: when the vowel starts; consonants come before it, as singers do it.
        duration_s: until the note ends.
        pitch_midi: MIDI note number.
        syllable: in ARPAbet; empty where the vowel of the note before goes on (a melisma).
        effort: how loud and bright, 0…1.
    """

    start_s: float
    duration_s: float
    pitch_midi: float
    syllable: str
    effort: float = 0.7

    @property
    def end_s(self) -> float:
        """When the note ends, in seconds."""
        return self.start_s + self.duration_s


@dataclass(frozen=True)
class Performance:
    """What the singer does, one row a millisecond (`CONTROL_RATE_HZ`).

    Attributes:
        times_s: [points].
        pitch_hz: [points], vibrato, slides and jitter included.
        formants_hz: [points, 4].
        voicing: [points], amplitude of the vocal folds.
        aspiration: [points], amplitude of breath through the mouth.
        frication: [points], amplitude of consonant noise.
        frication_band_hz: [points, 2], lower and upper corner of that noise.
        nasal: [points], 0…1.
        effort: [points], 0…1.
    """

    times_s: FloatArray
    pitch_hz: FloatArray
    formants_hz: FloatArray
    voicing: FloatArray
    aspiration: FloatArray
    frication: FloatArray
    frication_band_hz: FloatArray
    nasal: FloatArray
    effort: FloatArray


@dataclass(frozen=True)
class _Syllable:
    start_s: float
    end_s: float
    before: tuple[Sound, ...]
    vowel: tuple[Sound, ...]
    after: tuple[Sound, ...]


def articulate(notes: tuple[SungNote, ...], duration_s: float, seed: int) -> Performance:
    """Performs a melody.

    Args:
        notes: in order, not overlapping, the first with a syllable.
        duration_s: of the whole performance.
        seed: of the small irregularities.
    """
    rng = np.random.default_rng(seed)
    times_s = np.arange(round(duration_s * CONTROL_RATE_HZ) + 1) / CONTROL_RATE_HZ
    syllables = _syllables(notes)
    sung = _timeline(syllables)
    starts_s = np.array([start_s for start_s, _ in sung])
    index = np.maximum(np.searchsorted(starts_s, times_s, side="right") - 1, 0)
    rows = np.array([(*s.formants_hz, s.nasal, *s.frication_band_hz) for _, s in sung])[index]
    mouth = smooth(rows[:, :5], _points(_FORMANT_GLIDE_S))
    levels = smooth(np.array([(s.voicing, s.aspiration, s.frication) for _, s in sung])[index], _points(_LEVEL_GLIDE_S))
    levels *= _phrase_fades(syllables, times_s)[:, None]
    return Performance(
        times_s=times_s,
        pitch_hz=_pitch_hz(notes, syllables, times_s, rng),
        formants_hz=mouth[:, :4],
        voicing=levels[:, 0] * (1.0 + 0.03 * wander(rng, times_s, 30.0)),
        aspiration=levels[:, 1] + _breaths(syllables, times_s),
        frication=levels[:, 2],
        frication_band_hz=rows[:, 5:],
        nasal=mouth[:, 4],
        effort=_effort(notes, times_s, rng),
    )


def _points(duration_s: float) -> int:
    return round(duration_s * CONTROL_RATE_HZ)


def _syllables(notes: tuple[SungNote, ...]) -> list[_Syllable]:
    """Joins the notes of a melisma into one syllable."""
    joined: list[_Syllable] = []
    for note in notes:
        if note.syllable:
            joined.append(_Syllable(note.start_s, note.end_s, *syllable(note.syllable)))
        else:
            last = joined.pop()
            joined.append(_Syllable(last.start_s, note.end_s, last.before, last.vowel, last.after))
    return joined


def _phrases(syllables: list[_Syllable]) -> list[tuple[_Syllable, _Syllable]]:
    """First and last syllable of each stretch that is sung in one breath."""
    phrases: list[tuple[_Syllable, _Syllable]] = []
    for item in syllables:
        if phrases and item.start_s - phrases[-1][1].end_s < _PAUSE_S:
            phrases[-1] = (phrases[-1][0], item)
        else:
            phrases.append((item, item))
    return phrases


def _timeline(syllables: list[_Syllable]) -> list[tuple[float, Sound]]:
    """Start in seconds of each sound, silences included; each lasts until the next one starts."""
    first = syllables[0]
    timeline: list[tuple[float, Sound]] = [(0.0, _silent(first.before[0] if first.before else first.vowel[0]))]
    cursor_s = first.start_s - total_duration_s(first.before)
    shrink = 1.0
    for item, following in zip(syllables, [*syllables[1:], None], strict=True):
        for sound in item.before:
            timeline.append((cursor_s, sound))
            cursor_s += (sound.duration_s or 0.0) * shrink
        joined = following is not None and following.start_s - item.end_s < _PAUSE_S
        end_s = following.start_s if following is not None and joined else item.end_s
        next_s = total_duration_s(following.before) if following is not None else 0.0
        needed_s = total_duration_s(item.after) + (next_s if joined else 0.0)
        # On a short note the consonants are spoken faster, so that a vowel is left to sing on.
        shrink = min(1.0, _CONSONANT_SHARE * (end_s - item.start_s) / max(needed_s, 1e-9))
        closing_s = end_s - needed_s * shrink
        timeline.append((item.start_s, item.vowel[0]))
        if len(item.vowel) > 1:
            timeline.append((closing_s - min(_CLOSING_S, 0.4 * (closing_s - item.start_s)), item.vowel[1]))
        cursor_s = closing_s
        for sound in item.after:
            timeline.append((cursor_s, sound))
            cursor_s += (sound.duration_s or 0.0) * shrink
        if not joined:
            timeline.append((end_s, _silent(timeline[-1][1])))
            shrink = 1.0
            if following is not None:
                cursor_s = following.start_s - next_s
                # Half-way through a rest the mouth gets ready for what comes.
                opening = following.before[0] if following.before else following.vowel[0]
                timeline.append((0.5 * (end_s + cursor_s), _silent(opening)))
    return timeline


def _silent(sound: Sound) -> Sound:
    return Sound(sound.formants_hz, frication_band_hz=sound.frication_band_hz, nasal=sound.nasal)


def _pitch_hz(
    notes: tuple[SungNote, ...], syllables: list[_Syllable], times_s: FloatArray, rng: np.random.Generator
) -> FloatArray:
    starts_s = np.array([note.start_s for note in notes]) - 0.4 * _GLIDE_S
    index = np.maximum(np.searchsorted(starts_s, times_s, side="right") - 1, 0)
    semitones = smooth(np.array([note.pitch_midi for note in notes])[index], _points(_GLIDE_S))
    rate_hz = _VIBRATO_RATE_HZ + 0.25 * wander(rng, times_s, 1.5)
    vibrato = np.sin(2.0 * np.pi * np.cumsum(rate_hz) / CONTROL_RATE_HZ)
    depth = np.zeros_like(times_s)
    for note in notes:
        inside = (times_s >= note.start_s) & (times_s < note.end_s)
        if note.duration_s > 0.5:
            # Singers settle on the note before the vibrato opens.
            depth[inside] = np.clip((times_s[inside] - note.start_s - 0.22) / 0.4, 0.0, 1.0)
    semitones += _VIBRATO_DEPTH_SEMITONES * smooth(depth, _points(0.08)) * vibrato
    for first, _ in _phrases(syllables):
        onset_s = first.start_s - 0.05
        scoop = -1.3 * np.exp(-np.maximum(times_s - onset_s, 0.0) / 0.06)
        semitones += np.where((times_s > onset_s - 0.3) & (times_s < onset_s + 0.6), scoop, 0.0)
    semitones += 0.05 * wander(rng, times_s, 2.5) + 0.035 * wander(rng, times_s, 40.0)
    return 440.0 * 2.0 ** ((semitones - 69.0) / 12.0)


def _effort(notes: tuple[SungNote, ...], times_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    index = np.maximum(np.searchsorted([note.start_s for note in notes], times_s, side="right") - 1, 0)
    effort = np.array([note.effort for note in notes])[index]
    for note in notes:
        inside = (times_s >= note.start_s) & (times_s < note.end_s)
        since_s = times_s[inside] - note.start_s
        # Each syllable is leant on a little and let go; a long note swells.
        effort[inside] += 0.10 * np.exp(-since_s / 0.2) - 0.12 * np.exp((since_s - note.duration_s) / 0.1)
        if note.duration_s > 0.7:
            effort[inside] += 0.12 * np.sin(np.pi * since_s / note.duration_s)
    effort += 0.03 * wander(rng, times_s, 4.0)
    return np.clip(smooth(effort, _points(0.09)), 0.05, 1.0)


def _phrase_fades(syllables: list[_Syllable], times_s: FloatArray) -> FloatArray:
    """A gain that lets the last note of each phrase die away and a first vowel start softly, [points] in 0…1."""
    gain = np.ones_like(times_s)
    for first, last in _phrases(syllables):
        if not first.before:
            near = np.abs(times_s - first.start_s) < _SOFT_START_S
            gain[near] = np.clip(0.5 + 0.5 * (times_s[near] - first.start_s) / _SOFT_START_S, 0.0, 1.0)
        fade_s = min(0.7, 0.4 * (last.end_s - last.start_s))
        inside = (times_s >= last.end_s - fade_s) & (times_s < last.end_s + 0.05)
        progress = np.clip((times_s[inside] - last.end_s + fade_s) / fade_s, 0.0, 1.0)
        gain[inside] = 0.5 + 0.5 * np.cos(np.pi * progress)
    return gain


def _breaths(syllables: list[_Syllable], times_s: FloatArray) -> FloatArray:
    """Breathing in before every phrase but the first, [points]."""
    level = np.zeros_like(times_s)
    for first, _ in _phrases(syllables)[1:]:
        end_s = first.start_s - total_duration_s(first.before) - 0.08
        progress = np.clip((times_s - end_s + _BREATH_S) / _BREATH_S, 0.0, 1.0)
        level += 0.22 * np.sin(np.pi * progress) ** 2
    return level
