"""A MIDI controller on the desk: its knobs and buttons move the same controls as hands do."""

from __future__ import annotations

import importlib.util

from PySide6.QtCore import QObject, Signal

from ...realtime.errors import AdvsepError
from ...realtime.karaoke.folders import data_folder
from ...realtime.karaoke.midi import MidiControl
from ...realtime.karaoke.midi_binding import Asked
from ...realtime.karaoke.midi_map import MidiMap

MAP_NAME = "midi.json"


class MidiHand(QObject):
    """Listens to the first controller that there is, from `start` on; without one, or without the extra, to nobody.

    Its bindings are those of `midi.json` in the folder of karaoke's data, where there is such a file.

    Attributes:
        asked: with `Asked`, in the window's thread.
        noted: `info`, `warning` or `error`, and words.
        bindings: what knobs and buttons do.
    """

    asked = Signal(object)
    noted = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.bindings = MidiMap()
        self._control: MidiControl | None = None

    def start(self) -> None:
        """Take up a controller, where there is one and nobody did yet."""
        if self._control is not None or any(importlib.util.find_spec(name) is None for name in ("mido", "rtmidi")):
            return
        path = data_folder() / MAP_NAME
        try:
            if path.exists():
                self.bindings.read(path)
            self._control = MidiControl(None, self.bindings, self._tell)
        except AdvsepError as error:
            self.noted.emit("info", f"no MIDI controller: {error}")
            return
        self._control.start()
        self.noted.emit("info", f"MIDI controller: {self._control.port}")

    def close(self) -> None:
        """Let go of it."""
        control, self._control = self._control, None
        if control is not None:
            control.stop()

    def _tell(self, asked: Asked) -> None:
        self.asked.emit(asked)
