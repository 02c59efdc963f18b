"""Play, pause and the place in a song; switched off for devices, which have no other place than now."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import (
    QAbstractSlider,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QWidget,
)

from ..realtime.engine_settings import PIPE
from ..realtime.page import clock
from ..realtime.status import EngineStatus
from . import theme
from .session import Session
from .window_icons import sign

STEPS_PER_S = 20
STEP_S, PAGE_S = 5.0, 30.0
_SETTLES_S = 0.4  # a status that was on its way before a seek says where the sound was
LONGEST_S = 6 * 3600.0


class PositionSlider(QSlider):
    """The place in a song; a click goes there at once.

    Attributes:
        asked: a place that the user wants, s.
    """

    asked = Signal(float)

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setObjectName("position")
        self.setAccessibleName("Position in the song")
        self.setToolTip("Position in the song, s; arrows move by 5 s, Page Up and Page Down by 30 s")
        self.setSingleStep(round(STEP_S * STEPS_PER_S))
        self.setPageStep(round(PAGE_S * STEPS_PER_S))
        self.setRange(0, 0)
        self.actionTriggered.connect(self._on_action)
        self.sliderReleased.connect(self._ask)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Take the handle to where the button was pressed; then it can be dragged."""
        if event.button() == Qt.MouseButton.LeftButton and self.isEnabled():
            self.setSliderPosition(self._value_at(event.position().x()))
        super().mousePressEvent(event)

    def _value_at(self, x: float) -> int:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        handle = self.style().subControlRect(
            QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, self
        )
        span = max(1, self.width() - handle.width())
        return QStyle.sliderValueFromPosition(0, self.maximum(), round(x - handle.width() / 2), span)

    def _on_action(self, action: int) -> None:
        """Keys and wheel; a drag asks when it is let go."""
        if action != QAbstractSlider.SliderAction.SliderMove.value and not self.isSliderDown():
            self._ask()

    def _ask(self) -> None:
        self.asked.emit(self.sliderPosition() / STEPS_PER_S)


class Transport(QWidget):
    """To start, play or pause, position, time."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transport")
        self._session = session
        self._status = session.status
        self._asked_s: tuple[float, float] | None = None  # where to, and when it was asked for
        self._to_start = _button("to_start_button", "Back to start", "Back to the song's beginning (Ctrl+Home)")
        self._play = _button("play_button", "Play", "Play or pause (Space)")
        self._play.setMinimumWidth(96)
        self._slider = PositionSlider()
        self._time = QLabel(_times(0.0, None))
        self._time.setObjectName("time")
        self._time.setAccessibleName("Time")
        self._time.setMinimumWidth(self._time.fontMetrics().horizontalAdvance("0:00:00 / 0:00:00"))
        self._time.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self._to_start, self._play, self._slider, self._time):
            layout.addWidget(widget, 1 if widget is self._slider else 0)
        self._to_start.clicked.connect(self.to_start)
        self._play.clicked.connect(self.toggle)
        self._slider.asked.connect(self.seek)
        theme.notifier.changed.connect(self._draw_signs)
        self._draw_signs()
        self.show_status(session.status)

    @property
    def is_playing(self) -> bool:
        """Whether time goes on."""
        status = self._status
        return status.state == "playing" and not status.paused

    def toggle(self) -> None:
        """Pause or go on; from the end on from the beginning."""
        if self._slider.isEnabled():
            self._session.set_paused(not self._status.paused)

    def to_start(self) -> None:
        """Back to the beginning."""
        self.seek(0.0)

    def step(self, by_s: float) -> None:
        """Back or ahead."""
        self.seek(self._shown_s + by_s)

    def seek(self, position_s: float) -> None:
        """Go on elsewhere; before the beginning is the beginning."""
        length_s = self._status.length_s
        if self._slider.isEnabled() and length_s is not None:
            position_s = min(max(0.0, position_s), length_s)
            self._asked_s = position_s, time.monotonic()
            self._session.seek(position_s)

    def show_status(self, status: EngineStatus) -> None:
        """Take a status; to be called for each."""
        self._status = status
        is_song = self._is_song
        for widget in (self._to_start, self._play, self._slider):
            if widget.isEnabled() != is_song:
                widget.setEnabled(is_song)
        name = "Pause" if self.is_playing else "Play"
        if self._play.text() != name:
            self._play.setText(name)
            self._play.setAccessibleName(name)
            self._draw_signs()
        highest = round(min(status.length_s or 0.0, LONGEST_S) * STEPS_PER_S) if is_song else 0
        if self._slider.maximum() != highest:
            self._slider.setRange(0, highest)
        if not self._slider.isSliderDown():
            self._slider.setValue(round(self._shown_s * STEPS_PER_S))
        shown_s = self._slider.sliderPosition() / STEPS_PER_S if self._slider.isSliderDown() else self._shown_s
        text = _times(shown_s, status.length_s)
        if self._time.text() != text:
            self._time.setText(text)

    @property
    def _shown_s(self) -> float:
        if self._asked_s is not None:
            position_s, at_s = self._asked_s
            if time.monotonic() - at_s < _SETTLES_S:
                return position_s
            self._asked_s = None
        return self._status.position_s

    @property
    def _is_song(self) -> bool:
        """Whether there are other places to go to."""
        settings = self._session.settings
        status = self._status
        return (
            (settings.backing is not None or (settings.is_fed and settings.input != PIPE))
            and status.length_s is not None
            and status.state in ("playing", "ended")
            and self._session.layout is not None
        )

    def _draw_signs(self) -> None:
        self._to_start.setIcon(sign("to_start"))
        self._play.setIcon(sign("pause" if self._play.text() == "Pause" else "play"))


def _button(name: str, text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAccessibleName(text)
    button.setToolTip(tip)
    return button


def _times(position_s: float, length_s: float | None) -> str:
    return clock(position_s) if length_s is None else f"{clock(position_s)} / {clock(length_s)}"
