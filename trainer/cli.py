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
    from .preparation import Asked, Prepared
    from .pretrained import Pretrained

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
    splits: Annotated[
        Path | None, typer.Option(help="JSON that names train, valid and test tracks a corpus.", show_default=False)
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            help="supervised; semi: critics compare separated mixtures with solo recordings; joint: and whether both "
            "go together; self: a trained model takes mixtures apart to learn from. Default: the preset's.",
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
    if resume and out is None:
        raise AdvsepError("--resume needs --out RUN, the folder of the run to go on with")
    options = {"steps": steps, "seed": seed, "weights_licence": weights_licence, "mode": mode}
    overrides = _overrides(options, settings or [])
    config, start, weights = _configured(preset, overrides, out if resume else None, begin, adapt)
    if print_config:
        from .config import config_toml

        print(config_toml(config), end="")
        return
    if not (data or adapt) or out is None:
        missing = "--out RUN, the folder to write to" if data or adapt else "DATA, the folders with tracks"
        raise AdvsepError(f"give {missing}, as in advsep-train music/ --out runs/mine; see advsep-train --help")
    _check_there_is_work(config, start, out)
    from .preparation import Asked

    asked = Asked(data or (), splits, mixtures or (), voices or (), accompaniments or (), adapt, cache)
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
    from .loop import Trainer, TrainingStoppedError
    from .preparation import prepare
    from .run_display import show_run
    from .run_folder import LOG_FILE
    from .team import make_fabric

    fabric = make_fabric(config.precision, *machines)
    with fabric.rank_zero_first():
        ready = prepare(asked, config, weights, out)
    begin = weights if start is None else None
    trainer = Trainer(config, ready.sources, ready.valid, out, start, workers, ready.unpaired, begin, fabric)
    if trainer.team.leads:
        _write_run_folder(out, config, ready, start)
        print(
            f"{config.name}: {len(ready.sources.tracks)} tracks to learn from, {len(ready.valid)} held out, "
            f"steps {0 if start is None else start.step} to {config.steps}",
            file=sys.stderr,
        )
    try:
        show_run(trainer, config.steps, out / LOG_FILE)
    except TrainingStoppedError:
        if trainer.team.leads:
            print(f"stopped; saved {out / 'last.ckpt'}; go on with --resume", file=sys.stderr)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if not trainer.team.leads:
        return
    if trainer.stopped_early:
        print(f"no better for {config.patience_validations} validations: stopped early", file=sys.stderr)
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
    preset: str | None, overrides: list[Override], resumed: Path | None, begin: str | None, adapt: Path | None
) -> tuple[TrainConfig, Checkpoint | None, Pretrained | None]:
    """The run's configuration, the checkpoint to go on from, and the weights to begin with."""
    from .checkpoint import load_checkpoint
    from .config import load_preset, resumed_config
    from .overrides import differing_keys, overridden

    if resumed is not None:
        start = load_checkpoint(resumed / "last.ckpt")
        config = resumed_config(start.config, overrides)
        ignored = differing_keys(config, overridden(load_preset(preset), overrides)) if preset else []
        if ignored:
            keys = ", ".join(ignored[:4]) + (f" and {len(ignored) - 4} more" if len(ignored) > 4 else "")
            _warn(f"a resumed run keeps its own settings; --preset {preset} has other {keys}; change them with --set")
        return config, start, _teacher_again(config, begin)
    begin = begin or ("live-12" if adapt else None)
    if begin is None:
        config = overridden(load_preset(preset or "live-12"), overrides)
        if config.mode == "self":
            raise AdvsepError("--mode self needs a teacher: give a trained model with --from, as in --from live-12")
        return config, None, None
    from .pretrained import begun_config, load_pretrained

    weights = load_pretrained(begin)
    return begun_config(weights, begin, preset, overrides, adapt), None, weights


def _teacher_again(config: TrainConfig, begin: str | None) -> Pretrained | None:
    """Of a resumed run in the mode `self`."""
    if begin is not None:
        raise AdvsepError("--from is for the start of a run; a resumed one goes on with its own weights")
    if config.mode != "self":
        return None
    from .pretrained import load_pretrained

    teacher = load_pretrained(config.begun_from)
    if teacher.sha256 != config.begun_from_sha256:
        raise AdvsepError(
            f"{config.begun_from}: the run's teacher was another file of that name; put it back or train anew"
        )
    return teacher


def _check_there_is_work(config: TrainConfig, start: Checkpoint | None, out: Path) -> None:
    last = out / "last.ckpt"
    if start is None:
        if last.exists():
            raise AdvsepError(f"{out}: a run is there already; go on with --resume, or choose another --out")
        return
    # Ctrl-C during the last validation leaves nothing to do but that validation.
    unfinished = config.steps == start.step and start.validation_gain_db is None
    if 0 < config.patience_validations <= start.stale_validations:
        raise AdvsepError(
            f"{last}: stopped early at step {start.step}, {start.stale_validations} validations after the best; "
            "ask for more with --set patience_validations=N"
        )
    if config.steps <= start.step and not unfinished:
        raise AdvsepError(f"{last}: step {start.step} of {config.steps} is done already; ask for more with --steps")


def _write_run_folder(out: Path, config: TrainConfig, ready: Prepared, start: Checkpoint | None) -> None:
    from .fingerprint import describe_data
    from .run_folder import open_run_folder

    data = describe_data(ready.tracks, ready.recordings, config.signal.sample_rate_hz)
    for warning in open_run_folder(out, config, data, None if start is None else start.step):
        _warn(warning)


def _warn(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)


def main() -> None:
    """Entry point of `advsep-train`."""
    if sys.argv[1:2] == ["doctor"]:  # a folder of that name is ./doctor
        from .doctor_cli import main as doctor

        doctor()
    run_program("advsep-train", app)
