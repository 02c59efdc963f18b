"""The engine seen from the program that wants sound: another process, started, watched, and started again.

Importing this costs next to nothing; what plays is loaded in the engine's process only.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import replace
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any

from .engine_child import EngineChild, exit_words, keep_interrupts_away
from .engine_commands import EngineCommands
from .engine_main import EXIT_DEVICE_GONE, EXIT_REFUSED
from .engine_settings import PIPE, EngineError, EngineSettings, Heritage, counters_of
from .status import EngineStatus
from .telemetry import Telemetry

FIRST_START_S = 180.0  # the first one on a machine compiles
STOP_S = 1.2  # then it is killed
HUNG_S = 12.0  # without a heartbeat; a device that does not open takes some seconds to say so
MOST_CRASHES, CRASHES_WITHIN_S = 5, 30.0
RETRY_S = 1.0
_POLL_S = 0.2


class EngineProcess(EngineCommands):
    """An engine in a process of its own, kept running until `stop`.

    Commands may be given from any thread, return at once and outlast crashes; `status` is to be asked
    as often as a display likes. As a context manager it starts and stops.

    Args:
        settings: what to play.

    Attributes:
        telemetry: shared memory for meters, pictures and recorders; another process attaches to it by name.

    Raises:
        TelemetryError: there is no room for it.
    """

    def __init__(self, settings: EngineSettings) -> None:
        super().__init__(settings)
        self._heritage = Heritage()
        self._crashes: deque[float] = deque(maxlen=MOST_CRASHES)
        self._started: Future[None] = Future()
        self._last = EngineStatus(state="starting", model=settings.model)
        self._watcher = threading.Thread(target=self._watch, name="advsep-engine-watch", daemon=True)
        self.telemetry = Telemetry.create()
        self._is_open = True
        # Before Python waits, for ever, for the processes that are left.
        atexit.register(self.stop)

    def __enter__(self) -> EngineProcess:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and return when it plays.

        Raises:
            EngineError: it cannot, in the engine's words.
        """
        self._watcher.start()
        try:
            self._started.result(FIRST_START_S)
        except TimeoutError:
            self.stop()
            raise EngineError(
                f"the engine: expected it to play within {FIRST_START_S:g} s, but it is still loading; "
                "close other programs and start again"
            ) from None
        except BaseException:
            self.stop()
            raise

    @property
    def process_id(self) -> int | None:
        """Of the engine's process, while there is one."""
        with self._lock:
            return None if self._child is None else self._child.process_id

    def status(self) -> EngineStatus:
        """What it said last; after `stop`, its last word."""
        with self._lock:
            if self._is_open:
                self._last = self.telemetry.status() or self._last
            return self._last

    def stop(self) -> None:
        """Fade out and end, or be ended, within 2 s; nothing is left behind. More than once is fine."""
        atexit.unregister(self.stop)
        self._stopping.set()
        with self._lock:
            if self._child is not None:
                self._child.send("stop")
        if self._watcher.is_alive():
            self._watcher.join()
        with self._lock:
            self.status()
            if self._is_open:
                self._is_open = False
                self.telemetry.unlink()
                self.telemetry.close()

    def _watch(self) -> None:
        """The thread that starts processes and sees them end."""
        error: EngineError | None = None
        try:
            keep_interrupts_away()
            while error is None and not self._stopping.is_set():
                error = self._live_once()
        except Exception as unexpected:
            why = f"{type(unexpected).__name__}: {unexpected}"
            error = EngineError(f"the engine can no longer be watched ({why}); start it again")
        self._is_over.set()
        self._requests.fail_all()
        if not self._started.done():
            self._started.set_exception(error or EngineError("the engine was stopped before it played; start again"))
        elif error is not None:
            self._publish(state="failed", note=str(error))

    def _live_once(self) -> EngineError | None:
        """One process from its start to its end; returns why there shall be no other, if so."""
        with self._lock:
            self._relaunching.clear()
            self._child = child = EngineChild(self._settings, self._heritage, self.telemetry.name)
        code = self._attend(child)
        with self._lock:
            self._child = None
        child.close()
        self._requests.fail_all()
        if self._stopping.is_set() or self._relaunching.is_set():
            return None
        if not self._started.done():
            return EngineError(child.words or f"the engine ended before it played ({exit_words(code)}); start again")
        device_is_at_fault = code == EXIT_DEVICE_GONE or (code == EXIT_REFUSED and child.device_is_at_fault)
        self._inherit(restarts=int(child.is_ready or not device_is_at_fault))
        if not device_is_at_fault:
            return self._recover(child.words or exit_words(code))
        # A crash may be how PortAudio takes the end of a server; what is looked for then is what played last.
        words = f"device '{self._last.device}' has gone; waiting for it" if code == EXIT_REFUSED else child.words
        return self._await_device(words)

    def _attend(self, child: EngineChild) -> int:
        """Until the process has ended, of itself or because it had to; returns its exit code."""
        stop_by_s: float | None = None
        while child.process.is_alive():
            wait(child.news, _POLL_S)
            for message in child.messages():
                self._take(child, message)
            if stop_by_s is None and (self._stopping.is_set() or self._relaunching.is_set()):
                stop_by_s = time.monotonic() + STOP_S
            patience_s = HUNG_S if child.is_ready else FIRST_START_S
            if self._started.done() and self.telemetry.silent_s > patience_s:
                child.kill(f"it did not answer for {patience_s:g} s")
            if stop_by_s is not None and time.monotonic() > stop_by_s:
                child.kill("it did not stop")
        for message in child.messages():
            self._take(child, message)
        return child.process.exitcode or 0

    def _take(self, child: EngineChild, message: tuple[Any, ...]) -> None:
        match message:
            case ("ready",):
                with self._lock:
                    child.is_ready = True
                    self._heritage = replace(self._heritage, awaited=None)
                    child.send("levels", self._settings.levels)  # what was said while it started
                if not self._started.done():
                    self._started.set_result(None)
            case ("refused", words, device_is_at_fault):
                child.words, child.device_is_at_fault = words, device_is_at_fault
            case ("gone" | "broken", words):
                child.words = words
            case ("done", number, error):
                self._answer(number, error)
            case _:
                raise ValueError(f"unexpected message {message}")

    def _answer(self, number: int, error: str | None) -> None:
        future, changes = self._requests.take(number)
        if error is not None:
            future.set_exception(EngineError(error))
            return
        with self._lock:
            self._settings = replace(self._settings, **changes)
            self._send_levels()  # what was changed meanwhile
        future.set_result(None)

    def _inherit(self, restarts: int) -> None:
        """What the next process goes on with: position, time left, counters."""
        with self._lock:
            last, before = self.status(), self._settings
            position_s = last.position_s if last.hops else before.start_s
            left_s = None if before.seconds is None else max(0.0, before.seconds - last.heard_s)
            self._settings = replace(before, start_s=position_s, seconds=left_s)
            self._heritage = replace(
                self._heritage, restarts=self._heritage.restarts + restarts, counters=counters_of(last)
            )

    def _await_device(self, words: str) -> None:
        note = self._heritage.awaited or words
        self._heritage = replace(self._heritage, awaited=note)
        self._publish(state="waiting", note=note, restarts=self._heritage.restarts)
        self._stopping.wait(RETRY_S)

    def _recover(self, words: str) -> EngineError | None:
        """Start again, unless that has not helped."""
        now_s = time.monotonic()
        self._crashes.append(now_s)
        if self._settings.input == PIPE:
            return EngineError(f"the engine ended ({words}), and standard input cannot be read again; start again")
        if len(self._crashes) == MOST_CRASHES and now_s - self._crashes[0] < CRASHES_WITHIN_S:
            return EngineError(
                f"the engine ended {MOST_CRASHES} times within {CRASHES_WITHIN_S:g} s, at last: {words}; "
                "choose another device or model and start again"
            )
        note = f"the engine ended ({words}); starting it again"
        self._publish(state="starting", note=note, restarts=self._heritage.restarts)
        return None

    def _publish(self, **changes: Any) -> None:
        """In the name of a process that is no more."""
        with self._lock:
            self._last = replace(self.status(), **changes)
            if self._is_open:
                self.telemetry.publish(self._last)
