"""The panel as a stranger would see it: complete, true, framed at any width, readable in ASCII without colour."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import re
from typing import Any

import pytest
from advsep.realtime.controls import KEY_ROWS
from advsep.realtime.panel import Recording, panel
from advsep.realtime.status import EngineStatus, Level
from advsep.realtime.summary import summary
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

PLAYING = EngineStatus(
    state="playing",
    model="live-12",
    device="JACK Audio Connection Kit: system",
    rate_hz=44100,
    period_samples=128,
    latency_samples=512,
    latency_parts={"separator": 256, "hop": 256},
    device_latency_s=0.0087,
    position_s=83.4,
    length_s=225.0,
    hops=14_000,
    load=0.18,
    hop_s_p50=0.00102,
    hop_s_p99=0.00141,
    hop_s_p99_9=0.00193,
    hop_s_max=0.00244,
    realtime=True,
    levels={
        "input": Level(peak_dbfs=-6.2, rms_dbfs=-18.4),
        "vocals": Level(peak_dbfs=0.4, rms_dbfs=-20.0),
        "accompaniment": Level(peak_dbfs=-9.0, rms_dbfs=-22.0),
        "output": Level(peak_dbfs=-1.2, rms_dbfs=-14.0),
    },
    gains_db={"vocals": -3.0, "accompaniment": 0.0},
)
TROUBLED = dataclasses.replace(
    PLAYING,
    misses=3,
    skipped_hops=1,
    device_xruns=12,
    restarts=2,
    clipped_samples=20_411,
    starved_s=1.5,
    realtime=False,
    device_latency_s=None,
    length_s=None,
    muted=("accompaniment",),
    bypassed=True,
    hop_s_max=0.0071,
    load=0.66,
)
EMPTY = EngineStatus(state="starting")
WAITING = dataclasses.replace(PLAYING, state="waiting", note="'USB Audio' is gone; looking for it")


def shown(status: EngineStatus, width: int = 80, encoding: str = "utf-8", **options: Any) -> str:
    """The panel on a console without colours."""
    file = io.TextIOWrapper(io.BytesIO(), encoding, newline="\n")
    Console(file=file, width=width, color_system=None, legacy_windows=False).print(panel(status, **options))
    file.flush()
    assert isinstance(file.buffer, io.BytesIO)
    return file.buffer.getvalue().decode(encoding)


def row(text: str, label: str) -> str:
    """What stands behind a label."""
    (line,) = [line for line in text.splitlines() if line[2:].startswith(label)]
    return line[2 + len(label) : -1].strip()


def test_everything_is_there() -> None:
    text = shown(PLAYING, hop_samples=256, soloed=("vocals",), recording=Recording(folder="take", seconds=12.3))
    assert "advsep · live-12 · playing · ● REC" in text
    assert row(text, "device") == "JACK Audio Connection Kit: system"
    assert "44.1 kHz · period 128 samples, 2.9 ms · real-time scheduling yes" in text
    assert row(text, "latency") == "engine 512 samples, 11.6 ms  + device 8.7 ms  = 20.3 ms in all"
    assert row(text, "  made of") == "separator 256 + hop 256"
    assert row(text, "position") == "1:23 of 3:45"
    assert row(text, "load") == "mean 18 · p50 18 · p99 24 · p99.9 33 · max 42 % of a 5.8 ms hop"
    assert row(text, "hop time") == "p50 1.02 · p99 1.41 · p99.9 1.93 · max 2.44 ms"
    assert row(text, "faults") == "misses 0  skipped 0  xruns 0  restarts 0  clipped 0  starved 0 s"
    assert row(text, "recording") == "0:12 to take"
    assert re.search(r"█▒+─+ +-6\.2$", row(text, "input"))
    assert row(text, "vocals").endswith(" 0.4  -3.0 over solo")
    assert row(text, "accompaniment").endswith(" -9.0   0.0")
    assert len(text.splitlines()) <= 23  # of a terminal of 24


@pytest.mark.parametrize("song", [(), ("what is sung", "what comes", "A song · key +1")])
def test_every_key_is_named(song: tuple[str, ...]) -> None:
    text, listed = shown(PLAYING, song=song), shown(PLAYING, show_help=True, song=song)
    for one in KEY_ROWS:
        assert (f" {one.short} " in text) == (bool(song) or not one.is_karaoke)
        assert (one.help in listed) == (bool(song) or not one.is_karaoke)
    assert all(line in text for line in song)
    assert "↑/↓ voice · ←/→ accompaniment · m/n mute · s/d solo" in text
    assert row(listed, "space" if "│ space" in listed else "m space") == "voice silent, or heard again"


def test_a_song_that_stands_still_says_so_and_where_it_goes_round() -> None:
    text = shown(dataclasses.replace(PLAYING, paused=True, loop=(65.0, 92.5)))
    assert "paused" in text
    assert "playing" not in text
    assert row(text, "position").endswith(" · loop 1:05 to 1:32")
    assert not re.search("[█▒]", row(text, "vocals"))  # a level of long ago says nothing of now


def test_troubles_are_told_without_colour() -> None:
    text = shown(TROUBLED, hop_samples=256, recording=Recording(folder="t", seconds=4000, lost_s=0.5))
    for fault in ("misses 3", "skipped 1", "xruns 12", "restarts 2", "clipped 20411", "starved 1.5 s", "lost 0.5 s"):
        assert f"!{fault}" in text
    assert "BYPASS" in text
    assert "real-time scheduling no" in text
    assert "max 122 %" in text
    assert row(text, "accompaniment").endswith("0.0 mute")
    assert row(text, "position") == "1:23"
    assert "1:06:40 to t" in text


def test_what_is_not_known_is_no_zero() -> None:
    text = shown(EMPTY)
    facts, _ = text.split("faults")  # nothing went wrong yet: these are true zeros
    assert "0" not in facts.replace("-60", "").replace("-40", "").replace("-20", "").replace("  0  peak", "")
    for label in ("device", "  made of", "position", "load", "hop time", "input", "output"):
        assert row(text, label) == "–"
    assert row(text, "latency") == "engine – ms  + device – ms  = – ms in all"
    assert "– kHz · period – · real-time scheduling –" in text
    assert "= – ms in all" in shown(TROUBLED)
    assert row(shown(PLAYING), "load") == "mean 18 % of a hop"


@pytest.mark.parametrize("state", ["waiting", "failed"])
@pytest.mark.parametrize("note", ["", "'USB Audio' is gone;\nlooking for it"])
def test_notes(state: Any, note: str) -> None:
    text = shown(dataclasses.replace(PLAYING, state=state, note=note))
    expected = {"waiting": "the device is gone; sound goes on", "failed": "the engine has failed"}[state]
    assert ("'USB Audio' is gone; looking for it" if note else expected) in text.splitlines()[1]
    assert row(text, "input") == "–"  # levels of before are not those of now


def test_levels_that_are_no_numbers() -> None:
    levels = {
        "input": Level(peak_dbfs=-math.inf, rms_dbfs=-math.inf),
        "vocals": Level(peak_dbfs=math.nan, rms_dbfs=math.nan),
        "output": Level(peak_dbfs=0.0, rms_dbfs=-300.0),
    }
    status = dataclasses.replace(PLAYING, levels=levels, gains_db={"vocals": -math.inf, "accompaniment": -0.04})
    text = shown(status)
    assert re.fullmatch(r"─+ +-∞", row(text, "input"))
    assert row(text, "vocals").split() == ["–", "-∞"]
    assert row(text, "accompaniment").split() == ["–", "0.0"]
    assert re.fullmatch(r"▒+ +0\.0 +CLIP", row(text, "output"))
    assert "-inf" in shown(status, encoding="ascii")


@pytest.mark.parametrize(
    ("peak_dbfs", "filled"), [(-70, 0), (-60, 0), (-59, 1), (-30, 20), (-15, 30), (-0.5, 40), (0, 40), (20, 40)]
)
def test_bars(peak_dbfs: float, filled: int) -> None:
    status = dataclasses.replace(PLAYING, levels={"input": Level(peak_dbfs=peak_dbfs, rms_dbfs=peak_dbfs)})
    bar = re.search(r"[█▒─]+", row(shown(status, 81), "input"))
    assert bar is not None
    assert (len(bar[0]), bar[0].count("█"), bar[0].count("▒")) == (40, filled, 0)


def test_the_scale_stands_above_its_cells() -> None:
    lines = shown(PLAYING, 120).splitlines()
    scale = next(line for line in lines if "-60" in line)
    bar = next(line for line in lines if line.startswith("│ input"))
    begin, end = re.search(r"[█▒─]+", bar).span()  # pyright: ignore
    assert scale.index("-60") == begin
    assert scale.index(" 0 ") + 2 == end
    assert abs(scale.index("-40") - (begin + (end - begin) / 3)) <= 1


@pytest.mark.parametrize("width", [40, 41, 59, 60, 80, 120, 200])
@pytest.mark.parametrize("status", [PLAYING, TROUBLED, EMPTY, WAITING])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
def test_the_frame_is_whole(width: int, status: EngineStatus, encoding: str) -> None:
    recording = Recording(folder="a/rather/long/path/to/a/folder/of/takes", seconds=12, error="", lost_s=1)
    for show_help in (False, True):
        text = shown(status, width, encoding, recording=recording, hop_samples=256, show_help=show_help)
        assert {cell_len(line) for line in text.splitlines()} == {min(width, 120)}
        ends = "│╭╰" if encoding == "utf-8" else "|+"
        assert all(line[0] in ends for line in text.splitlines())
        if encoding != "utf-8":
            assert text.isascii()
            assert "?" not in text.replace("? ", "")  # nothing was replaced for want of a sign
        assert status.state in text.splitlines()[0]
        assert "output" in text


@pytest.mark.parametrize("width", range(1, 40, 3))
def test_a_terminal_that_is_too_narrow_does_no_harm(width: int) -> None:
    assert shown(TROUBLED, width, hop_samples=256)
    assert shown(EMPTY, width, "ascii", show_help=True)


@given(
    st.builds(
        EngineStatus,
        state=st.sampled_from(["starting", "playing", "waiting", "ended", "failed"]),
        note=st.text(max_size=60),
        model=st.text(max_size=30),
        device=st.text(max_size=200),
        rate_hz=st.integers(0, 400_000),
        period_samples=st.integers(0, 1 << 20),
        latency_samples=st.integers(0, 1 << 20),
        latency_parts=st.dictionaries(st.text(max_size=10), st.integers(0, 9999), max_size=3),
        device_latency_s=st.none() | st.floats(0, 10),
        position_s=st.floats(0, 1e6),
        hops=st.integers(0, 1 << 40),
        load=st.floats(0, 1000),
        hop_s_max=st.floats(0, 1000),
        misses=st.integers(0, 1 << 40),
        starved_s=st.floats(0, 1e6),
        levels=st.dictionaries(
            st.text(max_size=20),
            st.builds(Level, peak_dbfs=st.floats(), rms_dbfs=st.floats()),
        ),
        gains_db=st.dictionaries(st.text(max_size=20), st.floats()),
        muted=st.tuples(st.text(max_size=20)),
    ),
    st.sampled_from([40, 80, 200]),
    st.sampled_from(["utf-8", "ascii"]),
)
def test_whatever_a_status_says(status: EngineStatus, width: int, encoding: str) -> None:
    lines = shown(status, width, encoding, hop_samples=64).split("\n")[:-1]
    assert {cell_len(line) for line in lines} == {min(width, 120)}
    json.dumps(summary(status, hop_samples=64), allow_nan=False)


def test_a_folder_whose_name_no_encoding_has() -> None:
    assert "to ta?ke" in shown(PLAYING, recording=Recording(folder="ta\udcffke", seconds=1))


def test_colour_only_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn() -> str:
        file = io.StringIO()
        Console(file=file, width=80, force_terminal=True, color_system="truecolor").print(panel(TROUBLED))
        return file.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[1;31m!misses 3" in drawn()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[\d;]*3[0-7]m", drawn())
    assert "!misses 3" in re.sub(r"\x1b\[[\d;]*m", "", drawn())


def test_summary() -> None:
    found = summary(PLAYING, hop_samples=256)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["rate"] == 44100
    assert found["latency_samples"] == 512
    assert found["latency_ms"] == pytest.approx(11.61, abs=0.01)
    assert (found["latency_samples_separator"], found["latency_samples_hop"]) == (256, 256)
    assert found["total_latency_ms"] == pytest.approx(20.31, abs=0.01)
    assert (found["seconds"], found["length_seconds"]) == (83.4, 225.0)
    assert found["hop_ms_p99_9"] == pytest.approx(1.93)
    assert (found["vocals_gain_db"], found["vocals_muted"], found["vocals_peak_dbfs"]) == (-3.0, False, 0.4)
    assert all(not isinstance(value, (dict, list, tuple)) for value in found.values())
    assert all(re.fullmatch("[a-z0-9_]+", key) for key in found)


def test_summary_of_what_is_not_known() -> None:
    found = summary(EMPTY)
    known = {"state", "note", "hops", "misses", "skipped_hops", "device_xruns", "starved_seconds", "clipped_samples"}
    assert {key for key, value in found.items() if value is not None} == known | {"restarts", "bypassed"}
    silent = dataclasses.replace(PLAYING, levels={"input": Level(peak_dbfs=-math.inf, rms_dbfs=math.nan)})
    assert summary(silent)["input_peak_dbfs"] is None
    assert summary(silent)["input_rms_dbfs"] is None
    assert summary(TROUBLED)["total_latency_ms"] is None


def test_summary_keeps_the_names_that_scripts_know() -> None:
    names = (
        "model rate seconds latency_samples latency_ms hops misses load hop_ms_p50 hop_ms_p99 hop_ms_p99_9 hop_ms_max"
    )
    assert set(names.split()) <= set(summary(PLAYING))
