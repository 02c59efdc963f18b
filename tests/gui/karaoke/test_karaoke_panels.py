"""Songs, queue and takes: found, sung and kept with the keyboard alone, and said to whoever does not see them."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from advsep.gui import theme
from advsep.gui.karaoke import announcing
from advsep.gui.karaoke.library_panel import LIMIT, LibraryPanel
from advsep.gui.karaoke.queue_panel import QueuePanel
from advsep.gui.karaoke.rows_table import RowsTable, keys
from advsep.gui.karaoke.take_panel import TakePanel
from advsep.realtime.karaoke.evening import Evening
from advsep.realtime.karaoke.evening_file import Entry
from advsep.realtime.karaoke.library import Library
from advsep.realtime.karaoke.library_song import Read, Song, Stamp
from advsep.realtime.karaoke.take_details import TakeDetails, read_details, write_details
from advsep.realtime.karaoke.take_ending import partial_path
from advsep.realtime.karaoke.take_wav import GrowingWav, Shape
from advsep.realtime.karaoke.takes import Takes
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QColor, QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

ALT, CONTROL = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier
Key = Qt.Key
SILENCE = np.zeros((800, 2), np.float32)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    made = Library(tmp_path / "state" / "library.sqlite")
    yield made
    made.close()


@pytest.fixture
def songs(qtbot: QtBot, library: Library) -> Iterator[LibraryPanel]:
    """Three songs."""
    library.store(
        [
            made_up("Halo", "Beyoncé", has_words=True),
            made_up("Flickr", "Jonathan Coulton", has_words=True),
            made_up("Northern Star", "Steven Dunston"),
        ]
    )
    yield from shown(qtbot, LibraryPanel(library))


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    return Evening(tmp_path / "state" / "evening.json")


@pytest.fixture
def queue(qtbot: QtBot, evening: Evening) -> Iterator[QueuePanel]:
    yield from shown(qtbot, QueuePanel(evening))


@pytest.fixture
def takes(tmp_path: Path) -> Takes:
    return Takes(tmp_path / "takes")


@pytest.fixture
def sung(qtbot: QtBot, takes: Takes) -> Iterator[TakePanel]:
    """Two takes."""
    made_take(takes, "Flickr", started="2026-11-23T20:15:00+00:00", singer="Ann", score=8123.4)
    made_take(takes, "Halo", started="2026-11-22T20:15:00+00:00")
    yield from shown(qtbot, TakePanel(takes))


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a screen reader is given to say."""
    heard: list[str] = []
    update = QAccessible.updateAccessibility

    def hear(event: object) -> None:
        heard.append(getattr(event, "message", str)())
        update(event)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(announcing.QAccessible, "updateAccessibility", hear)
    return heard


def shown(
    qtbot: QtBot, panel: LibraryPanel | QueuePanel | TakePanel
) -> Iterator[LibraryPanel | QueuePanel | TakePanel]:
    qtbot.addWidget(panel)
    panel.resize(640, 460)
    panel.show()
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    yield panel
    panel.close_down()


def made_up(title: str, artist: str = "", *, has_words: bool = False) -> Read:
    path = Path(f"/music/{title}.ogg")
    return Read(Song(path=path, title=title, artist=artist, length_s=187.0, has_words=has_words), Stamp(1, 1))


def made_take(takes: Takes, name: str, **known: object) -> Path:
    folder = takes.folder / name
    folder.mkdir(parents=True)
    values = {
        "name": name, "song": name, "rate_hz": 8000, "state": "finished", "duration_s": 187.0,
        "tracks": ("mixdown", "microphone"), **known,
    }  # fmt: skip
    write_details(folder, TakeDetails(**values))  # pyright: ignore[reportArgumentType]
    for track in ("mixdown", "microphone"):
        soundfile.write(folder / f"{track}.wav", SILENCE, 8000, subtype="PCM_24")
    return folder


def column(table: RowsTable[object], title: str) -> list[str]:
    model = table.model()
    headings = [model.headerData(at, Qt.Orientation.Horizontal) for at in range(model.columnCount())]
    at = headings.index(title)
    return [model.index(row, at).data() for row in range(model.rowCount())]


