"""The recordings of a run: the same wherever they lie, and every difference is told."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from advsep.realtime.errors import AdvsepError
from advsep.realtime.strict import from_plain
from advsep.trainer.fingerprint import Data, DataItem, data_changes, describe_data, sampled_sha256
from advsep.trainer.recordings import Recording
from advsep.trainer.tracks import find_tracks, load_tracks

RATE_HZ = 8000


def of(*items: tuple[str, str, str, str]) -> Data:
    made = (DataItem(part=part, corpus=corpus, name=name, seconds=1.0, sha256=h) for part, corpus, name, h in items)
    return Data(sha256="", parts=(), items=tuple(made))


def test_a_small_file_is_hashed_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").write_bytes(b"")
    want = hashlib.sha256(b"3\nabc" + b"0\n").hexdigest()[:16]
    assert sampled_sha256([tmp_path / "a", tmp_path / "b"]) == want
    assert sampled_sha256([tmp_path / "b", tmp_path / "a"]) != want


def test_blocks_of_a_large_file_are_spread_from_its_first_byte_to_its_last(tmp_path: Path) -> None:
    path, size, block = tmp_path / "big", 1_000_003, 16384
    data = np.random.default_rng(0).bytes(size)
    path.write_bytes(data)
    starts = [int(k * (size - block) / 15) for k in range(16)]
    want = hashlib.sha256(b"1000003\n" + b"".join(data[start : start + block] for start in starts)).hexdigest()[:16]
    assert sampled_sha256([path]) == want
    for changed in (0, size - 1, starts[7] + 5):
        other = bytearray(data)
        other[changed] ^= 1
        path.write_bytes(other)
        assert sampled_sha256([path]) != want
    path.write_bytes(data + b"\0")
    assert sampled_sha256([path]) != want
    with pytest.raises(AdvsepError, match="gone: went away"):
        sampled_sha256([tmp_path / "gone"])


def test_tracks_and_recordings_are_described(song_folder: Path, tmp_path: Path) -> None:
    def described(root: Path) -> Data:
        tracks = load_tracks(find_tracks([root]), RATE_HZ, tmp_path / "cache")
        song = Recording(root / "corpus" / "song0" / "vocals.wav", np.zeros((RATE_HZ * 90, 1), np.int16), 4000.0)
        return describe_data({"train": tracks[1:], "valid": tracks[:1]}, {"voices": [song]}, RATE_HZ)

    data = described(song_folder)
    assert [(part.part, part.corpora, part.count) for part in data.parts] == [
        ("train", ("corpus",), 3),
        ("valid", ("corpus",), 1),
        ("voices", ("song0",), 1),
    ]
    assert [part.hours for part in data.parts] == [0.002, 0.001, 0.025]  # 6 s, 2 s, 90 s
    assert [(item.part, item.name, item.seconds) for item in data.items] == [
        *(("train", f"song{number}", 2.0) for number in (1, 2, 3)),
        ("valid", "song0", 2.0),
        ("voices", "vocals.wav", 90.0),
    ]
    stems = [song_folder / "corpus" / "song2" / f"{stem}.wav" for stem in ("vocals", "accompaniment")]
    whole = b"".join(f"{len(stem.read_bytes())}\n".encode() + stem.read_bytes() for stem in stems)
    assert data.items[1].sha256 == hashlib.sha256(whole).hexdigest()[:16]
    assert from_plain(Data, dataclasses.asdict(data), "data") == data

    moved = tmp_path / "elsewhere" / "music"
    shutil.copytree(song_folder, moved)
    assert described(moved) == data
    shutil.copy(song_folder / "corpus" / "song1" / "vocals.wav", moved / "corpus" / "song2" / "vocals.wav")
    changed = described(moved)
    assert changed.sha256 != data.sha256
    assert data_changes(data, changed) == ["train: 1 changed (corpus/song2)"]


@pytest.mark.parametrize(
    ("now", "says"),
    [
        ([("train", "c", "a", "1"), ("train", "c", "b", "2"), ("valid", "c", "v", "3")], []),
        ([("train", "c", "b", "2"), ("train", "c", "a", "1"), ("valid", "c", "v", "3")], []),
        ([("train", "c", "a", "1"), ("valid", "c", "v", "3")], ["train: 1 gone (c/b)"]),
        (
            [("train", "c", "a", "1"), ("valid", "c", "b", "2"), ("valid", "c", "v", "3")],
            ["train: 1 gone (c/b)", "valid: 1 new (c/b)"],
        ),
        (
            [("train", "d", "a", "1"), ("train", "c", "b", "9"), ("valid", "c", "v", "3")],
            ["train: 1 gone (c/a), 1 new (d/a), 1 changed (c/b)"],
        ),
        # Two corpora of one name may have songs of one name.
        (
            [("train", "c", "a", "1"), ("train", "c", "b", "2"), ("train", "c", "b", "2"), ("valid", "c", "v", "3")],
            ["train: 1 new (c/b)"],
        ),
        (
            [
                *(("mixtures", "m", str(i), "0") for i in range(5)),
                *(("train", "c", "a", "1"), ("train", "c", "b", "2"), ("valid", "c", "v", "3")),
            ],
            ["mixtures: 5 new (m/0, m/1, m/2, …)"],
        ),
    ],
)
def test_every_difference_is_told(now: list[tuple[str, str, str, str]], says: list[str]) -> None:
    before = of(("train", "c", "a", "1"), ("train", "c", "b", "2"), ("valid", "c", "v", "3"))
    assert data_changes(before, of(*now)) == says
