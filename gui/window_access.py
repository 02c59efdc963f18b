"""What pictures are to a screen reader: Qt knows roles of its own widgets only."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget, QWidget

_ROLES = {
    "SpectrogramView": QAccessible.Role.Chart,
    "ScoreStrip": QAccessible.Role.Chart,
    "Meter": QAccessible.Role.Indicator,
    "WordsView": QAccessible.Role.StaticText,
    "PitchView": QAccessible.Role.Chart,
    "QTabWidget": QAccessible.Role.Grouping,
}

_installed: list[bool] = []


def install_roles() -> None:
    """For every widget that is made from now on; once a program."""
    if not _installed:
        _installed.append(True)
        QAccessible.installFactory(_interface_of)


def _interface_of(key: str, described: QObject | None) -> QAccessibleInterface | None:
    role = _ROLES.get(key)
    if role is None or not isinstance(described, QWidget):
        return None
    return QAccessibleWidget(described, role, described.accessibleName())
