"""What the window remembers from one time to the next: a small INI file among the user's settings."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from .theme import KINDS, Kind

_FILE = "window.ini"


def settings_file() -> Path:
    """Where it lies on this system."""
    from platformdirs import user_config_path

    return user_config_path("advsep", appauthor=False) / _FILE


class Remembered:
    """Reads and writes the file; one that is broken, or of another version, counts as empty.

    Args:
        path: of the file; None: remember nothing, for pictures and tests.
    """

    def __init__(self, path: Path | None) -> None:
        self._store = None
        if path is not None:
            store = QSettings(str(path), QSettings.Format.IniFormat)
            if store.status() != QSettings.Status.NoError:
                path.unlink(missing_ok=True)
                store = QSettings(str(path), QSettings.Format.IniFormat)
            self._store = store

    def text(self, name: str, otherwise: str = "") -> str:
        """A text by name."""
        found = None if self._store is None else self._store.value(name)
        return found if isinstance(found, str) and found else otherwise

    def theme(self) -> Kind | None:
        """The theme that was chosen; None: none was."""
        found = self.text("theme")
        return next((kind for kind in KINDS if kind == found), None)

    def layout(self, name: str) -> QByteArray:
        """What Qt's `saveState` or `saveGeometry` gave; empty where there is none."""
        found = None if self._store is None else self._store.value(name)
        return found if isinstance(found, QByteArray) else QByteArray()

    def remember(self, name: str, value: str | QByteArray) -> None:
        """Keep a value; `save` writes it."""
        if self._store is not None:
            self._store.setValue(name, value)

    def save(self) -> None:
        """Write now; where that is not possible, nothing is remembered, and nothing else is lost."""
        if self._store is not None:
            self._store.sync()
