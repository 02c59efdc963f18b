"""`advsep-train`: folders of stems in, a separator's checkpoint out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..realtime.errors import AdvsepError
from ..realtime.exits import EXIT_INTERRUPTED, run_program
from .extra import require_training_extra

if TYPE_CHECKING:
    from .checkpoint import Checkpoint
    from .config import TrainConfig
    from .overrides import Override
    from .tracks import Split, Track, TrackFiles
    from .unpaired import UnpairedRecordings

HELP = """Train a separator on recordings of voices and accompaniments.

DATA is folders that each hold vocals.* and accompaniment.* of one song; or MUSDB18(-HQ), DSD100, MedleyDB, CCMixter,
iKala or MIR-1K as they are published; or a CSV manifest.

Ctrl-C saves a checkpoint and stops; the same command with --resume goes on from it. `advsep-train doctor DATA` checks
recordings before they cost a night.

\b
Examples:
  advsep-train doctor music/
  advsep-train music/ --out runs/mine
  advsep-train music/ --out runs/mine --resume --steps 8000
  advsep-train a/ b/ --splits splits.json --steps 3000 --out runs/ab
  advsep-train music/ --preset live-6 --set optimiser.learning_rate=3e-4 \\
    --set remix.pair_probability=0.3 --out runs/six
  advsep-train --preset live-12 --print-config > my.toml   every setting
  advsep-train music/ --preset my.toml --out runs/tuned
  advsep-train music/ --preset runs/mine/config.toml --seed 1 --out runs/again
  advsep-train music/ --mode semi --mixtures songs/ --voices solos/ \\
    --accompaniments bands/ --out runs/semi
  advsep-export runs/mine/best.ckpt -o mine.onnx

\b
The run folder receives
  config.toml  every setting, as --preset takes it
  run.json     each start: command, versions, machine, seed, recordings
  log.jsonl    loss and speed a step, scores a validation
  last.ckpt    to go on from
  best.ckpt    to export: best mean vocal SDR on held-out tracks

