"""What one hop of a model costs on one core: STFT, network, masks, inverse STFT, in stereo, a hop at a time.

Run `python benchmarks/hop_cost.py [--model live-12] [--hops 20000]`. It prints the time of a hop beside the hop's
duration, its parts, and the STFT alone against the same hop in NumPy and SciPy in the same run.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from typing import Any

import numpy as np
from advsep.realtime.demo import demo_song
from advsep.realtime.masking import BandMasking
from advsep.realtime.model import ModelSession
from advsep.realtime.registry import DEFAULT_MODEL, find_model
from advsep.realtime.separator import HopSeparator
from advsep.realtime.spec import SignalSpec
from advsep.realtime.stft import StreamingAnalysis, StreamingSynthesis
from numpy.typing import NDArray
from stft_speed import measure as measure_stft
from stft_speed import processor

WARM_UP_HOPS = 200


def measure(model: str, hops: int) -> dict[str, Any]:
    """Times in microseconds of the whole hop and of its parts."""
    session = ModelSession(find_model(model))
    blocks = song_in_hops(session.spec.signal)
    whole = hop_times_us(session, blocks, hops)
    return {"hop_us": hop_us(session.spec.signal), "whole": whole, "parts": _parts(session, blocks, min(hops, 5000))}


def hop_us(signal: SignalSpec) -> float:
    """Microseconds that a hop of sound lasts."""
    return 1e6 * signal.hop_samples / signal.sample_rate_hz


def song_in_hops(signal: SignalSpec) -> NDArray[np.float32]:
    """The demo song as whole hops [hop, sample, channel]."""
    song = demo_song(signal.sample_rate_hz, channels=signal.channels).mixture
    count = len(song) // signal.hop_samples
    return np.ascontiguousarray(song[: count * signal.hop_samples]).reshape(count, signal.hop_samples, -1)


def hop_times_us(session: ModelSession, blocks: NDArray[np.float32], hops: int) -> NDArray[np.float64]:
    """How many microseconds each of so many hops takes, one at a time, the song again and again [hop]."""
    separator = HopSeparator(session)
    voice, mixture = np.empty_like(blocks[0]), np.empty_like(blocks[0])
    durations_ns = np.zeros(hops, np.int64)
    gc.disable()
    for i in range(-WARM_UP_HOPS, hops):
        began = time.perf_counter_ns()
        separator.process(blocks[i % len(blocks)], voice, mixture)
        if i >= 0:
            durations_ns[i] = time.perf_counter_ns() - began
    gc.enable()
    return durations_ns / 1e3


def _parts(session: ModelSession, blocks: NDArray[np.float32], hops: int) -> dict[str, float]:
    """Median microseconds of each step of a hop."""
    signal = session.spec.signal
    analysis, synthesis = StreamingAnalysis.of_signal(signal), StreamingSynthesis.of_signal(signal)
    masking = BandMasking(signal)
    spectra = np.zeros((1, signal.channels, signal.bins), np.complex64)
    masked, out = np.zeros_like(spectra), np.empty_like(blocks[0])
    features, masks = session.features(1), session.run(1)
    times: dict[str, list[int]] = {"analysis": [], "features": [], "network": [], "masks": [], "synthesis": []}
    for i in range(hops):
        block = blocks[i % len(blocks)]
        steps = {
            "analysis": lambda block=block: analysis.process(block, spectra),
            "features": lambda: masking.features(spectra, features),
            "network": lambda: session.run(1),
            "masks": lambda: masking.apply(masks, spectra, masked),
            "synthesis": lambda: synthesis.process(masked, out),
        }
        for name, step in steps.items():
            began = time.perf_counter_ns()
            step()
            times[name].append(time.perf_counter_ns() - began)
    return {name: float(np.median(ns)) / 1e3 for name, ns in times.items()}


def machine() -> str:
    """The heading of a result: processor, and how busy it is with something else."""
    return f"{processor()}, {os.cpu_count()} cores, one used; load average {os.getloadavg()[0]:.1f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a bundled model's name or an .onnx file")
    parser.add_argument("--hops", type=int, default=20_000, help="hops to time")
    options = parser.parse_args()
    result = measure(options.model, options.hops)
    lasts_us, whole = result["hop_us"], result["whole"]
    print(machine())
    print(f"{options.model}: {options.hops} hops of {lasts_us:.0f} us, stereo, one at a time\n")
    print("| hop | us | of the hop's duration |\n|---|---|---|")
    for name, value in (
        ("median", np.median(whole)),
        ("mean", np.mean(whole)),
        ("p99", np.percentile(whole, 99)),
        ("p99.9", np.percentile(whole, 99.9)),
        ("max", np.max(whole)),
    ):
        print(f"| {name} | {value:.0f} | {100 * value / lasts_us:.1f} % |")
    print("\n| part (median) | us |\n|---|---|")
    for name, value in result["parts"].items():
        print(f"| {name} | {value:.0f} |")
    stft = measure_stft()
    print("\n| STFT and inverse alone | median us | advsep is faster by |\n|---|---|---|")
    for name, value in stft["hop_us"].items():
        print(f"| {name} | {value['median']:.1f} | {value['median'] / stft['hop_us']['advsep']['median']:.1f} x |")


if __name__ == "__main__":
    main()
