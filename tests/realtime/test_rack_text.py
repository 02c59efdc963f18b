"""A rack as text: read, written, read again; and what is wrong with it said in words."""

from __future__ import annotations

import pytest
from advsep.realtime.rack_spec import PluginSpec, RackError, RackSpec, StripSpec
from advsep.realtime.rack_text import format_rack, parse_rack
from hypothesis import given
from hypothesis import strategies as st

SOURCES = ("vocals", "accompaniment")
KARAOKE = (
    "vocals[gain_db=-12, pan=-0.5, mute, send.room=-6]: gate, eq(low_cut_hz=90, kind=peak), !reverb(mix=0.2); "
    "room: reverb(mix=1); master: limiter"
)


def test_what_the_marks_mean() -> None:
    spec = parse_rack(KARAOKE)
    assert list(spec.strips) == ["vocals", "room", "master"]
    assert spec.named("vocals") == StripSpec(
        chain=(
            PluginSpec("gate"),
            PluginSpec("eq", {"low_cut_hz": 90.0, "kind": "peak"}),
            PluginSpec("reverb", {"mix": 0.2}, bypassed=True),
        ),
        gain_db=-12.0,
        pan=-0.5,
        muted=True,
        sends={"room": -6.0},
    )
    assert spec.named("accompaniment") == StripSpec()
    spec.check(SOURCES)
    assert format_rack(spec) == KARAOKE
    assert parse_rack("  ") == RackSpec()


names = st.from_regex(r"[a-z][a-z_0-9]{0,8}", fullmatch=True).filter(lambda name: name not in ("on", "off"))
numbers = st.floats(-100, 24, allow_nan=False)
values = st.one_of(numbers, names, st.booleans(), st.text(max_size=8))
plugins = st.builds(PluginSpec, names, st.dictionaries(names, values, max_size=3), st.booleans())
strips = st.builds(
    StripSpec,
    chain=st.lists(plugins, max_size=3).map(tuple),
    gain_db=numbers,
    pan=st.floats(-1, 1),
    muted=st.booleans(),
    soloed=st.booleans(),
    sends=st.dictionaries(names, numbers, max_size=2),
)


@given(st.dictionaries(names, strips, max_size=4).map(RackSpec))
def test_text_is_read_back_as_the_same_rack(spec: RackSpec) -> None:
    assert parse_rack(format_rack(spec)) == spec


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("vocals gate", "expected ':' at character 8, found 'gate'"),
        ("vocals: gate reverb", "expected ',' at character 14, found 'reverb'"),
        ("vocals: gate(", "expected a name at character 14, found the end"),
        ("vocals: gate(x=)", "expected a value at character 16, found ')'"),
        ("vocals: gate(x=1, x=2)", "expected 'x' once"),
        ("vocals: gate; vocals: eq", "expected one strip 'vocals'"),
        ("vocals: gate§", "unexpected '§' at character 13"),
        ("3: gate", "expected the name of a strip at character 1, found '3'"),
        ("vocals[volume=3]: gate", "unknown setting 'volume': there are gain_db, pan, mute, solo, send.BUS"),
        ("vocals[gain_db=loud]: gate", "gain_db=loud: expected a number"),
        ("vocals[mute=3]: gate", "mute=3: expected on or off"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str, words: str) -> None:
    with pytest.raises(RackError) as error:
        parse_rack(text)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("drums: gate", "strip 'drums': it is none of vocals, accompaniment, microphone, master, and no bus"),
        ("vocals[send.room=0]: gate", "sends to 'room', which is no bus"),
        ("vocals[send.master=0]: gate", "sends to 'master', which is no bus"),
        ("vocals[send.room=0]: gate; room[send.room=0]: reverb", "only sources and the microphone can send"),
        ("vocals[gain_db=30]: gate", "gain_db=30: expected -120 to 24 dB"),
        ("vocals[pan=2]: gate", "pan=2: expected -1"),
    ],
)
def test_what_no_rack_can_do_is_refused(text: str, words: str) -> None:
    with pytest.raises(RackError) as error:
        parse_rack(text).check(SOURCES)
    assert words in str(error.value)
