"""One engine, as every part of the window sees it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QUndoStack

from ..realtime.engine_settings import AUTO, EngineSettings, whole_path
from ..realtime.errors import AdvsepError
from ..realtime.panel import Recording
from ..realtime.process import EngineProcess
from ..realtime.rack_spec import RackSpec
from ..realtime.status import EngineStatus
from ..realtime.telemetry import Layout, Telemetry
from .session_crossing import Crossing
from .session_news import LayoutWatch, News, same_shape
from .session_racks import RackEdit, RackSender, same
from .session_recording import Takes
from .session_song import SongCommands

TICK_MS = 33
IDLE = EngineStatus(state="ended", note="nothing is open: choose an input, or drop a song here")


class Session(SongCommands):
    """One engine in its own process; lives in the GUI's thread. Works with no engine, too.

    `start` has it play; whatever is asked for before or meanwhile is taken along. Commands return at once; what
    becomes of them comes by signals, in the GUI's thread.

    Args:
        settings: what to play; None: as `EngineSettings` has it.
        parent: as Qt has it.

    Attributes:
        status_changed: with `EngineStatus`, about 30 times a second, whether playing or not.
        rack_changed: with the `RackSpec` asked for now; by whoever changed it, undo included.
        layout_changed: with telemetry's `Layout`: other sources, bands, rate or model; None: nothing plays, and
            nothing of `telemetry` may be used any more.
        settings_changed: with `EngineSettings`.
        recording_changed: with `Recording`, some times a second; None: no longer.
        noted: `info`, `warning` or `error`, and words.
        undo_stack: of edits of the rack.
    """

    status_changed = Signal(object)
    rack_changed = Signal(object)
    layout_changed = Signal(object)
    settings_changed = Signal(object)
    recording_changed = Signal(object)
    noted = Signal(str, str)

    def __init__(self, settings: EngineSettings | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = _whole(EngineSettings() if settings is None else settings)
        self._status, self._layout = IDLE, None
        self._engine: EngineProcess | None = None
        self._sender: RackSender | None = None
        self._news = News()
        self._layouts: LayoutWatch | None = None
        self._open_requests = 0
        self._is_closed = self._rolls_back = False
        self._crossing, self._takes = Crossing(self), Takes(self)
        self._takes.changed.connect(self.recording_changed)
        self._takes.noted.connect(self.noted)
        self.undo_stack = QUndoStack(self)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    @property
    def status(self) -> EngineStatus:
        """What the engine said last."""
        return self._status

    @property
    def rack(self) -> RackSpec:
        """What is asked for now."""
        return self._settings.rack

    @property
    def settings(self) -> EngineSettings:
        """What is asked for now."""
        return self._settings

    @property
    def layout(self) -> Layout | None:
        """What lies in the telemetry's rings; None: nothing plays."""
        return self._layout

    @property
    def telemetry(self) -> Telemetry | None:
        """To make `RingReader(telemetry, "stems" | "columns")`, while `layout` is not None."""
        return None if self._engine is None else self._engine.telemetry

    @property
    def recording(self) -> Recording | None:
        """What is being recorded."""
        return self._takes.recording

    @property
    def process_id(self) -> int | None:
        """Of the engine's process, while there is one."""
        return None if self._engine is None else self._engine.process_id

    def start(self) -> None:
        """Have an engine play what the settings say; nothing where one does already."""
        if self._is_closed or self._engine is not None:
            return
        try:
            self._engine = engine = EngineProcess(self._settings)
        except AdvsepError as error:
            self._give_up(str(error))
            return
        self._status = EngineStatus(state="starting", model=self._settings.model)
        self._news = News()
        threading.Thread(target=self._begin, args=(engine,), name="advsep-start", daemon=True).start()

    def edit_rack(self, rack: RackSpec, what: str, merge: str = "") -> None:
        """Have it played, and remember it as a step that can be undone.

        A rack that the engine refuses is taken back, and noted as an error.

        Args:
            rack: all of it.
            what: the step in words: "voice gain".
            merge: edits in a row with the same key are one step (a dragged fader); empty: a step of its own.
        """
        if not same(rack, self.rack):
            self.undo_stack.push(RackEdit(self.rack, rack, what, merge, self._take_up))

    def open_input(self, source: str) -> None:
        """Play another input: a file, `demo`, `mic`, `system`, a device."""
        source = whole_path(source)
        goes_on = self._settings.backing is not None or source == self._settings.input
        begin = {} if goes_on else {"start_s": 0.0, "paused": False, "loop": None}
        self._change("input", {"input": source, **begin}, self._change_devices)

    def open_output(self, output: str) -> None:
        """Play elsewhere."""
        self._change("output", {"output": output}, self._change_devices)

    def open_model(self, name: str) -> None:
        """Go over to another model as soon as it is prepared."""
        self._change("model", {"model": whole_path(name)}, lambda engine: engine.swap_model(name))

    def let_go(self) -> None:
        """Have nothing play, and devices free for others, until `start`, which goes on where it was."""
        moves = self._settings.is_fed or self._settings.backing is not None
        self._set(start_s=self._status.position_s if moves else 0.0)
        self._drop_engine()
        self.status_changed.emit(self._status)

    def set_bypassed(self, on: bool) -> None:
        """Let the mixture through as it came, equally late."""
        self._set(bypassed=on)
        if self._engine is not None:
            self._engine.set_bypassed(on)

    def seek(self, position_s: float) -> None:
        """Go on elsewhere in the file, s from its start."""
        if self._engine is not None:
            self._crossing.when_done(self._engine.seek(position_s), self._note_refusal)

    def set_paused(self, on: bool) -> None:
        """Stand still, or go on at the very sample; for files."""
        try:
            if self._engine is not None:
                self._engine.set_paused(on)
        except AdvsepError as error:
            self.noted.emit("error", str(error))
        else:
            self._set(paused=on)

    def start_recording(self, folder: Path | None) -> None:
        """Record all stems from now on; None: to a folder among the user's music."""
        self._takes.start(None if self._layout is None else self.telemetry, self._settings, folder)

    def stop_recording(self) -> None:
        """Finish the files, and say where they are."""
        self._takes.stop()

    def close(self) -> None:
        """Finish a recording and end the engine, within 2 s; nothing is left behind. More than once is fine."""
        self._is_closed = True
        self._timer.stop()
        self._drop_engine()
        self.undo_stack.clear()  # now: at its end it would tell those that are no more

    def _begin(self, engine: EngineProcess) -> None:
        """In a thread of its own."""
        words = ""
        try:
            engine.start()
        except AdvsepError as error:
            words = str(error)
        except Exception as error:
            words = f"the engine cannot be started ({type(error).__name__}: {error}); try again"
        self._crossing.post(lambda: self._started(engine, words))

    def _started(self, engine: EngineProcess, words: str) -> None:
        if engine is not self._engine:
            return
        if words:
            self._give_up(words)
            return
        self._layouts = LayoutWatch(engine.telemetry)  # not before: an engine that does not start closes it itself
        self._sender = RackSender(engine, self._crossing, self._take_back)
        self._sender.play(self.rack)
        self._tick()
        if self._settings.output == AUTO and self._status.device.endswith("null"):
            self.noted.emit("warning", "no sound device: the null device keeps time and plays to nobody")

    def _give_up(self, words: str) -> None:
        self._drop_engine()
        self._status = EngineStatus(state="failed", note=words, model=self._settings.model)
        self.noted.emit("error", words)
        self.status_changed.emit(self._status)

    def _drop_engine(self) -> None:
        self.stop_recording()
        engine, self._engine, self._sender, self._layouts = self._engine, None, None, None
        self._open_requests = 0
        self._set_layout(None)
        if engine is not None:
            engine.stop()
            self._status = replace(engine.status(), state="ended", levels={})

    def _change(self, what: str, changes: dict[str, Any], ask: Callable[[EngineProcess], Future[None]]) -> None:
        """Ask for what may be refused; where no engine is left, one is started with it."""
        self._set(**changes)
        if self._engine is not None and self._status.state == "failed" and self._engine.process_id is None:
            self._drop_engine()
        if self._engine is None:
            self.start()
            return
        self._open_requests += 1
        engine = self._engine
        self._crossing.when_done(ask(engine), lambda why: self._changed(engine, what, why))

    def _change_devices(self, engine: EngineProcess) -> Future[None]:
        return engine.change_devices(self._settings.input, self._settings.output)

    def _changed(self, engine: EngineProcess, what: str, why: str) -> None:
        if engine is not self._engine:
            return
        self._open_requests -= 1
        if why:
            self.noted.emit("error", why)
        else:
            backing = self._settings.backing
            said = getattr(self._settings, what, "none" if backing is None else backing.song)
            self.noted.emit("info", f"{what}: {said}")
        if not self._open_requests:  # else the last answer says what it has come to
            self._set(**{name: getattr(engine.settings, name) for name in ("input", "output", "model", "backing")})

    def _note_refusal(self, why: str) -> None:
        if why:
            self.noted.emit("error", why)

    def _set(self, **changes: Any) -> None:
        settings = replace(self._settings, **changes)
        if settings != self._settings:
            self._settings = settings
            self.settings_changed.emit(settings)

    def _take_up(self, rack: RackSpec) -> None:
        """By the undo stack."""
        self._settings = replace(self._settings, rack=rack)
        if self._sender is not None and not self._rolls_back:
            self._sender.play(rack)
        self.rack_changed.emit(rack)

    def _take_back(self, rack: RackSpec, why: str) -> None:
        """The steps that led to what was refused; they cannot be made again."""
        self._rolls_back = True
        while self.undo_stack.canUndo() and not same(self.rack, rack):
            step = self.undo_stack.command(self.undo_stack.index() - 1)
            if isinstance(step, RackEdit):
                step.is_refused = True
            self.undo_stack.undo()
        if not same(self.rack, rack):
            self.undo_stack.clear()
            self._take_up(rack)
        self._rolls_back = False
        self.noted.emit("error", why)

    def _tick(self) -> None:
        engine = self._engine
        if engine is not None:
            self._status = engine.status()
            if self._layouts is not None:
                self._set_layout(self._layouts.now())
            for level, words in self._news.of(self._status):
                self.noted.emit(level, words)
        self._takes.tick()
        self.status_changed.emit(self._status)

    def _set_layout(self, layout: Layout | None) -> None:
        before, self._layout = self._layout, layout
        if not same_shape(before, layout):
            self.layout_changed.emit(layout)


def _whole(settings: EngineSettings) -> EngineSettings:
    """From a window one goes back into a song that is over."""
    return replace(settings, input=whole_path(settings.input), model=whole_path(settings.model), hold_at_end=True)
