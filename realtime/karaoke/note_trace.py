"""What is to be sung, frame by frame: from the notes of a song's words, or from the voice that sang it first."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .lyrics import Line, Lyrics, NoteKind
from .pitch_trace import PitchTrace
from .pitch_tracker import FRAME_S, frame_times_s

WEIGHTS: dict[NoteKind, float] = {"normal": 1.0, "golden": 2.0, "freestyle": 0.0, "rap": 0.0, "golden rap": 0.0}
SHORTEST_HEARD_S = 0.1  # what the guide sings for less is a grace note, or the tracker's mistake
LEAP_SEMITONES = 0.8  # from frame to frame: another note begins
SMOOTHED_S = 0.2  # the slowest vibrato's period
PAUSE_S = 0.6  # without words, what lies between such pauses is a line
BEFORE_LINE_S, AFTER_LINE_S = 0.2, 0.3  # words are rarely timed better


@dataclass(frozen=True, slots=True)
class NoteTrace:
    """Targets at n * 16 ms of a song.

    Attributes:
        pitch_midi: [frame], NaN where nothing counts.
        weight: [frame], 2 in golden notes, 1 in others, 0 where nothing counts.
        note: [frame], the note's number from 0, rising; −1 where nothing counts.
        line: [frame], the line's number, as in `Lyrics.lines`; −1 where nothing counts.
    """

    pitch_midi: NDArray[np.float32]
    weight: NDArray[np.float32]
    note: NDArray[np.int64]
    line: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.pitch_midi)

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Of the frames' middles, in the song."""
        return frame_times_s(len(self))

    @property
    def empty(self) -> bool:
        """Nothing counts, so there is nothing to score."""
        return not self.weight.any()

    def moved(self, key_semitones: float) -> NoteTrace:
        """The same song in another key."""
        return replace(self, pitch_midi=(self.pitch_midi + key_semitones).astype(np.float32))


def has_notes(lyrics: Lyrics) -> bool:
    """There is a note that counts."""
    return any(
        syllable.pitch_midi is not None and WEIGHTS[syllable.kind] and syllable.end_s > syllable.start_s
        for line in lyrics.lines
        for syllable in line.syllables
    )


def targets_of(lyrics: Lyrics, times_s: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What is to be sung at some times, rising; of notes at once that which began last.

    Returns:
        pitch_midi [frame], NaN outside notes, and weight [frame], 2 golden, 1 normal, 0 the rest.
    """
    notes = _on(lyrics, times_s)
    return notes.pitch_midi, notes.weight


def notes_written(lyrics: Lyrics) -> NoteTrace:
    """Targets from the notes in a song's words; of one singer: give it `lyrics.of_singer(n)`."""
    end_s = max((syllable.end_s for line in lyrics.lines for syllable in line.syllables), default=0.0)
    return _on(lyrics, frame_times_s(int(np.ceil(end_s / FRAME_S)) + 1))


def notes_heard(guide: PitchTrace, lyrics: Lyrics | None = None) -> NoteTrace:
    """Targets from the voice that sang the song: its pitch where it sang, in frames of the trace.

    A note is what it sang without a pause or a leap; its vibrato is smoothed away, for nobody's keeps step with it
    (running median over `SMOOTHED_S`). With words only what lies within their lines counts, for the
    rest may be an instrument that was taken for a voice; without, lines are what lies between pauses.

    Args:
        guide: in the song's time, from its beginning, as `track_samples` gives it.
        lyrics: of one singer.
    """
    pitch_midi = guide.pitch_midi.astype(np.float32).copy()
    lines = _lines_at(lyrics.lines, guide.times_s) if lyrics and lyrics.lines else _phrases(pitch_midi)
    pitch_midi[lines < 0] = np.nan
    sung = np.isfinite(pitch_midi)
    with np.errstate(invalid="ignore"):
        leaps = np.abs(np.diff(pitch_midi, prepend=np.float32(np.nan))) > LEAP_SEMITONES
    fresh = sung & (~np.concatenate([[False], sung[:-1]]) | leaps | (np.diff(lines, prepend=-1) != 0))
    note = np.where(sung, np.cumsum(fresh) - 1, -1)
    lengths = np.bincount(note[sung], minlength=1)
    kept = sung & (lengths[note] * FRAME_S >= SHORTEST_HEARD_S)
    note = np.where(kept, np.cumsum(fresh & kept) - 1, -1)
    return NoteTrace(
        _smoothed(np.where(kept, pitch_midi, np.nan).astype(np.float32), note),
        kept.astype(np.float32),
        note,
        np.where(kept, lines, -1),
    )


def _on(lyrics: Lyrics, times_s: NDArray[np.float64]) -> NoteTrace:
    size = len(times_s)
    trace = NoteTrace(
        np.full(size, np.nan, np.float32), np.zeros(size, np.float32), np.full(size, -1), np.full(size, -1)
    )
    syllables = [(syllable, n) for n, line in enumerate(lyrics.lines) for syllable in line.syllables]
    for number, (syllable, line) in enumerate(sorted(syllables, key=lambda each: each[0].start_s)):
        weight = WEIGHTS[syllable.kind]
        if syllable.pitch_midi is None or not weight:
            continue
        held = slice(*np.searchsorted(times_s, (syllable.start_s, syllable.end_s)))
        trace.pitch_midi[held], trace.weight[held] = syllable.pitch_midi, weight
        trace.note[held], trace.line[held] = number, line
    return trace


def note_runs(note: NDArray[np.int64]) -> list[tuple[int, int]]:
    """First frame of every note and the one after its last."""
    edges = [*np.flatnonzero(np.diff(note, prepend=note[:1] - 1)).tolist(), len(note)]
    return [(start, end) for start, end in itertools.pairwise(edges) if note[start] >= 0]


def _smoothed(pitch_midi: NDArray[np.float32], note: NDArray[np.int64]) -> NDArray[np.float32]:
    half = round(SMOOTHED_S / FRAME_S / 2)
    for start, end in note_runs(note):
        around = np.pad(pitch_midi[start:end], half, mode="reflect" if end - start > half else "edge")
        pitch_midi[start:end] = np.median(np.lib.stride_tricks.sliding_window_view(around, 2 * half + 1), axis=1)
    return pitch_midi


def _lines_at(lines: tuple[Line, ...], times_s: NDArray[np.float64]) -> NDArray[np.int64]:
    at = np.full(len(times_s), -1)
    # First the margins, then the lines themselves: a margin takes nothing from another line.
    for before_s, after_s in ((BEFORE_LINE_S, AFTER_LINE_S), (0.0, 0.0)):
        for n, line in enumerate(lines):
            at[slice(*np.searchsorted(times_s, (line.start_s - before_s, line.end_s + after_s)))] = n
    return at


def _phrases(pitch_midi: NDArray[np.float32]) -> NDArray[np.int64]:
    sung = np.flatnonzero(np.isfinite(pitch_midi))
    at = np.full(len(pitch_midi), -1)
    at[sung] = np.cumsum(np.diff(sung, prepend=sung[:1]) * FRAME_S >= PAUSE_S)
    return at
