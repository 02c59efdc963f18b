"""A slider over any scale, that is dragged, stepped by keys and wheel, and goes back to its default."""

from __future__ import annotations

import itertools

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QSlider, QStyle, QWidget

from .parameter_scale import Scale

PLACES = 1000  # of Qt's own slider; the value itself is exact
PAGE_STEPS = 6.0
FINE = 0.1  # a drag with Shift goes so much slower
WHEEL_NOTCH = 120

_gestures = itertools.count(1)

_STEPS = {
    Qt.Key.Key_Up: 1.0,
    Qt.Key.Key_Right: 1.0,
    Qt.Key.Key_Plus: 1.0,
    Qt.Key.Key_Down: -1.0,
    Qt.Key.Key_Left: -1.0,
    Qt.Key.Key_Minus: -1.0,
    Qt.Key.Key_PageUp: PAGE_STEPS,
    Qt.Key.Key_PageDown: -PAGE_STEPS,
}


class TaperSlider(QSlider):
    """A slider whose value is a float on a scale of its own.

    It is dragged from where it is, wherever it is taken, so that a click alone changes nothing. Arrows
    step, with Shift finely; Home and a double click go to the default. The wheel turns it only while
    it has the focus: else what it lies on scrolls.

    Attributes:
        moved: the new value, and the number of the gesture that it is a part of: a drag, or a key held down.
        settled: the same when a gesture is over.

    Args:
        scale: of the values.
        orientation: vertical ones grow upwards.
        name: for screen readers.
        parent: of the widget.
    """

    moved = Signal(float, int)
    settled = Signal(float, int)

    def __init__(self, scale: Scale, orientation: Qt.Orientation, name: str, parent: QWidget | None = None) -> None:
        super().__init__(orientation, parent)
        self.scale = scale
        self._value, self._gesture, self._is_settling = scale.default, 0, False
        self._taken: tuple[float, float, float] | None = None  # of a drag: where it is, its place, and that at first
        self.setRange(0, PLACES)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(name)
        self.valueChanged.connect(self._be_told)
        self._settle()

    @property
    def exact(self) -> float:
        """The value on the scale."""
        return self._value

    def show_value(self, value: float) -> None:
        """Be at a value that somebody else set; not while it is dragged."""
        if value != self._value and self._taken is None:
            self._value = value
            self._settle()

    @property
    def place(self) -> float:
        """Of the value, 0 to 1."""
        return self.scale.place_of(self._value)

    def way_px(self) -> float:
        """How many pixels lie between the ends."""
        handle = self.style().pixelMetric(QStyle.PixelMetric.PM_SliderLength, None, self)
        length = self.height() if self.orientation() == Qt.Orientation.Vertical else self.width()
        return max(1.0, length - handle)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Take the handle."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self._gesture = next(_gestures)
        self._taken = (self._along(event.position()), self.place, self._value)
        self.setSliderDown(True)
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Drag it."""
        if self._taken is None:
            return
        before, place, _ = self._taken
        along = self._along(event.position())
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        place += (along - before) / self.way_px() * (FINE if fine else 1.0)
        self._taken = (along, place, self._taken[2])
        self._go(self.scale.nearest(self.scale.at(min(max(place, 0.0), 1.0))))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Let it go."""
        if self._taken is None:
            return
        _, _, first = self._taken
        self._taken = None
        self.setSliderDown(False)
        if self._value != first:
            self.settled.emit(self._value, self._gesture)
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Go to the default."""
        self.reset()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Step, or go to the default."""
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.key() == Qt.Key.Key_Home:
            self.reset()
        elif event.key() in _STEPS and not event.modifiers() & ~_STEP_MODIFIERS:
            self._step(_STEPS[Qt.Key(event.key())], fine=fine, same=event.isAutoRepeat())
        else:
            event.ignore()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Step where the slider has the focus."""
        if not self.hasFocus():
            event.ignore()
            return
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        turned = event.angleDelta().y() or event.angleDelta().x()
        self._step(turned / WHEEL_NOTCH, fine=fine, same=event.phase() == Qt.ScrollPhase.ScrollUpdate)
        event.accept()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """A drag does not outlast being switched off."""
        if event.type() == QEvent.Type.EnabledChange and not self.isEnabled():
            self._taken = None
        super().changeEvent(event)

    def reset(self) -> None:
        """Go to the default, as a gesture of its own."""
        self._gesture, self._taken = next(_gestures), None
        self.setSliderDown(False)
        if self._go(self.scale.default):
            self.settled.emit(self._value, self._gesture)

    def _step(self, steps: float, *, fine: bool, same: bool) -> None:
        if not same or not self._gesture:
            self._gesture = next(_gestures)
        if self._go(self.scale.stepped(self._value, steps, fine=fine)):
            self.settled.emit(self._value, self._gesture)

    def _go(self, value: float) -> bool:
        if value == self._value:
            return False
        self._value = value
        self._settle()
        self.moved.emit(value, self._gesture)
        return True

    def _settle(self) -> None:
        """Have Qt's slider, and a screen reader, agree with the value."""
        self._is_settling = True
        self.setValue(round(self.place * PLACES))
        self._is_settling = False
        self.setAccessibleDescription(self.scale.shown(self._value))
        self.update()

    def _be_told(self, place: int) -> None:
        """By a screen reader or another helper that sets Qt's slider."""
        if self._is_settling:
            return
        self._gesture = next(_gestures)
        if self._go(self.scale.nearest(self.scale.at(place / PLACES))):
            self.settled.emit(self._value, self._gesture)

    def _along(self, at: QPointF) -> float:
        return -at.y() if self.orientation() == Qt.Orientation.Vertical else at.x()


_STEP_MODIFIERS = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
