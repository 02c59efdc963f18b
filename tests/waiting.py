"""Waiting for what happens elsewhere, for tests that have to."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def until(condition: Callable[[], bool], timeout_s: float = 60.0, what: str = "waited in vain") -> float:
    """Wait; returns how long it took, s."""
    began_s = time.perf_counter()
    while not condition():
        assert time.perf_counter() - began_s < timeout_s, what
        time.sleep(0.005)
    return time.perf_counter() - began_s


def is_running(pid: int) -> bool:
    """Whether a process is there and not only its exit code."""
    try:
        return "Z (zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
