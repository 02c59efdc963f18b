"""A rack that plays: its levels, values and plugins are changed while it does."""

from __future__ import annotations

import threading
from abc import abstractmethod
from dataclasses import replace
from typing import Protocol

from .engine import Engine
from .engine_settings import EngineSettings
from .host import Rack
from .meter import LevelMeter
from .rack_builder import RackBuilder, RackChange, close_plugins
from .rack_spec import RackSpec


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
        engine: the worker.
    """

    engine: Engine
    _settings: EngineSettings

    @property
    @abstractmethod
    def rack_path(self) -> RackPath:
        """Where the rack runs now."""

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
