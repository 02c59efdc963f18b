"""`advsep-live`: a song in, its voice and its accompaniment out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .exits import EXIT_INTERRUPTED, run_program

if TYPE_CHECKING:
    from .live import LiveRun

# \b keeps the lines of a paragraph as they are.
HELP = """Separate a song into voice and accompaniment, through the path that plays live.

\b
Examples:
  advsep-live -i song.mp3 -o stems/         writes the stems to that folder
  advsep-live -i song.mp3 --mute vocals     plays only the accompaniment
  advsep-live -i song.flac -o karaoke.wav --vocals-gain-db -24
  advsep-live -i demo                       plays the built-in demo song
  advsep-live -i song.wav -o null --record take/ --json

Stems start at the song's first sample and have its length, rate and channels; without gains they sum to the song.
Files are WAV with 32-bit floats. Exit codes: 0 done, 2 a bad input or device, 130 stopped with Ctrl-C.
"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def _show_version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        print(f"advsep {__version__}")
        raise typer.Exit


def _show_models(wanted: bool) -> None:
    if wanted:
        from .live import describe_models

        for line in describe_models():
            print(line)
        raise typer.Exit


def _show_devices(wanted: bool) -> None:
    if wanted:
        from .output import import_sounddevice

        devices = import_sounddevice().query_devices()
        print(devices if len(devices) else "no sound devices; -o null runs without one")
        raise typer.Exit


@app.command(help=HELP)
def live(
    source: Annotated[
        str, typer.Option("-i", "--input", help="A sound file, or 'demo' for the built-in song.", show_default=False)
    ],
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            help="A folder for the stems, a .wav file for the mix, 'speakers', a device's number or part of its name, "
            "'null' (keeps time, plays nothing), or 'auto': speakers where there are any, else null.",
        ),
    ] = "auto",
    model: Annotated[str, typer.Option("--model", help="A bundled model's name or an .onnx file.")] = "live-12",
    vocals_gain_db: Annotated[float, typer.Option(min=-100, max=24, help="Level of the voice.")] = 0.0,
    accompaniment_gain_db: Annotated[float, typer.Option(min=-100, max=24, help="Level of the band.")] = 0.0,
    mute: Annotated[
        list[str] | None,
        typer.Option(
            "--mute", help="'vocals' or 'accompaniment': silent in the mix, no stem file.", show_default=False
        ),
    ] = None,
    record: Annotated[
        Path | None, typer.Option("--record", help="While playing, write the stems to this folder.", show_default=False)
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0.01, help="Stop after so much sound.", show_default=False)
    ] = None,
    accept_damaged: Annotated[
        bool,
        typer.Option("--accept-damaged", help="Use a truncated file as far as it goes; take NaN as silence."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object as the last line of standard output.")
    ] = False,
    list_models: Annotated[
        bool, typer.Option("--list-models", callback=_show_models, is_eager=True, help="List the bundled models.")
    ] = False,
    list_devices: Annotated[
        bool, typer.Option("-l", "--list-devices", callback=_show_devices, is_eager=True, help="List sound devices.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """See HELP, which typer shows."""
    from .live import LiveOptions, LiveRun  # loads NumPy, Numba and ONNX Runtime, which `--help` must not wait for

    options = LiveOptions(
        source=source,
        output=output,
        model=model,
        gains_db={"vocals": vocals_gain_db, "accompaniment": accompaniment_gain_db},
        muted=tuple(mute or ()),
        record=record,
        seconds=seconds,
        accept_damaged=accept_damaged,
    )
    with LiveRun(options) as run:
        interrupted = _play(run)
        run.finish(interrupted=interrupted)
    _report(run, as_json=as_json)
    if interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)


def _play(run: LiveRun) -> bool:
    """Show the live line until the end; returns whether Ctrl-C came first."""
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    console = Console(stderr=True)
    for note in run.notes:
        print(note, file=sys.stderr)
    line = TextColumn("{task.description}", markup=False)
    with Progress(line, console=console, disable=not console.is_terminal) as display:
        task = display.add_task("loading (the first run on a machine compiles for some seconds)")
        try:
            run.start()
            while run.running:
                display.update(task, description=run.status_line())
                run.wait(0.1)
        except KeyboardInterrupt:
            run.stop()
            return True
        display.update(task, description=run.status_line())
    return False


def _report(run: LiveRun, *, as_json: bool) -> None:
    if not sys.stderr.isatty():  # the live line is not drawn there
        print(run.status_line(), file=sys.stderr)
    for path in run.written:
        print(f"wrote {path}", file=sys.stderr)
    for warning in run.warnings():
        print(f"advsep-live: {warning}", file=sys.stderr)
    if as_json:
        summary: dict[str, Any] = run.summary()
        print(json.dumps(summary), flush=True)


def main() -> None:
    """Entry point of `advsep-live`."""
    run_program("advsep-live", app)
