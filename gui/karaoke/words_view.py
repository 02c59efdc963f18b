"""The words of a song, large: the current line fills as it is sung, the next ones wait below it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ...realtime.karaoke.lyrics import Lyrics
from .. import theme
from .announcing import announce
from .song_clock import SongClock
from .stage_look import Look, stage_colours
from .words_flow import Flow
from .words_layout import sized
from .words_stage import WordsStage, flows_of, singer_name

SMALLEST_PERCENT, LARGEST_PERCENT, STEP_PERCENT = 50, 300, 10
OFFSET_STEP_S, OFFSET_LARGE_STEP_S, MOST_OFFSET_S = 0.05, 0.5, 60.0
FRAME_MS = 16
_NOTICE_MS = 1500

NO_WORDS = "No words beside the song: put SONG.lrc or SONG.txt there."


class WordsView(QWidget):
    """Draws `Lyrics` at a position; keys move the words in time and change the size of type.

    Attributes:
        lyrics_changed: other words are shown, or none.
        position_changed: with position in s, whether it plays, and at which speed; as it was told.
        offset_changed: with how much later than their file says the words come, s; by a key.
        percent_changed: with the size of type; by a key.

    Args:
        look: the window's theme, or that of a TV.
        parent: of the widget.
    """

    lyrics_changed = Signal()
    position_changed = Signal(float, bool, float)
    offset_changed = Signal(float)
    percent_changed = Signal(int)

    def __init__(self, look: Look = "window", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look: Look = look
        self._clock = SongClock()
        self._lyrics: Lyrics | None = None
        self._words, self._notice = NO_WORDS, ""
        self._stage: WordsStage | None = None
        self._percent, self._offset_s, self._drawn_s = 100, 0.0, 0.0
        self._announces, self._ahead_s, self._announced = True, 0.0, dict[int, int | None]()
        self._flows: dict[int, Flow] = {}
        self.setObjectName(f"words-{look}")
        self.setAccessibleName("Words" if look == "window" else "Words on the TV")
        self.setToolTip("The words. [ and ] move them by 0.05 s, with Shift by 0.5 s; Ctrl++ and Ctrl+− size them, %")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if look == "window" else Qt.FocusPolicy.ClickFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._frames = QTimer(self, interval=FRAME_MS, timerType=Qt.TimerType.PreciseTimer)
        self._frames.timeout.connect(self.advance)
        self._notice_ends = QTimer(self, interval=_NOTICE_MS, singleShot=True)
        self._notice_ends.timeout.connect(self._say_nothing)
        theme.notifier.changed.connect(self._forget)
        self._tell()

    @property
    def lyrics(self) -> Lyrics | None:
        """That are shown."""
        return self._lyrics

    @property
    def offset_s(self) -> float:
        """How much later than their file says the words come."""
        return self._offset_s

    @property
    def percent(self) -> int:
        """Size of type, 50 to 300."""
        return self._percent

    @property
    def type_px(self) -> float:
        """Size of type on the screen, as it turned out; all lines have the same."""
        return self._laid_out().size_px

    @property
    def words(self) -> str:
        """What is said in place of a song's words; empty while there are some."""
        return self._words

    def sizeHint(self) -> QSize:  # noqa: D102, N802
        return QSize(800, 380)

    def minimumSizeHint(self) -> QSize:  # noqa: D102, N802
        return QSize(240, 120)

    def set_lyrics(self, lyrics: Lyrics | None, words: str = "") -> None:
        """Show other words.

        Args:
            lyrics: as their file has them; the offset is the view's.
            words: what is said where there are none; empty: what a file would be called. See `missing_words`.
        """
        self._lyrics = lyrics if lyrics is not None and lyrics.lines else None
        self._words = "" if self._lyrics is not None else words or NO_WORDS
        self._announced.clear()
        self._flows = {} if self._lyrics is None else flows_of(self._lyrics)
        self._forget()
        self._tell()
        self.lyrics_changed.emit()

    def set_position(self, position_s: float, playing: bool, speed: float = 1.0) -> None:
        """Be told where the song is; see `SongClock`.

        Args:
            position_s: in the song, as it is heard.
            playing: whether it goes on.
            speed: seconds of the song in a second.
        """
        self._clock.report(position_s, playing, speed)
        self.advance()
        if playing and self.isVisible() and not self._frames.isActive():
            self._frames.start()
        self.position_changed.emit(position_s, playing, speed)

    def set_offset(self, offset_s: float) -> None:
        """Show the words so much later, earlier below 0, at most by a minute; emits nothing."""
        self._offset_s = min(max(round(offset_s, 3), -MOST_OFFSET_S), MOST_OFFSET_S)
        self.advance()

    def show_offset(self, offset_s: float) -> None:
        """As `set_offset`, and say it for a moment."""
        self.set_offset(offset_s)
        self._say(offset_words(self._offset_s))

    def set_percent(self, percent: int) -> None:
        """Have another size of type, 50 to 300 %; emits nothing."""
        self._percent = min(max(percent, SMALLEST_PERCENT), LARGEST_PERCENT)
        self._forget()

    def set_announced(self, on: bool, ahead_s: float = 0.0) -> None:
        """Have a screen reader say each line when it begins, or so many seconds before."""
        self._announces, self._ahead_s = on, ahead_s

    def move_words(self, by_s: float) -> None:
        """Later by so much, earlier below 0; for keys."""
        self.show_offset(self._offset_s + by_s)
        self.offset_changed.emit(self._offset_s)

    def resize_words(self, by_percent: int) -> None:
        """Larger by so much, smaller below 0; for keys."""
        self.set_percent(self._percent + by_percent)
        self._say(f"Type {self._percent} %")
        self.percent_changed.emit(self._percent)

    def advance(self) -> None:
        """Have drawn anew what has changed since the last frame; the view's own timer calls it while it plays."""
        position_s = self._clock.position_s - self._offset_s
        if not self._clock.is_guessing:
            self._frames.stop()
        self._announce(position_s)
        if self._stage is not None and position_s != self._drawn_s:
            for box in self._stage.changed(self._drawn_s, position_s):
                self.update(box.toAlignedRect())
            self._stage.prepare(position_s)
        self._drawn_s = position_s

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802
        painter, colours = QPainter(self), stage_colours(self._look)
        painter.fillRect(event.rect(), colours.background)
        if self._words:
            large = max(0.045 * self.height(), self.fontMetrics().height())
            painter.setFont(sized(self.font(), large))
            painter.setPen(colours.muted_text)
            area = QRectF(self.rect()).adjusted(20, 10, -20, -10)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._words)
        self._laid_out().paint(painter, self._drawn_s, QRectF(event.rect()))
        if self._notice:
            painter.setFont(sized(self.font(), max(0.04 * self.height(), self.fontMetrics().height())))
            high = painter.fontMetrics().height() * 1.4
            foot = QRectF(0, self.height() - high, self.width(), high)
            painter.fillRect(foot, colours.background)
            painter.setPen(colours.text)
            painter.drawText(foot, Qt.AlignmentFlag.AlignCenter, self._notice)
        if self.hasFocus() and self._look == "window":
            painter.setPen(theme.colours().accent)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Brackets move the words in time; Ctrl with plus, minus and 0 size them."""
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        step_s = OFFSET_LARGE_STEP_S if shift else OFFSET_STEP_S
        match event.key():
            case Qt.Key.Key_BracketLeft | Qt.Key.Key_BraceLeft:
                self.move_words(-step_s)
            case Qt.Key.Key_BracketRight | Qt.Key.Key_BraceRight:
                self.move_words(step_s)
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self.resize_words(STEP_PERCENT)
            case Qt.Key.Key_Minus if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self.resize_words(-STEP_PERCENT)
            case Qt.Key.Key_0 if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self.resize_words(100 - self._percent)
            case _:
                super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: D102, N802
        super().resizeEvent(event)
        self._forget()

    def changeEvent(self, event: QEvent) -> None:  # noqa: D102, N802
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.ApplicationFontChange):
            self._forget()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: D102, N802
        super().showEvent(event)
        if self._clock.is_guessing:
            self._frames.start()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: D102, N802
        super().hideEvent(event)
        self._frames.stop()

    def _laid_out(self) -> WordsStage:
        if self._stage is None:
            self._stage = WordsStage(
                self._lyrics, QRectF(self.rect()), self.font(), self._percent / 100,
                stage_colours(self._look), self.devicePixelRatioF(),
            )  # fmt: skip
        return self._stage

    def _announce(self, position_s: float) -> None:
        """Each line when it begins; lines that a seek went over are not said."""
        if not self._announces or self._lyrics is None:
            return
        for singer, flow in self._flows.items():
            at = flow.sung_at(position_s + self._ahead_s)
            if at != self._announced.get(singer):
                self._announced[singer] = at
                if at is not None:
                    text = flow.lines[at].text
                    announce(self, f"{singer_name(self._lyrics, singer)}: {text}" if len(self._flows) > 1 else text)

    def _say(self, words: str) -> None:
        self._notice = words
        self._notice_ends.start()
        self.update()
        if self._announces:
            announce(self, words)

    def _say_nothing(self) -> None:
        self._notice = ""
        self.update()

    def _forget(self) -> None:
        """Sizes or colours are others now."""
        self._stage = None
        self.update()

    def _tell(self) -> None:
        """Have a screen reader know what is here before a line is."""
        lyrics = self._lyrics
        said = self._words if lyrics is None else ", ".join(filter(None, (lyrics.title, lyrics.artist)))
        self.setAccessibleDescription(said)


def missing_words(song: Path) -> str:
    """What is said where a song has no words: what was looked for, and where."""
    return (
        f"No words beside the song: there is neither “{song.stem}.lrc” nor “{song.stem}.txt” "
        f"in {song.absolute().parent}; put one there."
    )


def offset_words(offset_s: float) -> str:
    """How the words are moved."""
    if offset_s == 0:
        return "Words as their file says"
    return f"Words {abs(offset_s):.2f} s {'later' if offset_s > 0 else 'earlier'}"
