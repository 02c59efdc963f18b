"""`advsep-train paper` as a person runs it."""

from __future__ import annotations

import csv
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from advsep.trainer.datasets.partition import read_partition
from advsep.trainer.paper.checkpoint import load_paper_checkpoint
from advsep.trainer.paper.config import PaperConfig, load_paper_config
from advsep.trainer.run_folder import read_record

from .test_loop import assert_same_runs

Run = Callable[..., Any]
SMALL = [
    f"--set={setting}"
    for setting in (
        [
            "batch_examples=1",
            "patch_frames=16",
            "critic_width=2",
            "critic_steps=1",
            "epoch_steps=2",
            "patience_epochs=9",
        ]
    )
]


def one_line(err: str) -> str:
    (line,) = [line for line in err.splitlines() if line.startswith("advsep-train paper: ")]
    return line


@pytest.fixture
def given(song_folder: Path, tmp_path: Path) -> list[Any]:
    return [song_folder, *SMALL, "--cache", tmp_path / "cache", "--workers", 0]


@pytest.fixture
def solos(song_folder: Path) -> list[Any]:
    """Options that take one song apart."""
    song = song_folder / "corpus" / "song3"
    folders = [song_folder.parent / kind for kind in ("mixtures", "voices", "accompaniments")]
    for folder in folders:
        folder.mkdir()
    (song / "vocals.wav").rename(folders[1] / "a.wav")
    (song / "accompaniment.wav").rename(folders[2] / "a.wav")
    song.rmdir()
    voice, band = (soundfile.read(folder / "a.wav", dtype="float32")[0] for folder in folders[1:])
    soundfile.write(folders[0] / "a.wav", voice + band, 8000)
    return ["--mixtures", folders[0], "--voices", folders[1], "--accompaniments", folders[2]]


def test_from_folders_to_scores(paper: Run, given: list[Any], solos: list[Any], tmp_path: Path) -> None:
    """Train, refuse to overwrite, resume, score."""
    run = tmp_path / "run"
    ended = paper(*given, *solos, "--out", run, "--steps", 3)
    assert (ended.code, ended.out) == (0, ""), ended.err
    assert "warning: not the paper's own settings: batch_examples 1, patch_frames 16, critic_width 2" in ended.err
    assert "paper, semi: 2 tracks to learn from, 1 held out, 0 taken apart; from step 0" in ended.err
    assert f"done, as many steps as wanted: {run / 'best.ckpt'} has L_s" in " ".join(ended.err.split())
    there = ["best.ckpt", "config.toml", "last.ckpt", "log.jsonl", "run.json"]
    assert sorted(p.name for p in run.iterdir()) == there
    config = load_paper_config(run / "config.toml")
    assert config == load_paper_checkpoint(run / "last.ckpt").config
    (session,) = read_record(run).sessions
    counts = {part.part: part.count for part in session.data.parts}
    assert counts == {"train": 2, "valid": 1, "unpaired": 0, "mixtures": 1, "voices": 1, "accompaniments": 1}

    ended = paper(*given, *solos, "--out", run)
    assert (ended.code, "a run is there already" in one_line(ended.err)) == (2, True)
    ended = paper(*given[:1], "--out", run, "--resume")
    assert (ended.code, "step 3 of 3 is done already; ask for more with --steps" in one_line(ended.err)) == (2, True)
    ended = paper(given[0], "--out", run, "--resume", "--steps", 5, "--set", "critic_width=3")
    assert "--set critic_width=3: a resumed run keeps its critic_width" in one_line(ended.err)
    resumed = [given[0], *given[-4:], *solos, "--out", run, "--resume", "--steps", 4]
    assert paper(*resumed).code == 0
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == [1, 2, 3, 4]
    assert ["validation" in entry for entry in log] == [False, True, True, True]
    assert all(np.isfinite([entry["supervised"], entry["unpaired"], entry["additive"]]).all() for entry in log)

    ended = paper("--evaluate", run, given[0], "--csv", tmp_path / "scores.csv", "--cache", tmp_path / "cache")
    assert ended.code == 0, ended.err
    assert "| corpus / song0 | vocals |" in ended.out
    assert "| corpus | vocals | paper |" in ended.out
    rows = list(csv.DictReader((tmp_path / "scores.csv").open()))
    assert {(row["track"], row["signal"]) for row in rows} == {
        (f"song{n}", signal) for n in range(3) for signal in ("model", "mixture")
    }
    assert all(row["sdr_db"] and row["paper_sdr_db"] for row in rows if row["signal"] == "mixture")


