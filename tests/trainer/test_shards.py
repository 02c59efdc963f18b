"""Shards: every second comes once an epoch, is what was decoded, and what is broken is named."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from advsep.realtime.errors import AdvsepError
from advsep.trainer import shard_cli
from advsep.trainer.config import TrainConfig
from advsep.trainer.datasets.track import DatasetTrack
from advsep.trainer.datasets.training import paired_tracks
from advsep.trainer.remix import Batch
from advsep.trainer.shard_reader import Piece, ShardReader
from advsep.trainer.shards import piece_edges, read_index, write_shards
from advsep.trainer.streamed import StreamedRemixer, streamed_batches
from advsep.trainer.tracks import Track, find_tracks, load_tracks
from full_disk import full_disk

RATE_HZ = 8000
SECONDS = (2.0, 3.3, 0.4, 1.0, 2.7, 1.6, 4.1)
SIZE_BYTES, PIECE_S = 40_000, 0.5


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven songs of noise, so that no two places are alike."""
    import soundfile

    root = tmp_path_factory.mktemp("music")
    rng = np.random.default_rng(0)
    for number, seconds in enumerate(SECONDS):
        folder = root / "ab"[number % 2] / f"song.{number}"
        folder.mkdir(parents=True)
        for stem in ("vocals", "accompaniment"):
            samples = 0.1 * rng.standard_normal((round(seconds * RATE_HZ), 1 + number % 2))
            soundfile.write(folder / f"{stem}.wav", samples, RATE_HZ, subtype="FLOAT")
    return root


