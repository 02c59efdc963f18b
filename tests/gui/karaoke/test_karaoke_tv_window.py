"""The TV's window: it shows what the main window shows, goes and comes by keys, and keeps a real desktop awake."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from advsep.gui.karaoke.pitch_view import PitchView
from advsep.gui.karaoke.screen_awake import CANNOT, ScreenAwake
from advsep.gui.karaoke.tv_window import TvWindow
from advsep.gui.karaoke.words_view import WordsView
from advsep.realtime.karaoke.lyrics import Line, Lyrics, Syllable
from advsep.realtime.karaoke.pitch_trace import PitchTrace
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

SONG = Lyrics(
    lines=(Line((Syllable(text="sing ", start_s=5, end_s=6, pitch_midi=60),)),), timing="note", title="A song"
)

SERVICE = """
from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtDBus import QDBusConnection, QDBusVirtualObject

application = QCoreApplication([])
bus = QDBusConnection.sessionBus()
callers = []

def look():  # asked again and again: a watcher may begin to listen after the caller has gone
    if callers and not bus.interface().isServiceRegistered(callers[0]).value():
        print("gone", flush=True)
        callers.clear()

timer = QTimer()
timer.timeout.connect(look)
timer.start(20)

class Desktop(QDBusVirtualObject):
    def introspect(self, path):
        return ""
    def handleMessage(self, message, connection):
        print(message.member(), *message.arguments(), flush=True)
        connection.send(message.createReply([7]))
        callers.append(message.service())
        return True

desktop = Desktop()
assert bus.registerVirtualObject("/org/freedesktop/ScreenSaver", desktop)
assert bus.registerService("org.freedesktop.ScreenSaver")
print("ready", flush=True)
application.exec()
"""
CLIENT = """
from PySide6.QtCore import QCoreApplication
from advsep.gui.karaoke.screen_awake import ScreenAwake

application = QCoreApplication([])
awake = ScreenAwake()
print(repr(awake.hold()), awake.is_held, flush=True)
input()
awake.release()
print(awake.is_held, flush=True)
input()
"""


@pytest.fixture
def views(qtbot: QtBot) -> tuple[WordsView, PitchView, TvWindow]:
    words, pitch = WordsView(), PitchView()
    words.set_lyrics(SONG)
    words.set_offset(0.25)
    made = TvWindow(words, pitch)
    for widget in (words, pitch, made):
        qtbot.addWidget(widget)
    made.resize(640, 360)
    made.show()
    return words, pitch, made


def test_it_shows_what_the_main_window_shows(views: tuple[WordsView, PitchView, TvWindow]) -> None:
    words, pitch, tv = views
    assert tv.words.lyrics is SONG
    assert tv.words.offset_s == 0.25
    words.move_words(0.05)
    words.resize_words(20)
    assert tv.words.offset_s == pytest.approx(0.3)
    assert tv.words.percent == 120
    words.set_offset(-1.0)  # with another song
    words.set_position(5.5, False)
    assert tv.words.offset_s == -1.0
    assert tv.words._drawn_s == 6.5
    pitch.set_notes(SONG)
    pitch.set_position(6.0, False)
    before = tv.pitch.grab().toImage()
    pitch.add_sung(PitchTrace(np.arange(5, 6, 0.01), np.full(100, 60, np.float32), np.ones(100, np.float32)))
    assert tv.pitch.grab().toImage() != before
    assert tv.pitch.scale.now_s == 6.0
    pitch.show_total("9000")
    pitch.flash_line("Good", 0.9)
    assert (tv.pitch.total, tv.pitch.flash) == ("9000", "Good")
    words.set_lyrics(None, "nothing here")
    assert tv.words.words == "nothing here"
    tv.show_pitch(False)
    assert tv.pitch.isHidden()


def test_keys_fill_the_screen_and_leave(views: tuple[WordsView, PitchView, TvWindow], qtbot: QtBot) -> None:
    _, _, tv = views
    closed = list[bool]()
    tv.closed.connect(lambda: closed.append(True))
    assert tv.windowFlags() & Qt.WindowType.FramelessWindowHint
    assert not tv.testAttribute(Qt.WidgetAttribute.WA_QuitOnClose)
    qtbot.keyClick(tv, Qt.Key.Key_F11)
    assert tv.isFullScreen()
    qtbot.keyClick(tv, Qt.Key.Key_Escape)
    assert not tv.isFullScreen()
    assert tv.isVisible()
    qtbot.mouseDClick(tv, Qt.MouseButton.LeftButton)
    assert tv.isFullScreen()
    tv.move_to(QGuiApplication.primaryScreen())
    assert tv.isFullScreen()
    tv.toggle_full()
    qtbot.keyClick(tv, Qt.Key.Key_Escape)
    assert not tv.isVisible()
    assert closed == [True]


def test_the_menu_names_every_screen(views: tuple[WordsView, PitchView, TvWindow]) -> None:
    _, _, tv = views
    menu = tv.screens_menu()
    assert len(menu.actions()) == len(QGuiApplication.screens())
    assert menu.actions()[0].isChecked()
    tv.resize(5000, 4000)
    menu.actions()[0].trigger()
    area = QGuiApplication.primaryScreen().availableGeometry()
    assert tv.width() <= area.width()
    assert tv.height() <= area.height()


@pytest.fixture
def bus(tmp_path: Path) -> Generator[dict[str, str]]:
    """A session bus of one's own."""
    if shutil.which("dbus-daemon") is None or sys.platform in ("win32", "darwin"):
        pytest.skip("needs dbus-daemon")
    pytest.importorskip("PySide6.QtDBus")
    address = f"unix:path={tmp_path}/bus"
    command = ["dbus-daemon", "--session", "--nofork", "--address", address, "--print-address"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline()
        try:
            yield {**os.environ, "DBUS_SESSION_BUS_ADDRESS": address}
        finally:
            daemon.kill()


def test_a_desktop_keeps_the_screen_on_until_it_is_let_go(bus: dict[str, str]) -> None:
    @contextmanager
    def start(program: str) -> Generator[subprocess.Popen[str]]:
        command = [sys.executable, "-c", program]
        with subprocess.Popen(command, env=bus, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
            try:
                yield started
            finally:
                started.kill()

    with start(SERVICE) as desktop:
        assert desktop.stdout is not None
        assert desktop.stdout.readline() == "ready\n"
        with start(CLIENT) as client:
            assert client.stdin is not None
            assert client.stdout is not None
            assert client.stdout.readline() == "'' True\n"
            assert desktop.stdout.readline() == "Inhibit advsep karaoke on the screen\n"
            client.stdin.write("\n")
            client.stdin.flush()
            assert client.stdout.readline() == "False\n"
            assert desktop.stdout.readline() == "gone\n"
            client.communicate("\n", timeout=20)


def test_without_a_desktop_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/nobody")
    awake = ScreenAwake()
    assert awake.hold() == CANNOT
    assert not awake.is_held
    awake.release()
