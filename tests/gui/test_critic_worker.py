"""Critics in their thread: what they say is what `CriticSession` says, the newest first, and a bad file is words."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from advsep.gui.critic_worker import NICENESS, CriticWorker, Patch, Verdict
from advsep.realtime.critic_map import CriticMap, CriticSession
from fed_session import SIGNAL, write_critics
from waiting import until

FRAMES = 8


@pytest.fixture
def critics(tmp_path: Path) -> Path:
    return write_critics(tmp_path / "tiny.critics.onnx", SIGNAL, FRAMES)


@pytest.fixture
def worker() -> Iterator[CriticWorker]:
    made = CriticWorker()
    yield made
    made.close()
    assert not made.alive


def opened(worker: CriticWorker, path: Path) -> CriticWorker:
    worker.open(path)
    until(lambda: worker.opened is not None)
    return worker


def taken(worker: CriticWorker, count: int) -> list[Verdict]:
    found = list[Verdict]()
    until(lambda: found.extend(worker.take()) or len(found) == count)
    return found


def estimates(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).exponential(5.0, (2, FRAMES, SIGNAL.bands)).astype(np.float32)


def test_a_map_is_that_of_the_critics_session(worker: CriticWorker, critics: Path) -> None:
    opened(worker, critics)
    session = CriticSession(critics)
    for seed in (1, 2):
        worker.submit(Patch(500 + seed, estimates(seed)))
        found = taken(worker, 2)
        for source, (name, verdict) in enumerate(zip(("voice", "accompaniment"), found, strict=True)):
            wanted = session.judge(name, session.patches(estimates(seed)[source : source + 1, None]))
            assert (verdict.source, verdict.end) == (source, 500 + seed)
            assert verdict.score == wanted.scores[0]
            np.testing.assert_array_equal(verdict.gradient, wanted.gradients[0, 0])
            assert np.abs(verdict.gradient).max() > 0


def test_a_slow_critic_drops_patches_and_is_never_late(
    worker: CriticWorker, critics: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20 ms a source, asked every 2 ms: it is always at the newest when it begins, and nothing queues up."""
    judge = CriticSession.judge

    def slowly(self: CriticSession, source: str, patches: np.ndarray) -> CriticMap:
        time.sleep(0.02)
        return judge(self, source, patches)

    monkeypatch.setattr(CriticSession, "judge", slowly)
    opened(worker, critics)
    patch, count, longest_s = estimates(1), 150, 0.0
    for end in range(count):
        began_s = time.perf_counter()
        worker.submit(Patch(end, patch))
        longest_s = max(longest_s, time.perf_counter() - began_s)
        time.sleep(0.002)
    found = []
    until(lambda: found.extend(worker.take()) or (bool(found) and found[-1].end == count - 1 and found[-1].source == 1))
    assert worker.dropped == count - len(found) // 2
    assert worker.dropped > count / 2
    assert len(found) < count
    assert longest_s < 0.02  # handing in waits for nobody
    ends = [verdict.end for verdict in found]
    assert ends == sorted(ends)


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has a priority of its own only there")
def test_the_thread_is_less_important_than_the_others(worker: CriticWorker, critics: Path) -> None:
    opened(worker, critics)
    (thread,) = (each for each in threading.enumerate() if each is worker._thread)
    assert thread.native_id is not None
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, thread.native_id) == max(own, NICENESS)


def test_files_that_are_no_critics_are_words(worker: CriticWorker, critics: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.critics.onnx"
    broken.write_bytes(critics.read_bytes()[:500])
    for path, says in (
        (tmp_path / "none.critics.onnx", "no such file of critics"),
        (broken, "ONNX Runtime cannot load"),
        (tmp_path, "found a folder"),
    ):
        found = opened(worker, path).opened
        assert found is not None
        assert found.spec is None
        assert says in found.error
        assert str(path) in found.error
        worker.submit(Patch(1, estimates(1)))  # to nobody
    found = opened(worker, critics).opened
    assert found is not None
    assert found.spec is not None
    worker.open(None)
    assert worker.opened is None


def test_a_critic_that_fails_is_words(worker: CriticWorker, critics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(worker, critics)
    worker.submit(Patch(1, estimates(1)[:, :3]))  # too short
    until(lambda: worker.opened is not None and worker.opened.error != "")
    assert worker.opened is not None
    assert "its critics failed (ValueError: patches must be float32" in worker.opened.error
    assert worker.alive


def test_nothing_said_of_earlier_critics_is_handed_on(worker: CriticWorker, critics: Path, tmp_path: Path) -> None:
    opened(worker, critics)
    worker.submit(Patch(1, estimates(1)))
    other = write_critics(tmp_path / "other.critics.onnx", SIGNAL, FRAMES)
    opened(worker, other)
    worker.submit(Patch(2, estimates(1)))
    found = []
    until(lambda: found.extend(worker.take()) or len(found) == 2)
    assert {(verdict.path, verdict.end) for verdict in found} == {(other, 2)}


def test_the_thread_ends_with_whoever_holds_the_worker(critics: Path) -> None:
    worker = opened(CriticWorker(), critics)
    thread = worker._thread
    assert thread.is_alive()
    del worker
    gc.collect()
    until(lambda: not thread.is_alive(), 5.0)
