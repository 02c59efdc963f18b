"""The line at the window's foot: what the engine does, how late it is, and whether it keeps up."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QLabel, QStatusBar, QWidget

from ..realtime.status import EngineStatus
from . import theme

UPDATE_EVERY = 6  # statuses: numbers that change thirty times a second cannot be read
_STATES = {
    "starting": "starting; the first time on a machine takes some seconds",
    "playing": "playing",
    "waiting": "the device has gone; waiting for it",
    "ended": "nothing plays",
    "failed": "the engine has failed",
}
UNKNOWN = "–"


class StatusBar(QStatusBar):
    """Always there; what is not known is shown as “–”, never as 0."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("status_bar")
        self.setAccessibleName("Status")
        self.setSizeGripEnabled(True)
        self._count = 0
        self._state = _label("state", "State", "What the engine does, and on which device")
        self._latency = _label("latency", "Latency", "From input to output, in ms and samples")
        self._load = _label("load", "Load", "Share of the time for a hop that its computation takes, %")
        self._misses = _label(
            "misses", "Misses", "Hops that came late; the time-aligned mixture was heard in their place"
        )
        self._xruns = _label("xruns", "Xruns", "Overflows and underflows that the device reported")
        self._realtime = _label("realtime", "Real-time scheduling", "Whether the system lets the engine go first")
        self.addWidget(self._state, 1)
        for label in (self._latency, self._load, self._misses, self._xruns, self._realtime):
            self.addPermanentWidget(label)
        theme.notifier.changed.connect(self._forget)

    def show_status(self, status: EngineStatus, *, now: bool = False) -> None:
        """Take a status; every sixth is shown, or this one `now`."""
        self._count += 1
        if not now and self._count % UPDATE_EVERY:
            return
        runs = status.rate_hz > 0 and status.state in ("playing", "waiting")
        _say(self._state, state_words(status))
        _say(self._latency, f"Latency {latency_words(status)}" if runs else f"Latency {UNKNOWN}")
        parts = latency_parts_words(status)
        if self._latency.toolTip() != parts:
            self._latency.setToolTip(parts)
            self._latency.setAccessibleDescription(parts)
        _say(self._load, f"Load {100 * status.load:.0f} %" if runs else f"Load {UNKNOWN}")
        _say(self._misses, f"Misses {status.misses}" if runs else f"Misses {UNKNOWN}")
        _mark(self._misses, attention=runs and status.misses > 0)
        _say(self._xruns, f"Xruns {status.device_xruns}" if runs else f"Xruns {UNKNOWN}")
        _mark(self._xruns, attention=runs and status.device_xruns > 0)
        _say(self._realtime, ("Real-time" if status.realtime else "Not real-time") if runs else f"Real-time {UNKNOWN}")

    def _forget(self) -> None:
        """Colours are another theme's now."""
        for label in (self._misses, self._xruns):
            _mark(label, attention=label.property("attention") is True, anew=True)


def state_words(status: EngineStatus) -> str:
    """What the engine does, in a line."""
    words = _STATES[status.state]
    if status.state == "playing":
        bypassed = ", bypassed" if status.bypassed else ""
        if status.paused:
            words = "paused"
        return f"{words}{bypassed}: {_short(status.device)} at {status.rate_hz / 1000:g} kHz, {status.model}"
    return " ".join((status.note or words).split())


def latency_words(status: EngineStatus) -> str:
    """Of the engine, exact, and what the device says that it adds."""
    rate_hz = status.rate_hz
    own_ms = 1e3 * status.latency_samples / rate_hz
    if status.device_latency_s is None:
        return f"{own_ms:.1f} ms · {status.latency_samples} samples"
    return f"{own_ms:.1f} + {1e3 * status.device_latency_s:.1f} ms · {status.latency_samples} samples"


def latency_parts_words(status: EngineStatus) -> str:
    """What it is made of, a line each."""
    if not status.rate_hz:
        return "From input to output, in ms and samples; nothing plays"
    lines = [
        f"{name}: {1e3 * samples / status.rate_hz:.2f} ms, {samples} samples"
        for name, samples in status.latency_parts.items()
    ]
    device = "not known" if status.device_latency_s is None else f"{1e3 * status.device_latency_s:.1f} ms, as it says"
    return "\n".join(["From input to output:", *lines, f"the device adds: {device}"])


def _short(device: str) -> str:
    """A song's name in place of its whole path."""
    comes, to, goes = device.partition(" to ")
    return f"{Path(comes).name if Path(comes).is_absolute() else comes}{to}{goes}"


def _label(name: str, title: str, tip: str) -> QLabel:
    label = QLabel(f"{title} {UNKNOWN}")
    label.setObjectName(f"status_{name}")
    label.setAccessibleName(title)
    label.setToolTip(tip)
    label.setContentsMargins(6, 0, 6, 0)
    return label


def _say(label: QLabel, text: str) -> None:
    if label.text() != text:
        label.setText(text)
        title = label.accessibleName().split(":")[0]
        label.setAccessibleName(f"{title}: {text}")


def _mark(label: QLabel, *, attention: bool, anew: bool = False) -> None:
    """Another colour, beside a number that says the same."""
    if label.property("attention") is attention and not anew:
        return
    label.setProperty("attention", attention)
    palette = QPalette(theme.palette(theme.kind()))
    if attention:
        palette.setColor(QPalette.ColorRole.WindowText, theme.colours().warning)
    label.setPalette(palette)
