"""Keeping the screen on while somebody sings from it; Qt has no way of its own, so the desktop is asked."""

from __future__ import annotations

import itertools
import sys

_SERVICE, _PATH = "org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver"
_PATIENCE_MS = 500
CANNOT = "the screen may go dark while nobody touches the keyboard: switch its screen saver off"

_numbers = itertools.count(1)


class ScreenAwake:
    """Asks a Linux desktop (GNOME, KDE, Xfce and others, by D-Bus) not to blank the screen; elsewhere it cannot.

    The promise holds as long as the connection on which it was given: so it ends with the program, too.
    """

    def __init__(self) -> None:
        self._connection = ""

    @property
    def is_held(self) -> bool:
        """Whether the desktop has promised it."""
        return self._connection != ""

    def hold(self) -> str:
        """Keep it on until `release`.

        Returns:
            empty, or why it may go dark all the same, and what to do.
        """
        if not self.is_held:
            name = f"advsep-screen-{next(_numbers)}"
            if _inhibit(name):
                self._connection = name
            else:
                _disconnect(name)
        return "" if self.is_held else CANNOT

    def release(self) -> None:
        """Let the desktop do as usual; more than once is fine."""
        if self.is_held:
            _disconnect(self._connection)
            self._connection = ""


def _inhibit(name: str) -> bool:
    """Whether the desktop promises it on a connection of that name."""
    if sys.platform in ("win32", "darwin"):
        return False
    try:
        from PySide6.QtDBus import QDBus, QDBusConnection, QDBusMessage
    except ImportError:  # some distributions leave it out
        return False
    bus = QDBusConnection.connectToBus(QDBusConnection.BusType.SessionBus, name)
    if not bus.isConnected():
        return False
    message = QDBusMessage.createMethodCall(_SERVICE, _PATH, _SERVICE, "Inhibit")
    message.setArguments(["advsep", "karaoke on the screen"])
    reply = bus.call(message, QDBus.CallMode.Block, _PATIENCE_MS)
    return reply.type() == QDBusMessage.MessageType.ReplyMessage


def _disconnect(name: str) -> None:
    if sys.platform not in ("win32", "darwin"):
        try:
            from PySide6.QtDBus import QDBusConnection
        except ImportError:
            return
        QDBusConnection.disconnectFromBus(name)
