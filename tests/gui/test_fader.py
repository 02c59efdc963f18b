"""The fader: its scale, and what mouse, keys and wheel do to it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from advsep.gui.fader import BOTTOM_DB, TOP_DB, Fader, GainScale
from advsep.gui.mixer_pan import PanScale
from advsep.gui.parameter_slider import TaperSlider
from advsep.realtime.rack_spec import QUIETEST_DB
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

SCALE = GainScale()


@given(st.floats(QUIETEST_DB, TOP_DB))
def test_a_level_lies_at_one_place_and_comes_back_from_it(gain_db: float) -> None:
    place = SCALE.place_of(gain_db)
    assert 0 <= place <= 1
    assert SCALE.at(place) == pytest.approx(gain_db, abs=1e-9)


@given(st.floats(0, 1), st.floats(0, 1))
def test_higher_is_louder(one: float, other: float) -> None:
    lower, higher = sorted((one, other))
    if higher - lower > 1e-9:
        assert SCALE.at(lower) < SCALE.at(higher)


def test_most_of_the_way_lies_around_0_db_and_the_rest_is_beyond_its_ends() -> None:
    assert SCALE.place_of(TOP_DB) - SCALE.place_of(-20) > 0.6
    ways = [SCALE.place_of(db + 1) - SCALE.place_of(db) for db in (-60, -30, -15, -1)]
    assert all(shorter < longer for shorter, longer in pairwise(ways))
    assert SCALE.place_of(24) == 1
    assert SCALE.place_of(-500) == 0


@given(st.floats(BOTTOM_DB, TOP_DB), st.sampled_from([1.0, -1.0]), st.booleans())
def test_a_step_is_1_db_or_a_tenth_and_stays_on_the_fader(gain_db: float, steps: float, fine: bool) -> None:
    stepped = SCALE.stepped(gain_db, steps, fine=fine)
    wanted = round(gain_db + steps * (0.1 if fine else 1.0), 1)
    assert stepped == (QUIETEST_DB if wanted < BOTTOM_DB else min(wanted, TOP_DB))


def test_below_the_bottom_is_silence_and_the_next_step_up_the_bottom() -> None:
    assert SCALE.stepped(BOTTOM_DB, -1, fine=False) == QUIETEST_DB
    assert SCALE.stepped(QUIETEST_DB, 1, fine=False) == BOTTOM_DB
    assert SCALE.nearest(-70) == QUIETEST_DB
    assert SCALE.stepped(20.0, 1, fine=False) == 20.0  # typed beyond the fader: a step up does not turn it down
    assert SCALE.shown(QUIETEST_DB) == "−∞ dB"


def test_a_drag_is_caught_by_0_db_and_by_the_middle() -> None:
    assert SCALE.nearest(0.2) == 0
    assert SCALE.nearest(-0.41) == -0.4
    assert PanScale().nearest(0.05) == 0
    assert PanScale().nearest(-0.333) == -0.33
    assert PanScale().shown(-0.3) == "left 30 %"


@pytest.fixture
def fader(qtbot: QtBot) -> Fader:
    made = Fader("vocals gain")
    qtbot.addWidget(made)
    made.resize(70, 240)
    made.show()
    return made


def drag(fader: TaperSlider, start: QPoint, *ways_px: int) -> None:
    QTest.mousePress(fader, Qt.MouseButton.LeftButton, pos=start)
    for way_px in ways_px:
        QTest.mouseMove(fader, start + QPoint(0, way_px))
    QTest.mouseRelease(fader, Qt.MouseButton.LeftButton, pos=start + QPoint(0, ways_px[-1]))


def test_a_drag_goes_with_the_mouse_and_is_one_gesture(fader: Fader) -> None:
    heard: list[tuple[float, int]] = []
    fader.moved.connect(lambda value, gesture: heard.append((value, gesture)))
    way_px = 40
    expected_db = SCALE.nearest(SCALE.at(fader.place - way_px / fader.way_px()))
    drag(fader, fader.handle_centre().toPoint(), 10, 25, way_px)
    assert fader.exact == expected_db < -5
    assert [value for value, _ in heard] == sorted((value for value, _ in heard), reverse=True)
    assert len(heard) == 3
    assert len({gesture for _, gesture in heard}) == 1
    drag(fader, fader.handle_centre().toPoint(), 5)
    assert heard[-1][1] != heard[0][1]
    drag(fader, fader.handle_centre().toPoint(), 5000)
    assert fader.exact == QUIETEST_DB
    drag(fader, fader.handle_centre().toPoint(), -5000)
    assert fader.exact == TOP_DB


def test_a_click_alone_changes_nothing_wherever_it_is(fader: Fader) -> None:
    QTest.mouseClick(fader, Qt.MouseButton.LeftButton, pos=QPoint(10, 200))
    assert fader.exact == 0


def test_keys(fader: Fader) -> None:
    none, shift = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
    for key, modifier, expected_db in (
        (Qt.Key.Key_Down, none, -1.0),
        (Qt.Key.Key_Down, shift, -1.1),
        (Qt.Key.Key_Up, none, -0.1),
        (Qt.Key.Key_PageDown, none, -6.1),
        (Qt.Key.Key_Right, shift, -6.0),
        (Qt.Key.Key_Home, none, 0.0),
    ):
        QTest.keyClick(fader, key, modifier)
        assert fader.exact == pytest.approx(expected_db)
    assert fader.accessibleDescription() == "0 dB"


def test_a_double_click_goes_to_the_default(fader: Fader) -> None:
    fader.show_value(-7.0)
    with_default: list[float] = []
    fader.settled.connect(lambda value, _: with_default.append(value))
    QTest.mouseDClick(fader, Qt.MouseButton.LeftButton, pos=QPoint(10, 30))
    assert fader.exact == 0
    assert with_default == [0]


def test_the_wheel_turns_it_only_with_the_focus(fader: Fader) -> None:
    def turn(notches: int) -> bool:
        at = QPointF(20, 20)
        event = QWheelEvent(
            at, at, QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(fader, event)
        return event.isAccepted()

    fader.clearFocus()
    assert not turn(1)
    assert fader.exact == 0
    fader.activateWindow()
    fader.setFocus()
    QTest.qWaitForWindowActive(fader)
    assert turn(-2)
    assert fader.exact == -2


def test_a_helper_that_sets_qts_slider_sets_the_level(fader: Fader) -> None:
    heard: list[float] = []
    fader.moved.connect(lambda value, _: heard.append(value))
    fader.setValue(fader.value() - 100)  # as a screen reader does
    assert heard == [fader.exact]
    assert -6 < fader.exact < -3
    fader.show_value(-20.0)  # by the rack: nobody is told again
    assert len(heard) == 1
