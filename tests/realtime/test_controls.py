"""What keys do to levels: by example, and for any sequence of keys."""

from __future__ import annotations

import math

import pytest
from advsep.realtime.controls import (
    KEY_ROWS,
    LOUDEST_DB,
    QUIETEST_DB,
    Action,
    Levels,
    action_of,
    apply,
)
from hypothesis import given
from hypothesis import strategies as st

SOURCES = ("vocals", "accompaniment")
NEUTRAL = Levels.neutral(SOURCES)
PROGRAM_ACTIONS = (Action.PAUSE, Action.BACK, Action.AHEAD, Action.RECORD, Action.QUIT, Action.HELP)
LEVEL_ACTIONS = [action for action in Action if action not in PROGRAM_ACTIONS]


def after(keys: str, levels: Levels = NEUTRAL) -> Levels:
    """The levels after keys, separated by spaces."""
    for key in keys.split():
        action = action_of(key)
        assert action is not None, key
        levels = apply(action, levels)
    return levels


def test_every_action_has_a_key_and_no_key_two() -> None:
    keys = [key for row in KEY_ROWS for key in row.actions]
    assert len(keys) == len(set(keys))
    assert {action for row in KEY_ROWS for action in row.actions.values()} == set(Action)
    assert all(key in row.actions for row in KEY_ROWS for key in row.shown)
    assert all(row.short and row.help for row in KEY_ROWS)


@pytest.mark.parametrize(
    ("key", "action"),
    [
        ("up", Action.VOICE_UP),
        ("down", Action.VOICE_DOWN),
        ("v", Action.VOICE_DOWN),
        ("V", Action.VOICE_UP),
        ("a", Action.ACCOMPANIMENT_DOWN),
        ("A", Action.ACCOMPANIMENT_UP),
        ("left", Action.ACCOMPANIMENT_DOWN),
        ("right", Action.ACCOMPANIMENT_UP),
        ("m", Action.MUTE_VOICE),
        ("space", Action.MUTE_VOICE),
        ("n", Action.MUTE_ACCOMPANIMENT),
        ("s", Action.SOLO_VOICE),
        ("d", Action.SOLO_ACCOMPANIMENT),
        ("b", Action.BYPASS),
        ("0", Action.RESET),
        ("p", Action.PAUSE),
        (",", Action.BACK),
        ("page-up", Action.BACK),
        (".", Action.AHEAD),
        ("page-down", Action.AHEAD),
        ("r", Action.RECORD),
        ("q", Action.QUIT),
        ("?", Action.HELP),
        ("M", Action.MUTE_VOICE),
        ("Q", Action.QUIT),
        ("x", None),
        ("escape", None),
        ("alt-q", None),
        ("", None),
    ],
)
def test_keys(key: str, action: Action | None) -> None:
    assert action_of(key) is action


@pytest.mark.parametrize(
    ("keys", "gains_db"),
    [
        ("up", (1, 0)),
        ("v v", (-2, 0)),
        ("right A", (0, 2)),
        ("left up up a", (2, -2)),
        ("up " * 15, (12, 0)),
        ("up " * 15 + "down", (11, 0)),
        ("a " * 59, (0, -59)),
        ("a " * 70, (0, -60)),
        ("a " * 70 + "A A", (0, -59)),
        ("up a m b s 0", (0, 0)),
    ],
)
def test_gains(keys: str, gains_db: tuple[float, float]) -> None:
    assert tuple(after(keys).gains_db.values()) == gains_db


@pytest.mark.parametrize(
    ("keys", "silent"),
    [
        ("", ()),
        ("m", ("vocals",)),
        ("m m", ()),
        ("m n", SOURCES),
        ("s", ("accompaniment",)),
        ("d", ("vocals",)),
        ("s s", ()),
        ("s d", ("vocals",)),
        ("m s", ("accompaniment",)),  # a solo is heard though it was muted
        ("m s s", ("vocals",)),  # and its mute comes back
        ("s m", SOURCES),
        ("s n", ()),
        ("s n n", ("accompaniment",)),
        ("b", ()),
        ("m n b 0", ()),
        ("v " * 60, ()),
        ("v " * 61, ("vocals",)),
        ("v " * 70 + "V", ()),
        ("m up", ("vocals",)),
        ("r q ?", ()),
    ],
)
def test_what_is_silent(keys: str, silent: tuple[str, ...]) -> None:
    assert after(keys).silent == set(silent)


@pytest.mark.parametrize(
    ("gain_db", "key", "expected_db"),
    [
        (24.0, "up", 24.0),
        (24.0, "down", 23.0),
        (11.5, "up", 12.0),
        (-59.5, "down", -60.0),
        (-100.0, "up", -60.0),
        (-math.inf, "up", -60.0),
        (-math.inf, "down", -math.inf),
    ],
)
def test_a_level_set_outside_the_limits_is_not_pushed_further(gain_db: float, key: str, expected_db: float) -> None:
    levels = Levels(gains_db={"vocals": gain_db, "accompaniment": 0.0})
    assert after(key, levels).gains_db["vocals"] == expected_db


@pytest.mark.parametrize("sources", [(), ("voice",), ("voice", "drums", "bass")])
def test_models_with_other_sources(sources: tuple[str, ...]) -> None:
    levels = Levels.neutral(sources)
    for action in Action:
        after_one = apply(action, levels)
        assert tuple(after_one.gains_db) == sources
        assert after_one.silent <= set(sources)
    only_bass = after("d", levels)
    assert only_bass.silent == (set(sources) - {"drums"} if "drums" in sources else set())


@given(st.lists(st.sampled_from(LEVEL_ACTIONS), max_size=200))
def test_any_sequence_keeps_the_limits_and_can_be_reset(actions: list[Action]) -> None:
    levels = NEUTRAL
    for action in actions:
        before, levels = levels, apply(action, levels)
        assert all(QUIETEST_DB <= gain_db <= LOUDEST_DB for gain_db in levels.gains_db.values())
        assert levels.muted <= set(SOURCES)
        assert levels.soloed <= set(SOURCES)
        if action is Action.MUTE_VOICE:
            assert levels.silent ^ before.silent == {"vocals"}
        if action in (Action.SOLO_VOICE, Action.SOLO_ACCOMPANIMENT):
            assert len(levels.soloed) <= 1
            assert apply(action, apply(action, before)).silent in (before.silent, before.muted)
    assert apply(Action.RESET, levels) == NEUTRAL
    assert Levels.neutral(SOURCES) == NEUTRAL


@pytest.mark.parametrize("action", PROGRAM_ACTIONS)
def test_what_concerns_no_level(action: Action) -> None:
    levels = after("up m b")
    assert apply(action, levels) is levels
