"""`advsep-train paper`: the paper's experiment on data sets at hand, and what a run of it scores."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...realtime.errors import AdvsepError
from ...realtime.exits import run_program
from ..extra import require_training_extra

if TYPE_CHECKING:
    from ..overrides import Override
    from .checkpoint import PaperCheckpoint
    from .config import PaperConfig

COMMAND = "paper"
HELP = """Repeat the experiment of Stoller, Ewert, Dixon: Semi-Supervised Adversarial Audio Source Separation applied to
Singing Voice Extraction (ICASSP 2018), with its network, losses and schedule.

DATA is as in advsep-train. A partition says which tracks are paired (train), unpaired, for validation and for testing:
paper or paper-no-ikala as there (DSD100, MedleyDB, CCMixter, iKala), or a JSON file. Without one a tenth is for
validation, and unpaired recordings come from folders of their own. A run ends at the first epoch that does not lower
the loss on the validation tracks.

\b
Examples:
  advsep-train paper DSD100/ MedleyDB/ ccmixter/ iKala/ --partition paper \\
    --out runs/semi
  advsep-train paper DSD100/ MedleyDB/ ccmixter/ iKala/ --partition paper \\
    --mode supervised --out runs/baseline
  advsep-train paper --evaluate runs/semi DSD100/ MedleyDB/ ccmixter/ iKala/
  advsep-train paper music/ --mixtures songs/ --voices solos/ \\
    --accompaniments bands/ --out runs/mine
  advsep-train paper music/ --mode supervised --set batch_examples=4 \\
    --set epoch_steps=100 --set validation_seconds=20 --out runs/small
  advsep-train paper --print-config > my.toml   every setting

\b
The run folder receives config.toml, run.json, log.jsonl as advsep-train's and
  last.ckpt       to go on from with --resume, as if nothing had happened
  best.ckpt       of the lowest validation loss; what --evaluate takes
  partition.json  where one was used

Exit codes: 0 done, 2 a bad input or option, 130 stopped with Ctrl-C.
"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=HELP)
def paper(
    data: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders of tracks; data sets as they are published; CSV manifests.", show_default=False),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; needed to train.", show_default=False)] = None,
    mode: Annotated[
        str | None, typer.Option(help="semi (the default) or supervised, the paper's baseline.", show_default=False)
    ] = None,
    partition: Annotated[
        str | None,
        typer.Option(help="paper, paper-no-ikala, or JSON: train, valid, test, unpaired.", show_default=False),
    ] = None,
    mixtures: Annotated[
        list[Path] | None, typer.Option(help="Folder of songs, for the critics.", show_default=False)
    ] = None,
    voices: Annotated[
        list[Path] | None, typer.Option(help="Folder of solo voices, for the critics.", show_default=False)
    ] = None,
    accompaniments: Annotated[
        list[Path] | None, typer.Option(help="Folder of music without voices, for the critics.", show_default=False)
    ] = None,
    preset: Annotated[
        Path | None, typer.Option(help="A .toml file instead of the paper's settings.", show_default=False)
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="One setting, as --print-config shows.", show_default=False),
    ] = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print every setting as TOML and exit; needs no data.")
    ] = False,
    steps: Annotated[
        int | None, typer.Option(min=1, help="At most so many; default: until it ends itself.", show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of all that is random; default: 0.", show_default=False)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from last.ckpt in the run folder.")] = False,
    evaluate: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Score a run on DATA: of its partition the test share.", show_default=False),
    ] = None,
    as_csv: Annotated[
        Path | None, typer.Option("--csv", help="With --evaluate: write all numbers.", show_default=False)
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder for decoded audio; default: the user's cache.", show_default=False)
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads for the network; default: all.", show_default=False)
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that make examples, of each kind.")] = 1,
) -> None:
    """See HELP, which typer shows."""
    require_training_extra()
    import torch

    from ..memory import keep_freed_memory

    keep_freed_memory()
    if threads is not None:
        torch.set_num_threads(threads)
    folder = _cache_folder(cache)
    if evaluate is not None:
        if out is not None or resume:
            raise AdvsepError("--evaluate trains nothing; leave --out and --resume away")
        from .scoring import score_run

        score_run(evaluate, _needed(data), partition, folder, as_csv)
        return
    if as_csv is not None:
        raise AdvsepError("--csv needs --evaluate RUN, whose scores it writes")
    if resume and out is None:
        raise AdvsepError("--resume needs --out RUN, the folder of the run to go on with")
    overrides = _overrides({"mode": mode, "steps": steps, "seed": seed}, settings or [])
    config, start = _configured(preset, overrides, out if resume else None)
    if print_config:
        from ..config import config_toml

        print(config_toml(config), end="")
        return
    given = _needed(data)
    if out is None:
        raise AdvsepError("give --out RUN, the folder to write to, as in advsep-train paper music/ --out runs/mine")
    _check_there_is_work(start, config, out)
    from .training import UnpairedFolders, train_run

    folders = UnpairedFolders(mixtures or [], voices or [], accompaniments or [])
    train_run(config, start, given, partition, folders, out, folder, workers)


def _needed(data: list[Path] | None) -> list[Path]:
    if not data:
        raise AdvsepError("give DATA, the folders with tracks, as in advsep-train paper music/ --out runs/mine")
    return data


def _cache_folder(cache: Path | None) -> Path:
    import platformdirs

    return cache or Path(platformdirs.user_cache_dir("advsep")) / "decoded"


def _overrides(options: dict[str, Any], settings: list[str]) -> list[Override]:
    """What was said on the command line, typed; `options` by the key that each sets."""
    from ..overrides import parse_override, typed_override
    from .config import PaperConfig

    given = {key: value for key, value in options.items() if value is not None}
    typed = [parse_override(PaperConfig, text) for text in settings]
    for each in typed:
        if each.key in given:
            raise AdvsepError(f"--{each.key} {given[each.key]} and {each.label} are one setting; give one of them")
    return [typed_override(PaperConfig, key, value, f"--{key} {value}") for key, value in given.items()] + typed


def _configured(
    preset: Path | None, overrides: list[Override], resumed: Path | None
) -> tuple[PaperConfig, PaperCheckpoint | None]:
    """The run's configuration, and the checkpoint to go on from."""
    from ..overrides import overridden
    from .checkpoint import LAST_FILE, load_paper_checkpoint
    from .config import load_paper_config, resumed_paper_config

    if resumed is None:
        return overridden(load_paper_config(preset), overrides), None
    if preset is not None:
        raise AdvsepError(f"--preset {preset}: a resumed run keeps its settings; change steps with --steps")
    start = load_paper_checkpoint(resumed / LAST_FILE)
    return resumed_paper_config(start.config, overrides), start


def _check_there_is_work(start: PaperCheckpoint | None, config: PaperConfig, out: Path) -> None:
    from .checkpoint import LAST_FILE

    last = out / LAST_FILE
    if start is None:
        if last.exists():
            raise AdvsepError(f"{out}: a run is there already; go on with --resume, or choose another --out")
    elif start.worse_epochs >= config.patience_epochs:
        raise AdvsepError(
            f"{last}: validation ended the run at step {start.step}; ask for more with --set "
            f"patience_epochs={start.worse_epochs + 1}"
        )
    elif start.step >= config.steps and start.validated_step == start.step:
        raise AdvsepError(f"{last}: step {start.step} of {config.steps} is done already; ask for more with --steps")


def main() -> None:
    """Entry point of `advsep-train paper`, with or without the command's name as the first argument."""
    if sys.argv[1:2] == [COMMAND]:
        del sys.argv[1]
    run_program(f"advsep-train {COMMAND}", app)
