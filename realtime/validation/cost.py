"""Levels 9 and 10: what a plugin costs in memory and time, what it leaves behind, and whether it shares anything."""

from __future__ import annotations

import gc
import itertools
import os
import threading
import time
import tracemalloc
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from .basics import RATES_HZ
from .trial import RATE_HZ, Bench, Failed, Samples, Trial, at_settings, expect_bounded, expect_same, noise

_MOST_BYTES = 2048  # of Python's own objects, a block; a view of an array takes 200
_MOST_GROWTH_BYTES = 8192  # an object kept a block is more; a thread of the plugin's own may be at work
_COST_FRAMES, _COST_BLOCKS, _COST_ROUNDS, _COST_LIMIT_S = 128, 1000, 3, 0.5
_DEAR, _TOO_DEAR = 0.1, 0.5  # share of a core
_NEIGHBOURS = 8
_ENDING_S = 1.0  # for threads to end after `close`
_SAME = 1e-6


@at_settings
def check_allocations(bench: Bench, values: Mapping[str, float]) -> None:
    """`process` allocates nothing to speak of, and nothing that stays."""
    for frames, count in ((512, 400), (8193, 40)):
        with bench.trial(values, max_block=frames) as trial:
            blocks = noise(4 * frames).reshape(4, frames, 2)
            _traced(trial, blocks, 20)
            # The least of some rounds on the same sound: threads of the plugin's own may allocate.
            rounds = [_traced(trial, blocks, count) for _ in range(3)]
            most = int(np.min([peaks for peaks, _ in rounds], axis=0).max())
            if most > _MOST_BYTES:
                raise Failed(f"allocates {most} bytes in a block of {frames}; expected at most {_MOST_BYTES}")
            grown = min(grown for _, grown in rounds)
            if grown > _MOST_GROWTH_BYTES:
                raise Failed(f"{grown} bytes more are in use after {count} blocks of {frames}; expected no growth")


def check_left_behind(bench: Bench) -> None:
    """After `close` no thread runs and no file is open that was not before."""
    with bench.trial() as trial:  # what a first plugin loads for good
        trial.play(noise(4096))
    gc.collect()
    threads, files = set(threading.enumerate()), _open_files()
    for _ in range(3):
        with bench.trial() as trial:
            trial.play(noise(4096))
    del trial
    gc.collect()
    deadline = time.monotonic() + _ENDING_S
    while set(threading.enumerate()) - threads and time.monotonic() < deadline:
        time.sleep(0.02)
    left = sorted(each.name for each in set(threading.enumerate()) - threads)
    if left:
        raise Failed(f"{len(left)} threads still run {_ENDING_S:g} s after 3 plugins were closed: {', '.join(left)}")
    if _open_files() > files:
        raise Failed(f"{_open_files() - files} files are still open after 3 plugins were closed")


@at_settings
def check_cost(bench: Bench, values: Mapping[str, float]) -> None:
    """At 44.1 kHz in blocks of 128, less than half of a core."""
    from ..subnormals import subnormals_as_zero  # brings numba, which takes a second to load: no other check does

    with subnormals_as_zero(), bench.trial(values, max_block=_COST_FRAMES) as trial:
        times_s = _block_times(trial)
    period_s = _COST_FRAMES / RATE_HZ
    share, worst = float(times_s.mean()) / period_s, float(times_s.max()) / period_s
    median_us = float(np.median(times_s)) * 1e6
    words = f"{share:.1%} of a core at 44.1 kHz and blocks of 128, stereo (median {median_us:.0f} µs a block"
    words += f", worst {float(times_s.max()) * 1e6:.0f})"
    if share > _TOO_DEAR:
        raise Failed(f"takes {words}; expected at most {_TOO_DEAR:.0%}")
    if worst > 1:
        raise Failed(f"the worst block takes longer than its sound lasts, each time: {words}")
    if share > _DEAR or worst > _TOO_DEAR:
        bench.warnings.append(f"takes {words}")


