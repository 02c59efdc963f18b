"""What a key does while playing: one table of keys and their actions, and what an action does to the levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

STEP_DB = 1.0
SEEK_S = 5.0
QUIETEST_DB, LOUDEST_DB = -60.0, 12.0
VOICE, ACCOMPANIMENT, MICROPHONE = 0, 1, 2  # places in `Levels.gains_db`, the order of an engine's sources


class Action(Enum):
    """What can be asked for by a key; those from PAUSE on are the program's, the others change the levels."""

    VOICE_DOWN = "voice down"
    VOICE_UP = "voice up"
    ACCOMPANIMENT_DOWN = "accompaniment down"
    ACCOMPANIMENT_UP = "accompaniment up"
    MUTE_VOICE = "mute voice"
    MUTE_ACCOMPANIMENT = "mute accompaniment"
    SOLO_VOICE = "solo voice"
    SOLO_ACCOMPANIMENT = "solo accompaniment"
    BYPASS = "bypass"
    RESET = "reset"
    MICROPHONE_DOWN = "microphone down"
    MICROPHONE_UP = "microphone up"
    PAUSE = "pause"
    BACK = "back"
    AHEAD = "ahead"
    KEY_DOWN = "key down"
    KEY_UP = "key up"
    SLOWER = "slower"
    FASTER = "faster"
    WORDS_EARLIER = "words earlier"
    WORDS_LATER = "words later"
    RECORD = "record"
    QUIT = "quit"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A line of the table.

    Attributes:
        actions: names of keys as `Keys.pressed` gives them, each with its action.
        shown: the keys that a short line shows.
        short: what they do, in a word; neighbouring lines of one word share it.
        help: what they do, as a sentence of a list.
        is_karaoke: they are of use there only.
    """

    actions: Mapping[str, Action]
    shown: tuple[str, ...]
    short: str
    help: str
    is_karaoke: bool = False


# The arrows and space can be reached with one hand, unseen, while the other holds a microphone.
KEY_ROWS = (
    KeyRow(
        {"up": Action.VOICE_UP, "down": Action.VOICE_DOWN, "V": Action.VOICE_UP, "v": Action.VOICE_DOWN},
        ("up", "down"),
        "voice",
        "voice 1 dB louder, quieter",
    ),
    KeyRow(
        {
            "right": Action.ACCOMPANIMENT_UP,
            "left": Action.ACCOMPANIMENT_DOWN,
            "A": Action.ACCOMPANIMENT_UP,
            "a": Action.ACCOMPANIMENT_DOWN,
        },
        ("left", "right"),
        "accompaniment",
        "accompaniment 1 dB louder, quieter",
    ),
    KeyRow({"m": Action.MUTE_VOICE, "space": Action.MUTE_VOICE}, ("m",), "mute", "voice silent, or heard again"),
    KeyRow({"n": Action.MUTE_ACCOMPANIMENT}, ("n",), "mute", "accompaniment silent, or heard again"),
    KeyRow({"s": Action.SOLO_VOICE}, ("s",), "solo", "only the voice, or all again"),
    KeyRow({"d": Action.SOLO_ACCOMPANIMENT}, ("d",), "solo", "only the accompaniment, or all again"),
    KeyRow({"b": Action.BYPASS}, ("b",), "bypass", "the sound as it came in, equally late, or the levels again"),
    KeyRow({"0": Action.RESET}, ("0",), "reset", "all at 0 dB, nothing silent, no bypass"),
    KeyRow({"p": Action.PAUSE}, ("p",), "pause", "of a song: stand still, or go on"),
    KeyRow(
        {",": Action.BACK, "page-up": Action.BACK, ".": Action.AHEAD, "page-down": Action.AHEAD},
        (",", "."),
        f"{SEEK_S:g} s",
        f"of a song: {SEEK_S:g} s back, {SEEK_S:g} s ahead",
    ),
    KeyRow(
        {"i": Action.MICROPHONE_DOWN, "I": Action.MICROPHONE_UP},
        ("i", "I"),
        "microphone",
        "microphone 1 dB quieter, louder",
        is_karaoke=True,
    ),
    KeyRow(
        {"k": Action.KEY_DOWN, "K": Action.KEY_UP},
        ("k", "K"),
        "key",
        "song a semitone lower, higher",
        is_karaoke=True,
    ),
    KeyRow({"t": Action.SLOWER, "T": Action.FASTER}, ("t", "T"), "tempo", "song 5 % slower, faster", is_karaoke=True),
    KeyRow(
        {"[": Action.WORDS_EARLIER, "]": Action.WORDS_LATER},
        ("[", "]"),
        "words",
        "words 0.05 s earlier, later",
        is_karaoke=True,
    ),
    KeyRow({"r": Action.RECORD}, ("r",), "record", "start or stop recording the stems"),
    KeyRow({"q": Action.QUIT}, ("q",), "quit", "end"),
    KeyRow({"?": Action.HELP}, ("?",), "help", "show or hide this list"),
)
_STEPS = {
    Action.VOICE_DOWN: (VOICE, -STEP_DB),
    Action.VOICE_UP: (VOICE, STEP_DB),
    Action.ACCOMPANIMENT_DOWN: (ACCOMPANIMENT, -STEP_DB),
    Action.ACCOMPANIMENT_UP: (ACCOMPANIMENT, STEP_DB),
    Action.MICROPHONE_DOWN: (MICROPHONE, -STEP_DB),
    Action.MICROPHONE_UP: (MICROPHONE, STEP_DB),
}
_MUTES = {Action.MUTE_VOICE: VOICE, Action.MUTE_ACCOMPANIMENT: ACCOMPANIMENT}
_SOLOS = {Action.SOLO_VOICE: VOICE, Action.SOLO_ACCOMPANIMENT: ACCOMPANIMENT}
_ACTIONS: dict[str, Action] = {key: action for row in KEY_ROWS for key, action in row.actions.items()}


def action_of(key: str) -> Action | None:
    """The action of a key as `Keys.pressed` names it; None where it has none. Caps Lock does no harm."""
    return _ACTIONS.get(key) or _ACTIONS.get(key.lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """What is heard of each source, as the user set it.

    Attributes:
        gains_db: of each source, in the model's order: voice, accompaniment. Never changed, only replaced.
        muted: sources that were silenced one by one.
        soloed: sources that alone are heard, if there are any; mutes wait until they are none.
        bypassed: the mixture is heard as it came.
    """

    gains_db: Mapping[str, float]
    muted: frozenset[str] = frozenset()
    soloed: frozenset[str] = frozenset()
    bypassed: bool = False

    @staticmethod
    def neutral(sources: tuple[str, ...]) -> Levels:
        """All at 0 dB and heard."""
        return Levels(gains_db=dict.fromkeys(sources, 0.0))

    @property
    def silent(self) -> frozenset[str]:
        """Sources that are not heard, for whichever reason: what the engine is told is muted."""
        return frozenset(self.gains_db) - self.soloed if self.soloed else self.muted


def apply(action: Action, levels: Levels) -> Levels:
    """The levels after an action; those that concern no level, or a source that is not there, change nothing.

    A step beyond -60 dB mutes and the next one up is heard again; none goes beyond +12 dB, or further
    outside where a level was set outside these limits. A mute always turns over what is heard of its
    source and of no other, so after a solo the others stay silent. A solo ends another source's.
    """
    if action in _STEPS:
        return _step(levels, *_STEPS[action])
    if action in _MUTES:
        chosen = _source(levels, _MUTES[action])
        return replace(levels, muted=levels.silent ^ chosen, soloed=frozenset()) if chosen else levels
    if action in _SOLOS:
        chosen = _source(levels, _SOLOS[action])
        return replace(levels, soloed=chosen - levels.soloed) if chosen else levels
    if action is Action.BYPASS:
        return replace(levels, bypassed=not levels.bypassed)
    return Levels.neutral(tuple(levels.gains_db)) if action is Action.RESET else levels


def _source(levels: Levels, place: int) -> frozenset[str]:
    return frozenset(tuple(levels.gains_db)[place : place + 1])


def _step(levels: Levels, place: int, step_db: float) -> Levels:
    for source in _source(levels, place):
        gain_db = levels.gains_db[source]
        if step_db > 0 and gain_db <= QUIETEST_DB and source in levels.muted:
            return _with_gain(replace(levels, muted=levels.muted - {source}), source, QUIETEST_DB)
        if step_db < 0 and gain_db <= QUIETEST_DB:
            return replace(levels, muted=levels.muted | {source})
        if step_db > 0:
            return _with_gain(levels, source, max(gain_db, QUIETEST_DB, min(gain_db + step_db, LOUDEST_DB)))
        return _with_gain(levels, source, max(gain_db + step_db, QUIETEST_DB))
    return levels


def _with_gain(levels: Levels, source: str, gain_db: float) -> Levels:
    return replace(levels, gains_db={**levels.gains_db, source: gain_db})
