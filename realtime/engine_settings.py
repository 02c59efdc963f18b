"""What an engine is asked to play and how, as it travels to the engine's own process; needs nothing heavy."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from .errors import AdvsepError
from .rack_spec import RackSpec
from .registry import DEFAULT_MODEL
from .status import EngineStatus
from .tune import AS_IT_IS, Tune

DEMO, PIPE = "demo", "-"
AUTO = "auto"
SHORTEST_LOOP_S = 0.05
_SOUND_FILES = {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".caf", ".w64", ".rf64", ".au"}

# What can be changed at once while playing.
LEVELS = ("rack", "bypassed")
# What goes on counting over restarts and changes of the device.
COUNTERS = ("hops", "misses", "skipped_hops", "device_xruns", "starved_s", "clipped_samples")


class EngineError(AdvsepError):
    """An engine that cannot be started, or was given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing:
    """A song whose separated tracks play beside the input, which is a microphone then and is not separated.

    Attributes:
        song: the file.
        cache: folder in which its tracks are kept, see `karaoke.stem_cache`; they may still be in the making; empty:
            the user's.
        model: that makes them; None: the best.
        tune: tempo and key.
        count_in: clicks, and seconds between them, before it goes on after a pause; None: none.
    """

    song: str
    cache: str = ""
    model: str | None = None
    tune: Tune = AS_IT_IS
    count_in: tuple[int, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """What to play, and how.

    Attributes:
        input: `mic`, `system`, a device's number or a part of its name, `null`; or a sound file, `demo`, or `-`
            for standard input.
        output: `speakers`, a device's number or a part of its name, `null`, or `auto`: speakers where there are any,
            else `null`.
        model: a bundled model's name or an `.onnx` file.
        rate_hz: of the devices; None: as suits them and the model.
        block_samples: frames a callback; None: as suits the device.
        latency: asked of the device: seconds, `low` or `high`; None: low.
        rack: what happens to the stems: plugins, levels, mutes.
        bypassed: let the mixture through as it came.
        start_s: where in a file to begin.
        seconds: end after so much sound; None: never, or with the file.
        accept_damaged: use a damaged file as far as it goes.
        paused: of a file, begin silent and stay there.
        loop: go round between two places of a file, in seconds; None: play to the end.
        hold_at_end: of a file, wait at its end, paused, instead of ending.
        backing: a song to sing to; None: what comes in is separated.
    """

    input: str = "mic"
    output: str = "speakers"
    model: str = DEFAULT_MODEL
    rate_hz: int | None = None
    block_samples: int | None = None
    latency: float | Literal["low", "high"] | None = None
    rack: RackSpec = field(default_factory=RackSpec)
    bypassed: bool = False
    start_s: float = 0.0
    seconds: float | None = None
    accept_damaged: bool = False
    paused: bool = False
    loop: tuple[float, float] | None = None
    hold_at_end: bool = False
    backing: Backing | None = None

    @property
    def moving(self) -> str:
        """What can be paused, and has places to go to: the song that is sung to, or else the input."""
        return self.input if self.backing is None else whole_path(self.backing.song)

    @property
    def is_fed(self) -> bool:
        """Whether the input is no device, but waits to be read."""
        return is_sound_source(self.input)

    @property
    def levels(self) -> dict[str, Any]:
        """What can be changed at once while playing, by name."""
        return {name: getattr(self, name) for name in LEVELS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heritage:
    """What an engine's process takes over from the one before it.

    Attributes:
        restarts: how many there were before this one.
        counters: where counting goes on, see `COUNTERS`.
        awaited: why a device is waited for, None where it is an error that it is not there.
    """

    restarts: int = 0
    counters: dict[str, Any] = field(default_factory=dict)
    awaited: str | None = None


def is_sound_source(text: str) -> bool:
    """Whether the text for an input means a file, the demo song or standard input, and not a device."""
    if text in (DEMO, PIPE):
        return True
    path = Path(text)
    return not text.isdecimal() and ("/" in text or path.suffix.lower() in _SOUND_FILES or path.is_file())


def whole_path(name: str) -> str:
    """A file's whole path, for the engine's process may start elsewhere; everything else as it is."""
    is_file = name.endswith(".onnx") or (name not in (DEMO, PIPE) and is_sound_source(name))
    return os.path.abspath(name) if is_file else name


def check_place(source: str, what: str, *places_s: float) -> None:
    """Refuse places that no file has, and inputs that have none.

    Args:
        source: the input, as in `EngineSettings`.
        what: is asked for, for the message.
        places_s: seconds from the file's start.

    Raises:
        EngineError: which, what was expected and what was found.
    """
    if source == PIPE or not is_sound_source(source):
        raise EngineError(f"input '{source}': {what} needs a sound file, found an input that only goes on; open a file")
    for place_s in places_s:
        if not (math.isfinite(place_s) and place_s >= 0):
            raise EngineError(f"{source}: {what}: expected 0 s or more, found {place_s:g} s; choose a place in it")


def check_loop(source: str, loop: tuple[float, float] | None) -> None:
    """Refuse a loop that cannot be played; `source` as for `check_place`.

    Raises:
        EngineError: what was expected and what was found.
    """
    if loop is None:
        return
    begin_s, end_s = loop
    check_place(source, "a loop", begin_s, end_s)
    if end_s - begin_s < SHORTEST_LOOP_S:
        raise EngineError(
            f"{source}: a loop: expected an end at least {SHORTEST_LOOP_S:g} s after its begin, found {begin_s:g} s to "
            f"{end_s:g} s; choose places farther apart"
        )


def counters_of(status: EngineStatus) -> dict[str, Any]:
    """Those of a status, by name."""
    return {name: getattr(status, name) for name in COUNTERS}


def add_counters(some: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    """Their sums; what is missing counts as none."""
    return {name: some.get(name, 0) + others.get(name, 0) for name in COUNTERS}
