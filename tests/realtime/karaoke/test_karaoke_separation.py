"""The process that separates: ahead of the playhead, from where it is wanted, over crashes, never an orphan."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from advsep.realtime.karaoke.separation import Separation
from advsep.realtime.karaoke.separation_child import NICENESS
from advsep.realtime.karaoke.stem_cache import StemCache
from advsep.realtime.karaoke.stem_entry import StemEntry, StemError
from advsep.realtime.karaoke.stem_lock import try_lock
from advsep.realtime.karaoke.stem_source import StemSource
from advsep.realtime.model import ModelSession
from advsep.realtime.source import FileSource, SourceError
from advsep.realtime.stems import HOPS_AT_ONCE, StemStream
from waiting import is_running, until

RATE_HZ = 44100
SECONDS, CHUNKS = 40, 10


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise of 10 chunks."""
    path = tmp_path_factory.mktemp("song") / "song.wav"
    soundfile.write(path, np.random.default_rng(3).uniform(-0.5, 0.5, SECONDS * RATE_HZ), RATE_HZ)
    return path


@pytest.fixture(scope="module")
def reference() -> dict[Path, np.ndarray]:
    """What the offline path made of songs."""
    return {}


@pytest.fixture
def model(make_model: Callable[..., Path]) -> str:
    """Masks that follow the sound, without a memory: a chunk is the same whatever was made before it."""
    return str(make_model(logit=-1.0, slope=0.5))


@pytest.fixture
def cache(tmp_path: Path) -> StemCache:
    return StemCache(tmp_path / "stems")


@contextlib.contextmanager
def halted(separation: Separation) -> Generator[int]:
    """After its first chunk, stopped where it is; the body has its process, and may end it."""
    until(lambda: separation.process_id is not None and separation.progress.done > 0)
    pid = separation.process_id
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def whole(entry: StemEntry) -> np.ndarray:
    return StemSource(entry).read(entry.samples)


@pytest.fixture
def offline(song: Path, model: str, reference: dict[Path, np.ndarray]) -> np.ndarray:
    """The stems of the song as the offline path makes them."""
    if song not in reference:
        source = FileSource(song)
        stems = StemStream(source, ModelSession(Path(model), HOPS_AT_ONCE), HOPS_AT_ONCE).read_all().stems
        source.close()
        reference[song] = np.concatenate([np.repeat(stems[name], 2, 1) for name in ("accompaniment", "vocals")], 1)
    return reference[song]


def finish(separation: Separation) -> None:
    until(lambda: separation.is_complete or separation.error is not None)
    assert separation.error is None


def test_killed_in_the_middle_it_goes_on(song: Path, cache: StemCache, model: str, offline: np.ndarray) -> None:
    nice = min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)
    with Separation(song, cache, model) as separation:
        until(lambda: separation.process_id is not None)
        until(lambda: os.getpriority(os.PRIO_PROCESS, separation.process_id or 0) == nice)
        with halted(separation) as pid:
            stamps = {i: separation.entry.chunk_path(i).stat().st_mtime_ns for i in separation.entry.present()}
            assert 0 < len(stamps) < CHUNKS
            (separation.entry.folder / ".000009.flac.partial").write_bytes(b"half of it")
            os.kill(pid, signal.SIGKILL)
        finish(separation)
        until(lambda: separation.process_id is None)
        entry = separation.entry
        assert {i: entry.chunk_path(i).stat().st_mtime_ns for i in stamps} == stamps
        assert not list(entry.folder.glob(".*partial"))
        assert (separation.progress.done, separation.progress.total) == (CHUNKS, CHUNKS)
        assert separation.progress.speed > 1
        np.testing.assert_allclose(whole(entry), offline, atol=1e-6)
        # What vanishes later is made again, when somebody is at it.
        entry.chunk_path(7).unlink()
        separation.prefer(20.0)
        until(lambda: separation.is_complete)
    # All is there: no other process.
    with Separation(song, cache, model) as again:
        again.prefer(1.0)
        assert (again.process_id, again.is_complete, again.error) == (None, True, None)
        assert again.margin_s(10.0) == 30.0


