"""How every program of ours ends: exit codes, and one line instead of a traceback."""

from __future__ import annotations

import os
import signal
import sys
import threading
import types
from typing import TYPE_CHECKING, Any, NoReturn

from .errors import AdvsepError

if TYPE_CHECKING:
    import typer

_asked = threading.Event()

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


def run_program(name: str, app: typer.Typer) -> None:
    """Run a typer app and exit.

    An `AdvsepError` and a wrong option become one line on standard error and exit code 2, Ctrl-C
    and SIGTERM exit code 130, a reader that went away (`| head`) a quiet end.

    Args:
        name: of the program, put before the message.
        app: the app.
    """
    # A program that is asked to go (logout, service stop) cleans up as after Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where a parent wants it ignored
        signal.signal(signal.SIGINT, _interrupt)
    _asked.clear()
    try:
        code = app(standalone_mode=False, prog_name=name)
        sys.stdout.flush()  # here, where a closed pipe is caught
        sys.exit(code)
    except AdvsepError as error:
        _complain(name, str(error))
    except _usage_errors() as error:
        _complain(name, f"{error.format_message().rstrip('.')}; see {name} --help")
    except KeyboardInterrupt:
        _stop(name)
    except BrokenPipeError:
        # Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception:
        # A Ctrl-C within the import of a compiled module comes out as an ImportError or a SystemError.
        if not _asked.is_set():
            raise
        _stop(name)


def check_interrupt() -> None:
    """For loops that wait: a Ctrl-C that came where Python drops exceptions (a callback, a finaliser) counts after all.

    Raises:
        KeyboardInterrupt: there was one.
    """
    if _asked.is_set():
        _asked.clear()
        raise KeyboardInterrupt


def _interrupt(number: int, frame: types.FrameType | None) -> NoReturn:
    _asked.set()
    raise KeyboardInterrupt


def _stop(name: str) -> NoReturn:
    print(f"{name}: stopped", file=sys.stderr)
    sys.exit(EXIT_INTERRUPTED)


def _complain(name: str, message: str) -> NoReturn:
    print(f"{name}: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(EXIT_BAD_INPUT)


def _usage_errors() -> Any:
    """The root of the errors about options: click's, which newer typers carry inside themselves."""
    import typer

    return next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
