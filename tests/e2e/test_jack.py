"""Playing through real PortAudio on JACK's dummy driver, where there is no sound card."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

PROGRAM = Path(sys.executable).parent / "advsep-live"

pytestmark = pytest.mark.skipif(shutil.which("jackd") is None, reason="jackd is not installed")


def play(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def jack() -> Iterator[tuple[dict[str, str], subprocess.Popen[bytes]]]:
    """A JACK server of our own at 44.1 kHz, 256 frames a period, and the environment that leads to it."""
    name = f"advsep-{os.getpid()}"
    environment = {**os.environ, "JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1"}
    server = subprocess.Popen(
        ["jackd", "-r", "-n", name, "-d", "dummy", "-r", "44100", "-p", "256"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    listing = ""
    for _ in range(50):
        time.sleep(0.2)
        listing = play(environment, "--list-devices").stdout
        if "JACK" in listing:
            break
    assert "system" in listing, "JACK's dummy device is not listed"
    yield environment, server
    server.terminate()
    server.wait(10)


@pytest.mark.parametrize("output", ["auto", "speakers", "system"])
def test_plays_at_the_pace_of_the_device(
    jack: tuple[dict[str, str], subprocess.Popen[bytes]], output: str, tmp_path: Path
) -> None:
    done = play(jack[0], "-i", "demo", "-o", output, "--seconds", "3", "--record", str(tmp_path / "r"), "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    # The device's buffers are filled ahead, so the worker may end a little before the sound.
    assert 0.8 < summary["real_time_factor"] < 1.3
    # The latency is two hops more, the last one may be a part of a hop.
    assert summary["hops"] == pytest.approx(3 * 44100 / 256 + 2, abs=1)
    assert summary["seconds"] == 3.0
    assert soundfile.info(tmp_path / "r" / "vocals.wav").frames == 3 * 44100


def test_a_device_that_goes_away_ends_in_one_line(
    jack: tuple[dict[str, str], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    environment, server = jack
    playing = subprocess.Popen(
        [PROGRAM, "-i", "demo", "-o", "speakers", "--record", str(tmp_path / "r")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(8)
    server.kill()
    _, said = playing.communicate(timeout=60)
    assert playing.returncode == 2, said
    lines = [line for line in said.splitlines() if line.startswith("advsep-live:")]
    assert len(lines) == 1
    assert "system" in lines[0]
    # What was recorded until then is kept, whole and readable.
    stems = [soundfile.info(tmp_path / "r" / f"{name}.wav") for name in ("vocals", "accompaniment")]
    assert stems[0].frames == stems[1].frames > 44100
    assert "Traceback" not in said
