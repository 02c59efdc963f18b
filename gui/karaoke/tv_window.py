"""A second window without a frame, for a TV: the words large, notes and singing below them if wanted."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QContextMenuEvent,
    QGuiApplication,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QScreen,
    QShowEvent,
)
from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from .pitch_view import PitchView
from .screen_awake import ScreenAwake
from .words_view import WordsView

WORDS_SHARE, PITCH_SHARE = 3, 1  # of the height


class TvWindow(QWidget):
    """Shows what two views of the main window show; it is moved by dragging, and to a screen by its menu.

    Closing it leaves the program running. F11 and a double click fill the screen, Esc leaves that, and then the window.

    Attributes:
        closed: it was closed.
        warned: the screen may go dark, in words.
        words: large.
        pitch: below them.

    Args:
        words: whose lyrics, position, offset and size of type it follows.
        pitch: whose notes, singing and score it follows.
        parent: owner; a window all the same.
    """

    closed = Signal()
    warned = Signal(str)

    def __init__(self, words: WordsView, pitch: PitchView, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window | Qt.WindowType.FramelessWindowHint)
        self.setObjectName("tv_window")
        self.setWindowTitle("Words")
        self.setAccessibleName("TV window with the words")
        self.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, False)
        self.setAutoFillBackground(True)
        self._awake = ScreenAwake()
        self.words, self.pitch = WordsView("tv"), PitchView(pitch.tracks, "tv")
        self.words.set_announced(False)  # the main window's does
        self.words.setToolTip("F11 fills the screen, Esc leaves it; the right button or the menu key moves the window")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.words, WORDS_SHARE)
        layout.addWidget(self.pitch, PITCH_SHARE)
        self._follow(words, pitch)
        self.resize(960, 540)

    def show_pitch(self, on: bool) -> None:
        """Show notes and singing below the words, or leave them the room."""
        self.pitch.set_shown(on)

    def toggle_full(self) -> None:
        """Fill the screen, or be a window again."""
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()

    def screens_menu(self, parent: QWidget | None = None) -> QMenu:
        """A menu of the screens there are now, with the one that the window is on marked."""
        menu = QMenu("Screen for the words", self if parent is None else parent)
        menu.setObjectName("tv_screens")
        for number, screen in enumerate(QGuiApplication.screens(), 1):
            size = screen.geometry().size()
            action = QAction(f"Screen {number}: {screen_name(screen)}, {size.width()} × {size.height()}", menu)
            action.setCheckable(True)
            action.setChecked(screen is self.screen())
            action.triggered.connect(lambda _checked=False, screen=screen: self.move_to(screen))
            menu.addAction(action)
        return menu

    def move_to(self, screen: QScreen) -> None:
        """Go to a screen; full there where it was full before."""
        was_full = self.isFullScreen()
        if was_full:
            self.showNormal()
        area = screen.availableGeometry()
        self.setScreen(screen)
        self.resize(min(self.width(), area.width()), min(self.height(), area.height()))
        self.move(area.center() - QPoint(self.width() // 2, self.height() // 2))
        if was_full:
            self.showFullScreen()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """F11 fills the screen; Esc leaves that, or closes."""
        if event.key() == Qt.Key.Key_F11:
            self.toggle_full()
        elif event.key() == Qt.Key.Key_Escape:
            if self.isFullScreen():
                self.showNormal()
            else:
                self.close()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Drag it."""
        handle = self.windowHandle()
        if event.button() == Qt.MouseButton.LeftButton and not self.isFullScreen():
            handle.startSystemMove()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Fill the screen, or leave it."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.toggle_full()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """Screens, and what the keys do."""
        menu = self.screens_menu()
        menu.addSeparator()
        for text, keys, obey in (
            ("Leave full screen" if self.isFullScreen() else "Full screen", "F11", self.toggle_full),
            ("Close", "Esc", self.close),
        ):
            action = menu.addAction(f"{text}\t{keys}")
            action.triggered.connect(lambda _checked=False, obey=obey: obey())
        menu.popup(event.globalPos())

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Keep the screen on; what stands in the way is told once."""
        super().showEvent(event)
        if not event.spontaneous() and not self._awake.is_held:
            words = self._awake.hold()
            if words:
                self.warned.emit(words)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """The screen may go dark again."""
        super().hideEvent(event)
        if not event.spontaneous():
            self._awake.release()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Tell it."""
        super().closeEvent(event)
        self.closed.emit()

    def _follow(self, words: WordsView, pitch: PitchView) -> None:
        self._leader = words
        self.words.set_lyrics(words.lyrics, words.words)
        self.words.set_offset(words.offset_s)
        self.words.set_percent(words.percent)
        self.pitch.show_total(pitch.total)
        words.lyrics_changed.connect(lambda: self.words.set_lyrics(words.lyrics, words.words))
        words.offset_changed.connect(self.words.show_offset)
        words.percent_changed.connect(self.words.set_percent)
        words.position_changed.connect(self._on_position)
        pitch.position_changed.connect(self.pitch.set_position)
        pitch.score_changed.connect(self.pitch.show_total)
        pitch.line_judged.connect(self.pitch.flash_line)

    def _on_position(self, position_s: float, playing: bool, speed: float) -> None:
        if self.words.offset_s != self._leader.offset_s:  # set with another song, which is told to nobody
            self.words.set_offset(self._leader.offset_s)
        if self.words.percent != self._leader.percent:
            self.words.set_percent(self._leader.percent)
        self.words.set_position(position_s, playing, speed)


def screen_name(screen: QScreen) -> str:
    """As its maker calls it, or the system."""
    made = " ".join(filter(None, (screen.manufacturer().strip(), screen.model().strip())))
    return made or screen.name() or "without a name"
