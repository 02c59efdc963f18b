"""A critic's score over the time of the pictures, and in words what it is now."""

from __future__ import annotations

from collections import deque

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from . import theme
from .spectrogram_frame import AXIS_WIDTH_PX, RIGHT_PX, small

HEIGHT_PX, WORDS_HEIGHT_PX = 46, 22
_MOST_SCORES = 400
_FEWEST_FOR_USUAL = 15
_TEXT_PX, _PAD_PX = 16, 3


class ScoreStrip(QWidget):
    """A line of scores, in time with the spectrogram above it.

    Args:
        name: of the source: `voice`.
        source: 0 or 1; decides the colour.
    """

    def __init__(self, name: str, source: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._source = name, source
        self._scores: deque[tuple[float, float]] = deque(maxlen=_MOST_SCORES)
        self._start, self._stop, self._words = 0.0, 1.0, ""
        self.setObjectName(f"score-{name}")
        self.setAccessibleName(f"Score of the critic of the {name}")
        self.setToolTip(
            f"What the critic thinks of the {name}: a number without a unit or a limit. Higher: more like a recording."
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFixedHeight(HEIGHT_PX)

    @property
    def words(self) -> str:
        """What it says."""
        return self._words or self._value_words()

    def sizeHint(self) -> QSize:  # noqa: D102, N802
        return QSize(400, self.height())

    def add(self, position: float, score: float) -> None:
        """A score of a patch whose middle is at a position, in columns."""
        self._scores.append((position, score))

    def clear(self) -> None:
        """Forget all scores."""
        self._scores.clear()

    def show_time(self, start: float, stop: float, words: str) -> None:
        """Be drawn for a stretch of time.

        Args:
            start: position of the left edge, in columns.
            stop: of the right edge.
            words: to be shown instead of scores; empty: scores.
        """
        self._start, self._stop = start, stop
        if words != self._words:
            self._words = words
            self.setFixedHeight(WORDS_HEIGHT_PX if words else HEIGHT_PX)
        said = self.words
        if said != self.accessibleDescription():
            self.setAccessibleDescription(said)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802
        painter, colours = QPainter(self), theme.colours()
        painter.fillRect(self.rect(), colours.surface)
        area = QRectF(AXIS_WIDTH_PX, 0, self.width() - AXIS_WIDTH_PX - RIGHT_PX, self.height())
        painter.setFont(self.font())
        if self._words:
            painter.setPen(colours.muted_text)
            words = painter.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideRight, int(area.width()))
            painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)
            return
        painter.setPen(colours.text)
        painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, self._value_words())
        self._draw_line(painter, area, colours.voice if self._source == 0 else colours.accompaniment)

    def _draw_line(self, painter: QPainter, area: QRectF, colour: QColor) -> None:
        seen = [each for each in self._scores if self._start <= each[0] <= self._stop]
        if not seen:
            return
        low, high = min(score for _, score in seen), max(score for _, score in seen)
        spread = max(high - low, 1e-6 * max(abs(high), 1.0))
        top, room = _TEXT_PX + _PAD_PX, area.height() - _TEXT_PX - 2 * _PAD_PX
        wide = area.width() / (self._stop - self._start)
        points = [
            QPointF(area.x() + (position - self._start) * wide, top + (high - score) / spread * room)
            for position, score in seen
        ]
        painter.setPen(QPen(theme.colours().muted_text, 1))
        axis = QRectF(0, top, AXIS_WIDTH_PX - 6, room)
        right = Qt.AlignmentFlag.AlignRight
        painter.setFont(small(self.font()))
        painter.drawText(axis.adjusted(0, -_TEXT_PX / 2, 0, 0), right | Qt.AlignmentFlag.AlignTop, f"{high:.3g}")
        if high > low:
            painter.drawText(axis.adjusted(0, 0, 0, _PAD_PX), right | Qt.AlignmentFlag.AlignBottom, f"{low:.3g}")
        painter.setPen(QPen(colour, 0))  # Qt's fast path; twice, to be seen
        painter.drawPolyline(points)
        painter.translate(0, 1)
        painter.drawPolyline(points)
        painter.fillRect(QRectF(points[-1].x() - 2, points[-1].y() - 3, 5, 5), colour)

    def _value_words(self) -> str:
        """The present score, and whether that is much or little for what is seen."""
        if not self._scores:
            return f"critic of the {self._name}: waits for sound"
        now = self._scores[-1][1]
        seen = np.array([score for position, score in self._scores if position >= self._start])
        said = f"critic of the {self._name}: {now:.3g}"
        if len(seen) < _FEWEST_FOR_USUAL:
            return said
        mean, spread = float(seen.mean()), float(seen.std())
        if now > mean + spread:
            return f"{said}, more like a recording than usual ({mean:.3g} ± {spread:.2g})"
        if now < mean - spread:
            return f"{said}, less like a recording than usual ({mean:.3g} ± {spread:.2g})"
        return f"{said}, as usual ({mean:.3g} ± {spread:.2g})"
