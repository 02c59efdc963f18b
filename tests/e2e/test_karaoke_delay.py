"""A device pair's delay measured through real PortAudio, on JACK's dummy driver led back to itself."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.alone

MEASURE = """
import json, sys
from advsep.realtime.device import find_device
from advsep.realtime.karaoke.delay_measurement import measure_delay

device = find_device("system", "input")
found = measure_delay(device, device, bursts=4, through_patchbay=True, apart=sys.argv[1] == "apart" or None)
print(json.dumps([found.delay_s * found.rate_hz, found.spread_s, found.found.agreeing, found.period_samples]))
"""


def measured(jack: Any, how: str) -> list[Any]:
    command = [sys.executable, "-c", MEASURE, how]
    done = subprocess.run(command, env=jack.environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_delay_of_jack_is_its_period(jack: Any) -> None:
    assert measured(jack, "together") == [pytest.approx(256), 0.0, 4, 256]
    # Two streams, as if of two devices: a bridge between their clocks keeps what it declares within 1 ms, unless the
    # machine itself stood still just then; so one quiet measurement of three is asked for.
    wanted = [pytest.approx(256, abs=0.0015 * 44100), pytest.approx(0.0, abs=0.001), 4, 256]
    seen: list[list[Any]] = []
    while len(seen) < 3 and wanted not in seen:
        seen.append(measured(jack, "apart"))
    assert wanted in seen, seen
