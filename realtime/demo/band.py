"""The band: who plays what and when, where they sit, and the hall around them.

A bar of drums is sixteen sixteenths, one character each: `.` is silence, 1…9 is how hard.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import instruments
from .score import BAR_S, BARS, BEAT_S, BEATS_PER_BAR, CHORDS, GUITAR_SOLO, INTERLUDE_BAR, LAST_BAR
from .sound import FloatArray, db_to_gain, in_room, pan_gains, place, room_response, samples

_SEED = 5417
_SWING_S = 0.016
_HUMAN_S = 0.004
_STROKES = 4
_RELEASE_S = 0.06
_HALL_GAIN_DB = -6.0

_BARS_OF_DRUMS = ("intro", "intro", "one", "two", "one", "two", "fill", "two", "one", "two", "slow", "end")
_DRUMS: dict[str, dict[str, str]] = {
    "kick": {
        "intro": "8...............",
        "one": "9.....6.8.5.....",
        "two": "9..5..6.8.....4.",
        "fill": "8.....6.8.......",
        "slow": "8.......7.......",
        "end": "9...............",
    },
    "snare": {
        "one": "....8..2.2..8...",
        "two": "....8..2.2..8..3",
        "fill": "....8.......4.45",
        "slow": "........7.......",
    },
    "hat": {
        "intro": "6.3.5.3.6.3.5.34",
        "one": "6.3.5.3.6.3.5.4.",
        "two": "6.425.3.6.425.3.",
        "fill": "6.3.5.3.6.3.....",
        "slow": "5...4...5...4...",
    },
    "open hat": {"one": "..............5.", "two": "..............5."},
    "shaker": {"two": "4253425342534253", "slow": "3.3.3.3.3.3.3.3."},
    "high tom": {"fill": "..........7.5..."},
    "low tom": {"fill": ".............67."},
    "crash": {"end": "6..............."},
}
# Level in dB, place from -1 (left) to 1 (right), and level in dB that is sent to the hall.
_DRUM_SEATS: dict[str, tuple[float, float, float]] = {
    "kick": (-2.0, 0.0, -30.0),
    "snare": (0.5, 0.08, -13.0),
    "hat": (-4.0, 0.40, -24.0),
    "open hat": (-8.0, 0.40, -22.0),
    "shaker": (-2.0, -0.55, -20.0),
    "high tom": (-4.0, 0.35, -12.0),
    "low tom": (-3.0, -0.35, -12.0),
    "crash": (-8.0, -0.30, -12.0),
}
# Sixteenth of the bar, length in sixteenths, interval above the root in semitones, how hard.
_BASS_LINES: tuple[tuple[tuple[int, int, int, float], ...], ...] = (
    ((0, 5, 0, 1.0), (6, 2, 0, 0.8), (8, 2, 0, 0.95), (10, 3, 7, 0.75), (14, 2, 12, 0.7)),
    ((0, 3, 0, 1.0), (3, 3, 0, 0.7), (6, 2, 7, 0.8), (8, 4, 0, 0.95), (13, 1, 7, 0.6), (14, 2, 0, 0.75)),
)
_ARPEGGIO = (0, 2, 1, 3, 2, 1, 3, 2)


class _Stage:
    """Collects what is played, dry and on its way to the hall."""

    def __init__(self, sample_rate_hz: int, sample_count: int) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.dry = np.zeros((2, sample_count))
        self.send = np.zeros(sample_count)

    def add(self, sound: FloatArray, start_s: float, gain: float, pan: float, send_db: float) -> None:
        """Plays a mono `sound` at a place; `send_db` is relative to the dry sound."""
        for side, side_gain in enumerate(pan_gains(pan)):
            place(self.dry[side], sound, start_s, self.sample_rate_hz, gain * side_gain)
        place(self.send, sound, start_s, self.sample_rate_hz, gain * db_to_gain(send_db))


class _Notes:
    """Makes each pitch of an instrument once and cuts it to the length that is asked for."""

    def __init__(self, make: Callable[[int, float, int], FloatArray], longest_s: float, sample_rate_hz: int) -> None:
        self._make, self._longest_s, self._sample_rate_hz = make, longest_s, sample_rate_hz
        self._made: dict[int, FloatArray] = {}

    def get(self, pitch_midi: int, duration_s: float) -> FloatArray:
        if pitch_midi not in self._made:
            self._made[pitch_midi] = self._make(pitch_midi, self._longest_s, self._sample_rate_hz)
        count = samples(min(duration_s + _RELEASE_S, self._longest_s), self._sample_rate_hz)
        return instruments.released(self._made[pitch_midi][:count], _RELEASE_S, self._sample_rate_hz)


def play(sample_rate_hz: int, sample_count: int) -> FloatArray:
    """The whole band playing the song.

    Args:
        sample_rate_hz: 8000…192000.
        sample_count: length of the result; what rings longer is cut.

    Returns:
        [sample_count, 2], left and right, peaks around 1.5.
    """
    rng = np.random.default_rng(_SEED)
    stage = _Stage(sample_rate_hz, sample_count)
    _play_drums(stage, rng)
    _play_bass(stage, rng)
    _play_keyboard(stage, rng)
    _play_guitar(stage, rng)
    strings = _play_strings(stage, rng)
    hall = room_response(rng, sample_rate_hz, 1.6, 0.012, (200.0, 6000.0))
    return stage.dry.T + strings + db_to_gain(_HALL_GAIN_DB) * in_room(stage.send, hall)


def _when_s(rng: np.random.Generator, bar: int, sixteenth: float) -> float:
    """Start in seconds of a sixteenth, with a light swing and a hand that is not a machine."""
    swing_s = _SWING_S if sixteenth % 2 == 1 else 0.0
    human_s = float(np.clip(rng.normal(0.0, _HUMAN_S), -2.0 * _HUMAN_S, 2.0 * _HUMAN_S))
    return max(0.0, bar * BAR_S + sixteenth * BEAT_S / 4.0 + swing_s + human_s)


def _play_drums(stage: _Stage, rng: np.random.Generator) -> None:
    rate = stage.sample_rate_hz
    makers: dict[str, Callable[[], FloatArray]] = {
        "kick": lambda: instruments.kick(rng, rate),
        "snare": lambda: instruments.snare(rng, rate),
        "hat": lambda: instruments.hat(rng, rate, 0.030),
        "open hat": lambda: instruments.hat(rng, rate, 0.11),
        "shaker": lambda: instruments.shaker(rng, rate),
        "high tom": lambda: instruments.tom(rng, rate, 150.0),
        "low tom": lambda: instruments.tom(rng, rate, 98.0),
        "crash": lambda: instruments.crash(rng, rate),
    }
    for drum, patterns in _DRUMS.items():
        level_db, pan, send_db = _DRUM_SEATS[drum]
        # No two strokes on a real drum are alike, so a few are made and taken in turn.
        strokes = [makers[drum]() for _ in range(_STROKES)]
        hits = [
            (bar, sixteenth, int(mark))
            for bar, name in enumerate(_BARS_OF_DRUMS)
            for sixteenth, mark in enumerate(patterns.get(name, ""))
            if mark != "."
        ]
        for number, (bar, sixteenth, force) in enumerate(hits):
            gain = db_to_gain(level_db) * (force / 9.0) ** 1.3 * float(rng.uniform(0.92, 1.08))
            stage.add(strokes[number % _STROKES], _when_s(rng, bar, sixteenth), gain, pan, send_db)


def _play_bass(stage: _Stage, rng: np.random.Generator) -> None:
    notes = _Notes(instruments.bass, 2.4, stage.sample_rate_hz)
    for bar in range(BARS):
        line = _BASS_LINES[bar % 2] if 1 < bar < LAST_BAR - 1 else ((0, 7, 0, 0.9), (8, 7, 0, 0.8))
        if bar == LAST_BAR:
            line = ((0, 16, 0, 0.9),)
        for sixteenth, length, interval, force in line:
            beat = bar * BEATS_PER_BAR + sixteenth / 4.0
            root_midi = next(chord.bass_midi for chord in reversed(CHORDS) if chord.start_beat <= beat)
            tone = notes.get(root_midi + interval, 0.95 * length * BEAT_S / 4.0)
            stage.add(tone, _when_s(rng, bar, sixteenth), 0.44 * force, 0.0, -40.0)


def _play_keyboard(stage: _Stage, rng: np.random.Generator) -> None:
    """Electric piano: the chord when it comes, then pushes off the beat."""
    notes = _Notes(instruments.electric_piano, 3.0, stage.sample_rate_hz)
    for chord in CHORDS:
        last = chord.start_beat >= LAST_BAR * BEATS_PER_BAR
        pushes = [(0.0, 1.0, 1.4)]
        if last:
            pushes = [(0.0, 1.0, 4.5)]
        elif chord.beats >= 4.0:
            pushes += [(1.5, 0.6, 0.9), (2.5, 0.75, 0.45), (3.5, 0.55, 0.5)]
        else:
            pushes += [(1.5, 0.6, 0.45)]
        for beat, force, beats in pushes:
            start_s = (chord.start_beat + beat) * BEAT_S + abs(float(rng.normal(0.0, _HUMAN_S)))
            for rank, pitch_midi in enumerate(chord.voicing_midi):
                gain = 0.16 * force * float(rng.uniform(0.85, 1.1))
                # Low notes to the left, high ones to the right, as the player hears the keyboard.
                pan = -0.45 + 0.9 * (pitch_midi - 54) / 16.0
                roll_s = rank * (0.030 if last else 0.007)
                stage.add(notes.get(pitch_midi, beats * BEAT_S), start_s + roll_s, gain, pan, -11.0)


def _play_guitar(stage: _Stage, rng: np.random.Generator) -> None:
    """Guitar: broken chords in eighths under the voice, a line of its own where the voice rests."""
    notes = _Notes(instruments.guitar, 2.4, stage.sample_rate_hz)
    for chord in CHORDS:
        bar = int(chord.start_beat) // BEATS_PER_BAR
        if bar in (0, 1, INTERLUDE_BAR, LAST_BAR):
            continue
        for eighth in range(int(2 * chord.beats)):
            pitch_midi = chord.voicing_midi[_ARPEGGIO[eighth]]
            start_s = _when_s(rng, 0, chord.start_beat * 4.0 + 2.0 * eighth)
            gain = 0.20 * (1.0 if eighth % 4 == 0 else 0.75) * float(rng.uniform(0.85, 1.1))
            stage.add(notes.get(pitch_midi, 1.2 * BEAT_S), start_s, gain, -0.55, -9.0)
    for bar, beat, beats, pitch_midi in GUITAR_SOLO:
        gain = 0.30 * float(rng.uniform(0.9, 1.1))
        stage.add(notes.get(pitch_midi, beats * BEAT_S), _when_s(rng, bar, 4.0 * beat), gain, -0.40, -6.0)


def _play_strings(stage: _Stage, rng: np.random.Generator) -> FloatArray:
    """Strings, [samples, 2]: far back, from the second half of the first verse on."""
    track = np.zeros_like(stage.dry)
    for chord in CHORDS:
        if chord.start_beat < 4 * BEATS_PER_BAR:
            continue
        overlap_s = 0.5
        duration_s = chord.beats * BEAT_S + 2.0 * overlap_s
        held = instruments.strings(
            rng, (*chord.voicing_midi[1:], chord.voicing_midi[0] + 12), duration_s, stage.sample_rate_hz
        )
        for side in range(2):
            place(track[side], held[:, side], chord.start_beat * BEAT_S - overlap_s, stage.sample_rate_hz, 0.09)
    return track.T
