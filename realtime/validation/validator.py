"""Validate a plugin: the parent's side, which outlives whatever the plugin does.

All checks are made in one process, which is started anew for the remaining ones when it crashes or hangs.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from .checks import CHECKS, Check
from .target import find_target

LIMIT_S = 60.0
_START_S = 60.0  # for Python and NumPy, on a busy machine
_GRACE_S = 2.0  # by which a child ends itself before it is ended
_MOST_CRASHES = 3
_MOST_OUTPUT = 200  # characters of what a plugin prints


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one check ended.

    Attributes:
        check: its name.
        level: from which on it is made.
        status: `skipped` where it was not made, and `reason` says why.
        reason: what was expected and what was found, where it failed.
        warnings: what is no failure.
        seconds: that it took.
    """

    check: str
    level: int
    status: Literal["ok", "failed", "skipped"]
    reason: str = ""
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0


def validate(target: str, level: int, limit_s: float = LIMIT_S) -> Generator[Outcome]:
    """Check a plugin, telling each outcome as it comes.

    Args:
        target: a registered name, `module:Class` or `file.py:Class`.
        level: 1 to 10.
        limit_s: longest time of one check.

    Raises:
        PluginError: there is no such plugin.
    """
    target = find_target(target)
    left = [each for each in CHECKS if each.level <= level]
    crashes = 0
    why = ""
    while left and not why:
        with contextlib.closing(_Child(target, left, limit_s).outcomes()) as outcomes:
            for outcome, crashed in outcomes:
                yield outcome
                left = left[1:]
                crashes += crashed
                if outcome.status == "failed" and outcome.level == 1:
                    why = f"as '{outcome.check}' failed"
                elif crashes >= _MOST_CRASHES:
                    why = f"as the plugin crashed or hung {crashes} times"
                if why:
                    break
    yield from (Outcome(each.name, each.level, "skipped", why) for each in left)


class _Child:
    """One process that checks a plugin.

    Args:
        target: the plugin.
        checks: to make, in order.
        limit_s: of each.
    """

    def __init__(self, target: str, checks: Sequence[Check], limit_s: float) -> None:
        self._checks, self._limit_s = checks, limit_s
        names = [each.name for each in checks]
        self._order = json.dumps({"target": target, "folder": os.getcwd(), "checks": names, "limit_s": limit_s})

    def outcomes(self) -> Generator[tuple[Outcome, bool]]:
        """Of the checks, as far as the process comes, and whether it ended with this one."""
        # -P: modules in the present folder do not stand in for the library's.
        command = [sys.executable, "-P", "-m", f"{__package__}.child", self._order]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "printed"
            with path.open("ab") as sink, path.open("rb") as printed:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=sink,
                    cwd=folder,
                    env=_environment(),
                )
                try:
                    yield from self._listen(process, printed)
                finally:
                    process.kill()
                    process.wait()

    def _listen(self, process: subprocess.Popen[bytes], printed: IO[bytes]) -> Generator[tuple[Outcome, bool]]:
        lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=_pass_on, args=(process.stdout, lines), daemon=True).start()
        begun, where, said = False, "", set[str]()
        for check in self._checks:
            while True:
                message = _next(lines, (self._limit_s if begun else _START_S) + _GRACE_S)
                if message is None:  # it ended, or will not
                    text = printed.read().decode(errors="replace")
                    yield _lost(check, process, text, where, self._limit_s), True
                    return
                begun, where = True, message.get("at", "" if "begin" in message else where)
                if message.get("end") == check.name:
                    break
            noted = [*message["warnings"], *_prints(printed.read().decode(errors="replace"), said)]
            status = "failed" if message["reason"] else "ok"
            ended = Outcome(check.name, check.level, status, message["reason"], tuple(noted), message["seconds"])
            yield ended, False


def _pass_on(stream: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    """Lines as they come, and b"" at the end."""
    with stream:
        for line in stream:
            lines.put(line)
    lines.put(b"")


def _next(lines: queue.SimpleQueue[bytes], limit_s: float) -> dict[str, Any] | None:
    try:
        line = lines.get(timeout=limit_s)
    except queue.Empty:
        return None
    return json.loads(line) if line else None


def _lost(check: Check, process: subprocess.Popen[bytes], text: str, at: str, limit_s: float) -> Outcome:
    """A check that did not come to its end."""
    hangs = "Timeout (" in text
    try:
        code = process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        hangs, code = True, 0
    where = _place(text) + (f", after it was prepared for {at}" if at else "")
    if hangs:
        reason = f"hangs: still busy after {limit_s:g} s{where}"
    elif code < 0:
        reason = f"crashes the process with {_signal_name(-code)}{where}"
    else:
        reason = f"ends the process with exit code {code}{where}"
    printed = re.split(r"Timeout \(|Fatal Python error", text)[0]
    return Outcome(check.name, check.level, "failed", reason, tuple(_prints(printed, set())), limit_s if hangs else 0.0)


def _place(text: str) -> str:
    """Where the main thread was, by faulthandler's words; it comes last, its innermost call first."""
    threads = re.split(r"^(?:Current thread|Thread) 0x.*$", text, flags=re.MULTILINE)
    found = re.search(r'File "([^"]*)", line (\d+) in (\S+)', threads[-1]) if len(threads) > 1 else None
    return f", in {found[3]} ({os.path.basename(found[1])}:{found[2]})" if found else ""


def _prints(text: str, said: set[str]) -> list[str]:
    """A warning of what was printed, lines that were `said` before left out."""
    new = [line for line in dict.fromkeys(text.splitlines()) if line.strip() and line not in said]
    said.update(new)
    words = " ".join(" ".join(new).split())
    return [f"prints: {words[:_MOST_OUTPUT]}{'…' if len(words) > _MOST_OUTPUT else ''}"] if words else []


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _environment() -> dict[str, str]:
    """Ours, for another folder."""
    paths = [os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}
