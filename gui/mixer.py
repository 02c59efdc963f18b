"""The mixer: what comes in, and a strip for each source, the microphone, buses and the master, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QWidget

from ..realtime.rack_spec import MASTER, MICROPHONE, RackSpec
from ..realtime.status import EngineStatus
from ..realtime.telemetry import Layout
from .mixer_input import INPUT, InputPanel
from .parameter_row import muted_label
from .session import Session
from .strip import Kind, StripPanel


class MixerPanel(QWidget):
    """All strips; scrolls where there is no room for them, but for the master, which is always in sight.

    Args:
        session: whose rack it shows and edits.
        parent: of the widget.
        clock: seconds, for the meters.

    Attributes:
        input: level of what comes in.
        strips: by name, from left to right.
    """

    def __init__(
        self, session: Session, parent: QWidget | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(parent)
        self._session, self._clock = session, clock
        self._sources: tuple[str, ...] = ()
        self._hops = -1
        self.strips: dict[str, StripPanel] = {}
        self._row, self._pinned = QHBoxLayout(), QHBoxLayout()
        self.input = InputPanel(self)
        self._words = muted_label("The strips of the sources come with a model: open one, or choose an input.", self)
        self._lay_out()
        self._take_layout(session.layout)
        self._take_status(session.status)
        session.layout_changed.connect(self._take_layout)
        session.rack_changed.connect(self._take_rack)
        session.status_changed.connect(self._take_status)

    def refresh(self) -> None:
        """Draw what has moved; as often as the window draws."""
        if self.isVisible():
            now_s = self._clock()
            self.input.refresh(now_s)
            for strip in self.strips.values():
                strip.refresh(now_s)

    def _take_layout(self, layout: Layout | None) -> None:
        if layout is not None:  # else the strips stay, for when it plays again
            self._sources = layout.sources
        self._take_rack(self._session.rack)

    def _take_rack(self, rack: RackSpec) -> None:
        kinds = _strips_of(rack, self._sources)
        if [(name, strip.kind) for name, strip in self.strips.items()] != list(kinds.items()):
            self._make_strips(kinds)
        buses = tuple(name for name, kind in kinds.items() if kind == "bus")
        for strip in self.strips.values():
            strip.show_rack(rack, buses)
        self._words.setVisible("source" not in kinds.values())

    def _take_status(self, status: EngineStatus) -> None:
        now_s = self._clock()
        # The levels of a status are those of the one before where nothing was processed meanwhile.
        is_news = status.hops != self._hops
        self._hops = status.hops
        for strip in self.strips.values():
            strip.show_status(status)
        for level_name, panel in ((INPUT, self.input), *((each.level_name, each) for each in self.strips.values())):
            if status.state != "playing":
                panel.hear(None, now_s)
            elif is_news:
                panel.hear(status.levels.get(level_name), now_s)

    def _make_strips(self, kinds: dict[str, Kind]) -> None:
        """Those that stay the same are kept as they are."""
        before, self.strips = self.strips, {}
        for name, kind in kinds.items():
            kept = before.pop(name, None)
            if kept is not None and kept.kind != kind:
                before[name], kept = kept, None
            self.strips[name] = kept or StripPanel(self._session, name, kind, self)
        for gone in before.values():
            gone.hide()
            gone.deleteLater()
        for place, strip in enumerate(self.strips.values(), 1):
            if strip.kind == "master":
                self._pinned.addWidget(strip)
            else:
                self._row.removeWidget(strip)
                self._row.insertWidget(place, strip, 1)
            strip.show()

    def _lay_out(self) -> None:
        self._row.setContentsMargins(4, 4, 4, 4)
        self._row.setSpacing(6)
        self._row.addWidget(self.input)
        self._row.addWidget(self._words)
        self._row.addStretch(0)
        inside = QWidget(self)
        inside.setLayout(self._row)
        area = QScrollArea(self)
        area.setObjectName("mixer.area")
        area.setAccessibleName("mixer")
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        self._pinned.setContentsMargins(6, 4, 4, 4)
        all_of_it = QHBoxLayout(self)
        all_of_it.setContentsMargins(0, 0, 0, 0)
        all_of_it.setSpacing(0)
        all_of_it.addWidget(area, 1)
        all_of_it.addLayout(self._pinned)


def _strips_of(rack: RackSpec, sources: tuple[str, ...]) -> dict[str, Kind]:
    """Which strips there are, in order; with no model yet, those that a rack names and sends nothing to."""
    sent_to = {bus for strip in rack.strips.values() for bus in strip.sends}
    if not sources:
        sources = tuple(name for name in rack.strips if name not in (MICROPHONE, MASTER, *sent_to))
    kinds = dict[str, Kind]()
    for name in sources:
        kinds[name] = "source"
    if MICROPHONE in rack.strips:
        kinds[MICROPHONE] = "microphone"
    for name in rack.buses(sources):
        kinds[name] = "bus"
    kinds[MASTER] = "master"
    return kinds