def press(qtbot: QtBot, widget: QWidget, key: Qt.Key, modifier: Qt.KeyboardModifier | None = None) -> None:
    qtbot.keyClick(widget, key, modifier or Qt.KeyboardModifier.NoModifier)


# Songs.


def test_songs_are_found_with_each_letter_and_sung_from_the_field(songs: LibraryPanel, qtbot: QtBot) -> None:
    songs.search.setFocus()
    assert column(songs.table, "Title") == ["Halo", "Flickr", "Northern Star"]
    assert column(songs.table, "Words") == ["✓", "✓", ""]
    qtbot.keyClicks(songs.search, "beyo")
    assert column(songs.table, "Title") == ["Halo"]
    with qtbot.waitSignal(songs.chosen) as asked:
        press(qtbot, songs.search, Key.Key_Return)
    assert asked.args == [Path("/music/Halo.ogg")]
    with qtbot.waitSignal(songs.queued) as asked, qtbot.assertNotEmitted(songs.chosen):
        press(qtbot, songs.search, Key.Key_Return, CONTROL)
    assert asked.args == [Path("/music/Halo.ogg")]
    qtbot.keyClicks(songs.search, "xx")
    with qtbot.assertNotEmitted(songs.chosen):
        press(qtbot, songs.search, Key.Key_Return)


def test_the_table_sings_queues_and_marks_with_keys(
    songs: LibraryPanel, qtbot: QtBot, library: Library, said: list[str]
) -> None:
    songs.search.setFocus()
    press(qtbot, songs.search, Key.Key_Down)
    assert QApplication.focusWidget() is songs.table
    press(qtbot, songs.table, Key.Key_Down)
    with qtbot.waitSignal(songs.chosen) as asked:
        press(qtbot, songs.table, Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier)
    assert asked.args == [Path("/music/Flickr.ogg")]
    for key, modifier in ((Key.Key_Plus, None), (Key.Key_Return, CONTROL)):
        with qtbot.waitSignal(songs.queued) as asked:
            press(qtbot, songs.table, key, modifier)
        assert asked.args == [Path("/music/Flickr.ogg")]
    press(qtbot, songs.table, Key.Key_F)
    assert [song.title for song in library.search(favourites=True)] == ["Flickr"]
    assert column(songs.table, "★") == ["", "★", ""]
    assert said[-2:] == [
        "Jonathan Coulton – Flickr was put into the queue",
        "Jonathan Coulton – Flickr is now a favourite",
    ]
    press(qtbot, songs.table, Key.Key_F)
    assert library.search(favourites=True) == []
    qtbot.mouseDClick(
        songs.table.viewport(),
        Qt.MouseButton.LeftButton,
        pos=songs.table.visualRect(songs.table.model().index(2, 1)).center(),
    )
    assert songs.table.chosen is not None
    assert songs.table.chosen.title == "Northern Star"


def test_filters_and_orders(songs: LibraryPanel, qtbot: QtBot, library: Library) -> None:
    library.set_favourite(Path("/music/Northern Star.ogg"), True)
    library.count_sung(Path("/music/Flickr.ogg"))
    songs.favourites.setFocus()
    press(qtbot, songs.favourites, Key.Key_Space)
    assert column(songs.table, "Title") == ["Northern Star"]
    press(qtbot, songs.with_words, Key.Key_Space)
    assert label(songs, "library_empty") == "There is nothing among favourites and songs with words."
    press(qtbot, songs.favourites, Key.Key_Space)
    assert column(songs.table, "Title") == ["Halo", "Flickr"]
    songs.order.setFocus()
    press(qtbot, songs.order, Key.Key_Down)
    press(qtbot, songs.order, Key.Key_Down)
    assert songs.order.currentText() == "Most sung"
    assert (column(songs.table, "Title"), column(songs.table, "Sung")) == (["Flickr", "Halo"], ["1×", ""])


def test_too_many_songs_are_counted(songs: LibraryPanel, library: Library) -> None:
    library.store(made_up(f"Song {number}") for number in range(LIMIT + 50))
    songs.refresh()
    assert len(songs.table.rows) == LIMIT
    assert label(songs, "library_count") == f"The first {LIMIT} of {LIMIT + 53} songs: type more"
    songs.search.setText("song 24")
    assert label(songs, "library_count") == "11 songs"
    songs.search.setText("halo")
    assert label(songs, "library_count") == "1 song"


