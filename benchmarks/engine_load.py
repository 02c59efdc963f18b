"""What each preset costs and how late it is as an engine: its own process on a real PortAudio stream (JACK's dummy).

Run `python benchmarks/engine_load.py [--seconds 30] [--rate 44100] [--period 128]` with the extras `train` and `dev`
installed and nothing else running. It prints a Markdown table: latency as the engine declares it (tests/e2e measures
that it is so), the share of a hop that its processing takes, and the CPU time of the whole process, polling included.
Presets that are not bundled get untrained weights, which cost as much as trained ones.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from advsep.export.untrained import write_untrained
from advsep.realtime.engine_settings import EngineSettings
from advsep.realtime.process import EngineProcess
from advsep.realtime.registry import model_names
from advsep.trainer.config import load_preset, preset_names
from hop_cost import machine
from soak import start_jack


def cpu_seconds(process_id: int) -> float:
    """CPU time that a process has used, all threads."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def row(name: str, model: str, seconds: float) -> str:
    """The table's line of one model."""
    with EngineProcess(EngineSettings(input="mic", output="speakers", model=model)) as engine:
        time.sleep(2)
        assert engine.process_id is not None
        began_s, used_s = time.perf_counter(), cpu_seconds(engine.process_id)
        time.sleep(seconds)
        used = (cpu_seconds(engine.process_id) - used_s) / (time.perf_counter() - began_s)
        status = engine.status()
    latency_ms = 1e3 * status.latency_samples / status.rate_hz
    return (
        f"| {name} | {status.latency_samples} | {latency_ms:.1f} ms | {100 * status.load:.1f} % | {100 * used:.1f} % "
        f"| {1e3 * status.hop_s_p99:.2f} ms | {status.misses} of {status.hops} |"
    )


def main() -> None:
    """Print one row a preset."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rate", type=int, default=44100)
    parser.add_argument("--period", type=int, default=128)
    options = parser.parse_args()
    server = start_jack(options.rate, options.period)
    try:
        with tempfile.TemporaryDirectory() as folder:
            models = {name: name for name in preset_names()}
            for name in set(models) - set(model_names()):
                models[name] = str(Path(folder) / f"{name}.onnx")
                write_untrained(load_preset(name), Path(models[name]))
            print(f"{machine()}\n{options.rate} Hz, {options.period} frames a period, {options.seconds:g} s each\n")
            print("| preset | latency, samples | latency | hop processing | whole process | hop p99 | misses |")
            print("|---|---|---|---|---|---|---|")
            for name, model in models.items():
                print(row(name, model, options.seconds), flush=True)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
