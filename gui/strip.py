"""One strip of the mixer: level, place, mute and solo, meter, what it sends to buses, and its plugins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, TypeVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPalette
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from ..realtime.rack_spec import RackSpec
from ..realtime.status import EngineStatus, Level
from . import theme
from .chain_editor import ChainEditor
from .fader import GAIN, Fader
from .meter import Meter
from .mixer_pan import PanSlider
from .mixer_peak import PeakButton
from .mixer_sends import SendList
from .parameter_number import NumberField
from .session import Session

Kind = Literal["source", "microphone", "bus", "master"]
WIDEST_PX = 520

W = TypeVar("W", bound=QWidget)


class StripPanel(QFrame):
    """A strip as the rack has it; every change goes to the session, and comes back from there.

    Args:
        session: whose rack it edits.
        name: of the strip.
        kind: a source can be soloed and send to buses, the microphone only send.
        parent: of the widget.

    Attributes:
        fader: its level.
        meter: None for a bus, of which the engine tells no level.
        chain: its plugins.
    """

    def __init__(self, session: Session, name: str, kind: Kind, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self.name, self.kind = session, name, kind
        self._level_name = "output" if kind == "master" else name
        self.setObjectName(f"{name}.strip")
        self.setAccessibleName(f"{name} strip")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.fader = self._named(Fader(f"{name} gain", self), "gain")
        self._gain = self._named(NumberField(GAIN, f"{name} gain, as a number", self), "gain_text")
        self.meter = None if kind == "bus" else self._named(Meter(f"{name} level", self), "meter")
        self._peak = self._named(PeakButton(name, harmful=kind == "master", parent=self), "peak")
        self._pan = self._named(PanSlider(f"{name} left or right", self), "pan")
        self._mute = self._switch("mute", "M", f"Mute {name}: silent, its plugins run on")
        self._solo = self._switch("solo", "S", f"Solo {name}: only such strips are heard")
        self._sends = self._named(SendList(name, self), "sends")
        self.chain = ChainEditor(session, name, self)
        self._title, self._note = QLabel(name, self), QLabel("", self)
        self._fold = self._make_fold()
        self._lay_out()
        self._connect()

    def sizeHint(self) -> QSize:  # noqa: N802
        """No wider than it has to be; what room is left is shared out among the strips."""
        return QSize(self.minimumSizeHint().width(), super().sizeHint().height())

    @property
    def folded(self) -> bool:
        """Whether the plugins are put away."""
        return not self._fold.isChecked()

    def show_rack(self, rack: RackSpec, buses: tuple[str, ...]) -> None:
        """Show this strip of a rack; touches only what differs."""
        asked = rack.named(self.name)
        self.fader.show_value(asked.gain_db)
        self._gain.show_value(asked.gain_db)
        self._pan.show_value(asked.pan)
        self._mute.setChecked(asked.muted)
        self._solo.setChecked(asked.soloed)
        self._sends.show_sends(buses if self.kind in ("source", "microphone") else (), asked.sends)
        self.chain.show_chain(asked.chain)
        self._fold.setText(f"Plugins {len(asked.chain)}" if asked.chain else "Plugins")

    def hear(self, level: Level | None, now_s: float) -> None:
        """Take a level; None: nothing plays.

        Args:
            level: since the one before.
            now_s: by the clock that `refresh` goes by.
        """
        if self.meter is not None:
            self.meter.ballistics.hear(level, now_s)

    def show_status(self, status: EngineStatus) -> None:
        """Show what the engine says of this strip."""
        self.chain.show_failures(status.plugin_failures)
        note = ""
        if self.kind == "source" and self.name in status.muted:
            note = "silent" if self._mute.isChecked() else "not soloed"
        elif self.kind == "microphone" and status.levels and self.name not in status.levels:
            note = "not open"
        if note != self._note.text():
            self._note.setText(note)

    @property
    def level_name(self) -> str:
        """What an engine's status calls its level."""
        return self._level_name

    def refresh(self, now_s: float) -> None:
        """Move the meter on."""
        if self.meter is not None:
            self.meter.refresh(now_s)
            self._peak.show_peak(self.meter.ballistics.loudest_dbfs)

    def _connect(self) -> None:
        self.fader.setToolTip(
            "−60 to +12 dB, below that silence\nArrows: 1 dB, with Shift 0.1 dB; Home or a double click: 0 dB"
        )
        self._pan.setToolTip("Left 100 % to right 100 %\nArrows: 5 %, with Shift 1 %; Home or a double click: middle")
        self.fader.moved.connect(self._set_gain)
        self._gain.entered.connect(self._set_gain)
        self._gain.refused.connect(self._warn)
        self._pan.moved.connect(self._set_pan)
        self._mute.clicked.connect(self._set_muted)
        self._solo.clicked.connect(self._set_soloed)
        self._sends.changed.connect(self._send)
        self._sends.refused.connect(self._warn)
        theme.notifier.changed.connect(self._light)
        if self.meter is not None:
            self._peak.forgotten.connect(self.meter.ballistics.forget)

    def _set_gain(self, gain_db: float, gesture: int = 0) -> None:
        self._edit("gain", gesture, gain_db=gain_db)

    def _set_pan(self, pan: float, gesture: int) -> None:
        self._edit("pan", gesture, pan=pan)

    def _set_muted(self, on: bool) -> None:
        self._edit("mute" if on else "mute off", 0, muted=on)

    def _set_soloed(self, on: bool) -> None:
        self._edit("solo" if on else "solo off", 0, soloed=on)

    def _warn(self, words: str) -> None:
        self._session.noted.emit("warning", words)

    def _send(self, bus: str, level_db: float, gesture: int) -> None:
        sends = {**self._session.rack.named(self.name).sends, bus: level_db}
        self._edit(f"send to {bus}", gesture, sends=sends)

    def _edit(self, what: str, gesture: int, **changes: Any) -> None:
        rack = self._session.rack
        changed = rack.with_strip(self.name, replace(rack.named(self.name), **changes))
        what = f"{self.name} {what}"
        self._session.edit_rack(changed, what, f"{what} {gesture}" if gesture else "")

    def _lay_out(self) -> None:
        self._solo.setVisible(self.kind == "source")
        self._peak.setVisible(self.meter is not None)
        head = QHBoxLayout()
        head.addWidget(self._title)
        head.addWidget(self._note)
        head.addStretch(1)
        head.addWidget(self._fold)
        levels = QGridLayout()
        levels.setHorizontalSpacing(4)
        levels.setVerticalSpacing(2)
        levels.addWidget(self._peak, 0, 0, Qt.AlignmentFlag.AlignRight)
        levels.addWidget(self._gain, 0, 1)
        if self.meter is not None:
            levels.addWidget(self.meter, 1, 0, Qt.AlignmentFlag.AlignRight)
        levels.addWidget(self.fader, 1, 1, Qt.AlignmentFlag.AlignRight)
        levels.setRowStretch(1, 1)
        places = QHBoxLayout()
        places.addWidget(self._pan, 1)
        places.addWidget(self._pan.label)
        levels.addLayout(places, 2, 0, 1, 2)
        switches = QHBoxLayout()
        switches.addWidget(self._mute)
        switches.addWidget(self._solo)
        levels.addLayout(switches, 3, 0, 1, 2)
        side = QWidget(self)
        side.setLayout(levels)
        levels.setContentsMargins(0, 0, 0, 0)
        side.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self._right = right = QWidget(self)
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._sends)
        column.addWidget(self.chain, 1)
        body = QHBoxLayout()
        body.setSpacing(8)
        body.addWidget(side)
        body.addWidget(right, 1)
        all_of_it = QVBoxLayout(self)
        all_of_it.setContentsMargins(6, 4, 6, 6)
        all_of_it.setSpacing(4)
        all_of_it.addLayout(head)
        all_of_it.addLayout(body, 1)
        self.setMaximumWidth(WIDEST_PX)
        font = QFont(self._title.font())
        font.setBold(True)
        self._title.setFont(font)
        self._note.setForegroundRole(QPalette.ColorRole.PlaceholderText)

    def _make_fold(self) -> QToolButton:
        button = self._named(QToolButton(self), "fold")
        button.setText("Plugins")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setArrowType(Qt.ArrowType.DownArrow)
        button.setCheckable(True)
        button.setChecked(True)
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setAccessibleName(f"{self.name}: show plugins")
        button.setToolTip("Show the plugins, or put them away")
        button.toggled.connect(self._put_away)
        return button

    def _put_away(self, shown: bool) -> None:
        self._right.setVisible(shown)
        self._fold.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)
        self.updateGeometry()

    def _switch(self, what: str, sign: str, tip: str) -> QToolButton:
        button = self._named(QToolButton(self), what)
        button.setText(sign)
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setAccessibleName(f"{self.name} {what}")
        button.setToolTip(tip)
        button.setMinimumWidth(QFontMetrics(button.font()).horizontalAdvance("M") + 22)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.toggled.connect(self._light)
        return button

    def _light(self) -> None:
        for button, colour in ((self._mute, theme.colours().warning), (self._solo, theme.colours().accent)):
            palette = QPalette()
            if button.isChecked():  # seen from afar: in another colour, and pressed in
                palette.setColor(QPalette.ColorRole.Button, colour)
                palette.setColor(QPalette.ColorRole.ButtonText, theme.colours().surface)
            button.setPalette(palette)

    def _named(self, widget: W, what: str) -> W:
        widget.setObjectName(f"{self.name}.{what}")
        return widget
