"""The bar's controls say what is asked for, show what is, and every one has a key that no field swallows or fires."""

from __future__ import annotations

from collections import Counter

import pytest
from advsep.gui.karaoke.karaoke_bar import KaraokeBar
from advsep.gui.karaoke.karaoke_number import guide_db
from advsep.gui.karaoke.karaoke_shortcuts import KARAOKE_SHORTCUTS, LettersOfFields
from advsep.gui.shortcuts import SHORTCUTS, make_actions
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QListWidget,
    QMainWindow,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

CHANGES = (
    "guide_changed", "band_db_changed", "mic_db_changed", "echo_changed", "monitor_changed", "key_changed",
    "tempo_changed", "count_in_changed", "record_toggled",
)  # fmt: skip
PRESSES = ("loop_a", "loop_b", "loop_cleared", "next_song")
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class Bench(QMainWindow):
    """A window with the bar, its keys, and things to type in."""

    def __init__(self) -> None:
        super().__init__()
        inside = QWidget()
        layout = QVBoxLayout(inside)
        self.bar, self.text, self.songs, self.choice = KaraokeBar(), QLineEdit(), QListWidget(), QComboBox()
        self.songs.addItems(["Alpha", "Nightfall", "Mercy"])
        self.choice.addItems(["Anna", "Maria"])
        self.choice.setEditable(True)
        for widget in (self.bar, self.text, self.songs, self.choice):
            layout.addWidget(widget)
        self.setCentralWidget(inside)
        self.actions_by_name = make_actions(self, self.bar.commands(), KARAOKE_SHORTCUTS)
        self.bar.use_actions(self.actions_by_name)
        LettersOfFields(self)
        self.told = list[tuple[object, ...]]()
        for name in CHANGES:
            getattr(self.bar, name).connect(lambda value, name=name: self.told.append((name, value)))
        for name in PRESSES:
            getattr(self.bar, name).connect(lambda name=name: self.told.append((name,)))


@pytest.fixture
def bench(qtbot: QtBot) -> Bench:
    made = Bench()
    qtbot.addWidget(made)
    made.resize(1300, 300)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    return made


def controls(bar: KaraokeBar) -> list[QWidget]:
    kinds = (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QLineEdit)
    found = [widget for widget in bar.findChildren(QWidget) if isinstance(widget, kinds)]
    return [widget for widget in found if not widget.objectName().startswith("qt_")]


def test_setters_show_and_say_nothing(bench: Bench) -> None:
    bar = bench.bar
    bar.show_guide(0.5)
    bar.show_band_db(-6.0)
    bar.show_mic_db(-120.0)
    bar.show_echo(0.3)
    bar.show_monitor(True)
    bar.show_key(-4)
    bar.show_tempo(0.85)
    bar.show_count_in(True)
    bar.show_loop(62.0, 75.4)
    bar.show_record(83.0)
    bar.show_next(False)
    assert bench.told == []
    assert (bar.guide.value, bar.band.value, bar.echo.value) == (50.0, -6.0, 30.0)
    assert (bar.key.value(), bar.tempo.value()) == (-4, 85)
    assert bar.key.text() == "−4 st"
    assert (bar.from_here.text(), bar.to_here.text(), bar.record.text()) == ("A 1:02", "B 1:15", "1:23")
    assert bar.no_loop.isEnabled()
    assert not bar.skip.isEnabled()
    assert all(bench.actions_by_name[name].isChecked() for name in ("monitor", "count_in", "take"))
    bar.show_record(None)
    bar.show_loop(None, None)
    assert not bar.record.isChecked()
    assert not bar.no_loop.isEnabled()
    assert not bench.actions_by_name["take"].isChecked()
    bar.show_guide(7.0)
    assert bar.guide.value == 100
    bar.show_guide(float("nan"))
    assert bar.guide.value == 100


def test_the_guides_percent_is_an_amplitude() -> None:
    assert guide_db(1.0) == 0
    assert guide_db(0.5) == pytest.approx(-6.02, abs=0.01)
    assert guide_db(0.0) == float("-inf")


@pytest.mark.parametrize(
    ("key", "modifiers", "told"),
    [
        (Qt.Key.Key_Up, CONTROL | SHIFT, ("guide_changed", 0.5)),
        (Qt.Key.Key_Down, CONTROL | SHIFT, ("guide_changed", 0.3)),
        (Qt.Key.Key_G, Qt.KeyboardModifier.NoModifier, ("guide_changed", 0.0)),
        (Qt.Key.Key_PageUp, CONTROL | SHIFT, ("band_db_changed", 1.0)),
        (Qt.Key.Key_PageDown, CONTROL, ("mic_db_changed", -1.0)),
        (Qt.Key.Key_E, CONTROL, ("echo_changed", 0.25)),
        (Qt.Key.Key_E, CONTROL | SHIFT, ("echo_changed", 0.15)),
        (Qt.Key.Key_M, Qt.KeyboardModifier.NoModifier, ("monitor_changed", True)),
        (Qt.Key.Key_Up, CONTROL, ("key_changed", 1)),
        (Qt.Key.Key_Down, CONTROL, ("key_changed", -1)),
        (Qt.Key.Key_Right, CONTROL | SHIFT, ("tempo_changed", 1.05)),
        (Qt.Key.Key_Left, CONTROL | SHIFT, ("tempo_changed", 0.95)),
        (Qt.Key.Key_C, Qt.KeyboardModifier.NoModifier, ("count_in_changed", True)),
        (Qt.Key.Key_A, Qt.KeyboardModifier.NoModifier, ("loop_a",)),
        (Qt.Key.Key_B, Qt.KeyboardModifier.NoModifier, ("loop_b",)),
        (Qt.Key.Key_R, Qt.KeyboardModifier.NoModifier, ("record_toggled", True)),
        (Qt.Key.Key_N, Qt.KeyboardModifier.NoModifier, ("next_song",)),
    ],
)
def test_every_command_has_a_key(
    bench: Bench, qtbot: QtBot, key: Qt.Key, modifiers: Qt.KeyboardModifier, told: tuple[object, ...]
) -> None:
    bench.bar.show_guide(0.4)
    bench.bar.skip.setFocus()
    qtbot.keyClick(bench, key, modifiers)
    assert len(bench.told) == 1
    assert bench.told[0][0] == told[0]
    assert bench.told[0][1:] == pytest.approx(told[1:])


