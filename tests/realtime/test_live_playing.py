"""`advsep-live` at the pace of the clock: on the null device, recorded, stopped by Ctrl-C; and what it loads."""

from __future__ import annotations

import contextlib
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
from advsep.realtime.conversion import Conversion

pytestmark = pytest.mark.live

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
    began_s = time.perf_counter()
    ended = live("-i", song, "-o", "null", "--record", tmp_path / "take", "--seconds", "0.6", "--json")
    assert ended.code == 0
    assert time.perf_counter() - began_s > 0.6
    found = ended.json
    assert (found["state"], found["seconds"], found["length_seconds"]) == ("ended", 0.6, 0.6)
    assert (found["device"], found["rate"], found["latency_samples"]) == (f"{song} to null", 44100, 256)
    assert f" · misses {found['misses']} · 0:00/0:00\n" in ended.err  # printed once, at the end
    assert found["hops"] == pytest.approx((0.6 * 44100 + 256) / 256, abs=2)
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
    (frames,) = {soundfile.info(path).frames for path in take.iterdir()}
    # The worker is ahead of what is heard by its lead, and what it made is kept.
    assert 0 <= frames - round(json.loads(out)["seconds"] * 44100) <= 4096 + 2 * 256
    assert frames > 9_900


@pytest.mark.parametrize("delay_s", [0.4, 0.8])
def test_ctrl_c_while_it_still_loads(long_song: Path, tmp_path: Path, delay_s: float) -> None:
    run = started("-i", long_song, "-o", tmp_path / "out")
    time.sleep(delay_s)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    assert run.returncode in (130, -signal.SIGINT)  # the latter while Python itself still starts
    assert [path.name for path in tmp_path.iterdir()] == ["long.wav"]


def test_a_ctrl_c_that_python_dropped_counts_after_all(
    live: Live, long_song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where it comes while a callback or a finaliser runs, whose exceptions Python only mentions."""
    start = Conversion.start

    def drop(run: Conversion) -> None:
        start(run)
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)

    monkeypatch.setattr(Conversion, "start", drop)
    ended = live("-i", long_song, "-o", tmp_path / "out")
    assert ended.code == 130
    assert [path.name for path in tmp_path.iterdir()] == ["long.wav"]


def in_a_terminal(arguments: list[Any], keys: bytes = b"", after: bytes = b"") -> tuple[int, str]:
    """Run with a pseudo terminal of 80 columns; type `keys` once `after` was shown. Returns exit code and screen."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80", "LINES": "40"}
    run = subprocess.Popen(arguments, stdin=theirs, stdout=subprocess.DEVNULL, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            part = os.read(ours, 4096)
        except OSError:  # how Linux ends a pseudo terminal
            break
        shown += part
        if keys and after in shown:
            os.write(ours, keys)
            keys = b""
        if not part:
            break
    code = run.wait(30)
    os.close(ours)
    return code, shown.decode()


def test_the_panel_shows_what_plays_and_obeys_keys(song: Path, long_song: Path) -> None:
    code, shown = in_a_terminal([PROGRAM, "-i", long_song, "-o", "null"], keys=b"nvvvq", after=b"vocals")
    assert code == 0
    screen = [re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", line) for line in re.split(r"[\r\n]+", shown)]
    assert max(map(len, screen)) <= 80
    text = "\n".join(screen)
    for part in ("live-12", "engine 256 samples, 5.8 ms", "misses", "0:00 of 10:00", "quit", "loading"):
        assert part in text
    code, shown = in_a_terminal([PROGRAM, "-i", song, "-o", "null", "--seconds", "0.5"])
    assert code == 0
    assert "ended" in shown


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
            "from advsep.realtime.conversion import Conversion\n"
            "from advsep.realtime.options import LiveOptions\n"
            "with Conversion(LiveOptions(source=sys.argv[1], output=sys.argv[1] + 'x/', gains_db={})) as run:\n"
            "    run.start(); run.wait(60); run.finish(interrupted=False)\n"
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
