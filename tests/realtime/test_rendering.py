"""A chain on a file: in place, as long, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from advsep.realtime.rack_spec import PluginSpec, RackError
from advsep.realtime.rack_text import parse_chain

Run = Callable[..., Any]


@pytest.fixture
def song(tmp_path: Path) -> Path:
    samples = 0.1 * np.random.default_rng(5).standard_normal((30_011, 2))
    soundfile.write(tmp_path / "song.wav", samples.astype(np.float32), 44100, subtype="FLOAT")
    return tmp_path / "song.wav"


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [8000, 48000, 192000])
def test_it_starts_where_the_file_does_and_is_as_long(
    tmp_path: Path, program: Run, rate_hz: int, channels: int
) -> None:
    given = (0.08 * np.random.default_rng(1).standard_normal((20_003, channels))).astype(np.float32)
    soundfile.write(tmp_path / "in.wav", given, rate_hz, subtype="FLOAT")
    # 2 x look-ahead and a frame of the pitch shifter late, and 6.02 dB louder.
    chain = "limiter(ceiling_db=0), pitch, gain(db=6.0206), limiter(ceiling_db=0)"
    ended = program("advsep-plugins", "render", chain, tmp_path / "in.wav", tmp_path / "out.wav")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.strip() == f"wrote {tmp_path / 'out.wav'}"
    heard, found_hz = soundfile.read(tmp_path / "out.wav", dtype="float32", always_2d=True)
    assert (heard.shape, found_hz) == (given.shape, rate_hz)
    np.testing.assert_allclose(heard, 2 * given, atol=1e-5)


def test_a_tail_is_kept_where_it_is_asked_for(tmp_path: Path, program: Run) -> None:
    click = np.zeros((4410, 2), np.float32)
    click[-10] = 0.5
    soundfile.write(tmp_path / "in.wav", click, 44100, subtype="FLOAT")
    arguments = ("render", "delay(time_s=0.25, mix=0.5, feedback=0)", tmp_path / "in.wav", tmp_path / "out.wav")
    assert program("advsep-plugins", *arguments, "--tail", "0.5").code == 0
    heard, _ = soundfile.read(tmp_path / "out.wav")
    assert len(heard) == 4410 + 22050
    assert np.flatnonzero(np.abs(heard[:, 0]) > 0.05)[-1] == pytest.approx(4400 + 11025, abs=2)


@pytest.mark.parametrize(
    ("chain", "source", "target", "words"),
    [
        ("gain(db=", "song.wav", "out.wav", "expected a value at character 9, found the end"),
        ("gain; gain", "song.wav", "out.wav", "expected ',' at character 5, found ';'"),
        ("gian", "song.wav", "out.wav", "no plugin 'gian': did you mean gain"),
        ("gain(db=99)", "song.wav", "out.wav", "gain: db=99.0: expected -120 to 24 dB"),
        ("gain", "none.wav", "out.wav", "none.wav"),
        ("gain", "song.wav", "song.wav", "is the song itself and would be lost"),
        ("gain", "song.wav", "out.mp3", "only WAV is written; name a .wav file"),
        ("gain", "song.wav", "/proc/out.wav", "cannot be written"),
    ],
)
def test_what_cannot_be_rendered_leaves_nothing(
    song: Path, program: Run, monkeypatch: pytest.MonkeyPatch, chain: str, source: str, target: str, words: str
) -> None:
    monkeypatch.chdir(song.parent)
    ended = program("advsep-plugins", "render", chain, source, target)
    assert ended.code == 2
    assert words in ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert os.listdir() == ["song.wav"]


def test_a_plugin_that_breaks_ends_it_with_a_sentence(
    song: Path, program: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("advsep.realtime.plugins.gain.Gain.process", lambda *_: 1 / 0)
    for other in ("prepare", "reset"):
        monkeypatch.setattr(f"advsep.realtime.plugins.gain.Gain.{other}", lambda *_: None)
    ended = program("advsep-plugins", "render", "gain", song, song.parent / "out.wav")
    assert ended.code == 2
    assert "sound: gain: ZeroDivisionError: division by zero; nothing was written" in ended.err
    assert os.listdir(song.parent) == ["song.wav"]


def test_a_chain_is_read_as_in_a_rack() -> None:
    assert parse_chain("gate, !eq(low_cut_hz=90)") == (
        PluginSpec("gate"),
        PluginSpec("eq", {"low_cut_hz": 90.0}, bypassed=True),
    )
    assert parse_chain("") == ()
    with pytest.raises(RackError):
        parse_chain("vocals: gate")
