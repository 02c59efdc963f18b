"""Scores of many tracks as CSV, as Markdown and on the screen."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table
from rich.text import Text

from ..realtime.errors import AdvsepError
from ..realtime.whole_file import whole_file
from .metrics import METRICS, STEM_NAMES, Metrics

MODEL, MIXTURE, ORACLE = "model", "mixture", "oracle"
SIGNALS = (MODEL, MIXTURE, ORACLE)
ALL_CORPORA = "all"
_KEYS = ("model", "corpus", "track", "stem", "signal")
_COLUMNS = (*_KEYS, *METRICS.values())


@dataclass(frozen=True, slots=True)
class StemScore:
    """What was measured of one stem of one track.

    Attributes:
        model: its name.
        corpus: the folder of the track.
        track: its name.
        stem: `vocals` or `accompaniment`.
        signal: whose sound it is: `model`, `mixture` (nothing was done) or `oracle` (ideal masks of the same bands).
        metrics: in dB.
    """

    model: str
    corpus: str
    track: str
    stem: str
    signal: str
    metrics: Metrics

    def value(self, metric: str) -> float:
        """A metric by its name in `METRICS`, in dB; nan where there is none."""
        return getattr(self.metrics, METRICS[metric])


@dataclass(frozen=True, slots=True)
class Summary:
    """Of some tracks, in dB: `mad` is the median distance from the median. nan where `count` is 0."""

    mean: float
    median: float
    mad: float
    count: int


@dataclass(frozen=True, slots=True)
class Grid:
    """A table, before anyone decides how it looks."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def summarise(values: Sequence[float]) -> Summary:
    """What is finite of `values`."""
    there = [value for value in values if math.isfinite(value)]
    if not there:
        return Summary(math.nan, math.nan, math.nan, 0)
    median = statistics.median(there)
    mad = statistics.median([abs(value - median) for value in there])
    return Summary(statistics.fmean(there), median, mad, len(there))


def chosen_values(scores: Sequence[StemScore], metric: str, stem: str, signal: str, corpus: str) -> list[float]:
    """One value a track of a corpus, or of `ALL_CORPORA`."""
    return [
        score.value(metric)
        for score in scores
        if (score.stem, score.signal) == (stem, signal) and corpus in (score.corpus, ALL_CORPORA)
    ]


def corpora_of(scores: Sequence[StemScore]) -> list[str]:
    """Sorted, and `ALL_CORPORA` behind them where there are several."""
    corpora = sorted({score.corpus for score in scores})
    return [*corpora, ALL_CORPORA] if len(corpora) > 1 else corpora


def summary_grid(scores: Sequence[StemScore]) -> Grid:
    """A row a corpus, stem and metric that was measured there: the model's spread, the floor and the ceiling."""
    rows: list[tuple[str, ...]] = []
    for corpus in corpora_of(scores):
        for stem in STEM_NAMES:
            for metric in METRICS:
                of = {each: summarise(chosen_values(scores, metric, stem, each, corpus)) for each in SIGNALS}
                ours = of[MODEL]
                if ours.count:
                    numbers = (of[MIXTURE].mean, ours.mean, ours.median, ours.mad, of[ORACLE].mean)
                    rows.append((corpus, stem, metric, *map(_number, numbers), str(ours.count)))
    columns = ("corpus", "stem", "metric", "mixture", "mean", "median", "MAD", "ceiling", "N")
    return Grid("dB; leak: less is better, of stems that are silent", columns, tuple(rows))


def track_grid(scores: Sequence[StemScore]) -> Grid:
    """A row a track and stem with all that was measured of the model's estimate; the mixture's SDR beside it."""
    floor = {(s.corpus, s.track, s.stem): s.value("sdr") for s in scores if s.signal == MIXTURE}
    ours = [score for score in scores if score.signal == MODEL]
    metrics = [metric for metric in METRICS if any(math.isfinite(score.value(metric)) for score in ours)]
    rows = [
        (
            f"{score.corpus} / {score.track}",
            score.stem,
            _number(floor.get((score.corpus, score.track, score.stem), math.nan)),
            *(_number(score.value(metric)) for metric in metrics),
        )
        for score in ours
    ]
    return Grid("Each track, dB", ("track", "stem", "mixture sdr", *metrics), tuple(rows))


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "–"


