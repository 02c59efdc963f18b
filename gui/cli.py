"""`advsep-gui`: a window on the separation while it plays."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..realtime.exits import EXIT_INTERRUPTED, run_program

# \b keeps the lines of a paragraph as they are.
HELP = """See sound being separated while it plays, hear it, and change what is heard.

\b
Examples:
  advsep-gui                             as it was left the last time
  advsep-gui -i song.mp3                 plays a song
  advsep-gui -i mic -o speakers          the microphone (wear headphones)
  advsep-gui -i system --preset karaoke  other programs, without the voice
  advsep-gui -i demo --chain "vocals: reverb(mix=0.3)"
  advsep-gui -i song.flac --model mine.onnx --critics mine.critics.onnx
  advsep-gui --karaoke song.mp3          sing to it: words, pitch, takes
  advsep-gui -i song.flac --screenshot out.png --seconds 10

Everything can be done with the keyboard: ? shows the keys. Songs, models and presets can be dropped on the window.
Exit codes: 0 done, 2 a bad input or no display, 130 stopped with Ctrl-C.
"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class Theme(StrEnum):
    """As `--theme` takes it."""

    DARK = "dark"
    LIGHT = "light"


def _show_version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        print(f"advsep {__version__}")
        raise typer.Exit


@app.command(help=HELP)
def window(
    source: Annotated[
        str | None,
        typer.Option(
            "-i",
            "--input",
            help="'mic', 'system' (what other programs play), a device's number or part of its name; or a sound file, "
            "'demo' for the built-in song; default: the last one.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            help="'speakers', a device's number or part of its name, 'null' (keeps time, plays nothing), or 'auto': "
            "speakers where there are any, else null; default: the last one, at first auto.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", help="A bundled model's name or an .onnx file; default: the last one.", show_default=False
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            help="A rack of plugins and levels by name (see advsep-live --list-presets), or the path of a .toml file.",
            show_default=False,
        ),
    ] = None,
    chain: Annotated[
        str | None,
        typer.Option(
            "--chain",
            help="Strips, their levels and plugins: 'vocals: gate, eq(low_cut_hz=90); master: limiter'; strips that "
            "it names replace those of the preset.",
            show_default=False,
        ),
    ] = None,
    critics: Annotated[
        Path | None,
        typer.Option(
            "--critics",
            help="A .critics.onnx file whose maps are shown; default: the one beside the model.",
            show_default=False,
        ),
    ] = None,
    karaoke: Annotated[
        Path | None,
        typer.Option("--karaoke", help="Sing to a song: -i is your microphone then.", show_default=False),
    ] = None,
    start: Annotated[float, typer.Option("--start", min=0, help="Begin a song so many seconds in.")] = 0.0,
    theme: Annotated[
        Theme | None,
        typer.Option("--theme", help="Default: the last one, at first as the system has it.", show_default=False),
    ] = None,
    screenshot: Annotated[
        Path | None,
        typer.Option(
            "--screenshot",
            help="Play a while on the null device, write a picture of the window to this .png file, and end.",
            show_default=False,
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.1, max=3600, help="How long to play before --screenshot.")
    ] = 5.0,
    size: Annotated[
        str | None,
        typer.Option(
            "--size", help="Of the window, in pixels; default: the last one, at first 1600x1000.", show_default=False
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """See HELP, which typer shows."""
    from .extra import require_gui_extra

    require_gui_extra()
    from .window_run import WindowOptions, run_window

    options = WindowOptions(
        source=source,
        output=output,
        model=model,
        preset=preset,
        chain=chain,
        critics=critics,
        karaoke=karaoke,
        start_s=start,
        theme=None if theme is None else theme.value,
        screenshot=screenshot,
        seconds=seconds,
        size=size,
    )
    if run_window(options) == EXIT_INTERRUPTED:
        print("advsep-gui: stopped", file=sys.stderr)
        raise typer.Exit(EXIT_INTERRUPTED)


def main() -> None:
    """Entry point of `advsep-gui`."""
    run_program("advsep-gui", app)