def test_a_partition_divides_trains_and_tests(paper: Run, given: list[Any], song_folder: Path, tmp_path: Path) -> None:
    shares = {"train": ["song0"], "valid": ["song1"], "unpaired": ["song2"]}
    (tmp_path / "p.json").write_text(json.dumps({"name": "mine", "music/corpus": shares}))
    run = tmp_path / "run"
    ended = paper(*given, "--partition", tmp_path / "p.json", "--steps", 2, "--out", run)
    assert ended.code == 0, ended.err
    assert "paper, semi: 1 tracks to learn from, 1 held out, 1 taken apart" in ended.err
    assert "warning: the partition names no share for 1 tracks, which are left out: corpus/song3" in ended.err
    assert read_partition(run / "partition.json").corpora["music/corpus"]["unpaired"] == ("song2",)
    items = {(item.part, item.name) for item in read_record(run).sessions[0].data.items}
    assert items == {("train", "song0"), ("valid", "song1"), ("unpaired", "song2")}
    ended = paper("--evaluate", run, song_folder)
    assert "names no test track" in one_line(ended.err)
    # Resumed without --partition it takes its own.
    ended = paper(given[0], *given[-4:], "--resume", "--steps", 3, "--out", run)
    assert ended.code == 0, ended.err
    assert "other recordings" not in ended.err

    shares["test"] = ["song3"]
    (tmp_path / "p.json").write_text(json.dumps({"corpus": shares}))
    ended = paper("--evaluate", run / "best.ckpt", song_folder, "--partition", tmp_path / "p.json")
    assert ended.code == 0, ended.err
    assert "song3" in ended.out
    assert "song0" not in ended.out


def test_killed_by_the_system_and_resumed_is_uninterrupted(paper: Run, given: list[Any], tmp_path: Path) -> None:
    """SIGKILL at a random moment of a real program, with worker processes."""
    run, whole = tmp_path / "run", tmp_path / "whole"
    given = [*given[:-2], "--mode", "supervised", "--set", "checkpoint_steps=1", "--steps", 5]
    code = "from advsep.trainer.paper.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, [*given, "--workers", 1, "--out", run])],
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    give_up = time.monotonic() + 90
    while not (run / "last.ckpt").exists() and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.3))
    os.killpg(process.pid, signal.SIGKILL)
    _, err = process.communicate()
    assert process.returncode == -signal.SIGKILL, err
    step = load_paper_checkpoint(run / "last.ckpt").step
    ended = paper(given[0], *given[7:9], "--workers", 0, "--out", run, "--resume")
    assert ended.code == 0, ended.err
    assert f"from step {step}" in ended.err
    assert paper(*given, "--workers", 0, "--out", whole).code == 0
    assert_same_runs(whole, run)
    steps = [json.loads(line)["step"] for line in (run / "log.jsonl").read_text().splitlines()]
    assert steps == list(range(1, 6))


