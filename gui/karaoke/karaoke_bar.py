"""What a singer turns while the song plays, in one row."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSpinBox, QToolButton, QVBoxLayout, QWidget

from ...realtime.page import clock
from .. import theme
from ..window_icons import sign
from .karaoke_number import BAND, ECHO, GUIDE, MICROPHONE, KaraokeNumber

MOST_SEMITONES = 12
SLOWEST_PERCENT, FASTEST_PERCENT, TEMPO_STEP_PERCENT = 50, 150, 5
GUIDE_STEP_PERCENT, ECHO_STEP_PERCENT = 10.0, 5.0


class KaraokeBar(QWidget):
    """Controls only: what they mean is up to whoever listens. Every `show_…` sets one and emits nothing.

    Attributes:
        guide_changed: share of the song's voice, 0 to 1, as an amplitude; see `guide_db`.
        band_db_changed: level of the accompaniment; -120 is silence.
        mic_db_changed: level of the singer's voice; the same.
        echo_changed: room around it, 0 to 1.
        monitor_changed: whether the singer's voice is on the output.
        key_changed: semitones, -12 to 12.
        tempo_changed: 0.5 to 1.5; 1 is the song's own.
        count_in_changed: whether beats are counted before it goes on.
        loop_a: the loop begins here.
        loop_b: it ends here.
        loop_cleared: there is none.
        record_toggled: whether a take is to be recorded.
        next_song: go on with the queue.
    """

    guide_changed = Signal(float)
    band_db_changed = Signal(float)
    mic_db_changed = Signal(float)
    echo_changed = Signal(float)
    monitor_changed = Signal(bool)
    key_changed = Signal(int)
    tempo_changed = Signal(float)
    count_in_changed = Signal(bool)
    loop_a = Signal()
    loop_b = Signal()
    loop_cleared = Signal()
    record_toggled = Signal(bool)
    next_song = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("karaoke_bar")
        self.setAccessibleName("Karaoke")
        self._guide_before = GUIDE.highest  # to which the key goes back from silence
        self._actions: dict[str, QAction] = {}
        self.guide = KaraokeNumber(GUIDE, "Guide voice", "Ctrl+Shift+Up and Down, G", "Guide voice")
        self.band = KaraokeNumber(BAND, "Band", "Ctrl+Shift+Page Up and Down", "Level of the band")
        self.mic = KaraokeNumber(MICROPHONE, "Microphone", "Ctrl+Page Up and Down", "Level of the microphone")
        self.echo = KaraokeNumber(ECHO, "Echo", "Ctrl+E and Ctrl+Shift+E", "Echo")
        self.monitor = _toggle("monitor", "Hear me", "Hear yourself", "Your voice on the output; use headphones (M)")
        self.key = _spin("key", "Key", -MOST_SEMITONES, MOST_SEMITONES, 1, " st")
        self.key.setToolTip("Higher or lower than in the song, semitones, −12 to 12 (Ctrl+Up, Ctrl+Down)")
        self.tempo = _spin("tempo", "Tempo", SLOWEST_PERCENT, FASTEST_PERCENT, TEMPO_STEP_PERCENT, " %")
        self.tempo.setValue(100)
        self.tempo.setToolTip("Of the song's own speed, 50 to 150 % (Ctrl+Shift+Left, Ctrl+Shift+Right)")
        self.count_in = _toggle("count-in", "Count in", "Count in", "Four beats before the song goes on (C)")
        self.from_here = _button("loop-a", "A", "Loop from here", "The loop begins at the position (A)")
        self.to_here = _button("loop-b", "B", "Loop to here", "The loop ends at the position (B)")
        for button in (self.from_here, self.to_here):  # so that the row stays where it is
            button.setMinimumWidth(button.fontMetrics().horizontalAdvance("A 00:00") + 12)
        self.no_loop = _button("loop-clear", "✕", "No loop", "Let the song go on behind the loop (X)")
        self.record = _toggle("record", "Take", "Record take", "Keep what is sung as files, or stop (R)")
        self.record.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.skip = _button("next", "Next ▸", "Next song", "Go on with the queue (N)")
        self._lay_out()
        self._connect()
        self.show_loop(None, None)
        theme.notifier.changed.connect(self._draw)
        self._draw()

    def show_guide(self, share: float) -> None:
        """Share of the song's voice, 0 to 1."""
        self.guide.show_value(100 * share)

    def show_band_db(self, level_db: float) -> None:
        """Level of the accompaniment."""
        self.band.show_value(level_db)

    def show_mic_db(self, level_db: float) -> None:
        """Level of the singer's voice."""
        self.mic.show_value(level_db)

    def show_echo(self, share: float) -> None:
        """Room around it, 0 to 1."""
        self.echo.show_value(100 * share)

    def show_monitor(self, on: bool) -> None:
        """Whether the singer's voice is on the output."""
        self._set(self.monitor, on)

    def show_key(self, semitones: int) -> None:
        """Of the song."""
        with QSignalBlocker(self.key):
            self.key.setValue(semitones)

    def show_tempo(self, speed: float) -> None:
        """0.5 to 1.5."""
        with QSignalBlocker(self.tempo):
            self.tempo.setValue(round(100 * speed))

    def show_count_in(self, on: bool) -> None:
        """Whether beats are counted."""
        self._set(self.count_in, on)

    def show_loop(self, from_s: float | None, to_s: float | None) -> None:
        """Where the loop begins and ends; None: nowhere yet."""
        for button, letter, at_s in ((self.from_here, "A", from_s), (self.to_here, "B", to_s)):
            button.setText(letter if at_s is None else f"{letter} {clock(at_s)}")
            button.setAccessibleDescription("" if at_s is None else f"at {clock(at_s)}")
        self.no_loop.setEnabled(from_s is not None or to_s is not None)

    def show_record(self, seconds: float | None) -> None:
        """How long the take is; None: none is recorded."""
        self._set(self.record, seconds is not None)
        text = "Take" if seconds is None else clock(seconds)
        if self.record.text() != text:
            self.record.setText(text)

    def show_next(self, there_is: bool) -> None:
        """Whether the queue has another song."""
        self.skip.setEnabled(there_is)

    def commands(self) -> dict[str, Callable[[bool], None]]:
        """What obeys those of `KARAOKE_SHORTCUTS` that are the bar's."""
        return {
            "next_song": lambda _on: self.skip.click(),
            "take": lambda _on: self.record.click(),
            "monitor": lambda _on: self.monitor.click(),
            "count_in": lambda _on: self.count_in.click(),
            "guide_off": lambda _on: self._toggle_guide(),
            "guide_more": lambda _on: self.guide.step(GUIDE_STEP_PERCENT),
            "guide_less": lambda _on: self.guide.step(-GUIDE_STEP_PERCENT),
            "band_more": lambda _on: self.band.step(1),
            "band_less": lambda _on: self.band.step(-1),
            "mic_more": lambda _on: self.mic.step(1),
            "mic_less": lambda _on: self.mic.step(-1),
            "echo_more": lambda _on: self.echo.step(ECHO_STEP_PERCENT),
            "echo_less": lambda _on: self.echo.step(-ECHO_STEP_PERCENT),
            "key_up": lambda _on: self.key.stepUp(),
            "key_down": lambda _on: self.key.stepDown(),
            "faster": lambda _on: self.tempo.stepUp(),
            "slower": lambda _on: self.tempo.stepDown(),
            "as_recorded": lambda _on: self._as_recorded(),
            "loop_a": lambda _on: self.from_here.click(),
            "loop_b": lambda _on: self.to_here.click(),
            "loop_clear": lambda _on: self.no_loop.click(),
        }

    def use_actions(self, actions: dict[str, QAction]) -> None:
        """Keep the check marks of the window's actions as the buttons are."""
        self._actions = actions
        self._draw()

    def _connect(self) -> None:
        self.guide.changed.connect(self._tell_guide)
        self.band.changed.connect(self.band_db_changed)
        self.mic.changed.connect(self.mic_db_changed)
        self.echo.changed.connect(self._tell_echo)
        self.key.valueChanged.connect(self.key_changed)
        self.tempo.valueChanged.connect(self._tell_tempo)
        for toggle, told in (
            (self.monitor, self.monitor_changed), (self.count_in, self.count_in_changed),
            (self.record, self.record_toggled),
        ):  # fmt: skip
            toggle.toggled.connect(told)
            toggle.toggled.connect(self._draw)
        for button, told in (
            (self.from_here, self.loop_a), (self.to_here, self.loop_b), (self.no_loop, self.loop_cleared),
            (self.skip, self.next_song),
        ):  # fmt: skip
            button.clicked.connect(lambda _checked=False, told=told: told.emit())

    def _lay_out(self) -> None:
        down = _button("key-down", "−", "Key down", "A semitone lower (Ctrl+Down)")
        up = _button("key-up", "+", "Key up", "A semitone higher (Ctrl+Up)")
        down.clicked.connect(self.key.stepDown)
        up.clicked.connect(self.key.stepUp)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 4, 8, 4)
        row.setSpacing(10)
        for number in (self.guide, self.band, self.mic, self.echo):
            row.addWidget(number, 1)
        row.addWidget(_group("Monitor", self.monitor))
        row.addWidget(_group("Key", down, self.key, up))
        row.addWidget(_group("Tempo", self.tempo))
        row.addWidget(_group("Start", self.count_in))
        row.addWidget(_group("Loop", self.from_here, self.to_here, self.no_loop))
        row.addWidget(_group("Record", self.record))
        row.addWidget(_group("Queue", self.skip))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def _tell_guide(self, percent: float) -> None:
        self.guide_changed.emit(percent / 100)

    def _tell_echo(self, percent: float) -> None:
        self.echo_changed.emit(percent / 100)

    def _tell_tempo(self, percent: int) -> None:
        self.tempo_changed.emit(percent / 100)

    def _toggle_guide(self) -> None:
        if self.guide.value > 0:
            self._guide_before = self.guide.value
            self.guide.enter(0.0)
        else:
            self.guide.enter(self._guide_before)

    def _as_recorded(self) -> None:
        self.key.setValue(0)
        self.tempo.setValue(100)

    def _set(self, button: QToolButton, on: bool) -> None:
        if button.isChecked() != on:
            with QSignalBlocker(button):
                button.setChecked(on)
            self._draw()

    def _draw(self) -> None:
        """What is on is seen from afar, and the window's actions say the same."""
        colours = theme.colours()
        self.record.setIcon(sign("stop" if self.record.isChecked() else "record"))
        for name, button in (("monitor", self.monitor), ("count_in", self.count_in), ("take", self.record)):
            palette = QPalette()
            if button.isChecked():
                palette.setColor(QPalette.ColorRole.Button, colours.error if name == "take" else colours.accent)
                palette.setColor(QPalette.ColorRole.ButtonText, colours.surface)
            button.setPalette(palette)
            if name in self._actions:
                self._actions[name].setChecked(button.isChecked())


