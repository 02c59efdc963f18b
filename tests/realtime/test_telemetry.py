"""Telemetry in shared memory: whole records under stress, rings over restarts, blocks that do not stay behind."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from advsep.realtime.errors import AdvsepError
from advsep.realtime.meter import LevelMeter
from advsep.realtime.ring import CLAIMED, ring_write
from advsep.realtime.shared_block import remove_stale_blocks
from advsep.realtime.spec import SignalSpec
from advsep.realtime.status import EngineStatus, Level
from advsep.realtime.telemetry import (
    RING_BYTES,
    Record,
    Telemetry,
    status_from_json,
    status_to_json,
)
from advsep.realtime.telemetry_rings import RingReader, lay_out, layout_for

SOURCES = ("vocals", "accompaniment")


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    made = Telemetry.create()
    yield made
    made.unlink()
    made.close()


def status_number(k: int) -> EngineStatus:
    """Every field that can carries the number k, and the length of the text changes with it."""
    return EngineStatus(
        state="playing",
        note=str(k) * (1 + k % 60),
        position_s=float(k),
        hops=k,
        misses=k,
        latency_parts={"windows": k, "block": k},
        levels={"input": Level(peak_dbfs=float(k), rms_dbfs=float(k))},
    )


def is_whole(status: EngineStatus) -> bool:
    return status == status_number(status.hops)


STRESS = """
import json, sys, time
from advsep.realtime.telemetry import Telemetry
sys.path.insert(0, sys.argv[2])
from test_telemetry import is_whole
telemetry = Telemetry.attach(sys.argv[1])
print("attached", flush=True)
until_s, seen, torn, backwards, last = time.perf_counter() + 2, 0, 0, 0, -1
while time.perf_counter() < until_s:
    status = telemetry.status()
    if status is not None:
        seen += status.hops != last
        torn += not is_whole(status)
        backwards += status.hops < last
        last = status.hops
