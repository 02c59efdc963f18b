"""The fader of a strip: most of its way lies around 0 dB, and its end is silence."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QStyle, QStyleOptionSlider, QWidget

from ..realtime.parameter import Parameter
from ..realtime.rack_spec import LOUDEST_DB, QUIETEST_DB
from . import theme
from .parameter_slider import TaperSlider
from .parameter_text import shown

GAIN = Parameter(name="gain_db", default=0.0, lowest=QUIETEST_DB, highest=LOUDEST_DB, unit="dB", help="Level")

TOP_DB, BOTTOM_DB = 12.0, -60.0  # of the fader; louder is typed, below it is silence
STEP_DB, FINE_STEP_DB = 1.0, 0.1
CATCH_DB = 0.3  # a drag that ends so near 0 dB means 0 dB
# Level in dB and place, 0 to 1, joined by straight lines: 1 dB near 0 is six times as long as near the bottom.
_POINTS = (
    (QUIETEST_DB, 0.0),
    (BOTTOM_DB, 0.06),
    (-40.0, 0.17),
    (-20.0, 0.38),
    (-10.0, 0.56),
    (0.0, 0.78),
    (TOP_DB, 1.0),
)
_MARKS_DB = (12, 6, 0, -5, -10, -20, -30, -40, -60)
_HANDLE_HEIGHT, _HANDLE_WIDTH, _GROOVE_WIDTH = 26, 30, 4


class GainScale:
    """From silence over -60 dB to +12 dB."""

    default = 0.0

    def at(self, place: float) -> float:
        """See `Scale`."""
        for (low_db, low), (high_db, high) in pairwise(_POINTS):
            if place <= high:
                return low_db + (high_db - low_db) * (max(place, 0.0) - low) / (high - low)
        return TOP_DB

    def place_of(self, value: float) -> float:
        """See `Scale`."""
        for (low_db, low), (high_db, high) in pairwise(_POINTS):
            if value <= high_db:
                return low + (high - low) * (max(value, QUIETEST_DB) - low_db) / (high_db - low_db)
        return 1.0

    def stepped(self, value: float, steps: float, *, fine: bool) -> float:
        """See `Scale`; a step beyond -60 dB is silence, and the next one up -60 dB."""
        if value < BOTTOM_DB:
            return BOTTOM_DB if steps > 0 else QUIETEST_DB
        stepped = round(value + steps * (FINE_STEP_DB if fine else STEP_DB), 1)
        return QUIETEST_DB if stepped < BOTTOM_DB else min(stepped, max(value, TOP_DB))

    def nearest(self, value: float) -> float:
        """See `Scale`."""
        if value < BOTTOM_DB:
            return QUIETEST_DB
        return 0.0 if abs(value) < CATCH_DB else round(value, 1)

    def shown(self, value: float) -> str:
        """See `Scale`."""
        return shown(GAIN, value)


class Fader(TaperSlider):
    """A vertical fader with its scale in dB.

    Args:
        name: for screen readers.
        parent: of the widget.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(GainScale(), Qt.Orientation.Vertical, name, parent)
        self._font = QFont()
        self._fit()

    def sizeHint(self) -> QSize:  # noqa: N802
        """As high as there is room for."""
        return QSize(self.minimumWidth(), 220)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """So that 1 dB near 0 is still a pixel or two."""
        return QSize(self.minimumWidth(), 110)

    def way_px(self) -> float:
        """See `TaperSlider`."""
        return max(1.0, self.height() - _HANDLE_HEIGHT)

    def handle_centre(self) -> QPointF:
        """Where the handle can be taken."""
        return QPointF(self.width() - _HANDLE_WIDTH / 2 - 3, self._y_of(self.place))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """The marks go with the font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.ApplicationFontChange):
            self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Marks, groove and handle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_marks(painter)
        self._paint_groove(painter)
        self._paint_handle(painter)
        if self.hasFocus():
            option = QStyleOptionSlider()
            self.initStyleOption(option)
            self.style().drawPrimitive(QStyle.PrimitiveElement.PE_FrameFocusRect, option, painter, self)

    def _paint_marks(self, painter: QPainter) -> None:
        colours = theme.colours()
        painter.setFont(self._font)
        metrics = painter.fontMetrics()
        left = self.handle_centre().x() - _HANDLE_WIDTH / 2
        taken = -1.0
        for mark_db in _MARKS_DB:
            y = self._y_of(self.scale.place_of(mark_db))
            painter.setPen(QPen(colours.muted_text, 1))
            painter.drawLine(QPointF(left - 3, y), QPointF(left + _HANDLE_WIDTH + 1, y))
            if y - metrics.height() * 0.4 < taken and mark_db != 0:
                continue
            taken = y + metrics.height() * 0.4
            painter.setPen(colours.text if mark_db == 0 else colours.muted_text)
            box = QRectF(0, y - metrics.height() / 2, left - 5, metrics.height())
            painter.drawText(
                box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{mark_db}".replace("-", "−")
            )

    def _paint_groove(self, painter: QPainter) -> None:
        colours = theme.colours()
        centre = self.handle_centre()
        top, bottom = self._y_of(1.0), self._y_of(0.0)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().dark())
        painter.drawRoundedRect(QRectF(centre.x() - _GROOVE_WIDTH / 2, top, _GROOVE_WIDTH, bottom - top), 2, 2)
        painter.setBrush(colours.accent if self.isEnabled() else colours.muted_text)
        painter.drawRoundedRect(
            QRectF(centre.x() - _GROOVE_WIDTH / 2, centre.y(), _GROOVE_WIDTH, bottom - centre.y()), 2, 2
        )

    def _paint_handle(self, painter: QPainter) -> None:
        colours = theme.colours()
        centre = self.handle_centre()
        painter.setPen(QPen(colours.accent if self.hasFocus() or self.isSliderDown() else colours.muted_text, 1.5))
        painter.setBrush(colours.surface if self.isEnabled() else colours.background)
        box = QRectF(0, 0, _HANDLE_WIDTH, _HANDLE_HEIGHT - 2)
        box.moveCenter(centre)
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QPen(colours.text, 2))
        painter.drawLine(QPointF(box.left() + 5, centre.y()), QPointF(box.right() - 5, centre.y()))

    def _y_of(self, place: float) -> float:
        return _HANDLE_HEIGHT / 2 + (1.0 - place) * self.way_px()

    def _fit(self) -> None:
        self._font = QFont(self.font())
        self._font.setPointSizeF(max(6.5, self._font.pointSizeF() * 0.8))
        self.setMinimumWidth(_HANDLE_WIDTH + 10 + self.fontMetrics().horizontalAdvance("−60"))
