"""A picture of the window, after it has played for a while, for documentation and tests."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QMainWindow

from ..realtime.errors import AdvsepError
from ..realtime.process import FIRST_START_S
from ..realtime.status import EngineStatus
from ..realtime.whole_file import whole_file
from .session import Session

PATIENCE_S = FIRST_START_S + 30.0


class Photographer(QObject):
    """Waits until the session has played, writes the picture, and ends the event loop.

    Args:
        window: to be seen.
        session: of that window.
        path: of the picture, `.png`.
        until_s: position that is to be reached.
    """

    def __init__(self, window: QMainWindow, session: Session, path: Path, until_s: float) -> None:
        super().__init__(window)
        self._window, self._path, self._until_s = window, path, until_s
        self._words = "the window was closed before its picture was taken; leave it open"
        self._by_s = time.monotonic() + PATIENCE_S + until_s
        session.status_changed.connect(self._on_status)

    def check(self) -> None:
        """After the event loop.

        Raises:
            AdvsepError: why there is no picture.
        """
        if self._words:
            raise AdvsepError(self._words)

    def _on_status(self, status: EngineStatus) -> None:
        now_s = time.monotonic()
        if status.state == "failed":
            self._end(status.note)
        elif now_s > self._by_s:
            self._end(f"--screenshot {self._path}: {self._until_s:g} s were not played in time; try fewer --seconds")
        elif self._has_played(status):
            self._take()

    def _has_played(self, status: EngineStatus) -> bool:
        """As far as wanted, or to the end."""
        if (status.state == "ended" and status.hops > 0) or (
            status.state == "playing" and status.position_s >= self._until_s
        ):
            return True
        return status.paused and status.length_s is not None and status.position_s >= status.length_s - 0.01

    def _take(self) -> None:
        try:
            with whole_file(self._path) as partial:
                if not self._window.grab().save(str(partial), "PNG"):
                    raise OSError("nothing was written")
        except OSError as error:
            self._end(f"{self._path}: cannot be written: {error.strerror or error}; choose another place")
        else:
            self._end("")

    def _end(self, words: str) -> None:
        self._words = words
        application = QApplication.instance()
        if application is not None:
            application.quit()


def check_picture(path: Path) -> None:
    """Refuse a file that no picture can be written to.

    Raises:
        AdvsepError: what was expected.
    """
    if path.suffix.lower() != ".png":
        raise AdvsepError(f"--screenshot {path}: expected a file that ends in .png; name one")
    if not path.absolute().parent.is_dir():
        raise AdvsepError(f"--screenshot {path}: there is no folder {path.absolute().parent}; make it first")
