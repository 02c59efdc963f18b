"""A level meter: mean and peak in dBFS, the peak held for a while, and what was beyond full scale until it is seen."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QWidget

from ..realtime.status import Level
from . import theme

FLOOR_DBFS, TOP_DBFS = -60.0, 6.0  # of the picture; a stem may be louder than full scale
SILENCE_DBFS = -120.0
WARM_DBFS, HOT_DBFS, CLIPPED_DBFS = -12.0, -3.0, -0.01  # full scale of 16 bits is a little below 0
RISE_DB_S, FALL_DB_S = 300.0, 24.0
HOLD_S = 1.5
NEWS_S = 0.25  # after so long without news nothing is heard
_MARKS_DBFS = (0, -6, -12, -18, -24, -36, -48, -60)
_BAR_WIDTH, _GAP = 14, 4


class Ballistics:
    """How a meter moves, whatever the rate at which it is fed and drawn.

    The peak jumps up and falls at `FALL_DB_S`; the mean rises at `RISE_DB_S` at most and falls as
    the peak does; the held peak stays for `HOLD_S`, then falls.

    Attributes:
        peak_dbfs: where the peak's bar ends; `SILENCE_DBFS` at least, as all.
        mean_dbfs: where the mean's bar ends.
        held_dbfs: where the held peak is.
        loudest_dbfs: of all peaks since `forget`.
    """

    def __init__(self) -> None:
        self.peak_dbfs = self.mean_dbfs = self.held_dbfs = self.loudest_dbfs = SILENCE_DBFS
        self._heard_mean_dbfs = SILENCE_DBFS
        self._now_s = self._heard_s = self._held_until_s = 0.0

    def hear(self, level: Level | None, now_s: float) -> None:
        """Take a level, as of now; None: nothing plays."""
        self.advance(now_s)
        if level is None:
            self._heard_mean_dbfs = SILENCE_DBFS
            return
        self._heard_s = now_s
        peak_dbfs = max(level.peak_dbfs, SILENCE_DBFS)
        self._heard_mean_dbfs = max(level.rms_dbfs, SILENCE_DBFS)
        self.peak_dbfs = max(self.peak_dbfs, peak_dbfs)
        self.loudest_dbfs = max(self.loudest_dbfs, peak_dbfs)
        if peak_dbfs >= self.held_dbfs:
            self.held_dbfs, self._held_until_s = peak_dbfs, now_s + HOLD_S

    def advance(self, now_s: float) -> None:
        """Be where everything has moved to by now."""
        passed_s = max(0.0, now_s - self._now_s)
        falling_s = max(0.0, now_s - max(self._now_s, self._held_until_s))
        quiet_s = min(max(0.0, now_s - (self._heard_s + NEWS_S)), passed_s)
        self._now_s = max(now_s, self._now_s)
        self.peak_dbfs = max(self.peak_dbfs - FALL_DB_S * passed_s, SILENCE_DBFS)
        self._move_mean(passed_s - quiet_s)
        if quiet_s > 0:
            self._heard_mean_dbfs = SILENCE_DBFS
            self._move_mean(quiet_s)
        self.held_dbfs = max(self.held_dbfs - FALL_DB_S * falling_s, self.peak_dbfs)

    def _move_mean(self, passed_s: float) -> None:
        risen_dbfs = self.mean_dbfs + RISE_DB_S * passed_s
        fallen_dbfs = self.mean_dbfs - FALL_DB_S * passed_s
        self.mean_dbfs = min(max(self._heard_mean_dbfs, fallen_dbfs), risen_dbfs)

    def forget(self) -> None:
        """Begin `loudest_dbfs` anew."""
        self.loudest_dbfs = SILENCE_DBFS


class Meter(QWidget):
    """A vertical bar with marks in dBFS; drawn anew only where a pixel of it moves.

    Args:
        name: for screen readers.
        parent: of the widget.

    Attributes:
        ballistics: what it shows.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ballistics = Ballistics()
        self._pictures: tuple[QPixmap, QPixmap, QPixmap] | None = None  # unlit, peak, mean
        self._drawn = (0, 0, 0)
        self._font = QFont()
        self.setAccessibleName(name)
        self.setToolTip("Mean (bright) and peak in dBFS; the line holds the peak for 1.5 s")
        self._fit()

    def sizeHint(self) -> QSize:  # noqa: N802
        """As high as there is room for."""
        return QSize(self.minimumWidth(), 220)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """So that the marks can be told apart."""
        return QSize(self.minimumWidth(), 110)

    def refresh(self, now_s: float) -> None:
        """Move on, and draw what has moved."""
        self.ballistics.advance(now_s)
        if self._ends() != self._drawn:
            self.update(self._bar())

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """The marks go with the font, the pictures with the theme."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.ApplicationFontChange):
            self._fit()
        elif event.type() == QEvent.Type.PaletteChange:
            self._forget_pictures()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """The bar is drawn for one size."""
        self._forget_pictures()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Parts of three pictures, and a line."""
        if self._pictures is None or self._pictures[0].devicePixelRatio() != self.devicePixelRatio():
            self._pictures = (self._picture(None), self._picture(0.45), self._picture(1.0))
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._pictures[0])
        self._drawn = mean, peak, held = self._ends()
        bar, bottom = self._bar(), self._bar().bottom() + 1
        for picture, top, end in ((self._pictures[1], peak, mean), (self._pictures[2], mean, bottom)):
            if top < end and top < bottom:
                painter.setClipRect(QRect(bar.left(), top, bar.width(), end - top))
                painter.drawPixmap(0, 0, picture)
        painter.setClipping(False)
        if held < bottom - 1:
            painter.fillRect(QRect(bar.left(), held, bar.width(), 2), self._colour_at(self.ballistics.held_dbfs))

    def _ends(self) -> tuple[int, int, int]:
        """Where mean, peak and held peak are, in pixels from the top."""
        found = self.ballistics
        return (
            round(self._y_of(found.mean_dbfs)),
            round(self._y_of(found.peak_dbfs)),
            round(self._y_of(found.held_dbfs)),
        )

    def _picture(self, brightness: float | None) -> QPixmap:
        """The whole widget with its bar lit over the whole length, or with marks and no light."""
        ratio = self.devicePixelRatio()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        colours, bar = theme.colours(), self._bar()
        painter = QPainter(picture)
        painter.fillRect(bar, colours.background)
        if brightness is None:
            self._paint_marks(painter)
        else:
            painter.setOpacity(brightness)
            for low_dbfs, high_dbfs in ((FLOOR_DBFS, WARM_DBFS), (WARM_DBFS, HOT_DBFS), (HOT_DBFS, TOP_DBFS)):
                top, bottom = self._y_of(high_dbfs), self._y_of(low_dbfs)
                painter.fillRect(QRectF(bar.left(), top, bar.width(), bottom - top), self._colour_at(low_dbfs))
        painter.end()
        return picture

    def _paint_marks(self, painter: QPainter) -> None:
        colours, bar = theme.colours(), self._bar()
        painter.setFont(self._font)
        height, taken = painter.fontMetrics().height(), -1.0
        for mark_dbfs in _MARKS_DBFS:
            y = self._y_of(mark_dbfs)
            if y - height * 0.4 < taken:
                continue
            taken = y + height * 0.4
            painter.setPen(colours.text if mark_dbfs == 0 else colours.muted_text)
            painter.drawLine(QPointF(bar.left() - 3, y), QPointF(bar.left() - 1, y))
            box = QRectF(0, y - height / 2, bar.left() - 5, height)
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, flags, f"{mark_dbfs}".replace("-", "−"))

    def _colour_at(self, level_dbfs: float) -> QColor:
        colours = theme.colours()
        return (
            colours.error if level_dbfs >= HOT_DBFS else colours.warning if level_dbfs >= WARM_DBFS else colours.accent
        )

    def _bar(self) -> QRect:
        half = self.fontMetrics().height() // 2
        return QRect(self.width() - _BAR_WIDTH - _GAP, half, _BAR_WIDTH, max(1, self.height() - 2 * half))

    def _y_of(self, level_dbfs: float) -> float:
        bar = self._bar()
        share = (min(max(level_dbfs, FLOOR_DBFS), TOP_DBFS) - FLOOR_DBFS) / (TOP_DBFS - FLOOR_DBFS)
        return bar.top() + (1.0 - share) * bar.height()

    def _forget_pictures(self) -> None:
        self._pictures = None
        self.update()

    def _fit(self) -> None:
        self._font = QFont(self.font())
        self._font.setPointSizeF(max(6.5, self._font.pointSizeF() * 0.8))
        self.setFixedWidth(self.fontMetrics().horizontalAdvance("−60") + _BAR_WIDTH + _GAP + 4)
        self._forget_pictures()
