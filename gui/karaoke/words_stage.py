"""A song's words on a stage of one size: each singer's beside the other's, title and names above."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QPainter

from ...realtime.karaoke.lyrics import Lyrics
from .stage_look import StageColours
from .words_flow import Flow
from .words_layout import fitting_size_px, sized
from .words_part import Part

_MARGIN = 0.03  # of the width, beside the words
_NAMES = 0.08  # of the height, where there are several singers
_TITLE, _ARTIST, _SPACING = 1.1, 0.7, 1.6  # by the size of type
_FALLBACK_PX = 40.0


class WordsStage:
    """Made anew for another size, font, look or song.

    Args:
        lyrics: of the song; None: nothing is on the stage.
        area: of the view.
        font: of the type, without its size.
        scale: of the type, 0.5 to 3.
        colours: of the look.
        ratio: pixels of the device in one of the view.

    Attributes:
        size_px: of the type; all lines of a song have the same.
    """

    def __init__(
        self, lyrics: Lyrics | None, area: QRectF, font: QFont, scale: float, colours: StageColours, ratio: float
    ) -> None:
        self._lyrics, self._area, self._font, self._colours = lyrics, area, font, colours
        self._parts, self.size_px = list[Part](), _FALLBACK_PX
        if lyrics is None or not lyrics.lines:
            return
        flows = flows_of(lyrics)
        below = area.adjusted(0, _NAMES * area.height() if len(flows) > 1 else 0, 0, 0)
        wide, margin = area.width() / len(flows), _MARGIN * area.width()
        width = max(wide - 2 * margin, 1.0)
        self.size_px = fitting_size_px(lyrics.lines, font, width, below.height(), scale)
        for place, (singer, flow) in enumerate(flows.items()):
            box = QRectF(area.left() + place * wide + margin, below.top(), width, below.height())
            self._parts.append(
                Part(
                    flow,
                    singer,
                    box,
                    font,
                    self.size_px,
                    colours,
                    whole=lyrics.timing == "line",
                    title_px=self._title_px(),
                    ratio=ratio,
                )
            )

    def changed(self, from_s: float, to_s: float) -> list[QRectF]:
        """What looks different at another time."""
        if any(part.flow.place_at(from_s) < 0 for part in self._parts):
            return [self._area]  # the title goes, or comes
        return [box for part in self._parts for box in part.changed(from_s, to_s)]

    def prepare(self, position_s: float) -> None:
        """Make one picture that is needed soon, unless lines move, which takes the time."""
        if all(part.flow.place_at(position_s).is_integer() for part in self._parts):
            any(part.prepare(position_s) for part in self._parts)

    def paint(self, painter: QPainter, position_s: float, clip: QRectF) -> None:
        """Draw what is seen at a time."""
        self._paint_title(painter, position_s)
        self._paint_names(painter)
        for part in self._parts:
            part.paint(painter, position_s, clip)

    def _title_px(self) -> float:
        """Height that a title takes."""
        has_any = self._lyrics is not None and (self._lyrics.title or self._lyrics.artist)
        return (_TITLE + _ARTIST) * _SPACING * self.size_px if has_any else 0.0

    def _paint_title(self, painter: QPainter, position_s: float) -> None:
        """As long as nobody has stepped over it."""
        if self._lyrics is None or not self._parts:
            return
        first = max(self._parts, key=lambda part: part.flow.place_at(position_s))
        placed = first.placed(first.flow.place_at(position_s)).get(-1)
        if placed is None or placed.opacity <= 0:
            return
        painter.save()
        painter.setOpacity(placed.opacity)
        wide, left = (1 - 2 * _MARGIN) * self._area.width(), self._area.left() + _MARGIN * self._area.width()
        top = placed.middle_y - self._title_px() / 2
        rows = (
            (self._lyrics.title, _TITLE, self._colours.text),
            (self._lyrics.artist, _ARTIST, self._colours.muted_text),
        )
        for text, size, colour in rows:
            painter.setFont(sized(self._font, size * self.size_px))
            longest = painter.fontMetrics().horizontalAdvance(text)
            if longest > wide:
                painter.setFont(sized(self._font, size * self.size_px * wide / longest))
            painter.setPen(colour)
            box = QRectF(left, top, wide, size * _SPACING * self.size_px)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
            top = box.bottom()
        painter.restore()

    def _paint_names(self, painter: QPainter) -> None:
        if self._lyrics is None or len(self._parts) < 2:
            return
        wide, high = self._area.width() / len(self._parts), _NAMES * self._area.height()
        painter.setFont(sized(self._font, 0.6 * high))
        for place, part in enumerate(self._parts):
            box = QRectF(self._area.left() + place * wide + 8, self._area.top(), wide - 16, high)
            name = singer_name(self._lyrics, part.singer)
            painter.setPen(self._colours.of_singer(part.singer))
            short = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, int(box.width()))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, short)


def flows_of(lyrics: Lyrics) -> dict[int, Flow]:
    """Of each part that sings, by its number."""
    singers = sorted({line.singer for line in lyrics.lines})
    return {singer: Flow(lyrics.of_singer(singer).lines) for singer in singers}


def singer_name(lyrics: Lyrics, singer: int) -> str:
    """What a part is called, or its number."""
    named = lyrics.singers[singer - 1] if 0 < singer <= len(lyrics.singers) else ""
    return named or f"Singer {singer}"
