"""Entries belong to a song and a model, live as long as they should, and a full disk is no crash."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from advsep.realtime.karaoke.stem_cache import StemCache
from advsep.realtime.karaoke.stem_chunks import ChunkReader
from advsep.realtime.karaoke.stem_entry import StemEntry, StemError, remove_leftovers
from advsep.realtime.karaoke.stem_maker import StemMaker
from advsep.realtime.model import ModelError, ModelSession
from advsep.realtime.registry import DEFAULT_MODEL, best_model, model_names
from advsep.realtime.source import SourceError
from advsep.realtime.stems import HOPS_AT_ONCE

RATE_HZ = 8000

Song = Callable[..., Path]


@pytest.fixture
def song(tmp_path: Path) -> Song:
    """`song("a", seconds=9.0)`: mono noise, another one for each name."""

    def make(name: str = "song", seconds: float = 9.0) -> Path:
        path = tmp_path / f"{name}.wav"
        noise = np.random.default_rng(len(name) + sum(name.encode())).uniform(-0.5, 0.5, round(seconds * RATE_HZ))
        soundfile.write(path, noise, RATE_HZ)
        return path

    return make


@pytest.fixture
def cache(tmp_path: Path) -> StemCache:
    return StemCache(tmp_path / "cache" / "stems")


@pytest.fixture
def model(make_model: Callable[..., Path]) -> str:
    """A path: masks that follow the sound, without a memory."""
    return str(make_model(logit=-1.0, slope=0.5))


def fill(cache: StemCache, song: Path, model: str, size_bytes: int) -> Path:
    """An entry whose one chunk has this many bytes; closed."""
    with cache.open(song, model) as entry:
        entry.chunk_path(0).write_bytes(bytes(size_bytes))
        return entry.folder


def make_all(maker: StemMaker, entry: StemEntry) -> None:
    while (index := entry.first_missing(0.0)) is not None:
        maker.make(index, lambda: False)


def test_an_entry_belongs_to_the_content_and_the_model(cache: StemCache, song: Song, model: str) -> None:
    first = song("a")
    copy = Path(shutil.copy(first, first.with_name("copy.wav")))
    with cache.open(first, model) as entry, cache.open(copy, model) as same, cache.open(first) as better:
        assert entry.folder == same.folder
        assert (entry.facts.song, entry.facts.name, entry.facts.model) == (str(first), "a.wav", "tiny")
        assert same.facts == entry.facts
        assert (entry.rate_hz, entry.samples, entry.chunks) == (RATE_HZ, 72000, 3)
        assert [entry.chunk_length(index) for index in range(3)] == [32000, 32000, 8000]
        assert better.folder != entry.folder
        assert better.facts.model == best_model()
        with cache.open(song("b"), model) as other:
            assert other.folder not in (entry.folder, better.folder)
    # Other weights under the same name are another model.
    Path(model).write_bytes(Path(model).read_bytes() + b"\0")
    with cache.open(first, model) as newer:
        assert newer.folder != entry.folder


def test_the_best_model_is_a_bundled_one() -> None:
    assert best_model() in model_names()
    assert best_model() == ("studio" if "studio" in model_names() else DEFAULT_MODEL)


def test_what_is_there_and_how_far_it_reaches(cache: StemCache, song: Song, model: str) -> None:
    with cache.open(song(seconds=21.0), model) as entry:
        assert (entry.chunks, entry.present(), entry.first_missing(9.0)) == (6, set(), 2)
        assert entry.margin_s(0.0) == 0.0
        for index in (0, 1, 3, 5):
            entry.chunk_path(index).touch()
        for name in (".000002.flac.partial", "x.flac", "000099.flac"):
            (entry.folder / name).touch()
        assert entry.present() == {0, 1, 3, 5}
        # The last 20 ms of a chunk wait for the next one.
        assert entry.margin_s(1.0) == pytest.approx(6.98)
        assert entry.margin_s(7.99) == 0.0
        assert (entry.margin_s(9.0), entry.margin_s(20.5), entry.margin_s(99.0)) == (0.0, 0.5, 0.0)
        assert [entry.first_missing(at) for at in (-1.0, 5.0, 12.0, 20.5, 99.0)] == [2, 2, 4, 2, 2]
        for index in (2, 4):
            entry.chunk_path(index).touch()
        assert entry.first_missing(3.0) is None
        assert entry.margin_s(3.0) == pytest.approx(18.0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda facts: b"",
        lambda facts: b"{",
        lambda facts: b"\xff\xfe",
        lambda facts: json.dumps({**facts, "version": 0}).encode(),
        lambda facts: json.dumps({**facts, "version": 2, "new": 1}).encode(),
        lambda facts: json.dumps({**facts, "chunk_samples": 0}).encode(),
        lambda facts: json.dumps({**facts, "chunk_samples": 16000}).encode(),
        lambda facts: json.dumps({**facts, "samples": "many"}).encode(),
    ],
    ids=["empty", "cut", "no text", "older", "newer", "senseless", "other chunks", "mistyped"],
)
def test_an_entry_of_another_kind_is_made_anew(
    cache: StemCache, song: Song, model: str, spoil: Callable[[dict[str, object]], bytes]
) -> None:
    path = song()
    folder = fill(cache, path, model, 10)
    file = folder / "entry.json"
    good = json.loads(file.read_bytes())
    file.write_bytes(spoil(good))
    spoilt = file.read_bytes()
    with cache.open(path, model) as entry:
        assert entry.present() == set()
        assert json.loads(file.read_bytes()) == {**good, "created_s": pytest.approx(good["created_s"], abs=60)}
        file.write_bytes(spoilt)
        with pytest.raises(StemError, match="in use by another program; close it"):
            cache.open(path, model)
    with cache.open(path, model) as entry:
        assert entry.facts.version == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.wav", None, "none.wav: cannot be read: No such file"),
        ("empty.wav", b"", "found an empty file"),
        ("text.mp3", b"no sound at all" * 100, "found something libsndfile cannot read"),
    ],
)
def test_a_song_that_is_none(
    cache: StemCache, tmp_path: Path, model: str, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=said):
        cache.open(tmp_path / name, model)
    assert not cache.folder.exists()


def test_a_model_that_is_none(cache: StemCache, song: Song, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model 'best': choose a bundled one"):
        cache.open(song(), "best")
    with pytest.raises(ModelError, match=r"gone\.onnx: cannot be read: No such file"):
        cache.open(song(), str(tmp_path / "gone.onnx"))


# Size


def test_the_entry_used_least_recently_goes_first_and_one_in_use_never(
    cache: StemCache, song: Song, model: str
) -> None:
    folders = {name: fill(cache, song(name), model, 100_000) for name in ("a", "b", "c", "d")}
    for at, folder in enumerate(folders.values()):
        os.utime(folder / "entry.json", (1000 + at, 1000 + at))
    assert 400_000 < cache.size_bytes < 410_000
    assert [stored.facts.name for stored in cache.entries()] == ["d.wav", "c.wav", "b.wav", "a.wav"]
    assert [stored.chunks for stored in cache.entries()] == [1] * 4
    assert sum(stored.size_bytes for stored in cache.entries()) == cache.size_bytes
    cache.open(song("a"), model).close()  # used now
    with cache.open(song("b"), model) as used:
        os.utime(used.folder / "entry.json", (1, 1))
        cache.limit_bytes = 250_000
        cache.make_room()
        assert {name for name, folder in folders.items() if folder.exists()} == {"a", "b"}
        cache.limit_bytes = 1
        cache.make_room()
        assert [stored.facts.name for stored in cache.entries()] == ["b.wav"]
        cache.clear()
        assert used.chunk_path(0).exists()
    # Opening another one makes room for it, and takes nothing of its own.
    fill(cache, song("e"), model, 100_000)
    assert [stored.facts.name for stored in cache.entries()] == ["e.wav"]
    with cache.open(song("e"), model) as kept:
        assert kept.present() == {0}


def test_clearing_takes_nothing_that_is_not_ours(cache: StemCache, song: Song, model: str) -> None:
    fill(cache, song(), model, 10)
    (cache.folder / "mine").mkdir()
    (cache.folder / "mine" / "000000.flac").touch()
    half = cache.folder / f"{'0' * 32}-half-removed"
    half.mkdir()
    cache.clear()
    assert cache.entries() == []
    assert sorted(path.name for path in cache.folder.iterdir()) == [".lock", "mine"]
    assert (cache.folder / "mine" / "000000.flac").exists()
    assert StemCache(cache.folder / "nowhere").entries() == []


def test_leftovers_of_one_who_was_killed_go(cache: StemCache, song: Song, model: str) -> None:
    with cache.open(song(), model) as entry:
        (entry.folder / ".000001.flac.partial").write_bytes(b"half")
        entry.chunk_path(0).touch()
        remove_leftovers(entry)
        assert sorted(path.name for path in entry.folder.iterdir()) == [".used", "000000.flac", "entry.json"]


USER = """
import sys
from pathlib import Path
from advsep.realtime.karaoke.stem_cache import StemCache
entry = StemCache(Path(sys.argv[1])).open(Path(sys.argv[2]), sys.argv[3])
print("open", flush=True)
sys.stdin.read()
"""


def test_use_by_another_process_ends_with_it_however_it_ends(cache: StemCache, song: Song, model: str) -> None:
    command = [sys.executable, "-c", USER, cache.folder, song(), model]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == b"open\n"
            cache.clear()
            assert len(cache.entries()) == 1
        finally:
            other.send_signal(signal.SIGKILL)
    cache.clear()
    assert cache.entries() == []


# Disks


def test_a_folder_that_is_a_file(song: Song, model: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StemError, match="file/stems: separated songs cannot be kept there: Not a directory; "):
        StemCache(tmp_path / "file" / "stems").open(song(), model)


def test_a_folder_that_may_not_be_written(cache: StemCache, song: Song, model: str, tmp_path: Path) -> None:
    powerless = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("runs as root, and there is no setpriv")
        powerless = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"]
    path = song()
    tmp_path.joinpath("closed").mkdir(mode=0o500)
    ended = subprocess.run(
        [*powerless, sys.executable, "-c", USER, tmp_path / "closed" / "stems", path, model],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "closed/stems: separated songs cannot be kept there: Permission denied; free some space, or" in ended.stderr


@contextlib.contextmanager
def small_disk(folder: Path) -> Generator[None]:
    """A file system of 512 KiB; skips where we may not make one."""
    if sys.platform != "linux":
        pytest.skip("mounts a tmpfs")
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("may not mount a tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def test_a_full_disk_is_told_and_what_was_there_stays(
    cache: StemCache, song: Song, make_model: Callable[..., Path]
) -> None:
    path, model = song(seconds=12.0), make_model()
    cache.folder.mkdir(parents=True)
    with small_disk(cache.folder), cache.open(path, str(model)) as entry:
        maker = StemMaker(path, entry, ModelSession(model, HOPS_AT_ONCE))
        assert maker.make(0, lambda: False)
        with pytest.raises(StemError, match=r"00000[12]\.flac: cannot be written: No space left on device; what was"):
            make_all(maker, entry)
        maker.close()
        assert sorted(entry.present())[0] == 0
        assert len(entry.present()) < 3
        assert not list(entry.folder.glob(".*partial"))
        for index in entry.present():
            assert len(ChunkReader(entry.chunk_path(index), 32000).stems()) == 32000