def test_ctrl_c_saves(paper: Run, given: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from advsep.trainer.paper import display

    real = display._log_line

    def pressed(now: Any) -> str:
        os.kill(os.getpid(), signal.SIGINT)
        return real(now)

    monkeypatch.setattr(display, "_log_line", pressed)
    ended = paper(*given, "--mode", "supervised", "--out", tmp_path / "run")
    assert ended.code == 130
    assert f"stopped; saved {tmp_path / 'run' / 'last.ckpt'}; go on with --resume" in ended.err
    assert load_paper_checkpoint(tmp_path / "run" / "last.ckpt").step == 1


def test_validation_ends_a_run_and_says_so(paper: Run, given: list[Any], tmp_path: Path) -> None:
    """With a rate that changes nothing the second epoch is no better."""
    run = tmp_path / "run"
    more = ["--mode", "supervised", "--set", "learning_rate=1e-30", "--set", "epoch_steps=1", "--out", run]
    given = [word for word in given if word not in ("--set=patience_epochs=9", "--set=epoch_steps=2")]
    ended = paper(*given, *more)
    assert ended.code == 0, ended.err
    assert "done, validation no longer improves" in ended.err
    step = load_paper_checkpoint(run / "last.ckpt").step
    ended = paper(*given[:1], "--out", run, "--resume")
    assert f"validation ended the run at step {step}; ask for more with --set patience_epochs=2" in one_line(ended.err)


def test_print_config_is_a_preset_file_and_the_papers(paper: Run, tmp_path: Path) -> None:
    ended = paper("--print-config")
    assert (ended.code, ended.err) == (0, "")
    (tmp_path / "my.toml").write_text(ended.out)
    assert load_paper_config(tmp_path / "my.toml") == load_paper_config() == PaperConfig()
    changed = paper("--preset", tmp_path / "my.toml", "--mode", "supervised", "--set", "gain_range=[0.5, 1]")
    assert "give DATA" in one_line(changed.err)
    ended = paper("--preset", tmp_path / "my.toml", "--mode", "supervised", "--print-config")
    assert 'mode = "supervised"' in ended.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give DATA, the folders with tracks"),
        (["music"], "give --out RUN, the folder to write to"),
        (["music", "--resume"], "--resume needs --out RUN"),
        (["music", "--evaluate", "run", "--out", "run"], "--evaluate trains nothing"),
        (["music", "--evaluate", "run"], "run: no such checkpoint"),
        (["music", "--csv", "x.csv"], "--csv needs --evaluate RUN"),
        (["--set", "batch_example=3"], "unknown key 'batch_example' (did you mean 'batch_examples'?)"),
        (["--set", "patch_frames=20"], "--set patch_frames=20: patch_frames must be a multiple of 16"),
        (["--set", "gain_range=[1, 0.5]"], "gain_range must be two rising positive factors"),
        (["--mode", "joint"], "--mode joint: expected one of supervised, semi"),
        (["--seed", "2", "--set", "seed=1"], "--seed 2 and --set seed=1 are one setting"),
        (["--preset", "gone.toml"], "gone.toml: cannot read the preset"),
        (["music", "--out", "run"], "music: no such folder"),
        (["music", "--out", "run", "--partition", "papr"], "no such folder"),
    ],
)
def test_a_wrong_option_is_one_line(
    paper: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = paper(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert says in one_line(ended.err)
    assert not list(tmp_path.iterdir())


def test_bad_recordings_are_one_line(paper: Run, given: list[Any], solos: list[Any], tmp_path: Path) -> None:
    out = ["--out", tmp_path / "run"]
    (tmp_path / "empty").mkdir()
    ended = paper(tmp_path / "empty", *given[1:], *out)
    assert f"{tmp_path / 'empty'}: no tracks; expected folders" in one_line(ended.err)
    ended = paper(*given, *out, "--mixtures", tmp_path / "empty")
    assert f"{tmp_path / 'empty'}: no recordings; expected files" in one_line(ended.err)
    ended = paper(*given, *out)
    assert "mode semi needs unpaired mixtures, found none" in one_line(ended.err)
    ended = paper(*given, *out, "--partition", "papr")
    assert "--partition papr: expected paper, paper-no-ikala or a .json file" in one_line(ended.err)
    ended = paper(*given, *out, "--partition", "paper-no-ikala")
    assert "needs tracks of dsd100, medleydb, ccmixter, found none" in one_line(ended.err)
    (tmp_path / "p.json").write_text(json.dumps({"other": {"train": ["song0"]}}))
    ended = paper(*given, *out, "--partition", tmp_path / "p.json")
    assert "names none of the 3 tracks" in one_line(ended.err)
    bad = np.full(4000, 0.1, np.float32)
    bad[1234] = np.nan
    soundfile.write(tmp_path / "voices" / "nan.wav", bad, 8000, subtype="FLOAT")
    ended = paper(*given, *solos, *out)
    assert (ended.code, ended.out) == (2, "")
    assert "nan.wav: sample 1234 (0.154 s) is not a finite number" in one_line(ended.err)
    assert not (tmp_path / "run").exists()


def test_a_track_shorter_than_an_excerpt_trains(
    paper: Run, write_track: Callable[..., Path], given: list[Any], tmp_path: Path
) -> None:
    for number in range(2):
        write_track(tmp_path / "short" / f"song{number}", seed=number, seconds=0.02)
    ended = paper(tmp_path / "short", *given[1:], "--mode", "supervised", "--steps", 2, "--out", tmp_path / "run")
    assert ended.code == 0, ended.err
    ended = paper("--evaluate", tmp_path / "run", tmp_path / "short", "--cache", tmp_path / "cache")
    assert ended.code == 0, ended.err


def test_help_has_examples_that_the_program_takes(paper: Run) -> None:
    ended = paper("--help")
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= 80
    examples = ended.out.split("Examples:")[1].split("The run folder")[0].replace("\\\n", " ")
    given = re.findall(r"^ +advsep-train paper (.*?)(?: >.*)?$", examples, re.MULTILINE)
    assert len(given) == 6
    for words in given:
        if "--evaluate" not in words:
            ended = paper(*words.split(), *["--print-config"] * ("--print-config" not in words))
            assert (ended.code, ended.out[:15]) == (0, 'name = "paper"\n'), ended.err
