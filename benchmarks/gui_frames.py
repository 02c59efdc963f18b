"""Frames a second of the spectrograms, and of the whole window, drawn by the CPU at 1600 x 1000 with everything shown.

Run `python benchmarks/gui_frames.py [--seconds 10] [--critics FILE.critics.onnx] [--panel]` with the extra `gui`
installed and nothing else running. A real engine in its own process plays the demo song on the null device. Frames
are drawn off screen, one after the other without a pause for `--seconds`, then as a window does, 30 a second; at last a
profile of the processor's time says what they cost. Without `--critics` there are no maps and no scores.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from advsep.gui import theme
from advsep.gui.session import Session
from advsep.gui.spectrogram import SpectrogramPanel
from advsep.realtime.engine_settings import EngineSettings
from hop_cost import machine
from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage, QRegion
from PySide6.QtWidgets import QApplication, QWidget

SIZE = 1600, 1000
FRAMES_PER_S = 30.0


class Subject:
    """A widget that is drawn, and what is called before every frame.

    Args:
        name: in the table.
        widget: shown at `SIZE`.
        refresh: as the window's timer does.
    """

    def __init__(self, name: str, widget: QWidget, refresh: Callable[[], None]) -> None:
        self.name, self.widget, self.refresh = name, widget, refresh
        widget.resize(*SIZE)
        widget.show()

    def frame_ms(self) -> tuple[float, float]:
        """Draw a frame: its time by the clock and of the processor, which others that run do not lengthen.

        Qt paints what asked for it, into its own backing store.
        """
        began_s, used_s = time.perf_counter(), time.thread_time()
        self.refresh()
        QApplication.processEvents()
        return 1e3 * (time.perf_counter() - began_s), 1e3 * (time.thread_time() - used_s)

    def whole_ms(self) -> float:
        """Draw everything once more, whether it changed or not."""
        image = QImage(*SIZE, QImage.Format.Format_RGB32)
        began_s = time.thread_time()
        self.widget.render(image, QPoint(), QRegion())
        return 1e3 * (time.thread_time() - began_s)


def main() -> None:
    """Print one row a subject, and the profile of the last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--critics", type=Path)
    parser.add_argument("--panel", action="store_true", help="only the spectrograms")
    options = parser.parse_args()
    application = QApplication([])
    theme.apply_theme("dark")
    session = Session(EngineSettings(input="demo", output="null"))
    session.start()
    try:
        while session.layout is None or session.status.state != "playing":
            application.processEvents()
            time.sleep(0.01)
        print(f"{machine()}\n{SIZE[0]} x {SIZE[1]}, {options.seconds:g} s each\n")
        print(
            "| drawn | frames/s without a pause | frame p50 | p99 | its CPU p50 | p99 | CPU at 30/s | all repainted |"
        )
        print("|---|---|---|---|---|---|---|---|")
        panel = SpectrogramPanel(session)
        show_all(panel, options.critics)
        measure(Subject("spectrograms", panel, panel.refresh), options.seconds)
        panel.hide()
        panel.shut_down()
        if not options.panel:
            measure_window(session, options.critics, options.seconds)
    finally:
        session.close()


def show_all(panel: SpectrogramPanel, critics: Path | None) -> None:
    """Maps over both estimates, where there are critics."""
    if critics is not None:
        panel.load_critics(critics)
        panel.set_look(replace(panel.look, map_choice="both"))


def measure_window(session: Session, critics: Path | None, seconds: float) -> None:
    """The whole window; its own timer draws, and the frames here come on top of it."""
    from advsep.gui.main_window import MainWindow
    from advsep.gui.settings import Remembered

    window = MainWindow(session, Remembered(None))
    panel = window.spectrograms
    show_all(panel, critics)

    def refresh() -> None:
        panel.refresh()
        window.mixer.refresh()

    measure(Subject("whole window", window, refresh), seconds)
    window.close()


def measure(subject: Subject, seconds: float) -> None:
    """Print the row of a subject and what its frames cost most."""
    for _ in range(30):
        subject.frame_ms()
        time.sleep(1 / FRAMES_PER_S)
    began_s, free = time.perf_counter(), list[tuple[float, float]]()
    while time.perf_counter() < began_s + seconds:
        free.append(subject.frame_ms())
    paced, profile = list[tuple[float, float]](), cProfile.Profile(time.thread_time)
    used_s, began_s = time.process_time(), time.perf_counter()
    while time.perf_counter() < began_s + seconds:
        due_s = time.perf_counter() + 1 / FRAMES_PER_S
        paced.append(subject.frame_ms())
        time.sleep(max(due_s - time.perf_counter(), 0))
    used = (time.process_time() - used_s) / (time.perf_counter() - began_s)
    whole_ms = float(np.median([subject.whole_ms() for _ in range(10)]))
    (p50_ms, cpu_p50_ms), (p99_ms, cpu_p99_ms) = np.percentile(paced, [50, 99], axis=0)
    print(
        f"| {subject.name} | {1e3 / np.mean(free, axis=0)[0]:.0f} | {p50_ms:.1f} ms | {p99_ms:.1f} ms "
        f"| {cpu_p50_ms:.1f} ms | {cpu_p99_ms:.1f} ms | {100 * used:.0f} % | {whole_ms:.1f} ms |",
        flush=True,
    )
    profile.enable()
    for _ in range(90):
        subject.frame_ms()
        time.sleep(1 / FRAMES_PER_S)
    profile.disable()
    print(f"\n{subject.name}, 90 frames, what costs most:")
    stats = pstats.Stats(profile)
    rows = sorted(stats.stats.items(), key=lambda item: -item[1][2])  # type: ignore[attr-defined]
    for (file, line, name), (_, calls, own_s, *_) in [row for row in rows if "time.sleep" not in row[0][2]][:5]:
        print(f"  {1e3 * own_s / 90:6.2f} ms a frame  {calls / 90:6.1f} calls  {Path(file).name}:{line} {name}")
    print()


if __name__ == "__main__":
    main()
