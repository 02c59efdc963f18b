"""A plugin's parameters as controls, made from what the plugin declares."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from ..realtime.parameter import ParameterError, Value, written
from ..realtime.plugin import Plugin
from .parameter_row import ParameterRow, TextRow, muted_label
from .parameter_text import labels_of


class ParameterEditor(QWidget):
    """Controls for one kind of plugin, whatever it is.

    Attributes:
        changed: name, value as a rack has it (None: the default again), and the number of a gesture; 0: of none.
        refused: why what was typed was not taken, in words.
        rows: of its parameters, by name.
        texts: of the texts beside them, by name; those a rack gives to a foreign plugin's settings included.

    Args:
        kind: class of the plugin.
        prefix: `vocals gate`: what the controls' names begin with.
        values: as a rack has them.
        parent: of the widget.
    """

    changed = Signal(str, object, int)
    refused = Signal(str)

    def __init__(
        self, kind: type[Plugin], prefix: str, values: Mapping[str, Value], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._kind, self._prefix = kind, prefix
        self.rows: dict[str, ParameterRow] = {}
        self.texts: dict[str, TextRow] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(4, 2, 4, 2)
        self._grid.setHorizontalSpacing(6)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)
        labels = labels_of(kind.parameters)
        for parameter in kind.parameters:
            self._add_row(ParameterRow(parameter, labels[parameter.name], prefix, self))
        for name in dict.fromkeys((*kind.state_texts, *values)):
            if name not in self.rows:
                self._add_text(name)
        if not self.rows and not self.texts:
            self._grid.addWidget(muted_label("It has no parameters."), 0, 0, 1, 4)
        self._grid.setRowStretch(self._grid.rowCount(), 1)
        self.show_values(values)

    def suits(self, kind: type[Plugin], values: Mapping[str, Value]) -> bool:
        """Whether these values of such a plugin can be shown without making other controls."""
        return kind is self._kind and all(name in self.rows or name in self.texts for name in values)

    def show_values(self, values: Mapping[str, Value]) -> None:
        """Show what a rack has; touches only what differs."""
        for name, row in self.rows.items():
            row.show_value(self._value(row, values.get(name)))
        for name, row in self.texts.items():
            given = values.get(name, "")
            row.show_text(given if isinstance(given, str) else written(given))

    def _value(self, row: ParameterRow, given: Value | None) -> float:
        if given is None:
            return row.parameter.default
        try:
            return row.parameter.value_of(given)
        except ParameterError:  # the engine refuses the rack, and says why
            return row.parameter.default

    def _add_row(self, row: ParameterRow) -> None:
        name, parameter = row.parameter.name, row.parameter
        self.rows[name] = row
        place = len(self.rows) - 1
        self._grid.addWidget(row.label, place, 0)
        for column, widget in enumerate(row.controls, 1):
            self._grid.addWidget(widget, place, column, 1, 3 - len(row.controls))
        self._grid.addWidget(row.button, place, 3)
        row.refused.connect(self.refused)

        def tell(given: Value, gesture: int) -> None:
            is_default = parameter.value_of(given) == parameter.default
            self.changed.emit(name, None if is_default else given, gesture)

        row.changed.connect(tell)

    def _add_text(self, name: str) -> None:
        declared = self._kind.state_texts
        row = TextRow(name, declared.get(name, ""), self._prefix, self)
        self.texts[name] = row
        place = len(self.rows) + len(self.texts) - 1
        self._grid.addWidget(row.label, place, 0)
        self._grid.addWidget(row.field, place, 1, 1, 3)

        def tell(text: str) -> None:
            self.changed.emit(name, _value_of(text, is_text=name in declared) if text else None, 0)

        row.changed.connect(tell)


def _value_of(text: str, *, is_text: bool) -> Value:
    """A setting of a foreign plugin may be a number or a switch."""
    if is_text:
        return text
    if text in ("on", "off"):
        return text == "on"
    try:
        return float(text)
    except ValueError:
        return text
