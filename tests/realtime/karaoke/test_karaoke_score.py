"""The score against its definition written out slowly, and against takes of known error."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from advsep.realtime.karaoke.lyrics import Line, Lyrics, Syllable
from advsep.realtime.karaoke.note_trace import NoteTrace, notes_written
from advsep.realtime.karaoke.pitch_trace import PitchTrace
from advsep.realtime.karaoke.pitch_tracker import FRAME_S, PitchTracker, frame_times_s, track_samples
from advsep.realtime.karaoke.score import TOLERANCE_SEMITONES, Difficulty, Scorer, credit_of
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sung import Note, a_song, sing

DIFFICULTIES: tuple[Difficulty, ...] = ("easy", "medium", "hard")
MELODY = [60, 62, 64, 67, 65, 69, 72, 67, 64, 60, 62, 67, 60, 65, 64, 62]


def lyrics_of(pitches: Sequence[float], *, held_s: float = 0.5, gap_s: float = 0.06, a_line: int = 4) -> Lyrics:
    """Notes one after the other, so many a line; every sixth is golden."""
    syllables = [
        Syllable(
            text="la ",
            start_s=0.5 + n * (held_s + gap_s),
            end_s=0.5 + n * (held_s + gap_s) + held_s,
            pitch_midi=pitch,
            kind="golden" if n % 6 == 5 else "normal",
        )
        for n, pitch in enumerate(pitches)
    ]
    starts = range(0, len(syllables), a_line)
    return Lyrics(lines=tuple(Line(tuple(syllables[at : at + a_line])) for at in starts), timing="note")


def trace_of(pitch_midi: NDArray[np.float32]) -> PitchTrace:
    return PitchTrace(
        frame_times_s(len(pitch_midi)), pitch_midi.astype(np.float32), np.isfinite(pitch_midi).astype(np.float32)
    )


def points(notes: NoteTrace, trace: PitchTrace, difficulty: Difficulty = "medium") -> float:
    scorer = Scorer(notes, difficulty)
    scorer.add(trace)
    return scorer.total


NOTES = notes_written(lyrics_of(MELODY))
PERFECT = trace_of(NOTES.pitch_midi)


def slow_credit(distance: float, difficulty: Difficulty) -> float:
    tolerance = {"easy": 2.0, "medium": 1.0, "hard": 0.5}[difficulty]
    if math.isnan(distance) or abs(distance) >= 1.5 * tolerance:
        return 0.0
    if abs(distance) <= tolerance:
        return 1.0
    return (1 + math.cos(math.pi * (abs(distance) - tolerance) / (0.5 * tolerance))) / 2


def slow_points(notes: NoteTrace, sung: NDArray[np.float32], difficulty: Difficulty) -> float:
    """docs/karaoke-score.md, word by word."""
    gained = possible = 0.0
    for number in sorted(set(notes.note[notes.note >= 0].tolist())):
        frames = [int(frame) for frame in np.flatnonzero(notes.note == number)]
        distances = []
        for frame in frames:
            distance = float(sung[frame]) - float(notes.pitch_midi[frame])
            while distance > 6:
                distance -= 12
            while distance < -6:
                distance += 12
            distances.append(distance)
        credits_ = [slow_credit(distance, difficulty) for distance in distances]
        right = [(distance, credit) for distance, credit in zip(distances, credits_, strict=True) if credit > 0]
        late = min(round(0.1 / 0.016), len(frames) // 3)
        for n in range(late):
            credits_[n] = max(credits_[n], credits_[late])
        exactness = 0.0
        if right:
            off = sum(distance * credit for distance, credit in right) / sum(credit for _, credit in right)
            exactness = max(0.0, 1 - abs(off) / TOLERANCE_SEMITONES[difficulty])
        weight = float(notes.weight[frames[0]])
        gained += weight * sum(credits_) * (0.9 + 0.1 * exactness)
        possible += weight * len(frames)
    return 10_000 * gained / possible


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), difficulty=st.sampled_from(DIFFICULTIES))
def test_the_score_is_what_its_definition_says(seed: int, difficulty: Difficulty) -> None:
    random = np.random.default_rng(seed)
    # A random walk that stays near the notes, with octaves and gaps.
    off = np.cumsum(random.normal(0, 0.3, len(NOTES))) % 3 - 1.5 + 12 * random.integers(-2, 3, len(NOTES))
    sung = np.where(random.random(len(NOTES)) < 0.1, np.nan, NOTES.pitch_midi + off).astype(np.float32)
    assert points(NOTES, trace_of(sung), difficulty) == pytest.approx(slow_points(NOTES, sung, difficulty), abs=0.1)


def test_credit_falls_smoothly_from_the_tolerance_to_half_again_of_it() -> None:
    distances = np.linspace(-6, 6, 4801).astype(np.float32)
    for difficulty in DIFFICULTIES:
        tolerance = TOLERANCE_SEMITONES[difficulty]
        credit = credit_of(distances, difficulty)
        slow = [slow_credit(float(distance), difficulty) for distance in distances]
        np.testing.assert_allclose(credit, slow, atol=1e-6)
        assert np.abs(np.diff(credit)).max() < np.pi * 0.0025 / tolerance * 1.01
        assert credit_of(np.array([1.25 * tolerance], np.float32), difficulty)[0] == pytest.approx(0.5, abs=1e-6)


def shifted(trace: PitchTrace, by_s: float) -> PitchTrace:
    """What a singer who is late by so much sings."""
    return PitchTrace(trace.times_s + by_s, trace.pitch_midi, trace.confidence)


def random_take(notes: NoteTrace, seed: int) -> PitchTrace:
    """For every note any pitch of an octave."""
    pitches = np.random.default_rng(seed).uniform(54, 66, int(notes.note.max()) + 1)
    return trace_of(np.where(notes.note >= 0, pitches[notes.note], np.nan))


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_takes_of_known_error_come_in_their_order(difficulty: Difficulty) -> None:
    flat = trace_of(NOTES.pitch_midi - 0.3)
    found = [points(NOTES, take, difficulty) for take in (PERFECT, flat, shifted(PERFECT, 0.15))]
    assert found[0] == 10_000
    assert found[1] == pytest.approx(10_000 * (0.9 + 0.1 * (1 - 0.3 / TOLERANCE_SEMITONES[difficulty])), abs=0.1)
    assert found[2] < found[1] - 100
    assert max(points(NOTES, random_take(NOTES, seed), difficulty) for seed in range(50)) < found[2] - 100
    assert points(NOTES, trace_of(NOTES.pitch_midi * np.nan), difficulty) == 0


def take(notes: Sequence[Note], change: Callable[[Note], Note]) -> PitchTrace:
    """What the tracker hears of somebody who sings these notes changed, in noise."""
    sung = sing([change(note) for note in notes], 16_000, length_s=7, snr_db=20)
    return track_samples(sung.samples, 16_000)


@pytest.fixture(scope="module")
def sung_takes() -> tuple[NoteTrace, dict[str, PitchTrace]]:
    """The song of the tracker's tests, sung as it is, 30 cents flat, 150 ms late, at random, and an octave higher."""
    song = a_song(50.0, seed=1, count=8)
    words = [Syllable(text="la", start_s=note.start_s, end_s=note.end_s, pitch_midi=note.pitch_midi) for note in song]
    notes = notes_written(Lyrics(lines=(Line(tuple(words)),), timing="note"))
    random = np.random.default_rng(3)
    takes = {
        "perfect": take(song, lambda note: note),
        "flat": take(song, lambda note: replace(note, pitch_midi=note.pitch_midi - 0.3)),
        "random": take(song, lambda note: replace(note, pitch_midi=float(random.uniform(50, 62)))),
        "octave": take(song, lambda note: replace(note, pitch_midi=note.pitch_midi + 12)),
        "silent": track_samples(np.random.default_rng(0).standard_normal(112_000).astype(np.float32) * 0.01, 16_000),
    }
    takes["late"] = shifted(takes["perfect"], 0.15)
    return notes, takes


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_sung_takes_come_in_their_order(
    sung_takes: tuple[NoteTrace, dict[str, PitchTrace]], difficulty: Difficulty
) -> None:
    notes, takes = sung_takes
    found = {name: points(notes, trace, difficulty) for name, trace in takes.items()}
    assert found["perfect"] > found["flat"] + 50, found
    assert found["flat"] > found["late"] + 200, found
    assert found["late"] > found["random"] + 1000, found
    assert found["silent"] < 50, found
    # Vibrato of up to a semitone leaves the hard tolerance, whoever sings.
    assert found["perfect"] > {"easy": 9800, "medium": 9400, "hard": 7000}[difficulty], found
    assert found["octave"] == pytest.approx(found["perfect"], abs=250), found


