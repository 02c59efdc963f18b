"""The parent's hold on the process that separates: started, given orders, listened to, ended.

A program of its own (`python -m`) rather than a `multiprocessing` one: it shall not import the parent's main module,
and two that are started at the same moment, an engine and this, must not both take that module away for a while.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from typing import Any

_MODULE = f"{__package__}.separation_child"
_JOIN_S = 5.0


class SeparationProcess:
    """One process, which ends when this does, however that comes: its orders come through a pipe that then breaks.

    Raises:
        OSError: the system starts no more.
    """

    def __init__(self) -> None:
        flags = 0
        if sys.platform == "win32":
            flags = subprocess.BELOW_NORMAL_PRIORITY_CLASS | subprocess.CREATE_NO_WINDOW
            flags |= subprocess.CREATE_NEW_PROCESS_GROUP
        self._sending = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            # Where no Ctrl-C comes; not another session, against which Linux would not hold its niceness.
            process_group=None if sys.platform == "win32" else 0,
            creationflags=flags,
        )

    @property
    def process_id(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def send(self, order: str, **details: Any) -> None:
        """Never fails: that a process has ended is noticed elsewhere."""
        line = json.dumps({"do": order, **details}).encode() + b"\n"
        with self._sending, contextlib.suppress(OSError, ValueError):
            assert self._process.stdin is not None
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def messages(self) -> Generator[dict[str, Any]]:
        """As they come, until it ends."""
        assert self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            for line in self._process.stdout:
                yield json.loads(line)

    def end(self) -> str:
        """End it, if need be; returns how it ended, in words."""
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_JOIN_S)
        with self._sending, contextlib.suppress(OSError):
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
        return _how_it_ended(self._process.returncode)

    def kill(self) -> None:
        """Have it end; `messages` end then."""
        self._process.kill()


def _how_it_ended(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by signal {-code}, {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
