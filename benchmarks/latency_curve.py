"""Quality against latency of one family of models, beside what ideal masks of the same windows and bands reach.

    python benchmarks/latency_curve.py DATA [--models live-12 studio] --csv benchmarks/latency_curve.csv \
        --figure docs/latency.png
    python benchmarks/latency_curve.py --from-csv benchmarks/latency_curve.csv --figure docs/latency.png
    python benchmarks/latency_curve.py DATA --models live-6 --from-csv FILE --csv FILE   measures one of them anew

Every test track of DATA/paired (DATA/splits.json), whole, through the path that plays live. Prints a Markdown table;
writes every score as `advsep-eval --csv` does. The figure needs the extra `eval`.
"""

from __future__ import annotations

import argparse
import io
import math
import sys
from pathlib import Path

from advsep.realtime.model import ModelSession, read_model_spec
from advsep.realtime.registry import find_model, model_names
from advsep.realtime.stems import HOPS_AT_ONCE
from advsep.trainer.eval_tracks import TrackChoice
from advsep.trainer.evaluation import evaluate_track
from advsep.trainer.figure import COLOURS
from advsep.trainer.metrics import STEM_NAMES
from advsep.trainer.report import (
    ALL_CORPORA,
    MIXTURE,
    MODEL,
    ORACLE,
    StemScore,
    as_csv,
    chosen_values,
    corpora_of,
    read_csv,
    summarise,
    write_whole,
)
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def latency_ms(name: str) -> float:
    """Of a model, at its own rate."""
    spec = read_model_spec(find_model(name))
    return 1e3 * spec.latency_samples / spec.signal.sample_rate_hz


def measured(names: list[str], data: Path) -> list[StemScore]:
    """Scores of all models on all test tracks."""
    tracks = TrackChoice([data / "paired"], data / "splits.json", "test").find()
    scores: list[StemScore] = []
    for name in names:
        session = ModelSession(find_model(name), HOPS_AT_ONCE)
        for number, files in enumerate(tracks, 1):
            scores += evaluate_track(session, files, bss=False)
            print(f"{name}: {number} of {len(tracks)}", file=sys.stderr)
    return scores


def mean_gain_db(scores: list[StemScore], name: str, stem: str, signal: str, corpus: str) -> float:
    """SDR over that of the mixture, mean of tracks."""
    of_model = [score for score in scores if score.model == name]
    pairs = zip(*(chosen_values(of_model, "sdr", stem, each, corpus) for each in (signal, MIXTURE)), strict=True)
    return summarise([ours - floor for ours, floor in pairs if math.isfinite(floor)]).mean


def table(scores: list[StemScore], names: list[str]) -> str:
    """A row a model."""
    corpora = corpora_of(scores)
    lines = ["| model | latency, ms | stem | " + " | ".join(f"{each} (ceiling)" for each in corpora) + " |"]
    lines.append("|" + "---|" * (3 + len(corpora)))
    for name in names:
        for stem in STEM_NAMES:
            ours, ideal = (
                [mean_gain_db(scores, name, stem, each, corpus) for corpus in corpora] for each in (MODEL, ORACLE)
            )
            cells = " | ".join(f"{a:+.2f} ({b:+.1f})" for a, b in zip(ours, ideal, strict=True))
            lines.append(f"| {name} | {latency_ms(name):.1f} | {stem} | {cells} |")
    return "\n".join(lines)


def drawn(scores: list[StemScore], names: list[str]) -> bytes:
    """PNG: a panel a stem, gain over latency, a line a corpus and one of all tracks; ideal masks dotted."""
    figure = Figure(figsize=(10.0, 5.2), dpi=150, layout="constrained")
    panels = figure.subplots(1, len(STEM_NAMES), sharey=True)
    places = [latency_ms(name) for name in names]
    corpora = corpora_of(scores)
    for axes, stem in zip(panels, STEM_NAMES, strict=True):
        for number, corpus in enumerate(corpora):
            bold = corpus == ALL_CORPORA
            style = {
                "color": "black" if bold else COLOURS[1 + number],
                "linewidth": 2.2 if bold else 1.2,
                "marker": "o",
            }
            label = "all tracks" if bold else corpus
            ours, ideal = (
                [mean_gain_db(scores, name, stem, each, corpus) for name in names] for each in (MODEL, ORACLE)
            )
            axes.plot(places, ours, label=label, **style)
            axes.plot(places, ideal, linestyle=":", alpha=0.8, **(style | {"marker": "."}))
        axes.set_xscale("log")
        axes.set_xticks(places, [f"{name}\n{ms:.0f} ms" for name, ms in zip(names, places, strict=True)], fontsize=8)
        axes.minorticks_off()
        axes.set_xlabel("latency")
        axes.set_title(stem)
        axes.grid(axis="y", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("SDR gain over the mixture, dB\n(dotted: ideal masks)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    picture = io.BytesIO()
    FigureCanvasAgg(figure).print_png(picture, metadata={"Software": None})
    return picture.getvalue()


def main() -> None:
    """Measure or read, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--models", nargs="+", help="bundled models or .onnx files; default: all that are bundled")
    parser.add_argument("--from-csv", type=Path, help="what was measured before, of other models")
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--figure", type=Path)
    asked = parser.parse_args()
    if asked.data is None and asked.from_csv is None:
        parser.error("give DATA or --from-csv FILE")
    scores = measured(asked.models or model_names(), asked.data) if asked.data else []
    anew = {score.model for score in scores}
    if asked.from_csv:
        scores += [score for score in read_csv(asked.from_csv) if score.model not in anew]
    latency = {name: latency_ms(name) for name in {score.model for score in scores}}
    scores.sort(key=lambda score: latency[score.model])
    names = sorted(latency, key=lambda name: latency[name])
    print(table(scores, names))
    if asked.csv:
        write_whole(asked.csv, as_csv(scores).encode())
    if asked.figure:
        write_whole(asked.figure, drawn(scores, names))


if __name__ == "__main__":
    main()