def test_a_singer_in_the_engine_scores_as_the_whole_take(sung_takes: tuple[NoteTrace, dict[str, PitchTrace]]) -> None:
    notes, takes = sung_takes
    sung = sing(a_song(50.0, seed=1, count=8), 16_000, length_s=7, snr_db=20)
    tracker, scorer = PitchTracker(16_000), Scorer(notes)
    for start in range(0, len(sung.samples), 700):
        scorer.add(tracker.feed(sung.samples[start : start + 700]))
    scorer.add(tracker.finish())
    assert scorer.total == pytest.approx(points(notes, takes["perfect"]), abs=0.01)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_singing_at_random_gives_chance_level(difficulty: Difficulty) -> None:
    tolerance = TOLERANCE_SEMITONES[difficulty]
    distances = np.linspace(-6, 6, 100_001)
    exactness = np.clip(1 - np.abs(distances) / tolerance, 0, 1)
    each = credit_of(distances.astype(np.float32), difficulty) * (0.9 + 0.1 * exactness)
    chance = 10_000 * float(np.mean(each))
    assert chance == pytest.approx(10_000 * 1.175 * tolerance / 6, abs=1)  # the same, solved by hand
    found = [points(NOTES, random_take(NOTES, seed), difficulty) for seed in range(300)]
    assert np.mean(found) == pytest.approx(chance, abs=4 * np.std(found) / np.sqrt(300))


