"""What runs inside the engine's process beside the worker: opens, obeys, reports."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from .engine_io import EngineIO, look_again, open_io
from .engine_main import EXIT_DEVICE_GONE, EXIT_STOPPED, EXIT_WORKER
from .engine_settings import PIPE, EngineError, EngineSettings, Heritage, add_counters, counters_of
from .errors import AdvsepError
from .karaoke.backing_source import open_backing
from .karaoke.backing_transport import BackingTransport
from .karaoke.karaoke_playing import KaraokePlaying
from .model import ModelSession
from .playing import Playing, Route, make_route
from .rack_changer import RackChanger
from .registry import find_model
from .scheduling import HELPER_PRIORITY, raise_priority, stay_awake
from .status import EngineStatus
from .stream import DeviceError
from .telemetry import Telemetry

TICK_S = 1 / 30
LOOK_AGAIN_S = 1.0
LONGEST_SILENCE_S = 0.25

Sounding = Playing | KaraokePlaying


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A model that is ready to be played, or why it is not."""

    request: int
    name: str
    route: Route | None
    error: str | None = None


class EngineHost:
    """One engine between its device and the parent's pipe.

    Args:
        settings: what to play.
        heritage: of the process before it.
        telemetry: written by this object only.
        pipe: commands come in, see `_obey_one`; messages go out, see `child_process.run_child`.
        standard_input: its descriptor, where the input is `-`.
    """

    def __init__(
        self,
        settings: EngineSettings,
        heritage: Heritage,
        telemetry: Telemetry,
        pipe: Connection,
        standard_input: int | None,
    ) -> None:
        self._settings, self._heritage = settings, heritage
        self._telemetry, self._pipe, self._standard_input = telemetry, pipe, standard_input
        self._counters = dict(heritage.counters)
        self._prepared: deque[_Prepared] = deque()
        self._racks = RackChanger(lambda request, error: self._pipe.send(("done", request, error)))
        self._stopped = False
        self._playing: Sounding | None = None
        self._asked_s: float | None = None  # since when the worker is to report
        self._reporting = threading.Lock()

    def run(self) -> int:
        """Open and play until told otherwise; returns the process's exit code.

        Raises:
            DeviceError: a device cannot be had, and none is awaited.
            AdvsepError: the settings name what cannot be used.
            EOFError: the parent has gone.
        """
        raise_priority(HELPER_PRIORITY)
        stay_awake()
        self._report_idle()
        model = _model_of(self._settings)
        io = self._open_awaited(model)
        if io is None:
            return EXIT_STOPPED
        self._playing = playing = self._begin(self._settings, model, io)
        self._report(playing.describe())  # a sign of life first: loading may have taken longer than silence is allowed
        self._pipe.send(("ready",))
        while not self._stopped:
            playing = self._playing
            if playing.engine.error is not None:
                error = playing.engine.error
                self._pipe.send(("broken", f"the worker ended: {type(error).__name__}: {error}"))
                return EXIT_WORKER
            if (note := playing.io.lost()) is not None:
                self._report(replace(playing.describe(), state="waiting", note=note))
                self._pipe.send(("gone", note))
                return EXIT_DEVICE_GONE
            self._have_reported(playing)
            self._obey(TICK_S)
            if (rack := self._racks.advance(self._playing)) is not None:
                self._settings = replace(self._settings, rack=rack)
            self._playing.advance()
            self._advance_transport(self._playing)
            while self._prepared and not self._stopped:
                self._take_up(self._playing, self._prepared.popleft())
        self._say_goodbye(self._playing)
        return EXIT_STOPPED

    def _open_awaited(self, model: ModelSession | None) -> EngineIO | None:
        """What the settings name; where a device is awaited, as soon as it is there; None: stopped before."""
        while not self._stopped:
            try:
                return self._open(self._settings, model)
            except DeviceError:
                if self._heritage.awaited is None:
                    raise
            until_s = time.monotonic() + LOOK_AGAIN_S
            while not self._stopped and time.monotonic() < until_s:
                self._report_idle()
                self._obey(TICK_S)
            look_again()
        return None

    def _say_goodbye(self, playing: Sounding) -> None:
        """The numbers as they are after the last hop, then close."""
        playing.engine.disarm()
        last = playing.describe()
        self._report(last if last.state == "failed" else replace(last, state="ended"))
        playing.end()

    def _have_reported(self, playing: Sounding) -> None:
        """By the worker, between hops: it would have to wait for another thread that runs Python meanwhile."""
        self._telemetry.beat()
        if self._asked_s is not None and time.monotonic() - self._asked_s > LONGEST_SILENCE_S:
            with self._reporting:  # it has no time for that
                self._report(playing.describe())
        elif self._asked_s is None:
            self._asked_s = time.monotonic()
            playing.engine.call(lambda: self._report_from_worker(playing))

    def _report_from_worker(self, playing: Sounding) -> None:
        self._asked_s = None
        if playing is self._playing and self._reporting.acquire(blocking=False):
            try:
                self._report(playing.describe())
            finally:
                self._reporting.release()

    def _report(self, status: EngineStatus) -> None:
        counted = add_counters(counters_of(status), self._counters)
        self._telemetry.publish(replace(status, restarts=self._heritage.restarts, **counted))
        self._telemetry.beat()

    def _report_idle(self) -> None:
        """Before anything plays."""
        settings, awaited = self._settings, self._heritage.awaited
        self._report(
            EngineStatus(
                state="starting" if awaited is None else "waiting",
                note=awaited or "",
                model=settings.model,
                position_s=settings.start_s,
                gains_db={name: strip.gain_db for name, strip in settings.rack.strips.items()},
                muted=tuple(name for name, strip in settings.rack.strips.items() if strip.muted),
                bypassed=settings.bypassed,
            )
        )

    def _obey(self, timeout_s: float) -> None:
        """Wait for a command, then do all that are there."""
        while self._pipe.poll(timeout_s):
            self._obey_one(*self._pipe.recv())
            timeout_s = 0.0

    def _obey_one(self, command: str, *arguments: Any) -> None:
        """`stop`; `levels` with settings; `paused` with whether; the others with a request's number and changes."""
        playing = self._playing
        match command:
            case "stop":
                self._stopped = True
            case "levels":
                levels: dict[str, Any] = arguments[0]
                # The plugins are those that play: others may be on their way.
                rack = levels["rack"].with_chains_of(self._settings.rack)
                self._settings = replace(self._settings, rack=rack, bypassed=levels["bypassed"])
                if playing is not None:
                    playing.set_levels(self._settings)
            case "paused":
                self._settings = replace(self._settings, paused=arguments[0])
                if playing is not None and playing.transport is not None:
                    playing.transport.set_paused(arguments[0])
            case "count_in":
                self._set_count_in(arguments[0])
            case "seek" | "loop" | "tune" if playing is not None:
                self._move(playing, *arguments)
            case "model" if isinstance(playing, KaraokePlaying):  # its tracks are there already
                self._settings = replace(self._settings, model=arguments[1]["model"])
                self._pipe.send(("done", arguments[0], None))
            case "model" if playing is not None:
                work = arguments[0], arguments[1]["model"], playing.io.stream.rate_hz
                threading.Thread(target=self._prepare, args=work, name="advsep-prepare", daemon=True).start()
            case "rack" if playing is not None:
                self._racks.ask(arguments[0], arguments[1]["rack"])
            case "devices" if playing is not None:
                self._answer(arguments[0], lambda: self._change_devices(playing, arguments[1]))
            case _:
                raise ValueError(f"unexpected command '{command}'")

    def _set_count_in(self, count_in: tuple[int, float] | None) -> None:
        backing = self._settings.backing
        if backing is not None and isinstance(self._playing, KaraokePlaying):
            self._settings = replace(self._settings, backing=replace(backing, count_in=count_in))
            self._playing.transport.set_count_in(count_in)

    def _move(self, playing: Sounding, request: int, changes: dict[str, Any]) -> None:
        """Seek, loop or tune; answered when it is heard, or at once where it cannot be."""
        transport = playing.transport
        try:
            if transport is None:
                raise EngineError(f"input '{self._settings.input}': it only goes on; open a file")
            if "backing" in changes:
                if not isinstance(transport, BackingTransport):
                    raise EngineError("tempo and key: no song is sung to; choose one in karaoke")
                transport.set_tune(request, changes["backing"].tune)
                self._settings = replace(self._settings, backing=changes["backing"])
            elif "loop" in changes:
                transport.set_loop(request, changes["loop"])
                self._settings = replace(self._settings, loop=changes["loop"])
            else:
                transport.seek(request, changes["start_s"])
        except EngineError as error:
            self._pipe.send(("done", request, str(error)))

    def _advance_transport(self, playing: Sounding) -> None:
        answers = [] if playing.transport is None else playing.transport.advance()
        if answers:
            with self._reporting:  # who is answered finds the place in the status
                self._report(playing.describe())
        for request, error in answers:
            self._pipe.send(("done", request, error))

    def _answer(self, request: int, work: Callable[[], None]) -> None:
        """Do what the parent waits for, and say how it went."""
        error: str | None = None
        try:
            work()
        except AdvsepError as why:
            error = str(why)
        self._pipe.send(("done", request, error))

    def _prepare(self, request: int, name: str, rate_hz: int) -> None:
        """Aside, while another model plays."""
        raise_priority(HELPER_PRIORITY)
        try:
            settings = self._settings
            route = make_route(ModelSession(find_model(name)), rate_hz, settings.rack, bypassed=settings.bypassed)
            self._prepared.append(_Prepared(request, name, route))
        except AdvsepError as error:
            self._prepared.append(_Prepared(request, name, None, str(error)))
        except Exception as error:
            self._prepared.append(_Prepared(request, name, None, f"model '{name}': {type(error).__name__}: {error}"))

    def _take_up(self, playing: Sounding, prepared: _Prepared) -> None:
        """Play what was prepared, or say why not."""
        route = prepared.route
        if route is not None and route.processor.rate_hz != playing.io.stream.rate_hz:
            self._prepare(prepared.request, prepared.name, playing.io.stream.rate_hz)  # the device changed meanwhile
            return
        if route is not None and isinstance(playing, Playing):
            playing.swap(route)
            self._settings = replace(self._settings, model=prepared.name)
        self._pipe.send(("done", prepared.request, prepared.error))

    def _change_devices(self, playing: Sounding, changes: dict[str, Any]) -> None:
        """Open others, or go on with those that there were.

        Raises:
            AdvsepError: the others cannot be had.
        """
        before = playing.left_over()
        asked = replace(before, **changes)
        model = playing.route.path.model if isinstance(playing, Playing) else None
        next_model = None if asked.backing is not None else model or _model_of(asked)
        if PIPE in (before.input, asked.input):
            raise EngineError("input '-': standard input can be read once only; end, and start with the other device")
        self._counters = add_counters(counters_of(playing.describe()), self._counters)
        for request in [] if playing.transport is None else playing.transport.take_requests():
            self._pipe.send(("done", request, "another device was opened before the place was heard; go there again"))
        playing.end()
        try:
            self._playing = self._play(asked, next_model)
        except AdvsepError:
            self._playing = self._play(before, model)
            raise

    def _play(self, settings: EngineSettings, model: ModelSession | None) -> Sounding:
        playing = self._begin(settings, model, self._open(settings, model))
        self._settings, self._asked_s = settings, None
        return playing

    def _open(self, settings: EngineSettings, model: ModelSession | None) -> EngineIO:
        return open_io(settings, None if model is None else model.spec.signal, self._standard_input)

    def _begin(self, settings: EngineSettings, model: ModelSession | None, io: EngineIO) -> Sounding:
        """Separate what comes in or, without a model, play a song's tracks beside it."""
        if model is not None:
            return Playing(settings, model, io, self._telemetry)
        try:
            tracks = open_backing(settings)
        except BaseException:
            io.close()
            raise
        return KaraokePlaying(settings, io, tracks, self._telemetry)


def _model_of(settings: EngineSettings) -> ModelSession | None:
    """None where nothing is to be separated."""
    return ModelSession(find_model(settings.model)) if settings.backing is None else None
