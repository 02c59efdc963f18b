"""What plays, where to, through which model and which rack: four lists to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QWidget

from ..realtime.engine_settings import AUTO, DEMO, PIPE, EngineSettings
from ..realtime.rack_file import find_preset, preset_names
from ..realtime.rack_spec import RackSpec
from ..realtime.registry import model_names
from .session_racks import same


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a list.

    Attributes:
        text: as shown.
        value: as the engine takes it; empty: a command rather than a choice.
        help: in a sentence.
    """

    text: str
    value: str
    help: str = ""


INPUTS = (
    Choice("Microphone", "mic", "The default input"),
    Choice("What other programs play", "system", "An input that brings the sound of this computer"),
    Choice("Demo song", DEMO, "A song that comes with advsep"),
)
OUTPUTS = (
    Choice("Speakers, or nothing", AUTO, "Speakers where there are any, else the clock keeps time"),
    Choice("Speakers", "speakers", "The default output"),
    Choice("Nothing", "null", "The clock keeps time, and nothing is heard"),
)
OPEN_SONG = Choice("Open a song…", "", "A sound file")
OPEN_MODEL = Choice("Open a model…", "", "An .onnx file of advsep-export")
OPEN_PRESET = Choice("Open a preset…", "", "A rack as a .toml file")
OWN_RACK = Choice("Own rack", "", "What the strips show")


class Picker(QComboBox):
    """A list of choices; what is in force is shown, whoever chose it.

    Args:
        name: the object's name.
        title: for people.
        tip: what is chosen.
        open: the last line, which asks for a file; None: there is none.

    Attributes:
        chosen: by the user, the value.
        asked_for_file: the last line was chosen.
    """

    chosen = Signal(str)
    asked_for_file = Signal()

    def __init__(self, name: str, title: str, tip: str, open: Choice | None = None) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setToolTip(tip)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.setMaxVisibleItems(24)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._title, self._tip, self._open = title, tip, open
        self._choices: list[Choice] = []
        self._value = ""
        self.activated.connect(self._on_activated)

    def offer(self, choices: list[Choice]) -> None:
        """Have other lines; what is in force stays."""
        self._choices = choices
        self._fill()

    @property
    def value(self) -> str:
        """What is in force."""
        return self._value

    def show_value(self, value: str) -> None:
        """Show what is in force; a line is added for what is in no list."""
        if value != self._value:
            self._value = value
            self._fill()

    def _fill(self) -> None:
        lines = list(self._choices)
        if self._value and all(choice.value != self._value for choice in lines):
            lines.insert(0, Choice(Path(self._value).name or self._value, self._value, self._value))
        lines += [self._open] if self._open is not None else []
        self.blockSignals(True)
        self.clear()
        for at, choice in enumerate(lines):
            self.addItem(choice.text, choice.value)
            self.setItemData(at, choice.help, Qt.ItemDataRole.ToolTipRole)
        self.setCurrentIndex(self.findData(self._value))
        self.blockSignals(False)
        self.setToolTip(f"{self._tip}; now: {self.currentText()}")

    def _on_activated(self, at: int) -> None:
        value = self.itemData(at)
        if at == self.count() - 1 and self._open is not None:
            self.setCurrentIndex(self.findData(self._value))
            self.asked_for_file.emit()
        elif value and value != self._value:
            self.chosen.emit(str(value))
        else:
            self.setCurrentIndex(self.findData(self._value))


class Pickers(QWidget):
    """The four of them in a row."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pickers")
        self.input = Picker("input", "Input", "What is separated: a device or a song", OPEN_SONG)
        self.output = Picker("output", "Output", "Where the mix is heard")
        self.model = Picker("model", "Model", "The network that separates", OPEN_MODEL)
        self.preset = Picker("preset", "Rack preset", "Plugins and levels of all strips", OPEN_PRESET)
        self.input.offer(list(INPUTS))
        self.output.offer(list(OUTPUTS))
        self.model.offer([Choice(name, name, "It comes with advsep") for name in model_names()])
        self._racks: dict[str, RackSpec] = {}
        self.preset.offer([OWN_RACK, *self._read_presets()])
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for title, picker in (
            ("&Input", self.input), ("&Output", self.output), ("&Model", self.model), ("&Rack", self.preset),
        ):  # fmt: skip
            label = QLabel(title)
            label.setBuddy(picker)
            layout.addWidget(label)
            layout.addWidget(picker, 2 if picker in (self.input, self.output) else 1)

    def show_settings(self, settings: EngineSettings) -> None:
        """What is asked for now."""
        self.input.show_value(settings.input if settings.input != PIPE else "standard input")
        self.output.show_value(settings.output)
        self.model.show_value(settings.model)
        self.show_rack(settings.rack)

    def show_rack(self, rack: RackSpec) -> None:
        """The preset's name, as long as the rack is what it says."""
        name = next((name for name, preset in self._racks.items() if same(preset, rack)), "")
        self.preset.show_value(name)

    def show_devices(self, inputs: list[str], outputs: list[str]) -> None:
        """Those that are there now, behind the words that always work."""
        self.input.offer([*INPUTS, *(Choice(label, label) for label in inputs)])
        self.output.offer([*OUTPUTS, *(Choice(label, label) for label in outputs)])

    def _read_presets(self) -> list[Choice]:
        choices: list[Choice] = []
        for name in preset_names():
            preset = find_preset(name)
            if preset.rack.strips:  # bypass has a button
                self._racks[name] = preset.rack
                choices.append(Choice(name, name, preset.description))
        return choices
