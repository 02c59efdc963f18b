"""What tests of several rooms share: the demo song, model files, and programs run in this process."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NamedTuple

# Before NumPy is loaded: its OpenBLAS can wait for ever once a process with a pool of its threads was forked (issue
# 5520 there), as torch's loaders and some tests do.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from advsep.realtime import demo
from advsep.realtime.registry import find_model


@pytest.fixture(scope="session")
def demo_song() -> demo.DemoSong:
    """The whole song at 44.1 kHz, stereo; not to be written to."""
    song = demo.demo_song()
    song.vocals.setflags(write=False)
    song.accompaniment.setflags(write=False)
    return song


@pytest.fixture(scope="session")
def bundled_model() -> Path:
    """The model that `advsep-live` uses where none is named."""
    return find_model("live-12")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tiny networks only lose by sharing a frame among threads; tests that need no torch do not load it here."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def heard_signals() -> None:
    """A shell that runs tests in the background has them, and the programs they start, be deaf to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform != "win32":
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which nohup takes away


class Ended(NamedTuple):
    """How a run of a program ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The last line of standard output."""
        return json.loads(self.out.splitlines()[-1])


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """`program("advsep-live", "-i", path, …)`: from its entry point to its exit, without the start of a Python."""

    def run(name: str, *arguments: Any) -> Ended:
        (script,) = entry_points(group="console_scripts", name=name)
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            script.load()()
        out, err = capfd.readouterr()
        return Ended(int(ended.value.code or 0), out, err)

    return run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where karaoke keeps what it learns, for one test: nothing lands among the user's songs, takes and delays."""
    for name in ("CACHE", "DATA", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("XDG_MUSIC_DIR", str(tmp_path / "music"))
    return tmp_path
