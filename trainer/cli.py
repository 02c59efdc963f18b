"""`advsep-train`: folders of stems in, a separator's checkpoint out."""

from __future__ import annotations

import dataclasses
import json
import math
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
    from .loop import Progress as StepProgress
    from .loop import Trainer
    from .tracks import Split, Track, TrackFiles
    from .unpaired import UnpairedRecordings

HELP = """Train a separator on folders that each hold vocals.* and accompaniment.* of one song.

Ctrl-C saves a checkpoint and stops; the same command with --resume goes on from it.

\b
Examples:
  advsep-train music/ --out runs/mine
  advsep-train music/ --out runs/mine --resume --steps 8000
  advsep-train a/ b/ --splits splits.json --steps 3000 --out runs/ab
  advsep-train music/ --mode semi --mixtures songs/ --voices solos/ --accompaniments bands/ --out runs/semi
  advsep-export runs/mine/best.ckpt -o mine.onnx

The run folder receives config.json, log.jsonl, last.ckpt and best.ckpt (best mean vocal SDR on held-out tracks).
Without --splits every tenth track, chosen by its name, is held out.
"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=HELP)
def train(
    data: Annotated[list[Path], typer.Argument(help="Folders with tracks, searched to any depth.")],
    out: Annotated[Path, typer.Option(help="Run folder.")],
    preset: Annotated[str, typer.Option(help="live-3, live-6, live-12, live-23 or a .toml file.")] = "live-12",
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
    seed: Annotated[int | None, typer.Option(help="Default: the preset's.", show_default=False)] = None,
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
    overrides = {"steps": steps, "seed": seed, "weights_licence": weights_licence, "mode": mode}
    config, start = _configured(preset, {k: v for k, v in overrides.items() if v is not None}, out, resume=resume)
    divided = _divided(data, splits)
    train_tracks, valid_tracks = _decoded(divided, config.signal.sample_rate_hz, cache)
    from .loop import Trainer, TrainingStoppedError

    unpaired = None
    if config.mode != "supervised":
        unpaired = _unpaired([mixtures or [], voices or [], accompaniments or []], config, cache)
    trainer = Trainer(config, train_tracks, valid_tracks, out, start, workers, unpaired)
    _open_run_folder(config, out, 0 if start is None else start.step)
    print(
        f"{config.name}: {len(train_tracks)} tracks to learn from, {len(valid_tracks)} held out, "
        f"steps {0 if start is None else start.step} to {config.steps}",
        file=sys.stderr,
    )
    try:
        _show_run(trainer, config, out)
    except TrainingStoppedError:
        print(f"stopped; saved {out / 'last.ckpt'}; go on with --resume", file=sys.stderr)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    print(f"done: {out / 'best.ckpt'}; next: advsep-export {out / 'best.ckpt'} -o {config.name}.onnx", file=sys.stderr)


def _configured(
    preset: str, overrides: dict[str, Any], out: Path, *, resume: bool
) -> tuple[TrainConfig, Checkpoint | None]:
    """The run's configuration, and the checkpoint to go on from."""
    from .checkpoint import load_checkpoint
    from .config import load_preset

    last = out / "last.ckpt"
    if resume:
        start = load_checkpoint(last)
        config = dataclasses.replace(start.config, **overrides)
        # Ctrl-C during the last validation leaves nothing to do but that validation.
        unfinished = config.steps == start.step and start.validation_gain_db is None
        if config.steps <= start.step and not unfinished:
            raise AdvsepError(f"{last}: step {start.step} of {config.steps} is done already; ask for more with --steps")
        return config, start
    config = load_preset(preset, **overrides)
    if last.exists():
        raise AdvsepError(f"{out}: a run is there already; go on with --resume, or choose another --out")
    return config, None


def _open_run_folder(config: TrainConfig, out: Path, step: int) -> None:
    """Write config.json, and cut log.jsonl back to the step that the run goes on from."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "config.json").write_text(json.dumps(dataclasses.asdict(config), indent=1) + "\n", "utf-8")
        log = out / "log.jsonl"
        lines = log.read_text("utf-8").splitlines() if step and log.is_file() else []
        kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= step]
        log.write_text("".join(line + "\n" for line in kept), "utf-8")
    except OSError as error:
        raise AdvsepError(f"{out}: cannot write to the run folder: {error.strerror}") from None


def _divided(data: list[Path], splits: Path | None) -> dict[Split, list[TrackFiles]]:
    from .tracks import find_tracks, split_tracks

    return split_tracks(find_tracks(data), splits)


def _decoded(
    divided: dict[Split, list[TrackFiles]], rate_hz: int, cache: Path | None
) -> tuple[list[Track], list[Track]]:
    import platformdirs
    from rich.console import Console
    from rich.progress import Progress

    from .tracks import load_tracks

    folder = cache or Path(platformdirs.user_cache_dir("advsep")) / "decoded"
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("decoding", total=len(divided["train"]) + len(divided["valid"]))
        loaded = [
            load_tracks(divided[part], rate_hz, folder, lambda _: bar.advance(task)) for part in ("train", "valid")
        ]
    return loaded[0], loaded[1]


def _unpaired(folders: list[list[Path]], config: TrainConfig, cache: Path | None) -> UnpairedRecordings:
    """Mixtures, voices and accompaniments, decoded."""
    import platformdirs
    from rich.console import Console
    from rich.progress import Progress

    from .recordings import find_recordings, load_recordings
    from .unpaired import UnpairedRecordings

    found = [find_recordings(each) for each in folders]
    folder = cache or Path(platformdirs.user_cache_dir("advsep")) / "decoded"
    rate_hz = config.signal.sample_rate_hz
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("decoding unpaired", total=sum(map(len, found)))
        loaded = [load_recordings(paths, rate_hz, folder, lambda _: bar.advance(task)) for paths in found]
    recordings = UnpairedRecordings(*loaded)
    recordings.check()
    return recordings


def _show_run(trainer: Trainer, config: TrainConfig, out: Path) -> None:
    """Run with a progress bar, a line a validation and a log file."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from .validation import mean_gain_db

    columns = (TextColumn("{task.description}"), BarColumn(16), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        Progress(*columns, console=Console(stderr=True)) as bar,
        (out / "log.jsonl").open("a", encoding="utf-8") as log,
    ):
        task = bar.add_task("training", total=config.steps)

        def on_step(now: StepProgress) -> None:
            text = f"loss {now.loss:.4f} · {now.audio_speed:.1f} s of sound a second"
            bar.update(task, completed=now.step, description=text)
            if now.scores is not None:
                gain = f"vocal SDR gain {mean_gain_db(now.scores):.2f} dB" if now.scores else "no held-out tracks"
                bar.console.print(f"step {now.step}: loss {now.loss:.4f}, {gain}", highlight=False)
            try:
                log.write(_log_line(now) + "\n")
                log.flush()
            except OSError as error:
                raise AdvsepError(f"{log.name}: cannot be written: {error.strerror}") from None

        trainer.run(on_step)


def _log_line(now: StepProgress) -> str:
    from .validation import plain_score

    entry: dict[str, Any] = {"step": now.step, "loss": now.loss if math.isfinite(now.loss) else None}
    entry |= {"learning_rate": now.learning_rate, "audio_speed": now.audio_speed, "waiting": now.waiting}
    if now.distances:
        entry["distances"] = now.distances
    if now.scores is not None:
        entry["validation"] = [plain_score(score) for score in now.scores]
    return json.dumps(entry, allow_nan=False)


def main() -> None:
    """Entry point of `advsep-train`."""
    run_program("advsep-train", app)
