"""How every program of ours ends: exit codes, and one line instead of a traceback."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from .errors import AdvsepError

if TYPE_CHECKING:
    import typer

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


def run_program(name: str, app: typer.Typer) -> None:
    """Run a typer app and exit.

    An `AdvsepError` becomes one line on standard error and exit code 2, Ctrl-C exit code 130, a
    reader that went away (`| head`) a quiet end.

    Args:
        name: of the program, put before the message.
        app: the app.
    """
    try:
        code = app(standalone_mode=True, prog_name=name)
        sys.exit(code)
    except AdvsepError as error:
        print(f"{name}: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        print(f"{name}: stopped", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
