"""Values as people read and type them."""

from __future__ import annotations

import pytest
from advsep.gui.fader import GAIN
from advsep.gui.parameter_scale import ParameterScale
from advsep.gui.parameter_text import SILENCE, labels_of, shown, tip_of, typed
from advsep.realtime.parameter import Parameter, ParameterError
from advsep.realtime.plugins.eq import Equaliser
from advsep.realtime.rack_spec import QUIETEST_DB
from hypothesis import given
from hypothesis import strategies as st

HZ = Parameter(name="low_cut_hz", default=100.0, lowest=20.0, highest=20000.0, unit="Hz", taper="log", help="Cuts.")
S = Parameter(name="release_s", default=0.1, lowest=0.001, highest=2.0, unit="s")
RATIO = Parameter(name="ratio", default=4.0, lowest=1.0, highest=20.0, unit=": 1")
KIND = Parameter(name="kind", default=0, choices=("hall", "room"))


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        (GAIN, "-6", -6.0),
        (GAIN, " −6,5 dB ", -6.5),
        (GAIN, "+3db", 3.0),
        (GAIN, "-inf", QUIETEST_DB),
        (GAIN, SILENCE, QUIETEST_DB),
        (HZ, "1.2k", 1200.0),
        (HZ, "1.2 kHz", 1200.0),
        (HZ, "440hz", 440.0),
        (S, "20 ms", 0.02),
        (S, "1e-2", 0.01),
        (RATIO, "3:1", 3.0),
        (RATIO, "3 : 1", 3.0),
        (RATIO, "3", 3.0),
        (KIND, "room", 1.0),
    ],
)
def test_what_is_typed_is_understood(parameter: Parameter, text: str, value: float) -> None:
    assert typed(parameter, text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("parameter", "text"), [(GAIN, "loud"), (GAIN, "-6 Hz"), (GAIN, "30"), (HZ, "5"), (HZ, "-inf"), (S, ""), (S, "nan")]
)
def test_what_is_not_understood_is_told_with_the_range(parameter: Parameter, text: str) -> None:
    with pytest.raises(ParameterError, match=parameter.range_text) as refused:
        typed(parameter, text)
    assert f"'{text}'" in str(refused.value)


@given(st.sampled_from([HZ, S, RATIO, GAIN]), st.floats(0, 1))
def test_what_is_shown_can_be_typed_and_is_the_same(parameter: Parameter, place: float) -> None:
    scale = ParameterScale(parameter)
    value = scale.nearest(scale.at(place))
    assert typed(parameter, shown(parameter, value)) == pytest.approx(value, rel=1e-3)
    assert parameter.lowest <= value <= parameter.highest


@given(st.sampled_from([HZ, S, RATIO, GAIN]), st.floats(0, 1), st.floats(-40, 40), st.booleans())
def test_steps_stay_in_the_range_and_go_where_they_say(
    parameter: Parameter, place: float, steps: float, fine: bool
) -> None:
    scale = ParameterScale(parameter)
    value = scale.nearest(scale.at(place))
    stepped = scale.stepped(value, steps, fine=fine)
    assert parameter.lowest <= stepped <= parameter.highest
    assert (stepped - value) * steps >= 0 or stepped == pytest.approx(value, rel=1e-3)


def test_texts() -> None:
    assert shown(HZ, 12345.6) == "12346 Hz"
    assert shown(GAIN, -120) == "−∞ dB"
    assert shown(GAIN, -6.5) == "−6.5 dB"
    assert tip_of(HZ) == "Cuts.\n20 to 20000 Hz, usually 100 Hz"
    labels = labels_of(Equaliser.parameters)
    assert len(set(labels.values())) == len(Equaliser.parameters)
    assert labels["low_cut_hz"] == "low cut"
    assert (labels["low_shelf_db"], labels["low_shelf_hz"]) == ("low shelf dB", "low shelf Hz")
    assert labels_of((Parameter(name="db", default=0.0, unit="dB"),)) == {"db": "level"}
