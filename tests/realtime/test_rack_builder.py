"""From a description to a rack that plays: what stays goes on, what comes is ready, what goes is closed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import pytest
from advsep.realtime import rack_builder
from advsep.realtime.errors import AdvsepError
from advsep.realtime.parameter import Parameter, ParameterError
from advsep.realtime.plugin import Plugin
from advsep.realtime.rack_builder import RackBuilder
from advsep.realtime.rack_text import parse_rack
from numpy.typing import NDArray

SOURCES = ("vocals", "accompaniment")
Samples = NDArray[np.float32]


class Scale(Plugin):
    """Multiplies, and remembers that it was closed."""

    parameters = (
        Parameter(name="factor", default=1.0, lowest=0.0, highest=10.0),
        Parameter(name="size", default=1.0, lowest=1.0, highest=100.0, fixed=True),
    )
    state_texts: ClassVar[Mapping[str, str]] = {"label": ""}
    closed: ClassVar[list[Scale]] = []

    def __init__(self) -> None:
        super().__init__()
        self.label = ""

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        if self.values.target("size") == 99.0:
            raise RuntimeError("no such size")
        self.latency_samples = 20000 if self.values.target("size") == 77.0 else 0

    def process(self, block: Samples) -> None:
        block *= np.float32(self.value("factor"))

    def set_state(self, state: Mapping[str, Any]) -> None:
        if set(state) != {"label"}:
            raise ParameterError("expected a label")
        self.label = str(state["label"])

    def close(self) -> None:
        self.closed.append(self)


class Offered:
    """Stands where the registry's offer would be."""

    def make(self) -> Plugin:
        return Scale()


@pytest.fixture
def builder(monkeypatch: pytest.MonkeyPatch) -> Iterator[RackBuilder]:
    found = rack_builder.find_plugin
    monkeypatch.setattr(rack_builder, "find_plugin", lambda name: Offered() if name == "scale" else found(name))
    Scale.closed = []
    made = RackBuilder(SOURCES, 44100, 256, 2)
    yield made
    made.close()


def build(builder: RackBuilder, text: str) -> None:
    spec = parse_rack(text)
    builder.apply(builder.plan(spec))
    builder.rack.set_levels(spec)


def heard(builder: RackBuilder, blocks: int = 8) -> float:
    """What the rack makes of ones on both strips, after all fades."""
    for _ in range(blocks):
        stems = {name: np.ones((256, 2), np.float32) for name in SOURCES}
        mix = np.empty((256, 2), np.float32)
        builder.rack.process(stems, np.ones((256, 2), np.float32), mix)
    return float(mix[-1, 0])


def test_a_rack_is_what_was_described(builder: RackBuilder) -> None:
    build(builder, "vocals[gain_db=6.0206]: scale(factor=3, label=mine), !scale(factor=5); accompaniment[mute]:")
    assert heard(builder) == pytest.approx(6.0, abs=1e-4)
    first, second = builder.rack.slots("vocals")
    assert (first.plugin.label, second.bypassed) == ("mine", True)  # type: ignore[attr-defined]


def test_what_stays_the_same_goes_on_as_it_is(builder: RackBuilder) -> None:
    build(builder, "vocals: scale(factor=3), scale(size=5)")
    first, second = builder.rack.slots("vocals")
    build(builder, "vocals: scale(size=5, factor=2), scale(factor=4), scale(size=6)")
    third = builder.rack.slots("vocals")[2]
    assert builder.rack.slots("vocals") == (second, first, third)
    assert heard(builder, 16) == pytest.approx(9.0)
    build(builder, "accompaniment: scale(factor=4)")
    assert heard(builder, 16) == pytest.approx(5.0)
    assert [slot.plugin for slot in builder.rack.take_retired()] == [second.plugin, first.plugin, third.plugin]


def test_values_move_without_a_change_of_plugins(builder: RackBuilder) -> None:
    build(builder, "vocals: scale(factor=3)")
    louder = parse_rack("vocals: scale(factor=7)")
    assert not builder.needs_change(louder)
    builder.set_values(louder)
    assert heard(builder) == pytest.approx(8.0)
    default = parse_rack("vocals: !scale")
    builder.set_values(default)
    assert heard(builder) == pytest.approx(2.0)
    assert builder.rack.slots("vocals")[0].plugin.values.target("factor") == 1.0
    for other in ("vocals: scale, scale", "vocals: scale(size=2)", "vocals:", "vocals: gain", "vocals: scale(label=x)"):
        assert builder.needs_change(parse_rack(other)), other
    bus = "vocals[send.room=0]: scale; room:"
    assert builder.needs_change(parse_rack(bus))


def test_buses_come_and_go_while_it_plays(builder: RackBuilder) -> None:
    build(builder, "vocals:")
    assert heard(builder) == pytest.approx(2.0)
    build(builder, "vocals[send.room=0]: ; room: scale(factor=5)")
    assert heard(builder) == pytest.approx(7.0)
    assert builder.rack.buses == ("room",)
    build(builder, "vocals:")
    assert heard(builder) == pytest.approx(2.0)
    build(builder, "vocals[send.hall=0]: ; hall:")
    assert heard(builder) == pytest.approx(3.0)
    assert builder.rack.buses == ("hall",)
    assert len(builder.rack.take_retired()) == 0


def test_plugins_that_go_are_handed_over_to_be_closed(builder: RackBuilder) -> None:
    build(builder, "vocals: scale, scale(size=3)")
    gone, stays = (slot.plugin for slot in builder.rack.slots("vocals"))
    heard(builder)
    build(builder, "vocals: scale(size=3)")
    assert builder.rack.take_retired() == []  # still fading out
    heard(builder)
    rack_builder.close_plugins(builder.rack.take_retired())
    assert Scale.closed == [gone]
    builder.close()
    assert Scale.closed == [gone, stays]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("vocals: scala", "no plugin 'scala'"),
        ("vocals: scale(factor=11)", "strip 'vocals': scale: factor=11.0: expected 0 to 10"),
        ("vocals: scale(colour=red)", "strip 'vocals': scale: expected a label"),
        ("vocals: gain(decibels=3)", "strip 'vocals': gain: no parameter 'decibels': there are db"),
        ("vocals: scale(size=99)", "strip 'vocals': scale cannot be prepared: RuntimeError: no such size"),
        ("master: scale(size=77), scale(size=77)", "40000 samples late; expected at most 32768"),
        ("drums: scale", "strip 'drums': it is none of vocals"),
    ],
)
def test_what_cannot_be_built_leaves_everything_as_it_was(builder: RackBuilder, text: str, words: str) -> None:
    build(builder, "vocals: scale(factor=3)")
    before = builder.rack.slots("vocals")
    with pytest.raises(AdvsepError) as error:
        builder.plan(
            parse_rack(f"accompaniment: scale; {text}" if "vocals" in text else f"vocals: scale, scale; {text}")
        )
    assert words in str(error.value)
    assert builder.rack.slots("vocals") == before
    assert heard(builder) == pytest.approx(4.0)
    # What was made in vain is closed.
    assert len(Scale.closed) == len(set(map(id, Scale.closed)))
    assert before[0].plugin not in Scale.closed
