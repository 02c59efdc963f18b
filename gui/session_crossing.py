"""The way from other threads into the window's: what they have to say is said by Qt's event loop."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import Future

from PySide6.QtCore import QObject, Qt, Signal

from ..realtime.errors import AdvsepError


class Crossing(QObject):
    """Belongs to the thread that makes it; everything is run there, in the order in which it came."""

    _arrived = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._arrived.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def post(self, work: Callable[[], None]) -> None:
        """Have it done; from any thread. Where nobody is left to do it, it is dropped."""
        with contextlib.suppress(RuntimeError):  # the window has gone
            self._arrived.emit(work)

    def when_done(self, future: Future[None], then: Callable[[str], None]) -> None:
        """Tell how it went: nothing where it went well, else why it did not."""
        future.add_done_callback(lambda done: self.post(lambda: then(_words(done))))

    def _run(self, work: Callable[[], None]) -> None:
        work()


def _words(done: Future[None]) -> str:
    if done.cancelled():
        return "it was called off; try again"
    error = done.exception()
    if error is None:
        return ""
    return str(error) if isinstance(error, AdvsepError) else f"{type(error).__name__}: {error}"
