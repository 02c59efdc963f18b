"""A line of words laid out in rows, and how far along them it is sung: from left to right, or as the script goes."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QTextCharFormat, QTextLayout, QTextLine, QTextOption

from ...realtime.karaoke.lyrics import Line

SMALLEST_PX = 12.0
ROW_SPACING = 1.1  # of the font's own: below the glyphs lies the bar that shows what is sung
_MOST_OF_HEIGHT = 0.42  # that the rows of one line may take
_ONE_ROW_LEAST, _ONE_ROW_MOST = 0.08, 0.11  # size of type by the view's height at 100 %
_SAME_PX = 0.01
_EVENING_STEPS = 6
_LAST_SLANTED = "\u052f"  # of Latin, Greek and Cyrillic; other scripts have no italics, and many fonts no glyphs for it
_BREAKS = str.maketrans(dict.fromkeys("\n\r\t\v\f\u2028\u2029", " "))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a row that is sung in one direction.

    Attributes:
        row: of the line.
        begin_x: where singing it begins, px; behind `end_x` where it goes from right to left.
        end_x: where it ends.
        before_px: how much of the line is sung when it begins.
        golden: whether it counts twice.
    """

    row: int
    begin_x: float
    end_x: float
    before_px: float
    golden: bool


class LineLayout:
    """Rows, centred in a width; Qt shapes and orders the glyphs.

    Args:
        line: words and their times.
        font: its pixel size is that of the type.
        width_px: where rows are wrapped.
        whole: the line is sung at once, as its file has no finer times.

    Attributes:
        height_px: of all rows.
        rows: of the text, in px from the upper left corner.
        stretches: in the order in which they are sung.
        length_px: of all stretches.
    """

    def __init__(self, line: Line, font: QFont, width_px: float, *, whole: bool) -> None:
        self._line, self._whole = line, whole
        raw = "".join(syllable.text for syllable in line.syllables)
        left = _units(raw) - _units(raw.lstrip())
        self._text = raw.strip().translate(_BREAKS)
        ends = list(accumulate(_units(syllable.text) for syllable in line.syllables))
        self._ends = [min(max(end - left, 0), _units(self._text)) for end in ends]  # of syllables, in UTF-16 as Qt's
        self._layout = QTextLayout(self._text, font)
        self._set_options()
        self.rows = self._make_rows(width_px)
        self.height_px = self.rows[-1].bottom() if self.rows else QFontMetricsF(font).height()
        self.stretches, self._sung_px = self._measure()
        self.length_px = self._sung_px[-1]
        self._starts_s = [syllable.start_s for syllable in line.syllables]

    def sung_px(self, position_s: float) -> float:
        """How much of `length_px` is sung at a time."""
        if self._whole:
            return self.length_px if position_s >= self._line.start_s else 0.0
        at = bisect.bisect_right(self._starts_s, position_s) - 1
        if at < 0:
            return 0.0
        syllable = self._line.syllables[at]
        lasts_s = syllable.end_s - syllable.start_s
        share = min((position_s - syllable.start_s) / lasts_s, 1.0) if lasts_s > 0 else 1.0
        return self._sung_px[at] + share * (self._sung_px[at + 1] - self._sung_px[at])

    def boxes(self, from_px: float, to_px: float, *, golden_only: bool = False) -> list[QRectF]:
        """What is sung between two lengths, as high as its rows."""
        found = list[QRectF]()
        for stretch in self.stretches:
            length = abs(stretch.end_x - stretch.begin_x)
            first, last = (min(max(at - stretch.before_px, 0.0), length) for at in (from_px, to_px))
            if last > first and (stretch.golden or not golden_only):
                way = 1.0 if stretch.end_x >= stretch.begin_x else -1.0
                ends = sorted((stretch.begin_x + way * first, stretch.begin_x + way * last))
                row = self.rows[stretch.row]
                found.append(QRectF(ends[0], row.top(), ends[1] - ends[0], row.height()))
        return found

    def draw(self, painter: QPainter, colour: QColor) -> None:
        """All rows, from the painter's origin."""
        painter.setPen(colour)
        self._layout.draw(painter, QPointF(0, 0))

    def _set_options(self) -> None:
        option = QTextOption(Qt.AlignmentFlag.AlignHCenter)
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        option.setTextDirection(Qt.LayoutDirection.LayoutDirectionAuto)
        self._layout.setTextOption(option)
        formats = list[QTextLayout.FormatRange]()
        for begin, end, syllable in zip([0, *self._ends], self._ends, self._line.syllables, strict=False):
            is_spoken = syllable.kind in ("freestyle", "rap", "golden rap")
            if is_spoken and end > begin and max(syllable.text) <= _LAST_SLANTED:
                found = QTextLayout.FormatRange()
                found.start, found.length, found.format = begin, end - begin, QTextCharFormat()
                found.format.setFontItalic(True)
                formats.append(found)
        self._layout.setFormats(formats)

    def _make_rows(self, width_px: float) -> tuple[QRectF, ...]:
        """As few as there have to be, and then as even as they can be."""
        rows = self._wrapped(width_px, width_px)
        if len(rows) == 1:
            return rows
        narrow, wide = width_px / len(rows), width_px
        for _ in range(_EVENING_STEPS):
            between = (narrow + wide) / 2
            narrow, wide = (narrow, between) if self._count_rows(between) <= len(rows) else (between, wide)
        return self._wrapped(wide, width_px)

    def _count_rows(self, width_px: float) -> int:
        found = self._wrapped(width_px, width_px)
        return len(found) if max(row.width() for row in found) <= width_px + 1 else len(found) + 1

    def _wrapped(self, width_px: float, within_px: float) -> tuple[QRectF, ...]:
        rows, top = list[QRectF](), 0.0
        self._layout.beginLayout()
        while (row := self._layout.createLine()).isValid():
            row.setLineWidth(max(width_px, 1.0))
            row.setPosition(QPointF((within_px - width_px) / 2, top))
            text = row.naturalTextRect()
            rows.append(QRectF(text.left(), top, text.width(), row.height() * ROW_SPACING))
            top += row.height() * ROW_SPACING
        self._layout.endLayout()
        return tuple(rows)

    def _measure(self) -> tuple[tuple[Stretch, ...], list[float]]:
        """Stretches, and the length that is sung before each syllable and after the last."""
        stretches, sung_px, length = list[Stretch](), [0.0], 0.0
        begin, spaces = 0, {at for at, unit in enumerate(_utf_16(self._text)) if unit == ord(" ")}
        for end, syllable in zip(self._ends, self._line.syllables, strict=True):
            for at in range(begin, end):
                row = self._layout.lineForTextPosition(at)
                last = stretches[-1] if stretches and stretches[-1].row == row.lineNumber() else None
                box = self.rows[row.lineNumber()]  # a space that hangs over a row's end is none of it
                from_x, to_x = (min(max(x, box.left()), box.right()) for x in _ends_of(row, at, last))
                if abs(to_x - from_x) > _SAME_PX:
                    golden = syllable.kind.startswith("golden") and at not in spaces
                    _append(stretches, Stretch(row.lineNumber(), from_x, to_x, length, golden))
                    length += abs(to_x - from_x)
            begin = end
            sung_px.append(length)
        return tuple(stretches), sung_px