def test_octaves_do_not_count_and_keys_move_the_notes() -> None:
    for octaves in (-24, -12, 12, 36):
        assert points(NOTES, trace_of(NOTES.pitch_midi + octaves)) == 10_000
    scorer = Scorer(NOTES, key_semitones=-3)
    scorer.add(trace_of(NOTES.pitch_midi - 3))
    assert scorer.total == 10_000
    scorer.add(PERFECT)
    assert scorer.total == 0
    scorer.key_semitones = 0
    scorer.add(PERFECT)
    assert scorer.total == 10_000
    assert points(NOTES.moved(5), trace_of(NOTES.pitch_midi + 5)) == 10_000


def test_golden_notes_count_double_and_lines_count_alone() -> None:
    golden = NOTES.weight == 2
    assert 0 < golden.sum() < (NOTES.weight == 1).sum()
    without = np.where(golden, np.nan, NOTES.pitch_midi)
    expected = 10_000 * (1 - 2 * golden.sum() / NOTES.weight.sum())
    assert points(NOTES, trace_of(without)) == pytest.approx(expected, abs=0.01)
    scorer = Scorer(NOTES)
    scorer.add(trace_of(np.where(NOTES.line == 1, NOTES.pitch_midi, np.nan)))
    assert [round(scorer.line_score(n)) for n in range(5)] == [0, 10_000, 0, 0, 0]
    share = NOTES.weight[NOTES.line == 1].sum() / NOTES.weight.sum()
    assert scorer.total == pytest.approx(10_000 * share, abs=0.01)


def test_starting_late_is_forgiven_to_a_tenth_of_a_second() -> None:
    def starting(late_frames: int) -> float:
        sung = NOTES.pitch_midi.copy()
        for number in range(len(MELODY)):
            sung[np.flatnonzero(NOTES.note == number)[:late_frames]] = np.nan
        return points(NOTES, trace_of(sung))

    assert starting(6) == 10_000
    # One frame more, and the frame that decides about the beginning is missing too.
    assert starting(7) == pytest.approx(10_000 * (1 - 7 / (0.5 / FRAME_S)), abs=100)
    # A short note's beginning is a third of it: five of sixteen frames.
    short = notes_written(lyrics_of([60], held_s=16 * FRAME_S))
    sung = short.pitch_midi.copy()
    sung[np.flatnonzero(short.note == 0)[:5]] = np.nan
    assert points(short, trace_of(sung)) == 10_000
    sung[np.flatnonzero(short.note == 0)[5]] = np.nan
    assert points(short, trace_of(sung)) < 7_000


def test_what_is_sung_again_counts_as_it_was_sung_last() -> None:
    scorer = Scorer(NOTES)
    scorer.add(PERFECT)
    second = NOTES.times_s < 4.0
    again = PitchTrace(NOTES.times_s[second], np.full(second.sum(), np.nan, np.float32), np.zeros(second.sum()))
    scorer.add(again)
    lost = NOTES.weight[second].sum() / NOTES.weight.sum()
    assert scorer.total == pytest.approx(10_000 * (1 - lost), abs=60)
    scorer.add(PERFECT)
    assert scorer.total == scorer.so_far == 10_000
    scorer.clear()
    assert scorer.total == scorer.so_far == 0


