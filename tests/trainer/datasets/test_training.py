"""Data sets as they are published go into training: stems as files, artists apart, test tracks left alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from advsep.realtime.errors import AdvsepError
from advsep.trainer.datasets.training import divided_tracks

STEMS = ("bass", "drums", "other", "vocals", "mixture")


@pytest.fixture
def musdb(tmp_path: Path) -> Path:
    """MUSDB18-HQ with four artists to learn from and one to test on; half a second each."""
    rng = np.random.default_rng(3)
    for half, artists in {"train": "ABCD", "test": "E"}.items():
        for artist in artists:
            folder = tmp_path / "musdb" / half / f"{artist} - Song"
            folder.mkdir(parents=True)
            parts = {name: 0.05 * rng.standard_normal((22050, 2)) for name in STEMS[:-1]}
            parts["mixture"] = sum(parts.values())
            for name, samples in parts.items():
                soundfile.write(folder / f"{name}.wav", samples, 44100, subtype="FLOAT")
    return tmp_path / "musdb"


def test_accompaniments_are_summed_and_test_tracks_left_alone(musdb: Path, tmp_path: Path) -> None:
    told: list[str] = []
    divided = divided_tracks([musdb], None, tmp_path / "cache", lambda track: told.append(track.name))
    assert [track.name for track in divided["test"]] == ["E - Song"]
    learnt = divided["train"] + divided["valid"]
    assert sorted(track.name for track in learnt) == [f"{artist} - Song" for artist in "ABCD"]
    assert len(told) == 5
    for track in learnt:
        assert track.vocals.parent.parent.name == "train"
        summed = sum(soundfile.read(track.vocals.parent / f"{name}.wav")[0] for name in ("bass", "drums", "other"))
        np.testing.assert_allclose(soundfile.read(track.accompaniment)[0], summed, atol=1e-6)


def test_a_splits_file_rules(musdb: Path, tmp_path: Path) -> None:
    names = {"train": ["A - Song", "E - Song"], "valid": ["B - Song"], "test": ["C - Song", "D - Song"]}
    (tmp_path / "splits.json").write_text(json.dumps({"musdb18hq": names}))
    divided = divided_tracks([musdb], tmp_path / "splits.json", tmp_path / "cache")
    found = {split: sorted(track.name for track in tracks) for split, tracks in divided.items()}
    assert found == names


def test_folders_of_our_own_are_divided_as_before(song_folder: Path, tmp_path: Path) -> None:
    divided = divided_tracks([song_folder], None, tmp_path / "cache")
    assert sum(map(len, divided.values())) == 4
    assert divided["test"] == []
    assert not (tmp_path / "cache").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(AdvsepError, match="no tracks; expected folders that each hold"):
        divided_tracks([tmp_path / "empty"], None, tmp_path / "cache")


def test_a_model_learns_from_a_data_set(
    program: Callable[..., Any], musdb: Path, tiny_toml: Path, tmp_path: Path
) -> None:
    options = ("--preset", tiny_toml, "--cache", tmp_path / "cache", "--workers", "0")
    ended = program("advsep-train", musdb, "--out", tmp_path / "run", *options)
    assert ended.code == 0, ended.err
    assert (tmp_path / "run" / "best.ckpt").is_file()
