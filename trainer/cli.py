"""`advsep-train`: folders of stems in, a separator's checkpoint out."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..realtime.errors import AdvsepError
from ..realtime.exits import EXIT_INTERRUPTED, run_program
from .extra import require_training_extra

if TYPE_CHECKING:
    from .checkpoint import Checkpoint
    from .config import TrainConfig
    from .preparation import Asked, Prepared
    from .pretrained import Pretrained

HELP = """Train a separator on recordings of voices and accompaniments.

DATA is folders that each hold vocals.* and accompaniment.* of one song; or MUSDB18(-HQ), DSD100, MedleyDB, CCMixter,
iKala or MIR-1K as they are published; or a CSV manifest.

Ctrl-C saves a checkpoint and stops; the same command with --resume goes on from it.

\b
Beside it, each with a --help of its own:
  advsep-train doctor DATA     checks recordings before they cost a night
  advsep-train partition DATA  says which tracks are learnt from, in a file
  advsep-train shard DATA      packs more than a disk cache holds
  advsep-train paper DATA      the networks of Stoller et al. 2018, exactly

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
  advsep-train music/ --mode self --from live-12 --mixtures songs/ \\
    --out runs/self
  advsep-train --adapt my-recordings/ --out runs/mine
  torchrun --nproc-per-node 2 $(which advsep-train) music/ --devices 2 \\
    --out runs/two   (or plainly: advsep-train music/ --devices 2 …)
  advsep-export runs/mine/best.ckpt -o mine.onnx

\b
The run folder receives
  config.toml  every setting, as --preset takes it
  run.json     each start: command, versions, machine, seed, recordings
  log.jsonl    loss and speed a step, scores a validation
  tensorboard/ the same as curves, sounds and pictures
  last.ckpt    to go on from
  best.ckpt    to export: best mean vocal SDR on held-out tracks

--adapt makes a trained model (--from, else live-12) better for your own recordings: a folder that holds voices/ and
accompaniments/, none of which need belong together, or mixtures/, or mixtures only. The end of each is held back and
validated with.

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
    shards: Annotated[
        Path | None,
        typer.Option(
            help="Folder that `advsep-train shard` wrote, to learn from beside or instead of DATA.", show_default=False
        ),
    ] = None,
    splits: Annotated[
        Path | None,
        typer.Option(
            help="JSON that names train, valid and test tracks a corpus, of unpaired recordings too.",
            show_default=False,
        ),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            help="supervised; semi: critics compare separated mixtures with solo recordings; joint: and whether both "
            "go together; self: a trained model takes mixtures apart to learn from; critics: only they learn, of a "
            "trained model. Default: the preset's.",
            show_default=False,
        ),
    ] = None,
    mixtures: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of songs to separate, for critics or a teacher.", show_default=False),
    ] = None,
    voices: Annotated[
        list[Path] | None, typer.Option(help="Folder of solo voices, for the critics.", show_default=False)
    ] = None,
    accompaniments: Annotated[
        list[Path] | None, typer.Option(help="Folder of music without voices, for the critics.", show_default=False)
    ] = None,
    begin: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Begin with trained weights, the teacher of --mode self: a run folder, a .ckpt or .onnx file, or a "
            "bundled model's name.",
            show_default=False,
        ),
    ] = None,
    adapt: Annotated[
        Path | None, typer.Option(help="Folder of your own recordings; see above.", show_default=False)
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
    devices: Annotated[int, typer.Option(min=1, help="GPUs, or processes where there are none, on each machine.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines; start each with torchrun.")] = 1,
) -> None:
    """See HELP, which typer shows."""
    require_training_extra()
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    from .memory import keep_freed_memory
    from .starting import check_there_is_work, configured, typed_options

    if resume and out is None:
        raise AdvsepError("--resume needs --out RUN, the folder of the run to go on with")
    keep_freed_memory()
    options = {"steps": steps, "seed": seed, "weights_licence": weights_licence, "mode": mode}
    overrides = typed_options(options, settings or [])
    config, start, weights = configured(preset, overrides, out if resume else None, begin, adapt)
    if print_config:
        from .config import config_toml

        print(config_toml(config), end="")
        return
    has_data = bool(data or adapt or shards or config.mode == "critics")
    if not has_data or out is None:
        missing = "--out RUN, the folder to write to" if has_data else "DATA, the folders with tracks"
        raise AdvsepError(f"give {missing}, as in advsep-train music/ --out runs/mine; see advsep-train --help")
    check_there_is_work(config, start, out)
    from .preparation import Asked

    asked = Asked(data or (), splits, mixtures or (), voices or (), accompaniments or (), adapt, cache, shards)
    _run(config, asked, out, start, weights, workers, (devices, nodes))


def _run(
    config: TrainConfig,
    asked: Asked,
    out: Path,
    start: Checkpoint | None,
    weights: Pretrained | None,
    workers: int,
    machines: tuple[int, int],
) -> None:
    """Decode, train, and say how it ended."""
    from .board import BOARD_FOLDER, Board
    from .loop import Trainer, TrainingStoppedError
    from .preparation import prepare
    from .run_display import show_run
    from .run_folder import LOG_FILE
    from .starting import warn
    from .team import make_fabric

    fabric = make_fabric(config.precision, *machines)
    with fabric.rank_zero_first():
        ready = prepare(asked, config, weights, out)
    trainer = Trainer(
        config, ready.sources, ready.valid, out, start, workers, ready.unpaired, weights, fabric, asked.shards
    )
    board: Board | None = None
    if trainer.team.leads:
        _write_run_folder(out, config, ready, start)
        print(
            f"{config.name}: {len(ready.sources.tracks)} tracks to learn from, {len(ready.valid)} held out, "
            f"steps {0 if start is None else start.step} to {config.steps}",
            file=sys.stderr,
        )
        board = Board(out / BOARD_FOLDER, 0 if start is None else start.step, warn)
    try:
        show_run(trainer, out / LOG_FILE, ready.valid, board)
    except TrainingStoppedError:
        if trainer.team.leads:
            print(f"stopped; saved {out / 'last.ckpt'}; go on with --resume", file=sys.stderr)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if not trainer.team.leads:
        return
    if trainer.stopped_early:
        print(f"no better for {config.patience_validations} validations: stopped early", file=sys.stderr)
    if trainer.best_step == 0:
        warn(
            f"nothing learnt was better on what is held out: {out / 'best.ckpt'} has the weights that the run began "
            "with; give more recordings, or a lower --set optimiser.learning_rate"
        )
    print(f"done: {out / 'best.ckpt'}; next: advsep-export {out / 'best.ckpt'} -o {config.name}.onnx", file=sys.stderr)


def _write_run_folder(out: Path, config: TrainConfig, ready: Prepared, start: Checkpoint | None) -> None:
    from .fingerprint import describe_data
    from .run_folder import open_run_folder
    from .starting import warn

    data = describe_data(ready.tracks, ready.recordings, config.signal.sample_rate_hz)
    for warning in open_run_folder(out, config, data, None if start is None else start.step):
        warn(warning)


# A folder of such a name is ./doctor.
COMMANDS = {"doctor": ".doctor_cli", "partition": ".partition_cli", "shard": ".shard_cli", "paper": ".paper.cli"}


def main() -> None:
    """Entry point of `advsep-train`."""
    command = COMMANDS.get(sys.argv[1]) if len(sys.argv) > 1 else None
    if command is not None:
        importlib.import_module(command, __package__).main()
    run_program("advsep-train", app)
