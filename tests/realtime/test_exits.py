"""How programs end."""

from __future__ import annotations

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
    run = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == code
    assert run.stderr.splitlines()[-1] == last
    assert ("Traceback" in run.stderr) == (code == 1)
