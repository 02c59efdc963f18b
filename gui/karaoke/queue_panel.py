"""Who sings what next: the queue in its order, and how its entries are to be sung."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from ...realtime.karaoke.evening import Evening
from ...realtime.karaoke.evening_file import Entry
from ...realtime.karaoke.library_text import readable
from ..parameter_row import muted_label
from .announcing import announce
from .panel_parts import button, in_a_row
from .queue_entry_row import EntryRow, singer_box
from .rows_table import Column, RowsTable, keys

_KEYS = keys(open="Return Enter", up="Alt+Up", down="Alt+Down", remove="Del Backspace", undo="Ctrl+Z", edit="F2")


class QueuePanel(QWidget):
    """Belongs to an evening, which others may change, too.

    Args:
        evening: that is shown; it is told of what is done here, and decides.

    Attributes:
        start: an `Entry` is to be sung now; it is the evening's current one.
        emptied: what was sung is over, and nothing follows.
        noted: level and words of what happened.
        table: what follows.
        singer: who gets the songs that are added.
    """

    start = Signal(object)
    emptied = Signal()
    noted = Signal(str, str)

    def __init__(self, evening: Evening, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("queue_panel")
        self.setAccessibleName("Queue")
        self._evening, self._trouble = evening, ""
        self._places: dict[int, int] = {}
        self._now = QLabel()
        self._now.setObjectName("queue_now")
        self._now.setTextFormat(Qt.TextFormat.PlainText)
        self._now.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        bold = QFont(self._now.font())
        bold.setBold(True)
        self._now.setFont(bold)
        self.singer = singer_box("queue_singer", "Singer of songs that are added", "Who sings the songs that you add")
        self.fair = button(
            "queue_fair", "Take turns", "Singers take turns",
            "Whose turn is longest ago sings next, who has not sung yet comes first; else the songs' own order",
        )  # fmt: skip
        self.table = RowsTable[Entry](
            "queue_table", "Songs that follow",
            "Enter: sing now; Alt+Up, Alt+Down: move; Delete: take out; Ctrl+Z: bring back; F2: change",
            self._columns(), lambda entry: entry.number, _KEYS,
        )  # fmt: skip
        self._empty = muted_label("Nothing follows. Add songs from the list of songs: Ctrl+Enter.", self)
        self._empty.setObjectName("queue_empty")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self._empty)
        self.entry_row = EntryRow()
        self._make_buttons()
        self._lay_out()
        self._connect()
        self._show()
        QTimer.singleShot(0, self, self._tell_notes)  # when somebody listens

    def add(self, song: Path, title: str) -> Entry:
        """Put a song behind the others, for the singer who is named above."""
        entry = self._evening.add(song, title, self.singer.currentText())
        announce(self.table, f"{_name(entry)} is number {self._place(entry)} in the queue")
        return entry

    def sing_now(self, song: Path, title: str) -> Entry | None:
        """Sing a song at once, for the singer who is named above; what was being sung is passed over."""
        entry = self._evening.add(song, title, self.singer.currentText())
        return self._begin(self._evening.start(entry.number))

    def next(self) -> Entry | None:
        """The current song was sung, the next one begins."""
        return self._begin(self._evening.next())

    def skip(self) -> Entry | None:
        """The current song is passed over, the next one begins."""
        return self._begin(self._evening.skip())

    def close_down(self) -> None:
        """Hear no more of the evening."""
        self._end()

    def _tell_notes(self) -> None:
        for note in self._evening.notes:
            self.noted.emit("warning", note)

    def _begin(self, entry: Entry | None) -> Entry | None:
        if entry is None:
            announce(self.table, "Nothing follows")
            self.emptied.emit()
        else:
            announce(self.table, f"Now {_name(entry)}")
            self.start.emit(entry)
        return entry

    def _obey(self, command: str) -> None:
        commands = {
            "open": self._start_chosen,
            "up": lambda: self._move(-1),
            "down": lambda: self._move(1),
            "remove": self._remove,
            "undo": self._undo,
            "edit": lambda: self.entry_row.singer.setFocus(Qt.FocusReason.ShortcutFocusReason),
        }
        commands[command]()

    def _start_chosen(self) -> None:
        entry = self.table.chosen
        if entry is not None:
            self._begin(self._evening.start(entry.number))

    def _move(self, by: int) -> None:
        entry = self.table.chosen
        if entry is None:
            return
        if self._evening.move(entry.number, by):
            announce(self.table, f"{entry.title} is now number {self._place(entry)}")
        elif self._evening.fair:
            whose = f"{entry.singer}'s" if entry.singer else "nobody's"
            announce(self.table, f"Singers take turns: only {whose} own songs change places")

    def _remove(self) -> None:
        entry = self.table.chosen
        if entry is not None and self._evening.remove(entry.number):
            announce(self.table, f"{_name(entry)} was taken out; Ctrl+Z brings it back")

    def _undo(self) -> None:
        back = self._evening.undo_removal()
        if back:
            announce(self.table, f"{_name(back[0])} is back" if len(back) == 1 else f"{len(back)} songs are back")
            self.table.set_rows(self._evening.queue, choose=back[0].number)

    def _begin_anew(self) -> None:
        self._evening.begin_anew()
        announce(self.table, "A new evening: the queue is empty; Ctrl+Z brings it back")

    def _place(self, entry: Entry) -> int:
        """From 1."""
        return self._places.get(entry.number, 0)

    def _show(self) -> None:
        """What the evening is now."""
        evening = self._evening
        current, queue = evening.current, evening.queue
        self._places = {entry.number: place for place, entry in enumerate(queue, 1)}
        words = f"Now: {_name(current)}" if current is not None else "Nobody is singing"
        self._now.setText(words)
        self._now.setToolTip(words)
        self.table.set_rows(queue)
        self._stack.setCurrentWidget(self.table if queue else self._empty)
        with QSignalBlocker(self.fair):
            self.fair.setChecked(evening.fair)
        for box in (self.singer, self.entry_row.singer):
            with QSignalBlocker(box):
                text = box.currentText()
                box.clear()
                box.addItems(list(evening.singers))
                box.setEditText(text)
        self._next.setEnabled(current is not None or bool(queue))
        self._skip.setEnabled(current is not None or bool(queue))
        self._undo_button.setEnabled(evening.can_undo)
        self._anew.setEnabled(current is not None or bool(queue) or bool(evening.history))
        self._on_chosen()
        if evening.trouble != self._trouble:
            self._trouble = evening.trouble
            if self._trouble:
                self.noted.emit("warning", self._trouble)

    def _on_chosen(self) -> None:
        entry = self.table.chosen
        self.entry_row.show_entry(entry)
        for each in (self._sing, self._up, self._down, self._take_out):
            each.setEnabled(entry is not None)

    def _on_changed(self, entry: Entry) -> None:
        """What was typed of the chosen entry."""
        changed = self._evening.change(
            entry.number,
            singer=entry.singer,
            key_semitones=entry.key_semitones,
            tempo=entry.tempo,
            note=entry.note,
        )
        if changed is not None:
            self.table.set_rows(self._evening.queue, choose=changed.number)

    def _make_buttons(self) -> None:
        self._next = button("queue_next", "Next ▸", "Next song", "The song was sung; the next one begins", self.next)
        self._skip = button(
            "queue_skip", "Skip", "Skip this song", "Pass over it: the turn goes to the next singer", self.skip
        )
        self._sing = button(
            "queue_sing", "Sing now", "Sing the chosen one now", "Out of turn (Enter)", self._start_chosen
        )
        self._up = button("queue_up", "▲", "Move up", "Earlier (Alt+Up)", lambda: self._move(-1))
        self._down = button("queue_down", "▼", "Move down", "Later (Alt+Down)", lambda: self._move(1))
        self._take_out = button(
            "queue_remove", "Take out", "Take out of the queue", "It can be undone (Delete)", self._remove
        )
        self._undo_button = button(
            "queue_undo",
            "Undo",
            "Bring back what was taken out",
            "To its place in the queue (Ctrl+Z in the table)",
            self._undo,
        )
        self._anew = button(
            "queue_anew", "New evening", "Begin a new evening", "Empty the queue and forget who sang; names are kept",
            self._begin_anew,
        )  # fmt: skip

    def _lay_out(self) -> None:
        label = QLabel("&Add for")
        label.setBuddy(self.singer)
        top = in_a_row(QHBoxLayout(), self._now, self._next, self._skip)
        top.setStretch(0, 1)
        who = in_a_row(QHBoxLayout(), label, self.singer, self.fair, self._anew)
        who.setStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addLayout(top)
        layout.addLayout(who)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self.entry_row)
        layout.addLayout(
            in_a_row(QHBoxLayout(), self._sing, self._up, self._down, self._take_out, self._undo_button, 1)
        )

    def _connect(self) -> None:
        self._end = self._evening.listen(self._show)
        self.table.commanded.connect(self._obey)
        self.table.chosen_changed.connect(self._on_chosen)
        self.entry_row.changed.connect(self._on_changed)
        self.fair.toggled.connect(self._evening.set_fair)

    def _columns(self) -> list[Column[Entry]]:
        return [
            Column("#", lambda entry: str(self._place(entry)), width=3, is_number=True, heading="Place"),
            Column("Singer", lambda entry: entry.singer or "–", lambda entry: entry.singer or "nobody named", width=12),
            Column("Song", lambda entry: entry.title, tip=lambda entry: f"{entry.title}\n{readable(entry.song)}"),
            Column(
                "Key", lambda entry: _key(entry.key_semitones), lambda entry: f"{entry.key_semitones} semitones",
                width=4, is_number=True,
            ),
            Column("Tempo", _tempo, width=6, is_number=True),
            Column("Note", lambda entry: entry.note, width=9),
        ]  # fmt: skip


def _name(entry: Entry) -> str:
    return f"{entry.singer}: {entry.title}" if entry.singer else entry.title


def _tempo(entry: Entry) -> str:
    return "" if entry.tempo == 1 else f"{100 * entry.tempo:.0f} %"


def _key(semitones: int) -> str:
    return "" if semitones == 0 else f"{semitones:+d}".replace("-", "−")
