"""A POSIX terminal whose modes are ours for a while, and somebody else's whenever we stop, end or are not in front."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import termios
import threading
from types import FrameType
from typing import Any

FATAL = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
LOCAL_FLAGS, CHARACTERS = 3, 6  # places in what tcgetattr gives
COOKED = termios.ICANON | termios.ECHO


class Terminal:
    """Reads what is typed as it is typed, without an echo, between `enter` and `leave`.

    Args:
        descriptor: of the terminal.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._before: list[Any] | None = None
        self._handlers: dict[signal.Signals, Any] = {}

    def enter(self) -> None:
        """Take the terminal and, in the main thread, see to it that no signal leaves it taken."""
        if threading.current_thread() is threading.main_thread():
            for number in (*FATAL, signal.SIGTSTP):
                if signal.getsignal(number) == signal.SIG_DFL:  # else somebody else ends in order, and us with it
                    handler = self._stop if number == signal.SIGTSTP else self._die
                    self._handlers[number] = signal.signal(number, handler)
        self._take()

    def leave(self) -> None:
        """Give it back; what was typed and not read is forgotten, it was not meant for the shell."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers.clear()
        self._give()
        if self._is_ours():
            with contextlib.suppress(termios.error):
                termios.tcflush(self._descriptor, termios.TCIFLUSH)

    def read(self) -> bytes:
        """What was typed since the last call, at once; nothing while we are in the background."""
        self._take()  # after SIGSTOP, of which nobody is told, the shell has put its own modes
        try:
            if self._is_ours() and select.select([self._descriptor], [], [], 0)[0]:
                return os.read(self._descriptor, 4096)
        except (OSError, ValueError):  # the terminal has gone
            pass
        return b""

    def _take(self) -> None:
        """Neither echo nor lines, where we may ask for it."""
        with contextlib.suppress(termios.error):
            modes = termios.tcgetattr(self._descriptor) if self._is_ours() else None
            if modes is None or not modes[LOCAL_FLAGS] & COOKED:
                return
            self._before = [*modes[:CHARACTERS], [*modes[CHARACTERS]]]
            modes[LOCAL_FLAGS] &= ~COOKED
            modes[CHARACTERS][termios.VMIN], modes[CHARACTERS][termios.VTIME] = 1, 0
            termios.tcsetattr(self._descriptor, termios.TCSANOW, modes)

    def _give(self) -> None:
        """The modes as they were; at once, since a terminal held by Ctrl-S drains never."""
        with contextlib.suppress(termios.error):
            if self._before is not None and self._is_ours():
                termios.tcsetattr(self._descriptor, termios.TCSANOW, self._before)
                self._before = None

    def _is_ours(self) -> bool:
        """Whether we are in the foreground of it; one that is not our controlling terminal has none."""
        try:
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:
            return True

    def _die(self, number: int, frame: FrameType | None) -> None:
        self._give()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._give()
        signal.signal(number, signal.SIG_DFL)
        signal.pthread_kill(threading.get_ident(), number)  # stops here, and goes on from here
        signal.signal(number, self._stop)
        self._take()
