"""How well a song was sung, 0 to 10000 points, as UltraStar counts; docs/karaoke-score.md has the definition.

A frame of a note gets a credit of 1 where the pitch sung, moved by whole octaves, lies within the difficulty's
tolerance T of the note, and less up to 1.5 T, where it is 0: half of a cosine. What is not sung gets 0. The first
100 ms of a note, at most a third of it, get no less than the frame after them. A note's credits count 90 %, and the
other 10 % as exactly as the singer kept its pitch on average, weighted with the credit: 1 at the pitch, 0 at T.

    points = 10000 Σ weight credit (0.9 + 0.1 exactness) / Σ weight,    over all frames of all notes

Golden notes weigh 2, others 1; freestyle and rap do not count.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .note_trace import NoteTrace, note_runs
from .pitch_trace import PitchTrace, folded
from .pitch_tracker import FRAME_S

Difficulty = Literal["easy", "medium", "hard"]
TOLERANCE_SEMITONES: dict[Difficulty, float] = {"easy": 2.0, "medium": 1.0, "hard": 0.5}
FALL = 0.5  # of the tolerance, beyond it
EXACT_SHARE = 0.1
LATE_S, LATE_SHARE = 0.1, 1 / 3
MOST_POINTS = 10_000.0
# Frames of a song played at half again its tempo lie 24 ms apart in it; farther apart, something was skipped.
CONTINUOUS_S = 3 * FRAME_S
TAIL_FRAMES = 3  # at half the tempo as many may be the nearest to a frame of the notes


def credit_of(distance_semitones: NDArray[np.float32], difficulty: Difficulty) -> NDArray[np.float32]:
    """Credit, 0 to 1, for distances from the note after folding; 0 for NaN."""
    tolerance = TOLERANCE_SEMITONES[difficulty]
    beyond = np.clip((np.abs(distance_semitones) - tolerance) / (FALL * tolerance), 0, 1)
    return np.nan_to_num(0.5 + 0.5 * np.cos(np.pi * beyond), nan=0.0).astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Tally:
    """What frames gained and could gain, in weighted frames."""

    gained: NDArray[np.float64]
    possible: NDArray[np.float64]
    passed: NDArray[np.bool_]


class Scorer:
    """Points of a singer who sings along.

    Nothing is lost by seeking: frames that are sung again, in a loop or after a jump back, count as they were sung
    last, because that is what the singer made of them; frames that were never heard count nothing in `total` and are
    left out of `so_far`.

    Args:
        notes: what is to be sung, in the song's key.
        difficulty: how near one has to come; may be changed at any time and then holds for everything.
        key_semitones: how far the song is moved; may be changed at any time and holds for what is added from then on.
    """

    def __init__(self, notes: NoteTrace, difficulty: Difficulty = "medium", *, key_semitones: float = 0.0) -> None:
        self._notes = notes
        self._difficulty: Difficulty = difficulty
        self.key_semitones = key_semitones
        self._arbiter = _arbiters(notes)
        self.clear()

    @property
    def difficulty(self) -> Difficulty:
        """How near one has to come."""
        return self._difficulty

    @difficulty.setter
    def difficulty(self, difficulty: Difficulty) -> None:
        self._difficulty, self._tally = difficulty, None

    def clear(self) -> None:
        """Nothing was sung yet."""
        self._distance = np.full(len(self._notes), np.nan, np.float32)
        self._heard = np.zeros(len(self._notes), bool)
        self._tail_s = np.zeros(0)
        self._tail_midi = np.zeros(0, np.float32)
        self._tally: _Tally | None = None

    def add(self, trace: PitchTrace) -> None:
        """Hear what was sung, with the times at which it belongs to the song.

        Those are the song's position when it was sung, less the delay that calibration has measured; they rise within
        a trace. Every frame of the notes hears the nearest of the singer's, which may lie closer together or farther
        apart than its own (tempo), up to `CONTINUOUS_S`.
        """
        kept = np.isfinite(trace.times_s)
        times_s, sung_midi = trace.times_s[kept], trace.pitch_midi[kept]
        if not len(times_s):
            return
        if len(self._tail_s) and 0 < times_s[0] - self._tail_s[-1] <= CONTINUOUS_S:
            times_s = np.concatenate([self._tail_s, times_s])
            sung_midi = np.concatenate([self._tail_midi, sung_midi])
            known = len(self._tail_s) - 1  # the frame nearest to the end may have a nearer one now
        else:
            known = 0
        starts = np.flatnonzero(np.diff(times_s, prepend=-np.inf) > CONTINUOUS_S).tolist()
        for start, end in itertools.pairwise([*starts, len(times_s)]):
            self._hear(times_s[start:end], sung_midi[start:end], 0 if start else known)
        self._tail_s = times_s[starts[-1] :][-TAIL_FRAMES:]
        self._tail_midi = sung_midi[starts[-1] :][-TAIL_FRAMES:]
        self._tally = None

    def _hear(self, times_s: NDArray[np.float64], sung_midi: NDArray[np.float32], known: int) -> None:
        """Frames that follow one another, of which the first `known` were heard before."""
        first, last = (int(np.clip(np.round(at_s / FRAME_S), -1, len(self._notes))) for at_s in times_s[[known, -1]])
        frames = np.arange(max(first, 0), min(last + 1, len(self._notes)))
        middles_s = (times_s[1:] + times_s[:-1]) / 2
        nearest = sung_midi[np.searchsorted(middles_s, frames * FRAME_S, side="right")]
        target = self._notes.pitch_midi[frames] + np.float32(self.key_semitones)
        self._distance[frames] = folded(nearest, target) - target
        self._heard[frames] = True

    @property
    def total(self) -> float:
        """Points of the whole song, 0 to 10000; what was not heard yet counts as not sung. 0 without notes."""
        tally = self._count()
        return _points(tally.gained.sum(), tally.possible.sum())

    @property
    def so_far(self) -> float:
        """Points of what was heard, as if that were the song, 0 to 10000; 0 before anything was."""
        tally = self._count()
        return _points(tally.gained[tally.passed].sum(), tally.possible[tally.passed].sum())

    def line_score(self, n: int) -> float:
        """Points of line n, as if it were the song, 0 to 10000; 0 where nothing in it counts."""
        tally, held = self._count(), self._notes.line == n
        return _points(tally.gained[held].sum(), tally.possible[held].sum())

    def credits(self) -> NDArray[np.float32]:
        """Credit of every frame of the notes' [frame], 0 to 1, to be drawn; NaN: not heard, or nothing counts there."""
        credit = self._credit()
        return np.where(self._heard & (self._notes.note >= 0), credit, np.nan).astype(np.float32)

    def _credit(self) -> NDArray[np.float32]:
        own = credit_of(self._distance, self._difficulty)
        return np.where(self._heard, np.maximum(own, own[self._arbiter]), 0).astype(np.float32)

    def _count(self) -> _Tally:
        if self._tally is None:
            notes = self._notes
            gained = notes.weight * self._credit() * (1 - EXACT_SHARE + EXACT_SHARE * self._exactness())
            counting = notes.weight > 0
            # A note's beginning is judged when it is known whether the singer arrived.
            passed = counting & self._heard & self._heard[self._arbiter]
            self._tally = _Tally(gained.astype(np.float64), notes.weight.astype(np.float64), passed)
        return self._tally

    def _exactness(self) -> NDArray[np.float64]:
        """[frame] how near the singer kept to the frame's note, 0 to 1."""
        note = self._notes.note
        credit = credit_of(self._distance, self._difficulty)
        right, size = (note >= 0) & (credit > 0), max(int(note.max(initial=-1)) + 1, 1)
        sums = np.bincount(note[right], (credit * self._distance)[right], minlength=size)
        counts = np.bincount(note[right], credit[right], minlength=size)
        off = np.abs(sums / np.maximum(counts, 1e-9)) / TOLERANCE_SEMITONES[self._difficulty]
        return np.clip(1 - off, 0, 1)[note]


def _arbiters(notes: NoteTrace) -> NDArray[np.int64]:
    """[frame] the frame that judges it besides itself: in the beginning of a note, the one after the beginning."""
    arbiter = np.arange(len(notes))
    for start, end in note_runs(notes.note):
        late = min(round(LATE_S / FRAME_S), int((end - start) * LATE_SHARE))
        arbiter[start : start + late] = start + late
    return arbiter


def _points(gained: float, possible: float) -> float:
    return MOST_POINTS * float(gained) / float(possible) if possible else 0.0
