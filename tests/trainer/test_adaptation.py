"""A trained model made better for recordings of one's own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from advsep.realtime.errors import AdvsepError
from advsep.realtime.model import read_model_spec
from advsep.trainer.adaptation import held_back, held_back_track, own_folders
from advsep.trainer.checkpoint import load_checkpoint
from advsep.trainer.config import TrainConfig
from advsep.trainer.recordings import Recording
from random_models import write_random_model

Run = Callable[..., Any]


def folder(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).mkdir(parents=True)
    return root


def test_folders_are_known_by_their_names(tmp_path: Path) -> None:
    own = own_folders(folder(tmp_path / "a", "Vocals", "bands", "notes"))
    assert (own.voices, own.accompaniments, own.mixtures) == ([tmp_path / "a/Vocals"], [tmp_path / "a/bands"], [])
    assert own.settings["mode"] == "supervised"
    assert own.settings["remix.solo_probability"] == 1.0
    plain = own_folders(folder(tmp_path / "b", "some", "thing"))
    assert (plain.mixtures, plain.settings["mode"]) == ([tmp_path / "b"], "self")
    assert own_folders(folder(tmp_path / "c", "voices", "songs")).settings["mode"] == "self"
    with pytest.raises(AdvsepError, match="found voices but no accompaniments and no mixtures; add a folder"):
        own_folders(folder(tmp_path / "d", "voices"))
    with pytest.raises(AdvsepError, match="no such folder"):
        own_folders(tmp_path / "none")


def test_the_end_of_each_is_held_back() -> None:
    rng = np.random.default_rng(0)
    voices, bands = (
        [Recording(Path(), rng.integers(-9999, 9999, (length, channels), np.int16), 3000.0) for length in lengths]
        for lengths, channels in (((1000, 2000), 1), ((4000,), 2))
    )
    kept, ends = held_back(voices)
    assert [len(each.samples) for each in kept] == [850, 1700]
    assert [len(each) for each in ends] == [150, 300]
    np.testing.assert_array_equal(np.concatenate([kept[1].samples, ends[1]]), voices[1].samples)
    track = held_back_track(ends, held_back(bands)[1], 8000, 3000.0)
    assert track.vocals.shape == track.accompaniment.shape == (450, 2)
    levels = [20 * np.log10((stem / 32768.0).std()) for stem in (track.vocals, track.accompaniment)]
    assert levels == pytest.approx([-20, -17], abs=0.5)  # the accompaniment's 600 samples are cut to 450


@pytest.fixture
def model(tiny: Callable[..., TrainConfig], tmp_path: Path) -> Path:
    write_random_model(tiny(), tmp_path / "shipped.onnx")
    return tmp_path / "shipped.onnx"


@pytest.fixture
def own(tmp_path: Path, make_stems: Callable[..., tuple[np.ndarray, np.ndarray]]) -> Path:
    """Voices and accompaniments of different songs."""
    for number in range(2):
        for kind, stem in zip(("voices", "accompaniments"), make_stems(8.0, seed=3 * number), strict=True):
            (tmp_path / "own" / kind).mkdir(parents=True, exist_ok=True)
            soundfile.write(tmp_path / "own" / kind / f"{number}.wav", stem, 8000)
    return tmp_path / "own"


def adapt(program: Run, own: Path, model: Path | str, tmp_path: Path, *more: Any) -> tuple[int, str]:
    arguments = ["--adapt", own, "--from", model, "--out", tmp_path / "run", "--cache", tmp_path / "cache"]
    sizes = [f"--set={each}" for each in ("lanes=4", "segment_frames=16", "optimiser.learning_rate=0.01")]
    code, _, err = program("advsep-train", *arguments, "--workers", 0, *sizes, *more)
    return code, err


def test_own_voices_and_accompaniments_are_learnt(program: Run, own: Path, model: Path, tmp_path: Path) -> None:
    """Better on what was held back than where it began, exported, and played by advsep-live."""
    code, err = adapt(program, own, model, tmp_path, "--steps", 60, "--set", "validate_every=20")
    assert code == 0, err
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    validations = [line for line in log if "validation" in line]
    assert [line["step"] for line in validations] == [0, 20, 40, 60]
    gains = [line["validation"][0]["vocals_db"] for line in validations]
    assert gains[-1] > gains[0] + 1
    assert re.search(r"step 0: vocal SDR gain", err)
    assert "nothing learnt was better" not in err
    config = load_checkpoint(tmp_path / "run" / "best.ckpt").config
    assert (config.mode, config.begun_from) == ("supervised", str(model.resolve()))
    code, _, err = program("advsep-export", tmp_path / "run" / "best.ckpt", "-o", tmp_path / "mine.onnx")
    assert code == 0, err
    assert read_model_spec(tmp_path / "mine.onnx").signal == read_model_spec(model).signal
    song = own / "voices" / "0.wav"
    code, _, err = program("advsep-live", "-i", song, "-o", tmp_path / "stems", "--model", tmp_path / "mine.onnx")
    assert code == 0, err
    assert len(soundfile.read(tmp_path / "stems" / "vocals.wav")[0]) == 64000


def test_a_model_that_learns_nothing_better_stays_what_it_was(
    program: Run, own: Path, model: Path, tmp_path: Path
) -> None:
    """Learnt from recordings that call voices what is none, and held against true ones: `best.ckpt` is as before."""
    code, err = adapt(program, own, model, tmp_path, "--steps", 60, "--set", "validate_every=20")
    assert code == 0, err
    before = load_checkpoint(tmp_path / "run" / "best.ckpt")
    for number in range(2):
        files = [own / kind / f"{number}.wav" for kind in ("voices", "accompaniments")]
        stems = [soundfile.read(file)[0] for file in files]
        for file, stem, other in zip(files, stems, stems[::-1], strict=True):
            soundfile.write(file, np.concatenate([other[:54400], stem[54400:]]), 8000)
    (tmp_path / "run").rename(tmp_path / "begin")
    code, err = adapt(program, own, tmp_path / "begin", tmp_path, "--steps", 20)
    assert code == 0, err
    assert "nothing learnt was better on what is held out" in err
    best = load_checkpoint(tmp_path / "run" / "best.ckpt")
    assert best.step == 0
    assert all(torch.equal(best.averaged[name], value) for name, value in before.averaged.items())


def test_mixtures_alone_are_learnt_from_a_teacher(program: Run, own: Path, model: Path, tmp_path: Path) -> None:
    code, err = adapt(program, own / "voices", model, tmp_path, "--steps", 2)
    assert code == 0, err
    assert len(list((tmp_path / "run" / "pseudo").iterdir())) == 2
    code, err = adapt(program, own / "voices", model, tmp_path, "--resume", "--steps", 3)  # the same command
    assert code == 0, err
    code, err = adapt(program, own / "voices", "live-12", tmp_path, "--resume", "--steps", 4)
    assert code == 2
    assert f"--from live-12: this run began with other weights ({model.resolve()}) and goes on with its own" in err
    again = ["--adapt", own / "voices", "--out", tmp_path / "run", "--cache", tmp_path / "cache", "--workers", 0]
    code, _, err = program("advsep-train", *again, "--resume", "--steps", 4)
    assert code == 0, err
    model.write_bytes(model.read_bytes().replace(b"CC0-1.0", b"CC0-9.9"))
    code, _, err = program("advsep-train", *again, "--resume", "--steps", 5)
    assert code == 2
    assert "what the run began with was another file of that name" in err


def test_a_teacher_is_asked_for(program: Run, song_folder: Path, tmp_path: Path) -> None:
    code, _, err = program("advsep-train", song_folder, "--mode", "self", "--out", tmp_path / "run")
    assert code == 2
    assert "--mode self needs a teacher: give a trained one with --from" in err
