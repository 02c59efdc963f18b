"""Partitions: counts, artists on one side, stable under new tracks, written, read back, and read by the trainer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from advsep.realtime.errors import AdvsepError
from advsep.trainer.datasets.partition import (
    SHARES,
    Partition,
    artist_disjoint,
    paper,
    paper_no_ikala,
    read_partition,
    write_partition,
)
from advsep.trainer.datasets.track import DatasetTrack, Part
from advsep.trainer.tracks import TrackFiles, split_tracks


def song(name: str, artist: str, corpus: str = "c", split: str | None = None) -> DatasetTrack:
    parts = (Part(Path(corpus) / name / "vocals.wav"),)
    return DatasetTrack(name=name, artist=artist, corpus=corpus, split=split, vocals=parts, accompaniment=parts)


def songs(corpus: str, count: int, artists: int, split: str | None = None) -> list[DatasetTrack]:
    return [song(f"{split} {n}", f"{corpus} {split} {n % artists}", corpus, split) for n in range(count)]


def the_papers_sets() -> list[DatasetTrack]:
    instrumental = DatasetTrack(name="no voice", artist="x", corpus="medleydb", accompaniment=(Part(Path("x.wav")),))
    return [
        *songs("dsd100", 50, 50, "train"),
        *songs("dsd100", 50, 48, "test"),
        *songs("medleydb", 63, 40),
        *songs("ccmixter", 50, 50),
        *songs("ikala", 252, 206),
        instrumental,
    ]


def counts(partition: Partition, corpus: str) -> list[int]:
    return [len(partition.corpora[corpus][share]) for share in SHARES]


def test_the_papers_partition() -> None:
    tracks = the_papers_sets()
    made = paper(tracks)
    assert made.name == "paper"
    assert counts(made, "dsd100") == [50, 25, 25, 0]
    assert counts(made, "medleydb") == [0, 21, 21, 21]
    assert sorted(counts(made, "ccmixter")) == [0, 16, 17, 17]
    assert counts(made, "ikala") == [0, 84, 84, 84]
    divided = made.divide(tracks)
    assert sum(map(len, divided.values())) == 50 + 50 + 63 + 50 + 252
    assert all(track.split == "train" for track in divided["train"])
    for corpus in made.corpora:
        sides = [{t.artist for t in divided[share] if t.corpus == corpus} for share in SHARES]
        assert sum(map(len, sides)) == len(set.union(*sides))
    assert paper(reversed(tracks)) == made
    without = paper_no_ikala(tracks)
    assert (without.name, set(without.corpora)) == ("paper-no-ikala", {"dsd100", "medleydb", "ccmixter"})
    assert all(without.corpora[corpus] == made.corpora[corpus] for corpus in without.corpora)


def test_the_papers_partition_needs_its_sets() -> None:
    tracks = [track for track in the_papers_sets() if track.corpus not in ("ikala", "ccmixter")]
    with pytest.raises(AdvsepError, match="found none of ccmixter, ikala; give these sets' folders too"):
        paper(tracks)
    with pytest.raises(AdvsepError, match=r"'paper-no-ikala' needs .*found none of ccmixter;"):
        paper_no_ikala(tracks)


def test_artists_keep_to_one_side_and_stay_there() -> None:
    tracks = songs("c", 3000, 1000)
    before = artist_disjoint(tracks)
    sides = [{t.artist for t in group} for group in before.divide(tracks).values()]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 1000
    # A tenth of 1000 artists each: five standard deviations are 47.
    assert [len(sides[1]), len(sides[2])] == pytest.approx([100, 100], abs=47)
    more = [song("new", "c None 7"), *songs("d", 500, 500), *tracks]
    after = artist_disjoint(more)
    assert all(after.share_of(track) == before.share_of(track) for track in tracks)
    assert after.share_of(more[0]) == before.share_of(tracks[7])


def test_the_sets_own_test_half_stays_and_takes_its_artists_along() -> None:
    tracks = [*songs("m", 200, 200, "train"), song("t", "A Classic Education", "m", "test")]
    tracks += [song("same", "AClassicEducation", "other"), song("v", "m train 3", "other", "valid")]
    made = artist_disjoint(tracks)
    shares = {(t.corpus, t.name): made.share_of(t) for t in tracks}
    assert shares["m", "t"] == shares["other", "same"] == "test"
    assert shares["other", "v"] == shares["m", "train 3"] == "valid"
    assert counts(made, "m")[2] == 1  # nothing that the set calls train is drawn for the test
    assert 5 <= counts(made, "m")[1] <= 40
    assert counts(artist_disjoint(tracks, 0, 0), "m") == [199, 1, 1, 0]
    with pytest.raises(AdvsepError, match="fractions for validation and test"):
        artist_disjoint(tracks, 0.6, 0.6)


def test_songs_of_nobody_are_each_their_own() -> None:
    tracks = [song(str(n), "") for n in range(300)]
    assert all(counts(artist_disjoint(tracks), "c")[:3])


def test_written_read_back_and_read_by_the_trainer(tmp_path: Path) -> None:
    tracks, path = the_papers_sets(), tmp_path / "paper.json"
    write_partition(paper(tracks), path)
    assert read_partition(path) == paper(tracks)
    assert json.loads(path.read_text())["version"] == 1
    ours = paper(tracks).divide(tracks)
    wanted = [t for t in tracks if t.corpus == "dsd100"]
    files = [TrackFiles(t.name, t.corpus, t.vocals[0].path, t.accompaniment[0].path) for t in wanted]
    theirs = split_tracks(files, path)
    for share in ("train", "valid", "test"):
        assert [t.name for t in theirs[share]] == [t.name for t in ours[share] if t.corpus == "dsd100"]
    with pytest.raises(AdvsepError, match="cannot be written"):
        write_partition(paper(tracks), tmp_path / "no" / "where.json")


def test_a_splits_file_written_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "splits.json"
    path.write_text('{"version": 1, "paired/c": {"train": ["a"], "valid": [], "test": ["b"]}, "x/c": {"train": ["d"]}}')
    made = read_partition(path)
    assert made.name == "splits"
    assert [made.share_of(song(name, "")) for name in "abcd"] == ["train", "test", None, "train"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "expected JSON"),
        ("[]", r"expected a table of corpora of version 1, found \[\]"),
        ('{"version": 2}', "of version 1, found 2"),
        ('{"c": {"trian": []}}', r"unknown share 'trian' \(did you mean 'train'\?\)"),
        ('{"c": {"train": "a"}}', "'train' of 'c' must be a list"),
        ('{"c": {"train": ["a"], "test": ["a"]}}', "'a' of 'c' is in train and in test; keep it in one"),
    ],
)
def test_a_bad_partition_is_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(text)
    with pytest.raises(AdvsepError, match=rf"p\.json: .*{says}"):
        read_partition(path)
    with pytest.raises(AdvsepError, match=r"gone\.json: cannot read"):
        read_partition(tmp_path / "gone.json")
