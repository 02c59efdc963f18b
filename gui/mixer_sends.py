"""What a strip sends to the rack's buses: a level each."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from ..realtime.parameter import Parameter
from ..realtime.rack_spec import LOUDEST_DB, QUIETEST_DB
from .fader import GainScale
from .parameter_number import NumberField
from .parameter_slider import TaperSlider

SEND = Parameter(
    name="send_db",
    default=QUIETEST_DB,
    lowest=QUIETEST_DB,
    highest=LOUDEST_DB,
    unit="dB",
    help="Level at which the bus gets what leaves the fader",
)


class SendScale(GainScale):
    """As a fader; nothing is sent at first."""

    default = QUIETEST_DB


class SendList(QWidget):
    """A row for each bus.

    Attributes:
        changed: bus, level in dB, and the number of a gesture; 0: of none.
        refused: why what was typed was not taken, in words.

    Args:
        strip: name of the strip.
        parent: of the widget.
    """

    changed = Signal(str, float, int)
    refused = Signal(str)

    def __init__(self, strip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._strip = strip
        self._rows: dict[str, tuple[TaperSlider, NumberField]] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(6)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)
        self.hide()

    def show_sends(self, buses: tuple[str, ...], sends: Mapping[str, float]) -> None:
        """Show what a rack has: a row for each bus, silence where nothing is sent."""
        if tuple(self._rows) != buses:
            self._make_rows(buses)
        for bus, (slider, field) in self._rows.items():
            slider.show_value(sends.get(bus, QUIETEST_DB))
            field.show_value(sends.get(bus, QUIETEST_DB))

    def _make_rows(self, buses: tuple[str, ...]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._rows = {}
        for place, bus in enumerate(buses):
            self._add_row(place, bus)
        self.setVisible(bool(buses))

    def _add_row(self, place: int, bus: str) -> None:
        name = f"{self._strip} sends to {bus}"
        slider = TaperSlider(SendScale(), Qt.Orientation.Horizontal, name, self)
        slider.setObjectName(f"{self._strip}.send.{bus}")
        slider.setToolTip(f"What {bus} gets of {self._strip}: −60 to +12 dB, below that nothing")
        slider.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        field = NumberField(SEND, f"{name}, as a number", self)
        field.setObjectName(f"{self._strip}.send.{bus}.text")
        field.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._rows[bus] = slider, field

        def tell(level_db: float, gesture: int = 0) -> None:
            self.changed.emit(bus, level_db, gesture)

        slider.moved.connect(tell)
        field.entered.connect(tell)
        field.refused.connect(self.refused)
        for column, widget in enumerate((QLabel(f"→ {bus}", self), slider, field)):
            self._grid.addWidget(widget, place, column)