@pytest.fixture(scope="module")
def shards(music: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "shards"
    write_shards(paired_tracks([music]), out, RATE_HZ, SIZE_BYTES, PIECE_S)
    return out


@pytest.fixture(scope="module")
def decoded(music: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Track]:
    found = load_tracks(find_tracks([music]), RATE_HZ, tmp_path_factory.mktemp("cache"))
    return {track.files.name: track for track in found}


def place(piece: Piece) -> tuple[str, int, int]:
    info = json.loads(piece.files["json"])
    return info["track"], info["start_sample"], info["samples"]


def of_epoch(folder: Path, epoch: int, seed: int = 3) -> list[list[Piece]]:
    """What two processes of two workers each read."""
    readers = [ShardReader(folder, RATE_HZ, seed=seed, rank=rank, ranks=2, buffer_pieces=4) for rank in range(2)]
    return [list(reader.pieces(epoch, worker, 2)) for reader in readers for worker in range(2)]


def test_every_second_comes_once_an_epoch(shards: Path, decoded: dict[str, Track]) -> None:
    index = read_index(shards)
    assert len(index.shards) >= 6
    assert all(shard.bytes < SIZE_BYTES + 60_000 for shard in index.shards)
    heard = {name: np.zeros(len(track.vocals), int) for name, track in decoded.items()}
    readers = of_epoch(shards, 0)
    assert all(readers)
    for piece in chain(*readers):
        name, start, count = place(piece)
        heard[name][start : start + count] += 1
        assert 0.66 * PIECE_S * RATE_HZ <= count <= 1.5 * PIECE_S * RATE_HZ
        whole, part = decoded[name], piece.track()
        assert np.array_equal(part.vocals, whole.vocals[start : start + count])
        assert np.array_equal(part.accompaniment, whole.accompaniment[start : start + count])
        assert part.vocals_bandwidth_hz == whole.vocals_bandwidth_hz
        assert (part.files.corpus, part.files.name) == (whole.files.corpus, f"{name} at {start / RATE_HZ:.1f} s")
    assert all((times == 1).all() for times in heard.values())


def test_the_order_follows_from_seed_and_epoch(shards: Path) -> None:
    first, again, next_epoch, other = (
        [list(map(place, pieces)) for pieces in of_epoch(shards, epoch, seed)]
        for epoch, seed in ((0, 3), (0, 3), (1, 3), (0, 4))
    )
    assert first == again
    assert first not in (next_epoch, other)
    assert Counter(chain(*first)) == Counter(chain(*next_epoch))
    # Shards are not read as they lie, nor a shard's pieces.
    reader = ShardReader(shards, RATE_HZ, buffer_pieces=4)
    keys = [(piece.shard.name, piece.key) for piece in reader.pieces(0)]
    assert keys != sorted(keys)
    in_one = [key for shard, key in keys if shard == keys[0][0]]
    assert in_one != sorted(in_one)


def test_stopped_at_any_track_and_gone_on_with_is_the_same(music: Path, shards: Path, tmp_path: Path) -> None:
    tracks = paired_tracks([music])

    def stop(at: int) -> Callable[[DatasetTrack], None]:
        told: list[DatasetTrack] = []

        def on_track(track: DatasetTrack) -> None:
            told.append(track)
            if len(told) == at:
                raise KeyboardInterrupt

        return on_track

    out = tmp_path / "shards"
    for at in (1, 3, 6):
        with pytest.raises(KeyboardInterrupt):
            write_shards(tracks, out, RATE_HZ, SIZE_BYTES, PIECE_S, stop(at))
        assert not list(out.glob("*.partial"))
        if (out / "shards.json").exists():
            with pytest.raises(AdvsepError, match="not complete; give the same advsep-train shard command again"):
                ShardReader(out, RATE_HZ)
    (out / ".decoding-left").mkdir()
    told: list[DatasetTrack] = []
    write_shards(tracks, out, RATE_HZ, SIZE_BYTES, PIECE_S, told.append)
    assert len(told) == len(SECONDS)
    assert sorted(p.name for p in out.iterdir()) == sorted(p.name for p in shards.iterdir())
    for path in shards.iterdir():
        assert (out / path.name).read_bytes() == path.read_bytes()
    with pytest.raises(AdvsepError, match=r"shards: holds shards of other recordings or of other settings"):
        write_shards(tracks[1:], out, RATE_HZ, SIZE_BYTES, PIECE_S)


def test_a_full_disk_is_one_sentence_and_can_be_gone_on_from(music: Path, shards: Path, tmp_path: Path) -> None:
    tracks, out = paired_tracks([music]), tmp_path / "shards"
    too_large = "cannot be written: File too large; make room and give the same command"
    with full_disk(110_000), pytest.raises(AdvsepError, match=too_large):
        write_shards(tracks, out, RATE_HZ, 200_000, PIECE_S)
    assert not list(out.glob("*.partial")) + list(out.glob(".decoding*"))
    write_shards(tracks, out, RATE_HZ, 200_000, PIECE_S)
    samples = [sum(shard.samples for shard in read_index(folder).shards) for folder in (out, shards)]
    assert samples[0] == samples[1] == sum(round(seconds * RATE_HZ) for seconds in SECONDS)


@pytest.fixture
def copied(shards: Path, tmp_path: Path) -> Path:
    (tmp_path / "copy").mkdir()
    for path in shards.iterdir():
        (tmp_path / "copy" / path.name).write_bytes(path.read_bytes())
    return tmp_path / "copy"


def test_what_is_broken_is_named(copied: Path) -> None:
    path = copied / "shard-00001.tar"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AdvsepError, match=r"shard-00001\.tar: cut short or damaged \(has \d+ bytes instead of"):
        ShardReader(copied, RATE_HZ)
    # Of the right size, but from the middle on nothing; then with a hole in a sound.
    for broken in (whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2), hole(whole)):
        path.write_bytes(broken)
        with pytest.raises(AdvsepError, match=r"shard-00001\.tar: cut short or damaged \(.*copy it again"):
            [piece.track() for piece in ShardReader(copied, RATE_HZ).pieces(0)]
    # Cut short while it is being read.
    path.write_bytes(whole)
    reader = ShardReader(copied, RATE_HZ)
    for kept in (len(whole) // 2, 700):
        path.write_bytes(whole[:kept])
        with pytest.raises(AdvsepError, match=r"shard-00001\.tar: cut short or damaged"):
            list(reader.pieces(0))
    path.unlink()
    with pytest.raises(AdvsepError, match=r"shard-00001\.tar: cannot be read: No such file"):
        ShardReader(copied, RATE_HZ)


def hole(tar: bytes) -> bytes:
    """The first sound's frames are gone, its name and length in the tar are not."""
    start = tar.index(b"fLaC") + 200
    return tar[:start] + bytes(1500) + tar[start + 1500 :]


def test_refusals_of_the_reader(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(AdvsepError, match=r"shards\.json: expected shards of 44100 Hz, found 8000 Hz; .* --rate 44100"):
        ShardReader(shards, 44100)
    with pytest.raises(AdvsepError, match=r"shards\.json: cannot be read: .*advsep-train shard wrote"):
        ShardReader(tmp_path, RATE_HZ)
    reader = ShardReader(shards, RATE_HZ, ranks=16)
    with pytest.raises(AdvsepError, match=r"shards for 32 readers, expected one each at least; write smaller ones"):
        reader.pieces(0, 0, 2)


def test_pieces_are_as_equal_as_can_be() -> None:
    assert piece_edges(100, 10, 3.0) == [0, 33, 67, 100]
    assert piece_edges(44, 10, 3.0) == [0, 44]
    assert piece_edges(46, 10, 3.0) == [0, 23, 46]
    assert piece_edges(1, 10, 3.0) == [0, 1]


def equal(one: Batch, other: Batch) -> bool:
    names = ("vocals", "accompaniment", "bandwidth_hz", "fresh", "paired")
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


def streamed(shards: Path, config: TrainConfig, first: int, workers: int) -> list[Batch]:
    reader = ShardReader(shards, RATE_HZ, seed=config.seed, buffer_pieces=4)
    remixer = StreamedRemixer(reader, config.signal.spec(), config, None, workers, window_pieces=3)
    return list(streamed_batches(remixer, config.steps, first, workers))


def test_examples_go_on_as_if_nothing_had_stopped(shards: Path, tiny: Callable[..., TrainConfig]) -> None:
    """With two worker processes; of an excerpt's segments each follows the one before."""
    config = tiny(steps=30, lanes=4)
    whole = streamed(shards, config, 0, 2)
    assert len(whole) == 30
    for first in (1, 14):
        again = streamed(shards, config, first, 2)
        assert len(again) == 30 - first
        assert all(equal(one, other) for one, other in zip(again, whole[first:], strict=True))
    past = config.signal.window_samples - config.signal.hop_samples
    spec_samples = past + config.segment_frames * config.signal.hop_samples
    for before, now in pairwise(whole):
        assert now.vocals.shape == (4, 1, spec_samples)
        on = ~now.fresh
        assert torch.equal(now.vocals[on][..., :past], before.vocals[on][..., -past:])
    assert [int(batch.fresh.sum()) for batch in whole[1:]] == [1] * 29  # lanes take turns
    # Nothing is heard only once, and most of what there is comes in.
    assert all(float(batch.accompaniment.abs().max()) > 0.01 for batch in whole)
    assert not any(equal(one, whole[0]) for one in whole[1:])
    # Out of order, and after a look at the first, it is the same.
    alone = StreamedRemixer(ShardReader(shards, RATE_HZ, buffer_pieces=4), config.signal.spec(), config, range(2), 0, 3)
    looked = [alone[step] for step in (0, 1, 2, 9, 2, 0)]
    assert equal(looked[0], looked[5])
    assert equal(looked[2], looked[4])
    assert not equal(looked[2], looked[3])
    other = streamed(shards, tiny(steps=30, lanes=4, seed=1), 0, 2)
    assert not equal(other[0], whole[0])
    with pytest.raises(AdvsepError, match="--workers 3: expected a number that divides the 4 lanes"):
        streamed(shards, config, 0, 3)


def test_the_program(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["advsep-train", "shard", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            shard_cli.main()
        return int(ended.value.code or 0), *capfd.readouterr()

    names = [track.name for track in paired_tracks([music])]
    splits = {corpus: {"train": names[:5], "valid": names[5:]} for corpus in "ab"}
    (tmp_path / "p.json").write_text(json.dumps(splits))
    small = ["--rate", RATE_HZ, "--size-mb", 0.06, "--piece", PIECE_S, "--splits", tmp_path / "p.json"]
    code, out, err = run(music, "-o", tmp_path / "s", *small)
    assert code == 0, err
    (count, hours) = re.findall(r"s: 5 tracks, (\S+) hours in \d+ pieces, (\d+) shards, 0\.\d MB", out)[0][::-1]
    index = read_index(tmp_path / "s")
    assert (int(count), index.complete) == (len(index.shards), True)
    assert float(hours) == pytest.approx(sum(s.samples for s in index.shards) / RATE_HZ / 3600, abs=0.005)
    assert run(music, "-o", tmp_path / "s", *small)[0] == 0  # nothing is left to do
    for more, says in (
        (["--part", "valid"], "holds shards of other recordings"),
        (["--part", "test"], "--part test: .* has no such track"),
        (["--part", "tset"], "--part tset: expected one of train, valid, test"),
        (["--size-mb", "0"], "--size-mb 0: expected more than 0"),
    ):
        code, _, err = run(music, "-o", tmp_path / "s", *small, *more)
        assert code == 2
        assert re.search(rf"^advsep-train shard: .*{says}", err, re.MULTILINE), err
