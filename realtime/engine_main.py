"""The engine's process from its first line to its last: quiet, deaf to the terminal, and never an orphan."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import DupFd
from types import FrameType
from typing import Any, NoReturn

from .engine_settings import EngineSettings, Heritage
from .errors import AdvsepError
from .telemetry import Telemetry

LOG_VARIABLE = "ADVSEP_ENGINE_LOG"  # a file that what the process prints is added to, instead of nowhere
PR_SET_PDEATHSIG = 1

# How the process ends; anything else is a crash.
EXIT_STOPPED, EXIT_REFUSED, EXIT_DEVICE_GONE, EXIT_WORKER = 0, 64, 65, 66


class StandardInput:
    """The parent's standard input on its way to the child, whose own is empty."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __reduce__(self) -> Any:
        return _receive, (DupFd(self.descriptor),)


def _receive(duplicate: Any) -> StandardInput:
    return StandardInput(duplicate.detach())


def run_child(
    settings: EngineSettings,
    heritage: Heritage,
    telemetry_name: str,
    pipe: Connection,
    standard_input: StandardInput | None,
    parent_id: int,
) -> NoReturn:
    """Everything the engine's process does; ends it.

    Sends `(what, …)` to the parent: `ready`; `refused` with a message and whether a device is at fault;
    `gone` with a message; `broken` with a message; `done` with a request's number and a message or None.

    Args:
        settings: what to play.
        heritage: of the process before it.
        telemetry_name: of the parent's block.
        pipe: commands come in, messages go out.
        standard_input: where the input is `-`.
        parent_id: of the process that must not be outlived.
    """
    _be_quiet()
    telemetry = Telemetry.attach(telemetry_name)
    _die_with_parent(parent_id, telemetry)
    code = EXIT_WORKER
    try:
        code = _run(settings, heritage, telemetry, pipe, standard_input)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        telemetry.unlink()  # the parent has gone
    except BaseException as error:
        _print_traceback()
        with contextlib.suppress(OSError):
            pipe.send(("broken", f"{type(error).__name__}: {error}"))
    # At once: PortAudio's farewell may never end, and there is nothing else to say goodbye to.
    os._exit(code)


def _run(
    settings: EngineSettings,
    heritage: Heritage,
    telemetry: Telemetry,
    pipe: Connection,
    standard_input: StandardInput | None,
) -> int:
    from .engine_host import EngineHost
    from .stream import DeviceError

    descriptor = standard_input.descriptor if standard_input is not None else None
    try:
        return EngineHost(settings, heritage, telemetry, pipe, descriptor).run()
    except AdvsepError as error:
        pipe.send(("refused", str(error), isinstance(error, DeviceError)))
        return EXIT_REFUSED


def _be_quiet() -> None:
    """What libraries print must not get between the lines of the parent's display."""
    faulthandler.disable()
    for name in ("SIGINT", "SIGHUP", "SIGQUIT"):  # the terminal's; the parent decides
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    log = os.environ.get(LOG_VARIABLE)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT if log else os.O_WRONLY
    nowhere = os.open(log or os.devnull, flags, 0o600)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _die_with_parent(parent_id: int, telemetry: Telemetry) -> None:
    """Have this process end, and the shared memory go, as soon as the parent is no more."""

    def leave() -> NoReturn:
        telemetry.unlink()
        os._exit(EXIT_STOPPED)

    def orphaned(number: int, frame: FrameType | None) -> None:
        if os.getppid() != parent_id:  # else somebody asks all of the parent's processes to go: the parent decides
            leave()

    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            wait([parent.sentinel])
            leave()

    if sys.platform != "win32":
        signal.signal(signal.SIGTERM, orphaned)
    if sys.platform == "linux":
        # Also where another process still holds the other end of what `watch` waits for.
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent_id:
            leave()
    threading.Thread(target=watch, name="advsep-orphan", daemon=True).start()


def _print_traceback() -> None:
    """For who asked for a log; nobody else sees it."""
    import traceback

    traceback.print_exc()
    sys.stderr.flush()