def test_two_want_the_same_song_and_one_works(song: Path, cache: StemCache, model: str, offline: np.ndarray) -> None:
    with Separation(song, cache, model) as first, halted(first) as pid, Separation(song, cache, model) as second:
        assert second.entry.folder == first.entry.folder
        until(lambda: second.process_id is not None)
        before = second.progress.done
        source = StemSource(second.entry)
        assert len(source.read(RATE_HZ)) == RATE_HZ  # what the first one made
        assert try_lock(first.entry.worker_lock) is None
        assert second.progress.done == before
        # It takes over from one that ends.
        os.kill(pid, signal.SIGKILL)
        second.prefer(30.0)
        finish(second)
        np.testing.assert_allclose(whole(second.entry), offline, atol=1e-6)


def test_what_is_wanted_comes_first_and_then_all_the_rest(
    song: Path, cache: StemCache, model: str, offline: np.ndarray
) -> None:
    Separation.prewarm(model)
    Separation.prewarm(model)  # one is enough
    with Separation(song, cache, model, position_s=24.0) as separation:
        entry = separation.entry
        with halted(separation):
            there = entry.present()
            assert min(there) == 6
            separation.prefer(9.0)
        source = StemSource(entry)
        source.seek(9 * RATE_HZ)
        assert source.wait(30.0)
        assert len(source.read(1000)) == 1000
        finish(separation)
        times_ns = {i: entry.chunk_path(i).stat().st_mtime_ns for i in range(CHUNKS) if i not in there}
        order = sorted(times_ns, key=lambda i: times_ns[i])
        if order[0] != 2:  # what was under way may have been finished first
            there.add(order.pop(0))
        assert order == [i for i in (2, 3, 4, 5, 6, 7, 8, 9, 0, 1) if i not in there]
        np.testing.assert_allclose(whole(entry), offline, atol=1e-6)


PARENT = """
import sys, time
from pathlib import Path
from advsep.realtime.karaoke.separation import Separation
from advsep.realtime.karaoke.stem_cache import StemCache
separation = Separation(Path(sys.argv[1]), StemCache(Path(sys.argv[2])), sys.argv[3])
while separation.process_id is None:
    time.sleep(0.01)
Separation.prewarm(sys.argv[3])
print("started", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks for children in /proc")
def test_it_ends_with_its_parent_even_if_that_is_killed(song: Path, tmp_path: Path, model: str) -> None:
    command = [sys.executable, "-c", PARENT, song, tmp_path / "stems", model]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
        tasks = Path(f"/proc/{parent.pid}/task").glob("*/children")
        pids = [int(pid) for task in tasks for pid in task.read_text().split()]
        assert len(pids) == 2
        # A terminal sends Ctrl-C to the group of the program that it runs.
        assert os.getpgid(parent.pid) == parent.pid
        assert all(os.getpgid(pid) == pid for pid in pids)
        parent.kill()
    until(lambda: not any(map(is_running, pids)), 10)


def test_closing_ends_the_process_at_once_and_frees_the_entry(song: Path, cache: StemCache, model: str) -> None:
    separation = Separation(song, cache, model)
    until(lambda: separation.process_id is not None)
    pid = separation.process_id
    assert pid is not None
    cache.clear()
    assert len(cache.entries()) == 1
    separation.close()
    separation.close()
    assert not is_running(pid)
    assert (separation.process_id, separation.error) == (None, None)
    separation.prefer(3.0)
    assert separation.process_id is None
    cache.clear()
    assert cache.entries() == []


def test_a_model_that_is_none_is_said_in_its_words(song: Path, cache: StemCache, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.onnx"
    wrong.write_bytes(b"no model")
    with Separation(song, cache, str(wrong)) as separation:
        until(lambda: separation.error is not None)
        assert isinstance(separation.error, StemError)
        assert f"{wrong}: expected an ONNX model written by advsep-export, found 8 bytes" in str(separation.error)
        until(lambda: separation.process_id is None)
        separation.prefer(0.0)
        assert separation.process_id is None


def test_killed_three_times_it_is_given_up(song: Path, cache: StemCache, model: str) -> None:
    killed: set[int] = set()

    def is_over() -> bool:
        pid = separation.process_id
        if pid is not None and pid not in killed:
            killed.add(pid)
            os.kill(pid, signal.SIGKILL)
        return separation.error is not None

    with Separation(song, cache, model) as separation:
        until(is_over)
        assert len(killed) == 3
        assert "song.wav: separating it ended 3 times within 30 s, at last: killed by signal 9, SIGKILL; choose" in str(
            separation.error
        )


def test_a_song_that_cannot_be_opened_starts_nothing(tmp_path: Path, cache: StemCache) -> None:
    with pytest.raises(SourceError, match=r"none\.mp3: cannot be read: No such file"):
        Separation(tmp_path / "none.mp3", cache)
