"""`advsep-live` as a user runs it, through real PortAudio on JACK's dummy driver."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
import soundfile
from advsep.realtime.demo import DemoSong

pytestmark = pytest.mark.alone

PROGRAM = Path(sys.executable).parent / "advsep-live"


def play(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("output", ["auto", "speakers", "system"])
def test_a_song_plays_and_its_stems_are_recorded(jack: Any, output: str, tmp_path: Path, demo_song: DemoSong) -> None:
    take = tmp_path / "r"
    done = play(jack.environment, "-i", "demo", "-o", output, "--seconds", "3", "--record", str(take), "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["state"], summary["seconds"], summary["rate"]) == ("ended", 3.0, 44100)
    assert summary["device"] == "demo to system"
    assert (summary["period_samples"], summary["latency_samples"], summary["hop_samples"]) == (256, 256, 256)
    # The latency is a hop more, and the worker runs ahead.
    assert summary["hops"] == pytest.approx(3 * 44100 / 256 + 1, abs=3)
    assert sorted(summary["files"]) == [str(take / "accompaniment.wav"), str(take / "vocals.wav")]
    stems = [soundfile.read(path, dtype="float32")[0] for path in summary["files"]]
    np.testing.assert_allclose(stems[0] + stems[1], demo_song.mixture[: 3 * 44100], atol=1e-6)


def test_what_comes_in_is_separated_without_an_output(jack: Any) -> None:
    done = play(jack.environment, "-i", "mic", "-o", "null", "--seconds", "3", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["state"], summary["seconds"], summary["device"]) == ("ended", 3.0, "system to null")
    assert (summary["period_samples"], summary["latency_samples"]) == (256, 512)
    assert summary["latency_ms"] == pytest.approx(512e3 / 44100)
    # It goes on for some periods after the last that counts, until the end is noticed.
    assert 0 <= summary["hops"] + summary["skipped_hops"] - 3 * 44100 // 256 <= 60
    assert summary["restarts"] == 0


def test_measured_latency_is_the_declared_one(jack: Any) -> None:
    done = play(jack.environment, "--measure-latency", "--json")
    assert done.returncode == 0, done.stderr
    *shown, last = done.stdout.splitlines()
    found = json.loads(last)
    assert found["engine_samples"] == found["declared_engine_samples"] == 512
    assert found["engine_spread_samples"] == found["round_trip_spread_samples"] == 0
    assert found["round_trip_samples"] == found["period_samples"] == 256
    assert "engine   measured    512 samples   11.61 ms   declared    512 samples   11.61 ms" in shown


class Said:
    """Lines of a program's standard error as they come."""

    def __init__(self, stream: IO[str]) -> None:
        self._lines: Iterator[str] = iter(stream.readline, "")

    def until(self, wanted: Callable[[str], bool]) -> str:
        for line in self._lines:
            if wanted(line):
                return line
        raise AssertionError("the program ended without saying it")


def test_a_device_that_goes_away_is_waited_for(jack: Any, tmp_path: Path) -> None:
    take = tmp_path / "r"
    playing = subprocess.Popen(
        [PROGRAM, "-i", "mic", "-o", "speakers", "--record", str(take)],
        env=jack.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert playing.stderr is not None
    said = Said(playing.stderr)
    while not (take / ".vocals.wav.partial").exists():
        assert playing.poll() is None
        time.sleep(0.05)
    time.sleep(3)
    jack.kill()
    assert said.until(lambda line: "has gone" in line) == "device 'system' has gone; waiting for it\n"
    time.sleep(2)
    jack.start()
    assert said.until(lambda line: "back" in line) == "the sound is back: system\n"
    time.sleep(2)
    playing.send_signal(signal.SIGINT)
    _, rest = playing.communicate(timeout=60)
    assert playing.returncode == 130, rest
    assert "Traceback" not in rest
    assert "the engine was started again once" in rest
    # One recording, whole and readable, the time without sound as silence.
    stems = [soundfile.info(take / f"{name}.wav") for name in ("vocals", "accompaniment")]
    assert stems[0].frames == stems[1].frames > 6 * 44100
