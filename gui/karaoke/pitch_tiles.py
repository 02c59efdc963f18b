"""Notes and singing in pictures of half a second each, which only move: drawn anew is only what is sung now."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPixmap

from .pitch_picture import LONGEST_JOIN_S, PitchScale, paint_guide, paint_notes, paint_sung
from .pitch_tracks import PitchTracks
from .stage_look import StageColours

TILE_S = 0.5


class PitchTiles:
    """Pictures of one view at one size and in one look.

    Args:
        tracks: to be drawn.
        grid: what lies behind them, as large as the view.
        scale: of the view; its time does not matter.
        colours: of the look.
    """

    def __init__(self, tracks: PitchTracks, grid: QPixmap, scale: PitchScale, colours: StageColours) -> None:
        self._tracks, self._grid, self._scale, self._colours = tracks, grid, scale, colours
        self._tiles: OrderedDict[int, QPixmap] = OrderedDict()
        self._wide = round(scale.px_per_s * TILE_S)
        self._most = math.ceil(scale.area.width() / self._wide) + 3

    def forget(self, from_s: float, to_s: float) -> None:
        """What was sung between two times is other."""
        first, last = (math.floor(at_s / TILE_S) for at_s in (from_s - LONGEST_JOIN_S, to_s + LONGEST_JOIN_S))
        for number in [number for number in self._tiles if first <= number <= last]:
            del self._tiles[number]

    def paint_frame(self, painter: QPainter) -> None:
        """What stands still around them."""
        painter.drawPixmap(QPointF(0, 0), self._grid)

    def paint(self, painter: QPainter, now_s: float) -> None:
        """All that is seen at a time; each picture at a whole pixel."""
        scale = replace(self._scale, now_s=now_s)
        first = math.floor(scale.from_s / TILE_S)
        left = round(scale.x(first * TILE_S))
        number = first
        while left < scale.area.right():
            painter.drawPixmap(QPointF(left, scale.area.top()), self._tile(number))
            number, left = number + 1, left + self._wide

    def _tile(self, number: int) -> QPixmap:
        if number in self._tiles:
            self._tiles.move_to_end(number)
            return self._tiles[number]
        made = self._tiles[number] = self._drawn(number)
        while len(self._tiles) > self._most:
            self._tiles.popitem(last=False)
        return made

    def _drawn(self, number: int) -> QPixmap:
        """The grid with what lies over it, and what reaches in from both sides."""
        area, ratio = self._scale.area, self._grid.devicePixelRatio()
        pixmap = QPixmap(max(1, round(self._wide * ratio)), max(1, round(area.height() * ratio)))
        pixmap.setDevicePixelRatio(ratio)
        painter = QPainter(pixmap)
        here = QRectF(0, 0, self._wide, area.height())
        behind = QRectF(area.left() * ratio, area.top() * ratio, 1, area.height() * ratio)
        painter.drawPixmap(here, self._grid, behind)  # a column of it: its lines are level
        scale = self._scale.of_stretch(here, number * TILE_S)
        for paint in (paint_notes, paint_guide, paint_sung):
            paint(painter, self._tracks, scale, self._colours)
        painter.end()
        return pixmap
