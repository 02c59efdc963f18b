"""The mixer on a real engine in its own process, on the null device: what is done to it is heard."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from pathlib import Path
from statistics import median

import numpy as np
import pytest
import soundfile
from advsep.gui.mixer import MixerPanel
from advsep.gui.session import Session
from advsep.realtime.engine_settings import EngineSettings
from advsep.realtime.plugin_registry import offers
from advsep.realtime.rack_file import find_preset
from advsep.realtime.rack_spec import RackSpec
from advsep.realtime.rack_text import parse_rack
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

STRANGERS = Path(__file__).parent / "strangers"  # as pip would have installed another package
RATE_HZ, SECONDS = 44100, 90
PATIENCE_MS = 20_000


@pytest.fixture(scope="module")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A steady sound: what a stem's level does is the rack's doing."""
    path = tmp_path_factory.mktemp("tone") / "tone.wav"
    times_s = np.arange(SECONDS * RATE_HZ) / RATE_HZ
    waves = sum(np.sin(2 * np.pi * hz * times_s) for hz in (110.0, 221.0, 660.0))
    soundfile.write(path, np.repeat(0.08 * waves[:, np.newaxis], 2, axis=1), RATE_HZ, subtype="PCM_16")
    return path


@pytest.fixture(scope="module")
def steady(application: QApplication, tone: Path) -> Generator[Session]:
    """A session that plays the steady sound; another package's plugins are there, too."""
    sys.path.insert(0, str(STRANGERS))
    offers.cache_clear()
    made = Session(EngineSettings(input=str(tone), output="null"))
    made.start()
    while made.layout is None or made.status.state != "playing":
        QTest.qWait(10)
        assert made.status.state != "failed", made.status.note
    yield made
    made.close()
    sys.path.remove(str(STRANGERS))
    offers.cache_clear()


class Desk:
    """A mixer on a session, and its user."""

    def __init__(self, qtbot: QtBot, session: Session) -> None:
        self.qtbot, self.session = qtbot, session
        self.mixer = MixerPanel(session)
        qtbot.addWidget(self.mixer)
        self.mixer.resize(1600, 400)
        self.mixer.show()
        self.mixer.activateWindow()
        QTest.qWaitForWindowActive(self.mixer)
        self.noted: list[str] = []
        session.noted.connect(self.note)

    def note(self, level: str, words: str) -> None:
        self.noted.append(f"{level}: {words}")

    def find(self, name: str) -> QWidget:
        found = self.mixer.findChild(QWidget, name)
        assert found is not None, name
        return found

    def click(self, name: str) -> None:
        assert self.find(name).isEnabled()
        QTest.mouseClick(self.find(name), Qt.MouseButton.LeftButton)

    def type(self, name: str, text: str) -> None:
        field = self.find(name)
        assert isinstance(field, QLineEdit)
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, text)
        QTest.keyClick(field, Qt.Key.Key_Return)

    def add(self, strip: str, plugin: str) -> None:
        menu = self.mixer.strips[strip].chain.menu
        menu.fill()
        (action,) = [each for each in menu.actions() if each.objectName() == plugin]
        action.trigger()

    def wait(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=PATIENCE_MS)

    def rms_dbfs(self, strip: str) -> float:
        """Middle of some hops' levels."""
        found: list[float] = []
        last = self.session.status.hops

        def measure() -> bool:
            nonlocal last
            status = self.session.status
            if status.hops != last:
                last = status.hops
                found.append(status.levels[strip].rms_dbfs)
            return len(found) >= 8

        self.wait(measure)
        return median(found[2:])


@pytest.fixture
def desk(qtbot: QtBot, steady: Session) -> Generator[Desk]:
    """A mixer whose rack is empty at first."""
    steady.edit_rack(RackSpec(), "all out")
    steady.undo_stack.clear()
    yield Desk(qtbot, steady)
    steady.edit_rack(RackSpec(), "all out")


def test_strips_are_those_of_the_model_and_the_rack(desk: Desk) -> None:
    assert list(desk.mixer.strips) == ["vocals", "accompaniment", "master"]
    vocals = desk.mixer.strips["vocals"]
    desk.session.edit_rack(find_preset("karaoke").rack, "karaoke")
    assert list(desk.mixer.strips) == ["vocals", "accompaniment", "microphone", "master"]
    desk.session.edit_rack(parse_rack("vocals[send.room=-6]: ; room: reverb(mix=1)"), "a room")
    assert list(desk.mixer.strips) == ["vocals", "accompaniment", "room", "master"]
    assert desk.mixer.strips["vocals"] is vocals  # what stays the same is not made again
    assert desk.mixer.strips["room"].meter is None


