"""A strip's chain: its list, its buttons and keys, and the chosen plugin's parameters."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from advsep.gui.chain_editor import ChainEditor
from advsep.gui.session import Session
from advsep.realtime.plugin_registry import offers
from advsep.realtime.rack_spec import PluginSpec, RackSpec
from advsep.realtime.rack_text import parse_rack
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QSlider, QToolButton
from pytestqt.qtbot import QtBot

STRANGERS = Path(__file__).parent / "strangers"  # as pip would have installed another package
FIRST = "vocals: gate, !eq(low_cut_hz=90), reverb(mix=0.5)"


@pytest.fixture
def strangers(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Another package offers plugins, too."""
    monkeypatch.syspath_prepend(STRANGERS)
    offers.cache_clear()
    yield
    offers.cache_clear()


class Opened:
    """An editor on a session that has no engine."""

    def __init__(self, qtbot: QtBot, session: Session, rack: str = FIRST) -> None:
        self.session = session
        self.editor = ChainEditor(session, "vocals")
        qtbot.addWidget(self.editor)
        session.rack_changed.connect(self.follow)
        session.edit_rack(parse_rack(rack), "a preset")
        self.editor.resize(260, 300)
        self.editor.show()
        self.editor.activateWindow()
        QTest.qWaitForWindowActive(self.editor)

    def follow(self, rack: RackSpec) -> None:
        self.editor.show_chain(rack.named("vocals").chain)

    @property
    def names(self) -> list[str]:
        return [asked.name for asked in self.chain]

    @property
    def chain(self) -> tuple[PluginSpec, ...]:
        return self.session.rack.named("vocals").chain

    @property
    def lines(self) -> list[str]:
        return [self.editor.list.item(i).text() for i in range(self.editor.list.count())]

    @property
    def words(self) -> str:
        label = self.editor.findChild(QLabel, "vocals.chain.words")
        return label.text() if label.isVisible() else ""

    def click(self, what: str) -> None:
        button = self.editor.findChild(QToolButton, f"vocals.chain.{what}")
        assert button.isEnabled()
        assert button.accessibleName()
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def choose(self, name: str) -> None:
        self.editor.menu.fill()
        (action,) = [each for each in self.editor.menu.actions() if each.objectName() == name]
        action.trigger()


def test_plugins_are_added_moved_bypassed_removed_and_all_of_it_undone(qtbot: QtBot, quiet: Session) -> None:
    opened = Opened(qtbot, quiet)
    assert opened.lines == ["gate", "eq", "reverb"]
    assert [opened.editor.list.item(i).checkState() for i in range(3)] == [
        Qt.CheckState.Checked,
        Qt.CheckState.Unchecked,
        Qt.CheckState.Checked,
    ]
    opened.choose("gain")
    assert opened.names == opened.lines == ["gate", "eq", "reverb", "gain"]
    assert opened.editor.list.currentRow() == 3
    opened.click("up")
    QTest.keyClick(opened.editor.list, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert opened.lines == ["gate", "gain", "eq", "reverb"]
    assert opened.editor.list.currentRow() == 1
    opened.click("down")
    assert opened.names == ["gate", "eq", "gain", "reverb"]
    QTest.keyClick(opened.editor.list, Qt.Key.Key_Space)
    assert opened.chain[2] == PluginSpec("gain", bypassed=True)
    opened.editor.list.setCurrentRow(0)
    opened.click("remove")
    QTest.keyClick(opened.editor.list, Qt.Key.Key_Delete)
    assert opened.names == opened.lines == ["gain", "reverb"]
    after, stack = quiet.rack, quiet.undo_stack
    texts = [stack.text(i) for i in range(stack.count())]
    assert texts[1:] == [
        "add gain to vocals",
        *["move gain of vocals"] * 3,
        "bypass gain of vocals",
        "remove gate from vocals",
        "remove eq from vocals",
    ]
    while stack.index() > 1:
        stack.undo()
    assert quiet.rack == parse_rack(FIRST)
    assert opened.lines == ["gate", "eq", "reverb"]
    while stack.canRedo():
        stack.redo()
    assert quiet.rack == after
    assert opened.lines == ["gain", "reverb"]


def test_a_dragged_parameter_is_one_step_and_keeps_its_controls(qtbot: QtBot, quiet: Session) -> None:
    opened = Opened(qtbot, quiet)
    opened.editor.list.setCurrentRow(2)
    slider = opened.editor.findChild(QSlider, "vocals.reverb.mix")
    assert slider.isVisible()
    start = slider.rect().center()
    for _ in range(2):
        QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=start)
        for way_px in (2, 4, 6):
            QTest.mouseMove(slider, start + QPoint(way_px, 0))
        QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=start + QPoint(6, 0))
    assert opened.chain[2].values["mix"] > 0.5
    assert quiet.undo_stack.count() == 3  # the preset and two drags
    assert quiet.undo_stack.undoText() == "vocals reverb mix"
    quiet.undo_stack.undo()
    quiet.undo_stack.undo()
    assert opened.chain[2].values["mix"] == 0.5
    assert opened.editor.findChild(QSlider, "vocals.reverb.mix") is slider
    assert slider.hasFocus() or not slider.isHidden()
    QTest.keyClick(slider, Qt.Key.Key_Home)
    assert "mix" not in opened.chain[2].values  # the default need not be written


