"""Signs of a tape deck, drawn in the colours of the theme: a style's own would be black on black."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap, QPolygonF

from . import theme

Sign = Literal["play", "pause", "to_start", "record", "stop"]

_SIDE = 64  # pixels; Qt makes it smaller


def sign(name: Sign) -> QIcon:
    """A sign as an icon; fainter where its button is switched off."""
    colours = theme.colours()
    icon = QIcon()
    icon.addPixmap(_drawn(name, colours.error if name == "record" else colours.text), QIcon.Mode.Normal)
    icon.addPixmap(_drawn(name, colours.muted_text), QIcon.Mode.Disabled)
    return icon


def _drawn(name: Sign, colour: QColor) -> QPixmap:
    pixmap = QPixmap(_SIDE, _SIDE)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    match name:
        case "play":
            painter.drawPolygon(QPolygonF([QPointF(16, 8), QPointF(56, 32), QPointF(16, 56)]))
        case "pause":
            painter.drawRect(QRectF(12, 8, 14, 48))
            painter.drawRect(QRectF(38, 8, 14, 48))
        case "to_start":
            painter.drawRect(QRectF(10, 8, 8, 48))
            painter.drawPolygon(QPolygonF([QPointF(54, 8), QPointF(22, 32), QPointF(54, 56)]))
        case "record":
            painter.drawEllipse(QRectF(10, 10, 44, 44))
        case "stop":
            painter.drawRect(QRectF(12, 12, 40, 40))
    painter.end()
    return pixmap
