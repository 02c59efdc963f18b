"""`advsep-gui` from its entry point to its exit: a picture, Ctrl-C, and options that cannot be meant."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from advsep.gui.extra import require_gui_extra
from advsep.gui.session import Session
from advsep.gui.settings import Remembered, settings_file
from advsep.gui.window_picture import Photographer
from advsep.gui.window_run import WindowOptions, settings_of
from advsep.realtime.errors import AdvsepError
from advsep.realtime.rack_file import find_preset
from advsep.realtime.status import EngineStatus
from PySide6.QtCore import QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QMainWindow


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not those of whoever runs the tests."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def gui(program: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`gui("-i", path, …)`: what `program` returns for `advsep-gui`."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: Any) -> Any:
        try:
            return program("advsep-gui", *arguments)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    return run


@pytest.fixture
def before() -> set[int | None]:
    """Engines of other tests."""
    return running()


def running() -> set[int | None]:
    return {child.pid for child in multiprocessing.active_children()}


def test_a_picture_is_taken_while_it_plays(gui: Callable[..., Any], tmp_path: Path, before: set[int | None]) -> None:
    path = tmp_path / "out.png"
    ended = gui("-i", "demo", "--screenshot", path, "--seconds", "0.7", "--size", "1200x800", "--theme", "light")
    assert (ended.code, ended.out) == (0, "")
    image = QImage(str(path))
    assert (image.width(), image.height()) == (1200, 800)
    colours = {image.pixel(x, y) for x in range(0, 1200, 7) for y in range(0, 800, 7)}
    assert len(colours) > 50  # a spectrogram, and not an empty window
    assert list(tmp_path.glob(".*")) == []
    assert not settings_file().exists()
    assert running() <= before


def test_ctrl_c_ends_it_and_nothing_is_left(gui: Callable[..., Any], before: set[int | None]) -> None:
    QTimer.singleShot(0, lambda: os.kill(os.getpid(), signal.SIGINT))  # when its event loop runs
    ended = gui("-i", "demo", "-o", "null")
    assert ended.code == 130
    assert ended.err.splitlines()[-1] == "advsep-gui: stopped"
    assert running() <= before
    assert Remembered(settings_file()).text("output") == "null"


def test_a_picture_of_what_cannot_be_played_is_none(quiet: Session, tmp_path: Path) -> None:
    photographer = Photographer(QMainWindow(), quiet, tmp_path / "out.png", 1.0)
    quiet.status_changed.emit(EngineStatus(state="playing", position_s=0.5))
    quiet.status_changed.emit(EngineStatus(state="failed", note="/none.wav: cannot be read; give another"))
    with pytest.raises(AdvsepError, match=r"/none\.wav: cannot be read"):
        photographer.check()
    assert list(tmp_path.glob("*.png")) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--size", "big"), "--size big: expected WIDTHxHEIGHT"),
        (("--size", "1x1"), "--size 1x1: expected WIDTHxHEIGHT of 400 to 16384 pixels"),
        (("--preset", "nonsense"), "no preset 'nonsense'"),
        (("--chain", "vocals: ("), "vocals"),
        (("-i", "-"), "-i -: expected a device or a sound file"),
        (("--theme", "pink"), "--theme"),
        (("--screenshot", "out.jpg"), "--screenshot out.jpg: expected a file that ends in .png"),
        (("--screenshot", "/no/such/folder/out.png"), "there is no folder /no/such/folder"),
    ],
)
def test_what_cannot_be_meant_is_said_in_a_line(
    gui: Callable[..., Any], arguments: tuple[str, ...], words: str
) -> None:
    ended = gui(*arguments)
    assert ended.code == 2
    assert words in ended.err
    assert len(ended.err.strip().splitlines()) == 1


def test_help_shows_examples(gui: Callable[..., Any]) -> None:
    ended = gui("--help")
    assert ended.code == 0
    assert "advsep-gui -i song.flac --screenshot out.png --seconds 10" in ended.out


def test_no_display_is_said(gui: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    ended = gui("-i", "demo")
    assert ended.code == 2
    assert "no display" in ended.err
    assert "--screenshot" in ended.err


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyqtgraph" else find(name))
    with pytest.raises(AdvsepError, match=r"missing: pyqtgraph.*pip install 'advsep\[gui\]'"):
        require_gui_extra()


def test_the_first_time_the_demo_song_waits_and_then_the_last_one_does(tmp_path: Path) -> None:
    first = settings_of(WindowOptions(), Remembered(None))
    assert (first.input, first.output, first.model, first.paused) == ("demo", "auto", "live-12", True)
    remembered = Remembered(tmp_path / "window.ini")
    remembered.remember("input", "mic")
    remembered.remember("output", "null")
    again = settings_of(WindowOptions(), remembered)
    assert (again.input, again.output, again.paused) == ("mic", "null", False)
    asked = settings_of(WindowOptions(source="song.wav", preset="karaoke", chain="vocals[gain_db=-3]:"), remembered)
    assert (asked.input, asked.paused) == ("song.wav", False)
    assert asked.rack.named("vocals").gain_db == -3.0
    assert asked.rack.named("microphone") == find_preset("karaoke").rack.named("microphone")
