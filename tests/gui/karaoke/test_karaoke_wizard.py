"""The wizard: from a choice through a real thread to a delay, an error in words, or a slider."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass

import pytest
from advsep.gui import theme
from advsep.gui.karaoke.calibration_run import CalibrationRun, Measured
from advsep.gui.karaoke.calibration_wizard import CalibrationWizard, details_words, result_words
from advsep.realtime.errors import AdvsepError
from advsep.realtime.karaoke.calibration_signal import calibration_train
from advsep.realtime.karaoke.delay_calibration import find_delay
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLabel
from pytestqt.qtbot import QtBot

RATE_HZ = 16_000


@dataclass
class Found:
    delay_s: float
    spread_s: float = 1e-4
    clearness: float = 40.0


def measured_delay() -> object:
    """K4's own measurement, of bursts that come in 374 samples late."""
    played = calibration_train(RATE_HZ)
    captured = played * 0
    captured[374:] = 0.5 * played[:-374]
    return find_delay(played, captured, RATE_HZ)


def refused() -> object:
    raise AdvsepError("nothing came in at all: the input is silent; unmute the microphone")


def broken() -> object:
    raise KeyError("stream")


def wizard_of(qtbot: QtBot, *args: object, **options: object) -> tuple[CalibrationWizard, list[float]]:
    made, used = CalibrationWizard(*args, **options), list[float]()  # pyright: ignore
    made.accepted_delay.connect(used.append)
    qtbot.addWidget(made)
    made.show()
    return made, used


def test_a_measured_delay_is_used(qtbot: QtBot) -> None:
    wizard, used = wizard_of(qtbot, measured_delay, "From “A” to “B”")
    assert wizard.way == "air"
    qtbot.keyClick(wizard, Qt.Key.Key_Return)
    assert wizard.is_measuring
    assert wizard.waiting.isVisible()
    qtbot.waitUntil(lambda: not wizard.is_measuring)
    assert wizard.outcome.text() == "The delay is 23.4 ms."
    assert "0.00 ms" in wizard.details.text()
    qtbot.waitUntil(wizard.use.hasFocus)
    qtbot.keyClick(wizard, Qt.Key.Key_Return)
    assert used == [pytest.approx(374 / RATE_HZ)]
    assert not wizard.isVisible()


@pytest.mark.parametrize(
    ("measure", "says"),
    [
        (refused, "unmute the microphone"),
        (broken, "KeyError"),
        (lambda: Found(math.nan), "no delay"),
        (object, "failed"),
    ],
)
def test_what_goes_wrong_is_said_and_tried_again(qtbot: QtBot, measure: object, says: str) -> None:
    ways = {"air": measure, "cable": lambda: Found(0.05)}
    wizard, used = wizard_of(qtbot, ways)
    wizard.go.click()
    qtbot.waitUntil(lambda: not wizard.is_measuring)
    assert says in wizard.outcome.text()
    assert "Traceback" not in wizard.outcome.text()
    assert wizard.use.isHidden()
    qtbot.keyClick(wizard, Qt.Key.Key_Return)  # try again
    assert wizard.pages.currentIndex() == 0
    wizard.buttons.button(1).click()
    wizard.go.click()
    qtbot.waitUntil(lambda: not wizard.is_measuring)
    wizard.use.click()
    assert used == [0.05]


def test_a_way_that_cannot_be_is_not_offered(qtbot: QtBot) -> None:
    wizard, _ = wizard_of(qtbot, {"jack": lambda: Found(0.01)})
    assert wizard.way == "jack"
    assert [button.isEnabled() for button in wizard.buttons.buttons()] == [False, False, True, True]
    nothing, _ = wizard_of(qtbot, {})
    assert nothing.way == "by hand"


def test_by_hand_it_is_heard_while_it_moves(qtbot: QtBot) -> None:
    wizard, used = wizard_of(qtbot, refused, known_s=0.1)
    tried = list[float]()
    wizard.tried_delay.connect(tried.append)
    assert not wizard.by_hand.isVisible()
    wizard.buttons.button(3).click()
    assert wizard.by_hand.isVisible()
    wizard.by_hand.slider.setFocus()
    qtbot.keyClick(wizard.by_hand.slider, Qt.Key.Key_Up)
    qtbot.keyClick(wizard.by_hand.slider, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert tried == pytest.approx([0.101, 0.1009])
    wizard.by_hand.enter(-900)
    wizard.use.click()
    assert used == [-0.5]


def test_nobody_waits_for_a_measurement_that_was_left(qtbot: QtBot) -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def slow() -> object:
        begun.set()
        may_end.wait(20)
        ended.set()
        return Found(0.02)

    wizard, used = wizard_of(qtbot, slow)
    wizard.go.click()
    qtbot.waitUntil(begun.is_set)
    began_s = time.monotonic()
    qtbot.keyClick(wizard, Qt.Key.Key_Escape)
    assert time.monotonic() - began_s < 1
    assert not wizard.isVisible()
    assert not wizard.is_measuring
    may_end.set()
    qtbot.waitUntil(ended.is_set)
    qtbot.wait(50)
    assert used == []


def test_a_run_is_taken_once(qtbot: QtBot) -> None:
    run = CalibrationRun(lambda: Found(0.02))
    found = list[Measured]()
    qtbot.waitUntil(lambda: (one := run.take()) is not None and not found.append(one))
    assert found == [Measured(0.02, 1e-4, 40.0)]
    assert run.take() is None


def test_words() -> None:
    assert result_words(Measured(-0.0123)) == "The delay is −12.3 ms."
    said = details_words(Measured(0.02, 0.004, 12.0, "the input is overdriven: turn it down"))
    assert "measure again" in said
    assert "The input is overdriven: turn it down." in said
    assert details_words(Measured(error="no")) == ""


@pytest.mark.parametrize("kind", theme.KINDS)
def test_everything_has_a_name_and_fits(qtbot: QtBot, kind: theme.Kind) -> None:
    theme.apply_theme(kind)
    try:
        wizard, _ = wizard_of(qtbot, refused)
        wizard.go.click()
        qtbot.waitUntil(lambda: not wizard.is_measuring)
        shown = wizard.outcome.palette().color(wizard.outcome.foregroundRole())
        assert shown == theme.colours(kind).error
        for button in wizard.findChildren(QAbstractButton):
            assert button.accessibleName(), button.text()
            assert button.toolTip(), button.text()
            assert button.objectName()
        for label in wizard.findChildren(QLabel):
            if label.isVisible():
                assert label.heightForWidth(label.width()) <= label.height() + 2
    finally:
        theme.apply_theme("dark")
