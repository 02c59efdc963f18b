"""One spectrogram as pixels: what is new is drawn, what was drawn is shown again where it belongs.

A column of pixels stands for certain columns of sound for as long as the zoom stays, wherever it is on the screen.
The image is a ring of such pixel columns; scrolling moves its beginning, and it is put on the screen in two parts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from .colour_maps import LEVELS, level_codes, map_codes
from .frequency_axis import Rows
from .spectrogram_history import History


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """How a picture is drawn; another one has it drawn anew.

    Attributes:
        rows: bands of each row.
        columns_per_pixel: columns of sound that a pixel is wide.
        low_db: of the darkest colour.
        high_db: of the lightest.
        pixels: of `colour_maps.level_pixels`, or, with a map, of `colour_maps.map_pixels`.
        map_source: whose critic's map lies over it; None: no map.
        map_full_scale: gradient of the map's strongest colours.
    """

    rows: Rows
    columns_per_pixel: float
    low_db: float
    high_db: float
    pixels: NDArray[np.uint32]
    map_source: int | None = None
    map_full_scale: float = 1.0


class Picture:
    """Pixels of one of the three spectrograms.

    Args:
        number: 0 mixture, 1 first source, 2 second source.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._pixels: NDArray[np.uint32] = np.zeros((1, 1), np.uint32)
        self._image = QImage()
        self._drawing: Drawing | None = None
        self._history: History | None = None
        self._shown = (0, 0)  # pixel columns that the ring holds
        self.resize(1, 1)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self._pixels.shape
        return width, height

    @property
    def shown(self) -> tuple[int, int]:
        """The first pixel column that is shown, counted from the beginning of all sound, and the one behind them."""
        return self._shown

    def resize(self, width: int, height: int) -> None:
        """Be of another size, in pixels of the screen; `update` draws it anew."""
        self._pixels = np.zeros((height, width), np.uint32)
        self._image = QImage(self._pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)
        self._shown = (0, 0)

    def update(self, history: History, drawing: Drawing, end: float) -> None:
        """Show what lies before a position.

        Args:
            history: to draw from.
            drawing: how; the very same object as before where nothing changed.
            end: position of the right edge; the last whole pixel column before it is the last.
        """
        width = self._pixels.shape[1]
        stop = int(end / drawing.columns_per_pixel)
        if drawing is not self._drawing or history is not self._history:
            self._drawing, self._history, self._shown = drawing, history, (stop, stop)
        start, (drawn, drawn_stop) = stop - width, self._shown
        self._shown = start, stop
        if drawn_stop <= start or stop <= drawn:
            self._draw(start, stop)
            return
        self._draw(max(start, drawn_stop), stop)
        self._draw(start, min(stop, drawn))

    def touch(self, start: int, end: int) -> None:
        """Draw again what shows the columns from a position to another: they have changed."""
        if self._drawing is not None:
            wide = self._drawing.columns_per_pixel
            self._draw(max(int(start / wide) - 1, self._shown[0]), min(int(end / wide) + 1, self._shown[1]))

    def paint(self, painter: QPainter, target: QRectF) -> None:
        """Put it on the screen.

        Args:
            painter: of the widget.
            target: where, in the widget's own units.
        """
        width, height = self.size
        begin = self._shown[0] % width
        painter.save()
        painter.translate(target.topLeft())
        if target.width() != width:  # several pixels of the screen are one of the widget's units
            painter.scale(target.width() / width, target.height() / height)
        painter.drawImage(0, 0, self._image, begin, 0, width - begin, height)
        if begin:
            painter.drawImage(width - begin, 0, self._image, 0, 0, begin, height)
        painter.restore()

    def to_array(self) -> NDArray[np.uint32]:
        """Its pixels as they are on the screen [row, column]."""
        return np.roll(self._pixels, -(self._shown[0] % self._pixels.shape[1]), axis=1)

    def _draw(self, start: int, stop: int) -> None:
        """Pixel columns from the history."""
        if start >= stop or self._drawing is None or self._history is None:
            return
        drawing, history = self._drawing, self._history
        starts = np.floor(np.arange(start, stop + 1) * drawing.columns_per_pixel).astype(np.int64)
        first, end = int(starts[0]), max(int(starts[-1]), int(starts[-2]) + 1)
        columns = (starts[:-1] - first).astype(np.intp)
        levels = history.levels_db(self._number, first, end)
        codes = self._shrunk(level_codes(levels, drawing.low_db, drawing.high_db), columns, drawing.rows)
        if drawing.map_source is not None:
            gradients = history.gradients(drawing.map_source, first, end)
            over = self._shrunk(map_codes(gradients, drawing.map_full_scale), columns, drawing.rows)
            codes = over.astype(np.int32) * LEVELS + codes
        self._pixels[::-1, np.arange(start, stop) % self._pixels.shape[1]] = drawing.pixels[codes]

    @staticmethod
    def _shrunk(codes: NDArray[np.uint8], columns: NDArray[np.intp], rows: Rows) -> NDArray[np.uint8]:
        """Codes [column, band] as pixels [row, column], from the lowest row up."""
        narrow = _highest(codes, columns, len(codes))
        return _highest(np.ascontiguousarray(narrow.T), rows.starts, rows.stop)


def _highest(codes: NDArray[np.uint8], starts: NDArray[np.intp], stop: int) -> NDArray[np.uint8]:
    """The highest of each group along the first axis; groups begin at `starts` and are never empty.

    As `np.maximum.reduceat`, which takes ten times as long for groups as small as these.
    """
    lasts = np.maximum(np.append(starts[1:], stop), starts + 1) - 1
    found = codes[starts]
    for step in range(1, int((lasts - starts).max()) + 1):
        np.maximum(found, codes[np.minimum(starts + step, lasts)], out=found)
    return found
