"""The engine's process on a real PortAudio stream, when it, its program or the sound server is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from advsep.realtime.engine_settings import EngineSettings
from advsep.realtime.errors import AdvsepError
from advsep.realtime.process import EngineProcess
from advsep.realtime.rack_text import parse_rack
from waiting import is_running, until

pytestmark = pytest.mark.alone


@pytest.fixture
def engine(jack: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineProcess]:
    """Plays what comes in on the server's own device, on that device."""
    for name, value in jack.environment.items():
        monkeypatch.setenv(name, value)
    made = EngineProcess(EngineSettings(input="mic", output="speakers", rack=parse_rack("vocals[gain_db=-12]:")))
    made.start()
    yield made
    made.stop()
    assert list(Path("/dev/shm").glob(f"advsep-{os.getpid()}-*")) == []


def plays_on(engine: EngineProcess) -> bool:
    """Whether the device calls and what is heard moves on."""
    before = engine.status()
    time.sleep(0.3)
    after = engine.status()
    return after.state == "playing" and after.position_s > before.position_s and after.hops > before.hops


def test_it_plays_on_the_device(engine: EngineProcess) -> None:
    status = engine.status()
    assert (status.rate_hz, status.period_samples) == (44100, 256)
    assert status.latency_samples == 512
    assert status.device == "system"
    until(lambda: plays_on(engine))


def test_a_killed_engine_plays_on_the_device_again(engine: EngineProcess) -> None:
    until(lambda: plays_on(engine))
    pid, position_s = engine.process_id, engine.status().position_s
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert until(lambda: engine.status().state == "starting") < 1
    until(lambda: plays_on(engine))
    status = engine.status()
    assert status.restarts == 1
    assert status.gains_db["vocals"] == -12.0
    assert status.position_s > position_s


def test_the_sound_comes_back_with_the_server(engine: EngineProcess, jack: Any) -> None:
    until(lambda: plays_on(engine))
    engine.set_muted(["accompaniment"])
    jack.kill()
    assert until(lambda: engine.status().state == "waiting") < 3
    assert engine.status().note == "device 'system' has gone; waiting for it"
    engine.set_gain_db("vocals", -3.0)
    time.sleep(4)
    assert engine.status().state == "waiting"
    assert engine.status().note == "device 'system' has gone; waiting for it"
    pid, position_s = engine.process_id, engine.status().position_s
    assert pid is not None
    jack.start()
    until(lambda: plays_on(engine))
    status = engine.status()
    assert status.restarts == 1
    assert status.note == ""
    assert status.gains_db["vocals"] == -3.0
    assert status.muted == ("accompaniment",)
    assert status.position_s > position_s


def test_another_device_ends_the_wait(engine: EngineProcess, jack: Any) -> None:
    until(lambda: plays_on(engine))
    jack.kill()
    until(lambda: engine.status().state == "waiting")
    time.sleep(2)
    engine.change_devices("null", "null").result(1)
    until(lambda: plays_on(engine))
    assert engine.status().device == "null"


def test_it_can_be_stopped_while_it_waits(engine: EngineProcess, jack: Any) -> None:
    jack.kill()
    until(lambda: engine.status().state == "waiting")
    began_s = time.perf_counter()
    engine.stop()
    assert time.perf_counter() - began_s < 2
    assert engine.process_id is None


def test_it_is_an_error_that_a_device_is_not_there_at_first(jack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in jack.environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(AdvsepError, match="no output device 'nothing of that name'"):
        EngineProcess(EngineSettings(input="null", output="nothing of that name")).start()


PROGRAM = """
import time
from advsep.realtime.engine_settings import EngineSettings
from advsep.realtime.process import EngineProcess
from advsep.realtime.rack_text import parse_rack
engine = EngineProcess(EngineSettings(input="mic", output="speakers"))
engine.start()
print(engine.process_id, engine.telemetry.name, flush=True)
time.sleep(60)
"""


def test_a_killed_program_takes_its_engine_with_it(jack: Any) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env=jack.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    pid, name = program.stdout.readline().split()
    assert Path("/dev/shm", name).exists()
    program.kill()
    assert until(lambda: not is_running(int(pid))) < 2
    assert not Path("/dev/shm", name).exists()
    assert program.communicate(timeout=10) == ("", "")
