"""One strip without an engine: what its controls do to the rack, and what the rack does to them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from advsep.gui.session import Session
from advsep.gui.strip import StripPanel
from advsep.realtime.rack_spec import QUIETEST_DB, RackSpec, StripSpec
from advsep.realtime.rack_text import parse_rack
from advsep.realtime.status import EngineStatus, Level
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QSlider, QWidget
from pytestqt.qtbot import QtBot

BUSES = ("room",)


class Opened:
    """A strip on a session that has no engine."""

    def __init__(self, qtbot: QtBot, session: Session, rack: str = "vocals: gate") -> None:
        self.session = session
        session.edit_rack(parse_rack(rack), "a preset")
        self.strip = StripPanel(session, "vocals", "source")
        qtbot.addWidget(self.strip)
        session.rack_changed.connect(self.follow)
        self.follow(session.rack)
        self.strip.resize(420, 380)
        self.strip.show()
        self.strip.activateWindow()
        QTest.qWaitForWindowActive(self.strip)

    def follow(self, rack: RackSpec) -> None:
        self.strip.show_rack(rack, rack.buses(("vocals",)))

    @property
    def spec(self) -> StripSpec:
        return self.session.rack.named("vocals")

    def find(self, what: str) -> QWidget:
        return self.strip.findChild(QWidget, f"vocals.{what}")

    def type(self, what: str, text: str) -> None:
        field = self.find(what)
        assert isinstance(field, QLineEdit)
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, text)
        QTest.keyClick(field, Qt.Key.Key_Return)


@pytest.fixture
def opened(qtbot: QtBot, quiet: Session) -> Opened:
    return Opened(qtbot, quiet)


def test_typed_levels(opened: Opened) -> None:
    noted: list[tuple[str, str]] = []
    opened.session.noted.connect(lambda *note: noted.append(note))
    for text, gain_db in (("-6.5 dB", -6.5), ("3", 3.0), ("-inf", QUIETEST_DB), ("20db", 20.0), ("0", 0.0)):
        opened.type("gain_text", text)
        assert opened.spec.gain_db == opened.strip.fader.exact == gain_db
    assert not noted
    opened.type("gain_text", "40")
    assert opened.spec.gain_db == 0
    assert noted == [("warning", "vocals gain, as a number: '40': expected -120 to 24 dB; type a number in that range")]


def test_a_drag_is_one_step_and_every_kind_of_change_can_be_undone(opened: Opened) -> None:
    session, stack = opened.session, opened.session.undo_stack
    first = session.rack
    fader, pan = opened.strip.fader, opened.find("pan")
    start = fader.handle_centre().toPoint()
    QTest.mousePress(fader, Qt.MouseButton.LeftButton, pos=start)
    for way_px in (5, 10, 20):
        QTest.mouseMove(fader, start + QPoint(0, way_px))
    QTest.mouseRelease(fader, Qt.MouseButton.LeftButton, pos=start + QPoint(0, 20))
    dragged_db = opened.spec.gain_db
    assert dragged_db < -1
    QTest.keyClick(fader, Qt.Key.Key_Up)
    assert opened.spec.gain_db == pytest.approx(dragged_db + 1)
    QTest.keyClick(pan, Qt.Key.Key_Left)
    assert opened.spec.pan == -0.05
    for what in ("mute", "solo"):
        QTest.mouseClick(opened.find(what), Qt.MouseButton.LeftButton)
    assert opened.spec.muted
    assert opened.spec.soloed
    assert [stack.text(i) for i in range(1, stack.count())] == [
        "vocals gain",
        "vocals gain",
        "vocals pan",
        "vocals mute",
        "vocals solo",
    ]
    last = session.rack
    while stack.index() > 1:
        stack.undo()
    assert session.rack == first
    assert fader.exact == 0
    mute = opened.find("mute")
    assert isinstance(mute, QAbstractButton)
    assert not mute.isChecked()
    while stack.canRedo():
        stack.redo()
    assert session.rack == last
    assert mute.isChecked()


def test_sends_are_there_where_the_rack_has_buses(qtbot: QtBot, quiet: Session) -> None:
    opened = Opened(qtbot, quiet)
    assert not opened.find("sends").isVisible()
    quiet.edit_rack(parse_rack("vocals[send.room=-6]: gate; room: reverb(mix=1)"), "another preset")
    send = opened.find("send.room")
    assert isinstance(send, QSlider)
    assert send.isVisible()
    assert send.accessibleDescription() == "−6 dB"
    opened.type("send.room.text", "-12.5 dB")
    assert opened.spec.sends == {"room": -12.5}
    send.setFocus()
    QTest.keyClick(send, Qt.Key.Key_Up)
    assert opened.spec.sends == {"room": -11.5}
    QTest.keyClick(send, Qt.Key.Key_Home)
    assert opened.spec.sends == {"room": QUIETEST_DB}  # still a send: a bus without one is none
    while quiet.undo_stack.index() > 1:
        quiet.undo_stack.undo()
    assert not opened.find("sends").isVisible()


def test_what_comes_back_neither_takes_the_focus_nor_disturbs_typing(opened: Opened) -> None:
    field, session = opened.find("gain_text"), opened.session
    assert isinstance(field, QLineEdit)
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "-1")
    editor = opened.strip.chain.editor
    changed = replace(opened.spec, gain_db=-9.0, pan=0.5)
    session.edit_rack(session.rack.with_strip("vocals", changed), "from elsewhere")
    assert field.text() == "-1"
    assert field.hasFocus()
    assert opened.strip.fader.exact == -9
    assert opened.strip.chain.editor is editor
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == "−9 dB"


def test_the_engines_status_shows(opened: Opened) -> None:
    status = EngineStatus(state="playing", muted=("vocals",), levels={"vocals": Level(peak_dbfs=0.5, rms_dbfs=-8.0)})
    opened.strip.show_status(status)
    notes = [label.text() for label in opened.strip.findChildren(QLabel)]
    assert "not soloed" in notes
    opened.strip.hear(status.levels["vocals"], 5.0)
    opened.strip.refresh(5.1)
    peak = opened.find("peak")
    assert isinstance(peak, QAbstractButton)
    assert peak.text() == "over"
    opened.strip.hear(None, 9.0)
    opened.strip.refresh(20.0)
    assert peak.text() == "over"  # until it is clicked
    QTest.mouseClick(peak, Qt.MouseButton.LeftButton)
    opened.strip.refresh(20.1)
    assert peak.text() == "–"


def test_plugins_can_be_put_away(qtbot: QtBot, opened: Opened) -> None:
    before_px = opened.strip.minimumSizeHint().width()
    QTest.mouseClick(opened.find("fold"), Qt.MouseButton.LeftButton)
    assert opened.strip.folded
    assert not opened.strip.chain.isVisible()
    qtbot.waitUntil(lambda: opened.strip.minimumSizeHint().width() < before_px - 100)


def test_every_control_is_named_and_reached_by_tab(opened: Opened) -> None:
    kinds = (QSlider, QAbstractButton, QLineEdit)
    found = [each for kind in kinds for each in opened.strip.findChildren(kind) if each.isVisible()]
    assert len(found) > 25
    for each in found:
        assert each.accessibleName(), each
        assert each.objectName(), each
        assert each.toolTip(), each.objectName()
        assert each.focusPolicy() == Qt.FocusPolicy.StrongFocus, each.objectName()
    reached: set[QWidget] = set()
    opened.strip.fader.setFocus()
    while (at := opened.strip.focusWidget()) not in reached:
        reached.add(at)
        QTest.keyClick(at, Qt.Key.Key_Tab)
    assert {each.objectName() for each in found if each.isEnabled()} <= {each.objectName() for each in reached}
