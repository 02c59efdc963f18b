"""Having a screen reader say what nobody has the focus on."""

from __future__ import annotations

from PySide6 import QtGui
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QWidget


def announce(widget: QWidget, words: str) -> None:
    """Have it said now, and found as the widget's description by whoever looks later."""
    widget.setAccessibleDescription(words)
    announcement = getattr(QtGui, "QAccessibleAnnouncementEvent", None)  # Qt 6.8
    if announcement is None:
        QAccessible.updateAccessibility(QAccessibleEvent(widget, QAccessible.Event.Alert))
    else:
        QAccessible.updateAccessibility(announcement(widget, words))
