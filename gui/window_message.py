"""The message above the pictures: what went wrong, in words, until it is dismissed; no box stops anybody's work."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from . import theme

_WORDS = {"info": "Note", "warning": "Attention", "error": "Error"}


class MessageBar(QFrame):
    """Hidden while there is nothing to say; a new message takes the place of the one before.

    Attributes:
        dismissed: the user has read it.
    """

    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message_bar")
        self.setAccessibleName("Message")
        self._level = "info"
        self._label = QLabel()
        self._label.setObjectName("message")
        self._label.setToolTip("What happened last; it can be selected and copied")
        self._label.setWordWrap(True)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        # Read by whoever walks here with the keyboard, and copied.
        self._label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._label.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._close = QPushButton("Dismiss")
        self._close.setObjectName("dismiss_message")
        self._close.setAccessibleName("Dismiss the message")
        self._close.setToolTip("Close this message (Esc); the log keeps it")
        self._close.clicked.connect(self.dismiss)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 4, 6, 4)
        layout.addWidget(self._label)
        layout.addWidget(self._close)
        theme.notifier.changed.connect(self._paint)
        self.hide()

    @property
    def words(self) -> str:
        """What is shown; empty while nothing is."""
        return "" if self.isHidden() else self._label.text()

    def say(self, level: str, words: str) -> None:
        """Show a message, and have a screen reader say it.

        Args:
            level: `info`, `warning` or `error`.
            words: a sentence.
        """
        self._level = level
        self._label.setText(f"{_WORDS.get(level, level)}: {words}")
        self._label.setAccessibleName(self._label.text())
        self._paint()
        self.show()
        QAccessible.updateAccessibility(QAccessibleEvent(self._label, QAccessible.Event.Alert))

    def dismiss(self) -> None:
        """Nothing is said any more."""
        self.hide()
        self.dismissed.emit()

    def _paint(self) -> None:
        colours = theme.colours()
        of = {"warning": colours.warning, "error": colours.error}.get(self._level, colours.accent)
        self.setStyleSheet(
            f"#message_bar {{ background: {colours.surface.name()}; border: 1px solid {of.name()}; "
            f"border-left: 5px solid {of.name()}; border-radius: 3px; }} "
            f"#message {{ color: {colours.text.name()}; }}"
        )
