"""Draws docs/karaoke.png and docs/karaoke-tv.png: karaoke on a song, sung by the song's own voice.

Run `python docs/karaoke.py SONG [--start 12]` with the extras `gui` and `dev` and jackd: a dummy server's output is
led back to its input, with the guide voice alone on it, so that there is a singer who knows the song. Nothing is heard.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from advsep.gui import theme
from advsep.gui.main_window import MainWindow
from advsep.gui.session import Session
from advsep.gui.settings import Remembered
from advsep.realtime.engine_settings import EngineSettings
from advsep.realtime.rack_text import parse_rack
from PIL import Image
from PySide6.QtCore import QBuffer
from PySide6.QtWidgets import QApplication, QWidget

SERVER = f"advsep-picture-{os.getpid()}"
FOLDER = Path(__file__).parent
SIZE = 1600, 1000
SECONDS = 14.0


def main() -> None:
    """Sing, look, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("song", type=Path)
    parser.add_argument("--start", type=float, default=12.0)
    options = parser.parse_args()
    command = ["jackd", "-r", "-n", SERVER, "-d", "dummy", "-r", "48000", "-p", "256"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(2.0)
    os.environ |= {"JACK_DEFAULT_SERVER": SERVER, "JACK_NO_START_SERVER": "1"}
    try:
        with tempfile.TemporaryDirectory() as home:
            os.environ |= {"XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home}
            draw(options.song, options.start)
    finally:
        server.terminate()
        server.wait(10)


def draw(song: Path, start_s: float) -> None:
    """The window, then the TV."""
    application = QApplication([])
    theme.apply_theme("dark")
    session = Session(EngineSettings(input="system", output="system"))
    window = MainWindow(session, Remembered(None))
    window.resize(*SIZE)
    window.show()
    window.karaoke.set_on(True)
    page = window.karaoke.page
    assert page.library is not None
    page.library.scan_line.add_folder(song.parent.parent)
    wait(application, lambda: not page.library.scan_line.running)
    page.library.start()
    window.karaoke.sing(song)
    wait(application, lambda: session.status.state == "playing" and session.status.position_s > 0.1)
    lead_back()
    session.edit_rack(parse_rack("accompaniment[mute=on]: ; microphone[mute=on]: "), "a singer who knows the song")
    assert page.mode.song is not None
    page.mode.song.separation.prefer(start_s)
    session.seek(start_s)
    page.tv.resize(1280, 720)
    page.tv.show()
    wait(application, lambda: session.status.position_s > start_s + SECONDS)
    keep(page.tv, FOLDER / "karaoke-tv.png")
    window.message.dismiss()
    seen_s = session.status.position_s
    wait(application, lambda: session.status.position_s > seen_s + 0.3)
    keep(window, FOLDER / "karaoke.png")
    window.close()


def wait(application: QApplication, condition: object) -> None:
    """Until it holds."""
    until_s = time.monotonic() + 90
    while not condition():  # pyright: ignore[reportCallIssue, reportUnknownVariableType]
        assert time.monotonic() < until_s
        application.processEvents()
        time.sleep(0.005)


def lead_back() -> None:
    """The engine's outputs to its inputs."""
    ports = subprocess.run(["jack_lsp"], capture_output=True, text=True, check=True).stdout.split("\n")
    own = sorted(port for port in ports if port and not port.startswith("system"))
    for out, into in zip(
        [port for port in own if ":out_" in port], [port for port in own if ":in_" in port], strict=True
    ):
        subprocess.run(["jack_connect", out, into], check=True)


def keep(widget: QWidget, path: Path) -> None:
    """As a small file."""
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.ReadWrite)
    widget.grab().save(buffer, "PNG")
    picture = Image.open(io.BytesIO(bytes(buffer.data().data()))).convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
