"""`advsep-live` at the pace of the clock: on the null device, recorded, stopped by Ctrl-C; and what it loads."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

PROGRAM = Path(sys.executable).parent / "advsep-live"
Live = Callable[..., Any]


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "song.wav"
    samples = (0.1 * np.random.default_rng(0).standard_normal((44100, 2))).astype(np.float32)
    soundfile.write(path, samples, 44100, subtype="FLOAT")
    return path


@pytest.fixture
def long_song(tmp_path: Path) -> Path:
    """Ten minutes of silence."""
    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros((600 * 44100, 1), np.int16), 44100)
    return path


def test_a_recording_on_the_null_device_takes_its_time_and_is_the_song(song: Path, tmp_path: Path, live: Live) -> None:
    ended = live("-i", song, "-o", "null", "--record", tmp_path / "take", "--seconds", "0.6", "--json")
    assert ended.code == 0
    assert 0.9 < ended.json["real_time_factor"] < 1.5
    assert ended.json["hops_at_once"] == 1
    assert f" · misses {ended.json['misses']} · 0:00/0:00\n" in ended.err  # printed once, at the end
    assert ended.json["hops"] == pytest.approx((0.6 * 44100 + 512) / 256, abs=2)
    stems = [soundfile.read(tmp_path / f"take/{name}.wav", dtype="float32")[0] for name in ("vocals", "accompaniment")]
    wanted = soundfile.read(song, dtype="float32")[0][:26460]
    np.testing.assert_allclose(stems[0] + stems[1], wanted, atol=1e-6)


def test_clipping_is_told(song: Path, live: Live) -> None:
    ended = live("-i", song, "-o", "null", "--seconds", "0.1", "--accompaniment-gain-db", "24", "--vocals-gain-db=24")
    assert ended.code == 0
    assert "samples of the mix were clipped at full scale: lower the gains" in ended.err


def started(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def interrupted(
    run: subprocess.Popen[str], growing: Path, size: int, by: signal.Signals = signal.SIGINT
) -> tuple[int, str, str]:
    """Ctrl-C (or another signal) as soon as `growing` is longer than `size` bytes."""
    ends_s = time.monotonic() + 60
    while not (growing.exists() and growing.stat().st_size > size):
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < ends_s
        time.sleep(0.01)
    run.send_signal(by)
    out, err = run.communicate(timeout=60)
    return run.returncode, out, err


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_in_a_conversion_leaves_nothing(long_song: Path, tmp_path: Path, by: signal.Signals) -> None:
    out = tmp_path / "new/stems"
    code, _, err = interrupted(started("-i", long_song, "-o", out), out / ".vocals.wav.partial", 200_000, by)
    assert code == 130
    assert err.splitlines()[-1] == "advsep-live: stopped: nothing was written"
    assert [path.name for path in tmp_path.iterdir()] == ["long.wav"]


def test_ctrl_c_while_recording_leaves_whole_files(long_song: Path, tmp_path: Path) -> None:
    take = tmp_path / "take"
    run = started("-i", long_song, "-o", "null", "--record", take, "--json")
    code, out, err = interrupted(run, take / ".vocals.wav.partial", 40_000)
    assert code == 130
    assert "Traceback" not in err
    assert sorted(path.name for path in take.iterdir()) == ["accompaniment.wav", "vocals.wav"]
    lengths = {soundfile.info(path).frames for path in take.iterdir()}
    assert lengths == {round(json.loads(out)["seconds"] * 44100)}
    assert min(lengths) > 9_900


@pytest.mark.parametrize("delay_s", [0.4, 0.8])
def test_ctrl_c_while_it_still_loads(long_song: Path, tmp_path: Path, delay_s: float) -> None:
    run = started("-i", long_song, "-o", tmp_path / "out")
    time.sleep(delay_s)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    assert run.returncode in (130, -signal.SIGINT)  # the latter while Python itself still starts
    assert [path.name for path in tmp_path.iterdir()] == ["long.wav"]


def test_the_live_line_fits_a_terminal_of_80_columns(song: Path) -> None:
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    arguments = [PROGRAM, "-i", song, "-o", "null", "--seconds", "0.5"]
    run = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    while select.select([ours], [], [], 30)[0]:
        try:
            part = os.read(ours, 4096)
        except OSError:  # how Linux ends a pseudo terminal
            break
        if not part:
            break
        shown += part
    assert run.wait(30) == 0
    os.close(ours)
    lines = [line for line in re.split(r"[\r\n]+|\x1b\[[^a-zA-Z]*[a-zA-Z]", shown.decode()) if line.strip()]
    assert "…" not in lines[-1]
    assert len(lines[-1]) <= 80
    for part in ("live-12 · latency 512 samples, 11.6 ms · load ", " misses ", " 0:00/0:00"):
        assert part in lines[-1]
    assert lines[0].startswith("loading")


LOADED = """
import sys
{code}
print(sorted(m for m in sys.modules if m.split('.')[0] in {names}))
"""


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import advsep.realtime.cli", ("numpy", "numba", "onnxruntime", "torch", "onnx", "PySide6", "rich")),
        (
            "from advsep.realtime.live import LiveOptions, LiveRun\n"
            "with LiveRun(LiveOptions(source=sys.argv[1], output='null', gains_db={}, seconds=0.1)) as run:\n"
            "    run.start(); run.wait(30); run.finish(interrupted=False)\n"
            "assert run.summary()['hops'] > 10",
            ("torch", "onnx", "PySide6", "pyqtgraph", "lightning_fabric", "hypothesis"),
        ),
    ],
)
def test_what_is_loaded(song: Path, code: str, names: tuple[str, ...]) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LOADED.format(code=code, names=names), song], capture_output=True, text=True, check=False
    )
    assert ended.stderr == ""
    assert ended.stdout.strip() == "[]"
