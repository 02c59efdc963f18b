"""What happened, line by line: time, how much it matters, words."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from html import escape

from PySide6.QtWidgets import QPlainTextEdit, QWidget

from . import theme

MOST_LINES = 1000
_LEVELS = {"info": "note", "warning": "attention", "error": "error"}


class LogPanel(QPlainTextEdit):
    """The newest line last; the oldest go where there are more than `MOST_LINES`. Can be selected and copied.

    Attributes:
        lines: time, level and words of all that is there.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lines: deque[tuple[str, str, str]] = deque(maxlen=MOST_LINES)
        self.setObjectName("log")
        self.setAccessibleName("Log")
        self.setToolTip("What happened, the newest last")
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setMaximumBlockCount(MOST_LINES)
        self.setPlaceholderText("Nothing has happened yet")
        self.setMinimumWidth(200)
        theme.notifier.changed.connect(self._repaint)

    def add(self, level: str, words: str) -> None:
        """One line.

        Args:
            level: `info`, `warning` or `error`.
            words: any.
        """
        line = f"{datetime.now():%H:%M:%S}", level, " ".join(words.split())
        self.lines.append(line)
        self._write(*line)

    def _write(self, at: str, level: str, words: str) -> None:
        colours = theme.colours()
        of = {"warning": colours.warning, "error": colours.error}.get(level, colours.muted_text).name()
        self.appendHtml(
            f'<span style="color:{colours.muted_text.name()}">{at}</span> '
            f'<span style="color:{of}">{_LEVELS.get(level, level)}:</span> '
            f'<span style="color:{colours.text.name()}">{escape(words)}</span>'
        )

    def _repaint(self) -> None:
        self.clear()
        for line in self.lines:
            self._write(*line)
