"""How soon a song that is chosen in the window is heard: the window stands there with an engine that plays.

    python benchmarks/karaoke_window.py SONG [--runs 5]

The cache of tracks is empty each time. From the choice until the engine says that the band sounds, s; then how far the
separation is ahead of what is heard, and how long the song had to wait for it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from advsep.gui.main_window import MainWindow
from advsep.gui.session import Session
from advsep.gui.settings import Remembered
from advsep.realtime.engine_settings import EngineSettings
from hop_cost import machine
from PySide6.QtWidgets import QApplication

AUDIBLE_DBFS = -60.0
SETTLES_S, LISTENS_S = 6.0, 5.0


def main() -> None:
    """A window a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("song", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    application = QApplication([])
    print(f"{date.today()} · {machine()} · {options.song.parent.name}")
    for number in range(options.runs):
        with tempfile.TemporaryDirectory() as home:
            os.environ |= {f"XDG_{name}_HOME": home for name in ("CACHE", "DATA", "CONFIG")}
            print(f"run {number + 1}: {run(application, options.song)}", flush=True)


def run(application: QApplication, song: Path) -> str:
    """One choice."""
    session = Session(EngineSettings(input="null", output="null"))
    window = MainWindow(session, Remembered(None))
    window.show()
    session.start()
    window.karaoke.set_on(True)

    def wait(condition: Callable[[], bool], longest_s: float = 120.0) -> None:
        until_s = time.perf_counter() + longest_s
        while not condition() and time.perf_counter() < until_s:
            application.processEvents()
            time.sleep(0.002)

    def sounds() -> bool:
        level = session.status.levels.get("accompaniment")
        return level is not None and level.peak_dbfs > AUDIBLE_DBFS

    wait(lambda: session.status.state == "playing")
    wait(lambda: False, SETTLES_S)
    began_s = time.perf_counter()
    window.karaoke.sing(song)
    wait(sounds)
    heard_s = time.perf_counter() - began_s
    wait(lambda: False, LISTENS_S)
    mode, status = window.karaoke.page.mode, session.status
    assert mode.song is not None
    margin_s = mode.song.separation.margin_s(status.position_s)
    words = (
        f"heard {heard_s:.2f} s after it was chosen · {LISTENS_S:g} s later {margin_s:.0f} s ahead · waited "
        f"{status.starved_s:.2f} s · misses {status.misses} of {status.hops} hops"
    )
    window.close()
    return words


if __name__ == "__main__":
    main()
