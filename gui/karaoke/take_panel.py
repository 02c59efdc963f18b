"""What was sung: takes to be heard again, named, exported and thrown away; unfinished ones are offered first."""

from __future__ import annotations

import contextlib
from datetime import datetime
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from ...realtime.errors import AdvsepError
from ...realtime.karaoke.library_text import readable
from ...realtime.karaoke.takes import TakeInfo, Takes
from ...realtime.page import clock
from ..parameter_row import muted_label
from .announcing import announce
from .panel_parts import LOW_PX, Aside, button, in_a_row
from .rows_table import Column, RowsTable, keys
from .take_unfinished import UnfinishedBar

EXPORT_FILTER = "Sound files (*.wav *.flac *.ogg *.opus *.mp3)"
_NAME_COLUMN = 0
_NOT_IN_NAMES = '/\\:*?"<>|'
_KEYS = keys(open="Return Enter", rename="F2", export="E", remove="Del Backspace")


class TakePanel(QWidget):
    """A table of takes and its buttons.

    Args:
        takes: in their folder.

    Attributes:
        play: a take's sound file is to be heard.
        noted: level and words of what happened.
        table: the newest first.
        track: which of a take's files is played and exported.
        unfinished: takes whose program died.
    """

    play = Signal(Path)
    noted = Signal(str, str)

    def __init__(self, takes: Takes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("take_panel")
        self.setAccessibleName("Takes")
        self._takes = takes
        self._exported = ""
        self._aside = Aside(self)
        self.unfinished = UnfinishedBar()
        self.table = RowsTable[TakeInfo](
            "take_table", "Takes", "Enter: play; F2: rename; E: export; Delete: to the trash",
            self._columns(), lambda take: take.folder, _KEYS,
        )  # fmt: skip
        self._empty = muted_label("", self)
        self._empty.setObjectName("take_empty")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self._empty)
        self._words = muted_label("", self)
        self._words.setObjectName("take_words")
        self.track = QComboBox()
        self.track.setObjectName("take_track")
        self.track.setAccessibleName("Track of the take")
        self.track.setToolTip("Which of the take's files is played and exported")
        self.track.setMinimumHeight(LOW_PX)
        self.track.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._make_buttons()
        self._lay_out()
        self._connect()
        self.refresh()

    def refresh(self, choose: Path | None = None) -> None:
        """Look at the folder again; choose the take in a folder of it, or the one that was chosen."""
        try:
            found, left = self._takes.list(), self._takes.unfinished()
        except AdvsepError as error:
            found, left = list[TakeInfo](), list[TakeInfo]()
            self._empty.setText(str(error))
            self.noted.emit("error", str(error))
        else:
            self._empty.setText("No takes yet. What is sung while “Take” is on is kept here.")
        self.table.set_rows(found, choose=choose)
        self._stack.setCurrentWidget(self.table if found else self._empty)
        self.unfinished.show_takes(left)
        self._on_chosen()

    def close_down(self) -> None:
        """Wait for what is being exported or recovered."""
        self._aside.wait()

    def _obey(self, command: str) -> None:
        {"open": self._play_chosen, "rename": self._rename, "export": self._ask_where, "remove": self._delete}[
            command
        ]()

    def _play_chosen(self) -> None:
        take = self.table.chosen
        path = None if take is None else take.tracks.get(self.track.currentText())
        if path is not None:
            self.play.emit(path)
        elif take is not None:
            self._say("warning", take.problem or f"{take.name}: has no sound that could be played")

    def _rename(self) -> None:
        self.table.edit_chosen(_NAME_COLUMN)

    def _take_name(self, take: TakeInfo, name: str) -> None:
        if name == take.name:
            return
        try:
            self._takes.rename(take, name)
        except AdvsepError as error:
            self._say("warning", str(error))
        else:
            self._say("info", f"The take is called {' '.join(name.split())} now")
        self.refresh()

    def _delete(self) -> None:
        take = self.table.chosen
        if take is not None:
            self._throw_away(take)

    def _throw_away(self, take: TakeInfo) -> None:
        try:
            self._takes.delete(take)
        except AdvsepError as error:
            self._say("error", str(error))
        else:
            self._say("info", f"{take.name} is in the trash, from which it can be had back")
        self.refresh()

    def _recover(self, take: TakeInfo) -> None:
        if not self._aside.work(partial(self._takes.recover, take)):
            self._say("warning", "another take is being worked on; wait until it is done")
            return
        self.unfinished.setEnabled(False)
        self._say("info", f"{take.name} is being finished")

    def _ask_where(self) -> None:
        """Show a dialog for a file; the window goes on meanwhile."""
        take, track = self.table.chosen, self.track.currentText()
        if take is None or track not in take.tracks:
            return
        dialog = QFileDialog(self.window(), f"Export {track}", "", EXPORT_FILTER)
        dialog.setObjectName("take_export_dialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)  # it asks before it replaces a file
        dialog.setDefaultSuffix("flac")
        dialog.selectFile("".join(" " if sign in _NOT_IN_NAMES else sign for sign in take.name) + ".flac")

        def chosen(file: str) -> None:
            self.export(take, Path(file), track)

        dialog.fileSelected.connect(chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def export(self, take: TakeInfo, path: Path, track: str) -> None:
        """Copy a track of a take to a file, which may be there; how it went is noted."""
        if not self._aside.work(partial(self._takes.export, take, path, track=track, overwrite=True)):
            self._say("warning", "another take is being worked on; wait until it is done")
            return
        self._exported = readable(str(path))
        self._say("info", f"{track} of {take.name} is being written to {self._exported}")

    def _on_done(self, result: object) -> None:
        if isinstance(result, TakeInfo):
            self._say("info", f"{result.name} is kept: {clock(result.duration_s)}")
            self.refresh(result.folder)
        else:
            self._say("info", f"{self._exported} is written")

    def _on_failed(self, words: str) -> None:
        self._say("error", words)
        self.refresh()

    def _on_chosen(self) -> None:
        take = self.table.chosen
        tracks = {} if take is None else take.tracks
        with QSignalBlocker(self.track):
            before = self.track.currentText()
            self.track.clear()
            self.track.addItems(list(tracks))
            self.track.setCurrentIndex(max(0, self.track.findText(before)) if tracks else -1)
        self.track.setEnabled(bool(tracks))
        self._play.setEnabled(bool(tracks))
        self._export.setEnabled(bool(tracks))
        self._name.setEnabled(take is not None and take.details is not None)
        self._remove.setEnabled(take is not None)
        if take is not None and take.problem:
            self._words.setText(take.problem)

    def _say(self, level: str, words: str) -> None:
        self._words.setText(words)
        announce(self.table, words)
        self.noted.emit(level, words)

    def _make_buttons(self) -> None:
        self._play = button("take_play", "Play", "Play the take", "Hear the chosen track (Enter)", self._play_chosen)
        self._name = button("take_rename", "Rename", "Rename the take", "Its folder keeps its name (F2)", self._rename)
        self._export = button(
            "take_export",
            "Export…",
            "Export the take",
            "The chosen track as WAV, FLAC, Ogg, Opus or MP3 (E)",
            self._ask_where,
        )
        self._remove = button("take_delete", "Delete", "Delete the take", "Move it to the trash (Delete)", self._delete)
        self._look = button(
            "take_look", "Look again", "Look for takes again", "Others may have put some there", self._again
        )

    def _again(self) -> None:
        self.refresh()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.unfinished)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self._words)
        layout.addLayout(
            in_a_row(QHBoxLayout(), self._play, self.track, self._name, self._export, self._remove, 1, self._look)
        )

    def _connect(self) -> None:
        self.table.commanded.connect(self._obey)
        self.table.chosen_changed.connect(self._on_chosen)
        self.unfinished.kept.connect(self._recover)
        self.unfinished.thrown_away.connect(self._throw_away)
        self._aside.done.connect(self._on_done)
        self._aside.failed.connect(self._on_failed)

    def _columns(self) -> list[Column[TakeInfo]]:
        return [
            Column("Take", lambda take: take.name, tip=_tip, edit=self._take_name),
            Column("Singer", lambda take: "" if take.details is None else take.details.singer, width=12),
            Column("Sung", lambda take: when(take.started), width=16),
            Column("Length", lambda take: clock(take.duration_s) if take.duration_s else "", width=7, is_number=True),
            Column("Score", _score, width=6, is_number=True),
            Column("State", _state, tip=_tip, width=10),
        ]


def when(started: str) -> str:
    """A time of ISO 8601 as clocks here show it; as it is where it is none."""
    with contextlib.suppress(ValueError):
        return f"{datetime.fromisoformat(started).astimezone():%Y-%m-%d %H:%M}"
    return started


def _state(take: TakeInfo) -> str:
    if take.problem:
        return "damaged"
    return "recovered" if take.details is not None and take.details.state == "recovered" else ""


def _tip(take: TakeInfo) -> str:
    notes = () if take.details is None else take.details.notes
    return "\n".join(each for each in (take.name, readable(str(take.folder)), take.problem, *notes) if each)


def _score(take: TakeInfo) -> str:
    score = None if take.details is None else take.details.score
    return "" if score is None else f"{score:.0f}"
