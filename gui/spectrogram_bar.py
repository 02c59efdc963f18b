"""The spectrograms' tool bar: everything of their look that is chosen and not pointed at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QToolButton,
    QWidget,
)

from .colour_maps import COLOUR_NAMES
from .frequency_axis import AxisKind
from .spectrogram_look import (
    HIGHEST_DB,
    LONGEST_SPAN_S,
    LOWEST_DB,
    MAP_CHOICES,
    SHORTEST_SPAN_S,
    SMALLEST_RANGE_DB,
    Look,
)

_AXES: tuple[tuple[AxisKind, str], ...] = (("log", "octaves"), ("bands", "bands"))
_MAPS = dict(zip(MAP_CHOICES, ("no map", "map of the voice", "map of the rest", "both maps"), strict=True))
_SIGNS = ((True, "signed"), (False, "absolute"))


class SpectrogramBar(QWidget):
    """Controls of a `Look`.

    Attributes:
        look_changed: with the `Look` that is asked for.
        frozen_changed: whether the pictures are to stand still.
        whole_asked: all frequencies, and the usual width.
    """

    look_changed = Signal(object)
    frozen_changed = Signal(bool)
    whole_asked = Signal()

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.freeze = self._button("Freeze", "spectrogram-freeze", "Have the pictures stand still; the sound goes on")
        self.freeze.setCheckable(True)
        self.freeze.toggled.connect(self.frozen_changed)
        self.axis = self._choice("axis", "Frequency axis", [words for _, words in _AXES])
        self.axis.setToolTip("Frequencies by octaves, in Hz, or by the bands that the network hears")
        self.colours = self._choice("colours", "Colours of the levels", COLOUR_NAMES)
        self.colours.setToolTip("Colours from dark to light; all can be told apart by the colour blind")
        self.low = _decibels("spectrogram-low", "Darkest level", LOWEST_DB, HIGHEST_DB - SMALLEST_RANGE_DB)
        self.high = _decibels("spectrogram-high", "Lightest level", LOWEST_DB + SMALLEST_RANGE_DB, HIGHEST_DB)
        self.span = QDoubleSpinBox(decimals=1, singleStep=0.5, minimum=SHORTEST_SPAN_S, maximum=LONGEST_SPAN_S)
        self.span.setSuffix(" s")
        _name(self.span, "spectrogram-span", "Time shown", f"{SHORTEST_SPAN_S:g} to {LONGEST_SPAN_S:g} s")
        self.map = self._choice("map", "Critic's map", [_MAPS[choice] for choice in MAP_CHOICES])
        self.map.setToolTip("Where the critic would change an estimate to take it for a recording, over that estimate")
        self.sign = self._choice("sign", "Direction of the map", [words for _, words in _SIGNS])
        self.sign.setToolTip("Signed: red where more would please, blue where less; absolute: only how much it tells")
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setSingleStep(5)
        self.opacity.setFixedWidth(80)
        _name(self.opacity, "spectrogram-opacity", "Opacity of the map", "0 to 100 %; at 100 the map stands alone")
        self.whole = self._button("Whole", "spectrogram-whole", "Show all frequencies and the usual 8 s (Home)")
        self.whole.clicked.connect(self.whole_asked)
        self._lay_out()
        self.show_look(look)
        for choice in (self.axis, self.colours, self.map, self.sign):
            choice.currentIndexChanged.connect(self._changed)
        for value in (self.low, self.high, self.span, self.opacity):
            value.valueChanged.connect(self._changed)

    def show_look(self, look: Look) -> None:
        """Have the controls say what was changed elsewhere; emits nothing."""
        self._look = look
        controls = (self.axis, self.colours, self.map, self.sign, self.low, self.high, self.span, self.opacity)
        blockers = [QSignalBlocker(control) for control in controls]
        self.axis.setCurrentIndex([kind for kind, _ in _AXES].index(look.axis))
        self.colours.setCurrentIndex(COLOUR_NAMES.index(look.colours))
        self.map.setCurrentIndex(MAP_CHOICES.index(look.map_choice))
        self.sign.setCurrentIndex([signed for signed, _ in _SIGNS].index(look.signed))
        self.low.setValue(look.low_db)
        self.high.setValue(look.high_db)
        self.span.setValue(look.span_s)
        self.opacity.setValue(round(100 * look.opacity))
        for blocker in blockers:
            blocker.unblock()
        self.sign.setEnabled(look.map_choice != "off")
        self.opacity.setEnabled(look.map_choice != "off")

    def _changed(self) -> None:
        axis = _AXES[self.axis.currentIndex()][0]
        look = replace(
            self._look,
            axis=axis,
            colours=COLOUR_NAMES[self.colours.currentIndex()],
            map_choice=MAP_CHOICES[self.map.currentIndex()],
            signed=_SIGNS[self.sign.currentIndex()][0],
            opacity=self.opacity.value() / 100,
        )
        if axis != self._look.axis:
            look = replace(look.whole(), span_s=look.span_s)
        look = look.with_range(self.low.value(), self.high.value()).with_span(self.span.value())
        self.show_look(look)
        self.look_changed.emit(look)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 2, 4, 2)
        row.setSpacing(5)
        groups: tuple[tuple[str, Sequence[QWidget]], ...] = (
            ("", (self.freeze,)),
            ("Frequency", (self.axis,)),
            ("Level", (self.low, self.high, self.colours)),
            ("Time", (self.span,)),
            ("", (self.whole,)),
            ("Critic", (self.map, self.sign, self.opacity)),
        )
        for words, controls in groups:
            if words:
                label = QLabel(words)
                label.setContentsMargins(6, 0, 0, 0)
                label.setBuddy(controls[0])
                row.addWidget(label)
            for control in controls:
                row.addWidget(control)
        row.addStretch(1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def _button(self, words: str, name: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(words)
        _name(button, name, f"{words} the spectrograms" if words == "Freeze" else "Whole spectrograms", tip)
        return button

    def _choice(self, name: str, accessible: str, words: Sequence[str]) -> QComboBox:
        choice = QComboBox(self)
        choice.addItems(list(words))
        choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        _name(choice, f"spectrogram-{name}", accessible, accessible)
        return choice


def _decibels(name: str, accessible: str, low_db: int, high_db: int) -> QSpinBox:
    spin = QSpinBox(minimum=low_db, maximum=high_db, singleStep=5)
    spin.setSuffix(" dB")
    _name(spin, name, accessible, f"{accessible}: {low_db} to {high_db} dB; 0 dB is a sine at full scale")
    return spin


def _name(control: QWidget, name: str, accessible: str, tip: str) -> None:
    control.setObjectName(name)
    control.setAccessibleName(accessible)
    control.setToolTip(tip)
    control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    if isinstance(control, QAbstractSpinBox):
        control.setKeyboardTracking(False)
