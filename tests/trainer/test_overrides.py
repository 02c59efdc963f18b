"""Settings on the command line: typed by whatever dataclasses nest, and a typo is answered with what was meant."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from advsep.realtime.errors import AdvsepError
from advsep.trainer.overrides import (
    Override,
    differing_keys,
    infinite_keys,
    key_types,
    leaves,
    nearest_key,
    overridden,
    parse_override,
    typed_override,
)


@dataclass(frozen=True, kw_only=True)
class Deep:
    rate: float = 0.5
    low_high: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        if self.rate < 0:
            raise AdvsepError(f"middle.deep.rate must be 0 or more, got {self.rate}")


@dataclass(frozen=True, kw_only=True)
class Middle:
    deep: Deep = field(default_factory=Deep)
    widths: tuple[int, ...] = (1, 2)
    on: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Root:
    name: str
    middle: Middle = field(default_factory=Middle)
    mode: Literal["plain", "32-true"] = "plain"
    steps: int = 10
    limit: float | None = None

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise AdvsepError(f"steps must be 1 or more, got {self.steps}")


def test_keys_of_any_depth() -> None:
    assert list(key_types(Root)) == list(leaves(Root(name="x")))
    assert list(leaves(Root(name="x"))) == [
        *("name", "middle.deep.rate", "middle.deep.low_high", "middle.widths", "middle.on", "middle.tags"),
        *("mode", "steps", "limit"),
    ]


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("steps=3", "steps", 3),
        (" steps = 1_000 ", "steps", 1000),
        ("middle.deep.rate=3e-4", "middle.deep.rate", 0.0003),
        ("middle.deep.rate=2", "middle.deep.rate", 2.0),
        ("middle.deep.low_high=[1, 2.5]", "middle.deep.low_high", (1.0, 2.5)),
        ("middle.widths=[]", "middle.widths", ()),
        ("middle.on=true", "middle.on", True),
        ('middle.tags=["a,b", "c"]', "middle.tags", ("a,b", "c")),
        ("mode=32-true", "mode", "32-true"),
        ("mode='plain'", "mode", "plain"),
        ("name=CC BY-SA 4.0 # of the band", "name", "CC BY-SA 4.0 # of the band"),
        ("name=7", "name", "7"),
        ("name=2026-11-23", "name", "2026-11-23"),
        ('name="a = \\"b\\""', "name", 'a = "b"'),
        ("name=a=b", "name", "a=b"),
        ("limit=1", "limit", 1.0),
    ],
)
def test_a_value_gets_the_type_of_its_key(text: str, key: str, value: Any) -> None:
    override = parse_override(Root, text)
    assert (override.key, override.value, type(override.value)) == (key, value, type(value))
    assert leaves(overridden(Root(name="x"), [override])) == {**leaves(Root(name="x")), key: value}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("steps", "expected KEY=VALUE"),
        ("step=3", "unknown key 'step' (did you mean 'steps'?)"),
        ("rate=3", "unknown key 'rate' (did you mean 'middle.deep.rate'?)"),
        ("middle.rate=3", "unknown key 'middle.rate' (did you mean 'middle.deep.rate'?)"),
        ("midle.deep.raet=3", "unknown key 'midle.deep.raet' (did you mean 'middle.deep.rate'?)"),
        ("qqq=3", "unknown key 'qqq' (known: name, middle.deep.rate,"),
        ("middle.deep=3", "middle.deep is a table; set one of its keys: middle.deep.rate, middle.deep.low_high"),
        ("steps.more=3", "unknown key 'steps.more'"),
        ("steps=many", "expected a whole number, found 'many'"),
        ("steps=1.5", "expected a whole number, found 1.5"),
        ("steps=true", "expected a whole number, found True"),
        ("steps=", "expected a whole number, found ''"),
        ("steps=1\nname='y'", r"expected a whole number, found "),
        ("middle.deep.rate=.5", "expected a number such as 0.5, found '.5'"),
        ("middle.on=True", "expected true or false, found 'True'"),
        ("middle.widths=3", "expected a list of whole numbers such as [1, 2], found 3"),
        ("middle.deep.low_high=[1]", "expected a list of 2 numbers such as [0.5, 1.0], found [1]"),
        ("mode=fancy", "expected one of plain, 32-true, found 'fancy'"),
        ("limit=low", "expected a number such as 0.5, found 'low'"),
    ],
)
def test_a_wrong_setting_names_the_option_and_what_was_expected(text: str, says: str) -> None:
    with pytest.raises(AdvsepError) as caught:
        parse_override(Root, text)
    assert str(caught.value).startswith(f"--set {text}: {says}")


def test_of_two_settings_of_one_key_the_later_counts() -> None:
    config = Root(name="x", middle=Middle(widths=(7,)))
    settings = [parse_override(Root, text) for text in ("steps=3", "middle.on=true", "steps=4")]
    assert overridden(config, settings) == Root(name="x", steps=4, middle=Middle(widths=(7,), on=True))
    assert overridden(config, []) == config


def test_a_value_out_of_range_blames_its_own_option() -> None:
    settings = [typed_override(Root, "steps", 5, "--steps 5"), parse_override(Root, "middle.deep.rate=-1")]
    with pytest.raises(AdvsepError) as caught:
        overridden(Root(name="x"), settings)
    assert str(caught.value) == "--set middle.deep.rate=-1: middle.deep.rate must be 0 or more, got -1.0"
    with pytest.raises(AdvsepError, match=r"^--steps 0: steps must be 1 or more"):
        overridden(Root(name="x"), [Override("steps", 0, "--steps 0"), parse_override(Root, "middle.on=true")])


def test_the_same_name_in_the_shallowest_table_is_meant() -> None:
    known = ["adversary.lanes", "lanes", "adversary.width"]
    assert nearest_key("remix.lanes", known) == "lanes"
    assert nearest_key("adversary.lane", known) == "adversary.lanes"
    assert nearest_key("lane", known) == "lanes"
    assert nearest_key("zzz", known) is None


def test_differences_and_infinities_by_key() -> None:
    one = Root(name="x", middle=Middle(deep=Deep(rate=0.25)))
    other = Root(name="x", steps=11, middle=Middle(deep=Deep(low_high=(0.0, math.inf))), limit=math.nan)
    assert differing_keys(one, other) == ["middle.deep.rate", "middle.deep.low_high", "steps", "limit"]
    assert differing_keys(one, one) == []
    assert infinite_keys(other) == ["middle.deep.low_high", "limit"]
    assert infinite_keys(one) == []
