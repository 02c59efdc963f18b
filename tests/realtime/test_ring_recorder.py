"""Stems recorded from a ring: every frame at its place, silence for what was lost, whole files or a clear word."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from advsep.realtime.recorder import RecorderError, StemRecorder
from advsep.realtime.ring import Ring, ring_write
from advsep.realtime.ring_recorder import OUTAGE_S, WAKE_S, RingRecorder, free_folder
from advsep.realtime.spec import SignalSpec
from advsep.realtime.telemetry import Telemetry
from advsep.realtime.telemetry_rings import RingReader, lay_out, layout_for
from advsep.realtime.wav_header import shorten_header
from numpy.typing import NDArray
from waiting import until

pytestmark = pytest.mark.live

SOURCES = ("vocals", "accompaniment")
RATE_HZ = 8000
CAPACITY = 1 << 15


def frames(begin: int, end: int) -> NDArray[np.float32]:
    """Frames of which every value tells its position and channel."""
    positions = np.arange(begin, end, dtype=np.float32)[:, None]
    return np.ascontiguousarray(positions + np.float32(1_000_000) * np.arange(4, dtype=np.float32))


def put(ring: Ring, begin: int, end: int) -> None:
    for at in range(begin, end, 1024):
        ring_write(ring.words, ring.data, frames(at, min(end, at + 1024)))


def recorded(folder: Path) -> NDArray[np.float32]:
    """Both stems side by side, as in the ring."""
    stems = [soundfile.read(folder / f"{source}.wav", dtype="float32")[0] for source in SOURCES]
    return np.concatenate(stems, axis=1)


@pytest.fixture
def ring() -> Ring:
    return Ring(CAPACITY, 4)


def test_from_the_first_input_sample_to_the_last(ring: Ring, tmp_path: Path) -> None:
    recorder = RingRecorder(ring, tmp_path / "take", SOURCES, RATE_HZ, 2, 256)
    recorder.start()
    for at in range(0, 60_000, 500):  # more than the ring holds
        put(ring, at, at + 500)
        if at % 5000 == 0:
            time.sleep(0.06)
    assert recorder.running
    assert recorder.stop() == [tmp_path / "take/vocals.wav", tmp_path / "take/accompaniment.wav"]
    assert not recorder.running
    np.testing.assert_array_equal(recorded(tmp_path / "take"), frames(256, 60_000))
    assert (recorder.lost_samples, recorder.error, recorder.seconds) == (0, None, 59_744 / RATE_HZ)
    info = soundfile.info(tmp_path / "take/vocals.wav")
    assert (info.format, info.subtype, info.samplerate, info.channels) == ("WAVEX", "FLOAT", RATE_HZ, 2)
    assert sorted(path.name for path in (tmp_path / "take").iterdir()) == ["accompaniment.wav", "vocals.wav"]


@pytest.mark.parametrize("skip", [0, 256, 5000])
def test_from_now_on(ring: Ring, tmp_path: Path, skip: int) -> None:
    put(ring, 0, 3000)
    recorder = RingRecorder(ring, tmp_path, SOURCES, RATE_HZ, 2, skip)
    recorder.start()
    for at in range(3000, 7000, 100):
        put(ring, at, at + 100)
        time.sleep(0.003)
    recorder.stop()
    np.testing.assert_array_equal(recorded(tmp_path), frames(max(3000, skip), 7000))


def test_from_a_position_that_is_past(ring: Ring, tmp_path: Path) -> None:
    put(ring, 0, 3000)
    recorder = RingRecorder(ring, tmp_path, SOURCES, RATE_HZ, 2, 256)
    recorder.start(0)
    put(ring, 3000, 3001)
    recorder.stop()
    np.testing.assert_array_equal(recorded(tmp_path), frames(256, 3001))
    assert recorder.lost_samples == 0


def test_what_the_ring_no_longer_had_is_silence_and_the_rest_in_place(ring: Ring, tmp_path: Path) -> None:
    put(ring, 0, CAPACITY + 9000)
    recorder = RingRecorder(ring, tmp_path, SOURCES, RATE_HZ, 2)
    recorder.start(0)
    until(lambda: recorder.seconds >= (CAPACITY + 9000) / RATE_HZ)
    put(ring, CAPACITY + 9000, CAPACITY + 9100)
    recorder.stop()
    found, expected = recorded(tmp_path), frames(0, CAPACITY + 9100)
    lost = recorder.lost_samples
    assert 9000 <= lost <= 9000 + CAPACITY // 2
    assert not found[:lost].any()
    np.testing.assert_array_equal(found[lost:], expected[lost:])


def test_a_writer_that_runs_wild_never_tears_a_frame_or_moves_one(tmp_path: Path) -> None:
    ring = Ring(1024, 4)
    recorder = RingRecorder(ring, tmp_path, SOURCES, RATE_HZ, 2)
    recorder.start(0)
    at, block = 0, frames(0, 64)
    while at < 1 << 21:  # whole numbers of 32-bit floats
        ring_write(ring.words, ring.data, block)
        block += np.float32(64)
        at += 64
        if at % 4096 == 0:
            time.sleep(0.0005)
    recorder.stop()
    found, expected = recorded(tmp_path), frames(0, at)
    assert len(found) == at
    silent = ~found.any(axis=1)
    np.testing.assert_array_equal(found[~silent], expected[~silent])
    assert int(silent.sum()) == recorder.lost_samples > 0
    assert recorder.error is None


@pytest.mark.parametrize("by_clock", [True, False])
@pytest.mark.parametrize("begins_anew", [True, False])
def test_an_engine_that_is_started_again(ring: Ring, tmp_path: Path, by_clock: bool, begins_anew: bool) -> None:
    recorder = RingRecorder(ring, tmp_path, SOURCES, RATE_HZ, 2, 100, by_clock=by_clock)
    recorder.start()
    put(ring, 0, 2000)
    until(lambda: recorder.seconds == 1900 / RATE_HZ)
    away_s = OUTAGE_S + 0.5
    time.sleep(away_s)
    begin = 0 if begins_anew else 2000
    if begins_anew:
        ring.clear()
    put(ring, begin, begin + 300)
    until(lambda: recorder.seconds >= 2200 / RATE_HZ)
    put(ring, begin + 300, begin + 1500)
    recorder.stop()
    found = recorded(tmp_path)
    np.testing.assert_array_equal(found[:1900], frames(100, 2000))
    np.testing.assert_array_equal(found[-1500:], frames(begin, begin + 1500))
    gap = found[1900:-1500]
    assert not gap.any()
    assert len(gap) == recorder.lost_samples
    if by_clock:  # measured by wake-ups, on a machine that may be busy
        assert away_s - 3 * WAKE_S < len(gap) / RATE_HZ < away_s + 10 * WAKE_S
    else:
        assert len(gap) == 0


def test_an_engine_that_starts_again_before_its_first_sample(ring: Ring, tmp_path: Path) -> None:
    recorder = RingRecorder(ring, tmp_path, SOURCES, RATE_HZ, 2, 1000)
    recorder.start()
    put(ring, 0, 500)
    time.sleep(OUTAGE_S + 4 * WAKE_S)
    ring.clear()
    time.sleep(3 * WAKE_S)
    put(ring, 0, 1500)
    recorder.stop()
    np.testing.assert_array_equal(recorded(tmp_path), frames(1000, 1500))


def test_short_pauses_are_no_outage(ring: Ring, tmp_path: Path) -> None:
    recorder = RingRecorder(ring, tmp_path, SOURCES, RATE_HZ, 2)
    recorder.start()
    for at in range(0, 1000, 100):
        put(ring, at, at + 100)
        time.sleep(0.1)
    recorder.stop()
    np.testing.assert_array_equal(recorded(tmp_path), frames(0, 1000))


def test_an_end_that_is_known(ring: Ring, tmp_path: Path) -> None:
    recorder = RingRecorder(ring, tmp_path, SOURCES, RATE_HZ, 2, 256, length_samples=3000)
    recorder.start()
    put(ring, 0, 20_000)
    until(lambda: not recorder.running)
    assert len(recorder.stop()) == 2
    np.testing.assert_array_equal(recorded(tmp_path), frames(256, 3256))
    assert recorder.error is None


def test_a_recorder_with_files_for_some_sources(ring: Ring, tmp_path: Path) -> None:
    files = StemRecorder(tmp_path, ("accompaniment",), RATE_HZ, 2)
    recorder = RingRecorder(ring, files, SOURCES, RATE_HZ, 2)
    recorder.start()
    put(ring, 0, 50)
    assert recorder.stop() == [tmp_path / "accompaniment.wav"]
    found, _ = soundfile.read(tmp_path / "accompaniment.wav", dtype="float32")
    np.testing.assert_array_equal(found, frames(0, 50)[:, 2:])


@pytest.mark.parametrize("ends", ["stop", "discard"])
def test_nothing_recorded_leaves_nothing(ring: Ring, tmp_path: Path, ends: str) -> None:
    for starts in (True, False):
        recorder = RingRecorder(ring, tmp_path / "new/take", SOURCES, RATE_HZ, 2)
        if starts:
            recorder.start()
        assert not getattr(recorder, ends)()
        assert recorder.error is None
        assert list(tmp_path.iterdir()) == []


def test_discarded(ring: Ring, tmp_path: Path) -> None:
    recorder = RingRecorder(ring, tmp_path / "take", SOURCES, RATE_HZ, 2)
    recorder.start()
    put(ring, 0, 5000)
    recorder.discard()
    assert recorder.stop() == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be(ring: Ring, tmp_path: Path) -> None:
    (tmp_path / "take").write_text("a file")
    with pytest.raises(RecorderError, match="expected a folder"):
        RingRecorder(ring, tmp_path / "take", SOURCES, RATE_HZ, 2)


def test_a_disk_that_is_nearly_full_ends_it_and_keeps_it(ring: Ring, tmp_path: Path) -> None:
    put(ring, 0, 400)
    recorder = RingRecorder(ring, tmp_path, SOURCES, RATE_HZ, 2, reserve_bytes=1 << 62)
    recorder.start(0)
    until(lambda: not recorder.running)
    assert len(recorder.stop()) == 2
    np.testing.assert_array_equal(recorded(tmp_path), frames(0, 400))
    assert "MB are left on the disk" in str(recorder.error)
    assert "0.1 s, is kept" in str(recorder.error)


@contextlib.contextmanager
def small_disk(folder: Path) -> Generator[None]:
    """A file system of 256 KiB; skips where we may not make one."""
    if sys.platform != "linux":
        pytest.skip("mounts a tmpfs")
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(folder)]
    made = subprocess.run(command, check=False, capture_output=True)
    if made.returncode:
        pytest.skip("may not mount a tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def test_a_disk_that_is_really_full(ring: Ring, tmp_path: Path) -> None:
    with small_disk(tmp_path):
        recorder = RingRecorder(ring, tmp_path / "take", SOURCES, RATE_HZ, 2, reserve_bytes=0)
        recorder.start(0)
        put(ring, 0, 30_000)
        until(lambda: not recorder.running)
        put(ring, 30_000, 40_000)  # nobody minds
        assert recorder.stop() == []
        assert "No space left on device" in str(recorder.error) or "disk took no more" in str(recorder.error)
        assert "nothing of this recording could be kept" in str(recorder.error)
        assert list(tmp_path.iterdir()) == []


def test_a_small_disk_with_a_reserve_keeps_what_fits(ring: Ring, tmp_path: Path) -> None:
    with small_disk(tmp_path):
        recorder = RingRecorder(ring, tmp_path / "take", SOURCES, RATE_HZ, 2, reserve_bytes=100_000)
        recorder.start()
        at = 0
        while recorder.running and at < 100_000:
            put(ring, at, at + 400)
            at += 400
            time.sleep(0.01)
        assert len(recorder.stop()) == 2
        found = recorded(tmp_path / "take")
        np.testing.assert_array_equal(found, frames(0, len(found)))
        assert 3000 < len(found) < 16_000
        assert "is kept" in str(recorder.error)


@pytest.fixture
def telemetry() -> Generator[Telemetry]:
    made = Telemetry.create()
    try:
        yield made
    finally:
        made.close()
        made.unlink()


@pytest.mark.parametrize("started_before", [True, False])
def test_stems_of_an_engine_in_another_process(
    telemetry: Telemetry, signal: SignalSpec, tmp_path: Path, started_before: bool
) -> None:
    layout = layout_for("m", SOURCES, signal, 44100, 1792)
    if not started_before:
        lay_out(telemetry, layout)
    recorder = RingRecorder(RingReader(telemetry, "stems"), tmp_path, SOURCES, 44100, 2, 256, by_clock=False)
    recorder.start(0)
    stems, _ = lay_out(telemetry, layout)
    put(stems, 0, 5000)
    until(lambda: recorder.seconds >= 4744 / 44100)
    stems, _ = lay_out(telemetry, replace(layout, model="another"))  # started again, its positions go on
    put(stems, 5000, 8000)
    until(lambda: recorder.seconds >= 7744 / 44100)
    stems, _ = lay_out(telemetry, layout_for("m", SOURCES, signal, 48000, 1792))
    put(stems, 8000, 9000)
    until(lambda: not recorder.running)
    assert len(recorder.stop()) == 2
    np.testing.assert_array_equal(recorded(tmp_path), frames(256, 8000))
    assert recorder.lost_samples == 0
    assert "sample rate changed" in str(recorder.error)
    assert "is kept" in str(recorder.error)


def test_it_sleeps(ring: Ring, tmp_path: Path) -> None:
    recorder = RingRecorder(ring, tmp_path, SOURCES, RATE_HZ, 2)
    before = threading.active_count()
    recorder.start()
    assert threading.active_count() == before + 1
    began_s = time.process_time()
    for at in range(0, 8000, 80):
        put(ring, at, at + 80)
        time.sleep(0.01)
    assert time.process_time() - began_s < 0.5
    recorder.stop()
    assert threading.active_count() == before


def test_rf64_becomes_wav_where_it_fits(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).standard_normal((5000, 2)).astype(np.float32)
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, 44100, format="RF64", subtype="FLOAT")
    shorten_header(path)
    assert path.read_bytes()[:4] == b"RIFF"
    assert soundfile.info(path).format in ("WAV", "WAVEX")
    found, rate_hz = soundfile.read(path, dtype="float32")
    assert rate_hz == 44100
    np.testing.assert_array_equal(found, samples)
    before = path.read_bytes()
    shorten_header(path)
    assert path.read_bytes() == before
    with path.open("r+b") as file:  # as a file of 5 GiB begins
        file.write(b"RF64")
        file.seek(12)
        file.write(b"ds64")
        file.seek(before.find(b"data") + 4)
        file.write(b"\xff\xff\xff\xff")
        file.truncate(5 << 30)
    shorten_header(path)
    assert path.open("rb").read(4) == b"RF64"


def test_a_free_folder(tmp_path: Path) -> None:
    take = tmp_path / "take"
    assert free_folder(take, SOURCES) == take
    take.mkdir()
    assert free_folder(take, SOURCES) == take
    (take / "vocals.wav").touch()
    assert free_folder(take, SOURCES) == tmp_path / "take-2"
    (tmp_path / "take-2").mkdir()
    (tmp_path / "take-2/accompaniment.wav").touch()
    assert free_folder(take, SOURCES) == tmp_path / "take-3"
