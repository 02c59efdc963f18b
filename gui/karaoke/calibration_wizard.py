"""From a question to a delay in three pages: how it is measured, the wait, and what came out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ...realtime.karaoke.delays import How
from ...realtime.parameter import Parameter
from .. import theme
from ..parameter_row import muted_label
from .announcing import announce
from .calibration_run import CalibrationRun, Measured
from .karaoke_number import KaraokeNumber

MOST_BY_HAND_MS = 500.0
LEAST_CLEAR, WIDE_SPREAD_S = 6.0, 2e-3
_LOOK_MS = 30
_WIDE = 72  # characters

_EXPLAINED = (
    "What you sing comes into the program later than what you hear goes out: by the device's buffers and the air. "
    "Measured once for these devices, it lets takes, pitch and words fit the song."
)
_WAYS: tuple[tuple[How, str, str], ...] = (
    ("air", "Through the &air", "Put the microphone in front of the loudspeaker; some 7 s of short noises are heard."),
    ("cable", "With a &cable", "From the output's socket to the input's; turn both levels low before."),
    ("jack", "Within &JACK", "Its outputs are led to its inputs; nothing is heard, and converters are left out."),
    ("by hand", "By &hand", "Move the voice against the song by ear, from −500 to 500 ms."),
)
BY_HAND = Parameter(
    name="delay_ms",
    default=0.0,
    lowest=-MOST_BY_HAND_MS,
    highest=MOST_BY_HAND_MS,
    unit="ms",
    help="How much later than it is heard what is sung comes in",
)


class CalibrationWizard(QDialog):
    """Asks, measures and tells; what is done with the delay is up to whoever listens.

    Attributes:
        accepted_delay: the delay in s that is to be used; the dialog closes.
        tried_delay: the same, while it is set by hand, to be heard at once.

    Args:
        measure: what measures, for all ways or for each; ways without one cannot be chosen. See `CalibrationRun`.
        devices: what is measured, in words; empty: not said.
        known_s: the delay in use; where setting by hand begins.
        parent: owner.
    """

    accepted_delay = Signal(float)
    tried_delay = Signal(float)

    def __init__(
        self,
        measure: Callable[[], object] | Mapping[How, Callable[[], object]],
        devices: str = "",
        known_s: float = 0.0,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._measures = (
            dict(measure) if isinstance(measure, Mapping) else {way: measure for way, _, _ in _WAYS if way != "by hand"}
        )
        self._run: CalibrationRun | None = None
        self._measured = Measured()
        self.setObjectName("calibration_wizard")
        self.setWindowTitle("Delay of the microphone")
        self.buttons = QButtonGroup(self)
        self.by_hand = KaraokeNumber(BY_HAND, "Delay", "arrows", "Delay by hand")
        self.by_hand.show_value(1e3 * known_s)
        self.by_hand.changed.connect(self._try)
        self.outcome, self.details = QLabel(), muted_label("")
        self.again = _button("calibration-again", "&Try again", "Choose again how it is measured")
        self.back = _button("calibration-cancel", "Cancel", "Leave the delay as it is (Esc)")
        self.go = _button("calibration-go", "&Measure", "Begin (Enter)")
        self.use = _button("calibration-use", "&Use it", "Keep this delay for these devices (Enter)")
        self.pages = QStackedWidget()
        for page in (self._first_page(devices), self._waiting_page(), self._last_page()):
            self.pages.addWidget(page)
        self._lay_out()
        self._looks = QTimer(self, interval=_LOOK_MS)
        self._looks.timeout.connect(self._look)
        self.again.clicked.connect(self._begin)
        self.back.clicked.connect(self.reject)
        self.go.clicked.connect(self._go)
        self.use.clicked.connect(self._use)
        self.buttons.buttonClicked.connect(self._show_buttons)
        theme.notifier.changed.connect(self._colour)
        self._colour()
        self._begin()

    @property
    def way(self) -> How:
        """That is chosen."""
        return _WAYS[max(self.buttons.checkedId(), 0)][0]

    @property
    def is_measuring(self) -> bool:
        """Whether the end of a measurement is waited for."""
        return self._run is not None

    def done(self, result: int) -> None:
        """Close; a measurement that still runs is not waited for."""
        self._run = None
        self._looks.stop()
        super().done(result)

    def _first_page(self, devices: str) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        explained = QLabel(_EXPLAINED)
        explained.setWordWrap(True)
        layout.addWidget(explained)
        if devices:
            layout.addWidget(muted_label(devices))
        for number, (way, title, words) in enumerate(_WAYS):
            button = QRadioButton(title)
            button.setObjectName(f"calibration-{way.replace(' ', '-')}")
            button.setAccessibleName(title.replace("&", ""))
            button.setAccessibleDescription(words)
            button.setToolTip(words)
            can_be = way in self._measures or way == "by hand"
            button.setEnabled(can_be)
            self.buttons.addButton(button, number)
            note = muted_label(words if can_be else f"{words} Not possible with these devices.")
            note.setContentsMargins(24, 0, 0, 4)
            layout.addWidget(button)
            layout.addWidget(note)
        layout.addWidget(self.by_hand)
        layout.addStretch(1)
        next(button for button in self.buttons.buttons() if button.isEnabled()).setChecked(True)
        return page

    def _waiting_page(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        self.waiting = QLabel("Measuring… be quiet for some 7 s.")
        bar = QProgressBar()
        bar.setRange(0, 0)
        bar.setTextVisible(False)
        bar.setAccessibleName("Measuring")
        layout.addStretch(1)
        layout.addWidget(self.waiting)
        layout.addWidget(bar)
        layout.addStretch(2)
        return page

    def _last_page(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        font = self.outcome.font()
        font.setPointSizeF(1.4 * font.pointSizeF())
        self.outcome.setFont(font)
        self.outcome.setObjectName("calibration-result")
        self.outcome.setWordWrap(True)
        self.outcome.setTextFormat(Qt.TextFormat.PlainText)
        self.outcome.setToolTip("What was measured; it can be selected and copied")
        self.outcome.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        layout.addStretch(1)
        layout.addWidget(self.outcome)
        layout.addWidget(self.details)
        layout.addStretch(2)
        return page

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.again)
        row.addStretch(1)
        for button in (self.back, self.go, self.use):
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addWidget(self.pages, 1)
        layout.addLayout(row)
        self.setMinimumWidth(_WIDE * self.fontMetrics().averageCharWidth())

    def _begin(self) -> None:
        """The first page."""
        self._run = None
        self._looks.stop()
        self.pages.setCurrentIndex(0)
        self._show_buttons()
        self.buttons.button(self.buttons.checkedId()).setFocus()

    def _show_buttons(self) -> None:
        page, by_hand = self.pages.currentIndex(), self.way == "by hand"
        has_delay = page == 2 and not self._measured.error
        self.by_hand.setVisible(by_hand)
        self.again.setVisible(page == 2)
        self.go.setVisible(page == 0 and not by_hand)
        self.use.setVisible((page == 0 and by_hand) or has_delay)
        first = self.go if not self.go.isHidden() else self.use if not self.use.isHidden() else self.again
        for button in (self.go, self.use, self.again):
            button.setDefault(button is first)

    def _go(self) -> None:
        self._run = CalibrationRun(self._measures[self.way])
        self._looks.start()
        self.pages.setCurrentIndex(1)
        self._show_buttons()
        self.back.setFocus()
        announce(self.waiting, self.waiting.text())

    def _look(self) -> None:
        found = None if self._run is None else self._run.take()
        if found is None:
            return
        self._run, self._measured = None, found
        self._looks.stop()
        self.outcome.setText(result_words(found))
        self.details.setText(details_words(found))
        self._colour()
        self.pages.setCurrentIndex(2)
        self._show_buttons()
        (self.again if found.error else self.use).setFocus()
        announce(self.outcome, f"{self.outcome.text()} {self.details.text()}")

    def _use(self) -> None:
        by_hand = self.pages.currentIndex() == 0
        delay_s = self.by_hand.value / 1e3 if by_hand else self._measured.delay_s
        self.accepted_delay.emit(delay_s)
        self.accept()

    def _try(self, delay_ms: float) -> None:
        self.tried_delay.emit(delay_ms / 1e3)

    def _colour(self) -> None:
        palette = QPalette(theme.palette(theme.kind()))
        if self._measured.error:
            palette.setColor(QPalette.ColorRole.WindowText, theme.colours().error)
        self.outcome.setPalette(palette)
        circles = QPalette(theme.palette(theme.kind()))
        if theme.kind() == "dark":  # the style draws their edges darker than what they lie on
            circles.setColor(QPalette.ColorRole.Base, theme.colours().muted_text)
            circles.setColor(QPalette.ColorRole.Text, theme.colours().background)
        for button in self.buttons.buttons():
            button.setPalette(circles)


def result_words(measured: Measured) -> str:
    """What came out, in a sentence."""
    if measured.error:
        return f"{measured.error[:1].upper()}{measured.error[1:].rstrip('.')}."
    return f"The delay is {1e3 * measured.delay_s:.1f} ms.".replace("-", "−")


def details_words(measured: Measured) -> str:
    """How sure that is."""
    if measured.error:
        return ""
    said = list[str]()
    if math.isfinite(measured.clearness):
        said.append(f"The noises stood out {measured.clearness:.0f} times, {LEAST_CLEAR:.0f} is the least.")
    if math.isfinite(measured.spread_s):
        wide = measured.spread_s > WIDE_SPREAD_S
        aside = ": the devices' clocks differ, or one lost sound; measure again" if wide else ""
        said.append(f"They agree to {1e3 * measured.spread_s:.2f} ms{aside}.")
    if measured.advice:
        said.append(f"{measured.advice[:1].upper()}{measured.advice[1:].rstrip('.')}.")
    return " ".join(said)


def _button(name: str, text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAccessibleName(text.replace("&", ""))
    button.setToolTip(tip)
    return button
