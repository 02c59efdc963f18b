"""What one hop of each preset costs on one core, with untrained weights, which cost as much as trained ones.

Run `python benchmarks/preset_cost.py [--presets live-3 live-12] [--hops 20000]` with the extras `train` and `dev`
installed. It prints a Markdown table: median, p99 and p99.9 of a whole hop, in microseconds and of the hop's duration.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from advsep.export.untrained import write_untrained
from advsep.realtime.model import ModelSession
from advsep.trainer.config import load_preset, preset_names
from hop_cost import hop_times_us, hop_us, machine, song_in_hops


def row(session: ModelSession, hops: int) -> str:
    """The table's line of one model."""
    signal = session.spec.signal
    lasts_us, durations_us = hop_us(signal), hop_times_us(session, song_in_hops(signal), hops)
    costs = (f"{value:.0f} ({100 * value / lasts_us:.1f} %)" for value in np.percentile(durations_us, (50, 99, 99.9)))
    latency_ms = 1e3 * signal.latency_samples / signal.sample_rate_hz
    return f"| {session.spec.name} | {latency_ms:.1f} ms | {lasts_us:.0f} | {' | '.join(costs)} |"


def main() -> None:
    """Print one row a preset."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", nargs="+", default=preset_names(), help="names or .toml files")
    parser.add_argument("--hops", type=int, default=20_000, help="hops to time of each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sessions: list[ModelSession] = []
        for number, preset in enumerate(options.presets):
            path = Path(folder) / f"{number}.onnx"
            write_untrained(load_preset(preset), path)
            sessions.append(ModelSession(path))
    print(machine())
    print(f"{options.hops} stereo hops each, one at a time: STFT, network, masks, inverse STFT\n")
    print("| preset | latency | a hop lasts, us | median, us | p99, us | p99.9, us |\n|---|---|---|---|---|---|")
    for session in sessions:
        print(row(session, options.hops), flush=True)


if __name__ == "__main__":
    main()
