"""Draws docs/panel.svg: the panel of `advsep-live` a few seconds into the demo song, on whatever device there is.

Run `python docs/panel.py [--output null]`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from advsep.realtime.engine_settings import EngineSettings
from advsep.realtime.panel import panel
from advsep.realtime.process import EngineProcess
from advsep.realtime.rack_text import parse_rack
from advsep.realtime.telemetry_rings import stems_ring
from rich.console import Console

PICTURE = Path(__file__).parent / "panel.svg"
SECONDS = 12.0  # the voice sings


def main() -> None:
    """Play, look once, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default="auto")
    settings = EngineSettings(input="demo", output=parser.parse_args().output, rack=parse_rack("vocals[gain_db=-12]:"))
    with EngineProcess(settings) as engine:
        while (status := engine.status()).position_s < SECONDS:
            time.sleep(0.05)
        hop_samples = stems_ring(engine.telemetry)[1].hop_samples
    with PICTURE.with_suffix(".txt").open("w") as unseen:
        console = Console(width=80, record=True, file=unseen, force_terminal=True, color_system="truecolor")
        console.print(panel(status, hop_samples=hop_samples))
    PICTURE.with_suffix(".txt").unlink()
    console.save_svg(str(PICTURE), title="advsep-live -i demo --vocals-gain-db -12")


if __name__ == "__main__":
    main()
