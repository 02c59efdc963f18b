"""Editors made from what plugins declare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pytest
from advsep.gui.parameter_editor import ParameterEditor
from advsep.gui.parameter_number import NumberField
from advsep.gui.parameter_slider import TaperSlider
from advsep.gui.parameter_text import shown
from advsep.realtime.parameter import Parameter
from advsep.realtime.plugin import Plugin
from advsep.realtime.plugin_registry import OWN_PACKAGE, offers
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QToolButton, QWidget
from pytestqt.qtbot import QtBot

BUILT_IN = sorted(name for name, offer in offers().items() if offer.package == OWN_PACKAGE)


class Sample(Plugin):
    """One of each kind of parameter."""

    parameters = (
        Parameter(name="level_db", default=0.0, lowest=-24.0, highest=24.0, unit="dB", help="How loud."),
        Parameter(name="size", default=1.0, lowest=0.5, highest=2.0, fixed=True),
        Parameter(name="shape", default=1, choices=("sine", "saw", "noise")),
        Parameter.switch("invert", False),
    )
    state_texts: ClassVar[Mapping[str, str]] = {"folder": "takes"}

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        """Nothing to prepare."""

    def process(self, block: np.ndarray) -> None:
        """Leaves it as it is."""


class Watched:
    """An editor and what it says."""

    def __init__(self, qtbot: QtBot, kind: type[Plugin], values: Mapping[str, object] | None = None) -> None:
        self.editor = ParameterEditor(kind, "vocals it", values or {})  # type: ignore[arg-type]
        qtbot.addWidget(self.editor)
        self.changes: list[tuple[str, object, int]] = []
        self.words: list[str] = []
        self.editor.changed.connect(lambda *change: self.changes.append(change))
        self.editor.refused.connect(self.words.append)
        self.editor.show()
        self.editor.activateWindow()
        QTest.qWaitForWindowActive(self.editor)

    def control(self, name: str) -> QWidget:
        return self.editor.findChild(QWidget, f"vocals.it.{name}")

    def type(self, name: str, text: str) -> None:
        field = self.control(f"{name}.text")
        assert isinstance(field, NumberField)
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, text.replace("−", "-").replace("∞", "inf"))  # it knows no other signs
        QTest.keyClick(field, Qt.Key.Key_Return)


def test_the_twelve() -> None:
    assert len(BUILT_IN) == 12


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_parameter_of_every_plugin_has_a_control_and_takes_its_default(qtbot: QtBot, name: str) -> None:
    kind = offers()[name].load()
    watched = Watched(qtbot, kind)
    for parameter in kind.parameters:
        control = watched.control(parameter.name)
        assert control.isVisible()
        assert control.accessibleName().startswith("vocals it ")
        assert control.toolTip()
        assert control.focusPolicy() == Qt.FocusPolicy.StrongFocus
        row = watched.editor.rows[parameter.name]
        if isinstance(control, TaperSlider):
            elsewhere = parameter.lowest if parameter.default != parameter.lowest else parameter.highest
            watched.type(parameter.name, shown(parameter, elsewhere))
            assert row.value == pytest.approx(elsewhere, rel=1e-3)
            watched.type(parameter.name, shown(parameter, parameter.default))
            assert row.value == parameter.default
            assert watched.changes[-1] == (parameter.name, None, 0)
        else:
            assert isinstance(control, QCheckBox)
            QTest.keyClick(control, Qt.Key.Key_Space)
            assert row.value == 1 - parameter.default
            QTest.mouseClick(watched.control(f"{parameter.name}.reset"), Qt.MouseButton.LeftButton)
            assert row.value == parameter.default
    for text in kind.state_texts:
        assert isinstance(watched.control(text), QLineEdit)
    assert not watched.words


def test_a_slider_tells_every_step_of_a_drag_but_a_fixed_one_only_where_it_ends(qtbot: QtBot) -> None:
    watched = Watched(qtbot, Sample)
    for name in ("level_db", "size"):
        slider = watched.control(name)
        start = slider.rect().center()
        QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=start)
        for way_px in (3, 6, 9):
            QTest.mouseMove(slider, start + QPoint(way_px, 0))
        QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=start + QPoint(9, 0))
    level, size = ([change for change in watched.changes if change[0] == name] for name in ("level_db", "size"))
    assert len(level) == 3
    assert len({gesture for _, _, gesture in level}) == 1
    assert len(size) == 1
    assert size[0][1] == watched.editor.rows["size"].value > 1


def test_choices_texts_and_resets(qtbot: QtBot) -> None:
    watched = Watched(qtbot, Sample, {"shape": "noise", "folder": "mine", "invert": True})
    shape, folder = watched.control("shape"), watched.control("folder")
    assert isinstance(shape, QComboBox)
    assert isinstance(folder, QLineEdit)
    assert (shape.currentText(), folder.text()) == ("noise", "mine")
    QTest.keyClick(shape, Qt.Key.Key_Home)
    folder.setFocus()
    folder.selectAll()
    QTest.keyClicks(folder, "other")
    QTest.keyClick(folder, Qt.Key.Key_Return)
    reset = watched.control("shape.reset")
    assert isinstance(reset, QToolButton)
    assert reset.isEnabled()
    QTest.mouseClick(reset, Qt.MouseButton.LeftButton)
    assert watched.changes == [("shape", "sine", 0), ("folder", "other", 0), ("shape", None, 0)]
    assert not reset.isEnabled()


def test_what_cannot_be_is_told_and_given_up(qtbot: QtBot) -> None:
    watched = Watched(qtbot, Sample)
    watched.type("level_db", "99")
    field = watched.control("level_db.text")
    assert isinstance(field, NumberField)
    assert not watched.changes
    (words,) = watched.words
    assert "'99': expected -24 to 24 dB" in words
    assert field.toolTip() in words
    assert field.text() == "99"
    watched.control("size").setFocus()
    assert field.text() == "0 dB"


def test_undo_is_the_windows_and_escape_the_fields_while_something_is_typed(qtbot: QtBot) -> None:
    watched = Watched(qtbot, Sample)
    done: list[str] = []
    for name, keys in (("undo", "Ctrl+Z"), ("dismiss", "Esc")):
        action = QAction(name, watched.editor)
        action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda _, name=name: done.append(name))
        watched.editor.addAction(action)
    field = watched.control("level_db.text")
    assert isinstance(field, NumberField)
    watched.type("level_db", "-3")
    QTest.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert done == ["undo"]
    QTest.keyClicks(field, "-7")
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert (field.text(), done) == ("−3 dB", ["undo"])
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert done == ["undo", "dismiss"]


def test_arrows_step_a_typed_number(qtbot: QtBot) -> None:
    watched = Watched(qtbot, Sample)
    field = watched.control("level_db.text")
    assert isinstance(field, NumberField)
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "-3")
    QTest.keyClick(field, Qt.Key.Key_Up)
    QTest.keyClick(field, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert [value for _, value, _ in watched.changes] == [-3, -2, -2.1]


def test_values_that_come_back_touch_only_what_differs_and_not_what_is_typed(qtbot: QtBot) -> None:
    watched = Watched(qtbot, Sample)
    field = watched.control("level_db.text")
    assert isinstance(field, NumberField)
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "-1")
    watched.editor.show_values({"size": 1.5, "level_db": 3.0})
    assert field.text() == "-1"
    assert watched.editor.rows["size"].value == 1.5
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == "3 dB"
    assert not watched.changes
    assert watched.editor.suits(Sample, {"size": 2.0})
    assert not watched.editor.suits(Sample, {"threshold": 2.0})


def test_settings_of_a_foreign_plugin_are_shown_as_texts(qtbot: QtBot) -> None:
    watched = Watched(qtbot, offers()["vst"].load(), {"builtin": "Chorus", "rate_hz": 1.5})
    field = watched.control("rate_hz")
    assert isinstance(field, QLineEdit)
    assert field.text() == "1.5"
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "2")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert watched.changes == [("rate_hz", 2.0, 0)]
