"""One of the bar's numbers: a name above, a slider and a field below."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from ...realtime.parameter import Parameter
from ...realtime.rack_spec import LOUDEST_DB, QUIETEST_DB
from ..fader import GainScale
from ..parameter_number import NumberField
from ..parameter_scale import ParameterScale
from ..parameter_slider import TaperSlider
from ..parameter_text import tip_of

GUIDE = Parameter(
    name="guide_percent",
    default=0.0,
    highest=100.0,
    unit="%",
    help="How much of the song's voice is heard: 100 % as in the song, 50 % is −6 dB, 0 % is silence",
)
BAND = Parameter(
    name="band_db", default=0.0, lowest=QUIETEST_DB, highest=LOUDEST_DB, unit="dB", help="Level of the accompaniment"
)
MICROPHONE = Parameter(
    name="mic_db", default=0.0, lowest=QUIETEST_DB, highest=LOUDEST_DB, unit="dB", help="Level of your voice"
)
ECHO = Parameter(name="echo_percent", default=20.0, highest=100.0, unit="%", help="Room and echo around your voice")


def guide_db(share: float) -> float:
    """Level of the song's voice at a share of it, 0 to 1: its amplitude is the share, so 0.5 is −6 dB and 0 −∞."""
    return 20 * math.log10(share) if share > 0 else -math.inf


class KaraokeNumber(QWidget):
    """Slider and field of one number.

    Attributes:
        changed: the new value; not by `show_value`.

    Args:
        parameter: range, unit and default.
        label: above it.
        keys: that change it from anywhere, for its tooltip.
        name: of what it is, for screen readers.
    """

    changed = Signal(float)

    def __init__(self, parameter: Parameter, label: str, keys: str, name: str) -> None:
        super().__init__()
        self._parameter, self._value = parameter, parameter.default
        scale = GainScale() if parameter.unit == "dB" else ParameterScale(parameter)
        tip = f"{tip_of(parameter)}\nArrows step, with Shift finely; Home: default; {keys} from anywhere"
        self.slider = TaperSlider(scale, Qt.Orientation.Horizontal, name)
        self.slider.setObjectName(f"karaoke-{parameter.name}")
        self.slider.setToolTip(tip)
        self.slider.setMinimumWidth(5 * self.fontMetrics().averageCharWidth())
        self.slider.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.field = NumberField(parameter, f"{name}, as a number")
        self.field.setObjectName(f"karaoke-{parameter.name}.text")
        self.field.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.slider.moved.connect(self._slide)
        self.field.entered.connect(self.enter)
        above = QLabel(label)
        above.setBuddy(self.field)
        above.setToolTip(tip)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.slider, 1)
        row.addWidget(self.field)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(above)
        layout.addLayout(row)
        self._show()

    @property
    def value(self) -> float:
        """That is shown."""
        return self._value

    def show_value(self, value: float) -> None:
        """Show what somebody else set, brought into the range; emits nothing."""
        if math.isnan(value):
            return
        self._value = min(max(value, self._parameter.lowest), self._parameter.highest)
        self._show()

    def enter(self, value: float) -> None:
        """Go to a value, brought into the range, and tell it."""
        before = self._value
        self.show_value(value)
        if self._value != before:
            self.changed.emit(self._value)

    def step(self, by: float) -> None:
        """Go farther by so much; from silence to the fader's lowest level."""
        if self._parameter.unit == "dB":
            self.enter(GainScale().stepped(self._value, by, fine=False))
        else:
            self.enter(round(self._value + by, 1))

    def _slide(self, value: float, _gesture: int) -> None:
        self.enter(value)

    def _show(self) -> None:
        self.slider.show_value(self._value)
        self.field.show_value(self._value)
