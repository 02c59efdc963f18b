"""Twenty seconds of benchmarks/soak.py: everything at once, on whatever machine this is; not that nothing is missed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.alone

SOAK = Path(__file__).parents[2] / "benchmarks/soak.py"


def test_twenty_seconds_beside_a_busy_desktop() -> None:
    pytest.importorskip("PySide6")
    if shutil.which("jackd") is None:
        pytest.skip("jackd is not installed")
    done = subprocess.run(
        [sys.executable, SOAK, "--seconds", "20"], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    counted = re.search(r"(\d+) s · (\d+) hops · misses (\d+) · skipped (\d+) .* restarts (\d+)", done.stdout)
    timed = re.search(r"max ([\d.]+) ms of ([\d.]+) ms", done.stdout)
    drawn = re.search(r"drawn ([\d.]+) times a second", done.stdout)
    assert counted, done.stdout
    assert timed, done.stdout
    assert drawn, done.stdout
    seconds, hops, misses, skipped, restarts = map(int, counted.groups())
    assert restarts == 0
    assert seconds >= 19
    assert hops + skipped == pytest.approx(seconds * 44100 / 256, rel=0.06)
    assert float(drawn[1]) > 10
    # A hop that took longer than it lasts cannot have been there in time, and what was left out was missed before.
    slowest_ms, hop_ms = map(float, timed.groups())
    assert misses >= skipped
    assert misses > 0 or slowest_ms < hop_ms
