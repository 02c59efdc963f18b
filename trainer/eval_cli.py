"""`advsep-eval`: how well a model file separates tracks whose stems are known."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..realtime.errors import AdvsepError
from ..realtime.exits import run_program
from .eval_tracks import TrackChoice
from .extra import require_training_extra

if TYPE_CHECKING:
    from .report import StemScore
    from .tracks import TrackFiles

HELP = """Score a model on tracks with known stems, beside the mixture's own score and what ideal masks would reach.

Tracks are separated by the path that plays live. Measured are SDR and SI-SDR of the whole song, museval v4 (median
of 1 s frames) and the paper's whole-track BSS Eval (mono, 8192 Hz); where a stem is silent, how much leaks into it.
Prints tables; where the output is no terminal, one of SDR as Markdown.

DATA is what advsep-train takes: folders that each hold vocals.* and accompaniment.* of one song, data sets as they are
published, CSV manifests. Of sets that come with test tracks only these are evaluated, of others all.

\b
Examples:
  advsep-eval live-12 music/
  advsep-eval live-12 MUSDB18-HQ/ --quick
  advsep-eval my.onnx DSD100/ MedleyDB/ --partition paper.json --part valid
  advsep-eval my.onnx music/ --splits s.json --csv my.csv --figure my.png
  advsep-eval --compare old.csv new.csv
  advsep-eval --compare live-12 my.onnx music/ --metric si-sdr
