"""Notes and singing: what is kept, what is found again, where it is drawn and in which colour."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from advsep.gui import theme
from advsep.gui.karaoke.pitch_picture import (
    HIT_PX,
    NEAR_PX,
    NOW,
    OFF_PX,
    grid_picture,
    note_name,
    paint_guide,
    paint_notes,
    paint_sung,
    thickness,
)
from advsep.gui.karaoke.pitch_tracks import MOST_FRAMES, PitchTracks
from advsep.gui.karaoke.pitch_view import PitchView
from advsep.gui.karaoke.stage_look import stage_colours
from advsep.gui.spectrogram_frame import small
from advsep.realtime.karaoke.lyrics import Line, Lyrics, Syllable
from advsep.realtime.karaoke.pitch_trace import PitchTrace
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

NOTES = ((1.0, 2.0, 60.0), (2.0, 2.5, 64.0), (3.0, 4.0, 67.0), (5.0, 7.0, 62.0))


def lyrics(*, golden: bool = False) -> Lyrics:
    kind = "golden" if golden else "normal"
    made = [Syllable(text="la ", start_s=a, end_s=b, pitch_midi=p, kind=kind) for a, b, p in NOTES]
    made.append(Syllable(text="spoken", start_s=8, end_s=9, kind="freestyle"))
    return Lyrics(lines=(Line(tuple(made)),), timing="note")


def trace(from_s: float, to_s: float, off_semitones: float = 0.0, step_s: float = 0.016) -> PitchTrace:
    """What somebody sings who is always so far off."""
    times_s = np.arange(from_s, to_s, step_s)
    pitch = np.full(len(times_s), np.nan, np.float32)
    for start_s, end_s, midi in NOTES:
        pitch[(times_s >= start_s) & (times_s < end_s)] = midi + off_semitones
    return PitchTrace(times_s, pitch, np.ones(len(times_s), np.float32))


@pytest.fixture
def view(qtbot: QtBot) -> PitchView:
    made = PitchView()
    qtbot.addWidget(made)
    made.resize(800, 220)
    made.show()
    return made


def bytes_of(image: QImage) -> NDArray[np.uint8]:
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    raw = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return raw[:, : image.width(), 2::-1].copy()


def places(view: PitchView, colour: QColor) -> NDArray[np.intp]:
    """[pixel, y and x] of a colour, below the score."""
    picture = bytes_of(view.grab().toImage()).astype(int)
    picture[: math.ceil(view.scale.area.top())] = -1000
    return np.argwhere(np.abs(picture - [colour.red(), colour.green(), colour.blue()]).sum(2) < 30)


# What is kept


def slow_target(at_s: float) -> tuple[float, bool]:
    """The nearest note, by looking at each."""
    apart = [max(a - at_s, at_s - b, 0.0) for a, b, _ in NOTES]
    started = [n for n, (a, b, _) in enumerate(NOTES) if a <= at_s <= b]
    best = max(started) if started else int(np.argmin(apart))
    return NOTES[best][2], bool(started)


def test_targets_are_the_nearest_notes() -> None:
    tracks = PitchTracks()
    tracks.set_notes(lyrics())
    times_s = np.array([0.0, 0.9, 1.5, 2.0, 2.2, 2.7, 2.8, 3.5, 4.4, 4.6, 6.9, 20.0])
    midi, on_time = tracks.targets_at(times_s)
    for at, (pitch, hit) in enumerate(zip(midi, on_time, strict=True)):
        assert (float(pitch), bool(hit)) == slow_target(float(times_s[at])), times_s[at]
    tracks.set_key(-3)
    assert np.array_equal(tracks.targets_at(times_s)[0], midi - 3)
    assert [note.pitch_midi for note in tracks.notes_between(2.1, 3.1)] == [64.0, 67.0]
    assert tracks.notes_between(8.0, 9.0) == ()


def test_singing_is_moved_to_its_targets_octave() -> None:
    tracks = PitchTracks()
    tracks.set_notes(lyrics())
    for octaves in (-24, -12, 0, 12, 36):
        tracks.clear_after(-1)
        tracks.add_sung(trace(0, 8, octaves + 0.7))
        times_s, midi, off = tracks.sung(0, 8)
        sung = np.isfinite(midi)
        assert np.allclose(midi[sung], tracks.targets_at(times_s)[0][sung] + 0.7, atol=1e-4)
        assert np.allclose(off[sung], 0.7, atol=1e-4)
        assert np.isnan(off[(times_s > 4.1) & (times_s < 4.9)]).all()


def test_later_frames_take_the_place_of_earlier_ones() -> None:
    tracks = PitchTracks()
    told = list[tuple[float, float]]()
    tracks.sung_changed.connect(lambda *between: told.append(between))
    tracks.add_sung(trace(0, 3))
    tracks.add_sung(trace(2.0, 2.5, off_semitones=5))
    times_s, midi, _ = tracks.sung(0, 10)
    assert (np.diff(times_s) > 0).all()
    assert times_s[-1] < 2.5
    assert np.nanmax(midi[times_s < 2.0]) == 60
    tracks.clear_after(1.0)
    assert tracks.sung(0, 10)[0][-1] <= 1.0
    assert [(round(a), round(b)) for a, b in told] == [(0, 3), (2, 3), (1, 2)]


def test_memory_is_bounded_and_the_newest_stays() -> None:
    tracks = PitchTracks()
    for begin in range(0, 3000, 50):
        times_s = begin + np.arange(5000) / 100
        tracks.add_sung(PitchTrace(times_s, np.full(5000, 60, np.float32), np.ones(5000, np.float32)))
    assert len(tracks) <= MOST_FRAMES
    assert tracks.sung(2900, 4000)[0][-1] == pytest.approx(2999.99)
    assert len(tracks.sung(2990, 3000)[0]) == 1000
    long = np.arange(200_000) / 10
    tracks.add_sung(PitchTrace(long, np.full(len(long), 60, np.float32), np.ones(len(long), np.float32)))
    assert len(tracks) <= MOST_FRAMES
    assert tracks.sung(0, 1e9)[0][-1] == long[-1]


def test_odd_traces_are_survived(view: PitchView) -> None:
    nothing = PitchTrace(np.zeros(0), np.zeros(0, np.float32), np.zeros(0, np.float32))
    view.add_sung(nothing)
    view.add_sung(PitchTrace(np.array([np.nan, 1.0]), np.array([60, np.inf], np.float32), np.ones(2, np.float32)))
    view.set_targets(np.zeros(0), np.zeros(0, np.float32))
    view.set_notes(None)
    view.set_position(1.0, False)
    view.grab()
    view.set_targets(np.arange(3.0), np.full(3, np.nan, np.float32))
    view.grab()
    with pytest.raises(ValueError, match="one length"):
        view.set_targets(np.zeros(3), np.zeros(2, np.float32))


# What is seen


@pytest.mark.parametrize(
    ("off", "px"), [(0.0, HIT_PX), (1.0, HIT_PX), (1.2, NEAR_PX), (2.0, OFF_PX), (math.nan, OFF_PX)]
)
def test_thickness_says_how_near(off: float, px: float) -> None:
    assert thickness(off, 1.0) == px


@pytest.mark.parametrize(("off", "colour"), [(0.1, "hit"), (-12.2, "hit"), (1.3, "near"), (4.0, "off")])
def test_singing_is_coloured_where_it_lies(view: PitchView, off: float, colour: str) -> None:
    view.set_notes(lyrics())
    view.set_position(4.0, False)
    wanted = getattr(stage_colours("window"), colour)
    before = len(places(view, wanted))
    view.add_sung(trace(3.0, 4.0, off))
    found = places(view, wanted)
    assert len(found) > before + 50
    scale = view.scale
    shown = 67 + (off + 12 if off < -6 else off)
    middle = float(np.median([y for y, x in found if scale.x(3.2) < x < scale.x(3.9)]))
    assert middle == pytest.approx(scale.y(shown), abs=scale.semitone_px / 2)
    assert found[:, 1].max() == pytest.approx(scale.x(4.0), abs=8)
    view.clear_after(2.9)
    assert len(places(view, wanted)) == before


def test_now_is_at_a_third_and_notes_move_to_it(view: PitchView) -> None:
    view.set_notes(lyrics(golden=True))
    lefts = list[int]()
    for at_s in (4.0, 4.5, 5.0):
        view.set_position(at_s, False)
        scale = view.scale
        assert scale.x(at_s) == pytest.approx(scale.area.left() + NOW * scale.area.width())
        picture = bytes_of(view.grab().toImage()).astype(int)
        row = picture[round(scale.y(62.0)), round(scale.x(4.6)) : round(scale.x(5.6))]
        bright = np.flatnonzero(np.abs(np.diff(row.sum(1))) > 100)
        lefts.append(int(bright[0]) + round(scale.x(4.6)))
        assert lefts[-1] == pytest.approx(scale.x(5.0), abs=8)
    assert lefts[0] > lefts[1] > lefts[2]


def test_pieces_side_by_side_are_the_whole_picture(view: PitchView) -> None:
    """The slow way draws all at once; pieces of half a second, added to while it is sung, give the same."""
    guide = trace(0, 8, 0.3)
    view.set_targets(guide.times_s, guide.pitch_midi)
    sung = trace(0, 6, 0.9)
    for first in range(0, len(sung), 5):
        part = slice(first, first + 5)
        view.add_sung(PitchTrace(sung.times_s[part], sung.pitch_midi[part], sung.confidence[part]))
        view.set_position(float(sung.times_s[first]), False)
        view.grab()
    for at_s in (6.0, 3.0, 4.25):  # where it was sung first, before pieces are drawn anew
        view.set_position(at_s, False)
        scale, colours = view.scale, stage_colours("window")
        quick = bytes_of(view.grab().toImage()).astype(int)
        slow = grid_picture(scale, QRectF(view.rect()), small(view.font()), colours, 1.0).toImage()
        painter = QPainter(slow)
        painter.setClipRect(scale.area)
        for paint in (paint_notes, paint_guide, paint_sung):
            paint(painter, view.tracks, scale, colours)
        painter.end()
        left, top = round(scale.area.left()) + 2, round(scale.area.top())
        apart = np.abs(quick - bytes_of(slow).astype(int)).sum(2)[top:, left:]
        now = round(scale.x(at_s)) - left
        apart[:, now - 3 : now + 3] = 0
        # Pieces lie at whole pixels, so edges may differ by one; a piece that was left out would be thousands.
        assert (apart > 120).mean() < 0.002, (apart > 120).mean()


def test_the_score_is_said_and_the_line_flashes(view: PitchView, qtbot: QtBot) -> None:
    empty = bytes_of(view.grab().toImage())
    view.show_total("8420 points")
    assert view.accessibleDescription() == "8420 points"
    view.flash_line("Good, 91 %", 0.91)
    assert view.flash == "Good, 91 %"
    top = math.ceil(view.scale.area.top())
    assert (bytes_of(view.grab().toImage())[:top] != empty[:top]).any()
    qtbot.waitUntil(lambda: view.flash == "", timeout=4000)


def test_it_can_be_switched_off(view: PitchView) -> None:
    told = list[bool]()
    view.shown_changed.connect(told.append)
    view.set_position(1.0, True)
    assert view._frames.isActive()
    view.set_shown(False)
    assert view.isHidden()
    view.set_position(1.1, True)
    assert not view._frames.isActive()
    view.set_shown(False)
    view.set_shown(True)
    assert told == [False, True]


def test_another_theme_draws_it_anew(view: PitchView) -> None:
    view.set_notes(lyrics())
    before = bytes_of(view.grab().toImage())
    theme.apply_theme("light")
    try:
        after = bytes_of(view.grab().toImage())
    finally:
        theme.apply_theme("dark")
    assert before.mean() < 80
    assert after.mean() > 180


@pytest.mark.parametrize(("midi", "name"), [(60, "C4"), (69, "A4"), (61, "C♯4"), (21, "A0"), (0, "C-1")])
def test_names_of_notes(midi: int, name: str) -> None:
    assert note_name(midi) == name


def test_a_frame_is_cheap(qtbot: QtBot) -> None:
    """2 ms at 1920x300 while somebody sings; the bound leaves room for a busy machine."""
    view = PitchView(look="tv")
    qtbot.addWidget(view)
    view.resize(1920, 300)
    view.show()
    view.set_notes(lyrics())
    sung, costs_s = trace(0, 7, 0.4), list[float]()
    for first in range(0, len(sung), 2):
        began_s = time.thread_time()
        part = slice(first, first + 2)
        view.add_sung(PitchTrace(sung.times_s[part], sung.pitch_midi[part], sung.confidence[part]))
        view.set_position(float(sung.times_s[first]), False)
        view.repaint()
        costs_s.append(time.thread_time() - began_s)
    assert np.median(costs_s) < 6e-3
