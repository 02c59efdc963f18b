"""`advsep-train partition` as a person runs it: a file, a table, and refusals in one line."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from advsep.trainer import partition_cli
from advsep.trainer.datasets.training import divided_tracks

RunPartition = Callable[..., tuple[int, str, str]]
RATE_HZ = 8000


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> RunPartition:
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["advsep-train", "partition", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "100")
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            partition_cli.main()
        return int(ended.value.code or 0), *capfd.readouterr()

    return call


def write(path: Path, seconds: float = 0.5) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full((round(seconds * RATE_HZ), 2), 0.1), RATE_HZ)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Forty songs of twenty artists, 0.5 s each."""
    for number in range(40):
        for stem in ("vocals", "accompaniment"):
            write(tmp_path / "music" / "pop" / f"Artist {number % 20} - Song {number}" / f"{stem}.wav")
    return tmp_path / "music"


@pytest.fixture
def papers_sets(tmp_path: Path) -> list[Path]:
    """DSD100 (two train, two test), three of CCMixter and three of MedleyDB."""
    for half, artists in {"Dev": "AB", "Test": "CD"}.items():
        for artist in artists:
            name = f"001 - {artist} - Song"
            write(tmp_path / "dsd" / "Mixtures" / half / name / "mixture.wav")
            for stem in ("vocals", "bass", "drums", "other"):
                write(tmp_path / "dsd" / "Sources" / half / name / f"{stem}.wav")
    for artist in "EFG":
        for name in ("mix", "source-01", "source-02"):
            write(tmp_path / "ccmixter" / f"{artist} - Song" / f"{name}.wav")
        song = f"{artist}{artist}_Song"
        folder = tmp_path / "medley" / "Audio" / song
        write(folder / f"{song}_MIX.wav")
        for number in (1, 2):
            write(folder / f"{song}_STEMS" / f"{song}_STEM_0{number}.wav")
        stems = {
            f"S0{n}": {"filename": f"{song}_STEM_0{n}.wav", "instrument": what, "raw": {}}
            for n, what in ((1, "male singer"), (2, "drum set"))
        }
        head = {"artist": f"{artist}{artist}", "has_bleed": "no", "mix_filename": f"{song}_MIX.wav"}
        (folder / f"{song}_METADATA.yaml").write_text(
            json.dumps(head | {"stem_dir": f"{song}_STEMS", "raw_dir": "", "stems": stems})
        )
    return [tmp_path / "dsd", tmp_path / "ccmixter", tmp_path / "medley"]


def refusal(ended: tuple[int, str, str]) -> str:
    code, out, err = ended
    assert (code, out) == (2, ""), err
    assert "Traceback" not in err
    (line,) = [line for line in err.splitlines() if line.startswith("advsep-train partition: ")]
    return line


def test_artists_keep_to_one_part_and_training_reads_it(run: RunPartition, music: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    code, out, err = run(music, "-o", path, "--valid", 0.3, "--test", 0.2)
    assert code == 0, err
    data = json.loads(path.read_text())
    assert (data["version"], data["name"]) == (1, "artist-disjoint")
    artists = [{name.split(" - ")[0] for name in data["pop"][share]} for share in ("train", "valid", "test")]
    assert sum(map(len, artists)) == len(set.union(*artists)) == 20
    assert all(artists)
    for share, here in zip(("train", "valid", "test"), artists, strict=True):
        tracks, hours, count = re.findall(rf"^ *{share} +pop +(\d+) +(\S+) +(\d+)", out, re.MULTILINE)[0]
        assert (int(tracks), int(count)) == (2 * len(here), len(here))
        assert float(hours) == round(2 * len(here) * 0.5 / 3600, 2)
    assert f"wrote {path}" in out
    divided = divided_tracks([music], path, tmp_path / "cache")
    assert {share: [t.name for t in tracks] for share, tracks in divided.items()} == {
        share: sorted(data["pop"][share], key=str) for share in ("train", "valid", "test")
    }
    # Another seed draws others, the same one the same; what is there stays unless it is forced.
    line = refusal(run(music, "-o", path, "--seed", 1))
    assert f"{path}: is there already" in line
    before = path.read_text()
    assert run(music, "-o", path, "--force", "--valid", 0.3, "--test", 0.2)[0] == 0
    assert path.read_text() == before
    assert run(music, "-o", path, "--force", "--valid", 0.3, "--test", 0.2, "--seed", 1)[0] == 0
    other = json.loads(path.read_text())
    assert other["name"] == "artist-disjoint, seed 1"
    assert other["pop"]["valid"] != data["pop"]["valid"]


def test_the_papers_and_unpaired_tracks_are_not_trained_on(
    run: RunPartition, papers_sets: list[Path], tmp_path: Path
) -> None:
    path = tmp_path / "p.json"
    code, out, err = run(*papers_sets, "-o", path, "--recipe", "paper-no-ikala")
    assert code == 0, err
    data = json.loads(path.read_text())
    assert data["name"] == "paper-no-ikala"
    assert sorted(len(data["dsd100"][share]) for share in ("train", "valid", "test")) == [1, 1, 2]
    for corpus in ("ccmixter", "medleydb"):
        assert [len(data[corpus][share]) for share in ("train", "valid", "test", "unpaired")] == [0, 1, 1, 1]
    assert re.search(r"^ *unpaired +ccmixter +1 ", out, re.MULTILINE)
    assert re.search(r"^ +all +2 ", out, re.MULTILINE)
    divided = divided_tracks(papers_sets, path, tmp_path / "cache")
    assert {share: len(tracks) for share, tracks in divided.items()} == {"train": 2, "valid": 3, "test": 3}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--recipe", "papers"], "--recipe papers: expected one of artists, paper, paper-no-ikala"),
        (["--recipe", "paper"], "partition 'paper' needs tracks of dsd100, .* found none of"),
        (["--recipe", "paper", "--seed", "2"], "--recipe paper is one certain partition; leave --seed"),
        (["--valid", "0.8", "--test", "0.4"], "expected fractions for validation and test"),
        (["--seed", "-1"], "--seed -1: expected 0 or more"),
    ],
)
def test_refusals(run: RunPartition, music: Path, tmp_path: Path, options: list[str], says: str) -> None:
    assert re.search(says, refusal(run(music, "-o", tmp_path / "p.json", *options)))
    assert not (tmp_path / "p.json").exists()


def test_places_that_are_not_there(run: RunPartition, music: Path, tmp_path: Path) -> None:
    assert "gone: no such folder" in refusal(run(tmp_path / "gone", "-o", tmp_path / "p.json"))
    assert "no such folder; make" in refusal(run(music, "-o", tmp_path / "gone" / "p.json"))
