"""All songs, found as somebody types: sing one now, or put it into the queue."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QStackedWidget, QVBoxLayout, QWidget

from ...realtime.karaoke.library import ORDERS, Library, LibraryError, Order
from ...realtime.karaoke.library_song import Song
from ...realtime.page import clock
from ..parameter_row import muted_label
from .announcing import announce
from .library_scan_line import ScanLine
from .panel_parts import LOW_PX, button, in_a_row
from .rows_table import Column, RowsTable, keys

LIMIT = 200
_SETTLES_MS = 700  # after the last letter, before the result is said
_KEYS = keys(open="Return Enter", queue="Ctrl+Return Ctrl+Enter +", favourite="F")
_ORDER_NAMES: dict[Order, str] = {
    "artist": "By artist",
    "title": "By title",
    "most sung": "Most sung",
    "last sung": "Last sung",
    "newest": "Newest",
}


class LibraryPanel(QWidget):
    """A field, a table and its buttons; results come with each letter.

    Args:
        library: that is searched; closed by whoever opened it, after `close_down`.

    Attributes:
        chosen: a song's file, to be sung now.
        queued: a song's file, to be sung later.
        noted: level and words of what happened.
        search: the field.
        table: of what was found.
        scan_line: folders and scans.
    """

    chosen = Signal(Path)
    queued = Signal(Path)
    noted = Signal(str, str)

    def __init__(self, library: Library, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("library_panel")
        self.setAccessibleName("Songs")
        self._library = library
        self._found = 0
        self.search = QLineEdit()
        self.search.setObjectName("library_search")
        self.search.setAccessibleName("Search for songs")
        self.search.setPlaceholderText("Search: title, artist, album, language, year")
        self.search.setToolTip(
            "Beginnings of words, in any order (Down: to the songs; Enter: sing the chosen one; Ctrl+Enter: queue it)"
        )
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumHeight(LOW_PX)
        self.search.installEventFilter(self)
        self.favourites = button("library_favourites", "★ Favourites", "Favourites only", "Show favourites only")
        self.with_words = button("library_with_words", "✓ Words", "With words only", "Show songs that have words only")
        self.order = _order_box()
        self.table = RowsTable[Song](
            "library_table", "Songs", "Enter: sing now; Ctrl+Enter or +: into the queue; F: favourite or not",
            _columns(), lambda song: song.path, _KEYS,
        )  # fmt: skip
        self._empty = muted_label("", self)
        self._empty.setObjectName("library_empty")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self._empty)
        self._count = muted_label("", self)
        self._count.setObjectName("library_count")
        self._sing = button("library_sing", "Sing now", "Sing now", "The chosen song, at once (Enter)", self._choose)
        self._queue = button(
            "library_queue", "Add to queue", "Add to the queue", "The chosen song, after the others (Ctrl+Enter, +)",
            self._enqueue,
        )  # fmt: skip
        self._star = button(
            "library_star",
            "★",
            "Favourite",
            "Make the chosen song a favourite, or no longer (F)",
            self._toggle_favourite,
        )
        self.scan_line = ScanLine(library)
        self._saying = QTimer(self)
        self._saying.setSingleShot(True)
        self._saying.setInterval(_SETTLES_MS)
        self._lay_out()
        self._connect()
        self.refresh()
        for note in library.notes:
            self.scan_line.say(note)

    def start(self) -> None:
        """Look for new songs, as at a program's start."""
        self.scan_line.start()

    def close_down(self) -> None:
        """End a scan that runs; then the library can be closed."""
        self._saying.stop()
        self.scan_line.close_down()

    def refresh(self) -> None:
        """Search again, for what is in the field."""
        filters = {"favourites": self.favourites.isChecked(), "with_words": self.with_words.isChecked()}
        words = self.search.text()
        try:
            found = self._library.search(words, order=self._order, limit=LIMIT, **filters)
            self._found = len(found) if len(found) < LIMIT else self._library.count(words, **filters)
            total = self._library.count() if not found else self._found
        except LibraryError as error:
            self.noted.emit("error", str(error))
            self._empty.setText(str(error))
            self._stack.setCurrentWidget(self._empty)
            return
        self.table.set_rows(found)
        self._stack.setCurrentWidget(self.table if found else self._empty)
        self._empty.setText("" if found else self._why_empty(total, filters))
        self._count.setText(self._counted(len(found)))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Keys of the field that mean the table."""
        if watched is self.search and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            key, is_ctrl = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            if key in (Qt.Key.Key_Down, Qt.Key.Key_Up) and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
                self.table.setFocus(Qt.FocusReason.ShortcutFocusReason)
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                (self._enqueue if is_ctrl else self._choose)()
                return True
        return super().eventFilter(watched, event)

    @property
    def _order(self) -> Order:
        return cast("Order", self.order.currentData())

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addLayout(in_a_row(QHBoxLayout(), self.search, self.favourites, self.with_words, self.order))
        layout.addWidget(self._stack, 1)
        below = in_a_row(QHBoxLayout(), self._count, self._star, self._queue, self._sing)
        below.setStretch(0, 1)
        layout.addLayout(below)
        layout.addWidget(self.scan_line)

    def _connect(self) -> None:
        self.search.textChanged.connect(self._on_typed)
        self.favourites.toggled.connect(self._on_filter)
        self.with_words.toggled.connect(self._on_filter)
        self.order.currentIndexChanged.connect(self._on_filter)
        self.table.commanded.connect(self._obey)
        self.table.chosen_changed.connect(self._on_chosen)
        self.scan_line.changed.connect(self.refresh)
        self.scan_line.noted.connect(self.noted)
        self._saying.timeout.connect(self._say_found)

    def _obey(self, command: str) -> None:
        {"open": self._choose, "queue": self._enqueue, "favourite": self._toggle_favourite}[command]()

    def _choose(self) -> None:
        song = self.table.chosen
        if song is not None:
            self.chosen.emit(song.path)

    def _enqueue(self) -> None:
        song = self.table.chosen
        if song is not None:
            self.queued.emit(song.path)
            announce(self.table, f"{song.name} was put into the queue")

    def _toggle_favourite(self) -> None:
        song = self.table.chosen
        if song is None:
            return
        try:
            self._library.set_favourite(song.path, not song.favourite)
        except LibraryError as error:
            self.noted.emit("error", str(error))
            return
        self.refresh()
        announce(self.table, f"{song.name} is {'no longer' if song.favourite else 'now'} a favourite")

    def _on_typed(self, _text: str) -> None:
        self.refresh()
        self.table.scrollToTop()
        if self.table.rows:
            self.table.selectRow(0)
        self._saying.start()

    def _on_filter(self, _value: Any) -> None:
        self.refresh()
        self._saying.start()

    def _on_chosen(self) -> None:
        song = self.table.chosen
        for each in (self._sing, self._queue, self._star):
            each.setEnabled(song is not None)
        self._star.setText("★ Favourite" if song is None or not song.favourite else "☆ No favourite")
        self._star.setAccessibleName(
            "Make it a favourite" if song is None or not song.favourite else "No favourite any more"
        )

    def _say_found(self) -> None:
        """What a person who does not see the table wants to know."""
        first = self.table.chosen
        announce(self.search, f"{self._count.text()}, first {first.name}" if first else self._empty.text())

    def _counted(self, shown: int) -> str:
        songs = "song" if self._found == 1 else "songs"
        return (
            f"{self._found} {songs}"
            if shown == self._found
            else f"The first {shown} of {self._found} {songs}: type more"
        )

    def _why_empty(self, total: int, filters: dict[str, bool]) -> str:
        if total == 0 and not self._library.folders:
            return "No songs yet. “Add folder…” looks for songs, and for words beside them, in a folder of yours."
        if total == 0 and self.scan_line.running:
            return "Looking for songs in your folders…"
        if total == 0:
            return "There are no songs in your folders: add another, or put sound files (FLAC, Ogg, MP3, WAV, …) there."
        left_out = [
            name
            for name, on in (("favourites", filters["favourites"]), ("songs with words", filters["with_words"]))
            if on
        ]
        among = f" among {' and '.join(left_out)}" if left_out else ""
        searched = (
            f"Nothing is called “{self.search.text().strip()}”" if self.search.text().strip() else "There is nothing"
        )
        advice = (
            ": press F in the table to make a song one" if left_out == ["favourites"] and not self.search.text() else ""
        )
        return f"{searched}{among}{advice}."


def _order_box() -> QComboBox:
    made = QComboBox()
    made.setObjectName("library_order")
    made.setAccessibleName("Order of the songs")
    made.setToolTip("In which order the songs are listed")
    made.setMinimumHeight(LOW_PX)
    for order in ORDERS:
        made.addItem(_ORDER_NAMES[order], order)
    return made


def _columns() -> list[Column[Song]]:
    return [
        Column(
            "★",
            lambda song: "★" if song.favourite else "",
            lambda song: "favourite" if song.favourite else "",
            width=2,
            is_sign=True,
            heading="Favourite",
        ),
        Column(
            "Title",
            lambda song: song.title,
            tip=lambda song: f"{song.name}\n{song.path.name}".encode("utf-8", "replace").decode(),
        ),
        Column("Artist", lambda song: song.artist),
        Column("Length", lambda song: clock(song.length_s), width=7, is_number=True),
        Column(
            "Words",
            lambda song: "✓" if song.has_words else "",
            lambda song: "has words" if song.has_words else "no words",
            width=6,
            is_sign=True,
        ),
        Column("Sung", lambda song: f"{song.times_sung}×" if song.times_sung else "", width=5, is_number=True),
    ]
