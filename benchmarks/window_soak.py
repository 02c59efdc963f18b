"""Does the window cost the engine anything? Live play on JACK's dummy server, with the window and without, in turns.

Each turn is an engine's process of its own (live-12, 128 frames); in every other turn the whole window is drawn off
screen at 1600 x 1000, 30 times a second, from its telemetry, with the critics' maps where there are critics. What the
machine itself does (see soak.py) is noted beside it.

    python benchmarks/window_soak.py --seconds 300 --turns 5 | tee benchmarks/window_soak.txt

Needs jackd (Debian: jackd2) and the extra `gui`. The machine has to be idle otherwise.
"""

from __future__ import annotations

import argparse
import os
import signal
import time
from datetime import date
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from advsep.gui.main_window import MainWindow
from advsep.gui.session import Session
from advsep.gui.settings import Remembered
from advsep.realtime.engine_settings import EngineSettings
from advsep.realtime.process import EngineProcess
from advsep.realtime.status import EngineStatus
from hop_cost import machine
from PySide6.QtWidgets import QApplication
from soak import Stalls, connect_metronome, start_jack

SETTINGS = EngineSettings(input="mic", output="speakers")
SIZE = 1600, 1000


def without_window(seconds: float) -> tuple[EngineStatus, str]:
    """One turn; returns what the engine counted."""
    with EngineProcess(SETTINGS) as engine:
        metronome = connect_metronome()
        time.sleep(seconds)
        status = engine.status()
    if metronome is not None:
        metronome.terminate()
        metronome.wait()
    return status, "no window"


def with_window(seconds: float, critics: Path | None) -> tuple[EngineStatus, str]:
    """One turn; returns what the engine counted, and how often the window was drawn."""
    session = Session(SETTINGS)
    window = MainWindow(session, Remembered(None))
    window.resize(*SIZE)
    window.show()
    if critics is not None:
        window.spectrograms.load_critics(critics)
    session.start()
    while session.status.state != "playing":
        QApplication.processEvents()
        time.sleep(0.01)
    metronome = connect_metronome()
    drawn, refresh = 0, window.spectrograms.refresh

    def counted() -> None:
        nonlocal drawn
        drawn += 1
        refresh()

    window.spectrograms.refresh = counted  # type: ignore[method-assign]
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        QApplication.processEvents()
        time.sleep(0.001)
    status = session.status
    window.close()
    session.close()
    if metronome is not None:
        metronome.terminate()
        metronome.wait()
    return status, f"window drawn {drawn / passed:.1f} times a second"


def main() -> None:
    """Play, then print a line a turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300.0, help="with the window, and as long without")
    parser.add_argument("--turns", type=int, default=5, help="that this time is divided into")
    parser.add_argument("--critics", type=Path, help="a .critics.onnx file; default: beside the model")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    application = QApplication([])
    server = start_jack(44100, 128)
    print(f"{date.today()} · {machine()}")
    print(
        f"live-12 on JACK's dummy driver, 44100 Hz, 128 frames a period; turns of {options.seconds / options.turns:g} s"
    )
    try:
        for turn in range(2 * options.turns):
            stalls = Stalls()
            seconds = options.seconds / options.turns
            status, what = with_window(seconds, options.critics) if turn % 2 else without_window(seconds)
            stalls.close()
            longest_ms = 1e3 * max((late_s for _, late_s in stalls.found), default=0.0)
            print(
                f"{what:34} {status.hops} hops · misses {status.misses} · p50 {1e3 * status.hop_s_p50:.2f} · "
                f"p99 {1e3 * status.hop_s_p99:.2f} · p99.9 {1e3 * status.hop_s_p99_9:.2f} ms · "
                f"load {100 * status.load:.1f} % · stalls of the machine {len(stalls.found)}, "
                f"longest {longest_ms:.1f} ms",
                flush=True,
            )
    finally:
        server.terminate()
        server.wait()
        application.quit()


if __name__ == "__main__":
    main()
