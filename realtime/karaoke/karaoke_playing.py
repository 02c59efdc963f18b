"""Karaoke that is on: a microphone, a song's tracks, the worker and its path; see `playing.Playing`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..drift import DriftBridge
from ..engine import Engine
from ..engine_io import EngineIO
from ..engine_settings import EngineError, EngineSettings
from ..feeder import SourceFeeder
from ..playing import BLOCKS, CLOCKS, PLUGINS
from ..rack_holder import RackHolder
from ..source import SeekableSource
from ..status import EngineState, EngineStatus
from ..telemetry import Telemetry
from ..telemetry_rings import lay_out, layout_of_tracks
from ..time_stretch import TimeStretch
from ..transport import loop_of
from .backing import BackingPlayer
from .backing_transport import BackingTransport
from .karaoke_path import CHANNELS, HOP_SAMPLES, SOURCES, TRACKS, KaraokePath

TAIL_S = 1.0  # that echoes have, once the song is over, before all is


class KaraokePlaying(RackHolder):
    """Plays from its making on until `end`.

    Args:
        settings: the song, levels, where to begin, when to end.
        io: opened, not started, with no source; closed by `end`, or where this fails.
        source: the song's tracks; closed by `end`, or where this fails.
        telemetry: whose ring of stems receives `TRACKS`.

    Attributes:
        io: as given.
        engine: the worker.
        transport: of the song.

    Raises:
        DeviceError: the device does not start.
        AdvsepError: the rack cannot be built, or the loop is none of the song's.
    """

    def __init__(self, settings: EngineSettings, io: EngineIO, source: SeekableSource, telemetry: Telemetry) -> None:
        self.io, self._settings, self._source, self._telemetry = io, settings, source, telemetry
        self._is_over = False
        rate_hz, backing = io.stream.rate_hz, settings.backing
        assert backing is not None
        try:
            if source.channels != 2 * CHANNELS or source.samples is None:
                raise EngineError(
                    f"{source.name}: expected the song's two tracks in stereo, {2 * CHANNELS} channels, found "
                    f"{source.channels}; separate it again"
                )
            self._player = player = BackingPlayer(source.channels, HOP_SAMPLES, rate_hz)
            self._path = KaraokePath(player, rate_hz, settings.rack, bypassed=settings.bypassed)
            self._path.warm_up()
            self._path.meter.read()
            _warm_up_tuning(rate_hz)
            *_, period_samples = [stream.settle() for stream in io.streams]
            self.engine = Engine(io.stream.deck, self._path, fed=io.capture is not None)
            self._bridge = self._make_bridge()
            self.engine.feeder = self._bridge
            self._feeder = SourceFeeder(
                source,
                player.deck,
                rate_hz,
                player,
                begin_s=settings.start_s,
                loop=loop_of(source, settings.loop),
                tune=backing.tune,
            )
            self.transport = BackingTransport(player, self._feeder, source, rate_hz, settings)
            layout = layout_of_tracks(
                SOURCES, TRACKS, CHANNELS, rate_hz, HOP_SAMPLES, self._path.rack.stems_latency_samples
            )
            self._ring = lay_out(telemetry, layout)[0]
            self._path.watch(self._ring)
            self._feeder.start()
            self.engine.arm(period_samples)
        except BaseException:
            io.close()
            source.close()
            raise
        self._follow_latency()
        if settings.seconds is not None:
            self.engine.end_at(round(settings.seconds * rate_hz))

    @property
    def rack_path(self) -> KaraokePath:
        """See `RackHolder`."""
        return self._path

    @property
    def position_s(self) -> float:
        """Of the song, heard now."""
        return self._feeder.position_s

    @property
    def heard_s(self) -> float:
        """How long it has played."""
        return self.engine.played_samples / self.io.stream.rate_hz

    def advance(self) -> None:
        """What is to be done now and then."""
        self._follow_latency()
        settings = self._settings
        over = self._player.ended and not settings.hold_at_end and settings.seconds is None
        if over and self.transport.loop_s is None and not self.transport.paused and not self._is_over:
            self._is_over = True
            self.engine.end_at(self.engine.taken_samples + round(TAIL_S * self.io.stream.rate_hz))

    def left_over(self) -> EngineSettings:
        """Settings to go on from here with, elsewhere."""
        return self.transport.left_over(replace(self._settings, start_s=self.position_s))

    def end(self) -> None:
        """Fade out and close."""
        self.engine.disarm()
        self._feeder.stop()
        self._path.close()
        self._source.close()
        self.io.close()

    def describe(self) -> EngineStatus:
        """This moment; counters as of this device and process."""
        stream, transport = self.io.stream, self.transport
        state, note = self._state()
        return replace(
            self._describe_rack(SOURCES, self._latency_parts()),
            state=state,
            note=note,
            model=self._settings.model,
            position_s=self.position_s,
            heard_s=self.heard_s,
            length_s=(self._source.samples or 0) / self._source.rate_hz,
            paused=transport.paused,
            tempo=transport.tune.tempo,
            key_semitones=transport.tune.key_semitones,
            tracks_position=self._ring.written,
            tracks_place_s=self._feeder.place_s(self._player.taken_samples - self._path.rack.stems_latency_samples),
            counting_in=self._player.counting_in,
            loop=transport.loop_s,
            starved_s=self._player.starved_samples / stream.rate_hz,
        )

    def _make_bridge(self) -> DriftBridge | None:
        if self.io.capture is None:
            return None
        capture, stream = self.io.capture, self.io.stream
        return DriftBridge(capture.deck, stream.deck, capture.rate_hz, stream.rate_hz)

    def _follow_latency(self) -> None:
        # What was taken of the song is heard as late as the microphone.
        self._player.unheard_samples = self.engine.latency_samples

    def _latency_parts(self) -> dict[str, int]:
        plugins = self._path.rack.latency_samples
        parts = {
            PLUGINS: plugins,
            BLOCKS: self.engine.latency_samples - plugins,
            CLOCKS: self._bridge.latency_samples if self._bridge is not None else 0,
        }
        return {name: samples for name, samples in parts.items() if samples}

    def _state(self) -> tuple[EngineState, str]:
        error = self._feeder.error
        if error is not None and (self._player.ended or self._player.starved_samples):
            return "failed", " ".join(str(error).split())
        if self.engine.ended:
            return "ended", ""
        return "playing", "; ".join(note for stream in self.io.streams for note in stream.notes)


def _warm_up_tuning(rate_hz: int) -> None:
    """Load what changes tempo and key, which compiles on its first use and would hold up the worker."""
    for keeps_formants in (False, True):
        stretch = TimeStretch(rate_hz, CHANNELS, 0.02, 1.1, 1.1, keeps_formants=keeps_formants)
        noise = np.random.default_rng(0).standard_normal((4 * stretch.context_samples, CHANNELS))
        stretch.process(noise.astype(np.float32))
