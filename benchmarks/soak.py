"""Ten minutes of live play beside a busy desktop: does the engine ever come too late?

Starts JACK's dummy server, an engine process on it (live-12, 128 frames), a process that draws a Qt window
60 times a second and, in this process, a thread that never lets go of the GIL. A metronome is the input.

A thread a processor, above everything else in priority, does nothing but sleep 2 ms at a time and notes when it
is woken more than a millisecond late: that is the machine (a hypervisor, the firmware), not any program on it.
Where such a stall lies within the tenth of a second in which a miss was seen, the line of results says so.

    python benchmarks/soak.py --seconds 600 | tee benchmarks/soak.txt

Needs jackd (Debian: jackd2) and the extra `gui`. The machine has to be idle otherwise.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import date

from advsep.realtime.engine_settings import EngineSettings
from advsep.realtime.process import EngineProcess
from hop_cost import machine

SERVER = f"advsep-soak-{os.getpid()}"

WINDOW = """
import sys, time
from PySide6 import QtCore, QtGui, QtWidgets

class Moving(QtWidgets.QWidget):
    drawn = 0
    def paintEvent(self, event):
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        for i in range(200):
            painter.setBrush(QtGui.QColor.fromHsv((self.drawn + i * 3) % 360, 200, 220))
            painter.drawEllipse((self.drawn * 3 + i * 37) % self.width(), (i * 53) % self.height(), 40, 40)
        self.drawn += 1

app = QtWidgets.QApplication([])
window = Moving()
window.resize(800, 600)
window.show()
timer = QtCore.QTimer(timerType=QtCore.Qt.TimerType.PreciseTimer)
timer.timeout.connect(window.repaint)
timer.start(1000 // 60)
began = time.perf_counter()
def end():
    print(f"{window.drawn / (time.perf_counter() - began):.1f}", flush=True)
    app.quit()
QtCore.QTimer.singleShot(int(float(sys.argv[1]) * 1000), end)
app.exec()
"""


WATCH = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(90))
while True:
    began = time.monotonic()
    time.sleep(0.002)
    late = time.monotonic() - began - 0.002
    if late > 0.001:
        print(time.monotonic(), late, flush=True)
"""


class Stalls:
    """The machine's own, while this is open; none where the system grants no real-time priority."""

    def __init__(self) -> None:
        quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        watch = [sys.executable, "-c", WATCH]
        self._watches = [subprocess.Popen([*watch, str(cpu)], **quiet) for cpu in sorted(os.sched_getaffinity(0))]
        self.found: list[tuple[float, float]] = []

    def close(self) -> None:
        """Collect `found`: when each ended (monotonic, s), and how long it was."""
        for watch in self._watches:
            watch.terminate()
            lines = watch.communicate()[0].splitlines()
            self.found += [(float(when), float(late_s)) for when, late_s in (line.split() for line in lines)]

    def near(self, begin_s: float, end_s: float) -> bool:
        """Whether one lies between these times."""
        return any(begin_s <= when and when - late_s <= end_s for when, late_s in self.found)


def follow(engine: EngineProcess, window: subprocess.Popen[str]) -> list[tuple[float, float, int]]:
    """Until the window closes: between which times how many misses were counted."""
    found: list[tuple[float, float, int]] = []
    before, seen_s = engine.status().misses, time.monotonic()
    while window.poll() is None:
        time.sleep(0.05)
        now, now_s = engine.status().misses, time.monotonic()
        if now > before:
            found.append((seen_s - 0.05, now_s, now - before))  # a status is up to a thirtieth of a second old
        before, seen_s = now, now_s
    return found


def hold_the_gil(stop: threading.Event) -> None:
    """What a careless program does: one long computation after another, in Python."""
    while not stop.is_set():
        sum(i * i for i in range(1_000_000))


def start_jack(rate_hz: int, period: int) -> subprocess.Popen[bytes]:
    """JACK's dummy server under a name of its own."""
    os.environ["JACK_DEFAULT_SERVER"] = SERVER
    command = ["jackd", "-n", SERVER, "-d", "dummy", "-r", str(rate_hz), "-p", str(period)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, **quiet)
    subprocess.run(["jack_wait", "-s", SERVER, "-w", "-t", "10"], check=True, **quiet)
    return server


def connect_metronome() -> subprocess.Popen[bytes] | None:
    """Something to separate; without the program the input is silent."""
    if shutil.which("jack_metro") is None:
        return None
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    metronome = subprocess.Popen(["jack_metro", "-b", "240", "-n", "metro"], **quiet)
    time.sleep(1)
    listed = subprocess.run(["jack_lsp", "-s", SERVER], capture_output=True, text=True, check=True)
    for port in (line for line in listed.stdout.splitlines() if ":in_" in line):
        subprocess.run(["jack_connect", "-s", SERVER, "metro:240_bpm", port], check=False, **quiet)
    return metronome


def main() -> None:
    """Play, then print what the engine counted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--rate", type=int, default=44100)
    parser.add_argument("--period", type=int, default=128)
    parser.add_argument("--model", default="live-12")
    options = parser.parse_args()

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started must not outlive this
    server = start_jack(options.rate, options.period)
    stop = threading.Event()
    metronome = window = stalls = None
    try:
        with EngineProcess(EngineSettings(input="mic", output="speakers", model=options.model)) as engine:
            metronome = connect_metronome()
            environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
            arguments = [sys.executable, "-c", WINDOW, str(options.seconds)]
            window = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment)
            threading.Thread(target=hold_the_gil, args=(stop,), daemon=True).start()
            stalls = Stalls()
            misses = follow(engine, window)
            stop.set()
            frames_a_second = window.communicate()[0].strip()
            status = engine.status()
    finally:
        if stalls is not None:
            stalls.close()
        for process in (metronome, window, server):
            if process is not None:
                process.terminate()
                process.wait()
    hop_ms = 1e3 * status.latency_parts["hop and block"] / status.rate_hz
    print(f"{date.today()} · {machine()}")
    print(f"{status.model} · {status.device} · {status.rate_hz} Hz · {status.period_samples} frames a period")
    print(f"latency {status.latency_samples} samples · real-time scheduling: {'yes' if status.realtime else 'no'}")
    print(f"beside it: a window drawn {frames_a_second} times a second, a thread that holds the GIL of the parent")
    print(
        f"{status.position_s:.0f} s · {status.hops} hops · misses {status.misses} · skipped {status.skipped_hops} · "
        f"device xruns {status.device_xruns} · restarts {status.restarts}"
    )
    explained = sum(count for begin_s, end_s, count in misses if stalls.near(begin_s, end_s))
    longest_ms = 1e3 * max((late_s for _, late_s in stalls.found), default=0.0)
    print(
        f"stalls of the machine beyond 1 ms: {len(stalls.found)}, longest {longest_ms:.1f} ms · "
        f"misses while the window was open {sum(count for *_, count in misses)}, at such a stall {explained}"
    )
    times = {"p50": status.hop_s_p50, "p99": status.hop_s_p99, "p99.9": status.hop_s_p99_9, "max": status.hop_s_max}
    print("hop time " + " · ".join(f"{name} {1e3 * time_s:.2f} ms" for name, time_s in times.items()), end="")
    print(f" of {hop_ms:.2f} ms · load {100 * status.load:.1f} %")


if __name__ == "__main__":
    main()