def test_the_guide_comes_back_as_it_was(bench: Bench, qtbot: QtBot) -> None:
    bench.bar.show_guide(0.4)
    for _ in range(2):
        qtbot.keyClick(bench, Qt.Key.Key_G)
    assert bench.told == [("guide_changed", 0.0), ("guide_changed", 0.4)]


def test_key_and_tempo_end_at_their_ends(bench: Bench, qtbot: QtBot) -> None:
    for _ in range(20):
        qtbot.keyClick(bench, Qt.Key.Key_Up, CONTROL)
        qtbot.keyClick(bench, Qt.Key.Key_Left, CONTROL | SHIFT)
    assert [value for name, value in bench.told if name == "key_changed"] == list(range(1, 13))
    assert min(value for name, value in bench.told if name == "tempo_changed") == 0.5
    qtbot.keyClick(bench, Qt.Key.Key_Home, CONTROL | SHIFT)
    assert bench.told[-2:] == [("key_changed", 0), ("tempo_changed", 1.0)]


def test_letters_are_typed_where_something_is_typed(bench: Bench, qtbot: QtBot) -> None:
    fields = (bench.text, bench.bar.guide.field, bench.bar.key, bench.choice, bench.songs)
    for field in fields:
        field.setFocus()
        qtbot.waitUntil(field.hasFocus)
        for key in (Qt.Key.Key_N, Qt.Key.Key_M, Qt.Key.Key_R, Qt.Key.Key_A, Qt.Key.Key_B, Qt.Key.Key_C, Qt.Key.Key_G):
            qtbot.keyClick(QApplication.focusWidget(), key)
        assert bench.told == [], type(field).__name__
    assert bench.text.text() == "nmrabcg"
    bench.bar.skip.setFocus()
    qtbot.keyClick(bench.bar.skip, Qt.Key.Key_M)
    assert bench.told == [("monitor_changed", True)]


def test_no_key_means_two_things() -> None:
    every = (*SHORTCUTS, *KARAOKE_SHORTCUTS)
    keys = Counter(QKeySequence(keys).toString() for shortcut in every for keys in shortcut.keys)
    assert [key for key, count in keys.items() if count > 1] == []
    assert "" not in keys
    names = Counter(shortcut.name for shortcut in every)
    assert [name for name, count in names.items() if count > 1] == []


def test_every_command_of_the_bar_is_in_the_table(bench: Bench) -> None:
    assert set(bench.bar.commands()) <= {shortcut.name for shortcut in KARAOKE_SHORTCUTS}
    for name, action in bench.actions_by_name.items():
        assert isinstance(action, QAction)
        assert action.shortcuts(), name
        assert action.toolTip(), name


def test_a_typed_number_is_told_and_a_wrong_one_is_not(bench: Bench, qtbot: QtBot) -> None:
    field = bench.bar.guide.field
    for text, told in (("62", [("guide_changed", 0.62)]), ("a lot", []), ("400 %", [])):
        bench.told.clear()
        field.setFocus()
        field.selectAll()
        qtbot.keyClicks(field, text)
        qtbot.keyClick(field, Qt.Key.Key_Return)
        assert bench.told == told
    assert bench.bar.guide.value == 62


def test_controls_have_names_and_are_reached(bench: Bench, qtbot: QtBot) -> None:
    bench.bar.show_loop(1.0, 2.0)
    found = controls(bench.bar)
    assert len(found) > 18
    assert [widget.objectName() for widget in found if not widget.accessibleName() or not widget.toolTip()] == []
    names = Counter((type(widget).__name__, widget.accessibleName()) for widget in found)
    assert [name for name, count in names.items() if count > 1] == []
    found[0].setFocus()
    reached = set[str]()
    for _ in range(3 * len(found)):
        focused = QApplication.focusWidget()
        reached.add(focused.objectName())
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    assert {widget.objectName() for widget in found} - reached == set()


def test_a_slider_is_told_at_once(bench: Bench, qtbot: QtBot) -> None:
    bench.bar.mic.slider.setFocus()
    qtbot.keyClick(bench.bar.mic.slider, Qt.Key.Key_Down)
    assert bench.told == [("mic_db_changed", -1.0)]
    assert bench.bar.mic.field.value == -1.0
