"""The offer of a take that was not finished, since its program died: keep it, or not."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from ...realtime.karaoke.takes import TakeInfo
from .. import theme
from .announcing import announce
from .panel_parts import button, in_a_row


class UnfinishedBar(QFrame):
    """Hidden while there is none; shows them one after another.

    Attributes:
        kept: a `TakeInfo` that somebody wants.
        thrown_away: one that nobody wants.
    """

    kept = Signal(object)
    thrown_away = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("take_unfinished")
        self.setAccessibleName("Takes that were not finished")
        self._takes: list[TakeInfo] = []
        self._later: set[object] = set()
        self._label = QLabel()
        self._label.setObjectName("take_unfinished_words")
        self._label.setWordWrap(True)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._keep = button("take_keep", "Keep", "Keep the take", "Finish its files, as far as they go", self._on_keep)
        self._throw = button("take_throw", "Throw away", "Throw the take away", "Move it to the trash", self._on_throw)
        self._wait = button("take_later", "Later", "Ask again at the next start", "Leave it as it is", self._on_later)
        layout = QHBoxLayout(self)
        in_a_row(layout, self._label, self._keep, self._throw, self._wait)
        layout.setStretch(0, 1)
        layout.setContentsMargins(10, 4, 6, 4)
        theme.notifier.changed.connect(self._paint)
        self._paint()
        self.hide()

    @property
    def words(self) -> str:
        """What is asked; empty: nothing."""
        return "" if self.isHidden() else self._label.text()

    def show_takes(self, takes: Sequence[TakeInfo]) -> None:
        """Offer these, but those that were left for later."""
        self._takes = [take for take in takes if take.folder not in self._later]
        self.setEnabled(True)
        if not self._takes:
            self.hide()
            return
        first, count = self._takes[0], len(self._takes)
        were = "1 take was" if count == 1 else f"{count} takes were"
        began = _began(first)
        words = f"{were} not finished: {first.name}{began}. Keep it?"
        if words != self.words:
            self._label.setText(words)
            self.show()
            announce(self._label, words)

    def _on_keep(self) -> None:
        self.kept.emit(self._takes[0])

    def _on_throw(self) -> None:
        self.thrown_away.emit(self._takes[0])

    def _on_later(self) -> None:
        self._later.add(self._takes[0].folder)
        self.show_takes(self._takes)

    def _paint(self) -> None:
        colours = theme.colours()
        self.setStyleSheet(
            f"#take_unfinished {{ background: {colours.surface.name()}; border: 1px solid {colours.warning.name()}; "
            f"border-left: 5px solid {colours.warning.name()}; border-radius: 3px; }} "
            f"#take_unfinished_words {{ color: {colours.text.name()}; }}"
        )


def _began(take: TakeInfo) -> str:
    with contextlib.suppress(ValueError):
        return f", begun {datetime.fromisoformat(take.started).astimezone():%Y-%m-%d %H:%M}"
    return ""