Without --splits a tenth is held out: of folders every tenth track by its name, of data sets some artists, and their
own test tracks are left alone. Exit codes: 0 done, 2 a bad input or option,
130 stopped with Ctrl-C.
"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=HELP)
def train(
    data: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folders of tracks, searched to any depth; data sets as they are published; CSV manifests.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; needed to train.", show_default=False)] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="live-3, live-6, live-12 (the default), live-23, by latency in ms; studio for files; a .toml file.",
            show_default=False,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="One setting of the preset by its dotted path, as --print-config shows them; as often as you like. "
            "The value is TOML; text needs no quotes.",
            show_default=False,
        ),
    ] = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print every setting as TOML and exit; needs no data.")
    ] = False,
    splits: Annotated[
        Path | None, typer.Option(help="JSON that names train, valid and test tracks a corpus.", show_default=False)
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            help="supervised; semi: critics compare separated mixtures with solo recordings; joint: and whether both "
            "go together. Default: the preset's.",
            show_default=False,
        ),
    ] = None,
    mixtures: Annotated[
        list[Path] | None, typer.Option(help="Folder of songs to separate, for the critics.", show_default=False)
    ] = None,
    voices: Annotated[
        list[Path] | None, typer.Option(help="Folder of solo voices, for the critics.", show_default=False)
    ] = None,
    accompaniments: Annotated[
        list[Path] | None, typer.Option(help="Folder of music without voices, for the critics.", show_default=False)
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Optimiser steps in all; default: the preset's.", show_default=False)
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of all that is random; default: the preset's.", show_default=False)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from last.ckpt in the run folder.")] = False,
    weights_licence: Annotated[
        str | None, typer.Option(help="Licence of the weights, as your recordings allow.", show_default=False)
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder for decoded audio; default: the user's cache.", show_default=False)
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads for the network; default: all.", show_default=False)
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that make examples.")] = 1,
) -> None:
    """See HELP, which typer shows."""
    require_training_extra()
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    options = {"steps": steps, "seed": seed, "weights_licence": weights_licence, "mode": mode}
    if resume and out is None:
        raise AdvsepError("--resume needs --out RUN, the folder of the run to go on with")
    config, start = _configured(preset, _overrides(options, settings or []), out if resume else None)
    if print_config:
        from .config import config_toml

        print(config_toml(config), end="")
        return
    if not data or out is None:
        missing = "--out RUN, the folder to write to" if data else "DATA, the folders with tracks"
        raise AdvsepError(f"give {missing}, as in advsep-train music/ --out runs/mine; see advsep-train --help")
    _check_there_is_work(config, start, out)
    divided = _divided(data, splits, cache)
    train_tracks, valid_tracks = _decoded(divided, config.signal.sample_rate_hz, cache)
    from .loop import Trainer, TrainingStoppedError
    from .run_display import show_run
    from .run_folder import LOG_FILE

    unpaired = None
    if config.mode != "supervised":
        unpaired = _unpaired([mixtures or [], voices or [], accompaniments or []], config, cache)
    trainer = Trainer(config, train_tracks, valid_tracks, out, start, workers, unpaired)
    _write_run_folder(out, config, {"train": train_tracks, "valid": valid_tracks}, unpaired, start)
    print(
        f"{config.name}: {len(train_tracks)} tracks to learn from, {len(valid_tracks)} held out, "
        f"steps {0 if start is None else start.step} to {config.steps}",
        file=sys.stderr,
    )
    try:
        show_run(trainer, config.steps, out / LOG_FILE)
    except TrainingStoppedError:
        print(f"stopped; saved {out / 'last.ckpt'}; go on with --resume", file=sys.stderr)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    print(f"done: {out / 'best.ckpt'}; next: advsep-export {out / 'best.ckpt'} -o {config.name}.onnx", file=sys.stderr)


def _overrides(options: dict[str, Any], settings: list[str]) -> list[Override]:
    """What was said on the command line, typed; `options` by the key that each sets."""
    from .config import TrainConfig
    from .overrides import parse_override, typed_override

    given = {key: value for key, value in options.items() if value is not None}
    labels = {key: f"--{key.replace('_', '-')} {value}" for key, value in given.items()}
    typed = [parse_override(TrainConfig, text) for text in settings]
    for each in typed:
        if each.key in given:
            raise AdvsepError(f"{labels[each.key]} and {each.label} are one setting; give one of them")
    return [typed_override(TrainConfig, key, value, labels[key]) for key, value in given.items()] + typed


def _configured(
    preset: str | None, overrides: list[Override], resumed: Path | None
) -> tuple[TrainConfig, Checkpoint | None]:
    """The run's configuration, and the checkpoint to go on from."""
    from .checkpoint import load_checkpoint
    from .config import load_preset, resumed_config
    from .overrides import differing_keys, overridden

    if resumed is None:
        return overridden(load_preset(preset or "live-12"), overrides), None
    start = load_checkpoint(resumed / "last.ckpt")
    config = resumed_config(start.config, overrides)
    ignored = differing_keys(config, overridden(load_preset(preset), overrides)) if preset else []
    if ignored:
        keys = ", ".join(ignored[:4]) + (f" and {len(ignored) - 4} more" if len(ignored) > 4 else "")
        _warn(f"a resumed run keeps its own settings; --preset {preset} has other {keys}; change them with --set")
    return config, start


def _check_there_is_work(config: TrainConfig, start: Checkpoint | None, out: Path) -> None:
    last = out / "last.ckpt"
    if start is None:
        if last.exists():
            raise AdvsepError(f"{out}: a run is there already; go on with --resume, or choose another --out")
        return
    # Ctrl-C during the last validation leaves nothing to do but that validation.
    unfinished = config.steps == start.step and start.validation_gain_db is None
    if config.steps <= start.step and not unfinished:
        raise AdvsepError(f"{last}: step {start.step} of {config.steps} is done already; ask for more with --steps")


def _write_run_folder(
    out: Path,
    config: TrainConfig,
    tracks: dict[str, list[Track]],
    unpaired: UnpairedRecordings | None,
    start: Checkpoint | None,
) -> None:
    from .fingerprint import describe_data
    from .run_folder import open_run_folder

    recordings = {}
    if unpaired is not None:
        recordings = {
            "mixtures": unpaired.mixtures,
            "voices": unpaired.vocals,
            "accompaniments": unpaired.accompaniment,
        }
    data = describe_data(tracks, recordings, config.signal.sample_rate_hz)
    for warning in open_run_folder(out, config, data, None if start is None else start.step):
        _warn(warning)


def _warn(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)


def _divided(data: list[Path], splits: Path | None, cache: Path | None) -> dict[Split, list[TrackFiles]]:
    from rich.console import Console

    from .datasets.training import divided_tracks

    with Console(stderr=True).status("looking for tracks"):
        return divided_tracks(data, splits, _cache_folder(cache) / "stems")


def _cache_folder(cache: Path | None) -> Path:
    import platformdirs

    return cache or Path(platformdirs.user_cache_dir("advsep")) / "decoded"


def _decoded(
    divided: dict[Split, list[TrackFiles]], rate_hz: int, cache: Path | None
) -> tuple[list[Track], list[Track]]:
    from rich.console import Console
    from rich.progress import Progress

    from .tracks import load_tracks

    folder = _cache_folder(cache)
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("decoding", total=len(divided["train"]) + len(divided["valid"]))
        loaded = [
            load_tracks(divided[part], rate_hz, folder, lambda _: bar.advance(task)) for part in ("train", "valid")
        ]
    return loaded[0], loaded[1]


def _unpaired(folders: list[list[Path]], config: TrainConfig, cache: Path | None) -> UnpairedRecordings:
    """Mixtures, voices and accompaniments, decoded."""
    from rich.console import Console
    from rich.progress import Progress

    from .recordings import find_recordings, load_recordings
    from .unpaired import UnpairedRecordings

    found = [find_recordings(each) for each in folders]
    folder = _cache_folder(cache)
    rate_hz = config.signal.sample_rate_hz
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("decoding unpaired", total=sum(map(len, found)))
        loaded = [load_recordings(paths, rate_hz, folder, lambda _: bar.advance(task)) for paths in found]
    recordings = UnpairedRecordings(*loaded)
    recordings.check()
    return recordings


def main() -> None:
    """Entry point of `advsep-train`."""
    if sys.argv[1:2] == ["doctor"]:  # a folder of that name is ./doctor
        from .doctor_cli import main as doctor

        doctor()
    run_program("advsep-train", app)
