"""The whole window on a real engine, driven by clicks, keys and dropped files; at last it is closed while it plays."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from advsep.gui.main_window import MainWindow
from advsep.gui.pickers import Picker
from advsep.gui.session import Session
from advsep.gui.settings import Remembered
from advsep.gui.window_drop import meaning_of
from advsep.gui.window_open import Opener, critics_beside
from advsep.realtime.rack_file import find_preset, read_preset
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDropEvent
from PySide6.QtWidgets import QComboBox, QDialogButtonBox, QFileDialog, QLabel, QPushButton, QToolButton
from pytestqt.qtbot import QtBot
from waiting import is_running

LEFT, CTRL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier
LONG_MS = 60_000


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Twenty seconds of noise."""
    path = tmp_path / "a song.wav"
    noise = np.random.default_rng(1).normal(0.0, 0.05, (20 * 44100, 2))
    soundfile.write(path, noise, 44100)
    return path


def action(window: MainWindow, name: str) -> QAction:
    found = window.findChild(QAction, name)
    assert found is not None
    return found


def press(window: MainWindow, qtbot: QtBot, key: Qt.Key, modifier: Qt.KeyboardModifier = CTRL) -> None:
    activate(window, qtbot)
    qtbot.keyClick(window, key, modifier)


def activate(window: MainWindow, qtbot: QtBot) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)


def drop(window: MainWindow, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    window.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier))


def choose(window: MainWindow, qtbot: QtBot, name: str, path: Path) -> None:
    """In the dialog that is open."""
    qtbot.waitUntil(lambda: window.findChild(QFileDialog, name) is not None)
    dialog = window.findChild(QFileDialog, name)
    assert dialog is not None
    dialog.selectFile(str(path))
    box = dialog.findChild(QDialogButtonBox)
    assert box is not None
    kinds = QDialogButtonBox.StandardButton
    button = box.button(kinds.Open) or box.button(kinds.Save)
    qtbot.mouseClick(button, LEFT)


def test_a_song_is_chosen_in_a_dialog_and_plays(window: MainWindow, qtbot: QtBot, song: Path) -> None:
    press(window, qtbot, Qt.Key.Key_O)
    choose(window, qtbot, "open_song_dialog", song)
    qtbot.waitUntil(lambda: "a song" in window.session.status.device, timeout=LONG_MS)
    assert window.session.settings.input == str(song)
    assert window.windowTitle() == "a song.wav – advsep"
    assert window.findChild(Picker, "input").currentText() == "a song.wav"
    qtbot.waitUntil(lambda: window.session.status.length_s == pytest.approx(20.0))


def test_the_status_bar_says_what_the_engine_says(window: MainWindow, qtbot: QtBot) -> None:
    latency, state = window.findChild(QLabel, "status_latency"), window.findChild(QLabel, "status_state")
    qtbot.waitUntil(lambda: state.text().startswith("playing: "), timeout=LONG_MS)
    status = window.session.status
    latency_ms = 1e3 * status.latency_samples / status.rate_hz
    assert latency.text() == f"Latency {latency_ms:.1f} ms · {status.latency_samples} samples"
    assert f"window: {1e3 * status.latency_parts['window'] / status.rate_hz:.2f} ms" in latency.toolTip()
    assert window.findChild(QLabel, "status_load").text() != "Load –"


def test_space_pauses_but_presses_a_button_that_has_the_focus(window: MainWindow, qtbot: QtBot) -> None:
    session = window.session
    activate(window, qtbot)
    window.log.setFocus()
    qtbot.keyClick(window.log, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: session.status.paused)
    qtbot.keyClick(window.log, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not session.status.paused)
    button = window.findChild(QToolButton, "bypass_button")
    button.setFocus()
    qtbot.keyClick(button, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: session.status.bypassed)
    assert not session.settings.paused
    press(window, qtbot, Qt.Key.Key_B)
    qtbot.waitUntil(lambda: not session.status.bypassed)
    assert not button.isChecked()


def test_freeze_stops_the_pictures(window: MainWindow, qtbot: QtBot) -> None:
    press(window, qtbot, Qt.Key.Key_F)
    assert window.spectrograms.frozen
    window.spectrograms.set_frozen(False)
    qtbot.waitUntil(lambda: not action(window, "freeze").isChecked())


def test_record_writes_files(window: MainWindow, qtbot: QtBot, music: Path) -> None:
    button = window.findChild(QToolButton, "record_button")
    qtbot.mouseClick(button, LEFT)
    qtbot.waitUntil(lambda: button.text().startswith("Recording 0:0"))
    assert button.isChecked()
    qtbot.waitUntil(lambda: window.session.recording.seconds > 0.2, timeout=LONG_MS)
    qtbot.mouseClick(button, LEFT)
    assert not button.isChecked()
    assert button.text() == "Record stems"
    assert soundfile.info(music / "take" / "vocals.wav").frames > 0.2 * 44100
    assert soundfile.info(music / "take" / "accompaniment.wav").frames > 0.2 * 44100


