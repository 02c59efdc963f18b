"""Measurements on a JACK server, printed as JSON; PortAudio can be brought up once a process, for one server.

Run as a program: `latency MODEL…`, `stalls MODEL`, `gil`, `sides`,
or `death`, which ends as a program should whose server was killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import sounddevice
from advsep.realtime import jack
from advsep.realtime.device import DeviceInfo, find_device, open_stream
from advsep.realtime.engine import Engine
from advsep.realtime.exchange import CALLBACKS, FRAMES, Deck
from advsep.realtime.live_path import LivePath
from advsep.realtime.model import ModelSession
from advsep.realtime.probe import LatencyProbe, measure_latency
from advsep.realtime.stream import DeviceError, Stream

IMPULSES, SPACING_S = 6, 0.1


def device() -> DeviceInfo:
    found = find_device("system", "input")
    assert found is not None
    return found


def open_probe() -> tuple[Stream, LatencyProbe]:
    probes: list[LatencyProbe] = []

    def make(deck: Deck, has_input: bool, has_output: bool) -> LatencyProbe:
        probes.append(LatencyProbe(deck, has_input, has_output))
        return probes[-1]

    return open_stream(device(), device(), make_callback=make), probes[0]


def own_ports(direction: str) -> set[str]:
    listed = subprocess.run(["jack_lsp"], capture_output=True, text=True, check=True, timeout=10).stdout.split()
    return {port for port in listed if port.startswith(f"{jack.client_name()}:{direction}_")}


def connect(outputs: set[str], inputs: set[str]) -> None:
    for number, target in enumerate(sorted(inputs)):
        subprocess.run(["jack_disconnect", f"system:capture_{number + 1}", target], check=True, timeout=10)
    for source, target in zip(sorted(outputs), sorted(inputs), strict=True):
        subprocess.run(["jack_connect", source, target], check=True, timeout=10)


def make_engine(stream: Stream, model: Path) -> Engine:
    path = LivePath(ModelSession(model), stream.rate_hz)
    path.warm_up()
    return Engine(stream.deck, path)


@contextlib.contextmanager
def looped(model: Path) -> Generator[tuple[Stream, LatencyProbe, Engine]]:
    """An engine that plays, the probe's own callback around it, the server's outputs led to its inputs."""
    stream, probe = open_probe()
    period_samples = stream.settle()
    engine = make_engine(stream, model)
    jack.loop_back()
    engine.arm(period_samples)
    yield stream, probe, engine
    engine.disarm()
    stream.close()


def inside(model: Path) -> dict[str, Any]:
    """The engine between the recordings of the probe's own callback, and the server's loop."""
    with looped(model) as (stream, probe, engine):
        report = measure_latency(stream, probe, engine, impulses=IMPULSES, spacing_s=SPACING_S)
    return {
        "period": engine.period_samples,
        "impulses": report.impulses,
        "loop": [report.round_trip_samples, report.round_trip_spread_samples],
        "engine": [report.engine_samples, report.engine_spread_samples],
        "declared": engine.latency_samples,
        "misses": engine.misses,
    }


def through(model: Path) -> dict[str, Any]:
    """From the probe's ports through those of a stream as it plays, and back; the loop costs JACK a period."""
    played = open_stream(device(), device())
    period_samples = played.settle()
    inputs, outputs = own_ports("in"), own_ports("out")
    engine = make_engine(played, model)
    engine.arm(period_samples)
    stream, probe = open_probe()
    stream.settle()
    connect(own_ports("out") - outputs, inputs)
    connect(outputs, own_ports("in") - inputs)
    report = measure_latency(stream, probe, engine, impulses=IMPULSES, spacing_s=SPACING_S)
    engine.disarm()
    stream.close()
    played.close()
    return {"through": [report.round_trip_samples, report.round_trip_spread_samples]}


def hold_gil(duration_s: float) -> float:
    """Let no other thread run Python for a while; how long it was."""
    began_s = time.perf_counter()
    while time.perf_counter() - began_s < duration_s:
        pass
    return time.perf_counter() - began_s


def count_without_gil() -> dict[str, Any]:
    """Callbacks that come while this thread holds the GIL: of a deck, and of sounddevice's usual kind."""
    stream = open_stream(device(), device())
    stream.settle()
    sys.setswitchinterval(60)
    before, frames = stream.deck.count(CALLBACKS), stream.deck.count(FRAMES)
    held_s = hold_gil(1.0)
    compiled = {"callbacks": stream.deck.count(CALLBACKS) - before, "frames": stream.deck.count(FRAMES) - frames}
    sys.setswitchinterval(0.005)
    rate_hz = stream.rate_hz
    stream.close()
    calls: list[int] = []
    usual = sounddevice.OutputStream(
        device=device().index, blocksize=0, channels=2, callback=lambda *_: calls.append(1)
    )
    usual.start()
    time.sleep(0.5)
    sys.setswitchinterval(60)
    before = len(calls)
    hold_gil(0.3)
    return {"held_s": held_s, "rate_hz": rate_hz, "usual": len(calls) - before, "usual_before": before, **compiled}


def stall(model: Path) -> dict[str, Any]:
    """Misses that a worker's stalls of 5, 20 and 200 ms bring about, and the latency afterwards."""
    found: dict[str, Any] = {}
    with looped(model) as (stream, probe, engine):
        for length_s in (0.005, 0.02, 0.2):
            time.sleep(0.5)
            before = engine.misses
            for _ in range(5):
                engine.call(lambda length_s=length_s: time.sleep(length_s))
                time.sleep(length_s + 0.3)
            found[f"{1e3 * length_s:g}"] = engine.misses - before
        report = measure_latency(stream, probe, engine, impulses=IMPULSES, spacing_s=SPACING_S)
    found["engine"] = [report.engine_samples, report.engine_spread_samples]
    found["declared"], found["skipped"] = engine.latency_samples, engine.skipped_hops
    return found


def open_sides() -> dict[str, Any]:
    """A stream that only captures, one that only plays, one that asks for a block, one for a rate."""
    found: dict[str, Any] = {}
    for name, ends in {"input": (device(), None), "output": (None, device())}.items():
        stream = open_stream(*ends, block_samples=1000)
        found[name] = [stream.settle(), stream.rate_hz, stream.alive, *stream.notes]
        stream.close()
    try:
        open_stream(device(), device(), rate_hz=96000)
    except DeviceError as error:
        found["error"] = str(error)
    return found


def see_death() -> dict[str, Any]:
    """Times until a server's death is noticed, and until the stream is closed; the server is killed by the test."""
    stream = open_stream(device(), device())
    stream.settle()
    print("playing", flush=True)
    count, last_s = 0, time.perf_counter()
    while stream.alive and time.perf_counter() - last_s < 20:
        if stream.deck.count(CALLBACKS) != count:
            count, last_s = stream.deck.count(CALLBACKS), time.perf_counter()
        time.sleep(0.01)
    noticed_s = time.perf_counter() - last_s
    stream.close()
    return {"noticed_s": noticed_s, "closed_s": time.perf_counter() - last_s - noticed_s, "alive": stream.alive}


if __name__ == "__main__":
    what, *models = sys.argv[1:]
    if what == "latency":
        found = {Path(model).stem: inside(Path(model)) | through(Path(model)) for model in models}
    elif what == "stalls":
        found = stall(Path(models[0]))
    else:
        found = {"gil": count_without_gil, "sides": open_sides, "death": see_death}[what]()
    print(json.dumps(found), flush=True)
    if what == "gil":
        os._exit(0)  # with a stream open and threads that wait a minute for each other
