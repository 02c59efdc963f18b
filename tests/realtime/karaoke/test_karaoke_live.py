"""`advsep-live --karaoke`: a real song, separated by the bundled model ahead of the playhead, and a take of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from advsep.realtime.controls import Action
from advsep.realtime.demo.song import demo_song
from advsep.realtime.karaoke.karaoke_run import KaraokeRun
from advsep.realtime.options import LiveOptions
from waiting import until

pytestmark = pytest.mark.live

Live = Callable[..., Any]
WORDS = "[ti:A song]\n[00:00.20]first line\n[00:01.20]second line\n[00:03.00]third line\n"


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Eight seconds of the demo song."""
    song = demo_song(44100, 8.0)
    path = tmp_path_factory.mktemp("songs") / "a song.flac"
    soundfile.write(path, song.mixture, 44100)
    path.with_suffix(".lrc").write_text(WORDS)
    return path


def test_a_song_is_sung_to_and_the_take_is_kept(music: Path, home: Path, live: Live) -> None:
    takes = home / "takes"
    ended = live("--karaoke", music, "-i", "null", "-o", "null", "--seconds", "3", "--record", takes, "--json",
                 "--guide", "50", "--key", "2", "--tempo", "90")  # fmt: skip
    assert ended.code == 0, ended.err
    found = ended.json
    assert (found["state"], found["song"], found["key_semitones"], found["tempo"]) == ("ended", str(music), 2.0, 0.9)
    assert found["vocals_gain_db"] == pytest.approx(-6.02, abs=0.01)
    assert not found["vocals_muted"]
    assert found["length_seconds"] == pytest.approx(8.0, abs=0.01)
    assert found["latency_samples"] == found["latency_samples_hop_and_block"] + found["latency_samples_plugins"]
    assert found["latency_samples_hop_and_block"] == 128
    # What was not separated yet at first is not made up for.
    assert found["seconds"] == pytest.approx((3.0 - found["starved_seconds"]) * 0.9, abs=0.25)
    (take,) = takes.iterdir()
    details = json.loads((take / "take.json").read_text())
    assert (details["song"], details["key_semitones"], details["tempo_percent"]) == ("A song", 2.0, 90.0)
    lengths = {path.stem: len(soundfile.read(path)[0]) for path in take.glob("*.wav")}
    assert set(lengths) == {"microphone raw", "microphone", "accompaniment", "mixdown"}
    assert len(set(lengths.values())) == 1
    band = soundfile.read(take / "accompaniment.wav")[0]
    assert np.abs(band).max() > 0.05


def test_keys_change_the_song_and_the_words_are_shown(music: Path, home: Path) -> None:
    with KaraokeRun(LiveOptions(source="null", output="null", song=music), music) as run:
        run.start()
        until(lambda: run.status().position_s > 1.3, 30)
        assert run.song_lines[:2] == ("second line", "third line")
        for action in (Action.KEY_UP, Action.FASTER, Action.WORDS_LATER, Action.MICROPHONE_UP, Action.VOICE_UP):
            run.act(action)
        until(lambda: run.status().key_semitones == 1 and run.status().tempo == pytest.approx(1.05), 10)
        assert "key +1 · tempo 105 % · words +0.05 s" in run.song_lines[2]
        until(lambda: run.status().gains_db["microphone"] == 1.0, 5)
        run.act(Action.AHEAD)
        until(lambda: run.status().position_s > 6.0, 20)
        assert run.status().state == "playing"
        until(lambda: not run.running, 20)  # at the song's end, and a moment for its echo
        assert run.status().position_s == pytest.approx(8.0, abs=0.05)
        assert run.failure() is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--karaoke", "nope.mp3", "-i", "null"], "nope.mp3: cannot be read"),
        (["--karaoke", "{song}", "-i", "{song}"], "--karaoke: expected devices as -i and -o, found a file"),
        (["--karaoke", "{song}", "-i", "null", "-o", "out/"], "--karaoke: expected devices as -i and -o, found a file"),
        (["-i", "{song}", "--guide", "40"], "--guide, --key and --tempo go with --karaoke"),
        (["--karaoke", "{song}", "--key", "13"], "less than or equal to 12"),
        (["--karaoke", "{song}", "-i", "null", "--loop", "9-3"], "a loop: expected an end at least 0.05 s after"),
    ],
)
def test_what_cannot_be_sung_to_is_refused(
    arguments: list[str], words: str, music: Path, home: Path, live: Live
) -> None:
    ended = live(*(part.format(song=music) for part in arguments))
    assert ended.code == 2
    assert words in ended.err
    assert ended.err.count("\n") == 1
    assert not (home / "data").exists()
