"""How programs end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, typer
from advsep.realtime.exits import run_program

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

@app.command()
def go(interrupted: bool = False) -> None:
    if interrupted:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:  # as a compiled module does while it is imported
            raise ImportError("numpy._core.multiarray failed to import")
    raise ImportError("no such module")

run_program("prog", app)
"""


@pytest.mark.parametrize(
    ("option", "code", "last"),
    [("--interrupted", 130, "prog: stopped"), ("--no-interrupted", 1, "ImportError: no such module")],
)
def test_an_error_that_a_ctrl_c_turned_into_is_the_ctrl_c(option: str, code: int, last: str) -> None:
    program = [sys.executable, "-c", PROGRAM, option]
    # A background shell's jobs ignore Ctrl-C; this one must not.
    run = subprocess.run(
        program,
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert run.returncode == code
    assert run.stderr.splitlines()[-1] == last
    assert ("Traceback" in run.stderr) == (code == 1)
