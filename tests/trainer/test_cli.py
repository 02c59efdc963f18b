"""`advsep-train` and `advsep-eval` as a person runs them."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from advsep.trainer import loop
from advsep.trainer.checkpoint import load_checkpoint
from advsep.trainer.config import load_preset, preset_names
from advsep.trainer.run_folder import read_record

Run = Callable[..., tuple[int, str, str]]


def one_line(err: str) -> str:
    """The one line of a program that refused its input, which may draw a progress bar above it."""
    assert "Traceback" not in err
    (line,) = [line for line in err.splitlines() if line.startswith(("advsep-train: ", "advsep-eval: "))]
    return line


def log_of(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


@pytest.fixture
def arguments(song_folder: Path, tiny_toml: Path, tmp_path: Path) -> list[Any]:
    return [song_folder, "--out", tmp_path / "run", "--preset", tiny_toml, "--cache", tmp_path / "cache"]


def test_from_folders_to_stems(program: Run, arguments: list[Any], tmp_path: Path) -> None:
    """Train, refuse to overwrite, resume, export, separate, score."""
    run = tmp_path / "run"
    code, out, err = program("advsep-train", *arguments, "--workers", 0, "--seed", 3)
    assert (code, out) == (0, ""), err
    assert "Traceback" not in err
    assert "AMP" not in err
    assert f"done: {run / 'best.ckpt'}" in err
    there = ["best.ckpt", "config.toml", "last.ckpt", "log.jsonl", "run.json", "tensorboard"]
    assert sorted(p.name for p in run.iterdir()) == there
    assert [entry["step"] for entry in log_of(run)] == [1, 2, 3, 4, 5, 6]
    assert ["validation" in entry for entry in log_of(run)] == [False, False, True] * 2
    assert tomllib.loads((run / "config.toml").read_text())["seed"] == 3
    assert load_checkpoint(run / "last.ckpt").corpora == ("corpus",)

    code, _, err = program("advsep-train", *arguments)
    assert (code, one_line(err)) == (
        2,
        f"advsep-train: {run}: a run is there already; go on with --resume, or choose another --out",
    )
    code, _, err = program("advsep-train", *arguments, "--resume")
    assert code == 2
    assert "step 6 of 6 is done already; ask for more with --steps" in one_line(err)
    # Lines of steps that a killed run did after its last checkpoint are done again.
    with (run / "log.jsonl").open("a") as log:
        log.write('{"step": 7, "loss": 99}\n{"ste')
    code, _, err = program("advsep-train", *arguments, "--resume", "--steps", 8, "--workers", 0)
    assert code == 0, err
    assert [entry["step"] for entry in log_of(run)] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert load_checkpoint(run / "last.ckpt").config.seed == 3
    assert "warning: a resumed run keeps its own settings" in err  # the preset's seed is not 3
    assert "other recordings" not in err
    assert [session.from_step for session in read_record(run).sessions] == [0, 6]

    model = tmp_path / "tiny.onnx"
    code, out, err = program("advsep-export", run / "best.ckpt", "-o", model)
    assert code == 0, err
    assert f"wrote {model}" in out
    song = next((tmp_path / "music").rglob("song1"))
    mixture = sum(soundfile.read(song / f"{stem}.wav", dtype="float32")[0] for stem in ("vocals", "accompaniment"))
    soundfile.write(tmp_path / "mix.wav", mixture, 8000, subtype="FLOAT")
    code, _, err = program("advsep-live", "-i", tmp_path / "mix.wav", "-o", f"{tmp_path / 'stems'}/", "--model", model)
    assert code == 0, err
    parts = [
        soundfile.read(tmp_path / "stems" / f"{stem}.wav", dtype="float32")[0] for stem in ("vocals", "accompaniment")
    ]
    assert all(len(part) == len(mixture) for part in parts)
    assert np.abs(parts[0] + parts[1] - mixture).max() < 1e-6
    assert all(np.abs(part).max() > 1e-4 for part in parts)

    code, out, err = program("advsep-eval", model, tmp_path / "music", "--json", tmp_path / "scores.json")
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0] == "| track | vocals | gain | accompaniment | gain |"
    assert len(lines) == 2 + 4 + 1
    assert lines[-1].startswith("| **corpus**, mean of 4 |")
    assert len(json.loads((tmp_path / "scores.json").read_text())["scores"]) == 4


def test_a_run_folder_repeats_its_run(program: Run, arguments: list[Any], tmp_path: Path) -> None:
    settings = ["--set", "optimiser.learning_rate=3e-3", "--set", "remix.pair_probability=0.25", "--set", "name=a b"]
    code, _, err = program("advsep-train", *arguments, *settings, "--steps", 2, "--seed", 9, "--workers", 0)
    assert code == 0, err
    first, again = tmp_path / "run", tmp_path / "again"
    config = load_checkpoint(first / "last.ckpt").config
    assert (config.name, config.steps, config.seed, config.lanes) == ("a b", 2, 9, 2)
    assert (config.optimiser.learning_rate, config.remix.pair_probability) == (0.003, 0.25)
    repeat = [*arguments[:2], again, "--preset", first / "config.toml", *arguments[5:]]
    code, _, err = program("advsep-train", *repeat, "--workers", 0)
    assert code == 0, err
    assert (again / "config.toml").read_text() == (first / "config.toml").read_text()
    one, two = (load_checkpoint(folder / "last.ckpt").network for folder in (first, again))
    assert all(torch.equal(one[name], two[name]) for name in one)
    sessions = [read_record(folder).sessions[0] for folder in (first, again)]
    assert shlex.split(sessions[0].command)[-9:-5] == ["remix.pair_probability=0.25", "--set", "name=a b", "--steps"]
    assert sessions[0].data == sessions[1].data
    assert [(part.part, part.count) for part in sessions[0].data.parts] == [("train", 3), ("valid", 1)]

    # Other recordings under the same command: told, and kept in the record.
    shutil.copytree(tmp_path / "music" / "corpus" / "song1", tmp_path / "music" / "corpus" / "song1b")
    code, _, err = program("advsep-train", *arguments, "--resume", "--set", "steps=3", "--workers", 0)
    assert code == 0, err
    assert "warning: other recordings than before: train: 1 new (corpus/song1b)" in err
    assert [len(session.data.items) for session in read_record(first).sessions] == [4, 5]
    code, _, err = program("advsep-train", *arguments, "--resume", "--set", "lanes=3")
    assert (code, "--set lanes=3: a resumed run keeps its lanes" in one_line(err)) == (2, True)


def test_the_same_command_goes_on_where_weights_were_given(program: Run, arguments: list[Any], tmp_path: Path) -> None:
    code, _, err = program("advsep-train", *arguments, "--steps", 1, "--workers", 0)
    assert code == 0, err
    begun = [*arguments[:2], tmp_path / "begun", *arguments[3:], "--from", tmp_path / "run", "--workers", 0]
    code, _, err = program("advsep-train", *begun, "--steps", 1)
    assert code == 0, err
    code, _, err = program("advsep-train", *begun, "--resume", "--steps", 2)
    assert code == 0, err
    assert "keeps its own settings" not in err  # a preset says nothing of what a run began with
    assert load_checkpoint(tmp_path / "begun" / "last.ckpt").step == 2
    code, _, err = program("advsep-train", *arguments, "--from", "live-12", "--resume", "--steps", 2)
    assert code == 2
    assert "--from live-12: this run began with random weights and goes on with its own" in one_line(err)


def test_print_config_is_a_preset_file(program: Run, tmp_path: Path) -> None:
    settings = ["--preset", "live-6", "--set", "signal.bands=224", "--set", "mode=joint", "--steps", 7]
    code, out, err = program("advsep-train", *settings, "--print-config")
    assert (code, err) == (0, "")
    (tmp_path / "my.toml").write_text(out)
    six = load_preset("live-6")
    signal_of = dataclasses.replace(six.signal, bands=224)
    assert load_preset(str(tmp_path / "my.toml")) == dataclasses.replace(six, signal=signal_of, mode="joint", steps=7)
    assert program("advsep-train", "--preset", tmp_path / "my.toml", "--print-config").out == out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give DATA, the folders with tracks, as in advsep-train music/ --out runs/mine"),
        (["music"], "give --out RUN, the folder to write to"),
        (["music", "--resume"], "--resume needs --out RUN"),
        (["--set", "step=3"], "--set step=3: unknown key 'step' (did you mean 'steps'?)"),
        (["--set", "learning_rate=1"], "did you mean 'optimiser.learning_rate'?"),
        (["--set", "optimiser.clip_norm=0"], "--set optimiser.clip_norm=0: optimiser.clip_norm must be positive"),
        (["--set", "seed=1", "--seed", "2"], "--seed 2 and --set seed=1 are one setting; give one of them"),
        (["--mode", "sami"], "--mode sami: expected one of supervised, semi, joint"),
        (["--steps", "0"], "Invalid value for '--steps'"),
    ],
)
def test_a_wrong_option_is_one_line(program: Run, arguments: list[str], says: str) -> None:
    code, out, err = program("advsep-train", *arguments)
    assert (code, out) == (2, "")
    assert says in one_line(err)


def test_help_tells_a_stranger_what_there_is(program: Run) -> None:
    code, out, _ = program("advsep-train", "--help")
    assert code == 0
    assert all(name in out for name in (*preset_names(), "doctor", "config.toml", "run.json", "--print-config"))
    examples = out.split("Examples:")[1].split("The run folder")[0].replace("\\\n", " ")
    given = re.findall(r"^ +advsep-train (?!doctor|partition|shard|paper)(.*?)(?: >.*)?$", examples, re.MULTILINE)
    # Each is one that the program takes; those that go on from a run, or have a file of their own, need it.
    given = [words.split() for words in given if not any(x in words for x in ("--resume", ".toml", "--adapt"))]
    assert len(given) == 6
    for words in given:
        code, printed, err = program("advsep-train", *words, "--print-config")
        assert (code, printed[:8]) == (0, 'name = "'), err
    code, out, _ = program("advsep-train", "doctor", "--help")
    assert (code, out.split()[:3]) == (0, ["Usage:", "advsep-train", "doctor"])


def start(arguments: list[Any], *more: Any) -> subprocess.Popen[str]:
    code = "from advsep.trainer.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, [*arguments, *more])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def ctrl_c(process: subprocess.Popen[str], ready: Callable[[], bool]) -> str:
    """Interrupt the whole process group, as a terminal does; returns stderr."""
    give_up = time.monotonic() + 90
    while not ready() and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.02)
    assert process.poll() is None, process.communicate()
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err, err
    assert out == ""
    return err


def test_ctrl_c_saves_and_resume_completes(program: Run, arguments: list[Any], tmp_path: Path) -> None:
    run = tmp_path / "run"
    log = run / "log.jsonl"
    process = start(arguments, "--steps", 100000, "--workers", 1)
    err = ctrl_c(process, lambda: log.is_file() and log.stat().st_size > 2000)
    assert process.returncode == 130
    assert f"stopped; saved {run / 'last.ckpt'}; go on with --resume" in err
    step = load_checkpoint(run / "last.ckpt").step
    assert step == log_of(run)[-1]["step"]
    code, _, err = program("advsep-train", *arguments, "--resume", "--steps", step + 3, "--workers", 0)
    assert code == 0, err
    # Where Ctrl-C cut a validation short, its scores have a line of their own.
    logged = [entry["step"] for entry in log_of(run) if entry["loss"] is not None]
    assert logged == list(range(1, step + 4))


def test_ctrl_c_while_decoding(tmp_path: Path, write_track: Callable[..., Path], tiny_toml: Path) -> None:
    for number in range(60):
        write_track(tmp_path / "music" / f"song{number}", rate_hz=44100, seconds=8.0)
    cache = tmp_path / "cache"
    process = start([tmp_path / "music", "--out", tmp_path / "run", "--preset", tiny_toml, "--cache", cache])
    ctrl_c(process, lambda: len(list(cache.glob("*/track.json"))) > 2)
    assert process.returncode == 130
    assert not list(cache.glob("tmp*"))
    whole = list(cache.glob("*/track.json"))
    assert 0 < len(whole) < 60
    assert not (tmp_path / "run" / "last.ckpt").exists()


def test_ctrl_c_during_validation(
    program: Run, arguments: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = loop.score_track

    def pressed(*given: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return real(*given)

    monkeypatch.setattr(loop, "score_track", pressed)
    code, _, err = program("advsep-train", *arguments, "--workers", 0)
    assert code == 130
    assert "Traceback" not in err
    assert "stopped; saved" in err
    assert load_checkpoint(tmp_path / "run" / "last.ckpt").step == 3


def test_resume_without_a_run(program: Run, arguments: list[Any], tmp_path: Path) -> None:
    code, _, err = program("advsep-train", *arguments, "--resume")
    assert code == 2
    assert f"{tmp_path / 'run' / 'last.ckpt'}: no such checkpoint" in one_line(err)
    assert not (tmp_path / "run").exists()


def test_a_bad_preset_key_suggests_the_nearest(program: Run, arguments: list[Any], tiny_toml: Path) -> None:
    tiny_toml.write_text(tiny_toml.read_text().replace("lanes", "lane"))
    code, _, err = program("advsep-train", *arguments)
    assert code == 2
    assert f"{tiny_toml} has an unknown key 'lane' (did you mean 'lanes'?)" in one_line(err)


def test_bad_folders_are_one_line(program: Run, arguments: list[Any], tmp_path: Path) -> None:
    code, _, err = program("advsep-train", tmp_path / "gone", *arguments[1:])
    assert code == 2
    assert f"{tmp_path / 'gone'}: no such folder" in one_line(err)
    (tmp_path / "run").write_text("a file is in the way")
    code, _, err = program("advsep-train", *arguments)
    assert code == 2
    assert f"{tmp_path / 'run'}: cannot write to the run folder" in one_line(err)


def test_splits_that_leave_nothing_to_learn_from(program: Run, arguments: list[Any], tmp_path: Path) -> None:
    names = [f"song{i}" for i in range(4)]
    (tmp_path / "splits.json").write_text(json.dumps({"corpus": {"valid": names[:1], "test": names[1:]}}))
    code, _, err = program("advsep-train", *arguments, "--splits", tmp_path / "splits.json")
    assert code == 2
    assert "no tracks to learn from" in one_line(err)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--split", "train"], "--split train needs --splits FILE"),
        (["--splits", "splits.json", "--split", "trian"], "--split trian: expected one of train, valid, test"),
        ([], "gone.onnx: no such model file"),
    ],
)
def test_eval_refuses_in_one_line(program: Run, song_folder: Path, more: list[str], says: str) -> None:
    code, _, err = program("advsep-eval", "gone.onnx", song_folder, *more)
    assert code == 2
    assert says in one_line(err)