class _SignedSpin(QSpinBox):
    """Says which way a key is moved."""

    def textFromValue(self, val: int) -> str:  # noqa: N802
        """With its sign."""
        return f"{val:+d}".replace("-", "−") if self.minimum() < 0 and val else str(val)

    def valueFromText(self, text: str) -> int:  # noqa: N802
        """Both signs for minus are read."""
        return super().valueFromText(text.replace("−", "-"))


def _spin(name: str, title: str, lowest: int, highest: int, step: int, suffix: str) -> QSpinBox:
    spin = _SignedSpin() if lowest < 0 else QSpinBox()
    spin.setRange(lowest, highest)
    spin.setSingleStep(step)
    spin.setSuffix(suffix)
    spin.setKeyboardTracking(False)
    spin.setAccelerated(True)
    spin.setObjectName(f"karaoke-{name}")
    spin.setAccessibleName(title)
    spin.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return spin


def _button(name: str, text: str, title: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setObjectName(f"karaoke-{name}")
    button.setAccessibleName(title)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    button.setMinimumHeight(round(1.7 * button.fontMetrics().height()))
    return button


def _toggle(name: str, text: str, title: str, tip: str) -> QToolButton:
    button = _button(name, text, title, tip)
    button.setCheckable(True)
    return button


def _group(title: str, *controls: QWidget) -> QWidget:
    """Controls under what they are called."""
    group, row = QWidget(), QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(2)
    for control in controls:
        row.addWidget(control)
    layout = QVBoxLayout(group)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(2)
    layout.addWidget(QLabel(title))
    layout.addLayout(row)
    return group
