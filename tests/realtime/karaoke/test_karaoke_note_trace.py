"""Targets from written notes and from a guide voice."""

from __future__ import annotations

import numpy as np
import pytest
from advsep.realtime.karaoke.lyrics import Line, Lyrics, NoteKind, Syllable
from advsep.realtime.karaoke.note_trace import (
    SMOOTHED_S,
    has_notes,
    note_runs,
    notes_heard,
    notes_written,
    targets_of,
)
from advsep.realtime.karaoke.pitch_trace import PitchTrace
from advsep.realtime.karaoke.pitch_tracker import FRAME_S, frame_times_s, track_samples
from advsep.realtime.karaoke.score import Scorer
from numpy.typing import NDArray
from sung import Note, sing


def syllable(start_s: float, end_s: float, pitch_midi: float | None, kind: NoteKind = "normal") -> Syllable:
    return Syllable(text="la", start_s=start_s, end_s=end_s, pitch_midi=pitch_midi, kind=kind)


LYRICS = Lyrics(
    lines=(
        Line((syllable(0.1, 0.4, 60.0), syllable(0.4, 0.7, 62.0, "golden"))),
        Line((syllable(1.0, 1.3, None, "freestyle"), syllable(1.3, 1.6, 65.0, "rap"), syllable(1.6, 2.0, 57.0))),
    ),
    timing="note",
)


def slow_target(time_s: float) -> tuple[float, float]:
    for line in LYRICS.lines:
        for each in line.syllables:
            if each.start_s <= time_s < each.end_s and each.kind in ("normal", "golden"):
                assert each.pitch_midi is not None
                return each.pitch_midi, 2.0 if each.kind == "golden" else 1.0
    return np.nan, 0.0


def test_targets_are_the_notes_that_count() -> None:
    times_s = np.sort(np.random.default_rng(0).uniform(-1, 3, 2000))
    pitch_midi, weight = targets_of(LYRICS, times_s)
    slow = np.array([slow_target(float(at_s)) for at_s in times_s], np.float32)
    np.testing.assert_array_equal(pitch_midi, slow[:, 0])
    np.testing.assert_array_equal(weight, slow[:, 1])
    assert has_notes(LYRICS)
    assert not has_notes(Lyrics(lines=LYRICS.lines[1:] and (Line((syllable(0, 1, None),)),), timing="line"))
    assert not has_notes(Lyrics(lines=(Line((syllable(0, 1, 60.0, "rap"),)),), timing="note"))


def test_written_notes_know_their_lines() -> None:
    notes = notes_written(LYRICS)
    at = [round(at_s / FRAME_S) for at_s in (0.05, 0.2, 0.5, 0.8, 1.2, 1.4, 1.8)]
    assert notes.line[at].tolist() == [-1, 0, 0, -1, -1, -1, 1]
    assert notes.weight[at].tolist() == [0, 1, 2, 0, 0, 0, 1]
    assert [notes.note[start] for start, _ in note_runs(notes.note)] == [0, 1, 4]
    lengths_s = [(end - start) * FRAME_S for start, end in note_runs(notes.note)]
    np.testing.assert_allclose(lengths_s, [0.3, 0.3, 0.4], atol=FRAME_S)
    np.testing.assert_array_equal(notes.moved(2).pitch_midi, notes.pitch_midi + 2)


def guide(pitch_midi: NDArray[np.float64]) -> PitchTrace:
    return PitchTrace(
        frame_times_s(len(pitch_midi)), pitch_midi.astype(np.float32), np.isfinite(pitch_midi).astype(np.float32)
    )


def test_a_guide_becomes_notes_between_pauses_and_leaps() -> None:
    pitch = np.full(200, np.nan)
    pitch[10:40] = 60
    pitch[40:60] = 64  # a leap
    pitch[65:90] = 64  # a pause within a phrase
    pitch[95:98] = 70  # too short
    pitch[150:180] = 62  # after more than 0.6 s
    notes = notes_heard(guide(pitch))
    assert note_runs(notes.note) == [(10, 40), (40, 60), (65, 90), (150, 180)]
    assert [int(notes.line[start]) for start, _ in note_runs(notes.note)] == [0, 0, 0, 1]
    np.testing.assert_array_equal(notes.weight > 0, np.isfinite(notes.pitch_midi))
    assert np.isnan(notes.pitch_midi[95:98]).all()
    # With words only what lies in their lines, 0.2 s before to 0.3 s after, counts.
    lines = (Line((syllable(20 * FRAME_S, 35 * FRAME_S, None),)), Line((syllable(150 * FRAME_S, 2.6, None),)))
    within = notes_heard(guide(pitch), Lyrics(lines=lines, timing="line"))
    assert note_runs(within.note) == [(10, 40), (40, 54), (150, 180)]
    assert [int(within.line[start]) for start, _ in note_runs(within.note)] == [0, 0, 1]


def test_a_line_takes_no_frames_of_its_neighbours() -> None:
    lines = (Line((syllable(0.2, 1.0, None),)), Line((syllable(1.1, 1.8, None),)))
    heard = notes_heard(guide(np.full(150, 60.0)), Lyrics(lines=lines, timing="line"))
    at = [round(at_s / FRAME_S) for at_s in (0.95, 1.05, 1.15, 2.0, 2.2)]
    assert heard.line[at].tolist() == [0, 1, 1, 1, -1]


def test_a_guides_vibrato_is_smoothed_away_and_its_slides_stay() -> None:
    at_s = frame_times_s(120)
    pitch = 60 + 0.8 * np.sin(2 * np.pi * 5.5 * at_s)
    smooth = notes_heard(guide(pitch)).pitch_midi[8:-8]
    assert np.abs(smooth - 60).max() < 0.3
    slide = np.clip(np.arange(120) - 50, 0, 20) * 0.2 + 60
    assert np.abs(notes_heard(guide(slide)).pitch_midi - slide).max() < 0.2 * (SMOOTHED_S / FRAME_S / 2)
    assert np.abs(notes_heard(guide(slide)).pitch_midi - slide)[62] < 0.01


@pytest.mark.parametrize("pitch", [np.zeros(0), np.full(50, np.nan), np.full(3, 60.0), np.full(9, 60.0)])
def test_a_guide_that_sings_next_to_nothing_is_no_trouble(pitch: NDArray[np.float64]) -> None:
    notes = notes_heard(guide(pitch))
    assert len(notes) == len(pitch)
    assert notes.empty == (len(pitch) != 9)
    assert Scorer(notes).total == 0


def test_a_sung_guide_is_a_target_that_its_singer_meets() -> None:
    melody = [
        Note(start_s=0.3 + 0.6 * n, end_s=0.8 + 0.6 * n, pitch_midi=pitch, vibrato_hz=5.5, vibrato_cents=60)
        for n, pitch in enumerate((57.0, 60.0, 64.0, 62.0))
    ]
    heard = track_samples(sing(melody, 16_000, length_s=3, snr_db=30).samples, 16_000)
    notes = notes_heard(heard)
    assert len(note_runs(notes.note)) == 4
    for (start, end), note in zip(note_runs(notes.note), melody, strict=True):
        assert (start * FRAME_S, end * FRAME_S) == pytest.approx((note.start_s, note.end_s), abs=0.06)
        assert np.median(notes.pitch_midi[start:end]) == pytest.approx(note.pitch_midi, abs=0.15)
    scorer = Scorer(notes)
    scorer.add(heard)
    assert scorer.total > 9_800
