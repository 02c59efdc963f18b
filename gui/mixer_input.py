"""What comes in, before anything is done to it: a meter without a fader."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QPalette
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from ..realtime.status import Level
from .meter import Meter
from .mixer_peak import PeakButton

INPUT = "input"  # as an engine's status calls it


class InputPanel(QFrame):
    """Level of the mixture as it comes in.

    Args:
        parent: of the widget.

    Attributes:
        meter: of the level.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"{INPUT}.strip")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.meter = Meter(f"{INPUT} level", self)
        self.meter.setObjectName(f"{INPUT}.meter")
        self._peak = PeakButton(INPUT, harmful=True, parent=self)
        self._peak.setObjectName(f"{INPUT}.peak")
        self._peak.forgotten.connect(self._forget)
        title = QLabel(INPUT, self)
        font = QFont(title.font())
        font.setBold(True)
        title.setFont(font)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 4, 6, 6)
        column.setSpacing(4)
        column.addWidget(title)
        column.addWidget(self._peak, 0, Qt.AlignmentFlag.AlignRight)
        column.addWidget(self.meter, 1, Qt.AlignmentFlag.AlignRight)

    def hear(self, level: Level | None, now_s: float) -> None:
        """Take a level; None: nothing plays."""
        self.meter.ballistics.hear(level, now_s)

    def refresh(self, now_s: float) -> None:
        """Move the meter on."""
        self.meter.refresh(now_s)
        self._peak.show_peak(self.meter.ballistics.loudest_dbfs)

    def _forget(self) -> None:
        self.meter.ballistics.forget()