def test_the_result_is_said_once_when_nobody_types(songs: LibraryPanel, qtbot: QtBot, said: list[str]) -> None:
    qtbot.keyClicks(songs.search, "north")
    qtbot.waitUntil(lambda: bool(said))
    assert said == ["1 song, first Steven Dunston – Northern Star"]
    songs.search.setText("zzz")
    qtbot.waitUntil(lambda: len(said) > 1)
    assert said[1:] == ["Nothing is called “zzz”."]


def test_a_folder_is_added_looked_through_and_removed(
    qtbot: QtBot, library: Library, tmp_path: Path, said: list[str]
) -> None:
    folder = tmp_path / "songs & more"
    folder.mkdir()
    soundfile.write(folder / "Ann - One.wav", SILENCE, 8000)
    panel = LibraryPanel(library)
    noted: list[tuple[str, str]] = []
    for _ in shown(qtbot, panel):
        assert "“Add folder…” looks for songs" in label(panel, "library_empty")
        press(qtbot, panel.scan_line.add, Key.Key_Space)
        dialog = panel.window().findChild(QFileDialog, "library_folder_dialog")
        assert dialog is not None
        dialog.fileSelected.emit(str(folder))
        dialog.close()
        qtbot.waitUntil(lambda: not panel.scan_line.running)
        assert column(panel.table, "Title") == ["One"]
        assert panel.scan_line.words == "1 song; 1 file was new or changed"
        assert said[-1] == panel.scan_line.words
        panel.noted.connect(lambda level, words: noted.append((level, words)))
        panel.scan_line.add_folder(folder)
        assert "are looked for in" in noted[0][1]
        panel.scan_line._menu.aboutToShow.emit()
        again, _, remove = panel.scan_line._menu.actions()
        assert remove.text() == f"Remove {tmp_path}/songs && more"
        (folder / "Ann - One.wav").unlink()
        again.trigger()
        qtbot.waitUntil(lambda: not panel.scan_line.running)
        assert "its song is kept" in noted[-1][1]
        remove.trigger()
        assert column(panel.table, "Title") == []
        assert library.folders == []


def test_a_library_that_gives_out_is_said(songs: LibraryPanel, library: Library, qtbot: QtBot) -> None:
    other = sqlite3.connect(library.path)
    other.execute("DROP TABLE song")
    other.close()
    with qtbot.waitSignal(songs.noted) as noted:
        songs.search.setText("h")
    assert "expected the library of songs" in noted.args[1]
    assert str(library.path) in label(songs, "library_empty")


# The queue.


def test_an_evening_of_three_songs_with_keys_only(queue: QueuePanel, evening: Evening, qtbot: QtBot) -> None:
    queue.singer.setFocus()
    started: list[Entry] = []
    queue.start.connect(started.append)
    for singer, title in (("Ann", "One"), ("Bob", "Two"), ("Ann", "Three")):
        queue.singer.lineEdit().selectAll()
        qtbot.keyClicks(queue.singer, singer)
        queue.add(Path(f"/music/{title}.ogg"), title)
    assert column(queue.table, "Singer") == ["Ann", "Bob", "Ann"]
    queue.table.setFocus()
    press(qtbot, queue.table, Key.Key_Down)
    press(qtbot, queue.table, Key.Key_Down)
    press(qtbot, queue.table, Key.Key_Up, ALT)
    assert column(queue.table, "Song") == ["One", "Three", "Two"]
    assert queue.table.chosen is not None
    assert queue.table.chosen.title == "Three"
    press(qtbot, queue.table, Key.Key_Return)
    for _ in range(2):
        press(qtbot, button_of(queue, "queue_next"), Key.Key_Space)
    assert [entry.title for entry in started] == ["Three", "One", "Two"]
    with qtbot.waitSignal(queue.emptied):
        press(qtbot, button_of(queue, "queue_next"), Key.Key_Space)
    assert label(queue, "queue_now") == "Nobody is singing"
    assert [each.entry.title for each in evening.history] == ["Three", "One", "Two"]
    assert not button_of(queue, "queue_next").isEnabled()


