"""What the streaming STFT allocates while it runs, and where its compiled code is kept."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from advsep.realtime import stft
from advsep.realtime.stft import StreamingAnalysis, StreamingSynthesis


@pytest.mark.parametrize("windows", [(2048, 512, 256), (1536, 512, 256)])
def test_a_thousand_hops_leave_no_memory_behind(windows: tuple[int, int, int]) -> None:
    analysis, synthesis = StreamingAnalysis(*windows, 2), StreamingSynthesis(*windows, 2)
    samples = np.random.default_rng(0).uniform(-1, 1, (windows[2], 2)).astype(np.float32)
    spectra = np.zeros((1, 2, windows[0] // 2 + 1), np.complex64)
    hops = range(1000)

    def play() -> None:
        for _ in hops:
            analysis.process(samples, spectra)
            synthesis.process(spectra, samples)

    play()
    gc.collect()
    tracemalloc.start()
    try:
        play()
        before = tracemalloc.take_snapshot()
        bytes_before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        play()
        _, peak = tracemalloc.get_traced_memory()
        after = tracemalloc.take_snapshot()
    finally:
        tracemalloc.stop()
    ours = [tracemalloc.Filter(True, str(Path(stft.__file__).parent / "*"))]
    grown = after.filter_traces(ours).compare_to(before.filter_traces(ours), "filename")
    assert [(stat.size_diff, stat.count_diff) for stat in grown if stat.size_diff > 0 or stat.count_diff > 0] == []
    # NumPy's data is traced too: a copy of the samples (2 kB) or spectra (12 kB and more) would show at the peak.
    assert peak - bytes_before < 2000


ALLOCATIONS = """
import numpy as np
from numba.core.runtime import rtsys
from advsep.realtime.stft import StreamingAnalysis, StreamingSynthesis

for windows in [(2048, 512, 256), (1536, 512, 256)]:
    counts = []
    for hops, calls in ((1, 1), (1000, 1), (1, 1000)):
        analysis, synthesis = StreamingAnalysis(*windows, 2), StreamingSynthesis(*windows, 2)
        samples = np.ones((hops * windows[2], 2), np.float32)
        spectra = np.zeros((hops, 2, windows[0] // 2 + 1), np.complex64)
        before = rtsys.get_allocation_stats()
        for _ in range(calls):
            analysis.process(samples, spectra)
            synthesis.process(spectra, samples)
        after = rtsys.get_allocation_stats()
        assert after.alloc - before.alloc == after.free - before.free, "something stays allocated"
        assert after.mi_alloc - before.mi_alloc == after.mi_free - before.mi_free, "an array stays alive"
        counts.append(after.alloc - before.alloc)
    # What is counted are Numba's wrappers of a call's arguments: a thousand hops in one call need no more than one.
    assert 0 < counts[0] == counts[1] == counts[2] / 1000, counts
"""


def test_compiled_code_allocates_per_call_and_not_per_hop() -> None:
    run_script(ALLOCATIONS, {"NUMBA_NRT_STATS": "1"})


def run_script(script: str, environment: dict[str, str]) -> None:
    result = subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="the cache folder is redirected the Unix way")
def test_compiles_where_the_package_cannot_be_written(tmp_path: Path) -> None:
    """Numba then keeps its cache in the user's folder."""
    room = tmp_path / "site" / "advsep" / "realtime"
    room.mkdir(parents=True)
    for name in ("__init__", "errors", "fft", "jit", "simd", "spec", "stft", "strict", "windows"):
        shutil.copy(Path(stft.__file__).parent / f"{name}.py", room)
    (room.parent / "__init__.py").touch()
    # A file in the place of the cache folder stops even root from writing there.
    (room / "__pycache__").touch()
    home = tmp_path / "home"
    script = f"""
import sys
sys.path.insert(0, {str(tmp_path / "site")!r})
import advsep.realtime.stft as stft
assert stft.__file__.startswith({str(tmp_path)!r}), stft.__file__
stft.StreamingAnalysis(64, 32, 16, 1)
"""
    run_script(script, {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "NUMBA_CACHE_DIR": ""})
    assert list(home.rglob("stft._analyse*.nbi"))
