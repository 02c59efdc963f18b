"""Files that cannot grow, as on a full disk.

Compiled modules are not written meanwhile: Python 3.11 would leave them cut short, for all who import them later.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator

import pytest

_LIMITED = """
import os, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit_bytes = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
os.execvp(sys.argv[2], sys.argv[2:])
"""


def on_a_full_disk(limit_bytes: int, *command: object) -> list[str]:
    """The command line that runs `command` with no file longer than `limit_bytes`.

    By a program between, not by `preexec_fn`, which runs Python in the fork of a process with threads.
    """
    return [sys.executable, "-c", _LIMITED, str(limit_bytes), *map(str, command)]


@contextlib.contextmanager
def full_disk(limit_bytes: int) -> Generator[None]:
    """No file of this process grows beyond `limit_bytes`: the kernel refuses."""
    resource = pytest.importorskip("resource")
    limits, wrote_none = resource.getrlimit(resource.RLIMIT_FSIZE), sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        sys.dont_write_bytecode = wrote_none
