"""Pause, places, loops, tempo and key of a song that plays beside live sound; see `transport.Transport`."""

from __future__ import annotations

from dataclasses import replace

from ..engine_settings import EngineSettings
from ..feeder import SourceFeeder
from ..source import SeekableSource
from ..transport import SongMoves
from ..tune import Tune
from .backing import BackingPlayer
from .count_in import count_in_clicks


class BackingTransport(SongMoves):
    """Belongs to the thread that calls it.

    Args:
        player: takes the song.
        feeder: gives it to the player.
        source: that is fed, whose length is known.
        rate_hz: of the player.
        settings: paused or not, the loop, the tune, the count-in, and whether to hold at the end.

    Attributes:
        paused: whether the song stands still, or is about to.
        loop_s: as it was asked for last.
        tune: as it was asked for last.
    """

    def __init__(
        self,
        player: BackingPlayer,
        feeder: SourceFeeder,
        source: SeekableSource,
        rate_hz: int,
        settings: EngineSettings,
    ) -> None:
        super().__init__(feeder, source, settings)
        self._count_in = None if settings.backing is None else settings.backing.count_in
        player.playing = not settings.paused
        self._player, self._rate_hz = player, rate_hz

    def set_tune(self, request: int, tune: Tune) -> None:
        """Have another tempo and key; answered by `advance`."""
        self.tune = tune
        self._ask(request, None)

    def set_paused(self, paused: bool) -> None:
        """Fade out, or go on, counted in where that is wanted; from the end at the loop's begin or the song's."""
        player = self._player
        if self.paused and not paused:
            if player.ended:
                self._ask_from_the_start()
            if self._count_in is not None:
                clicks = count_in_clicks(*self._count_in, self._rate_hz)
                player.call(lambda: player.count_in(clicks))
        elif paused:
            player.call(player.stop_counting)
        self.paused = paused
        player.playing = not paused

    def set_count_in(self, count_in: tuple[int, float] | None) -> None:
        """Clicks, and seconds between them, before the song goes on after a pause; None: none."""
        self._count_in = count_in

    @property
    def is_settled(self) -> bool:
        """Whether no other place or tune is on its way."""
        return self._jump is None

    def advance(self) -> list[tuple[int, str | None]]:
        """Do what can be done now without waiting; returns answered requests, each with what went wrong."""
        if self._holds_at_end and not self.paused and self._player.ended and self._jump is None:
            self.set_paused(True)
        error = self._advance_jump()
        return self._answered(error)

    def left_over(self, settings: EngineSettings) -> EngineSettings:
        """Settings to go on with elsewhere."""
        backing = settings.backing
        backing = None if backing is None else replace(backing, tune=self.tune, count_in=self._count_in)
        return replace(settings, backing=backing, paused=self.paused, loop=self.loop_s)

    def _advance_jump(self) -> str | None:
        """What keeps the jump from being made, if so; the jump is forgotten where it has landed or cannot."""
        jump, player = self._jump, self._player
        if jump is None:
            return None
        if jump.error or self._feeder.has_landed(jump):
            self._jump = None
            return jump.error or None
        if jump.lands_at is not None and player.stands and player.deck.inputs.written >= jump.lands_at:
            lands_at = jump.lands_at
            player.call(lambda: player.leave_out(lands_at))
        return None