def test_a_preset_is_one_step_and_can_be_undone(window: MainWindow, qtbot: QtBot) -> None:
    session, before = window.session, window.session.rack
    picker = window.findChild(QComboBox, "preset")
    picker.setFocus()
    while picker.currentText() != "karaoke":
        qtbot.keyClick(picker, Qt.Key.Key_Down)
    assert session.rack == find_preset("karaoke").rack
    qtbot.waitUntil(lambda: "vocals" in session.status.muted, timeout=LONG_MS)
    assert action(window, "undo").text() == "Undo preset karaoke"
    while session.rack != before:
        press(window, qtbot, Qt.Key.Key_Z)
    assert picker.currentText() == "Own rack"
    qtbot.waitUntil(lambda: "vocals" not in session.status.muted, timeout=LONG_MS)
    press(window, qtbot, Qt.Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
    assert session.rack != before
    press(window, qtbot, Qt.Key.Key_Z)


def test_the_rack_is_saved_and_dropped_again(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    session = window.session
    quieter = session.rack.with_levels(muted=frozenset({"accompaniment"}))
    session.edit_rack(quieter, "mute")
    press(window, qtbot, Qt.Key.Key_S)
    choose(window, qtbot, "save_preset_dialog", tmp_path / "mine.toml")
    assert read_preset(tmp_path / "mine.toml").rack == quieter
    session.undo_stack.undo()
    drop(window, tmp_path / "mine.toml")
    assert session.rack == quieter
    assert session.undo_stack.undoText() == "preset mine"
    session.undo_stack.undo()


def test_a_model_that_is_dropped_plays(window: MainWindow, qtbot: QtBot, bundled_model: Path, tmp_path: Path) -> None:
    model, process_id = tmp_path / "mine.onnx", window.session.process_id
    shutil.copy(bundled_model, model)
    drop(window, model)
    qtbot.waitUntil(lambda: any("mine.onnx" in words for _, _, words in window.log.lines), timeout=LONG_MS)
    qtbot.waitUntil(lambda: window.findChild(Picker, "model").currentText() == "mine.onnx")
    assert window.session.process_id == process_id


def test_critics_beside_a_model_are_found(
    quiet: Session, window: MainWindow, bundled_model: Path, tmp_path: Path
) -> None:
    loaded: list[Path | None] = []
    opener = Opener(quiet, loaded.append, window)
    model, critics = tmp_path / "mine.onnx", tmp_path / "mine.critics.onnx"
    shutil.copy(bundled_model, model)
    opener.load_critics_of(str(model))
    critics.write_bytes(b"")
    opener.load_critics_of(str(model))
    assert loaded == [None, critics]
    assert critics_beside("no-such-model") is None
    assert meaning_of(critics) == "critics"


def test_what_cannot_be_dropped_is_said_and_dismissed(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    for paths, part in (
        ([tmp_path / "a.wav", tmp_path / "b.wav"], "expected one file, 2 were dropped"),
        ([tmp_path / "letter.docx"], "found '.docx'"),
        ([tmp_path], "found a folder"),
    ):
        drop(window, *paths)
        assert part in window.message.words
        assert window.message.words.startswith("Attention: ")
        assert part in window.log.lines[-1][2]
    qtbot.mouseClick(window.findChild(QPushButton, "dismiss_message"), LEFT)
    assert window.message.words == ""
    drop(window, tmp_path / "gone.wav")
    qtbot.waitUntil(
        lambda: window.message.words.startswith("Error: ") and "gone.wav" in window.message.words, timeout=LONG_MS
    )
    press(window, qtbot, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier)
    assert window.message.words == ""


def test_what_the_window_was_like_is_remembered(
    window: MainWindow, tmp_path: Path, quiet: Session, qtbot: QtBot
) -> None:
    path = tmp_path / "window.ini"
    first = MainWindow(quiet, Remembered(path))
    action(first, "log").trigger()
    first.show()
    first.close()
    again = Remembered(path)
    assert (again.text("input"), again.text("output"), again.theme()) == ("demo", "null", "dark")
    second = MainWindow(quiet, again)
    second.show()
    assert not second.log.isVisible()
    assert second.mixer.isVisible()
    second.close()
    path.write_bytes(b"\x00[broken")
    assert Remembered(path).text("input", "mic") == "mic"


def test_it_is_closed_while_it_plays_and_nothing_is_left(window: MainWindow, qtbot: QtBot, music: Path) -> None:
    session, process_id = window.session, window.session.process_id
    assert process_id is not None
    session.start_recording(None)
    qtbot.waitUntil(lambda: session.recording is not None and session.recording.seconds > 0.1, timeout=LONG_MS)
    press(window, qtbot, Qt.Key.Key_Q)
    assert not window.isVisible()
    qtbot.waitUntil(lambda: not is_running(process_id), timeout=5000)
    assert soundfile.info(music / "take" / "vocals.wav").frames > 0