def as_markdown(grid: Grid) -> str:
    """A heading and a table."""
    lines = [f"## {grid.title}", "", _line(grid.columns), "|" + "---|" * len(grid.columns)]
    return "\n".join(lines + [_line(row) for row in grid.rows]) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def as_rich(grid: Grid) -> Table:
    """For the screen; numbers to the right."""
    table = Table(title=Text(grid.title), title_justify="left")
    for column in grid.columns:
        words = column in ("corpus", "stem", "metric", "track")
        table.add_column(Text(column), justify="left" if words else "right", no_wrap=not words)
    for row in grid.rows:
        table.add_row(*map(Text, row))  # a name in brackets would be taken for markup
    return table


def as_csv(scores: Sequence[StemScore]) -> str:
    """A line a track, stem and signal; an empty cell where there is no such number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for score in scores:
        values = dataclasses.astuple(score.metrics)
        keys = (score.model, score.corpus, score.track, score.stem, score.signal)
        writer.writerow([*keys, *(repr(value) if math.isfinite(value) else "" for value in values)])
    return text.getvalue()


def plain_stem_score(score: StemScore) -> dict[str, str | float | None]:
    """For JSON, which knows no nan: None stands for what there is not."""
    keys: dict[str, str | float | None] = {key: getattr(score, key) for key in _KEYS}
    values = ((name, getattr(score.metrics, name)) for name in METRICS.values())
    return keys | {name: value if math.isfinite(value) else None for name, value in values}


def read_csv(path: Path) -> list[StemScore]:
    """Scores that `as_csv` wrote.

    Raises:
        AdvsepError: the file cannot be read, or is no such table.
    """
    try:
        lines = list(csv.reader(io.StringIO(path.read_text("utf-8"))))
    except OSError as error:
        raise AdvsepError(f"{path}: cannot be read: {error.strerror}; give a file of advsep-eval --csv") from None
    except (UnicodeDecodeError, csv.Error):
        raise AdvsepError(f"{path}: expected a table of advsep-eval --csv, found no CSV; give such a file") from None
    if not lines or tuple(lines[0]) != _COLUMNS:
        found = ",".join(lines[0])[:60] if lines else "nothing"
        raise AdvsepError(
            f"{path}: expected the columns of advsep-eval --csv ({','.join(_COLUMNS)[:40]}…), found {found}; "
            "write it again with this advsep"
        )
    if len(lines) == 1:
        raise AdvsepError(f"{path}: expected scores of tracks, found none; evaluate a model first")
    return [_score(path, number, cells) for number, cells in enumerate(lines[1:], 2)]


def _score(path: Path, number: int, cells: list[str]) -> StemScore:
    keys, values = cells[: len(_KEYS)], cells[len(_KEYS) :]
    try:
        if len(cells) != len(_COLUMNS) or keys[3] not in STEM_NAMES or keys[4] not in SIGNALS:
            raise ValueError
        metrics = Metrics(*(float(value) if value else math.nan for value in values))
    except ValueError:
        raise AdvsepError(
            f"{path}: line {number}: expected {len(_COLUMNS)} cells, five of them names and the rest dB or empty, "
            f"found {','.join(cells)[:60]}; write the file again"
        ) from None
    return StemScore(keys[0], keys[1], keys[2], keys[3], keys[4], metrics)


def check_place(path: Path) -> None:
    """Before hours of work: whether a result can be written there.

    Raises:
        AdvsepError: its folder is missing, or it is a folder.
    """
    if path.is_dir():
        raise AdvsepError(f"{path}: cannot be written: is a folder; give the name of a file")
    if not path.absolute().parent.is_dir():
        raise AdvsepError(f"{path}: cannot be written: no such folder; make {path.parent} first")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: what was there before stays until the new one is complete.

    Raises:
        AdvsepError: it cannot be written.
    """
    try:
        with whole_file(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        raise AdvsepError(f"{path}: cannot be written: {error.strerror}; choose another place") from None
