"""One parameter's controls, made from what the plugin says of it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from ..realtime.parameter import OFF_ON, Parameter, Value
from .parameter_number import NumberField
from .parameter_scale import ParameterScale
from .parameter_slider import TaperSlider
from .parameter_text import tip_of

RESET_SIGN = "↺"


class ParameterRow(QObject):
    """A label, the control that suits the parameter, and a button back to its default.

    Attributes:
        changed: the new value as a rack has it, and a number that changes of one gesture share; 0: of its own.
        refused: why what was typed was not taken.
        label: what stands before it.
        controls: what lies beside it: of a number, slider and field; else one widget.
        button: back to the default.

    Args:
        parameter: as declared.
        label: what it is called.
        prefix: of the names that tests and screen readers find the widgets by.
        parent: owner.
    """

    changed = Signal(object, int)
    refused = Signal(str)

    def __init__(self, parameter: Parameter, label: str, prefix: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.parameter, self._value = parameter, parameter.default
        self._title, self._id = f"{prefix} {label}", f"{prefix.replace(' ', '.')}.{parameter.name}"
        self._slider: TaperSlider | None = None
        self._field: NumberField | None = None
        self._box: QCheckBox | None = None
        self._list: QComboBox | None = None
        tip = tip_of(parameter)
        self.label = QLabel(label, parent)
        self.label.setToolTip(tip)
        self.controls = self._make_controls(parent, tip)
        self.button = QToolButton(parent)
        self.button.setText(RESET_SIGN)
        self.button.setAutoRaise(True)
        self.button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.button.setObjectName(f"{self._id}.reset")
        self.button.setAccessibleName(f"{self._title}: back to the default")
        self.button.setToolTip(f"Back to the default\n{tip}")
        self.button.clicked.connect(self._reset)
        self._show()

    @property
    def value(self) -> float:
        """That it shows."""
        return self._value

    def show_value(self, value: float) -> None:
        """Show a value that somebody else set; touches nothing where it is the same."""
        self._value = value
        self._show()

    def _make_controls(self, parent: QWidget, tip: str) -> tuple[QWidget, ...]:
        parameter = self.parameter
        if parameter.choices == OFF_ON:
            self._box = found = QCheckBox(parent)
            self._box.clicked.connect(self._turn)
        elif parameter.choices:
            self._list = found = QComboBox(parent)
            self._list.addItems(parameter.choices)
            self._list.activated.connect(self._choose)
        else:
            return self._make_number(parent, tip)
        found.setObjectName(self._id)
        found.setAccessibleName(self._title)
        found.setToolTip(tip)
        found.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return (found,)

    def _make_number(self, parent: QWidget, tip: str) -> tuple[QWidget, ...]:
        self._slider = TaperSlider(ParameterScale(self.parameter), Qt.Orientation.Horizontal, self._title, parent)
        self._slider.setObjectName(self._id)
        self._slider.setToolTip(f"{tip}\nArrows step, with Shift finely; Home or a double click: default")
        self._slider.setMinimumWidth(40)
        self._slider.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._field = NumberField(self.parameter, f"{self._title}, as a number", parent)
        self._field.setObjectName(f"{self._id}.text")
        self._slider.moved.connect(self._slide)
        self._slider.settled.connect(self._come_to_rest)
        self._field.entered.connect(self._enter)
        self._field.refused.connect(self.refused)
        return self._slider, self._field

    def _turn(self, on: bool) -> None:
        self._change(on)

    def _choose(self, place: int) -> None:
        self._change(self.parameter.choices[place])

    def _enter(self, value: float) -> None:
        self._change(value)

    def _slide(self, value: float, gesture: int) -> None:
        if self._field is not None:
            self._field.show_value(value)
        if not self.parameter.fixed:  # else another plugin would be prepared for every pixel
            self._change(value, gesture)

    def _come_to_rest(self, value: float, gesture: int) -> None:
        if self.parameter.fixed:
            self._change(value, gesture)

    def _reset(self) -> None:
        default = self.parameter.default
        self._change(self.parameter.choices[round(default)] if self.parameter.choices else default)

    def _change(self, given: Value, gesture: int = 0) -> None:
        value = self.parameter.value_of(given)
        if value != self._value:
            self._value = value
            self._show()
            self.changed.emit(given, gesture)

    def _show(self) -> None:
        if self._box is not None:
            self._box.setChecked(bool(self._value))
        if self._list is not None:
            self._list.setCurrentIndex(round(self._value))
        if self._slider is not None:
            self._slider.show_value(self._value)
        if self._field is not None:
            self._field.show_value(self._value)
        self.button.setEnabled(self._value != self.parameter.default)


class TextRow(QObject):
    """A label and a field for a text that a plugin takes beside its parameters, such as a file's path.

    Attributes:
        changed: the new text.
        label: what stands before it.
        field: the text.

    Args:
        name: of the text.
        default: where it is not given.
        prefix: as of `ParameterRow`.
        parent: owner.
    """

    changed = Signal(str)

    def __init__(self, name: str, default: str, prefix: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.label = QLabel(name.replace("_", " "), parent)
        self.field = QLineEdit(parent)
        self.field.setObjectName(f"{prefix.replace(' ', '.')}.{name}")
        self.field.setAccessibleName(f"{prefix} {name}")
        self.field.setPlaceholderText(default)
        self.field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        tip = f"A text; usually {default!r}" if default else "A text; usually empty"
        self.field.setToolTip(f"{tip}. Enter takes it; another instance is faded in")
        self.label.setToolTip(tip)
        self._text = ""
        self.field.editingFinished.connect(self._take)

    def show_text(self, text: str) -> None:
        """Show a text that somebody else set; what is being typed stays."""
        if text != self._text:
            self._text = text
            if not (self.field.hasFocus() and self.field.isModified()):
                self.field.setText(text)

    def _take(self) -> None:
        if self.field.text() != self._text:
            self._text = self.field.text()
            self.changed.emit(self._text)
        self.field.setModified(False)


def muted_label(text: str, parent: QWidget | None = None) -> QLabel:
    """Words that are read second; they wrap."""
    found = QLabel(text, parent)
    found.setWordWrap(True)
    found.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return found
