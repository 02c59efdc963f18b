"""`advsep-eval` as a person runs it: tables, files, comparisons, and refusals in one line."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from advsep.trainer.config import TrainConfig
from advsep.trainer.metrics import Metrics
from advsep.trainer.report import StemScore, as_csv, read_csv
from PIL import Image
from random_models import write_random_model

Run = Callable[..., tuple[int, str, str]]


WRITTEN: list[bytes] = []  # exporting takes longer than all else here


@pytest.fixture
def tiny_model(tiny: Callable[..., TrainConfig], tmp_path: Path) -> Path:
    path = tmp_path / "tiny.onnx"
    if not WRITTEN:
        write_random_model(tiny(), path)
        WRITTEN.append(path.read_bytes())
    path.write_bytes(WRITTEN[0])
    return path


@pytest.fixture
def music(tmp_path: Path, write_track: Callable[..., Path]) -> Path:
    write_track(tmp_path / "music" / "a" / "one", seed=1)
    write_track(tmp_path / "music" / "b" / "two", seed=2)
    write_track(tmp_path / "music" / "b" / "silent", voice=np.zeros(16000))
    return tmp_path / "music"


def refusal(run: tuple[int, str, str]) -> str:
    code, out, err = run
    assert (code, out) == (2, ""), err
    assert "Traceback" not in err
    (line,) = [line for line in err.splitlines() if line.startswith("advsep-eval: ")]
    return line.removeprefix("advsep-eval: ")


def test_a_model_from_tracks_to_files(program: Run, tiny_model: Path, music: Path, tmp_path: Path) -> None:
    names = ("s.csv", "s.md", "s.png", "s.json")
    made = [tmp_path / name for name in names]
    options = [x for pair in zip(("--csv", "--markdown", "--figure", "--json"), made, strict=True) for x in pair]
    code, out, err = program("advsep-eval", tiny_model, music, *options)
    assert code == 0, err
    assert out.splitlines()[0] == "| track | vocals | gain | accompaniment | gain |"
    assert len(out.splitlines()) == 2 + 3 + 2
    assert "separating with tiny" in err

    scores = read_csv(made[0])
    assert len(scores) == 3 * 3 * 2  # tracks, signals, stems
    row = next(csv.DictReader(io.StringIO(made[0].read_text())))
    assert (row["model"], row["corpus"], row["track"], row["signal"]) == ("tiny", "a", "one", "model")
    assert all(row[key] for key in row if key != "leak_db"), row  # nothing is missing of a track that sounds
    silent = next(s for s in scores if (s.track, s.stem, s.signal) == ("silent", "vocals", "model"))
    assert silent.metrics.leak_db < 0

    text = made[1].read_text()
    assert "# tiny\n" in text
    (means,) = re.findall(r"^\| b \| vocals \| sdr \|.*", text, re.MULTILINE)
    assert means.endswith("| 1 |")  # the silent voice is no part of it
    assert re.search(r"^\| b / silent \| vocals \| – \| – .*\| -\d+\.\d\d \|$", text, re.MULTILINE)
    (told,) = re.findall(r"^\| a / one \| vocals \| \S+ \| (\S+) \|", text, re.MULTILINE)
    assert float(told) == pytest.approx(float(row["sdr_db"]), abs=0.005)

    assert Image.open(made[2]).format == "PNG"
    plain = json.loads(made[3].read_text())
    assert plain["model"] == "tiny"
    assert plain["scores"][0]["vocals_db"] == plain["stems"][0]["sdr_db"] == float(row["sdr_db"])

    compared = program("advsep-eval", "--compare", made[0], tiny_model, music, "--quick", "--metric", "si-sdr")
    assert compared[0] == 0, compared[2]
    assert "vocals, si-sdr: tiny is 0.00 dB better than s, 2 tracks: too few for an interval" in compared[1]


def test_on_a_screen_everything_is_shown(
    program: Run, tiny_model: Path, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "150")
    code, out, err = program("advsep-eval", tiny_model, music, "--quick")
    assert code == 0, err
    shown = re.sub(r"\x1b\[[0-9;]*m", "", out)
    assert "Each track, dB" in shown
    assert re.search(r"│ b / two +│ accompaniment +│", shown)
    assert re.search(r"│ all +│ vocals +│ si-sdr +│", shown)
    assert "museval" not in shown


def write_scores(path: Path, gains_db: dict[str, float]) -> Path:
    made = [
        StemScore(path.stem, track[0], track, stem, "model", Metrics(sdr_db=5 + gain))
        for track, gain in gains_db.items()
        for stem in ("vocals", "accompaniment")
    ]
    path.write_text(as_csv(made), "utf-8")
    return path


def test_two_files_in_a_sentence(program: Run, tmp_path: Path) -> None:
    old = write_scores(tmp_path / "old.csv", {f"{'abcde'[i % 5]}{i}": 0.0 for i in range(15)})
    new = write_scores(tmp_path / "new.csv", {f"{'abcde'[i % 5]}{i}": 0.3 + 0.02 * i for i in range(15)})
    options = ["--markdown", tmp_path / "c.md", "--figure", tmp_path / "c.png"]
    code, out, err = program("advsep-eval", "--compare", old, new, *options)
    assert (code, err) == (0, "")
    says = r"^vocals, sdr: new is 0\.44 dB better than old \(95 %: (0\.\d\d) to (0\.\d\d)\), 15 tracks$"
    (ends,) = re.findall(says, out, re.MULTILINE)
    # Standard error 0.02 * sqrt(20 / 15) = 0.0231 dB, Student's 2.14 of them: 0.39 to 0.49.
    assert [float(end) for end in ends] == pytest.approx([0.39, 0.49], abs=0.011)
    assert "| a / a0 | vocals | 5.00 | 5.30 | +0.30 |" in out
    assert (tmp_path / "c.md").read_text() == out
    assert Image.open(tmp_path / "c.png").width > 600
    code, out, _ = program("advsep-eval", "--compare", new, old, "--by-corpus")
    assert code == 0
    assert re.search(r"^vocals, sdr: old is 0\.44 dB worse than new \(95 %: .*\), 15 tracks of 5 corpora", out, re.M)


def test_two_models_on_the_same_tracks(
    program: Run, tiny_model: Path, tmp_path: Path, write_track: Callable[..., Path]
) -> None:
    """The bundled one beside a file of one's own, of another rate; of a published set the test track alone."""
    for half in ("train", "test"):
        song = write_track(tmp_path / "musdb" / half / f"A - {half}", seed=3, seconds=1.0)
        for name in ("bass", "drums", "other", "mixture"):
            shutil.copy(song / "accompaniment.wav", song / f"{name}.wav")
    options = [tmp_path / "musdb", "--quick", "--cache", tmp_path / "cache", "--figure", tmp_path / "c.png"]
    code, out, err = program("advsep-eval", "--compare", "live-12", tiny_model, *options)
    assert code == 0, err
    assert [err.count(f"separating with {name}") for name in ("live-12", "tiny")] == [1, 1]
    assert err.count("1 of 2 tracks, the others are left out") == 1
    (row,) = re.findall(r"^\| musdb18hq / A - test \| vocals \| (\S+) \| (\S+) \| (\S+) \|$", out, re.MULTILINE)
    a, b, gain = map(float, row)
    assert b - a == pytest.approx(gain, abs=0.011)
    assert abs(gain) > 0.05
    word = "better" if gain > 0 else "worse"
    assert f"vocals, sdr: tiny is {abs(gain):.2f} dB {word} than live-12, 1 track: too few for an interval" in out
    assert Image.open(tmp_path / "c.png").format == "PNG"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["gone.onnx", "{music}"], "gone.onnx: no such model file"),
        (["live-12", "empty"], "empty: no tracks; expected folders that each hold vocals.wav"),
        (["live-12", "{music}", "--metric", "snr"], "--metric snr: expected one of sdr, si-sdr, museval"),
        (["live-12", "{music}", "--csv", "gone/s.csv"], "gone/s.csv: cannot be written: no such folder; make gone"),
        (["live-12", "{music}", "--by-corpus"], "--by-corpus needs --compare"),
        (["live-12", "{music}", "{music}/../again"], "expected another name than that of .*, found 'a / one' for both"),
        (["--compare", "old.csv", "other.csv"], "old and other: expected scores of the same tracks, found 2 stems"),
        (["--compare", "old.csv", "gone.csv"], "gone.csv: cannot be read: No such file"),
        (
            ["--compare", "old.csv", "live-12"],
            "--compare: a model needs tracks; expected folders with tracks behind A and B",
        ),
        (["--compare", "old.csv", "old.csv", "--csv", "s.csv"], "--compare writes no --csv"),
        (["live-12", "{music}", "--quick", "--metric", "paper"], "--quick leaves out what --metric paper needs"),
        (["--compare", "old.csv", "old.csv", "--metric", "museval"], "no track has the metric museval in both"),
        (["--compare", "old.csv"], "(?i)missing argument 'data"),
    ],
)
def test_refusals(
    program: Run,
    music: Path,
    tmp_path: Path,
    write_track: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    write_track(tmp_path / "again" / "a" / "one")
    write_scores(tmp_path / "old.csv", {"a1": 1.0, "a2": 2.0})
    write_scores(tmp_path / "other.csv", {"a1": 1.0})
    line = refusal(program("advsep-eval", *(each.format(music=music) for each in arguments)))
    assert re.search(says, line)
