"""One stereo hop through analysis and synthesis: advsep against the same in plain NumPy and SciPy.

Run `python benchmarks/stft_speed.py`. The three take turns, a hop each, so that whatever else the
machine does meets all of them alike. Each takes and gives interleaved float32 samples, keeps its
buffers between hops and uses one thread. The FFTs are also compared alone.
"""

from __future__ import annotations

import gc
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import scipy.fft
from advsep.realtime.fft import fft_tables, forward, inverse
from advsep.realtime.jit import jit
from advsep.realtime.stft import StreamingAnalysis, StreamingSynthesis
from advsep.realtime.windows import analysis_window, synthesis_window
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Spectra = NDArray[np.complex64]

WINDOW_SAMPLES, SYNTHESIS_SAMPLES, HOP_SAMPLES, CHANNELS = 2048, 512, 256, 2


class Hop(Protocol):
    """Takes one hop in, gives one hop out, both [H, channels]."""

    def __call__(self, samples: Floats, output: Floats) -> None:
        """Fill `output` from `samples`."""
        ...


class AdvsepHop:
    """What the engine does."""

    def __init__(self) -> None:
        windows = (WINDOW_SAMPLES, SYNTHESIS_SAMPLES, HOP_SAMPLES, CHANNELS)
        self.analysis, self.synthesis = StreamingAnalysis(*windows), StreamingSynthesis(*windows)
        self.spectra = np.zeros((1, CHANNELS, WINDOW_SAMPLES // 2 + 1), np.complex64)

    def __call__(self, samples: Floats, output: Floats) -> None:
        """See `Hop`."""
        self.analysis.process(samples, self.spectra)
        self.synthesis.process(self.spectra, output)


class PlainHop:
    """What one would write with arrays; the two FFTs are a subclass's."""

    def __init__(self) -> None:
        n, s, h = WINDOW_SAMPLES, SYNTHESIS_SAMPLES, HOP_SAMPLES
        self.window = analysis_window(n, s).astype(np.float32)
        self.tail_window = synthesis_window(n, h, s).astype(np.float32)
        self.history = np.zeros((CHANNELS, n), np.float32)
        self.frame = np.zeros_like(self.history)
        self.tail = np.zeros((CHANNELS, s), np.float32)
        self.overlap = np.zeros((CHANNELS, s), np.float32)
        self.spectrum = np.zeros((CHANNELS, n // 2 + 1), np.complex64)

    def __call__(self, samples: Floats, output: Floats) -> None:
        """See `Hop`."""
        self.history[:, :-HOP_SAMPLES] = self.history[:, HOP_SAMPLES:]
        self.history[:, -HOP_SAMPLES:] = samples.T
        np.multiply(self.history, self.window, out=self.frame)
        frame = self.there_and_back()
        self.overlap[:, :-HOP_SAMPLES] = self.overlap[:, HOP_SAMPLES:]
        self.overlap[:, -HOP_SAMPLES:] = 0
        np.multiply(frame[:, -SYNTHESIS_SAMPLES:], self.tail_window, out=self.tail)
        self.overlap += self.tail
        output[:] = self.overlap[:, :HOP_SAMPLES].T

    def there_and_back(self) -> Floats:
        """Spectrum of `self.frame`, and the frame of that spectrum."""
        raise NotImplementedError


class NumpyHop(PlainHop):
    """With `numpy.fft`, which transforms float32 as float32 and writes where it is told to."""

    def there_and_back(self) -> Floats:
        """See `PlainHop`."""
        np.fft.rfft(self.frame, out=self.spectrum)
        return np.fft.irfft(self.spectrum, WINDOW_SAMPLES, out=self.frame)


class ScipyHop(PlainHop):
    """With `scipy.fft`, which makes its own outputs."""

    def there_and_back(self) -> Floats:
        """See `PlainHop`."""
        self.spectrum = scipy.fft.rfft(self.frame, workers=1)
        return scipy.fft.irfft(self.spectrum, WINDOW_SAMPLES, overwrite_x=True, workers=1)


@jit
def _transform_often(times: int, frame: Floats, spectrum: NDArray[np.complex64], tables: Floats, work: Floats) -> None:
    for _ in range(times):
        forward(frame, spectrum, tables, work)
        inverse(spectrum, frame, frame.size - SYNTHESIS_SAMPLES, tables, work)


def measure(rounds: int = 10_000) -> dict[str, Any]:
    """Time all three.

    Args:
        rounds: hops of each, after a tenth as many to warm up.

    Returns:
        `hop_us` by name: median and p99 in microseconds; `times_faster` by name: their median over
        ours; `fft_us` by name: both directions of one channel, called from compiled code.
    """
    hops: dict[str, Hop] = {"advsep": AdvsepHop(), "numpy": NumpyHop(), "scipy": ScipyHop()}
    durations = _take_turns(hops, rounds)
    hop_us = {
        name: {"median": float(np.median(ns)) / 1e3, "p99": float(np.percentile(ns, 99)) / 1e3}
        for name, ns in durations.items()
    }
    own = fft_tables(WINDOW_SAMPLES)
    # Empty tables are what `fft_tables` makes for lengths that it leaves to rocket-fft.
    rocket = (np.zeros(0, np.float32), np.zeros((4, 0), np.float32))
    return {
        "windows": {"N": WINDOW_SAMPLES, "H": HOP_SAMPLES, "S": SYNTHESIS_SAMPLES, "channels": CHANNELS},
        "rounds": rounds,
        "machine": f"{processor()}, Python {platform.python_version()}, NumPy {np.__version__}",
        "date": time.strftime("%Y-%m-%d"),
        "hop_us": hop_us,
        "times_faster": {
            name: hop_us[name]["median"] / hop_us["advsep"]["median"] for name in hops if name != "advsep"
        },
        "fft_us": _fft_us({"advsep": own, "rocket-fft": rocket}),
    }


def _take_turns(hops: dict[str, Hop], rounds: int) -> dict[str, NDArray[np.int64]]:
    rng = np.random.default_rng(0)
    blocks = rng.uniform(-1, 1, (64, HOP_SAMPLES, CHANNELS)).astype(np.float32)
    outputs = {name: np.zeros((HOP_SAMPLES, CHANNELS), np.float32) for name in hops}
    durations = {name: np.zeros(rounds, np.int64) for name in hops}
    names = list(hops)
    clock = time.perf_counter_ns
    gc.collect()
    gc.disable()
    try:
        for i in range(-(rounds // 10), rounds):
            block = blocks[i % len(blocks)]
            for turn in range(len(names)):
                name = names[(i + turn) % len(names)]
                hop, output = hops[name], outputs[name]
                start = clock()
                hop(block, output)
                end = clock()
                if i >= 0:
                    durations[name][i] = end - start
    finally:
        gc.enable()
    for name, output in outputs.items():
        if np.max(np.abs(output - outputs["numpy"])) > 1e-5:
            raise RuntimeError(f"{name} computes something else than numpy: the times mean nothing")
    return durations


def _fft_us(ways: dict[str, tuple[Floats, Floats]]) -> dict[str, float]:
    # Silence, because the unnormalised pair grows anything else without end; no path looks at the values.
    frame = np.zeros(WINDOW_SAMPLES, np.float32)
    spectrum = np.zeros(WINDOW_SAMPLES // 2 + 1, np.complex64)
    runs: dict[str, Callable[[], None]] = {}
    for name, (tables, work) in ways.items():
        runs[name] = lambda tables=tables, work=work: _transform_often(100, frame, spectrum, tables, work)
    durations: dict[str, list[int]] = {name: [] for name in ways}
    for _ in range(200):
        for name, run in runs.items():
            start = time.perf_counter_ns()
            run()
            durations[name].append(time.perf_counter_ns() - start)
    return {name: float(np.median(ns)) / 100 / 1e3 for name, ns in durations.items()}


def processor() -> str:
    """Name of the processor, for the heading of a result."""
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def main() -> None:
    """Print the comparison, or with `--json` the dictionary."""
    result = measure()
    if "--json" in sys.argv[1:]:
        print(json.dumps(result, indent=2))
        return
    print(f"{result['machine']}, {result['date']}")
    print(f"one stereo hop, analysis and synthesis, N {WINDOW_SAMPLES}, H {HOP_SAMPLES}, S {SYNTHESIS_SAMPLES}:")
    for name, times in result["hop_us"].items():
        ratio = result["times_faster"].get(name)
        beside = f"   advsep is {ratio:.1f} times as fast" if ratio else ""
        print(f"  {name:<8} median {times['median']:6.1f} µs   p99 {times['p99']:6.1f} µs{beside}")
    print(f"real FFT of {WINDOW_SAMPLES} and its inverse, from compiled code:")
    for name, microseconds in result["fft_us"].items():
        print(f"  {name:<10} {microseconds:6.2f} µs")


if __name__ == "__main__":
    main()
