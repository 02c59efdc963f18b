"""What can be asked of a running engine, and how it is told: at once, or as a request that is answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from .engine_child import EngineChild, Requests
from .engine_settings import Backing, EngineError, EngineSettings, check_loop, check_place, whole_path
from .rack_spec import RackSpec
from .tune import Tune


class EngineCommands:
    """The commands of an `EngineProcess`; may be given from any thread, return at once and outlast crashes.

    Args:
        settings: what to play.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = replace(settings, input=whole_path(settings.input), model=whole_path(settings.model))
        self._lock = threading.RLock()
        self._child: EngineChild | None = None
        self._stopping, self._relaunching, self._is_over = threading.Event(), threading.Event(), threading.Event()
        self._requests = Requests()

    @property
    def settings(self) -> EngineSettings:
        """What is asked of it now."""
        with self._lock:
            return self._settings

    def set_gain_db(self, source: str, gain_db: float) -> None:
        """Level of one strip; 0 dB leaves it as it is."""
        self._edit_rack(lambda rack: rack.with_strip(source, replace(rack.named(source), gain_db=gain_db)))

    def set_muted(self, sources: Iterable[str]) -> None:
        """The strips that are silent."""
        names = frozenset(sources)
        self._edit_rack(lambda rack: rack.with_levels(muted=names))

    def set_soloed(self, sources: Iterable[str]) -> None:
        """The strips that alone are heard; none: all that are not muted."""
        names = frozenset(sources)
        self._edit_rack(lambda rack: rack.with_levels(soloed=names))

    def set_bypassed(self, bypassed: bool) -> None:
        """Let the mixture through as it came, equally late."""
        with self._lock:
            self._settings = replace(self._settings, bypassed=bypassed)
            self._send_levels()

    def seek(self, position_s: float) -> Future[None]:
        """Go to another place of a file: what plays fades into it; where it is paused it stays so.

        Args:
            position_s: from the file's start, at most its length.

        Returns:
            Done when it is heard (or would be heard next), about 0.1 s later; its exception, an `EngineError`, says
            why it is not, and then nothing has changed. Of several that are under way only the last place is heard.
        """
        try:
            check_place(self.settings.moving, "a place to go to", position_s)
        except EngineError as error:
            return _failed(error)
        return self._request("seek", start_s=position_s)

    def set_paused(self, paused: bool) -> None:
        """Fade out and stand still, or go on with the next sample; at the end of a file, from its start.

        Raises:
            EngineError: the input is no file.
        """
        with self._lock:
            check_place(self._settings.moving, "a pause")
            self._settings = replace(self._settings, paused=paused)
            if self._child is not None:
                self._child.send("paused", paused)

    def set_loop(self, loop: tuple[float, float] | None) -> Future[None]:
        """Go round between two places of a file, or play on to its end.

        Args:
            loop: seconds from the file's start, at least `SHORTEST_LOOP_S` apart; None: no loop. What is beyond its
                end then goes to its begin, what is before it plays into it.

        Returns:
            As of `swap_model`.
        """
        try:
            check_loop(self.settings.moving, loop)
        except EngineError as error:
            return _failed(error)
        return self._request("loop", loop=loop)

    def set_tune(self, tune: Tune) -> Future[None]:
        """Have the song that is sung to at another tempo and key; it goes on where it is.

        Returns:
            Done when it is heard, about 0.2 s later; its exception, an `EngineError`, says why it is not.
        """
        backing = self.settings.backing
        if backing is None:
            return _failed(EngineError("tempo and key: no song is sung to; choose one in karaoke"))
        return self._request("tune", backing=replace(backing, tune=tune))

    def set_count_in(self, count_in: tuple[int, float] | None) -> None:
        """So many clicks, and seconds between them, before the song goes on after a pause; None: none."""
        with self._lock:
            if self._settings.backing is not None:
                self._settings = replace(self._settings, backing=replace(self._settings.backing, count_in=count_in))
            if self._child is not None:
                self._child.send("count_in", count_in)

    def change_song(
        self, backing: Backing | None, input: str, *, start_s: float = 0.0, paused: bool = False
    ) -> Future[None]:
        """Sing to another song; None: separate again what comes in.

        Args:
            backing: the song.
            input: where one's own voice comes in, or what is to be separated; as in `EngineSettings`.
            start_s: where to begin.
            paused: begin standing still.

        Returns:
            As of `swap_model`.
        """
        anew = {"start_s": start_s, "paused": paused, "loop": None, "seconds": None}
        return self._request("devices", backing=backing, input=whole_path(input), **anew)

    def set_rack(self, rack: RackSpec) -> Future[None]:
        """Have other plugins, parameters and levels; what stays the same goes on sounding.

        Returns:
            Done when they play; its exception, an `EngineError`, says why they do not.
        """
        return self._request("rack", rack=rack)

    def swap_model(self, name: str) -> Future[None]:
        """Go over to another model as soon as it is prepared; the old one plays until then.

        Args:
            name: of a bundled model, or the path of an `.onnx` file.

        Returns:
            Done when it plays; its exception, an `EngineError`, says why it does not.
        """
        return self._request("model", model=whole_path(name))

    def change_devices(self, input: str, output: str, **others: Any) -> Future[None]:
        """Go over to other ends; where they cannot be had the old ones play on.

        Args:
            input: as in `EngineSettings`; a file that plays already goes on where it is.
            output: as in `EngineSettings`.
            others: `rate_hz`, `block_samples` and `latency` of the settings.

        Returns:
            As of `swap_model`.
        """
        anew = {"start_s": 0.0, "paused": False, "loop": None}
        goes_on = self.settings.backing is not None or whole_path(input) == self.settings.input
        begin = {} if goes_on else anew
        return self._request("devices", input=whole_path(input), output=output, **others, **begin)

    def _edit_rack(self, edit: Callable[[RackSpec], RackSpec]) -> None:
        with self._lock:
            self._settings = replace(self._settings, rack=edit(self._settings.rack))
            self._requests.edit_racks(edit)
            self._send_levels()

    def _send_levels(self) -> None:
        if self._child is not None:
            self._child.send("levels", self._settings.levels)

    def _request(self, command: str, **changes: Any) -> Future[None]:
        """Have the engine do what may fail; where nothing plays it is started with the changes instead."""
        future: Future[None] = Future()
        with self._lock:
            if self._stopping.is_set() or self._is_over.is_set():
                future.set_exception(EngineError("the engine has ended; start it again"))
            elif self._child is not None and self._child.is_ready:
                self._child.send(command, self._requests.add(future, changes), changes)
            else:
                self._settings = replace(self._settings, **changes)
                self._relaunching.set()
                if self._child is not None:
                    self._child.send("stop")
                future.set_result(None)
        return future


def _failed(error: EngineError) -> Future[None]:
    future: Future[None] = Future()
    future.set_exception(error)
    return future
