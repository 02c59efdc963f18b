"""What the karaoke rack costs on one core, and its effects one by one beside pedalboard's in the same run.

    python benchmarks/rack_cost.py [--rate 44100] [--block 128] [--seconds 60]

The rack is the preset `karaoke` with everything that it may hold: voice, accompaniment and microphone get sound.
Needs pedalboard (extra `vst`) for its columns. The machine has to be idle otherwise.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from datetime import date

import numpy as np
from advsep.realtime.demo import demo_song
from advsep.realtime.plugin import run
from advsep.realtime.plugin_registry import find_plugin
from advsep.realtime.rack_builder import RackBuilder
from advsep.realtime.rack_file import find_preset
from advsep.realtime.rack_spec import MICROPHONE, RackSpec
from advsep.realtime.slot import start
from advsep.realtime.subnormals import subnormals_as_zero
from hop_cost import machine
from numpy.typing import NDArray

Samples = NDArray[np.float32]
WARM_UP_BLOCKS = 400


def blocks_of(rate_hz: int, block: int, seconds: float) -> dict[str, Samples]:
    """The demo song's strips in blocks [block, frame, channel]; the singer is its voice."""
    song = demo_song(rate_hz, channels=2)
    count = min(len(song.mixture), round(seconds * rate_hz)) // block
    strips = {"vocals": song.vocals, "accompaniment": song.mixture - song.vocals, MICROPHONE: song.vocals}
    return {
        name: np.ascontiguousarray(x[: count * block], np.float32).reshape(count, block, 2)
        for name, x in strips.items()
    }


def times_us(work: Callable[[int], object], count: int, blocks: int) -> NDArray[np.float64]:
    """How long each call took, after some that are not counted."""
    found = np.zeros(blocks)
    gc.disable()
    with subnormals_as_zero():
        for i in range(-WARM_UP_BLOCKS, blocks):
            began_ns = time.perf_counter_ns()
            work(i % count)
            if i >= 0:
                found[i] = (time.perf_counter_ns() - began_ns) / 1000
    gc.enable()
    return found


def rack_times_us(spec: RackSpec, strips: dict[str, Samples], rate_hz: int, blocks: int) -> NDArray[np.float64]:
    """Of a rack's blocks."""
    count, block, channels = strips["vocals"].shape
    builder = RackBuilder(tuple(strips), rate_hz, block, channels)
    builder.apply(builder.plan(spec))
    builder.rack.set_levels(spec)
    builder.rack.reset()
    buffers = {name: np.empty((block, channels), np.float32) for name in strips}
    mixture, mix = np.zeros((block, channels), np.float32), np.empty((block, channels), np.float32)

    def work(i: int) -> None:
        for name, samples in strips.items():
            buffers[name][:] = samples[i]
        builder.rack.process(buffers, mixture, mix)

    found = times_us(work, count, blocks)
    builder.close()
    return found


def plugin_times_us(
    name: str, samples: Samples, rate_hz: int, blocks: int, values: dict[str, float]
) -> NDArray[np.float64]:
    """Of one of our plugins."""
    count, block, channels = samples.shape
    plugin = find_plugin(name).make()
    for key, value in values.items():
        plugin.set(key, value)
    start(plugin, rate_hz, block, channels)
    buffer = np.empty((block, channels), np.float32)

    def work(i: int) -> None:
        buffer[:] = samples[i]
        run(plugin, buffer)

    found = times_us(work, count, blocks)
    plugin.close()
    return found


def pedalboard_times_us(make: Callable[[], object], samples: Samples, rate_hz: int, blocks: int) -> NDArray[np.float64]:
    """Of one of pedalboard's."""
    count, block, _ = samples.shape
    theirs, turned = make(), np.ascontiguousarray(samples.transpose(0, 2, 1))
    return times_us(lambda i: theirs.process(turned[i], rate_hz, block, reset=False), count, blocks)  # type: ignore[attr-defined]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rate", type=int, default=44100)
    parser.add_argument("--block", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=60.0)
    asked = parser.parse_args()
    strips = blocks_of(asked.rate, asked.block, asked.seconds)
    blocks, block_us = round(asked.seconds * asked.rate / asked.block), 1e6 * asked.block / asked.rate
    print(f"{date.today()} · {machine()} · {asked.rate} Hz, {asked.block} frames, {block_us:.0f} µs a block")
    rows = {"rack without plugins": RackSpec(), "karaoke": find_preset("karaoke").rack}
    for name, spec in rows.items():
        found = rack_times_us(spec, strips, asked.rate, blocks)
        p50, p99 = np.percentile(found, (50, 99))
        share = 100 * found.mean() / block_us
        print(f"{name:22} mean {found.mean():6.1f} µs = {share:5.2f} % of a core · p50 {p50:6.1f} · p99 {p99:6.1f} µs")
    print(f"\n{'one by one, mean µs':22} {'ours':>8} {'pedalboard':>11} {'ratio':>6}")
    for name, (values, theirs) in compared().items():
        ours = plugin_times_us(name, strips[MICROPHONE], asked.rate, blocks, values).mean()
        other = pedalboard_times_us(theirs, strips[MICROPHONE], asked.rate, blocks).mean()
        print(f"{name:22} {ours:8.1f} {other:11.1f} {ours / other:6.2f}")


def compared() -> dict[str, tuple[dict[str, float], Callable[[], object]]]:
    """Our plugins with values that do something, and what pedalboard has in their place."""
    import pedalboard as pb

    return {
        "gain": ({"db": -6.0}, lambda: pb.Gain(-6.0)),
        "gate": ({}, lambda: pb.NoiseGate(-45.0)),
        "eq": (
            {"low_cut_hz": 90.0, "peak1_db": 3.0},
            lambda: pb.Pedalboard([pb.HighpassFilter(90.0), pb.PeakFilter(gain_db=3.0)]),
        ),
        "compressor": ({"threshold_db": -20.0}, lambda: pb.Compressor(-20.0, 3.0)),
        "limiter": ({}, lambda: pb.Limiter(-1.0)),
        "reverb": ({"mix": 0.2}, lambda: pb.Reverb(wet_level=0.2)),
        "delay": ({"mix": 0.3}, lambda: pb.Delay(0.3, 0.3, 0.3)),
        "pitch": ({"semitones": -2.0}, lambda: pb.PitchShift(-2.0)),
    }


if __name__ == "__main__":
    main()
