"""What is to be sung and what was sung, in the song's time: kept within bounds, found again for what is seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from ...realtime.karaoke.lyrics import Lyrics, NoteKind
from ...realtime.karaoke.pitch_trace import PitchTrace, folded

MOST_FRAMES = 65_536  # of singing, 11 min at 100 in a second; the oldest half goes when they are full
LEAST_SEMITONES = 12.0
_USUAL_MIDI = (50.0, 74.0)  # where nothing is known
_MARGIN_SEMITONES = 3.0
_RARE = 2.0  # percent of a guide's frames beyond either end of what is shown: a tracker's mistakes

Frames = NDArray[np.float64]
Pitches = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Note:
    """One that is to be sung.

    Attributes:
        start_s: in the song.
        end_s: not before that.
        pitch_midi: 69 is 440 Hz.
        kind: as of its syllable.
        singer: number of the part.
    """

    start_s: float
    end_s: float
    pitch_midi: float
    kind: NoteKind
    singer: int


class PitchTracks(QObject):
    """Targets, notes or a guide's trace, and one singer's trace.

    Attributes:
        targets_changed: there are others.
        sung_changed: with the times in s between which the singer's trace is another.
        notes: in order, in the song's own key; empty where there is a guide's trace or nothing.
        key_semitones: how far the song is moved, and all targets with it.
        tolerance_semitones: so near to its target singing is right; up to half again as far it is nearly.
    """

    targets_changed = Signal()
    sung_changed = Signal(float, float)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.notes: tuple[Note, ...] = ()
        self.key_semitones, self.tolerance_semitones = 0.0, 1.0
        self._lowest_midi, self._highest_midi = _USUAL_MIDI
        self._guide_s: Frames = np.zeros(0)
        self._guide_midi: Pitches = np.zeros(0, np.float32)
        self._starts_s, self._ends_s = np.zeros(0), np.zeros(0)  # of targets: notes, or voiced frames of the guide
        self._latest_s = np.zeros(0)  # end of any note so far
        self._pitches: Pitches = np.zeros(0, np.float32)
        self._sung_s: Frames = np.zeros(MOST_FRAMES)
        self._sung_midi: Pitches = np.zeros(MOST_FRAMES, np.float32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def has_targets(self) -> bool:
        """Whether it is known what is to be sung."""
        return bool(self.notes) or len(self._guide_s) > 0

    @property
    def lowest_midi(self) -> float:
        """Of what should be shown."""
        return self._lowest_midi + self.key_semitones

    @property
    def highest_midi(self) -> float:
        """At least an octave above that."""
        return self._highest_midi + self.key_semitones

    def set_key(self, semitones: float) -> None:
        """Move all targets with the song."""
        self.key_semitones = semitones
        self.targets_changed.emit()

    def set_tolerance(self, semitones: float) -> None:
        """Have singing count as right that is so near, as of the score's difficulty."""
        self.tolerance_semitones = semitones
        self.targets_changed.emit()

    def set_notes(self, lyrics: Lyrics | None, singer: int | None = None) -> None:
        """Take the notes of a song, or of one of its parts, as targets; without any, nothing is known."""
        lines = () if lyrics is None else lyrics.lines
        found = [
            Note(one.start_s, one.end_s, one.pitch_midi, one.kind, line.singer)
            for line in lines
            if singer in (None, line.singer)
            for one in line.syllables
            if one.pitch_midi is not None
        ]
        self.notes = tuple(sorted(found, key=lambda note: note.start_s))
        self._guide_s, self._guide_midi = np.zeros(0), np.zeros(0, np.float32)
        self._starts_s = np.array([note.start_s for note in self.notes])
        self._ends_s = np.array([note.end_s for note in self.notes])
        self._latest_s = np.maximum.accumulate(self._ends_s) if self.notes else self._ends_s
        self._pitches = np.array([note.pitch_midi for note in self.notes], np.float32)
        self._fit(rare_percent=0.0)
        self.targets_changed.emit()

    def notes_between(self, from_s: float, to_s: float) -> tuple[Note, ...]:
        """That sound between two times."""
        last = int(np.searchsorted(self._starts_s, to_s)) if self.notes else 0
        first = int(np.searchsorted(self._latest_s[:last], from_s))
        return tuple(note for note in self.notes[first:last] if note.end_s >= from_s)

    def set_targets(self, times_s: Frames, pitch_midi: Pitches) -> None:
        """Take a guide's trace.

        Args:
            times_s: [frame] in the song, rising.
            pitch_midi: [frame]; NaN: nothing is sung.

        Raises:
            ValueError: they are not of one length.
        """
        if np.shape(times_s) != np.shape(pitch_midi) or np.ndim(times_s) != 1:
            found = f"{np.shape(times_s)} and {np.shape(pitch_midi)}"
            raise ValueError(f"targets: expected two rows of one length, found {found}")
        self.notes = ()
        self._guide_s = np.array(times_s, np.float64)
        self._guide_midi = np.array(pitch_midi, np.float32)
        self._guide_midi[~np.isfinite(self._guide_midi)] = np.nan
        voiced = np.isfinite(self._guide_midi)
        step_s = float(np.median(np.diff(self._guide_s))) if len(self._guide_s) > 1 else 0.0
        self._starts_s, self._ends_s = self._guide_s[voiced] - step_s / 2, self._guide_s[voiced] + step_s / 2
        self._pitches = self._guide_midi[voiced]
        self._fit(rare_percent=_RARE)
        self.targets_changed.emit()

    def add_sung(self, trace: PitchTrace) -> None:
        """Put new frames behind the others; where they begin before the last, they take the place of those."""
        times_s = np.asarray(trace.times_s, np.float64)
        good = np.isfinite(times_s)
        times_s, pitch_midi = times_s[good], np.array(trace.pitch_midi, np.float32)[good]
        pitch_midi[np.isinf(pitch_midi)] = np.nan
        if not len(times_s):
            return
        begins_s, ends_s = float(times_s[0]), max(float(times_s[-1]), self._end_s)
        self._count = int(np.searchsorted(self._sung_s[: self._count], begins_s))
        times_s, pitch_midi = times_s[-MOST_FRAMES // 2 :], pitch_midi[-MOST_FRAMES // 2 :]
        if self._count + len(times_s) > MOST_FRAMES:
            kept = MOST_FRAMES // 2
            self._sung_s[:kept] = self._sung_s[self._count - kept : self._count].copy()
            self._sung_midi[:kept] = self._sung_midi[self._count - kept : self._count].copy()
            self._count = kept
        end = self._count + len(times_s)
        self._sung_s[self._count : end], self._sung_midi[self._count : end] = times_s, pitch_midi
        self._count = end
        self.sung_changed.emit(begins_s, ends_s)

    def clear_after(self, position_s: float) -> None:
        """Forget what was sung after a time."""
        ends_s = self._end_s
        self._count = int(np.searchsorted(self._sung_s[: self._count], position_s, "right"))
        self.sung_changed.emit(position_s, max(position_s, ends_s))

    def sung(self, from_s: float, to_s: float) -> tuple[Frames, Pitches, Pitches]:
        """Frames between two times: when, at which pitch, moved by octaves to its target, and how far from it.

        Returns:
            times in s, pitches in MIDI numbers, and distances in semitones: NaN where nothing is sung, distances also
            where nothing is to be.
        """
        first, last = np.searchsorted(self._sung_s[: self._count], (from_s, to_s))
        times_s, pitch_midi = self._sung_s[first:last], self._sung_midi[first:last]
        near_midi, on_time = self.targets_at(times_s)
        shown_midi = folded(pitch_midi, near_midi)
        return times_s, shown_midi, np.where(on_time, np.abs(shown_midi - near_midi), np.nan).astype(np.float32)

    def guide(self, from_s: float, to_s: float) -> tuple[Frames, Pitches]:
        """Frames of the guide's trace between two times, and one more at either end."""
        first, last = np.searchsorted(self._guide_s, (from_s, to_s))
        chosen = slice(max(int(first) - 1, 0), int(last) + 1)
        return self._guide_s[chosen], self._guide_midi[chosen] + np.float32(self.key_semitones)

    def targets_at(self, times_s: Frames) -> tuple[Pitches, NDArray[np.bool_]]:
        """The target nearest in time, and whether it is to be sung then; without any, the middle of what is shown."""
        if not len(self._pitches):
            middle = np.float32((self.lowest_midi + self.highest_midi) / 2)
            return np.full(len(times_s), middle, np.float32), np.zeros(len(times_s), np.bool_)
        last = len(self._pitches) - 1
        before = np.clip(np.searchsorted(self._starts_s, times_s, "right") - 1, 0, last)
        after = np.minimum(before + 1, last)
        on_time = (times_s >= self._starts_s[before]) & (times_s <= self._ends_s[before])
        is_after = ~on_time & (np.abs(self._starts_s[after] - times_s) < np.abs(times_s - self._ends_s[before]))
        return self._pitches[np.where(is_after, after, before)] + np.float32(self.key_semitones), on_time

    @property
    def _end_s(self) -> float:
        return float(self._sung_s[self._count - 1]) if self._count else -math.inf

    def _fit(self, rare_percent: float) -> None:
        """Show what is to be sung, and no more than that: one scale for the whole song."""
        if not len(self._pitches):
            self._lowest_midi, self._highest_midi = _USUAL_MIDI
            return
        low, high = (float(end) for end in np.percentile(self._pitches, (rare_percent, 100.0 - rare_percent)))
        missing = max(0.0, LEAST_SEMITONES - (high - low))
        self._lowest_midi = low - missing / 2 - _MARGIN_SEMITONES
        self._highest_midi = high + missing / 2 + _MARGIN_SEMITONES
