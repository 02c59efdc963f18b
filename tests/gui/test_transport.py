"""The transport by mouse and keyboard on a real engine; where there is no song it is switched off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import pytest
from advsep.gui.session import Session
from advsep.gui.transport import STEPS_PER_S, PositionSlider, Transport
from advsep.realtime.status import EngineStatus
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

Kind = TypeVar("Kind", bound=QWidget)

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def transport(session: Session, qtbot: QtBot) -> Iterator[Transport]:
    """Shown, following the session, playing from 5 s on."""
    made = Transport(session)
    session.status_changed.connect(made.show_status)
    made.resize(900, 40)
    made.show()
    session.set_paused(False)
    session.seek(5.0)
    qtbot.waitUntil(lambda: made.is_playing and 5.0 <= session.status.position_s < 6.0)
    yield made
    session.status_changed.disconnect(made.show_status)
    made.close()


def child(transport: Transport, kind: type[Kind], name: str) -> Kind:
    found = transport.findChild(kind, name)
    assert found is not None
    return found


def test_play_and_pause(transport: Transport, session: Session, qtbot: QtBot) -> None:
    play = child(transport, QPushButton, "play_button")
    assert play.text() == "Pause"
    qtbot.mouseClick(play, LEFT)
    qtbot.waitUntil(lambda: session.status.paused and play.text() == "Play")
    place_s = session.status.position_s
    hops = session.status.hops
    play.setFocus()
    qtbot.keyClick(play, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: play.text() == "Pause" and session.status.hops > hops)
    assert session.status.position_s >= place_s


def test_a_click_goes_there_at_once(transport: Transport, session: Session, qtbot: QtBot) -> None:
    slider = child(transport, PositionSlider, "position")
    length_s = session.status.length_s
    assert length_s is not None
    assert slider.maximum() == round(length_s * STEPS_PER_S)
    qtbot.mouseClick(slider, LEFT, pos=QPoint(slider.width() // 2, slider.height() // 2))
    qtbot.waitUntil(lambda: abs(session.status.position_s - length_s / 2) < 0.6)
    assert abs(slider.value() / STEPS_PER_S - length_s / 2) < 1.0


def test_keys_go_by_five_seconds(transport: Transport, session: Session, qtbot: QtBot) -> None:
    slider = child(transport, PositionSlider, "position")
    session.set_paused(True)
    qtbot.waitUntil(lambda: session.status.paused)
    place_s = slider.value() / STEPS_PER_S
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: abs(session.status.position_s - place_s - 5.0) < 0.2)
    transport.step(-5.0)
    qtbot.waitUntil(lambda: abs(session.status.position_s - place_s) < 0.2)
    transport.step(-600.0)
    qtbot.waitUntil(lambda: session.status.position_s == 0.0)


def test_the_time_is_shown_beside_the_length(transport: Transport, qtbot: QtBot) -> None:
    label = child(transport, QLabel, "time")
    qtbot.mouseClick(child(transport, QPushButton, "to_start_button"), LEFT)
    qtbot.waitUntil(lambda: label.text() == "0:01 / 0:28")


def test_a_device_has_no_other_place_than_now(quiet: Session) -> None:
    transport = Transport(quiet)
    quiet.open_input("null")
    transport.show_status(EngineStatus(state="playing", rate_hz=44100, position_s=3.0))
    controls = [*transport.findChildren(QPushButton), *transport.findChildren(PositionSlider)]
    assert len(controls) == 3
    assert not any(control.isEnabled() for control in controls)
    assert child(transport, QLabel, "time").text() == "0:03"
    transport.toggle()
    transport.seek(3.0)