def test_what_is_taken_out_comes_back(queue: QueuePanel, evening: Evening, qtbot: QtBot, said: list[str]) -> None:
    undone = QShortcut(QKeySequence("Ctrl+Z"), queue)  # as the window's own
    hits: list[bool] = []
    undone.activated.connect(lambda: hits.append(True))
    for title in ("One", "Two", "Three"):
        queue.add(Path(title), title)
    queue.table.setFocus()
    queue.table.selectRow(1)
    press(qtbot, queue.table, Key.Key_Delete)
    assert column(queue.table, "Song") == ["One", "Three"]
    assert said[-1] == "Two was taken out; Ctrl+Z brings it back"
    press(qtbot, queue.table, Key.Key_Z, CONTROL)
    assert (column(queue.table, "Song"), hits) == (["One", "Two", "Three"], [])
    assert queue.table.chosen is not None
    assert queue.table.chosen.title == "Two"
    assert said[-1] == "Two is back"
    press(qtbot, button_of(queue, "queue_anew"), Key.Key_Space)
    assert label(queue, "queue_empty").startswith("Nothing follows")
    press(qtbot, button_of(queue, "queue_undo"), Key.Key_Space)
    assert column(queue.table, "#") == ["1", "2", "3"]
    assert evening.queue[1].title == "Two"


def test_singers_take_turns(queue: QueuePanel, evening: Evening, qtbot: QtBot, said: list[str]) -> None:
    for singer, title in (("Ann", "a1"), ("Ann", "a2"), ("Bob", "b1")):
        queue.singer.setEditText(singer)
        queue.add(Path(title), title)
    queue.fair.setFocus()
    press(qtbot, queue.fair, Key.Key_Space)
    assert column(queue.table, "Song") == ["a1", "b1", "a2"]
    queue.table.selectRow(1)
    press(qtbot, queue.table, Key.Key_Up, ALT)
    assert said[-1] == "Singers take turns: only Bob's own songs change places"
    press(qtbot, button_of(queue, "queue_skip"), Key.Key_Space)
    assert label(queue, "queue_now") == "Now: Bob: b1"  # a1 was passed over: that was Ann's turn
    assert queue.fair.palette().button().color() == theme.colours().accent
    evening.set_fair(False)  # somebody else
    assert not queue.fair.isChecked()
    assert queue.fair.palette().button().color() == theme.colours().surface


def test_how_an_entry_is_sung_is_changed_beside_it(queue: QueuePanel, evening: Evening, qtbot: QtBot) -> None:
    queue.singer.setEditText("Ann")
    for title in ("One", "Two"):
        queue.add(Path(title), title)
    queue.table.selectRow(1)
    queue.table.setFocus()
    press(qtbot, queue.table, Key.Key_F2)
    field = queue.entry_row.singer
    assert field.hasFocus()
    field.lineEdit().selectAll()
    qtbot.keyClicks(field, "Bo  Diddley")
    press(qtbot, field, Key.Key_Tab)
    press(qtbot, queue.entry_row.key, Key.Key_Up)
    press(qtbot, queue.entry_row.key, Key.Key_Up)
    press(qtbot, queue.entry_row.tempo, Key.Key_Down)
    queue.entry_row.note.setFocus()
    qtbot.keyClicks(queue.entry_row.note, "verse 2")
    press(qtbot, queue.entry_row.note, Key.Key_Return)
    entry = evening.queue[1]
    assert (entry.singer, entry.key_semitones, entry.tempo, entry.note) == ("Bo Diddley", 2, 0.95, "verse 2")
    assert (column(queue.table, "Key"), column(queue.table, "Tempo")) == (["", "+2"], ["", "95 %"])
    assert evening.queue[0].singer == "Ann"
    assert [queue.singer.itemText(at) for at in range(queue.singer.count())] == ["Bo Diddley", "Ann"]
    evening.change(entry.number, key_semitones=-3)  # somebody else
    assert (column(queue.table, "Key"), queue.entry_row.key.value()) == (["", "−3"], -3)


def test_a_song_is_sung_at_once_and_a_crash_forgets_nothing(queue: QueuePanel, evening: Evening, qtbot: QtBot) -> None:
    queue.add(Path("/music/One.ogg"), "One")
    with qtbot.waitSignal(queue.start) as started:
        queue.sing_now(Path("/music/Two.ogg"), "Two")
    assert started.args[0].title == "Two"
    again = QueuePanel(Evening(evening._path))
    qtbot.addWidget(again)
    assert label(again, "queue_now") == "Now: Two"
    assert column(again.table, "Song") == ["One"]
    again.close_down()