def test_so_far_is_of_what_was_heard_and_the_rest_is_still_to_be_gained() -> None:
    scorer = Scorer(NOTES)
    assert (scorer.total, scorer.so_far) == (0, 0)
    middle = len(NOTES) // 2
    scorer.add(PitchTrace(NOTES.times_s[:middle], NOTES.pitch_midi[:middle], NOTES.weight[:middle]))
    assert scorer.so_far == 10_000
    assert scorer.total == pytest.approx(10_000 * NOTES.weight[:middle].sum() / NOTES.weight.sum(), abs=150)
    credits_ = scorer.credits()
    assert np.nanmin(credits_) == 1
    assert np.isnan(credits_[middle:]).all()
    # A beginning that is not over yet is judged by nobody.
    start = int(np.flatnonzero(NOTES.note == 1)[0])
    scorer.clear()
    scorer.add(trace_of(np.where(NOTES.note == 0, NOTES.pitch_midi, np.nan)[: start + 5]))
    assert scorer.so_far == 10_000
    rest = slice(start + 5, start + 7)
    scorer.add(PitchTrace(NOTES.times_s[rest], np.full(2, np.nan, np.float32), np.zeros(2, np.float32)))
    first = int((NOTES.note == 0).sum())
    assert scorer.so_far == pytest.approx(10_000 * first / (first + 7), abs=0.01)
    scorer.add(PitchTrace(NOTES.times_s[rest], NOTES.pitch_midi[rest], np.ones(2, np.float32)))
    assert scorer.so_far == 10_000


def test_a_jump_leaves_out_what_it_leaps_over() -> None:
    scorer = Scorer(NOTES)
    gone = (NOTES.times_s > 2.0) & (NOTES.times_s < 5.0)
    scorer.add(PitchTrace(NOTES.times_s[~gone], NOTES.pitch_midi[~gone], NOTES.weight[~gone]))
    assert np.isnan(scorer.credits()[gone]).all()
    assert scorer.so_far == pytest.approx(10_000, abs=1)


@pytest.mark.parametrize("tempo", [0.5, 0.75, 1.0, 1.25, 1.5])
@pytest.mark.parametrize("block", [1, 3, 10_000])
def test_any_tempo_in_any_blocks_counts_every_frame_once(tempo: float, block: int) -> None:
    times_s = np.arange(0, NOTES.times_s[-1] + 0.02, FRAME_S * tempo) - 0.0031  # the delay is no whole frame
    sung = (60 + np.random.default_rng(0).uniform(-6, 6, len(times_s))).astype(np.float32)
    scorer = Scorer(NOTES)
    for start in range(0, len(times_s), block):
        part = slice(start, start + block)
        scorer.add(PitchTrace(times_s[part], sung[part], np.ones(len(sung[part]), np.float32)))
    nearest = np.abs(NOTES.times_s[:, np.newaxis] - times_s).argmin(axis=1)
    whole = Scorer(NOTES)
    whole.add(trace_of(sung[nearest]))
    np.testing.assert_array_equal(scorer.credits(), whole.credits())
    assert np.isfinite(scorer.credits()).sum() == (NOTES.note >= 0).sum()


def test_the_difficulty_may_change_afterwards() -> None:
    scorer = Scorer(NOTES, "easy")
    scorer.add(trace_of(NOTES.pitch_midi + 1.25))
    before = scorer.total
    scorer.difficulty = "medium"
    assert scorer.total < before
    assert scorer.total == pytest.approx(points(NOTES, trace_of(NOTES.pitch_midi + 1.25), "medium"))
    assert scorer.difficulty == "medium"


def test_nothing_to_sing_gives_nothing_and_nonsense_is_ignored() -> None:
    empty = notes_written(Lyrics(lines=(), timing="line"))
    assert empty.empty
    scorer = Scorer(empty)
    scorer.add(PERFECT)
    assert (scorer.total, scorer.so_far, scorer.line_score(0)) == (0, 0, 0)
    scorer = Scorer(NOTES)
    scorer.add(PERFECT)
    nowhere = np.array([-50.0, -1.0, np.nan, 1e6, 2e6])
    scorer.add(PitchTrace(nowhere, np.full(5, 30, np.float32), np.ones(5, np.float32)))
    scorer.add(trace_of(np.zeros(0, np.float32)))
    assert scorer.total == 10_000
