"""What can be asked for from a MIDI controller."""

from __future__ import annotations

from dataclasses import dataclass

QUIETEST_DB, LOUDEST_DB = -60.0, 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One thing that a knob or a button does.

    Attributes:
        name: by which programs know it.
        title: for people.
        unit: of its value; empty: it has none.
        low: the lowest value of a level.
        high: the highest; that of `low` if it is no level, but pressed.
        is_whole: whole values only.
    """

    name: str
    title: str
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    is_whole: bool = False

    @property
    def is_level(self) -> bool:
        """Whether it has a value; else it is pressed."""
        return self.high > self.low


_ALL = (
    Command(name="guide", title="Guide voice", unit="of the song's", low=0.0, high=1.0),
    Command(name="band", title="Band", unit="dB", low=QUIETEST_DB, high=LOUDEST_DB),
    Command(name="mic", title="Microphone", unit="dB", low=QUIETEST_DB, high=LOUDEST_DB),
    Command(name="echo", title="Echo", unit="of the most", low=0.0, high=1.0),
    Command(name="key", title="Key", unit="semitones", low=-12.0, high=12.0, is_whole=True),
    Command(name="tempo", title="Tempo", unit="of the song's", low=0.5, high=1.5),
    Command(name="key_up", title="Key up a semitone"),
    Command(name="key_down", title="Key down a semitone"),
    Command(name="tempo_up", title="Tempo up 5 %"),
    Command(name="tempo_down", title="Tempo down 5 %"),
    Command(name="play", title="Play or pause"),
    Command(name="to_start", title="Back to start"),
    Command(name="back", title="Back 5 s"),
    Command(name="ahead", title="Ahead 5 s"),
    Command(name="next", title="Next song"),
    Command(name="skip", title="Skip this song"),
    Command(name="record", title="Record a take, or end it"),
    Command(name="monitor", title="Hear yourself, or not"),
    Command(name="count_in", title="Count in, or not"),
    Command(name="loop_a", title="Loop from here"),
    Command(name="loop_b", title="Loop to here"),
    Command(name="loop_clear", title="No loop"),
)
COMMANDS: dict[str, Command] = {command.name: command for command in _ALL}
