"""Peak memory of `advsep-live -i SONG -o FOLDER` for a short and a long song: it must not grow with the length.

Run `python benchmarks/memory_over_time.py [--minutes 1 60]`. Songs are the demo song, repeated, in a temporary
folder (an hour takes 0.6 GB, its stems 2.5 GB).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import soundfile
from advsep.realtime.demo import demo_song


def write_song(path: Path, minutes: float) -> None:
    """The demo song again and again as 16-bit WAV."""
    song = demo_song()
    left = round(minutes * 60 * song.sample_rate_hz)
    with soundfile.SoundFile(path, "w", song.sample_rate_hz, 2, subtype="PCM_16") as file:
        while left > 0:
            file.write(song.mixture[:left])
            left -= len(song.mixture)


def separate(song: Path, folder: Path) -> tuple[float, float]:
    """Peak resident memory in MiB and the wall-clock seconds of one separation."""
    program = Path(sys.executable).parent / "advsep-live"
    began = time.perf_counter()
    process = subprocess.Popen([program, "-i", song, "-o", folder], stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"advsep-live failed with status {status}")
    return usage.ru_maxrss / 1024, time.perf_counter() - began


def main() -> None:
    """Print one row a length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0, 60.0], help="lengths of the songs")
    print("| song | peak memory (RSS) | took | of the song's length |\n|---|---|---|---|")
    for minutes in parser.parse_args().minutes:
        with tempfile.TemporaryDirectory() as name:
            song = Path(name) / "song.wav"
            write_song(song, minutes)
            peak_mib, took_s = separate(song, Path(name) / "stems")
        print(f"| {minutes:g} min | {peak_mib:.0f} MiB | {took_s:.0f} s | {took_s / 60 / minutes:.3f} |", flush=True)


if __name__ == "__main__":
    main()
