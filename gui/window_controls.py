"""The two rows at the window's top: what plays and through what; transport and switches."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from ..realtime.page import clock
from ..realtime.panel import Recording
from . import theme
from .pickers import Pickers
from .session import Session
from .transport import Transport
from .window_icons import sign

SWITCHES = ("bypass", "record", "theme", "keys")


class Controls(QWidget):
    """Belongs to a window, whose actions the switches show.

    Args:
        session: that is controlled.
        actions: of the window, by name.

    Attributes:
        pickers: four lists.
        transport: of a song.
    """

    def __init__(self, session: Session, actions: dict[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("controls")
        self._actions = actions
        self.pickers = Pickers()
        self.transport = Transport(session)
        below = QHBoxLayout()
        below.setContentsMargins(0, 0, 0, 0)
        below.addWidget(self.transport, 1)
        for name in SWITCHES:
            below.addWidget(_switch(actions[name], "Keys" if name == "keys" else None))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 2)
        layout.setSpacing(6)
        layout.addWidget(self.pickers)
        layout.addLayout(below)
        theme.notifier.changed.connect(self._draw_signs)
        self._draw_signs()

    def show_recording(self, recording: Recording | None) -> None:
        """How long it is, or that there is none."""
        record = self._actions["record"]
        text = "Record stems" if recording is None else f"Recording {clock(recording.seconds)}"
        if record.text() != text:
            record.setText(text)
        if record.isChecked() != (recording is not None):
            record.setChecked(recording is not None)
            self._draw_signs()

    def _draw_signs(self) -> None:
        record = self._actions["record"]
        record.setIcon(sign("stop" if record.isChecked() else "record"))


def _switch(action: QAction, text: str | None) -> QToolButton:
    button = QToolButton()
    button.setObjectName(f"{action.objectName()}_button")
    button.setDefaultAction(action)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    button.setAccessibleName(action.text())
    button.setMinimumHeight(28)
    if text is not None:
        button.setText(text)
        action.changed.connect(lambda: button.setText(text))
    return button
