"""The number above a meter: the loudest peak so far, and a light that stays when it was too loud."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QPushButton, QWidget

from . import theme
from .meter import CLIPPED_DBFS, SILENCE_DBFS

NOTHING = "–"


class PeakButton(QPushButton):
    """Shows the loudest peak in dBFS; a click forgets it.

    What comes in and goes out must not be beyond full scale: CLIP. A stem may be, without harm: over.

    Attributes:
        forgotten: it was clicked.

    Args:
        name: for screen readers.
        harmful: whether sound beyond full scale is damaged here.
        parent: of the widget.
    """

    forgotten = Signal()

    def __init__(self, name: str, *, harmful: bool, parent: QWidget | None = None) -> None:
        super().__init__(NOTHING, parent)
        self._name, self._harmful = name, harmful
        self._shown = (NOTHING, False)
        self.setFlat(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFixedWidth(self.fontMetrics().horizontalAdvance("−60.0") + 12)
        self.clicked.connect(self._forget)
        theme.notifier.changed.connect(self._colour)
        self._tell()

    @property
    def is_lit(self) -> bool:
        """Whether it was too loud."""
        return self._shown[1]

    def show_peak(self, loudest_dbfs: float) -> None:
        """Show a peak, in dBFS; the same again costs nothing."""
        lit = loudest_dbfs >= CLIPPED_DBFS
        text = NOTHING if loudest_dbfs <= SILENCE_DBFS else f"{loudest_dbfs:.1f}".replace("-", "−")
        if (text, lit) != self._shown:
            changes_light, self._shown = lit != self.is_lit, (text, lit)
            self.setText(("CLIP" if self._harmful else "over") if lit else text)
            if changes_light:
                self._colour()
            self._tell()

    def _colour(self) -> None:
        palette = QPalette()
        if self.is_lit:
            colours = theme.colours()
            palette.setColor(QPalette.ColorRole.Button, colours.error if self._harmful else colours.warning)
            palette.setColor(QPalette.ColorRole.ButtonText, colours.surface)
        self.setPalette(palette)
        self.setFlat(not self.is_lit)

    def _tell(self) -> None:
        text, lit = self._shown
        found = "nothing heard yet" if text == NOTHING else f"loudest peak {text} dBFS"
        what = ", beyond full scale" + (": turn the input or the master down" if self._harmful else "") if lit else ""
        self.setAccessibleName(f"{self._name} peak: {found}{what}")
        self.setToolTip(f"{found[0].upper()}{found[1:]}{what}\nA click begins anew")

    def _forget(self) -> None:
        self.show_peak(SILENCE_DBFS)
        self.forgotten.emit()
