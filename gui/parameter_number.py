"""A field that shows a parameter's value with its unit, and takes what is typed."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence, QPalette
from PySide6.QtWidgets import QLineEdit, QWidget

from ..realtime.parameter import Parameter, ParameterError
from . import theme
from .parameter_scale import ParameterScale
from .parameter_text import shown, tip_of, typed


class NumberField(QLineEdit):
    """A number that can be typed, with its unit or without; Enter takes it, Escape gives it up,
    the arrows step, with Shift finely.

    What is no number of the range is not taken, and the field says why until it is mended or left.

    Attributes:
        entered: a new value.
        refused: why a text was not taken, in words.

    Args:
        parameter: range, unit and default.
        name: for screen readers.
        parent: of the widget.
    """

    entered = Signal(float)
    refused = Signal(str)

    def __init__(self, parameter: Parameter, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._parameter, self._value = parameter, parameter.default
        self._tip = f"{tip_of(parameter)}\nType a number and press Enter; arrows step, with Shift finely"
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(name)
        self.setToolTip(self._tip)
        self.returnPressed.connect(self._take)
        self._width = 0
        self._show()

    @property
    def value(self) -> float:
        """That it shows, or would show if nothing was being typed."""
        return self._value

    def show_value(self, value: float) -> None:
        """Show a value that somebody else set; what is being typed stays."""
        if value == self._value:
            return
        self._value = value
        if not (self.hasFocus() and self.isModified()):
            self._show()

    def sizeHint(self) -> QSize:  # noqa: N802
        """No wider than its values."""
        return QSize(self._width, super().sizeHint().height())

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """What is typed replaces what is there."""
        super().focusInEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            QTimer.singleShot(0, self, self.selectAll)  # after the click has placed the cursor

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Take what was typed; what is none is given up."""
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self._take()
            self._show()

    def event(self, event: QEvent) -> bool:
        """Undo is the window's as long as nothing is being typed, and Escape is not as long as something is."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            is_undo = event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo)
            if is_undo and not self.isModified():
                event.ignore()
                return True
            if event.key() == Qt.Key.Key_Escape and self.isModified():
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Escape gives up what was typed; the arrows step."""
        if event.key() == Qt.Key.Key_Escape and self.isModified():
            self._show()
            self.selectAll()
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._take()
            fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            steps = 1.0 if event.key() == Qt.Key.Key_Up else -1.0
            self._enter(ParameterScale(self._parameter).stepped(self._value, steps, fine=fine))
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """The least width that shows every value depends on the font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def _take(self) -> None:
        if not self.isModified():
            return
        try:
            value = typed(self._parameter, self.text())
        except ParameterError as error:
            self._mark(str(error))
            self.setModified(False)  # said once
            self.refused.emit(f"{self.accessibleName()}: {error}")
            return
        self._enter(value)

    def _enter(self, value: float) -> None:
        is_new, self._value = value != self._value, value
        self._show()
        self.selectAll()
        if is_new:
            self.entered.emit(value)

    def _show(self) -> None:
        self.setText(shown(self._parameter, self._value))
        self.setCursorPosition(0)
        self.setModified(False)
        self._mark("")
        self._fit()

    def _mark(self, words: str) -> None:
        """As wrong, or not."""
        palette = QPalette()
        if words:
            palette.setColor(QPalette.ColorRole.Text, theme.colours().error)
        self.setPalette(palette)
        self.setToolTip(words or self._tip)

    def _fit(self) -> None:
        parameter = self._parameter
        texts = (shown(parameter, each) for each in (parameter.lowest, parameter.highest, parameter.default))
        widest = max(self.fontMetrics().horizontalAdvance(text) for text in (*texts, f"−10.25 {parameter.unit}"))
        if widest + 14 != self._width:
            self._width = widest + 14
            self.setMinimumWidth(self._width)
            self.updateGeometry()
