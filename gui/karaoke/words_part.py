"""One part's words on the stage: which lines are seen where, how they are drawn, and what has to be drawn anew."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPixmap

from .stage_look import StageColours
from .words_flow import LONG_GAP_S, Flow
from .words_layout import LineLayout, sized

AHEAD_SCALE, AHEAD_OPACITY, MOST_AHEAD = 0.66, 0.65, 3
_MIDDLE = 0.42  # of the height: of the current line
_GAP = 0.45  # between lines, by the size of type
_MOST_KEPT = 16  # pictures
_DOTS = 4
_Kind = Literal["unsung", "sung", "ahead"]


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a line is seen.

    Attributes:
        middle_y: of all its rows, px.
        scale: 1 is the current line's.
        opacity: 0 to 1.
    """

    middle_y: float
    scale: float
    opacity: float


class Part:
    """The lines of one singer in a box of the view.

    Args:
        flow: of their lines in time.
        singer: number of the part.
        box: of the view that it may use.
        font: of the type, without its size.
        size_px: of the type.
        colours: of the look.
        whole: lines are sung at once; see `LineLayout`.
        title_px: height of the title, which stands before the first line.
        ratio: pixels of the device in one of the view.

    Attributes:
        flow: the same.
        singer: the same.
    """

    def __init__(
        self, flow: Flow, singer: int, box: QRectF, font: QFont, size_px: float,
        colours: StageColours, *, whole: bool, title_px: float, ratio: float,
    ) -> None:  # fmt: skip
        self.flow, self.singer = flow, singer
        self._lines, self._box, self._font, self._colours = flow.lines, box, sized(font, size_px), colours
        self._size_px, self._whole, self._title_px, self._ratio = size_px, whole, title_px, ratio
        self._pad_px = math.ceil(0.25 * size_px)  # around rows: of glyphs that hang over their advance
        self._layouts: dict[int, LineLayout] = {}
        self._pixmaps: OrderedDict[tuple[int, _Kind], QPixmap] = OrderedDict()

    def placed(self, place: float) -> dict[int, Placed]:
        """What is seen, by the line's number; -1 is the title."""
        current, fraction = math.floor(place), place - math.floor(place)
        before = self._arranged(current)
        if fraction == 0.0:
            return {index: one for index, one in before.items() if one.opacity > 0}
        after, found = self._arranged(current + 1), dict[int, Placed]()
        for index in sorted(before.keys() & after.keys()):
            one, other = before[index], after[index]
            found[index] = Placed(
                one.middle_y + fraction * (other.middle_y - one.middle_y),
                one.scale + fraction * (other.scale - one.scale),
                one.opacity
                + (min(2 * fraction, 1.0) if index == current else fraction) * (other.opacity - one.opacity),
            )
        return found

    def changed(self, from_s: float, to_s: float) -> list[QRectF]:
        """What looks different at another time."""
        before, after = self.flow.place_at(from_s), self.flow.place_at(to_s)
        current = math.floor(after)
        if before != after or after != current:
            return [self._seen_box(before).united(self._seen_box(after))]
        if not 0 <= current < len(self._lines):
            return []
        found = list[QRectF]()
        if self._wait_key(current, from_s) != self._wait_key(current, to_s):
            found.append(self._wait_box(current))
        layout, middle_y = self._layout(current), self._middle_y
        from_px, to_px = sorted((layout.sung_px(from_s), layout.sung_px(to_s)))
        shift = QPointF(self._box.left(), middle_y - layout.height_px / 2)
        pad = self._pad_px
        found += [box.translated(shift).adjusted(-pad, -pad, pad, pad) for box in layout.boxes(from_px, to_px)]
        return found

    def paint(self, painter: QPainter, position_s: float, clip: QRectF) -> None:
        """Draw what is seen at a time; of what does not touch `clip`, nothing."""
        place = self.flow.place_at(position_s)
        for index, placed in self.placed(place).items():
            if 0 <= index < len(self._lines):
                self._paint_line(painter, index, placed, position_s, clip)
        current = math.floor(place)
        if place == current and self.flow.waiting_s(current, position_s) > 0:
            self._paint_wait(painter, current, position_s)

    def prepare(self, position_s: float) -> bool:
        """Make one picture that is needed soon, if there is one to make."""
        current = math.floor(self.flow.place_at(position_s))
        for index in range(max(current, 0), min(current + MOST_AHEAD + 2, len(self._lines))):
            kinds: tuple[_Kind, ...] = ("unsung", "sung") if index <= current + 1 else ("ahead",)
            for kind in kinds:
                if (index, kind) not in self._pixmaps:
                    self._pixmap(index, kind)
                    return True
        return False

    def _seen_box(self, place: float) -> QRectF:
        """Around all that is seen, with the count-in."""
        found = self._wait_box(math.floor(place))
        for index, placed in self.placed(place).items():
            half = placed.scale * (self._height_px(index) / 2 + self._pad_px)
            found |= QRectF(self._box.left(), placed.middle_y - half, self._box.width(), 2 * half)
        return found.adjusted(-self._pad_px, 0, self._pad_px, 0)

    @property
    def _middle_y(self) -> float:
        return self._box.top() + _MIDDLE * self._box.height()

    def _height_px(self, index: int) -> float:
        if 0 <= index < len(self._lines):
            return self._layout(index).height_px
        return self._title_px if index < 0 else 0.0

    def _arranged(self, current: int) -> dict[int, Placed]:
        """With a line at rest: it, the one before, which is not seen any more, and those ahead."""
        gap = _GAP * self._size_px
        found = {current: Placed(self._middle_y, 1.0, 1.0)}
        top = self._middle_y - self._height_px(current) / 2
        if current >= 0:
            past_px = self._height_px(current - 1) * AHEAD_SCALE
            found[current - 1] = Placed(top - gap - past_px / 2, AHEAD_SCALE, 0.0)
        bottom = self._middle_y + self._height_px(current) / 2 + 0.6 * gap
        for index in range(current + 1, min(current + MOST_AHEAD + 2, len(self._lines))):
            height = self._height_px(index) * AHEAD_SCALE
            fits = index <= current + MOST_AHEAD and bottom + gap + height <= self._box.bottom()
            found[index] = Placed(bottom + gap + height / 2, AHEAD_SCALE, AHEAD_OPACITY if fits else 0.0)
            bottom += gap + height
        return found

    def _layout(self, index: int) -> LineLayout:
        if index not in self._layouts:
            self._layouts[index] = LineLayout(self._lines[index], self._font, self._box.width(), whole=self._whole)
        return self._layouts[index]

    def _paint_line(self, painter: QPainter, index: int, placed: Placed, position_s: float, clip: QRectF) -> None:
        layout, pad = self._layout(index), self._pad_px
        half = placed.scale * (layout.height_px / 2 + pad)
        seen = QRectF(self._box.left() - pad, placed.middle_y - half, self._box.width() + 2 * pad, 2 * half)
        if placed.opacity <= 0 or not seen.intersects(clip):
            return
        painter.save()
        painter.setOpacity(placed.opacity)
        painter.translate(round(self._box.center().x()), round(placed.middle_y))
        sung_px = layout.sung_px(position_s)
        if placed.scale == AHEAD_SCALE and sung_px == 0:
            painter.setOpacity(placed.opacity / AHEAD_OPACITY)
            pixmap = self._pixmap(index, "ahead")
            size = pixmap.deviceIndependentSize()
            painter.drawPixmap(QPointF(-round(size.width() / 2), -round(size.height() / 2)), pixmap)
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, placed.scale != 1.0)
            painter.scale(placed.scale, placed.scale)
            self._paint_boxes(painter, index, "unsung", layout.boxes(sung_px, layout.length_px))
            self._paint_boxes(painter, index, "sung", layout.boxes(0.0, sung_px))
        painter.restore()

    def _paint_boxes(self, painter: QPainter, index: int, kind: _Kind, boxes: list[QRectF]) -> None:
        """Parts of a line's picture; beyond a row's ends with what hangs over."""
        layout, pad = self._layout(index), self._pad_px
        origin = QPointF(-round(self._box.width() / 2), -round(layout.height_px / 2))
        rows = {row.top(): row for row in layout.rows}
        for box in boxes:
            row = rows[box.top()]
            left = round(box.left()) - (pad if box.left() - row.left() < 0.5 else 0)
            right = round(box.right()) + (pad if row.right() - box.right() < 0.5 else 0)
            top = math.floor(box.top()) - (pad if row is layout.rows[0] else 0)
            bottom = math.floor(box.bottom()) + (pad if row is layout.rows[-1] else 0)
            part = QRectF(left - self._left_px(index) + pad, top + pad, right - left, bottom - top)
            inside = QRectF(part.topLeft() * self._ratio, part.size() * self._ratio)
            target = QRectF(origin + QPointF(left, top), part.size())
            painter.drawPixmap(target, self._pixmap(index, kind), inside)

    def _left_px(self, index: int) -> int:
        """Where a line's picture begins: nothing is left of its longest row."""
        return math.floor(min((row.left() for row in self._layout(index).rows), default=0.0))

    def _pixmap(self, index: int, kind: _Kind) -> QPixmap:
        key = index, kind
        if key in self._pixmaps:
            self._pixmaps.move_to_end(key)
            return self._pixmaps[key]
        made = self._pixmaps[key] = self._drawn(index, kind)
        while len(self._pixmaps) > _MOST_KEPT:
            self._pixmaps.popitem(last=False)
        return made

    def _drawn(self, index: int, kind: _Kind) -> QPixmap:
        layout, pad = self._layout(index), self._pad_px
        scale = (AHEAD_SCALE if kind == "ahead" else 1.0) * self._ratio
        left = self._left_px(index)
        wide, high = self._box.width() - 2 * left + 2 * pad, layout.height_px + 2 * pad
        pixmap = QPixmap(max(1, math.ceil(wide * scale)), max(1, math.ceil(high * scale)))
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        painter.scale(scale, scale)
        painter.translate(pad - left, pad)
        painter.setOpacity(AHEAD_OPACITY if kind == "ahead" else 1.0)  # here once, not in every frame
        if kind == "sung":
            colour = self._colours.of_singer(self.singer)
            layout.draw(painter, colour)
            self._draw_bars(painter, layout, colour)
        else:
            layout.draw(painter, self._colours.text)
            self._draw_golden(painter, layout)
        painter.end()
        pixmap.setDevicePixelRatio(self._ratio)
        return pixmap

    def _draw_bars(self, painter: QPainter, layout: LineLayout, colour: QColor) -> None:
        """Under what is sung: seen without telling colours apart."""
        thick = max(2.0, 0.05 * self._size_px)
        for box in layout.boxes(0.0, layout.length_px):
            painter.fillRect(QRectF(box.left(), box.bottom() - 1.5 * thick, box.width(), thick), colour)

    def _draw_golden(self, painter: QPainter, layout: LineLayout) -> None:
        """Dots under what counts twice."""
        thick = max(2.5, 0.06 * self._size_px)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._colours.golden)
        for box in layout.boxes(0.0, layout.length_px, golden_only=True):
            count = max(1, int(box.width() / (3 * thick)))
            for i in range(count):
                middle = QPointF(box.left() + (i + 0.5) * box.width() / count, box.bottom() - thick)
                painter.drawEllipse(middle, thick / 2, thick / 2)

    def _wait_key(self, index: int, position_s: float) -> int:
        """Changes when the count-in has to be drawn anew."""
        waiting_s = self.flow.waiting_s(index, position_s)
        return 1000 + math.ceil(waiting_s) if waiting_s > LONG_GAP_S else math.ceil(waiting_s * 30)

    def _wait_box(self, index: int) -> QRectF:
        high = 0.8 * self._size_px
        bottom = self._middle_y - self._height_px(index) / 2 - 0.1 * self._size_px
        return QRectF(self._box.left(), bottom - high, self._box.width(), high)

    def _paint_wait(self, painter: QPainter, index: int, position_s: float) -> None:
        """Four dots, of which the last go one a second; before them, the seconds in a number."""
        box, waiting_s = self._wait_box(index), self.flow.waiting_s(index, position_s)
        colour, middle = self._colours.of_singer(self.singer), box.center()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        radius, apart = 0.2 * self._size_px, 0.6 * self._size_px
        for i in range(_DOTS):
            left = min(max(waiting_s * _DOTS / LONG_GAP_S - i, 0.0), 1.0)
            if left > 0:
                at = QPointF(middle.x() + (i - (_DOTS - 1) / 2) * apart, middle.y())
                painter.drawEllipse(at, radius * left, radius * left)
        if waiting_s > LONG_GAP_S:
            painter.setFont(sized(self._font, 0.5 * self._size_px))
            painter.setPen(self._colours.muted_text)
            beside = box.adjusted(box.width() / 2 + (_DOTS / 2 + 0.2) * apart, 0, 0, 0)
            flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(beside, flags, f"{math.ceil(waiting_s)} s")
        painter.restore()
