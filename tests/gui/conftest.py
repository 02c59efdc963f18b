"""Qt off screen, and one real engine a module on the null device, seen by a session or by the whole window."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before an application is made

import pytest

pytest.importorskip("PySide6")
pytest.importorskip("pyqtgraph")
pytest.importorskip("pytestqt")

from advsep.gui import theme
from advsep.gui.main_window import MainWindow
from advsep.gui.session import Session
from advsep.gui.settings import Remembered
from advsep.realtime.engine_settings import EngineSettings
from advsep.realtime.process import EngineProcess

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication
    from pytestqt.qtbot import QtBot

START_MS = 180_000  # the first engine on a machine compiles
SETTINGS = EngineSettings(input="demo", output="null", loop=(0.0, 28.0), hold_at_end=True)


@pytest.fixture(scope="session", autouse=True)
def application(qapp: QApplication) -> QApplication:
    """In the dark theme."""
    theme.apply_theme("dark")
    return qapp


class Engines:
    """One engine for all modules: to start it takes longer than most of them. One that was ended is replaced."""

    def __init__(self) -> None:
        self._engine: EngineProcess | None = None

    def fresh(self) -> EngineProcess:
        """Playing as if it had just been started."""
        engine = self._engine
        if engine is None or engine.process_id is None:
            self._engine = engine = EngineProcess(SETTINGS)
            engine.start()
            return engine
        changes = [
            engine.change_devices(SETTINGS.input, SETTINGS.output) if self._plays_another_song(engine) else None,
            engine.swap_model(SETTINGS.model) if engine.settings.model != SETTINGS.model else None,
            engine.set_rack(SETTINGS.rack),
            engine.set_loop(SETTINGS.loop),
            engine.seek(0.0),
        ]
        for change in changes:
            if change is not None:
                change.result(60)
        engine.set_paused(False)
        engine.set_bypassed(False)
        return engine

    def stop(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.stop()

    def _plays_another_song(self, engine: EngineProcess) -> bool:
        return (engine.settings.input, engine.settings.output) != (SETTINGS.input, SETTINGS.output)


ENGINES = Engines()


@pytest.hookimpl(trylast=True)  # behind the fixtures
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """What plays must not be heard by tests of other rooms."""
    if nextitem is None or nextitem.path.parent != item.path.parent:
        ENGINES.stop()


@pytest.fixture(scope="session")
def engines() -> Engines:
    return ENGINES


@pytest.fixture(scope="module")
def session(application: QApplication, engines: Engines) -> Generator[Session]:
    """The demo song on the null device, playing; round and round, so that it is never over."""
    made = Session(SETTINGS)
    made._engine = engine = engines.fresh()
    made._started(engine, "")
    wait_until(lambda: made.status.state == "playing" and not made.status.paused and made.layout is not None)
    yield made
    made._engine = None  # it goes on for the next module, unless the session was closed
    made.close()


@pytest.fixture(scope="module")
def window(session: Session) -> Generator[MainWindow]:
    """The whole window on that session; remembers nothing."""
    made = MainWindow(session, Remembered(None))
    made.show()
    yield made
    session._engine = None  # which belongs to the next module, too
    made.close()


@pytest.fixture
def quiet(qtbot: QtBot) -> Generator[Session]:
    """A session that has no engine."""
    made = Session(EngineSettings(input="demo", output="null"))
    yield made
    made.close()


@pytest.fixture
def music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where recordings go that were given no place."""
    monkeypatch.setenv("XDG_MUSIC_DIR", str(tmp_path))
    return tmp_path / "advsep"


def wait_until(condition: Callable[[], bool], timeout_ms: int = START_MS) -> None:
    """As `qtbot.waitUntil`, for fixtures of a module."""
    from PySide6.QtTest import QTest

    by_s = time.monotonic() + timeout_ms / 1000
    while not condition():
        assert time.monotonic() < by_s, "waited in vain"
        QTest.qWait(5)
