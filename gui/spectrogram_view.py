"""One of the three spectrograms on the screen: the picture, its frequencies, a cursor; mouse and keys."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from . import theme
from .colour_maps import level_pixels, map_pixels
from .frequency_axis import FrequencyAxis
from .spectrogram_frame import AXIS_WIDTH_PX, RIGHT_PX, TICK_PX, small
from .spectrogram_picture import Drawing, Picture
from .spectrogram_scene import Cursor, Scene

Direction = Literal["frequency", "time"]
ZOOM_STEP = 1.25
_FAR_STEP, _MOVE_STEP = 10, 0.1
_TICKS_APART_PX = 18
_SHADE, _ON_SHADE = QColor(0, 0, 0, 165), QColor(255, 255, 255)  # readable on any colour of a picture


class SpectrogramView(QWidget):
    """Shows one picture of a `Scene`.

    Args:
        number: 0 mixture, 1 first source, 2 second source.
        name: `Mixture`.

    Attributes:
        picture: its pixels.
        pointed: with the `Cursor` that is to be shown in all pictures, or None.
        zoom_asked: `frequency` or `time`, a factor, and the frequency that is to stay where it is.
        move_asked: `frequency` or `time`, and a share of what is seen: up, or into the past.
        whole_asked: all that there is.
    """

    pointed = Signal(object)
    zoom_asked = Signal(str, float, float)
    move_asked = Signal(str, float)
    whole_asked = Signal()

    def __init__(self, number: int, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture = Picture(number)
        self._number, self._name = number, name
        self._scene: Scene | None = None
        self._drawing: Drawing | None = None
        self._axis: FrequencyAxis | None = None
        self._margin: QPixmap | None = None
        self._words, self._title = "", name
        self._cursor: Cursor | None = None
        self.setObjectName(f"spectrogram-{name.lower()}")
        self.setAccessibleName(f"Spectrogram of the {name.lower()}")
        self.setToolTip(
            f"{name}: frequency in Hz upwards, time in s to the right. Wheel: zoom frequencies; with Ctrl: time; with "
            "Shift: move. Keys: arrows move the cursor, + and - zoom (with Ctrl: time), Page Up and Down move, "
            "Home: all. Frozen: Ctrl with an arrow goes back and forth in time."
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(AXIS_WIDTH_PX + RIGHT_PX + 120, 60)
        theme.notifier.changed.connect(self._take_colours)

    @property
    def axis(self) -> FrequencyAxis | None:
        """Rows and frequencies of the picture, in pixels of the screen; None: nothing is shown."""
        return self._axis

    @property
    def words(self) -> str:
        """What stands in the picture instead of sound."""
        return self._words

    @property
    def area(self) -> QRectF:
        """Where the picture lies."""
        return QRectF(AXIS_WIDTH_PX, 0, max(self.width() - AXIS_WIDTH_PX - RIGHT_PX, 1), max(self.height(), 1))

    def columns_per_pixel(self, scene: Scene) -> float:
        """Columns of sound that a pixel of the screen is wide."""
        return scene.look.span_s / scene.column_s / self._size()[0]

    def show_sound(self, scene: Scene | None, end: float, words: str) -> None:
        """Show what lies before a position; draws only what is new.

        Args:
            scene: the very same object as before where nothing changed; None: there is nothing.
            end: position of the right edge, in columns.
            words: to stand in the picture; empty: none.
        """
        if words != self._words:
            self._words = words
            self.setAccessibleDescription(words)
        if not self.isVisible():
            return
        if scene is not self._scene or self._size() != self.picture.size:
            self._scene = scene
            self._prepare()
        if scene is not None and self._drawing is not None:
            self.picture.update(scene.history, self._drawing, end)
        self.update(self.area.toAlignedRect())

    def show_cursor(self, cursor: Cursor | None) -> None:
        """Draw it, with the next picture."""
        self._cursor = cursor

    def sizeHint(self) -> QSize:  # noqa: D102, N802
        return QSize(900, 200)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802
        painter, area = QPainter(self), self.area
        if not area.contains(QRectF(event.rect())):
            painter.fillRect(event.rect(), theme.colours().surface)
            self._paint_margin(painter)
        if self._scene is None:
            painter.fillRect(area, theme.colours().surface)
        else:
            self.picture.paint(painter, area)
            self._paint_cursor(painter, area)
        self._paint_words(painter, area)
        if self.hasFocus():
            painter.setPen(QPen(theme.colours().accent, 2))
            painter.drawRect(area.adjusted(1, 1, -1, -1))

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: D102, N802
        notches = (event.angleDelta().y() or event.angleDelta().x()) / 120
        if self._axis is None or not notches:
            event.ignore()
            return
        keys = event.modifiers()
        if keys & Qt.KeyboardModifier.ShiftModifier:
            self.move_asked.emit("frequency", notches * _MOVE_STEP)
        else:
            direction = "time" if keys & Qt.KeyboardModifier.ControlModifier else "frequency"
            self.zoom_asked.emit(direction, ZOOM_STEP**-notches, self._hz_at(event.position().y()))
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802
        place = event.position()
        if self._scene is None or not self.area.contains(place):
            self.pointed.emit(None)
            return
        share = (self.area.right() - place.x()) / self.area.width()
        self.pointed.emit(Cursor(share * self._scene.look.span_s, self._hz_at(place.y())))

    def leaveEvent(self, event: QEvent) -> None:  # noqa: D102, N802
        self.pointed.emit(None)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802
        self.whole_asked.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: D102, N802
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: D102, N802
        super().focusOutEvent(event)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: D102, N802
        keys, key = event.modifiers(), event.key()
        direction = "time" if keys & Qt.KeyboardModifier.ControlModifier else "frequency"
        step = _FAR_STEP if keys & Qt.KeyboardModifier.ShiftModifier else 1
        match key:
            case Qt.Key.Key_Left | Qt.Key.Key_Right if direction == "time":
                self.move_asked.emit("time", _MOVE_STEP if key == Qt.Key.Key_Left else -_MOVE_STEP)
            case Qt.Key.Key_Left | Qt.Key.Key_Right:
                self._step_cursor(-step if key == Qt.Key.Key_Left else step, 0)
            case Qt.Key.Key_Up | Qt.Key.Key_Down:
                self._step_cursor(0, -step if key == Qt.Key.Key_Up else step)
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                self.zoom_asked.emit(direction, 1 / ZOOM_STEP, self._hz_of_cursor())
            case Qt.Key.Key_Minus:
                self.zoom_asked.emit(direction, ZOOM_STEP, self._hz_of_cursor())
            case Qt.Key.Key_PageUp | Qt.Key.Key_PageDown:
                self.move_asked.emit("frequency", _MOVE_STEP if key == Qt.Key.Key_PageUp else -_MOVE_STEP)
            case Qt.Key.Key_Home:
                self.whole_asked.emit()
            case Qt.Key.Key_Escape if self._cursor is not None:
                self.pointed.emit(None)
            case _:
                super().keyPressEvent(event)

    def _size(self) -> tuple[int, int]:
        """Of the picture, in pixels of the screen."""
        ratio, area = self.devicePixelRatioF(), self.area
        return max(round(area.width() * ratio), 1), max(round(area.height() * ratio), 1)

    def _prepare(self) -> None:
        """After another look or size."""
        scene, size = self._scene, self._size()
        if size != self.picture.size:
            self.picture.resize(*size)
        self._margin = None
        if scene is None:
            self._axis = self._drawing = None
            self.update()
            return
        look, source = scene.look, self._number - 1
        self._axis = FrequencyAxis(scene.scale, *look.limits_hz(scene.scale), size[1])
        mapped = source >= 0 and look.shows_map(source)
        self._title = self._name
        if mapped:
            told = "red: more would please, blue: less" if look.signed else "red: where a change would tell"
            self._title += f", and its critic's map ({told}; full colour {scene.full_scales[source]:.2g})"
        self._drawing = Drawing(
            rows=self._axis.shown(),
            columns_per_pixel=self.columns_per_pixel(scene),
            low_db=look.low_db,
            high_db=look.high_db,
            pixels=map_pixels(look.opacity, signed=look.signed) if mapped else level_pixels(look.colours),
            map_source=source if mapped else None,
            map_full_scale=scene.full_scales[source] if mapped else 1.0,
        )
        self.update()

    def _paint_margin(self, painter: QPainter) -> None:
        """The frequencies, from a picture of their own: they change seldom."""
        if self._margin is None:
            ratio = self.devicePixelRatioF()
            self._margin = QPixmap(round(AXIS_WIDTH_PX * ratio), round(self.height() * ratio))
            self._margin.setDevicePixelRatio(ratio)
            self._margin.fill(theme.colours().surface)
            if self._axis is not None:
                self._draw_ticks(self._axis, ratio)
        painter.drawPixmap(0, 0, self._margin)

    def _draw_ticks(self, axis: FrequencyAxis, ratio: float) -> None:
        assert self._margin is not None
        painter = QPainter(self._margin)
        painter.setFont(small(self.font()))
        painter.setPen(theme.colours().muted_text)
        height = painter.fontMetrics().height()
        for hz, words in axis.ticks(max(_TICKS_APART_PX, height) * ratio):
            y = axis.y_of(hz) / ratio
            painter.drawLine(AXIS_WIDTH_PX - TICK_PX, round(y), AXIS_WIDTH_PX, round(y))
            place = QRectF(0, y - height / 2, AXIS_WIDTH_PX - TICK_PX - 3, height)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)
        painter.end()

    def _paint_words(self, painter: QPainter, area: QRectF) -> None:
        painter.setFont(self.font())
        metrics = painter.fontMetrics()
        title = metrics.elidedText(self._title, Qt.TextElideMode.ElideRight, int(area.width()) - 12)
        chip = QRectF(area.x() + 4, 4, metrics.horizontalAdvance(title) + 10, metrics.height() + 2)
        painter.fillRect(chip, _SHADE)
        painter.setPen(_ON_SHADE)
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, title)
        if self._words:
            wrap = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            room = area.adjusted(16, chip.bottom(), -16, -4)
            place = QRectF(painter.boundingRect(room, wrap, self._words)).adjusted(-8, -4, 8, 4)
            painter.fillRect(place, _SHADE)
            painter.drawText(place, wrap, self._words)

    def _paint_cursor(self, painter: QPainter, area: QRectF) -> None:
        if self._cursor is None or self._axis is None or self._scene is None:
            return
        x = area.right() - self._cursor.age_s / self._scene.look.span_s * area.width()
        y = self._axis.y_of(self._cursor.hz) / self.devicePixelRatioF()
        for colour, width in ((_SHADE, 3), (_ON_SHADE, 1)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(round(x), 0, round(x), round(area.height()))
            painter.drawLine(round(area.x()), round(y), round(area.right()), round(y))

    def _step_cursor(self, right: int, down: int) -> None:
        """By pixels of the screen, from where it is or from the middle."""
        if self._scene is None or self._axis is None:
            return
        (width, height), span_s = self._size(), self._scene.look.span_s
        cursor = self._cursor or Cursor(span_s / 2, self._axis.hz_at(height / 2))
        age_s = min(max(cursor.age_s - right * span_s / width, 0.0), span_s)
        y = min(max(self._axis.y_of(cursor.hz) + down, 0.0), height - 1.0)
        self.pointed.emit(Cursor(age_s, self._axis.hz_at(y)))

    def _hz_at(self, y: float) -> float:
        return 0.0 if self._axis is None else self._axis.hz_at(y * self.devicePixelRatioF())

    def _hz_of_cursor(self) -> float:
        if self._cursor is not None:
            return self._cursor.hz
        return 0.0 if self._axis is None else self._axis.hz_at(self._axis.rows / 2)

    def _take_colours(self) -> None:
        self._margin = None
        self.update()