def test_a_damaged_queue_is_said(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "evening.json").write_text("{")
    panel = QueuePanel(Evening(tmp_path / "evening.json"))
    qtbot.addWidget(panel)
    with qtbot.waitSignal(panel.noted) as noted:
        panel.show()
    assert "put aside" in noted.args[1]
    panel.close_down()


# Takes.


def test_takes_are_listed_and_played(sung: TakePanel, qtbot: QtBot, takes: Takes) -> None:
    assert column(sung.table, "Take") == ["Flickr", "Halo"]
    assert column(sung.table, "Length") == ["3:07", "3:07"]
    assert column(sung.table, "Score") == ["8123", ""]
    sung.table.setFocus()
    with qtbot.waitSignal(sung.play) as asked:
        press(qtbot, sung.table, Key.Key_Return)
    assert asked.args == [takes.folder / "Flickr" / "mixdown.wav"]
    sung.track.setFocus()
    press(qtbot, sung.track, Key.Key_Down)
    sung.table.selectRow(1)
    with qtbot.waitSignal(sung.play) as asked:
        press(qtbot, button_of(sung, "take_play"), Key.Key_Space)
    assert asked.args == [takes.folder / "Halo" / "microphone.wav"]


def test_a_take_is_renamed_in_its_place(sung: TakePanel, qtbot: QtBot, takes: Takes) -> None:
    sung.table.setFocus()
    for typed, name in (("my best ", "my best"), ("   ", "my best")):
        press(qtbot, sung.table, Key.Key_F2)
        field = sung.table.findChild(QLineEdit)
        assert field is not None
        field.selectAll()
        qtbot.keyClicks(field, typed)
        press(qtbot, field, Key.Key_Return)
        qtbot.waitUntil(lambda: sung.table.findChild(QLineEdit) is None)
        assert column(sung.table, "Take") == [name, "Halo"]
    assert read_details(takes.folder / "Flickr").name == "my best"
    assert "expected a name for the take" in label(sung, "take_words")


def test_a_take_is_exported_aside(sung: TakePanel, qtbot: QtBot, tmp_path: Path) -> None:
    sung.table.setFocus()
    press(qtbot, sung.table, Key.Key_E)
    dialog = sung.window().findChild(QFileDialog, "take_export_dialog")
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path / "out.flac"))
    dialog.close()
    qtbot.waitUntil(lambda: "out.flac is written" in label(sung, "take_words"))
    assert soundfile.info(tmp_path / "out.flac").frames == len(SILENCE)
    take = sung.table.rows[0]
    sung.export(take, tmp_path / "out.doc", "mixdown")
    qtbot.waitUntil(lambda: "ends in .wav" in label(sung, "take_words"))


