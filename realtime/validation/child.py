"""The process in which a plugin is checked: it may crash, hang and print, and its parent learns how far it came.

    python -m advsep.realtime.validation.child ORDER

ORDER is JSON: `{"target": "eq", "folder": "/home/me", "checks": ["loads"], "limit_s": 60}`. Files that the
plugin writes come to lie in the folder in which this is called; the parent removes it. One line of JSON on
standard output for what begins and ends; whatever else is printed goes to standard error, and so does
the place in the code at which it crashed or was still busy.
"""

from __future__ import annotations

import faulthandler
import gc
import io
import json
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

from ..plugin import Plugin
from .checks import find_check
from .target import load_target
from .trial import Bench, Failed, failing, raised


def main() -> None:
    """Make the checks that the first argument orders."""
    order: dict[str, Any] = json.loads(sys.argv[1])
    with os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8") as told:
        os.dup2(2, 1)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)  # print() stays in order with what C code writes
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops it
        faulthandler.enable()
        kind: type[Plugin] | None = None

        def announce(where: str) -> None:
            told.write(json.dumps({"at": where}) + "\n")

        for name in order["checks"]:
            told.write(json.dumps({"begin": name}) + "\n")
            faulthandler.dump_traceback_later(order["limit_s"], exit=True)
            begin = time.perf_counter()
            kind, reason, noted = _checked(name, order, kind, announce)
            faulthandler.cancel_dump_traceback_later()
            _flush()
            ended = {"end": name, "reason": reason, "warnings": noted, "seconds": time.perf_counter() - begin}
            told.write(json.dumps(ended) + "\n")
            gc.collect()
        told.write('{"done": true}\n')
    os._exit(0)  # not kept by threads that a plugin left


def _checked(
    name: str, order: dict[str, Any], kind: type[Plugin] | None, announce: Callable[[str], None]
) -> tuple[type[Plugin] | None, str, list[str]]:
    """Make one check; the plugin's class, why it failed ("" if it did not), and warnings."""
    noted: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of NumPy about NaN, which the checks look for themselves
        try:
            if kind is None:
                with failing(f"importing {order['target']}"):
                    kind = load_target(order["target"], order["folder"])
            bench = Bench(kind, announce)
            noted = bench.warnings
            find_check(name).run(bench)
        except Failed as failed:
            return kind, str(failed) or "failed", noted
        except BaseException as error:  # whatever a stranger's class does
            return kind, raised(error), noted
    return kind, "", noted


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


if __name__ == "__main__":
    main()
