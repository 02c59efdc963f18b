"""Presets: TOML and text say the same, and what cannot be read is told with its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from advsep.realtime.rack_builder import RackBuilder
from advsep.realtime.rack_file import Preset, find_preset, format_preset, parse_preset, preset_names, write_preset
from advsep.realtime.rack_spec import MICROPHONE, RackError, RackSpec, StripSpec
from advsep.realtime.rack_text import format_rack, parse_rack
from hypothesis import given
from hypothesis import strategies as st

from .test_rack_text import strips

SOURCES = ("vocals", "accompaniment")


@given(st.dictionaries(st.text(max_size=8), strips, max_size=3), st.text(max_size=8), st.booleans())
def test_a_file_is_read_back_as_the_same_rack(named: dict[str, StripSpec], description: str, bypassed: bool) -> None:
    preset = Preset(RackSpec(named), description, bypassed)
    assert parse_preset(format_preset(preset)) == preset


def test_text_and_file_are_the_same_rack() -> None:
    text = 'vocals[gain_db=-12, send.room=-6]: gate, eq(low_cut_hz=90); room: !reverb(mix=1); master: vst(path="/a b")'
    rack = parse_rack(text)
    assert parse_preset(format_preset(Preset(rack))).rack == rack
    assert format_rack(rack) == text


def test_what_comes_along_is_named_and_can_be_built() -> None:
    assert preset_names() == ["acapella", "broadcast", "bypass", "karaoke", "practice"]
    for name in preset_names():
        preset = find_preset(name)
        assert preset.description.endswith(".")
        assert preset.bypassed == (name == "bypass")
        builder = RackBuilder((*SOURCES, MICROPHONE), 44100, 256, 2)
        builder.apply(builder.plan(preset.rack))
        assert not builder.needs_change(preset.rack)
        builder.close()
        assert parse_preset(format_preset(preset)) == preset
        assert parse_rack(format_rack(preset.rack)) == preset.rack
    assert find_preset("practice").rack.named("vocals").gain_db == -12.0
    assert find_preset("karaoke").rack.silent(SOURCES) == ("vocals",)
    assert find_preset("acapella").rack.silent(SOURCES) == ("accompaniment",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[strip", "expected a preset as TOML"),
        ("volume = 3", "unknown key 'volume': there are description, bypass and strip.NAME"),
        ("bypass = 1", "true or false as bypass"),
        ("strip = 3", "strip: expected a table, found '3'"),
        ("[strip.vocals]\ngain_db = 'loud'", "gain_db=loud: expected a number"),
        ("[strip.vocals]\nvolume = 3", "strip 'vocals': unknown setting 'volume'"),
        ("[strip.vocals]\nchain = 3", "strip.vocals.chain: expected a list of plugins"),
        ("[strip.vocals]\nchain = [3]", "strip.vocals.chain: expected a table, found '3'"),
        ("[strip.vocals]\nchain = [{ mix = 3 }]", 'expected "NAME" or { plugin = "NAME", … }'),
        ("[strip.vocals]\nchain = [{ plugin = 'eq', x = [] }]", "eq.x: expected a number, a text, true or false"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(RackError) as error:
        find_preset(str(tmp_path / "bad.toml"))
    assert str(error.value).startswith(f"{tmp_path}/bad.toml: ")
    assert words in str(error.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    for name, words in {
        "karaoka": "no preset 'karaoka': choose one of acapella, broadcast, bypass, karaoke, practice",
        str(tmp_path / "none.toml"): "cannot be read: No such file",
        str(tmp_path / "binary.toml"): "expected a preset as TOML, found no text",
    }.items():
        with pytest.raises(RackError, match=words):
            find_preset(name)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    preset = find_preset("karaoke")
    write_preset(tmp_path / "mine.toml", preset)
    assert find_preset(str(tmp_path / "mine.toml")) == preset
    with pytest.raises(RackError, match="cannot be written"):
        write_preset(tmp_path / "nowhere" / "mine.toml", preset)
    assert os.listdir(tmp_path) == ["mine.toml"]
