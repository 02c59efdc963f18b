"""`advsep-live`: sound in, its voice and its accompaniment out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .exits import run_program

# \b keeps the lines of a paragraph as they are.
HELP = """Separate sound into voice and accompaniment while it plays, or a song into files.

\b
Examples:
  advsep-live -i mic --mute vocals       takes the voice out of what comes in
  advsep-live -i system -o speakers      what other programs play (see -l)
  advsep-live -i song.mp3 --mute vocals  plays a song without its voice
  advsep-live -i song.mp3 -o stems/      writes the stems, as fast as it can
  advsep-live -i song.flac -o karaoke.wav --vocals-gain-db -24
  advsep-live -i song.mp3 --loop 1:05-1:32
  advsep-live -i demo --record take/     plays the demo song, records stems
  advsep-live -i system --preset karaoke
  advsep-live -i mic --chain "vocals: eq(low_cut_hz=90), reverb(mix=0.2)"
  advsep-live -i - -o - --mute vocals    from one pipe into another, as WAV
  advsep-live -i mic -o null --seconds 30 --json
  advsep-live -i song.mp3 --critics what.png --start 60 --seconds 10
  advsep-live --karaoke song.mp3         sing to it; ? lists the keys
  advsep-live --karaoke song.mp3 --guide 30 --key -2 --record takes/
  advsep-live --measure-latency          needs a cable from output to input

While it plays, keys change levels, mute, solo, bypass, pause, go elsewhere, record and quit: ? lists them.
`advsep-plugins` lists the plugins that a chain may have, and checks new ones.
\b
With --critics take.npz an archive for numpy.load is written, of the arrays
  sources [source]                  their names
  times_s [frame], freq_hz [band]   where frames and bands lie; band_edges_hz
  estimates [source, band, frame]   ln(1 + feature_scale * magnitude)
  gradients [source, band, frame]   of the critic's score by the estimate:
                                    above 0 where more would please it
  scores [source, patch]            at score_times_s [patch]
Patches overlap by three quarters; a frame's gradient is their mean, in which
the middle of a patch counts most.

