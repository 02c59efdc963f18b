"""A rack that plays: its levels, values and plugins are changed while it does."""

from __future__ import annotations

import threading
from abc import abstractmethod
from dataclasses import replace
from typing import Protocol

from .engine import Engine
from .engine_io import EngineIO
from .engine_settings import EngineSettings
from .exchange import CLIPPED
from .host import Rack
from .meter import LevelMeter
from .rack_builder import RackBuilder, RackChange, close_plugins
from .rack_spec import RackSpec
from .status import EngineStatus

MOST_FAILURES, LONGEST_FAILURE = 8, 300  # that a status has room for


class RackPath(Protocol):
    """Where a rack runs; see `live_path.LivePath`."""

    builder: RackBuilder
    rack: Rack
    meter: LevelMeter

    def set_levels(self, rack: RackSpec, *, bypassed: bool) -> None:
        """From any thread."""
        ...

    def close(self) -> None:
        """Nothing is processed any more."""
        ...


class RackHolder:
    """What changes of a rack need of whatever plays it.

    Attributes:
        io: what is open.
        engine: the worker.
    """

    io: EngineIO
    engine: Engine
    _settings: EngineSettings

    @property
    @abstractmethod
    def rack_path(self) -> RackPath:
        """Where the rack runs now."""

    def _describe_rack(self, sources: tuple[str, ...], latency_parts: dict[str, int]) -> EngineStatus:
        """What is to be said of the worker, its devices and its rack, whatever plays."""
        engine, io, path, rack = self.engine, self.io, self.rack_path, self._settings.rack
        times, stream = engine.times, io.stream
        p50_s, p99_s, p99_9_s = times.percentiles_s(50, 99, 99.9)
        return EngineStatus(
            state="playing",
            device=io.label,
            rate_hz=stream.rate_hz,
            period_samples=stream.period_samples,
            latency_samples=sum(latency_parts.values()),
            latency_parts=latency_parts,
            device_latency_s=sum(sum(each.declared_latency_s) for each in io.streams) or None,
            hops=times.hops,
            load=engine.load,
            hop_s_p50=p50_s,
            hop_s_p99=p99_s,
            hop_s_p99_9=p99_9_s,
            hop_s_max=times.max_s,
            misses=engine.misses,
            skipped_hops=engine.skipped_hops,
            device_xruns=sum(each.xruns for each in io.streams),
            clipped_samples=stream.deck.count(CLIPPED),
            realtime=engine.realtime,
            levels=path.meter.read(),
            gains_db={name: rack.named(name).gain_db for name in sources},
            muted=rack.silent(sources),
            plugin_failures=tuple(failure[:LONGEST_FAILURE] for failure in path.rack.failures[:MOST_FAILURES]),
            bypassed=self._settings.bypassed,
        )

    def advance(self) -> None:
        """What is to be done now and then."""

    def set_levels(self, settings: EngineSettings) -> None:
        """Take levels and bypass from other settings."""
        self._settings = settings
        self.rack_path.set_levels(settings.rack, bypassed=settings.bypassed)

    def set_rack_values(self, rack: RackSpec) -> None:
        """Take levels, parameters and bypasses of the same plugins."""
        self.set_levels(replace(self._settings, rack=rack))
        builder = self.rack_path.builder
        self.engine.call(lambda: builder.set_values(rack))

    def take_up(self, change: RackChange) -> threading.Event:
        """Have other plugins, planned by the path's builder, between two hops; returns what is set then."""
        self._settings = replace(self._settings, rack=change.spec)
        path, applied = self.rack_path, threading.Event()

        def apply() -> None:
            path.builder.apply(change)
            path.set_levels(self._settings.rack, bypassed=self._settings.bypassed)
            applied.set()

        self.engine.call(apply)
        return applied

    def tidy(self) -> None:
        """Have plugins that were taken out give back what they hold."""
        close_plugins(self.rack_path.rack.take_retired())
