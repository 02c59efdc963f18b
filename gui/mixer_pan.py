"""Left and right: a slider that comes to rest in the middle."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QWidget

from . import theme
from .parameter_slider import TaperSlider

STEP, FINE_STEP = 0.05, 0.01
CATCH = 0.06  # a drag that ends so near the middle means the middle


class PanScale:
    """-1 (left) to 1 (right)."""

    default = 0.0

    def at(self, place: float) -> float:
        """See `Scale`."""
        return min(max(2 * place - 1, -1.0), 1.0)

    def place_of(self, value: float) -> float:
        """See `Scale`."""
        return (min(max(value, -1.0), 1.0) + 1) / 2

    def stepped(self, value: float, steps: float, *, fine: bool) -> float:
        """See `Scale`."""
        return min(max(round(value + steps * (FINE_STEP if fine else STEP), 2), -1.0), 1.0)

    def nearest(self, value: float) -> float:
        """See `Scale`."""
        return 0.0 if abs(value) < CATCH else round(value, 2)

    def shown(self, value: float) -> str:
        """See `Scale`: in % of the way to a side."""
        percent = round(abs(value) * 100)
        return "middle" if not percent else f"{'left' if value < 0 else 'right'} {percent} %"


class PanSlider(TaperSlider):
    """Left to right, with a mark in the middle.

    Attributes:
        label: how far, as a number; to be laid out beside.

    Args:
        name: for screen readers.
        parent: of both.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(PanScale(), Qt.Orientation.Horizontal, name, parent)
        self.label = QLabel(parent)
        self.label.setFixedWidth(self.label.fontMetrics().horizontalAdvance("R 100"))
        self.label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.valueChanged.connect(self._tell)
        self._tell()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """A groove that is lit from the middle to the handle."""
        colours, painter = theme.colours(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, way = (self.width() - self.way_px()) / 2, self.way_px()
        at, middle, high = left + way * self.place, self.width() / 2, self.height() / 2
        painter.setPen(QPen(colours.muted_text, 1))
        painter.drawLine(QPointF(middle, high - 8), QPointF(middle, high + 8))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().dark())
        painter.drawRoundedRect(QRectF(left, high - 2, way, 4), 2, 2)
        painter.setBrush(colours.accent)
        painter.drawRect(QRectF(min(at, middle), high - 2, abs(at - middle), 4))
        painter.setPen(QPen(colours.accent if self.hasFocus() or self.isSliderDown() else colours.muted_text, 1.5))
        painter.setBrush(colours.surface)
        painter.drawRoundedRect(QRectF(at - 5, high - 7, 10, 14), 3, 3)

    def _tell(self) -> None:
        percent = round(self.exact * 100)
        self.label.setText("C" if not percent else f"{'L' if percent < 0 else 'R'} {abs(percent)}")
