"""How soon a song that was chosen can be played, and how far its separation stays ahead of the playhead.

    python benchmarks/karaoke_start.py SONG [--model live-12] [--runs 5]

With empty caches each time (but compiled code on disk): the time from choosing to the first two seconds readable, from
nothing and with a process that waits, as the clock has it and as processor time of both processes; what the new
process spends its time on; the margin before a playhead in real time until all is separated; a seek into the middle.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
from advsep.realtime.karaoke.separation import Separation
from advsep.realtime.karaoke.stem_cache import StemCache, best_model
from advsep.realtime.karaoke.stem_source import StemSource
from hop_cost import machine

FIRST_S = 2.0
MOMENTS_S = (0.5, 1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)

STAGES = """
import sys, time
began = time.process_time()
def stage(name):
    global began
    print(f"    {name:34} {time.process_time() - began:.2f} s", flush=True)
    began = time.process_time()
import numpy, soundfile, soxr
stage("NumPy, soundfile, soxr")
import numba
stage("Numba")
import onnxruntime
stage("ONNX Runtime")
from advsep.realtime.karaoke.stem_maker import HOPS_AT_ONCE, ModelSession, StemStream
stage("our own modules")
from pathlib import Path
from advsep.realtime.registry import find_model
from advsep.realtime.source import FileSource
model = ModelSession(find_model(sys.argv[2]), HOPS_AT_ONCE)
stage("the model")
source = FileSource(Path(sys.argv[1]))
stream = StemStream(source, model, HOPS_AT_ONCE)
stream.warm_up()
stage("compiled code from its cache")
samples = 0
while samples < 4 * source.rate_hz and (block := stream.read()) is not None:
    samples += len(block.mixture)
stage("separating the first four seconds")
"""


def cpu_s(process_id: int | None) -> float:
    """Processor time of a process so far (Linux; else 0)."""
    try:
        fields = Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start(song: Path, model: str) -> tuple[float, float, float]:
    """Seconds from choosing a song to two seconds of it read; processor time here and in the other process."""
    with tempfile.TemporaryDirectory() as folder:
        cache = StemCache(Path(folder))
        began_s, ours_s = time.perf_counter(), time.process_time()
        with Separation(song, cache, model) as separation:
            source = StemSource(separation.entry)
            wanted = round(FIRST_S * source.rate_hz)
            while wanted > 0 and (separation.error is None):
                if source.wait(0.1):
                    wanted -= len(source.read(wanted))
            if separation.error is not None:
                raise separation.error
            took_s, ours_s = time.perf_counter() - began_s, time.process_time() - ours_s
            return took_s, ours_s, cpu_s(separation.process_id)


def starts(what: str, runs: int, once: Callable[[], tuple[float, float, float]]) -> None:
    """Measure and print."""
    took = np.array([once() for _ in range(runs)])
    clock, ours, theirs = np.median(took, 0)
    print(
        f"{what}: {clock:.2f} s (median of {runs}; {took[:, 0].min():.2f} to {took[:, 0].max():.2f}); "
        f"processor time {ours:.2f} s here, {theirs:.2f} s there"
    )


def prewarmed(song: Path, model: str) -> tuple[float, float, float]:
    """As `start`, when a process has had time to load."""
    Separation.prewarm(model)
    time.sleep(4.0)
    return start(song, model)


def margins(song: Path, model: str) -> None:
    """Play in real time, without sound, until all is separated; then look at a seek in another cache."""
    with tempfile.TemporaryDirectory() as folder, Separation(song, StemCache(Path(folder)), model) as separation:
        entry, told = separation.entry, []
        source = StemSource(entry)
        while not source.wait(0.1):
            pass
        began_s, moments, least_s = time.perf_counter(), list(MOMENTS_S), np.inf
        duration_s = entry.samples / entry.rate_hz
        while not separation.is_complete and separation.error is None:
            position_s = time.perf_counter() - began_s
            separation.prefer(position_s)
            margin_s = separation.margin_s(position_s)
            least_s = min(least_s, margin_s)
            if moments and position_s >= moments[0]:
                told.append(f"{moments.pop(0):g} s: {margin_s:.1f} s")
            time.sleep(0.02)
        all_s = time.perf_counter() - began_s
        print(f"playing {song.parent.name}/{song.name}, {duration_s:.0f} s, in real time from its first chunk on:")
        print(f"  margin after {', '.join(told)}; the least: {least_s:.1f} s")
        print(f"  all separated after {all_s:.1f} s, {separation.progress.speed:.1f} s of sound a second")
        size_bytes = sum(path.stat().st_size for path in entry.folder.iterdir())
        print(f"  {size_bytes / 1e6:.0f} MB on disk, {size_bytes / 1e6 / duration_s * 60:.0f} MB a minute")
    with tempfile.TemporaryDirectory() as folder, Separation(song, StemCache(Path(folder)), model) as separation:
        source = StemSource(separation.entry)
        while not source.wait(0.1):
            pass
        began_s = time.perf_counter()
        middle_s = duration_s / 2 + 1
        separation.prefer(middle_s)
        source.seek(round(middle_s * source.rate_hz))
        while not source.wait(0.1):
            pass
        print(f"a seek into the middle: readable after {time.perf_counter() - began_s:.2f} s")


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("song", type=Path)
    parser.add_argument("--model", default=best_model())
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    print(f"{date.today()} · {machine()} · {asked.model}")
    start(asked.song, asked.model)  # the disk's cache, and compiled code
    starts("from nothing", asked.runs, lambda: start(asked.song, asked.model))
    starts("with a process that waits", min(3, asked.runs), lambda: prewarmed(asked.song, asked.model))
    print("  processor time of a new process, at ordinary priority:", flush=True)
    subprocess.run([sys.executable, "-c", STAGES, asked.song, asked.model], check=True)
    margins(asked.song, asked.model)


if __name__ == "__main__":
    main()
