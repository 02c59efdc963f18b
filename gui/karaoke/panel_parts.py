"""Buttons, and work that takes longer than a picture, as the karaoke panels have them."""

from __future__ import annotations

import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QBoxLayout, QToolButton, QWidget

from ...realtime.errors import AdvsepError
from .. import theme

LOW_PX = 28  # the lowest that is easy to hit
_DARKER_PERCENT = 130


class Toggle(QToolButton):
    """On or off; in the theme's accent while it is on, which a pressed look alone would hardly show."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.toggled.connect(self._paint)
        theme.notifier.changed.connect(self._paint)

    def checkStateSet(self) -> None:  # noqa: N802
        """As Qt has it; also where signals are blocked."""
        super().checkStateSet()
        self._paint()

    def _paint(self) -> None:
        palette = QPalette()  # the application's, as it is now
        if self.isChecked():
            colours = theme.colours()
            # Fusion draws what is pressed paler.
            ground = colours.accent if theme.kind() == "dark" else colours.accent.darker(_DARKER_PERCENT)
            palette.setColor(QPalette.ColorRole.Button, ground)
            palette.setColor(QPalette.ColorRole.ButtonText, colours.surface)
        self.setPalette(palette)


def button(name: str, text: str, title: str, tip: str, pressed: Callable[[], object] | None = None) -> QToolButton:
    """One that is reached by Tab.

    Args:
        name: the object's name.
        text: on it.
        title: for a screen reader.
        tip: what it does, and its keys.
        pressed: is called then; None: it can be on or off.
    """
    made = Toggle() if pressed is None else QToolButton()
    made.setObjectName(name)
    made.setText(text)
    made.setAccessibleName(title)
    made.setToolTip(tip)
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    made.setMinimumHeight(LOW_PX)
    if pressed is not None:

        def obey() -> None:
            pressed()

        made.clicked.connect(obey)
    return made


def in_a_row(layout: QBoxLayout, *widgets: QWidget | int) -> QBoxLayout:
    """Put widgets into a row without a border; a number is room that stretches so much."""
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(6)
    for widget in widgets:
        if isinstance(widget, int):
            layout.addStretch(widget)
        else:
            layout.addWidget(widget)
    return layout


class Aside(QObject):
    """Does one thing after another's back, and tells in the thread of the window how it went.

    Args:
        parent: owner.

    Attributes:
        done: with what the work returned.
        failed: why not, in words.
    """

    done = Signal(object)
    failed = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether it works."""
        return self._thread is not None and self._thread.is_alive()

    def work(self, job: Callable[[], object]) -> bool:
        """Begin; False where it is busy, and nothing was begun."""
        if self.busy:
            return False

        def run() -> None:
            try:
                result = job()
            except AdvsepError as error:
                self.failed.emit(str(error))
            except Exception as error:  # a thread's end must not be silent
                self.failed.emit(f"it failed ({error!r}); report it")
            else:
                self.done.emit(result)

        self._thread = threading.Thread(target=run, name="advsep-aside", daemon=True)
        self._thread.start()
        return True

    def wait(self) -> None:
        """Until it has ended."""
        if self._thread is not None:
            self._thread.join()
