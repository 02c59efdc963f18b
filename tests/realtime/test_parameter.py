"""Parameters: what people may write, where a control stands, and how values move."""

from __future__ import annotations

import math

import numpy as np
import pytest
from advsep.realtime.parameter import Parameter, ParameterError, ParameterValues, written
from hypothesis import given
from hypothesis import strategies as st

RATE_HZ = 48000
CUT = Parameter(name="cut_hz", default=100.0, lowest=20.0, highest=20000.0, unit="Hz", taper="log")
LEVEL = Parameter(name="level_db", default=-6.0, lowest=-60.0, highest=12.0, unit="dB")
KIND = Parameter(name="kind", default=1.0, choices=("low", "peak", "high"))
ON = Parameter.switch("on", True)


@pytest.mark.parametrize(
    ("parameter", "given_", "value"),
    [(CUT, "1e3", 1000.0), (LEVEL, -60, -60.0), (KIND, "high", 2.0), (KIND, 1, 1.0), (ON, "off", 0.0), (ON, True, 1.0)],
)
def test_what_people_write_becomes_a_number(parameter: Parameter, given_: object, value: float) -> None:
    assert parameter.value_of(given_) == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parameter", "given_", "words"),
    [
        (CUT, 19.9, "cut_hz=19.9: expected 20 to 20000 Hz"),
        (CUT, math.nan, "expected 20 to 20000 Hz"),
        (CUT, "low", "cut_hz=low: expected a number, 20 to 20000 Hz"),
        (KIND, "middle", "kind=middle: expected one of low, peak, high"),
        (KIND, 0.5, "expected one of low, peak, high"),
        (ON, 2, "expected one of off, on"),
    ],
)
def test_what_cannot_be_is_refused_in_words(parameter: Parameter, given_: object, words: str) -> None:
    with pytest.raises(ParameterError, match=words.replace("(", r"\(")):
        parameter.value_of(given_)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "no name"},
        {"name": "x", "default": 2.0},
        {"name": "x", "lowest": 0.0, "taper": "log"},
        {"name": "x", "highest": math.inf},
    ],
)
def test_a_parameter_that_makes_no_sense_cannot_be_declared(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"expected an identifier|is not in|begins above 0"):
        Parameter(**({"default": 0.5} | wrong))  # type: ignore[arg-type]


@given(st.sampled_from([CUT, LEVEL]), st.floats(0, 1))
def test_a_place_and_its_value_belong_together(parameter: Parameter, place: float) -> None:
    assert parameter.place_of(parameter.at(place)) == pytest.approx(place, abs=1e-9)


def test_half_way_of_a_logarithmic_control_is_the_geometric_mean() -> None:
    assert CUT.at(0.5) == pytest.approx(math.sqrt(20.0 * 20000.0))
    assert LEVEL.at(0.5) == -24.0
    assert (CUT.shown(1234.5), KIND.shown(1.0), ON.shown(0.0)) == ("1234 Hz", "peak", "off")


@given(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.booleans()))
def test_a_written_number_is_read_back_as_the_same(value: float | bool) -> None:
    text = written(value)
    assert (text == ("on" if value else "off")) if isinstance(value, bool) else float(text) == value


def moved(frames: list[int]) -> tuple[ParameterValues, list[float], list[float]]:
    """A level sent from -60 to 12 dB and a frequency from 20 to 20000 Hz, block by block."""
    values = ParameterValues((LEVEL, CUT))
    values.set("level_db", -60.0)
    values.set("cut_hz", 20.0)
    values.prepare(RATE_HZ)
    values.set("level_db", 12.0)
    values.set("cut_hz", 20000.0)
    levels, cuts = [], []
    for count in frames:
        values.advance(count)
        levels.append(float(values.end[0]))
        cuts.append(float(values.end[1]))
    return values, levels, cuts


def test_the_whole_range_takes_the_smoothing_time_whatever_the_blocks() -> None:
    """720 frames are 15 ms: a straight line in dB, and in octaves for a frequency."""
    frames = np.random.default_rng(1).integers(1, 65, 40).tolist()
    values, levels, cuts = moved(frames)
    passed = np.minimum(np.cumsum(frames) / 720, 1.0)
    np.testing.assert_allclose(levels, -60 + 72 * passed, atol=1e-9)
    np.testing.assert_allclose(cuts, 20 * 1000**passed, rtol=1e-9)
    assert not values.moving
    assert values.end.tolist() == [12.0, 20000.0]


def test_a_block_begins_where_the_last_one_ended() -> None:
    values, levels, _ = moved([100])
    values.advance(50)
    assert values.begin[0] == levels[0] < values.end[0]
    assert values.moving
    values.jump()
    assert not values.moving
    assert values.begin[0] == values.end[0] == 12.0


def test_choices_jump() -> None:
    values = ParameterValues((KIND,))
    values.prepare(RATE_HZ)
    values.set("kind", "high")
    values.advance(1)
    assert values.end[0] == 2.0


def test_unknown_names_are_told_with_those_that_there_are() -> None:
    with pytest.raises(ParameterError, match="no parameter 'gain': there are level_db, cut_hz"):
        ParameterValues((LEVEL, CUT)).set("gain", 1.0)