telemetry.close()
print(json.dumps([seen, torn, backwards]))
"""


def test_readers_in_other_processes_never_see_half_a_record(telemetry: Telemetry) -> None:
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", STRESS, telemetry.name, str(Path(__file__).parent)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "attached\n"
    k = 0
    while any(reader.poll() is None for reader in readers):
        telemetry.publish(status_number(k))
        k += 1
    for reader in readers:
        out, errors = reader.communicate(timeout=20)
        seen, torn, backwards = json.loads(out)
        assert seen > 20
        assert (torn, backwards) == (0, 0)
        assert errors == ""


def test_a_reader_that_is_asked_while_the_writer_writes_gets_the_last_whole_record() -> None:
    record = Record(memoryview(bytearray(64 + 1024)))
    assert record.read() is None
    record.write(b"first")
    assert record.read() == b"first"
    # Killed in the middle: half of the bytes are new, the number is odd.
    record._words[0] += 1
    record._bytes[:2] = np.frombuffer(b"xx", np.uint8)
    assert record.read() is None
    record.write(b"second, of another writer")
    assert record.read() == b"second, of another writer"
    # Torn with an even number, as on a processor that reorders: the checksum tells.
    record._bytes[0] ^= 1
    assert record.read() is None


def test_the_status_stays_what_it_was_when_the_writer_is_killed_in_the_middle(telemetry: Telemetry) -> None:
    reader = Telemetry.attach(telemetry.name)
    assert reader.status() is None
    telemetry.publish(status_number(7))
    assert reader.status() == status_number(7)
    telemetry._status._words[0] += 1
    assert reader.status() == status_number(7)
    telemetry.publish(status_number(8))
    assert reader.status() == status_number(8)
    reader.close()


def test_a_status_survives_the_way_through_bytes() -> None:
    status = EngineStatus(
        state="waiting",
        note='output "Lautsprecher №1" has gone',
        device_latency_s=0.0125,
        length_s=None,
        latency_parts={"windows": 256, "block": 256},
        levels={"input": Level(peak_dbfs=-math.inf, rms_dbfs=-math.inf), "output": Level(peak_dbfs=-1.5, rms_dbfs=-9)},
        gains_db={"vocals": -math.inf, "accompaniment": 0.0},
        muted=("vocals",),
        bypassed=True,
        misses=np.int64(3),  # type: ignore[arg-type]
    )
    assert status_from_json(status_to_json(status)) == status


def test_the_heartbeat_is_heard_by_others(telemetry: Telemetry) -> None:
    reader = Telemetry.attach(telemetry.name)
    assert reader.silent_s == math.inf
    telemetry.beat()
    assert 0 <= reader.silent_s < 5
    time.sleep(0.05)
    assert reader.silent_s >= 0.05
    reader.close()


def test_the_rings_are_deep_enough_for_every_preset(signal: SignalSpec) -> None:
    for hop, rate_hz in ((64, 48000), (128, 48000), (256, 44100), (512, 44100)):
        wide = replace(signal, hop_samples=hop, synthesis_samples=1024, band_edges_bins=tuple(range(257)))
        layout = layout_for("m", SOURCES, wide, rate_hz, 1792)
        assert layout.stems_capacity >= 8 * rate_hz
        assert layout.columns_capacity >= 2 * rate_hz / hop
        assert 4 * layout.columns_capacity * 2 * 2 * 256 <= RING_BYTES
    many = replace(signal, hop_samples=64, band_edges_bins=tuple(range(1025)))
    assert layout_for("m", SOURCES, many, 48000, 1792).columns_capacity == 512


def test_frames_arrive_in_order_while_they_are_written(telemetry: Telemetry, signal: SignalSpec) -> None:
    """A recorder follows 10 s of stems, written in hops as fast as a thread can; what is lost it knows."""
    stems, _ = lay_out(telemetry, layout_for("m", SOURCES, signal, 44100, 1792))
    attached = Telemetry.attach(telemetry.name)
    reader = RingReader(attached, "stems")
    assert reader.read() is None
    total = 441000 // 256 * 256

    def write() -> None:
        block = np.empty((256, 4), np.float32)
        for start in range(0, total, 256):
            block[:] = np.arange(start, start + 256, dtype=np.float32)[:, None]
            ring_write(stems.words, stems.data, block)

    writer = threading.Thread(target=write)
    writer.start()
    got, position = 0, 0
    until_s = time.perf_counter() + 30
    while position < total and time.perf_counter() < until_s:
        frames = reader.read(5000)
        if frames is None:
            continue
        assert frames.position >= position
        expected = np.arange(frames.position, frames.position + len(frames.data), dtype=np.float32)
        assert np.array_equal(frames.data, np.repeat(expected[:, None], 4, axis=1))
        got += len(frames.data)
        position = frames.position + len(frames.data)
    writer.join()
    assert position == total
    assert got + reader.lost == total
    attached.close()


def test_a_ring_goes_on_under_a_new_writer_of_the_same_shape(telemetry: Telemetry, signal: SignalSpec) -> None:
    layout = layout_for("m", SOURCES, signal, 44100, 1792)
    stems, _ = lay_out(telemetry, layout)
    reader = RingReader(telemetry, "stems")
    assert reader.latest(10) is None
    ring_write(stems.words, stems.data, np.full((256, 4), 0.25, np.float32))
    # Killed while it wrote the second hop:
    stems.words[CLAIMED] += 256
    stems.data[256:300] = 9.0
    stems, _ = lay_out(telemetry, replace(layout, model="another"))
    ring_write(stems.words, stems.data, np.full((256, 4), 0.5, np.float32))
    frames = reader.latest(10000)
    assert frames is not None
    assert frames.layout.model == "another"
    assert frames.position == 0
    assert frames.data[:, 0].tolist() == [0.25] * 256 + [0.0] * 256 + [0.5] * 256


def test_a_ring_of_another_shape_begins_after_the_old_one(telemetry: Telemetry, signal: SignalSpec) -> None:
    _, columns = lay_out(telemetry, layout_for("m", SOURCES, signal, 44100, 1792))
    reader = RingReader(telemetry, "columns")
    row = np.ones((1, columns.data.shape[1]), np.float32)
    ring_write(columns.words, columns.data, row)
    assert reader.latest(10) is not None
    for _ in range(4):
        ring_write(columns.words, columns.data, row)
    wider = replace(signal, band_edges_bins=tuple(range(130)))
    _, columns = lay_out(telemetry, layout_for("m", SOURCES, wider, 44100, 1792))
    assert reader.read() is None
    ring_write(columns.words, columns.data, np.full((1, columns.data.shape[1]), 2.0, np.float32))
    frames = reader.read()
    assert frames is not None
    assert frames.position == 5
    assert frames.layout.bands == 129
    assert frames.data.shape == (1, 2 * 2 * 129)
    assert frames.data.min() == frames.data.max() == 2.0
    assert reader.lost == 4


def test_a_reader_that_fell_behind_goes_on_and_says_what_it_lost(telemetry: Telemetry, signal: SignalSpec) -> None:
    _, columns = lay_out(telemetry, layout_for("m", SOURCES, signal, 44100, 1792))
    reader = RingReader(telemetry, "columns")
    assert reader.read() is None
    row = np.ones((1, columns.data.shape[1]), np.float32)
    for _ in range(3 * columns.capacity_frames):
        ring_write(columns.words, columns.data, row)
    frames = reader.read()
    assert frames is not None
    assert reader.lost == frames.position == 2.5 * columns.capacity_frames
    assert reader.position == 3 * columns.capacity_frames


def test_no_block_of_that_name_is_an_error_in_words() -> None:
    with pytest.raises(AdvsepError, match="no engine's telemetry is called 'advsep-nobody'"):
        Telemetry.attach("advsep-nobody")


def test_a_closed_block_leaves_nothing_behind_even_while_an_array_is_held() -> None:
    """What a careless reader holds must neither fail nor print at the end of its program."""
    script = """
