"""The window on a real device that goes away and comes back."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest

pytest.importorskip("PySide6")
pytest.importorskip("pyqtgraph")

from advsep.gui.main_window import MainWindow
from advsep.gui.session import Session
from advsep.gui.settings import Remembered
from advsep.realtime.engine_settings import EngineSettings
from PySide6.QtWidgets import QLabel

pytestmark = pytest.mark.alone

if TYPE_CHECKING:
    from conftest import JackServer
    from pytestqt.qtbot import QtBot


@pytest.fixture
def window(jack: JackServer, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[MainWindow]:
    """Playing from JACK to JACK."""
    for name in ("JACK_DEFAULT_SERVER", "JACK_NO_START_SERVER"):
        monkeypatch.setenv(name, jack.environment[name])
    session = Session(EngineSettings(input="mic", output="speakers"))
    made = MainWindow(session, Remembered(tmp_path / "window.ini"))
    made.show()
    session.start()
    qtbot.waitUntil(lambda: session.status.state == "playing", timeout=180_000)
    yield made
    made.close()
    session.close()


def test_a_device_is_unplugged_and_plugged_in_again(window: MainWindow, jack: JackServer, qtbot: QtBot) -> None:
    session, state = window.session, window.findChild(QLabel, "status_state")
    noted: list[tuple[str, str]] = []
    session.noted.connect(lambda level, words: noted.append((level, words)))
    assert state is not None
    jack.kill()
    qtbot.waitUntil(lambda: "waiting" in state.text(), timeout=20_000)
    assert any(level == "warning" and "has gone" in words for level, words in noted)
    assert "Latency" in window.findChild(QLabel, "status_latency").text()  # type: ignore[union-attr]
    jack.start()
    qtbot.waitUntil(lambda: session.status.state == "playing", timeout=30_000)
    qtbot.waitUntil(lambda: state.text().startswith("playing"), timeout=5_000)
    before = session.status.hops
    qtbot.waitUntil(lambda: session.status.hops > before + 100, timeout=20_000)
    assert session.status.restarts >= 1