Stems are WAV with 32-bit floats. Written from a song they start at its first sample and have its length, rate
and channels; recorded while playing they have the device's rate. Without gains they sum to the input.
Exit codes: 0 done, 2 a bad input or device, 130 stopped with Ctrl-C.
"""

KARAOKE_PRESET = "karaoke"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def _show_version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        print(f"advsep {__version__}")
        raise typer.Exit


def _show_models(wanted: bool) -> None:
    if wanted:
        from .registry import describe_models

        for line in describe_models():
            print(line)
        raise typer.Exit


def _show_presets(wanted: bool) -> None:
    if wanted:
        from .rack_file import describe_presets

        for line in describe_presets():
            print(line)
        raise typer.Exit


def _show_devices(wanted: bool) -> None:
    if wanted:
        from .device import describe_devices

        for line in describe_devices():
            print(line)
        raise typer.Exit


@app.command(help=HELP)
def live(
    source: Annotated[
        str | None,
        typer.Option(
            "-i",
            "--input",
            help="'mic', 'system' (what other programs play), a device's number or part of its name; or a sound file, "
            "'demo' for the built-in song, '-' for WAV on standard input.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            help="'speakers', a device's number or part of its name, 'null' (keeps time, plays nothing), a folder for "
            "the stems, a .wav file or '-' (WAV on standard output) for the mix, or 'auto': speakers where there are "
            "any, else null.",
        ),
    ] = "auto",
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="A bundled model's name (see --list-models) or an .onnx file; default: live-12 for what is heard at "
            "once, studio for files and karaoke.",
            show_default=False,
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            help="A rack of plugins and levels by name (see --list-presets), or the path of a .toml file.",
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
    vocals_gain_db: Annotated[
        float | None, typer.Option(min=-100, max=24, help="Level of the voice; default: 0.", show_default=False)
    ] = None,
    accompaniment_gain_db: Annotated[
        float | None, typer.Option(min=-100, max=24, help="Level of the band; default: 0.", show_default=False)
    ] = None,
    mute: Annotated[
        list[str] | None,
        typer.Option(
            "--mute", help="'vocals' or 'accompaniment': silent in the mix, no stem file.", show_default=False
        ),
    ] = None,
    bypass: Annotated[bool, typer.Option("--bypass", help="Begin with the sound as it came in, equally late.")] = False,
    record: Annotated[
        Path | None, typer.Option("--record", help="While playing, write the stems to this folder.", show_default=False)
    ] = None,
    start: Annotated[float, typer.Option("--start", min=0, help="Begin a song so many seconds in.")] = 0.0,
    loop: Annotated[
        str | None,
        typer.Option("--loop", help="Go round between two places of a song: 65-92.5 or 1:05-1:32.", show_default=False),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0.01, help="Stop after so much sound.", show_default=False)
    ] = None,
    samplerate: Annotated[
        int | None,
        typer.Option("--samplerate", min=1, help="Of the device, in Hz; default: its own.", show_default=False),
    ] = None,
    blocksize: Annotated[
        int | None,
        typer.Option("--blocksize", min=1, help="Samples a block; default: as suits the device.", show_default=False),
    ] = None,
    accept_damaged: Annotated[
        bool,
        typer.Option("--accept-damaged", help="Use a truncated file as far as it goes; take NaN as silence."),
    ] = False,
    karaoke: Annotated[
        Path | None,
        typer.Option(
            "--karaoke",
            help="A song to sing to: its voice goes away, -i is your own (mic where there is one) and not separated. "
            "Words are found beside the song (.lrc, UltraStar .txt); --record keeps takes in a folder.",
            show_default=False,
        ),
    ] = None,
    guide: Annotated[
        float, typer.Option("--guide", min=0, max=100, help="In karaoke: how much of the song's voice is heard, %.")
    ] = 0.0,
    key: Annotated[
        float, typer.Option("--key", min=-12, max=12, help="In karaoke: semitones higher or, below 0, lower.")
    ] = 0.0,
    tempo: Annotated[float, typer.Option("--tempo", min=50, max=150, help="In karaoke: % of the song's own.")] = 100.0,
    critics: Annotated[
        Path | None,
        typer.Option(
            "--critics",
            help="Play nothing, but write what the model's critics think of a song, with --start and --seconds of a "
            "part of it: a .png with estimates beside gradients, or an .npz.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object as the last line of standard output.")
    ] = False,
    measure_latency: Annotated[
        bool,
        typer.Option(
            "--measure-latency", help="Play clicks, listen for them on the input, and compare with what is declared."
        ),
    ] = False,
    list_presets: Annotated[
        bool,
        typer.Option("--list-presets", callback=_show_presets, is_eager=True, help="List the presets that come along."),
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
    from .engine_settings import AUTO
    from .options import LiveOptions, parse_loop
    from .rack_file import Preset, find_preset
    from .rack_spec import RackSpec
    from .rack_text import parse_rack
    from .tune import Tune

    if source is None and karaoke is None and not measure_latency:
        raise typer.BadParameter("Missing option '-i' / '--input': a device such as 'mic', or a sound file")
    if karaoke is None and (guide, key, tempo) != (0.0, 0.0, 100.0):
        raise typer.BadParameter("--guide, --key and --tempo go with --karaoke SONG")
    if preset is None and karaoke is not None:
        preset = KARAOKE_PRESET
    chosen = Preset(RackSpec()) if preset is None else find_preset(preset)
    round_s = None if loop is None else parse_loop(loop)
    written = RackSpec() if chain is None else parse_rack(chain)
    gains_db = {"vocals": vocals_gain_db, "accompaniment": accompaniment_gain_db}
    options = LiveOptions(
        source=source if source is not None else "mic" if karaoke is None else AUTO,
        output=output,
        model=model,
        rack=chosen.rack.with_strips(written),
        gains_db={name: gain_db for name, gain_db in gains_db.items() if gain_db is not None},
        muted=tuple(mute or ()),
        bypassed=bypass or chosen.bypassed,
        record=record,
        seconds=seconds,
        accept_damaged=accept_damaged,
        rate_hz=samplerate,
        block_samples=blocksize,
        start_s=round_s[0] if start == 0.0 and round_s is not None else start,
        loop=round_s,
        as_json=as_json,
        song=karaoke,
        guide=guide / 100,
        tune=Tune(tempo / 100, key),
    )
    options.check()
    if critics is not None:
        from .display import show_critics

        _end(show_critics(options, critics))
    elif measure_latency:
        from .display import show_latency

        show_latency(options, as_json=as_json)
    elif options.converts:
        from .display import show_conversion

        _end(show_conversion(options, as_json=as_json))
    else:
        from .display import show_live

        _end(show_live(options, as_json=as_json))


def _end(code: int) -> None:
    if code:
        raise typer.Exit(code)


def main() -> None:
    """Entry point of `advsep-live`."""
    run_program("advsep-live", app)
