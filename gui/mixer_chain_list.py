"""The list of a chain's plugins, and the keys that it knows."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QListWidget

MOST_LINES = 5  # of the list before it scrolls


class ChainList(QListWidget):
    """The plugins in order; a box that is not ticked bypasses one.

    Attributes:
        removed: Delete was pressed.
        shifted: Alt with an arrow was pressed: by -1 or 1.
    """

    removed = Signal()
    shifted = Signal(int)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Delete takes out, Alt with an arrow moves, Space bypasses."""
        alt = event.modifiers() == Qt.KeyboardModifier.AltModifier
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit()
        elif alt and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.shifted.emit(-1 if event.key() == Qt.Key.Key_Up else 1)
        else:
            super().keyPressEvent(event)

    def sizeHint(self) -> QSize:  # noqa: N802
        """As high as its lines, up to `MOST_LINES`."""
        lines = min(max(self.count(), 1), MOST_LINES)
        return QSize(120, self.line_px * lines + 2 * self.frameWidth())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Two lines."""
        return QSize(80, min(self.sizeHint().height(), 2 * self.line_px + 2 * self.frameWidth()))

    @property
    def line_px(self) -> int:
        """Height of a line: easy to hit."""
        return self.fontMetrics().height() + 7
