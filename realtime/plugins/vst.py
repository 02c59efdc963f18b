"""Effects of others: VST3 and Audio Unit plugins, and the effects that Spotify's pedalboard brings along."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..jit import jit
from ..parameter import ParameterError
from ..plugin import Plugin

CHUNK = 64
LISTENED_S, LONGEST_LISTENED_S = 1.0, 6.0


class Vst(Plugin):
    """Runs a VST3, an Audio Unit or an effect of pedalboard.

    Runs a VST3, an Audio Unit or an effect of pedalboard: `path` of a file, or `builtin`, such as Chorus.

    It needs pedalboard (`pip install "advsep[vst]"`, GPLv3). Settings of the foreign plugin are given beside, by
    the names that pedalboard has for them: `vst(path="/usr/lib/vst3/ZaMaximX2.vst3", threshold_db=-6)`,
    `vst(builtin=Chorus, rate_hz=1.5)`. `plugin` chooses one of several in a file. With neither, the sound passes.

    The foreign plugin always gets `CHUNK` frames, so what it gives does not depend on the host's
    blocks; that is the least delay. Of effects that keep sound back, pedalboard returns less than
    it was given at first: how much was seen to be missing in `LISTENED_S` is added to the delay. An effect
    for one channel runs twice on two; one for two hears one channel twice, and its left is taken.

    It may allocate, and what it does when it is reset is its own affair.
    """

    state_texts: ClassVar[Mapping[str, str]] = {"path": "", "plugin": "", "builtin": ""}

    def __init__(self) -> None:
        super().__init__()
        self._state: dict[str, Any] = {}
        self._foreign: list[Any] = []

    def state(self) -> dict[str, Any]:
        """See `Plugin`."""
        return dict(self._state)

    def set_state(self, state: Mapping[str, Any]) -> None:
        """See `Plugin`; loads the foreign plugin.

        Args:
            state: `path` and perhaps `plugin`, or `builtin`; all else, and what is in a mapping `parameters`, are
                settings of the foreign plugin.
        """
        asked: dict[str, Any] = {key: value for key, value in state.items() if value != ""}
        asked |= asked.pop("parameters", {})
        self._foreign = [_load(asked)] if asked else []
        self._state = asked

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        """See `Plugin`.

        Raises:
            ParameterError: the foreign plugin cannot process such sound.
        """
        self._filled = self._read = 0
        self.latency_samples, self.tail_samples = 0, 0
        if not self._foreign:
            return
        self._rate_hz = float(rate_hz)
        self._chunk: NDArray[np.float32] = np.zeros((channels, CHUNK), np.float32)
        self._ready: NDArray[np.float32] = np.zeros((CHUNK, channels), np.float32)
        self._inputs = self._match(channels)
        self._written: list[int] = [0] * len(self._foreign)
        missing = max(self._missing(foreign, given) for foreign, given in zip(self._foreign, self._inputs, strict=True))
        self._missing_frames = missing
        self._ring: NDArray[np.float32] = np.zeros((1 << (missing + 2 * CHUNK).bit_length(), channels), np.float32)
        self.latency_samples, self.tail_samples = CHUNK + missing, None
        self._run()
        self.reset()

    def reset(self) -> None:
        """See `Plugin`."""
        if not self._foreign:
            return
        for foreign in self._foreign:
            foreign.reset()
        self._written = [0] * len(self._foreign)
        self._filled, self._read = 0, -self._missing_frames
        for samples in (self._ring, self._ready, self._chunk):
            samples.fill(0.0)

    def process(self, block: NDArray[np.float32]) -> None:
        """See `Plugin`."""
        if not self._foreign:
            return
        done = 0
        while done < len(block):
            first = self._filled
            stop = min(CHUNK, first + len(block) - done)
            part = block[done : done + stop - first]
            self._chunk[:, first:stop] = part.T
            part[:] = self._ready[first:stop]
            done += len(part)
            self._filled = stop
            if stop == CHUNK:
                self._filled = 0
                self._run()

    def close(self) -> None:
        """See `Plugin`."""
        self._foreign = []

    def _run(self) -> None:
        """A chunk through the foreign plugin; what it gives comes to its place in time."""
        for k, foreign in enumerate(self._foreign):
            given = self._inputs[k]
            if given.base is not self._chunk:
                given[:] = self._chunk
            found: NDArray[np.float32] = foreign.process(given, self._rate_hz, CHUNK, reset=False)
            if found.size:
                _store(found, self._ring, k, self._written[k])
                self._written[k] += found.shape[1]
        _fetch(self._ring, self._read, min(self._written), self._ready)
        self._read += CHUNK

    def _match(self, channels: int) -> list[NDArray[np.float32]]:
        """What each foreign plugin is given: a view of the chunk, or an array of its own where it has to be wider."""
        refusal = ""
        for width in (channels, 3 - channels):
            try:
                self._foreign[0].process(np.zeros((width, CHUNK), np.float32), self._rate_hz, CHUNK, reset=True)
            except (ValueError, RuntimeError) as error:
                refusal = refusal or str(error)
                continue
            if width < channels:
                self._foreign = [self._foreign[0], _load(self._state)]
                return [self._chunk[:1], self._chunk[1:]]
            return [self._chunk[:] if width == channels else np.zeros((width, CHUNK), np.float32)]
        raise ParameterError(f"{_title(self._state)} cannot process {channels} channel(s): {refusal}")

    def _missing(self, foreign: Any, given: NDArray[np.float32]) -> int:
        """Most frames by which the foreign plugin was behind what it was given, in the first seconds."""
        noise = 0.1 * np.random.default_rng(0).standard_normal((*given.shape, 16)).astype(np.float32)
        turns = [np.ascontiguousarray(noise[:, :, i]) for i in range(16)]
        foreign.reset()
        behind = most = at = calm = 0
        while calm < LISTENED_S * self._rate_hz:
            behind += CHUNK - foreign.process(turns[at % 16], self._rate_hz, CHUNK, reset=False).shape[1]
            calm = calm + CHUNK if behind <= most else 0
            most, at = max(most, behind), at + 1
            if at * CHUNK > LONGEST_LISTENED_S * self._rate_hz:
                raise ParameterError(f"{_title(self._state)} gives less sound than it gets, again and again")
        return most


def _title(state: Mapping[str, Any]) -> str:
    return str(state.get("builtin") or state.get("plugin") or Path(str(state.get("path", ""))).name)


def _load(state: Mapping[str, Any]) -> Any:
    """The foreign plugin with its settings.

    Raises:
        ParameterError: pedalboard is missing, or it cannot load it, or there is no such setting.
    """
    settings = {key: value for key, value in state.items() if key not in Vst.state_texts}
    builtin, path = state.get("builtin"), state.get("path")
    if (builtin is None) == (path is None):
        raise ParameterError('expected one of path (a plugin\'s file) and builtin (such as "Chorus")')
    pedalboard = _pedalboard()
    if builtin is not None:
        foreign = _make_builtin(pedalboard, str(builtin))
    else:
        place = Path(str(path)).expanduser()
        if not place.exists():
            raise ParameterError(f"{place}: no such file; expected a .vst3 or .component")
        try:
            foreign = pedalboard.load_plugin(str(place), plugin_name=state.get("plugin"))
        except Exception as error:  # whatever a stranger's code does
            raise ParameterError(f"{place} cannot be loaded: {' '.join(str(error).split())}") from error
    if getattr(foreign, "is_instrument", False):
        raise ParameterError(f"{_title(state)} is an instrument; expected an effect")
    for name, value in settings.items():
        _set(foreign, name, value, _title(state))
    return foreign


def _pedalboard() -> Any:
    try:
        import pedalboard
    except ImportError as error:
        message = f'foreign plugins need pedalboard, which is not there ({error}): pip install "advsep[vst]"'
        raise ParameterError(message) from None
    return pedalboard


def _make_builtin(pedalboard: Any, name: str) -> Any:
    kind = getattr(pedalboard, name, None)
    if not (isinstance(kind, type) and issubclass(kind, pedalboard.Plugin)):
        raise ParameterError(f"builtin={name}: pedalboard has no such effect; there are Chorus, Phaser, Reverb, …")
    try:
        return kind()
    except Exception as error:
        raise ParameterError(f"builtin={name} cannot be made without more: {str(error).split('.')[0]}") from error


def _set(foreign: Any, name: str, value: Any, title: str) -> None:
    known = _settings(foreign)
    if name not in known:
        raise ParameterError(f"{title} has no setting '{name}': there are {', '.join(known) or 'none'}")
    try:
        setattr(foreign, name, value)
    except Exception as error:
        raise ParameterError(f"{title}: {name}={value}: {' '.join(str(error).split())}") from error


def _settings(foreign: Any) -> list[str]:
    """Names of what can be set."""
    if hasattr(foreign, "parameters"):
        return sorted(foreign.parameters)
    kind = type(foreign)
    there = (name for name in dir(kind) if not name.startswith("_") and isinstance(getattr(kind, name), property))
    return [name for name in there if getattr(kind, name).fset is not None and not name.startswith("is_")]


@jit
def _store(found: NDArray[np.float32], ring: NDArray[np.float32], first: int, at: int) -> None:
    """What was returned, [channel, frame], to channels from `first` on; more channels than there are stay away."""
    mask = ring.shape[0] - 1
    for c in range(min(found.shape[0], ring.shape[1] - first)):
        for i in range(found.shape[1]):
            ring[(at + i) & mask, first + c] = found[c, i]


@jit
def _fetch(ring: NDArray[np.float32], at: int, written: int, ready: NDArray[np.float32]) -> None:
    """Frames from position `at` on; silence where there are none yet."""
    mask = ring.shape[0] - 1
    for i in range(ready.shape[0]):
        there = 0 <= at + i < written
        for c in range(ready.shape[1]):
            ready[i, c] = ring[(at + i) & mask, c] if there else 0.0
