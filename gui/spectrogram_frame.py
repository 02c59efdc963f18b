"""What stands around the pictures: the axis of time, the scale of colours, and the margins that all share."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from . import theme
from .colour_maps import LEVELS, ColourName, level_pixels

AXIS_WIDTH_PX, RIGHT_PX = 62, 8
TICK_PX = 4
_STEPS_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


def small(font: QFont) -> QFont:
    """A font for the numbers of axes."""
    made = QFont(font)
    if font.pointSizeF() > 0:
        made.setPointSizeF(max(0.85 * font.pointSizeF(), 7.0))
    return made


class TimeAxis(QWidget):
    """Seconds before the right edge of the pictures."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._span_s, self._back_s = 1.0, 0.0
        self.setObjectName("spectrogram-time")
        self.setAccessibleName("Time before now, in seconds")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(self.fontMetrics().height() + TICK_PX)

    def show_span(self, span_s: float, back_s: float) -> None:
        """Be the axis of so many seconds, whose end lies so many before the newest."""
        if (span_s, back_s) != (self._span_s, self._back_s):
            self._span_s, self._back_s = span_s, back_s
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802
        painter, colours = QPainter(self), theme.colours()
        wide = self.width() - AXIS_WIDTH_PX - RIGHT_PX
        painter.setFont(small(self.font()))
        painter.setPen(colours.muted_text)
        text_px = painter.fontMetrics().horizontalAdvance("-00.00 s") + 8
        step_s = next((s for s in _STEPS_S if s / self._span_s * wide >= text_px), _STEPS_S[-1])
        for i in range(math.ceil(self._back_s / step_s), math.floor((self._back_s + self._span_s) / step_s) + 1):
            x = AXIS_WIDTH_PX + wide * (1 - (i * step_s - self._back_s) / self._span_s)
            painter.drawLine(round(x), 0, round(x), TICK_PX)
            words = f"-{i * step_s:g} s" if i else "now"
            left, side = x - text_px / 2, Qt.AlignmentFlag.AlignHCenter
            if left + text_px > self.width():
                left, side = self.width() - RIGHT_PX / 2 - text_px, Qt.AlignmentFlag.AlignRight
            painter.drawText(QRectF(left, TICK_PX, text_px, self.height() - TICK_PX), side, words)


class LevelScale(QWidget):
    """Which colour is which level."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look: tuple[ColourName, int, int] = ("magma", 0, 1)
        self._image = QImage()
        self.setObjectName("spectrogram-levels")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.show_range("magma", -90, -10)

    def show_range(self, colours: ColourName, low_db: int, high_db: int) -> None:
        """Be the scale of colours between two levels."""
        if (colours, low_db, high_db) != self._look:
            self._look = colours, low_db, high_db
            pixels = level_pixels(colours)
            self._image = QImage(pixels.data, LEVELS, 1, 4 * LEVELS, QImage.Format.Format_RGB32).copy()
            self.setAccessibleName(f"Colours from {low_db} dB, dark, to {high_db} dB, light")
            self.setToolTip(f"Levels from {low_db} dB to {high_db} dB; 0 dB is a sine at full scale")
            self.update()

    def sizeHint(self) -> QSize:  # noqa: D102, N802
        return QSize(250, self.fontMetrics().height() + 4)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802
        painter = QPainter(self)
        painter.setFont(small(self.font()))
        painter.setPen(theme.colours().muted_text)
        _, low_db, high_db = self._look
        text_px = painter.fontMetrics().horizontalAdvance("-000 dB") + 4
        left, right = QRectF(0, 0, text_px, self.height()), QRectF(self.width() - text_px, 0, text_px, self.height())
        painter.drawText(left, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{low_db} dB")
        painter.drawText(right, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, f" {high_db} dB")
        bar = QRectF(text_px + 4, 3, self.width() - 2 * text_px - 4, self.height() - 6)
        painter.drawImage(bar, self._image, QRectF(0, 0, LEVELS, 1))