@at_settings
def check_neighbours(bench: Bench, values: Mapping[str, float]) -> None:
    """Several plugins side by side sound as each does alone."""
    sounds = [noise(8192, seed=seed) for seed in range(_NEIGHBOURS)]
    alone: list[Samples] = []
    for sound in sounds:
        with bench.trial(values) as trial:
            alone.append(trial.play(sound))
    plugins = [bench.make(values) for _ in sounds]
    trials = [bench.try_out(plugin, RATE_HZ, 512, 2) for plugin in plugins]
    together = [np.empty_like(sound) for sound in sounds]
    for at in range(0, len(sounds[0]), 512):
        for trial, sound, heard in zip(trials, sounds, together, strict=True):
            heard[at : at + 512] = trial.play(sound[at : at + 512])
    for plugin in plugins:
        plugin.close()
    for found, expected in zip(together, alone, strict=True):
        expect_same(found, expected, f"{_NEIGHBOURS} plugins side by side, against one alone", _SAME)


@at_settings
def check_prepared_again(bench: Bench, values: Mapping[str, float]) -> None:
    """Prepared once more for something else, it is as a new one."""
    with bench.trial(values) as trial:
        trial.play(noise(4096))
        for rate_hz, channels in ((48000, 1), (96000, 2), (44100, 1), (44100, 2)):
            trial.prepare(rate_hz, 300, channels)
            given = noise(8192, channels)
            with bench.trial(values, rate_hz=rate_hz, max_block=300, channels=channels) as fresh:
                what = f"prepared again {trial.where}, against a new plugin"
                expect_same(trial.play(given, 300), fresh.play(given, 300), what, _SAME)


@at_settings
def check_combinations(bench: Bench, values: Mapping[str, float]) -> None:
    """Every rate with every channel count and every length of block."""
    for rate_hz, channels, most in itertools.product(RATES_HZ, (1, 2), (1, 64, 513, 8193)):
        with bench.trial(values, rate_hz=rate_hz, channels=channels, max_block=most) as trial:
            given = noise(max(256, 2 * most), channels)
            expect_bounded(trial.play(given, most), given, f"noise {trial.where}, blocks of {most}")


def _traced(trial: Trial, blocks: Samples, count: int) -> tuple[NDArray[np.int64], int]:
    """Most bytes that each of `count` blocks needed for a while, and by how much more are in use after all."""
    room, plugin = np.empty_like(blocks[0]), trial.plugin
    peaks = np.zeros(count, np.int64)
    trial.reset()
    gc.collect()
    tracemalloc.start()
    try:
        at_first = tracemalloc.get_traced_memory()[0]
        for i in range(count):
            room[:] = blocks[i % len(blocks)]
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            plugin.values.advance(len(room))
            plugin.process(room)
            peaks[i] = tracemalloc.get_traced_memory()[1] - before
        grown = tracemalloc.get_traced_memory()[0] - at_first
    finally:
        tracemalloc.stop()
    return peaks, grown


def _block_times(trial: Trial) -> NDArray[np.float64]:
    """Time of each block, s: the least of some rounds, so that what other programs take does not count."""
    sound = noise(_COST_FRAMES * _COST_BLOCKS).reshape(_COST_BLOCKS, _COST_FRAMES, 2)
    times_s = np.full(_COST_BLOCKS, np.inf)
    count, deadline = _COST_BLOCKS, time.perf_counter() + _COST_LIMIT_S
    block = np.empty_like(sound[0])
    plugin = trial.plugin
    for _ in range(_COST_ROUNDS):
        trial.reset()
        for i in range(count):
            block[:] = sound[i]
            begin = time.perf_counter()
            plugin.values.advance(_COST_FRAMES)
            plugin.process(block)
            end = time.perf_counter()
            times_s[i] = min(times_s[i], end - begin)
            if count == _COST_BLOCKS and end > deadline:
                count = i + 1  # dear enough to know by now
                break
    return times_s[:count]


def _open_files() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return 0


LEVELS: tuple[tuple[int, str, Callable[[Bench], None]], ...] = (
    (9, "allocates nothing", check_allocations),
    (9, "leaves nothing behind", check_left_behind),
    (10, "cost", check_cost),
    (10, "plugins side by side", check_neighbours),
    (10, "prepared again", check_prepared_again),
    (10, "every combination", check_combinations),
)