def test_a_take_goes_to_the_trash(
    sung: TakePanel, qtbot: QtBot, takes: Takes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    if sys.platform != "linux":
        pytest.skip("another system's own trash")
    from send2trash import plat_other

    trash = tmp_path / "Trash"
    monkeypatch.setattr(plat_other, "HOMETRASH_B", os.fsencode(trash))
    monkeypatch.setattr(plat_other, "HOMETRASH", str(trash))
    sung.table.setFocus()
    press(qtbot, sung.table, Key.Key_Delete)
    assert column(sung.table, "Take") == ["Halo"]
    assert (trash / "files" / "Flickr" / "mixdown.wav").is_file()
    assert said[-1] == "Flickr is in the trash, from which it can be had back"
    assert [take.name for take in takes.list()] == ["Halo"]


CHILD = """
import sys, time
from pathlib import Path
import numpy as np
from advsep.realtime.karaoke.take_details import TakeDetails, write_details
from advsep.realtime.karaoke.take_ending import partial_path
from advsep.realtime.karaoke.take_wav import GrowingWav, Shape
folder = Path(sys.argv[1])
folder.mkdir(parents=True)
details = TakeDetails(name="Cut off", song="x", rate_hz=8000, started="2026-11-23T21:40:00+00:00", tracks=("mixdown",))
write_details(folder, details)
file = GrowingWav(partial_path(folder, "mixdown"), Shape(8000, 2, False))
file.write(np.full((4000, 2), 0.25, np.float32))
print("written", flush=True)
time.sleep(60)
"""


def test_a_take_that_was_killed_is_offered_and_kept(qtbot: QtBot, takes: Takes, said: list[str]) -> None:
    folder = takes.folder / "cut"
    with subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "written\n"
        child.send_signal(signal.SIGKILL)
    panel = TakePanel(takes)
    for _ in shown(qtbot, panel):
        assert panel.unfinished.words.startswith("1 take was not finished: Cut off, begun 2026-11-23")
        assert said[0] == panel.unfinished.words
        press(qtbot, button_of(panel, "take_keep"), Key.Key_Space)
        qtbot.waitUntil(lambda: column(panel.table, "State") == ["recovered"])
        assert panel.unfinished.words == ""
        sound, _ = soundfile.read(folder / "mixdown.wav")
        assert (sound.shape, sound.min(), sound.max()) == ((4000, 2), 0.25, 0.25)
        assert panel.table.chosen is not None
        assert panel.table.chosen.folder == folder


def test_an_unfinished_take_can_wait(qtbot: QtBot, takes: Takes) -> None:
    for name in ("one", "two"):
        folder = takes.folder / name
        folder.mkdir(parents=True)
        write_details(folder, TakeDetails(name=name, song="x", rate_hz=8000, tracks=("mixdown",)))
        GrowingWav(partial_path(folder, "mixdown"), Shape(8000, 2, False)).close()
    panel = TakePanel(takes)
    for _ in shown(qtbot, panel):
        assert panel.unfinished.words.startswith("2 takes were not finished: ")
        press(qtbot, button_of(panel, "take_later"), Key.Key_Space)
        assert panel.unfinished.words.startswith("1 take was not finished: ")
        press(qtbot, button_of(panel, "take_later"), Key.Key_Space)
        assert panel.unfinished.words == ""
        panel.refresh()
        assert panel.unfinished.words == ""
        assert len(takes.unfinished()) == 2


def test_a_damaged_take_says_what_is_wrong(qtbot: QtBot, takes: Takes) -> None:
    (made_take(takes, "no sound") / "mixdown.wav").unlink()
    (takes.folder / "no sound" / "microphone.wav").unlink()
    (made_take(takes, "no details") / "take.json").write_text("{")
    panel = TakePanel(takes)
    for _ in shown(qtbot, panel):
        assert sorted(column(panel.table, "State")) == ["damaged", "damaged"]
        panel.table.selectRow(column(panel.table, "Take").index("no sound"))
        assert "expected mixdown, microphone, found none" in label(panel, "take_words")
        with qtbot.assertNotEmitted(panel.play):
            press(qtbot, panel.table, Key.Key_Return)
        panel.table.selectRow(column(panel.table, "Take").index("no details"))
        with qtbot.waitSignal(panel.play):  # its sound is there
            press(qtbot, panel.table, Key.Key_Return)
        assert not button_of(panel, "take_rename").isEnabled()


def test_a_folder_of_takes_that_cannot_be_read_is_said(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    panel = TakePanel(Takes(tmp_path / "file"))
    for _ in shown(qtbot, panel):
        assert "expected the folder of takes" in label(panel, "take_empty")


# For everybody.


@pytest.fixture(params=["songs", "queue", "sung"])
def panel(request: pytest.FixtureRequest) -> QWidget:
    made: LibraryPanel | QueuePanel | TakePanel = request.getfixturevalue(request.param)
    if isinstance(made, QueuePanel):
        made.singer.setEditText("Ann")
        made.add(Path("One"), "One")
        made.add(Path("Two"), "Two")
        made.table.selectRow(1)
    return made


def controls(panel: QWidget) -> list[QWidget]:
    kinds = QAbstractButton | QAbstractItemView | QAbstractSpinBox | QComboBox | QLineEdit
    found = [widget for widget in panel.findChildren(QWidget) if isinstance(widget, kinds)]
    inside = QComboBox | QAbstractSpinBox | QLineEdit | QAbstractItemView
    return [
        widget
        for widget in found
        if widget.isVisible()
        and not isinstance(widget.parentWidget(), inside)
        and not widget.objectName().startswith("qt_")
    ]


def test_every_control_has_names_a_role_and_a_tip(panel: QWidget) -> None:
    found = controls(panel)
    assert len(found) >= 6
    for widget in found:
        interface = QAccessible.queryAccessibleInterface(widget)
        assert interface.text(QAccessible.Text.Name).strip(), widget.objectName()
        assert interface.role() not in (QAccessible.Role.NoRole, QAccessible.Role.Client), widget.objectName()
        assert widget.toolTip(), widget.objectName()
        assert widget.objectName(), widget
    names = [(type(widget).__name__, widget.accessibleName()) for widget in found]
    assert len(set(names)) == len(names)


def test_every_control_is_reached_by_tab(panel: QWidget, qtbot: QtBot) -> None:
    wanted = [widget for widget in controls(panel) if widget.isEnabled()]
    wanted[0].setFocus()
    reached: set[QWidget] = set()
    for _ in range(60):
        focused = QApplication.focusWidget()
        assert focused is not None
        if focused in reached:
            break
        reached.add(focused)
        qtbot.keyClick(focused, Key.Key_Tab)
    missed = [widget.objectName() for widget in wanted if not {widget, widget.focusProxy()} & reached]
    assert missed == []


@pytest.mark.parametrize("kind", theme.KINDS)
def test_everything_can_be_read_in_both_themes(panel: QWidget, kind: theme.Kind) -> None:
    theme.apply_theme(kind)
    try:
        for toggle in panel.findChildren(QAbstractButton):
            if toggle.isCheckable():
                toggle.setChecked(True)
                ground = toggle.grab().toImage().pixelColor(4, toggle.height() // 2)  # as the style has it
                assert contrast(toggle.palette().buttonText().color(), ground) >= 4.5
                assert contrast(ground, theme.colours().background) >= 3.0
                toggle.setChecked(False)
        faint = {
            each.objectName(): each.text()
            for each in panel.findChildren(QLabel)
            if each.isVisible() and each.isEnabled() and each.text()
            and contrast(each.palette().color(each.foregroundRole()), each.palette().color(each.backgroundRole())) < 4.5
        }  # fmt: skip
        assert faint == {}
    finally:
        theme.apply_theme("dark")


def test_rows_grow_with_the_font(panel: QWidget) -> None:
    table = panel.findChild(RowsTable)
    assert table is not None
    before_px = table.verticalHeader().defaultSectionSize()
    font = table.font()
    font.setPointSizeF(2 * font.pointSizeF())
    table.setFont(font)
    assert table.verticalHeader().defaultSectionSize() > 1.5 * before_px


def test_signs_are_spoken_as_words(songs: LibraryPanel) -> None:
    model = songs.table.model()
    spoken = [model.index(0, at).data(Qt.ItemDataRole.AccessibleTextRole) for at in range(model.columnCount())]
    assert spoken == ["", "Halo", "Beyoncé", "3:07", "has words", ""]
    table = QAccessible.queryAccessibleInterface(songs.table)
    assert table.role() == QAccessible.Role.Table
    cells = [table.child(at).text(QAccessible.Text.Name) for at in range(table.childCount())]
    assert cells[1:7] == ["Favourite", "Title", "Artist", "Length", "Words", "Sung"]
    assert [cells.count(words) for words in ("has words", "no words")] == [2, 1]


def test_keys_are_parsed_as_they_are_written() -> None:
    assert keys(up="Alt+Up", open="Return Enter") == {
        Qt.Key.Key_Up.value | ALT.value: "up", Qt.Key.Key_Return.value: "open", Qt.Key.Key_Enter.value: "open",
    }  # fmt: skip


def contrast(one: QColor, other: QColor) -> float:
    """WCAG 2.1."""

    def luminance(colour: QColor) -> float:
        channels = (colour.redF(), colour.greenF(), colour.blueF())
        linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def label(panel: QWidget, name: str) -> str:
    found = panel.findChild(QLabel, name)
    assert found is not None
    return found.text()


def button_of(panel: QWidget, name: str) -> QAbstractButton:
    found = panel.findChild(QAbstractButton, name)
    assert found is not None
    QTest.qWait(0)
    return found