"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=HELP)
def evaluate(
    model: Annotated[str, typer.Argument(help="A bundled model's name or an .onnx file; with --compare also a CSV.")],
    data: Annotated[
        list[Path],
        typer.Argument(help="Folders of tracks, data sets, CSV manifests; with --compare model B goes before."),
    ],
    compare: Annotated[
        bool, typer.Option("--compare", help="Two models, or two files of --csv: is B better than A, and how sure?")
    ] = False,
    splits: Annotated[
        Path | None, typer.Option(help="JSON that names train, valid and test tracks a corpus.", show_default=False)
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="With --splits: train, valid or test; default: test.", show_default=False)
    ] = None,
    partition: Annotated[
        Path | None,
        typer.Option(help="JSON of advsep-train partition; what it does not name is left out.", show_default=False),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            help="test, valid, train or all: of --partition, or as advsep-train divides DATA; default: test.",
            show_default=False,
        ),
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder for summed stems; default: the user's cache.", show_default=False)
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out BSS Eval, which takes the most time.")] = False,
    metric: Annotated[str, typer.Option(help="What is compared and drawn: sdr, si-sdr, museval, paper, …")] = "sdr",
    by_corpus: Annotated[
        bool, typer.Option("--by-corpus", help="With --compare: resample whole corpora, not tracks.")
    ] = False,
    as_csv: Annotated[
        Path | None, typer.Option("--csv", help="Write all numbers to this file.", show_default=False)
    ] = None,
    as_markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Write all tables to this file.", show_default=False)
    ] = None,
    as_figure: Annotated[
        Path | None, typer.Option("--figure", help="Draw bars a corpus into this PNG.", show_default=False)
    ] = None,
    as_json: Annotated[
        Path | None, typer.Option("--json", help="Write the scores to this file.", show_default=False)
    ] = None,
) -> None:
    """See HELP, which typer shows."""
    require_training_extra()
    from .metrics import METRICS

    if metric not in METRICS:
        raise AdvsepError(f"--metric {metric}: expected one of {', '.join(METRICS)}")
    if quick and metric.startswith(("museval", "paper")):
        raise AdvsepError(f"--quick leaves out what --metric {metric} needs; give one of them only")
    if compare and (as_csv is not None or as_json is not None):
        raise AdvsepError("--compare writes no --csv and no --json; evaluate each model by itself first")
    if by_corpus and not compare:
        raise AdvsepError("--by-corpus needs --compare, whose interval it is about")
    wanted = Wanted(metric, quick, as_csv, as_markdown, as_figure, as_json)
    wanted.check()
    choice = TrackChoice(data[1:] if compare else data, splits, split, partition, part, cache)
    choice.check()
    find = functools.cache(choice.find)  # two models, one answer
    if compare:
        _compare(model, str(data[0]), find, wanted, by_corpus=by_corpus)
    else:
        scores = _evaluated(model, find, quick=quick)
        _show(scores)
        _write(scores, wanted)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be measured, and where it goes."""

    metric: str
    quick: bool
    csv: Path | None
    markdown: Path | None
    figure: Path | None
    json: Path | None

    def check(self) -> None:
        """Raises AdvsepError where something could not be written, before hours of work."""
        from .report import check_place

        for place in filter(None, (self.csv, self.markdown, self.figure, self.json)):
            check_place(place)
        if self.figure is not None:
            from .figure import require_figure_extra

            require_figure_extra()


def _evaluated(name: str, find: Callable[[], list[TrackFiles]], *, quick: bool) -> list[StemScore]:
    """Scores of one model, with a progress bar."""
    from rich.console import Console
    from rich.progress import track

    from ..realtime.model import ModelSession
    from ..realtime.registry import find_model
    from ..realtime.stems import HOPS_AT_ONCE
    from .evaluation import evaluate_track

    session = ModelSession(find_model(name), HOPS_AT_ONCE)
    chosen = find()
    _check_names(chosen)
    bar = track(chosen, f"separating with {session.spec.name}", console=Console(stderr=True))
    return [score for files in bar for score in evaluate_track(session, files, bss=not quick)]


def _check_names(chosen: list[TrackFiles]) -> None:
    """Results name a track by its corpus and its name: two of one name would be one."""
    seen: dict[tuple[str, str], Path] = {}
    for files in chosen:
        folder = files.vocals.parent
        before = seen.setdefault((files.corpus, files.name), folder)
        if before != folder:
            raise AdvsepError(
                f"{folder}: expected another name than that of {before}, found '{files.corpus} / {files.name}' for "
                "both; rename one or evaluate them apart"
            )


def _show(scores: list[StemScore]) -> None:
    """Everything where someone looks; where not, the Markdown table of SDR."""
    from rich.console import Console

    from .evaluation import markdown_table, track_scores
    from .report import as_rich, summary_grid, track_grid

    if not sys.stdout.isatty():
        print(markdown_table(track_scores(scores)))
        return
    console = Console()
    for grid in (track_grid(scores), summary_grid(scores)):
        console.print(as_rich(grid))


def _write(scores: list[StemScore], wanted: Wanted) -> None:
    from .evaluation import track_scores
    from .report import as_csv, as_markdown, plain_stem_score, summary_grid, track_grid, write_whole
    from .validation import plain_score

    name = scores[0].model
    if wanted.csv is not None:
        write_whole(wanted.csv, as_csv(scores).encode())
    if wanted.json is not None:
        plain = {"model": name, "scores": [plain_score(s) for s in track_scores(scores)]}
        text = json.dumps({**plain, "stems": [plain_stem_score(s) for s in scores]}, indent=1, allow_nan=False)
        write_whole(wanted.json, f"{text}\n".encode())
    if wanted.markdown is not None:
        tables = [f"# {name}\n", as_markdown(summary_grid(scores)), as_markdown(track_grid(scores))]
        write_whole(wanted.markdown, "\n".join(tables).encode())
    _write_figure([(name, scores)], wanted)


def _write_figure(results: list[tuple[str, Sequence[StemScore]]], wanted: Wanted) -> None:
    from .report import write_whole

    if wanted.figure is not None:
        from .figure import draw_figure

        write_whole(wanted.figure, draw_figure(results, wanted.metric))


def _compare(first: str, second: str, find: Callable[[], list[TrackFiles]], wanted: Wanted, *, by_corpus: bool) -> None:
    """Say how much better the second model is: each is a file of `--csv`, or a model to evaluate."""
    from rich.console import Console

    from .bootstrap import compare_scores, comparison_grid
    from .report import as_markdown, as_rich, read_csv, write_whole

    results: list[Sequence[StemScore]] = [
        read_csv(Path(name)) if Path(name).suffix.lower() == ".csv" else _evaluated(name, find, quick=wanted.quick)
        for name in (first, second)
    ]
    short = (Path(first).stem, Path(second).stem)
    titles = short if short[0] != short[1] else (first, second)
    compared = compare_scores(results[0], results[1], titles, wanted.metric, by_corpus=by_corpus)
    grid = comparison_grid(compared, titles, wanted.metric)
    told = "\n".join(each.told for each in compared)
    if sys.stdout.isatty():
        Console().print(as_rich(grid))
        print(told)
    else:
        print(f"{as_markdown(grid)}\n{told}")
    if wanted.markdown is not None:
        write_whole(wanted.markdown, f"{as_markdown(grid)}\n{told}\n".encode())
    _write_figure(list(zip(titles, results, strict=True)), wanted)


def main() -> None:
    """Entry point of `advsep-eval`."""
    run_program("advsep-eval", app)
