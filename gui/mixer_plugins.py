"""The plugins that can be put into a chain: a menu of all that are offered, and the class behind a name."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from ..realtime.plugin import Plugin
from ..realtime.plugin_registry import PluginError, find_plugin
from ..realtime.plugins_tables import facts_of_all

LONGEST_LINE = 90  # characters of a menu's line; the tooltip has all


def kind_of(name: str) -> type[Plugin]:
    """A plugin's class; loaded with the first call.

    Raises:
        PluginError: there is none of that name, or it cannot be loaded.
    """
    try:
        return find_plugin(name).load()
    except SystemExit as error:
        raise PluginError(f"plugin '{name}' calls sys.exit when it is imported; remove or mend it") from error


class PluginMenu(QMenu):
    """All plugins with a line on each; those that cannot be loaded are named, and cannot be chosen.

    Filled when it is first opened: that loads them all.

    Attributes:
        chosen: a plugin's name.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """Make its lines, once."""
        if self.isEmpty():
            rows = facts_of_all()
            for row in rows:
                if not row["error"]:
                    self._add(row, row["help"] or "no description")
            broken = [row for row in rows if row["error"]]
            if broken:
                self.addSection("Cannot be loaded")
            for row in broken:
                self._add(row, row["error"]).setEnabled(False)

    def _add(self, row: dict[str, Any], words: str) -> QAction:
        name: str = row["name"]
        line = f"{name} – {words}"
        action = self.addAction(line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…")
        action.setObjectName(name)
        action.setToolTip(f"{words}\nFrom {row['package']} {row['version']}")
        action.triggered.connect(lambda: self.chosen.emit(name))
        return action
