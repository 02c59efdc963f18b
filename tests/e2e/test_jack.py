"""Playing through real PortAudio on JACK's dummy driver, where there is no sound card."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import soundfile

PROGRAM = Path(sys.executable).parent / "advsep-live"


def play(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("output", ["auto", "speakers", "system"])
def test_plays_at_the_pace_of_the_device(jack: Any, output: str, tmp_path: Path) -> None:
    done = play(
        jack.environment, "-i", "demo", "-o", output, "--seconds", "3", "--record", str(tmp_path / "r"), "--json"
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    # The device's buffers are filled ahead, so the worker may end a little before the sound.
    assert 0.8 < summary["real_time_factor"] < 1.3
    # The latency is two hops more, the last one may be a part of a hop.
    assert summary["hops"] == pytest.approx(3 * 44100 / 256 + 2, abs=1)
    assert summary["seconds"] == 3.0
    assert soundfile.info(tmp_path / "r" / "vocals.wav").frames == 3 * 44100


def test_a_device_that_goes_away_ends_in_one_line(jack: Any, tmp_path: Path) -> None:
    playing = subprocess.Popen(
        [PROGRAM, "-i", "demo", "-o", "speakers", "--record", str(tmp_path / "r")],
        env=jack.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(8)
    jack.kill()
    _, said = playing.communicate(timeout=60)
    assert playing.returncode == 2, said
    lines = [line for line in said.splitlines() if line.startswith("advsep-live:")]
    assert len(lines) == 1
    assert "system" in lines[0]
    # What was recorded until then is kept, whole and readable.
    stems = [soundfile.info(tmp_path / "r" / f"{name}.wav") for name in ("vocals", "accompaniment")]
    assert stems[0].frames == stems[1].frames > 44100
    assert "Traceback" not in said
