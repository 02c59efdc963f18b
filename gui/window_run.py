"""One run of `advsep-gui`: from the options to the window, and to its end or its picture."""

from __future__ import annotations

import os
import re
import signal
import sys
import types
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QMessageLogContext, QSize, Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from ..realtime.device import NULL
from ..realtime.engine_settings import AUTO, DEMO, PIPE, EngineSettings
from ..realtime.errors import AdvsepError
from ..realtime.exits import EXIT_INTERRUPTED
from ..realtime.rack_file import Preset, find_preset
from ..realtime.rack_spec import RackSpec
from ..realtime.rack_text import parse_rack
from ..realtime.registry import DEFAULT_MODEL
from . import theme
from .main_window import MainWindow
from .session import Session
from .settings import Remembered, settings_file
from .window_picture import Photographer, check_picture

LEAST, MOST = 400, 16384  # pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowOptions:
    """What the command line says; see `advsep-gui --help`. None: not said."""

    source: str | None = None
    output: str | None = None
    model: str | None = None
    preset: str | None = None
    chain: str | None = None
    critics: Path | None = None
    karaoke: Path | None = None
    start_s: float = 0.0
    theme: Literal["dark", "light"] | None = None
    screenshot: Path | None = None
    seconds: float = 5.0
    size: str | None = None


def run_window(options: WindowOptions) -> int:
    """Show the window until it is closed, or take its picture; returns the exit code.

    Raises:
        AdvsepError: an option cannot be meant, there is no display, or no picture can be taken.
    """
    size = None if options.size is None else parse_size(options.size)
    if options.screenshot is not None:
        check_picture(options.screenshot)
    if _choose_platform(options):
        qInstallMessageHandler(_tell)
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    application.setApplicationName("advsep")
    application.setDesktopFileName("advsep-gui")
    # A picture shows the window as it comes, and is nobody's last time.
    remembered = Remembered(None if options.screenshot is not None else settings_file())
    settings = settings_of(options, remembered)
    theme.apply_theme(options.theme or remembered.theme() or _system_theme())
    window = MainWindow(Session(settings), remembered, critics=options.critics)
    if size is not None:
        window.resize(size)
    photographer = None
    if options.screenshot is not None:
        photographer = Photographer(window, window.session, options.screenshot, options.start_s + options.seconds)
    try:
        with _signals(application):
            window.show()
            if options.karaoke is None:
                window.session.start()
            else:
                window.karaoke.sing(options.karaoke)
            if photographer is None:
                window.look_for_devices()
            code = application.exec()
    finally:
        window.close()
    if photographer is not None and not code:
        photographer.check()
    return code


def settings_of(options: WindowOptions, remembered: Remembered) -> EngineSettings:
    """What to play: as the options say, else as the last time, else the demo song, paused.

    Raises:
        AdvsepError: preset or chain cannot be read, or the input cannot be played in a window.
    """
    if options.source == PIPE:
        raise AdvsepError("-i -: expected a device or a sound file, found standard input; advsep-live plays that")
    chosen = Preset(RackSpec()) if options.preset is None else find_preset(options.preset)
    written = RackSpec() if options.chain is None else parse_rack(options.chain)
    source = options.source or remembered.text("input", DEMO)
    takes_picture = options.screenshot is not None
    if takes_picture and options.karaoke is not None and options.source is None:
        source = NULL
    return EngineSettings(
        input=source,
        output=NULL if takes_picture else options.output or remembered.text("output", AUTO),
        model=options.model or remembered.text("model", DEFAULT_MODEL),
        rack=chosen.rack.with_strips(written),
        bypassed=chosen.bypassed,
        start_s=options.start_s,
        # Nobody who only opens a window is to be startled by a song.
        paused=options.source is None and not takes_picture and EngineSettings(input=source).is_fed,
    )


def parse_size(text: str) -> QSize:
    """`1600x1000`.

    Raises:
        AdvsepError: it is no size, or none that a window can have.
    """
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text.strip().lower())
    size = QSize(int(found[1]), int(found[2])) if found else QSize()
    if not (LEAST <= size.width() <= MOST and LEAST <= size.height() <= MOST):
        raise AdvsepError(f"--size {text}: expected WIDTHxHEIGHT of {LEAST} to {MOST} pixels, such as 1600x1000")
    return size


def _choose_platform(options: WindowOptions) -> bool:
    """Qt would end the program where there is no display; returns whether it is to draw off screen instead.

    Raises:
        AdvsepError: there is none, and one is needed.
    """
    if sys.platform in ("win32", "darwin") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        return False
    if options.screenshot is None:
        raise AdvsepError(
            "no display: expected DISPLAY or WAYLAND_DISPLAY to name one; start it on a desktop, "
            "use --screenshot OUT.png, or advsep-live in a terminal"
        )
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    return True


def _tell(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    """Qt's messages, but that a window off screen has nobody to tell its size to."""
    if "propagateSizeHints" not in message:
        print(message, file=sys.stderr)


def _system_theme() -> theme.Kind:
    """As the desktop has it; dark where it does not say."""
    return "light" if QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Light else "dark"


@contextmanager
def _signals(application: QApplication) -> Generator[None]:
    """Ctrl-C and SIGTERM end the event loop; an exception would be lost in it.

    Python hears them soon, for the session's clock runs Python all the time.
    """

    def end(number: int, frame: types.FrameType | None) -> None:
        application.exit(EXIT_INTERRUPTED)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
