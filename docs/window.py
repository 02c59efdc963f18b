"""Draws docs/window.png and docs/window-light.png: the whole window on a song, the critic's map over the voice.

Run `python docs/window.py SONG [--start 30]` with the extras `gui` and `dev`; nothing is heard.
"""

from __future__ import annotations

import argparse
import io
import os
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from advsep.gui import theme
from advsep.gui.main_window import MainWindow
from advsep.gui.session import Session
from advsep.gui.settings import Remembered
from advsep.gui.spectrogram_look import Look
from advsep.realtime.engine_settings import EngineSettings
from advsep.realtime.rack_text import parse_rack
from PIL import Image
from PySide6.QtCore import QBuffer
from PySide6.QtWidgets import QApplication

FOLDER = Path(__file__).parent
RACK = "vocals: eq(low_cut_hz=90), reverb(mix=0.2); accompaniment[gain_db=-6]: ; master: limiter"
SIZE = 1600, 1000
SECONDS = 12.0


def main() -> None:
    """Play, look twice, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("song")
    parser.add_argument("--start", type=float, default=30.0)
    options = parser.parse_args()
    application = QApplication([])
    theme.apply_theme("dark")
    session = Session(EngineSettings(input=options.song, output="null", start_s=options.start, rack=parse_rack(RACK)))
    window = MainWindow(session, Remembered(None))
    window.resize(*SIZE)
    window.show()
    session.start()
    window.spectrograms.set_look(Look(map_choice="voice"))
    while session.status.position_s < options.start + SECONDS:
        application.processEvents()
        time.sleep(0.005)
    window.spectrograms.set_frozen(True)
    for kind, name in (("dark", "window.png"), ("light", "window-light.png")):
        theme.apply_theme(kind)
        for _ in range(50):
            application.processEvents()
            time.sleep(0.01)
        buffer = QBuffer()
        buffer.open(QBuffer.OpenModeFlag.ReadWrite)
        window.grab().save(buffer, "PNG")
        picture = Image.open(io.BytesIO(bytes(buffer.data().data()))).convert("RGB")
        picture.quantize(256, dither=Image.Dither.NONE).save(FOLDER / name, optimize=True)
    window.close()
    session.close()


if __name__ == "__main__":
    main()
