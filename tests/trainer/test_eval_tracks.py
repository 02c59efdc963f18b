"""Which tracks `advsep-eval` takes of published sets, of partitions and of folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from advsep.realtime.errors import AdvsepError
from advsep.trainer.datasets.training import divided_tracks
from advsep.trainer.eval_tracks import TrackChoice


@pytest.fixture
def musdb(tmp_path: Path, make_stems: Callable[..., tuple[np.ndarray, np.ndarray]]) -> Path:
    """MUSDB18-HQ with twelve artists to learn from and two to test on."""
    for half, artists in {"train": "ABCDEFGHIJKL", "test": "XY"}.items():
        for artist in artists:
            folder = tmp_path / "musdb" / half / f"{artist} - Song"
            folder.mkdir(parents=True)
            voice, band = make_stems(2.0, seed=ord(artist) % 5)
            parts = {"vocals": voice, "bass": band / 2, "drums": band / 4, "other": band / 4, "mixture": voice + band}
            for name, samples in parts.items():
                soundfile.write(folder / f"{name}.wav", samples, 8000, subtype="FLOAT")
    return tmp_path / "musdb"


def names(choice: TrackChoice) -> list[str]:
    choice.check()
    return [files.name for files in choice.find(lambda _: None)]


def test_of_a_published_set_the_test_tracks(musdb: Path, song_folder: Path, tmp_path: Path) -> None:
    told: list[str] = []
    cache = tmp_path / "cache"
    found = TrackChoice([musdb, song_folder], cache=cache).find(told.append)
    assert [files.name for files in found] == ["X - Song", "Y - Song", "song0", "song1", "song2", "song3"]
    assert told == ["6 of 18 tracks, the others are left out; --part all takes every one"]
    assert len(list(cache.rglob("accompaniment.wav"))) == 2  # nothing is summed that is not wanted
    band = soundfile.read(found[0].accompaniment)[0]
    rest = [soundfile.read(musdb / "test" / "X - Song" / f"{stem}.wav")[0] for stem in ("bass", "drums", "other")]
    np.testing.assert_allclose(band, sum(rest), atol=1e-6)
    assert len(names(TrackChoice([musdb, song_folder], part="all", cache=cache))) == 18


def test_parts_are_those_of_the_trainer(musdb: Path, tmp_path: Path) -> None:
    divided = divided_tracks([musdb], None, tmp_path / "cache")
    for part in ("train", "valid", "test"):
        assert names(TrackChoice([musdb], part=part, cache=tmp_path / "cache")) == [t.name for t in divided[part]]
    assert len(divided["train"]) + len(divided["valid"]) == 12


def test_a_partition_leaves_out_what_it_does_not_name(musdb: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    shares = {"train": ["A - Song"], "valid": ["B - Song", "X - Song"], "test": ["C - Song"], "unpaired": ["D - Song"]}
    path.write_text(json.dumps({"version": 1, "name": "mine", "musdb18hq": shares}))
    chosen = {
        part: names(TrackChoice([musdb], partition=path, part=part, cache=tmp_path / "cache"))
        for part in (None, "valid", "unpaired", "all")
    }
    assert chosen[None] == ["C - Song"]
    assert chosen["valid"] == ["B - Song", "X - Song"]
    assert chosen["unpaired"] == ["D - Song"]
    assert chosen["all"] == [f"{artist} - Song" for artist in "ABCDX"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"part": "trian"}, "--part trian: expected one of train, valid, test, all"),
        ({"part": "unpaired"}, "--part unpaired: expected one of train, valid, test, all"),
        ({"splits": Path("s"), "part": "test"}, "--splits takes --split; --partition takes --part"),
        ({"splits": Path("s"), "partition": Path("p")}, "give one pair of them"),
        ({"part": "test"}, "--part test: .*music has no such track; say with --partition FILE"),
        ({"partition": Path("p.json")}, "p.json: names no test track of .*music; evaluate another share"),
        ({"partition": Path("gone.json")}, "gone.json: cannot read the partition"),
    ],
)
def test_refusals(
    song_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Path | str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.json").write_text('{"corpus": {"train": ["song0"]}}')
    with pytest.raises(AdvsepError, match=says):
        names(TrackChoice([song_folder], cache=tmp_path / "cache", **options))