def fitting_size_px(lines: Sequence[Line], font: QFont, width_px: float, height_px: float, scale: float) -> float:
    """One size of type for a song: at scale 1 the longest line stands in one row where that is not too small.

    Args:
        lines: of the song, or of a part.
        font: of the type.
        width_px: where rows are wrapped.
        height_px: of the whole view.
        scale: 0.5 to 3, as the user wants it; less where the longest line would not fit then.
    """
    metrics = QFontMetricsF(sized(font, 100.0))
    widths = {line.text: metrics.horizontalAdvance(line.text) / 100.0 for line in lines}
    widest = sorted(lines, key=lambda line: widths[line.text], reverse=True)[:3]
    longest_word = max((_unbroken_px(text, sized(font, 100.0)) for text in widths), default=0.0) / 100.0
    one_row_px = 0.98 * width_px / max(widths.values(), default=1.0) if any(widths.values()) else height_px
    size_px = scale * min(max(one_row_px, _ONE_ROW_LEAST * height_px), _ONE_ROW_MOST * height_px)
    while size_px > SMALLEST_PX:
        layouts = [LineLayout(line, sized(font, size_px), width_px, whole=True) for line in widest]
        fits = all(one.height_px <= _MOST_OF_HEIGHT * height_px for one in layouts)
        if fits and longest_word * size_px <= width_px:
            break
        size_px *= 0.94
    return max(size_px, SMALLEST_PX)


def sized(font: QFont, size_px: float) -> QFont:
    """The same in another size."""
    made = QFont(font)
    made.setPixelSize(max(1, int(size_px)))
    return made


def _unbroken_px(text: str, font: QFont) -> float:
    """Width of the longest piece that no script's rules let break: a word, or a single ideograph."""
    layout, option = QTextLayout(text, font), QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WordWrap)
    layout.setTextOption(option)
    layout.beginLayout()
    while (row := layout.createLine()).isValid():
        row.setLineWidth(1.0)
    layout.endLayout()
    return layout.minimumWidth()


def _utf_16(text: str) -> Sequence[int]:
    """Units that Qt counts in."""
    return memoryview(text.encode("utf-16", "surrogatepass")[2:]).cast("H")


def _units(text: str) -> int:
    return len(_utf_16(text))


def _ends_of(row: QTextLine, at: int, last: Stretch | None) -> tuple[float, float]:
    """Where a character begins and ends.

    Where the direction changes Qt's cursor has two places, and that of the character before is given: there the glyph
    says where it is. What several characters share, as in ligatures and emoji, is the first one's.
    """
    from_x, to_x = _x_of(row, at, QTextLine.Edge.Leading), _x_of(row, at, QTextLine.Edge.Trailing)
    runs = row.glyphRuns(at, 1) if abs(to_x - from_x) < _SAME_PX else []
    if runs and (last is None or runs[0].isRightToLeft() != (last.end_x < last.begin_x)):
        box = runs[0].boundingRect()
        return (box.right(), box.left()) if runs[0].isRightToLeft() else (box.left(), box.right())
    if last is not None and (to_x < from_x) == (last.end_x < last.begin_x):
        within = last.end_x < from_x <= last.begin_x if to_x < from_x else last.begin_x <= from_x < last.end_x
        if within:
            furthest = min if to_x < from_x else max
            return last.end_x, furthest(to_x, last.end_x)
    return from_x, to_x


def _x_of(row: QTextLine, at: int, edge: QTextLine.Edge) -> float:
    found: Any = row.cursorToX(at, edge)
    return float(found[0] if isinstance(found, tuple) else found)  # its types say that it is the tuple's second


def _append(stretches: list[Stretch], new: Stretch) -> None:
    """Behind the others; as a part of the last where it goes on in its direction."""
    if stretches:
        last = stretches[-1]
        goes_on = (last.row, last.golden) == (new.row, new.golden) and abs(last.end_x - new.begin_x) < _SAME_PX
        if goes_on and (last.end_x > last.begin_x) == (new.end_x > new.begin_x):
            stretches[-1] = Stretch(last.row, last.begin_x, new.end_x, last.before_px, last.golden)
            return
    stretches.append(new)