from advsep.realtime.telemetry import Telemetry
made = Telemetry.create()
print(made.name)
attached = Telemetry.attach(made.name)
held = attached.words
attached.close()
made.unlink(); made.unlink()
made.close()
print(held[0])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    name, word = done.stdout.split()
    assert word == "0"
    assert not Path("/dev/shm", name).exists()


def test_a_signal_that_interrupts_the_removal_of_a_block_can_remove_it_itself() -> None:
    """As in an engine whose parent was killed: it hears of it three times over, and must not wait for itself."""
    script = """
import os, signal
from advsep.realtime import shared_block
made = shared_block.make_block(4096)
def again(*_):
    made.unlink()
    os._exit(7)
signal.signal(signal.SIGTERM, again)
with shared_block._untracked():
    os.kill(os.getpid(), signal.SIGTERM)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (7, "")


def test_a_reader_that_ends_without_a_word_takes_nothing_with_it(telemetry: Telemetry) -> None:
    script = f"from advsep.realtime.telemetry import Telemetry; t = Telemetry.attach({telemetry.name!r})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    Telemetry.attach(telemetry.name).close()


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="blocks cannot be listed here")
def test_blocks_of_the_dead_are_removed_and_those_of_the_living_kept(telemetry: Telemetry) -> None:
    script = "import os; from advsep.realtime.telemetry import Telemetry; print(Telemetry.create().name, flush=True); "
    killed = subprocess.run(
        [sys.executable, "-c", script + "os.kill(os.getpid(), 9)"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    name = killed.stdout.strip()
    assert name.startswith("advsep-")
    assert Path("/dev/shm", name).exists()
    assert killed.stderr == ""
    remove_stale_blocks()
    assert not Path("/dev/shm", name).exists()
    assert Path("/dev/shm", telemetry.name).exists()
    assert str(os.getpid()) in telemetry.name


def test_the_meter_shows_peak_and_mean_square_since_the_last_look() -> None:
    meter = LevelMeter(("input", "output"))
    assert meter.read()["input"] == Level(peak_dbfs=-math.inf, rms_dbfs=-math.inf)
    block = np.zeros((100, 2), np.float32)
    block[3] = (0.5, -1.0)
    meter.measure(0, block)
    meter.measure(0, np.zeros((100, 2), np.float32))
    meter.measure(1, np.full((10, 2), 0.1, np.float32))
    levels = meter.read()
    assert levels["input"].peak_dbfs == 0.0
    assert levels["input"].rms_dbfs == pytest.approx(10 * math.log10(1.25 / 400))
    assert levels["output"].peak_dbfs == pytest.approx(-20, abs=1e-5)
    assert levels["output"].rms_dbfs == pytest.approx(-20, abs=1e-5)
    # Nothing new: as before. Something new: only that.
    assert meter.read() == levels
    meter.measure(0, np.full((10, 2), 0.01, np.float32))
    assert meter.read()["input"].peak_dbfs == pytest.approx(-40, abs=1e-5)


def test_the_meter_takes_no_damage_for_sound() -> None:
    meter = LevelMeter(("input",))
    meter.measure(0, np.array([[np.nan], [np.inf], [1e30], [0.5]], np.float32))
    level = meter.read()["input"]
    assert level.peak_dbfs == pytest.approx(-6.0206, abs=1e-4)
    assert level.rms_dbfs == pytest.approx(10 * math.log10(0.25 / 4))
