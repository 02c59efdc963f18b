"""The paper's figure: bars a data set, doing nothing and a baseline beside ours."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..realtime.errors import AdvsepError
from ..realtime.extras import require_extra
from .bootstrap import paired_interval
from .metrics import METRICS, STEM_NAMES
from .report import ALL_CORPORA, MIXTURE, MODEL, ORACLE, StemScore, chosen_values, corpora_of, summarise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#b8b8b8", "#4477aa", "#cc6677", "#228833", "#ccbb44", "#aa3377")  # Paul Tol's bright ones, and grey
WIDTH_INCHES_PER_CORPUS = 2.2


def require_figure_extra() -> None:
    """Return if matplotlib is installed.

    Raises:
        AdvsepError: it is not; the message says how to install it.
    """
    require_extra("a figure needs the evaluation extra", "eval", "matplotlib")


def draw_figure(results: Sequence[tuple[str, Sequence[StemScore]]], metric: str = "sdr") -> bytes:
    """Mean of a metric a corpus, for both stems, as PNG.

    The first bar of each corpus is the mixture's own score; one follows for each result, with its 95 % bootstrap
    interval where there are several tracks. A short line above shows what ideal masks reach, of the first result
    that has it. Silent references are left out.

    Args:
        results: what to call a model, and its scores; the baseline first.
        metric: a name of `METRICS`.

    Raises:
        AdvsepError: no track has such a score, or matplotlib is missing.
    """
    require_figure_extra()
    scores = [score for _, of_model in results for score in of_model]
    if not any(math.isfinite(s.value(metric)) for s in scores if s.signal == MODEL):
        raise AdvsepError(f"no track has the metric {metric}; measure it (without --quick) or choose another --metric")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    corpora = corpora_of(scores)
    size_inches = (max(6.0, 1.5 + WIDTH_INCHES_PER_CORPUS * len(corpora)), 6.4)
    figure = Figure(figsize=size_inches, dpi=150, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes: list[Axes] = list(figure.subplots(len(STEM_NAMES), 1, sharex=True))
    for each, stem in zip(axes, STEM_NAMES, strict=True):
        _draw_stem(each, results, metric, stem, corpora)
    axes[-1].set_xticks(range(len(corpora)), [_label(corpus, scores, metric) for corpus in corpora])
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(4, len(labels)), frameon=False)
    picture = io.BytesIO()
    canvas.print_png(picture, metadata={"Software": None})
    return picture.getvalue()


def _draw_stem(
    axes: Axes, results: Sequence[tuple[str, Sequence[StemScore]]], metric: str, stem: str, corpora: list[str]
) -> None:
    bars = [("mixture", results[0][1], MIXTURE), *((name, scores, MODEL) for name, scores in results)]
    width = 0.8 / len(bars)
    for number, (name, scores, signal) in enumerate(bars):
        places = [i - 0.4 + (number + 0.5) * width for i in range(len(corpora))]
        values = [chosen_values(scores, metric, stem, signal, corpus) for corpus in corpora]
        means = [summarise(each).mean for each in values]
        axes.bar(places, means, 0.92 * width, label=name, color=COLOURS[number % len(COLOURS)])
        for place, each in zip(places, values, strict=True):
            _draw_value(axes, place, each, with_interval=signal == MODEL)
    with_ceiling = next((scores for _, scores in results if any(s.signal == ORACLE for s in scores)), [])
    ceilings = [summarise(chosen_values(with_ceiling, metric, stem, ORACLE, corpus)).mean for corpus in corpora]
    if any(map(math.isfinite, ceilings)):
        starts, ends = ([i + side for i in range(len(corpora))] for side in (-0.4, 0.4))
        axes.hlines(ceilings, starts, ends, colors="black", linestyles="dotted", label="ideal masks")
    axes.axhline(0.0, color="black", linewidth=0.8)
    axes.margins(y=0.12)
    axes.set_ylabel(f"{stem}: {metric.replace('sdr', 'SDR')}, dB" if metric in METRICS else stem)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_value(axes: Axes, place: float, values: list[float], *, with_interval: bool) -> None:
    """The bar's number behind its end, and its interval."""
    there = [value for value in values if math.isfinite(value)]
    if not there:
        return
    found = paired_interval(there)
    up, reach = found.mean_db >= 0, found.mean_db
    if with_interval and math.isfinite(found.low_db):
        axes.vlines(place, found.low_db, found.high_db, colors="black", linewidth=1.2)
        reach = found.high_db if up else found.low_db
    axes.annotate(
        f"{found.mean_db:.1f}",
        (place, reach),
        xytext=(0, 2 if up else -2),
        textcoords="offset points",
        ha="center",
        va="bottom" if up else "top",
        fontsize=8,
    )


def _label(corpus: str, scores: Sequence[StemScore], metric: str) -> str:
    """A corpus and of how many tracks its bars are."""
    tracks = {
        (s.corpus, s.track) for s in scores if corpus in (s.corpus, ALL_CORPORA) and math.isfinite(s.value(metric))
    }
    return f"{corpus}\n{len(tracks)} track{'s' if len(tracks) != 1 else ''}"