def test_a_dragged_fader_is_heard_and_a_key_and_undo(desk: Desk) -> None:
    session, fader = desk.session, desk.mixer.strips["accompaniment"].fader
    before_dbfs = desk.rms_dbfs("accompaniment")
    start = fader.handle_centre().toPoint()
    QTest.mousePress(fader, Qt.MouseButton.LeftButton, pos=start)
    for way_px in (8, 16, 40):
        QTest.mouseMove(fader, start + QPoint(0, way_px))
    QTest.mouseRelease(fader, Qt.MouseButton.LeftButton, pos=start + QPoint(0, 40))
    gain_db = session.rack.named("accompaniment").gain_db
    assert gain_db == fader.exact < -4
    desk.wait(lambda: session.status.gains_db["accompaniment"] == gain_db)
    assert desk.rms_dbfs("accompaniment") - before_dbfs == pytest.approx(gain_db, abs=1)
    QTest.keyClick(fader, Qt.Key.Key_Up)
    QTest.keyClick(fader, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    desk.wait(lambda: session.status.gains_db["accompaniment"] == pytest.approx(gain_db + 0.9))
    desk.type("accompaniment.gain_text", "-3.5 dB")
    desk.wait(lambda: session.status.gains_db["accompaniment"] == -3.5)
    assert session.undo_stack.count() == 4
    for _ in range(4):
        session.undo_stack.undo()
    desk.wait(lambda: session.status.gains_db["accompaniment"] == 0)
    assert session.rack == RackSpec()
    assert fader.exact == 0


def test_mute_and_solo_are_heard(desk: Desk) -> None:
    session = desk.session
    desk.click("accompaniment.mute")
    desk.wait(lambda: session.status.muted == ("accompaniment",))
    desk.wait(lambda: session.status.levels["accompaniment"].peak_dbfs < -100)
    desk.click("accompaniment.solo")
    desk.wait(lambda: session.status.muted == ("vocals",))
    desk.wait(lambda: session.status.levels["accompaniment"].peak_dbfs > -60)
    strip = desk.mixer.strips["vocals"]
    desk.wait(lambda: any(label.text() == "not soloed" for label in strip.findChildren(QLabel)))
    session.undo_stack.undo()
    session.undo_stack.undo()
    desk.wait(lambda: session.status.muted == ())


def test_a_plugin_is_added_set_bypassed_moved_removed_and_undone(desk: Desk) -> None:
    session, stack = desk.session, desk.session.undo_stack
    before_dbfs = desk.rms_dbfs("accompaniment")
    desk.add("accompaniment", "gain")
    desk.add("accompaniment", "faulty")  # as long as it is not told to
    chain = desk.mixer.strips["accompaniment"].chain
    chain.list.setCurrentRow(0)
    desk.type("accompaniment.gain.db.text", "-9.5 dB")
    desk.wait(lambda: session.status.levels["accompaniment"].rms_dbfs < before_dbfs - 9)
    assert desk.rms_dbfs("accompaniment") - before_dbfs == pytest.approx(-9.5, abs=1)
    QTest.keyClick(chain.list, Qt.Key.Key_Space)
    desk.wait(lambda: session.status.levels["accompaniment"].rms_dbfs > before_dbfs - 1)
    QTest.keyClick(chain.list, Qt.Key.Key_Space)
    desk.click("accompaniment.chain.down")
    assert [asked.name for asked in session.rack.named("accompaniment").chain] == ["faulty", "gain"]
    desk.wait(lambda: session.status.levels["accompaniment"].rms_dbfs < before_dbfs - 9)
    desk.click("accompaniment.chain.remove")
    desk.wait(lambda: session.status.levels["accompaniment"].rms_dbfs > before_dbfs - 1)
    assert stack.count() == 7
    while stack.canUndo():
        stack.undo()
    assert session.rack == RackSpec()
    assert desk.rms_dbfs("accompaniment") == pytest.approx(before_dbfs, abs=1)
    assert not desk.noted


def test_a_plugin_that_fails_while_it_plays_shows_words(desk: Desk) -> None:
    desk.add("accompaniment", "faulty")
    QTest.keyClick(desk.find("accompaniment.faulty.fails"), Qt.Key.Key_Space)
    words = desk.find("accompaniment.chain.words")
    assert isinstance(words, QLabel)
    desk.wait(lambda: "ValueError: out of luck" in words.text())
    assert desk.mixer.strips["accompaniment"].chain.list.item(0).text() == "faulty – failed"
    while desk.session.undo_stack.canUndo():
        desk.session.undo_stack.undo()
    desk.wait(lambda: not desk.session.status.plugin_failures)
    assert words.isHidden() or "out of luck" not in words.text()


def test_what_the_engine_refuses_is_taken_back(desk: Desk) -> None:
    desk.add("vocals", "vst")
    desk.type("vocals.vst.path", "/nowhere/at/all.vst3")
    assert desk.session.rack.named("vocals").chain[0].values == {"path": "/nowhere/at/all.vst3"}
    desk.wait(lambda: any("no such file" in words for words in desk.noted))
    assert not desk.session.rack.named("vocals").chain[0].values
    path = desk.find("vocals.vst.path")
    assert isinstance(path, QLineEdit)
    desk.wait(lambda: path.text() == "")


def test_the_meters_move_and_stop_with_the_sound(desk: Desk) -> None:
    meter = desk.mixer.strips["master"].meter
    assert meter is not None

    def moved() -> bool:
        desk.mixer.refresh()
        return abs(meter.ballistics.mean_dbfs - desk.session.status.levels["output"].rms_dbfs) < 2

    desk.wait(moved)
    desk.click("vocals.mute")
    desk.click("accompaniment.mute")

    def fell() -> bool:
        desk.mixer.refresh()
        return meter.ballistics.mean_dbfs < -50

    desk.wait(fell)


def test_it_works_with_no_engine(qtbot: QtBot, quiet: Session) -> None:
    mixer = MixerPanel(quiet)
    qtbot.addWidget(mixer)
    mixer.show()
    mixer.refresh()
    assert list(mixer.strips) == ["master"]
    assert any("open one" in label.text() for label in mixer.findChildren(QLabel) if label.isVisible())
    quiet.edit_rack(find_preset("practice").rack, "practice")
    assert list(mixer.strips) == ["vocals", "master"]
    assert mixer.strips["vocals"].fader.exact == -12
