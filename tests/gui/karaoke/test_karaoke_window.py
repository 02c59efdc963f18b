"""An evening in the window: three songs found, queued, sung and kept with the keyboard alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from advsep.gui.main_window import MainWindow
from advsep.gui.session import Session
from advsep.gui.settings import Remembered
from advsep.realtime.demo.song import demo_song
from advsep.realtime.engine_settings import EngineSettings
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

pytestmark = pytest.mark.live

LONG_MS = 90_000
Key, Mod = Qt.Key, Qt.KeyboardModifier
NOTES = """#TITLE:Alpha
#ARTIST:The Testers
#BPM:300
#GAP:300
: 0 10 5 One
: 12 10 7  two
- 24
: 26 10 9 three
E
"""
WORDS = "[ti:Beta]\n[00:00.30]first\n[00:01.50]second\n"


@pytest.fixture
def folder(home: Path) -> Path:
    """Alpha has words with notes, Beta words, Gamma none; no two sound the same."""
    song = demo_song(44100, 4.0).mixture
    made = home / "songs"
    made.mkdir()
    for number, name in enumerate(("alpha", "beta", "gamma")):
        soundfile.write(made / f"{name}.flac", song * (1 - 0.1 * number), 44100)
    (made / "alpha.txt").write_text(NOTES)
    (made / "beta.lrc").write_text(WORDS)
    return made


@pytest.fixture
def window(qtbot: QtBot, home: Path) -> Iterator[MainWindow]:
    made = MainWindow(Session(EngineSettings(input="null", output="null")), Remembered(None))
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    yield made
    made.close()


def test_an_evening_of_three_songs_with_the_keyboard_only(
    window: MainWindow, qtbot: QtBot, folder: Path, home: Path
) -> None:
    page, session = window.karaoke.page, window.session

    def press(key: Qt.Key, modifier: Qt.KeyboardModifier = Mod.NoModifier) -> None:
        qtbot.keyClick(QApplication.focusWidget() or window, key, modifier)

    def plays() -> bool:
        return session.status.state == "playing" and not session.status.paused

    def is_sung(name: str) -> bool:
        song = page.mode.song
        return song is not None and song.path.stem == name and session.status.position_s > 0.4 and plays()

    press(Key.Key_F2)
    assert window.karaoke.is_on
    assert page.library is not None
    assert page.queue is not None
    assert page.takes is not None
    page.library.scan_line.add_folder(folder)  # a dialog of the system's asks for it
    qtbot.waitUntil(lambda: len(page.library.table.rows) == 3, timeout=LONG_MS)

    # Found by the first letters, queued and sung.
    for name in ("beta", "gamma"):
        page.library.search.setFocus()
        page.library.search.clear()
        qtbot.keyClicks(page.library.search, name)
        press(Key.Key_Return, Mod.ControlModifier)
    assert [entry.path.stem for entry in page._evening.queue] == ["beta", "gamma"]
    page.library.search.clear()
    qtbot.keyClicks(page.library.search, "test alp")
    press(Key.Key_Return)
    qtbot.waitUntil(lambda: is_sung("alpha"), timeout=LONG_MS)
    assert QApplication.focusWidget() is page.stage.words
    assert page.stage.words.lyrics.lines[0].text == "One two"
    assert page.stage.pitch.tracks.notes[0].pitch_midi == 65
    assert session.status.latency_parts["hop and block"] == 128
    assert session.status.muted == ("vocals",)

    press(Key.Key_R)
    press(Key.Key_G)
    press(Key.Key_Up, Mod.ControlModifier)
    press(Key.Key_BracketRight)
    qtbot.waitUntil(lambda: session.status.key_semitones == 1 and not session.status.muted, timeout=LONG_MS)
    assert session.status.gains_db["vocals"] == 0
    assert page.mode.recording
    qtbot.waitUntil(lambda: session.status.paused, timeout=LONG_MS)  # at its end
    qtbot.waitUntil(lambda: len(page.takes.table.rows) == 1, timeout=LONG_MS)
    details = json.loads(next((home / "music").rglob("take.json")).read_text())
    assert (details["song"], details["key_semitones"], details["score"]) == ("Alpha", 0.0, 0.0)
    assert page._library.search("alpha")[0].times_sung == 1

    press(Key.Key_N)
    qtbot.waitUntil(lambda: is_sung("beta"), timeout=LONG_MS)
    assert page.stage.words.lyrics.timing == "line"
    assert session.status.key_semitones == 0
    press(Key.Key_Space)
    qtbot.waitUntil(lambda: session.status.paused, timeout=LONG_MS)
    press(Key.Key_Space)
    press(Key.Key_T)
    assert page.tv.isVisible()
    window.activateWindow()
    press(Key.Key_N)
    qtbot.waitUntil(lambda: is_sung("gamma"), timeout=LONG_MS)
    assert page.stage.words.lyrics is None
    assert "gamma.lrc" in page.stage.words.words
    assert page.tv.words.words == page.stage.words.words
    assert not page._evening.queue
    assert [sung.entry.path.stem for sung in page._evening.history] == ["alpha", "beta"]

    # Back to what was there before; nothing of it is left.
    press(Key.Key_F2)
    assert not window.karaoke.is_on
    assert not page.tv.isVisible()
    assert page.mode.song is None
    qtbot.waitUntil(lambda: session.settings.backing is None, timeout=LONG_MS)
    assert not session.rack.strips


def test_a_song_that_cannot_be_used_is_told_in_words(window: MainWindow, qtbot: QtBot, home: Path) -> None:
    broken = home / "broken.mp3"
    broken.write_bytes(b"no sound")
    window.karaoke.sing(broken)
    qtbot.waitUntil(lambda: "broken.mp3" in window.message.words, timeout=LONG_MS)
    assert "libsndfile cannot read" in window.message.words
    assert window.karaoke.page.mode.song is None
