"""What is to be sung and what is sung, on one scale as it happens, with the score above."""

from __future__ import annotations

import math
import time

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QFontMetricsF, QHideEvent, QPainter, QPaintEvent, QPen, QRegion, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ...realtime.karaoke.lyrics import Lyrics
from ...realtime.karaoke.pitch_trace import PitchTrace
from .. import theme
from ..spectrogram_frame import small
from .pitch_picture import NOW, PitchScale, grid_picture, gutter_px
from .pitch_tiles import PitchTiles
from .pitch_tracks import Frames, Pitches, PitchTracks
from .song_clock import SongClock
from .stage_look import Look, stage_colours

USUAL_SPAN_S, SHORTEST_SPAN_S, LONGEST_SPAN_S = 6.0, 2.0, 20.0
FRAME_MS = 16
_FLASH_S = 1.8
_TV_TYPE = 0.09  # of the height
NOTHING = "Nothing is known of the notes: the words' file has none, and the song's voice is not yet heard out."


class PitchView(QWidget):
    """Notes as bars, or the guide's pitch as a band; the singer's trace over it, moved by octaves to its target.

    Blue and thick is on the note, orange is near, grey and thin is off; how near is near the score's difficulty says:
    see `PitchTracks.set_tolerance`.

    Attributes:
        shown_changed: whether it is to be seen; it was switched.
        position_changed: as it was told.
        score_changed: with the words of the total.
        line_judged: with words and share, 0 to 1, of a line.

    Args:
        tracks: to be drawn; those of another view where both show the same.
        look: the window's theme, or that of a TV.
        parent: of the widget.
    """

    shown_changed = Signal(bool)
    position_changed = Signal(float, bool, float)
    score_changed = Signal(str)
    line_judged = Signal(str, float)

    def __init__(self, tracks: PitchTracks | None = None, look: Look = "window", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tracks = PitchTracks() if tracks is None else tracks
        self._look: Look = look
        self._clock = SongClock()
        self._span_s = USUAL_SPAN_S
        self._total, self._flash, self._flash_share, self._flash_at_s = "", "", 0.0, 0.0
        self._tiles: PitchTiles | None = None
        self.setObjectName(f"pitch-{look}")
        self.setAccessibleName("Pitch" if look == "window" else "Pitch on the TV")
        self.setToolTip(
            "Pitch in semitones over seconds: bars are to be sung; blue and thick is on the note, "
            "orange is near, grey and thin is off (P hides it)"
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._frames = QTimer(self, interval=FRAME_MS, timerType=Qt.TimerType.PreciseTimer)
        self._frames.timeout.connect(self.advance)
        theme.notifier.changed.connect(self._forget)
        self.tracks.targets_changed.connect(self._forget)
        self.tracks.sung_changed.connect(self._forget_sung)

    @property
    def total(self) -> str:
        """Words of the score so far."""
        return self._total

    @property
    def flash(self) -> str:
        """Words of the last line's score, as long as they are shown."""
        return self._flash if time.monotonic() - self._flash_at_s < _FLASH_S else ""

    @property
    def scale(self) -> PitchScale:
        """Where times and pitches lie now."""
        top = QFontMetricsF(self._font()).height() * 1.5
        left = gutter_px(small(self._font()))
        left, top = math.ceil(left), math.ceil(top)
        area = QRectF(left, top, max(self.width() - left - 4, 1.0), max(self.height() - top - 4, 1.0))
        tracks, px_per_s = self.tracks, 2 * max(1, round(area.width() / self._span_s / 2))
        return PitchScale(area, tracks.lowest_midi, tracks.highest_midi, px_per_s, self._clock.position_s)

    def sizeHint(self) -> QSize:  # noqa: D102, N802
        return QSize(800, 180)

    def minimumSizeHint(self) -> QSize:  # noqa: D102, N802
        return QSize(240, 90)

    def set_notes(self, lyrics: Lyrics | None, singer: int | None = None) -> None:
        """Have the notes of a song, or of one part, as targets."""
        self.tracks.set_notes(lyrics, singer)

    def set_targets(self, times_s: Frames, pitch_midi: Pitches) -> None:
        """Have the guide's trace as target: [frame] times in s and pitches, NaN where nothing is sung."""
        self.tracks.set_targets(times_s, pitch_midi)

    def add_sung(self, trace: PitchTrace) -> None:
        """Draw more singing, in the song's time."""
        self.tracks.add_sung(trace)

    def clear_after(self, position_s: float) -> None:
        """Forget what was sung after a time, as when it is sung again."""
        self.tracks.clear_after(position_s)

    def set_position(self, position_s: float, playing: bool, speed: float = 1.0) -> None:
        """Be told where the song is; see `SongClock`."""
        self._clock.report(position_s, playing, speed)
        self.update()
        if playing and self.isVisible() and not self._frames.isActive():
            self._frames.start()
        self.position_changed.emit(position_s, playing, speed)

    def set_span(self, span_s: float) -> None:
        """Show so many seconds, 2 to 20."""
        self._span_s = min(max(span_s, SHORTEST_SPAN_S), LONGEST_SPAN_S)
        self._forget()

    def show_total(self, words: str) -> None:
        """Show the score so far; empty: none."""
        self._total = words
        self.setAccessibleDescription(words)
        self.update()
        self.score_changed.emit(words)

    def flash_line(self, words: str, share: float) -> None:
        """Show a line's score for two seconds.

        Args:
            words: such as `Good, 84 %`.
            share: 0 to 1, of what could be had.
        """
        self._flash, self._flash_share, self._flash_at_s = words, min(max(share, 0.0), 1.0), time.monotonic()
        self.update()
        QTimer.singleShot(round(1000 * _FLASH_S) + 20, self, self.update)
        self.line_judged.emit(words, self._flash_share)

    def set_shown(self, on: bool) -> None:
        """The off switch: hide it and have it cost nothing, or show it."""
        if on == self.isHidden():
            self.setVisible(on)
            self.shown_changed.emit(on)

    def advance(self) -> None:
        """Have the next frame drawn; the view's own timer calls it while it plays."""
        if not self._clock.is_guessing:
            self._frames.stop()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802
        painter, colours, scale = QPainter(self), stage_colours(self._look), self.scale
        if self._tiles is None:
            whole, ratio = QRectF(self.rect()), self.devicePixelRatioF()
            grid = grid_picture(scale, whole, small(self._font()), colours, ratio)
            self._tiles = PitchTiles(self.tracks, grid, scale, colours)
        painter.setFont(self._font())
        painter.save()
        painter.setClipRegion(QRegion(self.rect()) - QRegion(scale.area.toAlignedRect()))
        self._tiles.paint_frame(painter)
        painter.setClipRect(scale.area)
        self._tiles.paint(painter, scale.now_s)
        painter.restore()
        painter.setPen(QPen(colours.text, 2))
        now_x = round(scale.area.left() + NOW * scale.area.width())
        painter.drawLine(QPointF(now_x, scale.area.top()), QPointF(now_x, scale.area.bottom()))
        self._paint_score(painter, scale)
        if not self.tracks.has_targets:
            painter.setPen(colours.muted_text)
            ahead = QRectF(now_x + 12, scale.area.top(), scale.area.right() - now_x - 16, scale.area.height())
            painter.drawText(ahead, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, NOTHING)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: D102, N802
        super().resizeEvent(event)
        self._forget()

    def changeEvent(self, event: QEvent) -> None:  # noqa: D102, N802
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.ApplicationFontChange):
            self._forget()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: D102, N802
        super().hideEvent(event)
        self._frames.stop()

    def _paint_score(self, painter: QPainter, scale: PitchScale) -> None:
        colours = stage_colours(self._look)
        strip = QRectF(scale.area.left(), 0, scale.area.width() - 6, scale.area.top())
        painter.setPen(colours.text)
        painter.drawText(strip, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._total)
        if not self.flash:
            return
        gone = (time.monotonic() - self._flash_at_s) / _FLASH_S
        painter.setOpacity(min(1.0, 3.0 * (1.0 - gone)))
        long = 0.2 * strip.width()
        bar = QRectF(strip.left(), strip.center().y() - 4, long, 8)
        painter.fillRect(bar, colours.grid)
        painter.fillRect(QRectF(bar.left(), bar.top(), long * self._flash_share, bar.height()), colours.hit)
        words = strip.adjusted(long + 10, 0, 0, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self._flash)
        painter.setOpacity(1.0)

    def _font(self) -> QFont:
        found = self.font()
        if self._look == "tv":
            found.setPixelSize(max(12, round(_TV_TYPE * self.height())))
        return found

    def _forget(self) -> None:
        self._tiles = None
        self.update()

    def _forget_sung(self, from_s: float, to_s: float) -> None:
        if self._tiles is not None:
            self._tiles.forget(from_s, to_s)
        self.update()
