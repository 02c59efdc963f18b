"""What a MIDI controller's knobs and buttons do: learnt by moving them, kept in a JSON file."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import AdvsepError
from ..strict import from_plain
from ..whole_file import whole_file
from .midi_binding import DEFAULTS, Asked, Binding, MidiError, MidiEvent, check
from .midi_commands import COMMANDS, Command

VERSION = 1
_PRESSED = 0.5  # of a control that is a button
_CAUGHT = 0.03  # of a knob's way: as near as a hand comes


@dataclass(frozen=True, slots=True)
class _Kept:
    version: int
    pickup: bool = True
    bindings: tuple[Binding, ...] = ()


class MidiMap:
    """Turns what a controller says into what is asked for; any thread may use it.

    A knob that does not stand where its level is does nothing until it comes past it, so that no level jumps
    (`pickup`); motor faders, which follow, need none.

    Args:
        bindings: one each knob or button; of two for the same one the later counts.
        pickup: see above.
    """

    def __init__(self, bindings: Iterable[Binding] = DEFAULTS, *, pickup: bool = True) -> None:
        self._lock = threading.Lock()
        self._pickup = pickup
        self._bindings: tuple[Binding, ...] = ()
        for binding in bindings:
            self._bind(binding)
        self._shown: dict[str, float] = {}
        self._knobs: dict[Binding, float] = {}  # where they were, in their command's unit
        self._caught: set[Binding] = set()
        self._pressed: set[Binding] = set()
        self._learning: str | None = None

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """What all knobs and buttons do."""
        return self._bindings

    @property
    def learning(self) -> str | None:
        """The command that gets what is moved next; None: none."""
        return self._learning

    def of(self, command: str) -> tuple[Binding, ...]:
        """What does a command."""
        return tuple(binding for binding in self._bindings if binding.command == command)

    def show(self, command: str, value: float) -> None:
        """What a level is now, whoever set it; knobs that stand elsewhere have to be moved there first."""
        with self._lock:
            if not _is_near(value, self._shown.get(command), COMMANDS[command]):
                self._caught = {binding for binding in self._caught if binding.command != command}
            self._shown[command] = value

    def learn(self, command: str) -> None:
        """Have the next knob (or button) that is moved do a command, in place of those that do it now.

        Raises:
            KeyError: there is no such command.
        """
        with self._lock:
            self._learning = COMMANDS[command].name

    def stop_learning(self) -> None:
        """What is moved next does what it did."""
        with self._lock:
            self._learning = None

    def forget(self, command: str) -> None:
        """Let nothing do a command."""
        with self._lock:
            self._bindings = tuple(binding for binding in self._bindings if binding.command != command)

    def reset(self) -> None:
        """As it was in the beginning."""
        with self._lock:
            self._bindings = DEFAULTS

    def feed(self, event: MidiEvent) -> Asked | Binding | None:
        """Take an event.

        Returns:
            What is asked for; a binding that was learnt from it; None: it means nothing.
        """
        with self._lock:
            if self._learning is not None:
                return self._learn_from(event, COMMANDS[self._learning])
            binding = next((each for each in self._bindings if each.hears(event)), None)
            if binding is None:
                return None
            command = COMMANDS[binding.command]
            return self._level(binding, command, event) if command.is_level else self._press(binding, event)

    def read(self, path: Path) -> None:
        """Take over a file's bindings; where there is none, everything stays as it is.

        Raises:
            MidiError: it cannot be read, or is no mapping; everything stays as it is.
        """
        try:
            kept = from_plain(_Kept, _known_version(json.loads(path.read_text("utf-8"))), "midi")
            for binding in kept.bindings:
                check(binding)
        except FileNotFoundError:
            return
        except (OSError, ValueError, RecursionError, AdvsepError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise MidiError(
                f"{path}: expected what a MIDI controller's knobs do: {why}; mend it, or delete it to begin anew"
            ) from None
        with self._lock:
            self._pickup, self._bindings = kept.pickup, ()
            for binding in kept.bindings:
                self._bind(binding)

    def write(self, path: Path) -> None:
        """Keep the bindings in a file, whole or not at all.

        Raises:
            MidiError: it cannot be written.
        """
        kept = _Kept(VERSION, self._pickup, self._bindings)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as partial:
                partial.write_text(json.dumps(asdict(kept), indent=1), "utf-8")
        except OSError as error:
            raise MidiError(
                f"{path}: cannot be written: {error.strerror}; what was learnt is lost when advsep ends"
            ) from None

    def _bind(self, binding: Binding) -> None:
        """In place of what the same knob did."""
        others = (each for each in self._bindings if (each.kind, each.number) != (binding.kind, binding.number))
        same_knob = (
            each
            for each in self._bindings
            if (each.kind, each.number) == (binding.kind, binding.number)
            and 0 not in (each.channel, binding.channel)
            and each.channel != binding.channel
        )
        self._bindings = (*others, *same_knob, binding)

    def _learn_from(self, event: MidiEvent, command: Command) -> Binding | None:
        is_knob = event.kind in ("control", "bend")
        if command.is_level and not is_knob:
            return None
        if not command.is_level and (event.kind == "bend" or event.value < (_PRESSED if is_knob else 1e-9)):
            return None
        learnt = Binding(command.name, event.kind, event.number, event.channel)
        self._bindings = tuple(each for each in self._bindings if each.command != command.name)
        self._bind(learnt)
        self._learning = None
        self._pressed.add(learnt)  # to let it go asks for nothing
        return learnt

    def _level(self, binding: Binding, command: Command, event: MidiEvent) -> Asked | None:
        low = command.low if binding.low is None else binding.low
        high = command.high if binding.high is None else binding.high
        if event.kind in ("note", "program"):
            return Asked(command.name, high) if event.value > 0 else None
        value = low + event.value * (high - low)
        before, self._knobs[binding] = self._knobs.get(binding), value
        if self._pickup and binding not in self._caught and not self._catches(command, before, value):
            return None
        self._caught.add(binding)
        value = float(round(value)) if command.is_whole else value
        if value == self._shown.get(command.name):
            return None
        self._shown[command.name] = value
        return Asked(command.name, value)

    def _catches(self, command: Command, before: float | None, value: float) -> bool:
        shown = self._shown.get(command.name)
        if shown is None or _is_near(value, shown, command):
            return True
        return before is not None and min(before, value) <= shown <= max(before, value)

    def _press(self, binding: Binding, event: MidiEvent) -> Asked | None:
        """Once each time that it goes down."""
        is_down = event.value >= _PRESSED if event.kind in ("control", "bend") else event.value > 0
        was_down = binding in self._pressed and event.kind != "program"
        (self._pressed.add if is_down else self._pressed.discard)(binding)
        return Asked(binding.command, 1.0) if is_down and not was_down else None


def _is_near(value: float, shown: float | None, command: Command) -> bool:
    within = max(_CAUGHT * (command.high - command.low), 0.5 if command.is_whole else 0.0)
    return shown is not None and abs(value - shown) <= within


def _known_version(plain: Any) -> Any:
    version = plain.get("version") if isinstance(plain, dict) else None
    if version != VERSION:
        raise MidiError(f"expected version {VERSION}, found {version}")
    return plain
