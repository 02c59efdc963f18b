"""The parent's hold on one process of the engine: spawned without the parent's baggage, spoken to, listened to."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Generator
from concurrent.futures import Future
from multiprocessing import resource_tracker
from typing import Any

from .engine_main import StandardInput, run_child
from .engine_settings import PIPE, EngineError, EngineSettings, Heritage
from .rack_spec import RackSpec

# Not a fork: threads and PortAudio do not survive one.
_SPAWN = multiprocessing.get_context("spawn")


class EngineChild:
    """One process of the engine, as its parent holds it, and the pipe to it.

    Args:
        settings: what to play.
        heritage: of the process before it.
        telemetry_name: of the block to write to.

    Attributes:
        process: the process.
        pipe: this end.
        is_ready: it plays.
        words: why it ends, as it says.
        device_is_at_fault: of that.
    """

    def __init__(self, settings: EngineSettings, heritage: Heritage, telemetry_name: str) -> None:
        self.is_ready, self._is_open = False, True
        self.words, self.device_is_at_fault = "", False
        self.pipe, theirs = _SPAWN.Pipe()
        self._sending = threading.Lock()
        # Another number than 0, which the child closes at its start.
        sound = _duplicate_of_standard_input() if settings.input == PIPE else None
        arguments = (settings, heritage, telemetry_name, theirs, sound, os.getpid())
        self.process = _SPAWN.Process(target=run_child, args=arguments, name="advsep-engine", daemon=True)
        try:
            with _bare_main():
                self.process.start()
        finally:
            theirs.close()
            if sound is not None:
                os.close(sound.descriptor)

    @property
    def process_id(self) -> int | None:
        """Of the process."""
        return self.process.pid

    @property
    def news(self) -> list[Any]:
        """What `multiprocessing.connection.wait` waits for: messages, or the end."""
        return [self.process.sentinel, self.pipe] if self._is_open else [self.process.sentinel]

    def send(self, command: str, *arguments: Any) -> None:
        """Never fails: that a process has ended is noticed elsewhere."""
        with self._sending, contextlib.suppress(OSError, ValueError):
            self.pipe.send((command, *arguments))

    def messages(self) -> Generator[tuple[Any, ...]]:
        """Those that have come."""
        try:
            while self._is_open and self.pipe.poll():
                yield self.pipe.recv()
        except (EOFError, OSError):
            self._is_open = False

    def kill(self, words: str) -> None:
        """End it, and say why."""
        self.words = self.words or words
        self.process.kill()
        self.process.join(0.5)

    def close(self) -> None:
        """After its end."""
        self.pipe.close()
        with contextlib.suppress(ValueError):  # not quite ended: a zombie is left to the system
            self.process.close()


class Requests:
    """What was asked of an engine and has not been answered yet."""

    def __init__(self) -> None:
        self._lock, self._numbers = threading.Lock(), itertools.count(1)
        self._open: dict[int, tuple[Future[None], dict[str, Any]]] = {}

    def add(self, future: Future[None], changes: dict[str, Any]) -> int:
        """Returns the number under which the answer comes."""
        future.set_running_or_notify_cancel()  # no longer to be cancelled: it is under way
        with self._lock:
            number = next(self._numbers)
            self._open[number] = future, changes
        return number

    def take(self, number: int) -> tuple[Future[None], dict[str, Any]]:
        """One that is answered."""
        with self._lock:
            return self._open.pop(number)

    def edit_racks(self, edit: Callable[[RackSpec], RackSpec]) -> None:
        """Have levels that were changed meanwhile outlast racks that are on their way."""
        with self._lock:
            for _, changes in self._open.values():
                if "rack" in changes:
                    changes["rack"] = edit(changes["rack"])

    def fail_all(self) -> None:
        """Nobody will answer any more."""
        with self._lock:
            futures = [future for future, _ in self._open.values()]
            self._open.clear()
        for future in futures:
            future.set_exception(EngineError("the engine ended before it was done; try again"))


def keep_interrupts_away() -> None:
    """In the thread that starts processes: they inherit that Ctrl-C is not for them, from their first moment on."""
    if sys.platform != "win32":
        resource_tracker.ensure_running()  # now, for it undoes this where it starts
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def exit_words(code: int) -> str:
    """How a process ended, by its exit code."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by signal {-code}, {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _duplicate_of_standard_input() -> StandardInput | None:
    """None where it is closed."""
    try:
        return StandardInput(os.dup(0))
    except OSError:
        return None


@contextlib.contextmanager
def _bare_main() -> Generator[None]:
    """Keep the child from importing the program's main module: it may load Qt, or start the program again."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
