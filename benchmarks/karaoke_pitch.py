"""What it costs to hear a singer's pitch, and how late it comes.

Run `python benchmarks/karaoke_pitch.py [--seconds 60]`. It feeds the demo song's voice at 48 kHz to a tracker, 10 ms at
a time, and prints the share of a core and the age of the newest frames when they come out, final and early ones, and
at last the cost of a whole recording at once.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from advsep.realtime.demo import demo_song
from advsep.realtime.karaoke.pitch_tracker import PitchTracker, track_samples
from hop_cost import machine
from numpy.typing import NDArray

RATE_HZ, BLOCK_SAMPLES = 48_000, 480


def measure(voice: NDArray[np.float32], frames_a_run: int) -> tuple[float, list[float], list[float]]:
    """Share of a core, and the ages in seconds of final and of early frames at the end of the block they come with."""
    tracker = PitchTracker(RATE_HZ, frames_a_run=frames_a_run)
    final_s: list[float] = []
    early_s: list[float] = []
    began = time.process_time()
    for end in range(BLOCK_SAMPLES, len(voice), BLOCK_SAMPLES):
        found = tracker.feed(voice[end - BLOCK_SAMPLES : end])
        if len(found):
            final_s.append(end / RATE_HZ - found.times_s[0])
            early_s.append(end / RATE_HZ - tracker.latest.times_s[-1])
    return (time.process_time() - began) * RATE_HZ / len(voice), final_s, early_s


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="of sound")
    seconds = parser.parse_args().seconds
    voice = np.resize(demo_song(RATE_HZ, channels=1).vocals[:, 0], round(seconds * RATE_HZ))
    print(machine())
    print("\n| frames a run | of a core | final after ms | early after ms |\n|---|---|---|---|")
    for frames_a_run in (1, 2, 4, 8):
        share, final_s, early_s = measure(voice, frames_a_run)
        spans = [f"{1e3 * min(ages):.0f} to {1e3 * max(ages):.0f}" for ages in (final_s, early_s)]
        print(f"| {frames_a_run} | {100 * share:.1f} % | {spans[0]} | {spans[1]} |")
    began = time.process_time()
    track_samples(voice, RATE_HZ)
    print(f"\nThe whole at once: {100 * (time.process_time() - began) / seconds:.1f} % of its duration")


if __name__ == "__main__":
    main()
