"""Sound that is on: a device, a source, the worker and its path, begun together, watched together, ended together."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .drift import DriftBridge
from .engine import Engine
from .engine_io import EngineIO
from .engine_settings import EngineError, EngineSettings
from .exchange import STARVED_FRAMES
from .feeder import SourceFeeder
from .live_path import LivePath, Processor
from .model import ModelSession
from .rack_holder import RackHolder
from .rack_spec import RackSpec
from .rate_adapter import RateAdapter, model_rate_for
from .source import SeekableSource
from .status import EngineState, EngineStatus
from .telemetry import Telemetry
from .telemetry_rings import lay_out, layout_for
from .transport import Transport, loop_of

# Parts of the latency, as displays name them.
WINDOW, LOOKAHEAD, PLUGINS = "window", "look-ahead", "plugins"
RESAMPLING, BLOCKS, CLOCKS = "resampling", "hop and block", "two clocks"


@dataclass(frozen=True, slots=True)
class Route:
    """What a hop of the device goes through.

    Attributes:
        path: separator and mixer, at a rate of the model.
        processor: the path itself or, at another rate than the device's, around it.
    """

    path: LivePath
    processor: Processor


def make_route(model: ModelSession, rate_hz: int, rack: RackSpec, *, bypassed: bool = False) -> Route:
    """A model and a rack for a device's rate, warmed up.

    Raises:
        AdvsepError: the rack cannot be built.
    """
    model_rate_hz = model_rate_for(rate_hz, model.spec.signal.native_rates_hz)
    path = LivePath(model, model_rate_hz, rack, bypassed=bypassed)
    processor = path if path.rate_hz == rate_hz else RateAdapter(path, rate_hz)
    processor.warm_up()
    path.meter.read()
    return Route(path, processor)


class Playing(RackHolder):
    """Plays from its making on until `end`.

    Args:
        settings: levels, where to begin, when to end.
        model: to play first.
        io: opened, not started; closed by `end`, or where this fails.
        telemetry: whose rings receive stems and columns.

    Attributes:
        io: as given.
        engine: the worker.
        route: what it runs.
        transport: of a file; None: what comes in only goes on.

    Raises:
        DeviceError: the device does not start.
        AdvsepError: the rack cannot be built, or the loop is none of the file's.
    """

    def __init__(self, settings: EngineSettings, model: ModelSession, io: EngineIO, telemetry: Telemetry) -> None:
        self.io = io
        self._settings, self._telemetry = settings, telemetry
        self._before_samples = 0  # what was played before the path was changed
        try:
            self.route = make_route(model, io.stream.rate_hz, settings.rack, bypassed=settings.bypassed)
            *_, period_samples = [stream.settle() for stream in io.streams]
            holds = io.source is not None
            fed = holds or io.capture is not None
            self.engine = Engine(io.stream.deck, self.route.processor, fed=fed, holds=holds)
            self._feeder, self._bridge = self._make_feeder(), self._make_bridge()
            self.engine.feeder = self._feeder or self._bridge
            self.transport = self._make_transport()
            self._take(self.route)
            self.engine.arm(period_samples)
        except BaseException:
            io.close()
            raise
        self._limit()

    @property
    def rack_path(self) -> LivePath:
        """See `RackHolder`."""
        return self.route.path

    @property
    def position_s(self) -> float:
        """What is heard now, from the start of the source."""
        if self._feeder is not None:
            return self._feeder.position_s
        position_s, length_s = self._settings.start_s + self.heard_s, self._length_s()
        return position_s if length_s is None else min(position_s, length_s)

    @property
    def heard_s(self) -> float:
        """How much has been heard, jumps and rounds of a loop included."""
        played = self._before_samples + self.engine.played_samples
        return (played if self._feeder is None else self._feeder.played_samples) / self.io.stream.rate_hz

    def swap(self, route: Route) -> None:
        """Go over to another route at the stream's rate; what plays pauses for some milliseconds."""
        self.engine.disarm()
        self._before_samples += self.engine.played_samples
        before = self.route
        self._take(route)
        self.engine.swap(route.processor)
        before.path.close()
        self._limit()

    def left_over(self) -> EngineSettings:
        """Settings to go on from here with, elsewhere."""
        seconds, transport = self._settings.seconds, self.transport
        left_s = None if seconds is None else max(0.0, seconds - self.heard_s)
        left = replace(self._settings, start_s=self.position_s, seconds=left_s)
        return left if transport is None else replace(left, paused=transport.paused, loop=transport.loop_s)

    def end(self) -> None:
        """Fade out and close."""
        self.engine.disarm()
        self.route.path.close()
        self.io.close()

    def describe(self) -> EngineStatus:
        """This moment; counters as of this device and process."""
        stream, spec = self.io.stream, self.route.path.model.spec
        state, note = self._state()
        return replace(
            self._describe_rack(spec.sources, self._latency_parts()),
            state=state,
            note=note,
            model=spec.name,
            position_s=self.position_s,
            heard_s=self.heard_s,
            length_s=self._length_s(),
            paused=self.transport is not None and self.transport.paused,
            loop=None if self.transport is None else self.transport.loop_s,
            starved_s=stream.deck.count(STARVED_FRAMES) / stream.rate_hz,
        )

    def _make_feeder(self) -> SourceFeeder | None:
        if self.io.source is None:
            return None
        source, stream, settings = self.io.source, self.io.stream, self._settings
        return SourceFeeder(
            source,
            stream.deck,
            stream.rate_hz,
            self.engine,
            begin_s=settings.start_s,
            longest_s=settings.seconds,
            loop=loop_of(source, settings.loop) if isinstance(source, SeekableSource) else None,
        )

    def _make_transport(self) -> Transport | None:
        source, feeder = self.io.source, self._feeder
        if feeder is not None and isinstance(source, SeekableSource) and source.samples is not None:
            deck = self.io.stream.deck
            return Transport(self.engine, deck, feeder, source, self._reset_rack, self._settings)
        if self._settings.paused or self._settings.loop is not None:
            raise EngineError(f"input '{self._settings.input}': only a sound file can be paused or looped; open a file")
        return None

    def _reset_rack(self) -> None:
        self.route.path.rack.reset()

    def _make_bridge(self) -> DriftBridge | None:
        if self.io.capture is None:
            return None
        capture, stream = self.io.capture, self.io.stream
        return DriftBridge(capture.deck, stream.deck, capture.rate_hz, stream.rate_hz)

    def _take(self, route: Route) -> None:
        """Levels and rings for what plays next."""
        self.route, path, spec = route, route.path, route.path.model.spec
        path.set_levels(self._settings.rack, bypassed=self._settings.bypassed)
        path.builder.set_values(self._settings.rack)
        path.reset()
        layout = layout_for(spec.name, spec.sources, spec.signal, path.rate_hz, path.stems_delay_samples)
        path.watch(*lay_out(self._telemetry, layout))

    def _limit(self) -> None:
        """End after the settings' seconds; a feeder sees to that itself."""
        if self._feeder is None and self._settings.seconds is not None:
            limit = round(self._settings.seconds * self.io.stream.rate_hz)
            self.engine.end_at(max(0, limit - self._before_samples))

    def _length_s(self) -> float | None:
        if self._feeder is None:
            return None if self._settings.seconds is None else self._settings.start_s + self._settings.seconds
        return self._feeder.end_s

    def _latency_parts(self) -> dict[str, int]:
        path, processor = self.route.path, self.route.processor
        signal = path.model.spec.signal
        lookahead = round(signal.lookahead_frames * signal.hop_samples * self.io.stream.rate_hz / path.rate_hz)
        resampling = processor.adaptation_samples if isinstance(processor, RateAdapter) else 0
        plugins = round(path.rack.latency_samples * self.io.stream.rate_hz / path.rate_hz)
        parts = {
            WINDOW: processor.delay_samples - lookahead - resampling - plugins,
            LOOKAHEAD: lookahead,
            PLUGINS: plugins,
            RESAMPLING: resampling,
            BLOCKS: self.engine.latency_samples - processor.delay_samples,
            CLOCKS: self._bridge.latency_samples if self._bridge is not None else 0,
        }
        return {name: samples for name, samples in parts.items() if samples}

    def _state(self) -> tuple[EngineState, str]:
        error = self._feeder.error if self._feeder is not None else None
        holds = self.transport is not None and self._settings.hold_at_end and error is None
        if not self.engine.ended or holds:
            return "playing", "; ".join(note for stream in self.io.streams for note in stream.notes)
        return ("ended", "") if error is None else ("failed", " ".join(str(error).split()))
