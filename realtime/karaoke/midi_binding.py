"""What one knob or button of a MIDI controller says, and what it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import AdvsepError
from .midi_commands import COMMANDS

Kind = Literal["control", "note", "program", "bend"]


class MidiError(AdvsepError):
    """A MIDI port or a mapping that cannot be used."""


@dataclass(frozen=True, slots=True)
class MidiEvent:
    """What a controller says: something was moved or pressed.

    Attributes:
        kind: a control change, a note, a program change, or the pitch wheel (some faders are one).
        channel: 1 to 16.
        number: of the control, note or program, 0 to 127; of the wheel 0.
        value: 0 to 1: where the control is; how hard a note was struck, 0 as it is let go; of a program 1.
    """

    kind: Kind
    channel: int
    number: int
    value: float


@dataclass(frozen=True, slots=True)
class Binding:
    """What one knob or button does.

    Attributes:
        command: name of it, see `midi_commands`.
        kind: as a `MidiEvent` has it.
        number: the same.
        channel: the same; 0: any.
        low: of a level: its value with the knob at its beginning; None: the command's lowest.
        high: with the knob at its end; below `low` turns it around; None: the command's highest.
    """

    command: str
    kind: Kind
    number: int
    channel: int = 0
    low: float | None = None
    high: float | None = None

    def hears(self, event: MidiEvent) -> bool:
        """Whether an event is its."""
        return (event.kind, event.number) == (self.kind, self.number) and self.channel in (0, event.channel)

    @property
    def words(self) -> str:
        """What is to be moved, for people."""
        name = "pitch wheel" if self.kind == "bend" else f"{self.kind} {self.number}"
        return name if self.channel == 0 else f"{name}, channel {self.channel}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a controller asks for.

    Attributes:
        command: its name.
        value: of a level in the command's unit; else 1.
    """

    command: str
    value: float


# Korg's nanoKONTROL2 as it leaves the factory (its parameter guide): sliders, knobs, transport buttons.
DEFAULTS = (
    Binding("guide", "control", 0),
    Binding("band", "control", 1),
    Binding("mic", "control", 2),
    Binding("echo", "control", 3),
    Binding("key", "control", 16),
    Binding("tempo", "control", 17),
    Binding("play", "control", 41),
    Binding("skip", "control", 42),
    Binding("back", "control", 43),
    Binding("ahead", "control", 44),
    Binding("record", "control", 45),
    Binding("loop_clear", "control", 46),
    Binding("key_down", "control", 58),
    Binding("key_up", "control", 59),
    Binding("next", "control", 60),
    Binding("loop_a", "control", 61),
    Binding("loop_b", "control", 62),
)


def check(binding: Binding) -> None:
    """Refuse what does nothing.

    Raises:
        MidiError: what was expected.
    """
    if binding.command not in COMMANDS:
        raise MidiError(f"no command '{binding.command}': there are {', '.join(COMMANDS)}")
    if not 0 <= binding.number <= 127 or not 0 <= binding.channel <= 16:
        raise MidiError(f"{binding.command}: expected a number of 0 to 127 and a channel of 1 to 16, or 0 for any")
    command = COMMANDS[binding.command]
    for end in (binding.low, binding.high):
        if end is not None and not command.low <= end <= command.high:
            raise MidiError(f"{binding.command}: expected {command.low:g} to {command.high:g}, found {end:g}")
