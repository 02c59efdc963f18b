"""Pause, places and loops of a file that plays: asked for as requests, answered when they are heard.

A pause shuts the gate over the output within 10 ms, and positions stand still behind it. A jump is the feeder's;
where sound stands still, what the worker had made ahead of the old place is left out, tails of plugins included.
"""

from __future__ import annotations

from collections.abc import Callable

from .engine import Engine
from .engine_settings import EngineError, EngineSettings
from .exchange import ARMED, PLAYED, WANTED, Deck
from .feeder import SourceFeeder
from .jump import Jump
from .source import SeekableSource
from .tape import Loop
from .tune import AS_IT_IS


class SongMoves:
    """What all songs that play can be asked for; a part of `Transport`.

    Args:
        feeder: gives the song.
        source: that it feeds, whose length is known.
        settings: paused or not, the loop, the tune, and whether to hold at the end.
    """

    def __init__(self, feeder: SourceFeeder, source: SeekableSource, settings: EngineSettings) -> None:
        self.paused, self.loop_s = settings.paused, settings.loop
        self.tune = AS_IT_IS if settings.backing is None else settings.backing.tune
        self._feeder, self._source, self._holds_at_end = feeder, source, settings.hold_at_end
        self._requests: list[int] = []
        self._jump: Jump | None = None

    def seek(self, request: int, place_s: float) -> None:
        """Go to another place, 0 or more; answered by `advance`.

        Raises:
            EngineError: it is beyond the end.
        """
        self._ask(request, check_end(self._source, place_s))

    def set_loop(self, request: int, loop_s: tuple[float, float] | None) -> None:
        """Loop otherwise; answered by `advance`.

        Raises:
            EngineError: it ends beyond the source's end.
        """
        loop_of(self._source, loop_s)
        self.loop_s = loop_s
        self._ask(request, None)

    def take_requests(self) -> list[int]:
        """Those that `advance` has not answered, and will not any more."""
        requests, self._requests = self._requests, []
        return requests

    def _ask(self, request: int | None, place: int | None) -> None:
        self._requests += [] if request is None else [request]
        self._jump = self._feeder.jump(place, loop_of(self._source, self.loop_s), self.tune)

    def _ask_from_the_start(self) -> None:
        """Of the loop, or the song."""
        self._ask(None, 0 if self.loop_s is None else round(self.loop_s[0] * self._source.rate_hz))

    def _answered(self, error: str | None) -> list[tuple[int, str | None]]:
        """Requests that are done once no jump is on its way."""
        return [] if self._jump is not None else [(request, error) for request in self.take_requests()]


class Transport(SongMoves):
    """Belongs to the thread that calls it.

    Args:
        engine: that plays; not armed yet.
        deck: of that engine.
        feeder: of that engine.
        source: that it feeds, whose length is known.
        reset_rack: has the rack that plays forget all sound; called by the worker.
        settings: paused or not, the loop, and whether to hold at the end.

    Attributes:
        paused: whether it stands still, or is about to.
        loop_s: as it was asked for last.
    """

    def __init__(
        self,
        engine: Engine,
        deck: Deck,
        feeder: SourceFeeder,
        source: SeekableSource,
        reset_rack: Callable[[], None],
        settings: EngineSettings,
    ) -> None:
        super().__init__(feeder, source, settings)
        engine.paused = settings.paused
        self._engine, self._deck, self._reset_rack = engine, deck, reset_rack
        self._leaving_out = False

    def set_paused(self, paused: bool) -> None:
        """Fade out, or go on; from the end at the loop's begin or the source's start."""
        if self.paused and not paused and self._engine.ended:
            self._ask_from_the_start()
        self.paused = paused
        if paused:
            self._engine.set_paused(True)

    def advance(self) -> list[tuple[int, str | None]]:
        """Do what can be done now without waiting; returns answered requests, each with what went wrong."""
        if self._holds_at_end and not self.paused and self._engine.ended and self._jump is None:
            self.set_paused(True)
        error = self._advance_jump()
        if not self.paused and not self._deck.words[WANTED] and (self._jump is None or not self.stands):
            self._engine.set_paused(False)
        return self._answered(error)

    @property
    def stands(self) -> bool:
        """Whether nothing sounds any more: the callback leaves positions alone."""
        return not self._deck.words[WANTED] and not self._deck.words[ARMED]

    def _advance_jump(self) -> str | None:
        """What keeps the jump from being made, if so; the jump is forgotten where it has landed or cannot."""
        jump = self._jump
        if jump is None or self._leaving_out:
            return None
        if jump.error or self._feeder.has_landed(jump):
            self._jump = None
            return jump.error or None
        if jump.lands_at is not None and self.stands and self._deck.inputs.written >= jump.lands_at:
            self._leaving_out = True
            self._engine.call(lambda: self._leave_out(jump))
        return None

    def _leave_out(self, jump: Jump) -> None:
        """By the worker: be heard next from where the jump lands on."""
        assert jump.lands_at is not None
        if self.stands:
            if self._engine.taken_samples < jump.lands_at:
                self._reset_rack()
            self._deck.words[PLAYED] = jump.lands_at + self._engine.latency_samples
        self._leaving_out = False


def check_end(source: SeekableSource, place_s: float) -> int:
    """A place in samples of its source.

    Raises:
        EngineError: it is beyond the source's end.
    """
    place, samples = round(place_s * source.rate_hz), source.samples or 0
    if place > samples:
        raise EngineError(
            f"{source.name}: a place to go to: expected at most {samples / source.rate_hz:.2f} s, its end, found "
            f"{place_s:.2f} s; choose a place in it"
        )
    return place


def loop_of(source: SeekableSource, loop_s: tuple[float, float] | None) -> Loop | None:
    """A loop in samples of its source.

    Raises:
        EngineError: it ends beyond the source's end.
    """
    if loop_s is None:
        return None
    loop, samples = Loop(*(round(place_s * source.rate_hz) for place_s in loop_s)), source.samples or 0
    if loop.end > samples:
        raise EngineError(
            f"{source.name}: a loop: expected an end at {samples / source.rate_hz:.2f} s, the song's, or before, found "
            f"{loop_s[1]:.2f} s; choose places in it"
        )
    return loop
