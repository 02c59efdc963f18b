"""A program whose files cannot grow, as on a full disk."""

from __future__ import annotations

import sys

_LIMITED = """
import os, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit_bytes = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
os.execvp(sys.argv[2], sys.argv[2:])
"""


def on_a_full_disk(limit_bytes: int, *command: object) -> list[str]:
    """The command line that runs `command` with no file longer than `limit_bytes`.

    By a program between, not by `preexec_fn`, which runs Python in the fork of a process with threads.
    """
    return [sys.executable, "-c", _LIMITED, str(limit_bytes), *map(str, command)]
