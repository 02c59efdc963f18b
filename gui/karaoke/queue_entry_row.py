"""How the chosen entry of the queue is to be sung: by whom, in which key, how fast."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QSpinBox, QWidget

from ...realtime.karaoke.evening_file import KEY_RANGE, TEMPO_RANGE, Entry
from .panel_parts import LOW_PX, in_a_row


class EntryRow(QWidget):
    """Switched off while none is chosen.

    Attributes:
        changed: the `Entry` as it is to be.
        singer: who sings.
        key: semitones.
        tempo: percent.
        note: any words.
    """

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("queue_entry")
        self._entry: Entry | None = None
        self.singer = singer_box(
            "entry_singer", "Singer of the chosen song", "Who sings the chosen song (F2 in the table)"
        )
        self.key = _number(
            "entry_key",
            "Key of the chosen song",
            "Higher or lower than in the song, semitones, −12 to 12",
            KEY_RANGE,
            " st",
        )
        percents = round(100 * TEMPO_RANGE[0]), round(100 * TEMPO_RANGE[1])
        self.tempo = _number(
            "entry_tempo", "Tempo of the chosen song", "Of the song's own speed, 50 to 150 %", percents, " %"
        )
        self.tempo.setSingleStep(5)
        self.note = QLineEdit()
        self.note.setObjectName("entry_note")
        self.note.setAccessibleName("Note on the chosen song")
        self.note.setPlaceholderText("Note")
        self.note.setToolTip("Any words: with whom, which verse")
        self.note.setMinimumHeight(LOW_PX)
        label = QLabel("&Singer")
        label.setBuddy(self.singer)
        layout = QHBoxLayout(self)
        in_a_row(layout, label, self.singer, self.key, self.tempo, self.note)
        layout.setStretch(1, 2)
        layout.setStretch(4, 1)
        self.singer.lineEdit().editingFinished.connect(self._tell)  # pyright: ignore[reportOptionalMemberAccess]
        self.singer.activated.connect(self._tell)
        self.key.valueChanged.connect(self._tell)
        self.tempo.valueChanged.connect(self._tell)
        self.note.editingFinished.connect(self._tell)
        self.show_entry(None)

    def show_entry(self, entry: Entry | None) -> None:
        """Another entry, or the same as it is now; what is being typed stays."""
        is_same = entry is not None and self._entry is not None and entry.number == self._entry.number
        self._entry = entry
        self.setEnabled(entry is not None)
        shown = entry or Entry(0, "", "")
        with (
            QSignalBlocker(self.singer),
            QSignalBlocker(self.key),
            QSignalBlocker(self.tempo),
            QSignalBlocker(self.note),
        ):
            if not (is_same and self.singer.hasFocus()):
                self.singer.setEditText(shown.singer)
            self.key.setValue(shown.key_semitones)
            self.tempo.setValue(round(100 * shown.tempo))
            if not (is_same and self.note.hasFocus()):
                self.note.setText(shown.note)

    def _tell(self) -> None:
        if self._entry is None:
            return
        asked = replace(
            self._entry,
            singer=" ".join(self.singer.currentText().split()),
            key_semitones=self.key.value(),
            tempo=self.tempo.value() / 100,
            note=" ".join(self.note.text().split()),
        )
        if asked != self._entry:
            self._entry = asked
            self.changed.emit(asked)


def singer_box(name: str, title: str, tip: str) -> QComboBox:
    """A name, typed or chosen among those that were used."""
    made = QComboBox()
    made.setObjectName(name)
    made.setEditable(True)
    made.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    made.setAccessibleName(title)
    made.setToolTip(tip)
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    made.setMinimumHeight(LOW_PX)
    made.setMinimumContentsLength(8)
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    field = made.lineEdit()
    if field is not None:
        field.setPlaceholderText("Singer's name")
        field.setObjectName(f"{name}_field")
    return made


def _number(name: str, title: str, tip: str, ends: tuple[int, int], unit: str) -> QSpinBox:
    made = QSpinBox()
    made.setObjectName(name)
    made.setAccessibleName(title)
    made.setToolTip(tip)
    made.setRange(*ends)
    made.setSuffix(unit)
    made.setMinimumHeight(LOW_PX)
    made.setKeyboardTracking(False)
    return made
