"""What a session does with a song that is sung to."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject

from ..realtime.engine_settings import Backing, EngineSettings, whole_path
from ..realtime.process import EngineProcess
from ..realtime.tune import Tune
from .session_crossing import Crossing


class SongCommands(QObject):
    """A part of `Session`."""

    _engine: EngineProcess | None
    _settings: EngineSettings
    _crossing: Crossing

    def sing(self, backing: Backing | None, input: str, *, start_s: float = 0.0, paused: bool = False) -> None:
        """Sing to a song, with one's own voice as the input; None: separate again what comes in."""
        anew = {"start_s": start_s, "paused": paused, "loop": None}
        self._change(
            "song",
            {"backing": backing, "input": whole_path(input), **anew},
            lambda engine: engine.change_song(backing, input, start_s=start_s, paused=paused),
        )

    def set_tune(self, tune: Tune) -> None:
        """Have the song that is sung to at another tempo and key."""
        backing = self._settings.backing
        if backing is not None and tune != backing.tune:
            self._set(backing=replace(backing, tune=tune))
            if self._engine is not None:
                self._crossing.when_done(self._engine.set_tune(tune), self._note_refusal)

    def set_count_in(self, count_in: tuple[int, float] | None) -> None:
        """Clicks, and seconds between them, before that song goes on after a pause; None: none."""
        backing = self._settings.backing
        if backing is not None and count_in != backing.count_in:
            self._set(backing=replace(backing, count_in=count_in))
            if self._engine is not None:
                self._engine.set_count_in(count_in)

    def set_loop(self, loop: tuple[float, float] | None) -> None:
        """Go round between two places of a song, s, or play on to its end."""
        self._set(loop=loop)
        if self._engine is not None:
            self._crossing.when_done(self._engine.set_loop(loop), self._note_refusal)

    @abstractmethod
    def _change(self, what: str, changes: dict[str, Any], ask: Callable[[EngineProcess], Future[None]]) -> None:
        """Ask for what may be refused; where no engine is left, one is started with it."""

    @abstractmethod
    def _set(self, **changes: Any) -> None:
        """Settings, and say so."""

    @abstractmethod
    def _note_refusal(self, why: str) -> None:
        """Where there is a reason."""