def test_a_chain_that_is_empty_says_so(qtbot: QtBot, quiet: Session) -> None:
    opened = Opened(qtbot, quiet, "vocals: gate")
    assert opened.words == ""
    opened.click("remove")
    assert "No plugins" in opened.words
    assert opened.editor.editor is None
    assert not opened.editor.list.isVisible()
    assert not opened.editor.findChild(QToolButton, "vocals.chain.remove").isVisible()


@pytest.mark.usefixtures("strangers")
def test_the_menu_has_a_line_on_each_and_names_what_cannot_be_loaded(qtbot: QtBot, quiet: Session) -> None:
    opened = Opened(qtbot, quiet)
    menu = opened.editor.menu
    menu.aboutToShow.emit()
    lines = {action.objectName(): action for action in menu.actions() if action.objectName()}
    assert set(lines) == set(offers())
    assert lines["gate"].text().startswith("gate – Turns down")
    assert lines["faulty"].isEnabled()
    broken = lines["half-written"]
    assert not broken.isEnabled()
    assert "cannot be loaded: RuntimeError: only half written" in broken.toolTip()


@pytest.mark.usefixtures("strangers")
@pytest.mark.parametrize(
    ("name", "words"), [("half-written", "only half written"), ("gaet", "no plugin 'gaet': did you mean")]
)
def test_a_plugin_that_cannot_be_loaded_shows_words(qtbot: QtBot, quiet: Session, name: str, words: str) -> None:
    opened = Opened(qtbot, quiet, "vocals: gate")
    rack = quiet.rack.with_strip("vocals", parse_rack(f"x: {name}").named("x"))
    quiet.edit_rack(rack, "a preset of another machine")
    assert opened.lines == [name]
    assert words in opened.words
    assert opened.editor.editor is None
    quiet.undo_stack.undo()
    assert opened.words == ""
    assert opened.editor.editor is not None


def test_a_failure_is_shown_at_the_plugin(qtbot: QtBot, quiet: Session) -> None:
    opened = Opened(qtbot, quiet)
    opened.editor.show_failures(("accompaniment: eq: not ours", "vocals: eq: ValueError: out of luck"))
    assert opened.lines == ["gate", "eq – failed", "reverb"]
    assert opened.words == ""
    opened.editor.list.setCurrentRow(1)
    assert opened.words == "eq is not run any more: ValueError: out of luck"
    assert "out of luck" in opened.editor.list.item(1).data(Qt.ItemDataRole.AccessibleTextRole)
    opened.editor.show_failures(())
    assert opened.lines == ["gate", "eq", "reverb"]
    assert opened.words == ""
