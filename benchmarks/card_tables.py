"""Writes the table under "Measured" of each bundled model's card from what `latency_curve.py` measured.

python benchmarks/latency_curve.py DATA --csv benchmarks/latency_curve.csv
python benchmarks/card_tables.py
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from statistics import fmean

from advsep.realtime.registry import find_model, model_names
from advsep.trainer.report import StemScore, read_csv

SCORES = Path(__file__).with_name("latency_curve.csv")
HEAD = "| track | vocals | gain | accompaniment | gain |\n|---|---|---|---|---|\n"

Scores = dict[tuple[str, str, str, str], float]
"""SDR in dB by corpus, track, stem and what was scored."""


def scores_of(model: str, measured: list[StemScore]) -> Scores:
    """Of one model."""
    of_it = [each for each in measured if each.model == model]
    return {(each.corpus, each.track, each.stem, each.signal): each.metrics.sdr_db for each in of_it}


def line(title: str, scores: Scores, tracks: Iterable[tuple[str, str]]) -> str:
    """A row of the table: means over the tracks."""
    cells = [title]
    for stem in ("vocals", "accompaniment"):
        got, had = (
            fmean(scores[corpus, track, stem, signal] for corpus, track in tracks) for signal in ("model", "mixture")
        )
        cells += [f"{got:.2f} ({had:.2f})", f"{got - had:+.2f}"]
    return f"| {' | '.join(cells)} |\n"


def table(scores: Scores) -> str:
    """All tracks, then the mean of each corpus."""
    tracks = sorted({(corpus, track) for corpus, track, _, _ in scores})
    rows = [line(f"{corpus} / {track}", scores, [(corpus, track)]) for corpus, track in tracks]
    for corpus in sorted({corpus for corpus, _ in tracks}):
        of_it = [each for each in tracks if each[0] == corpus]
        rows.append(line(f"**{corpus}**, mean of {len(of_it)}", scores, of_it))
    return HEAD + "".join(rows)


def main() -> None:
    """Every bundled model that was measured."""
    measured = read_csv(SCORES)
    for name in model_names():
        card = find_model(name).with_suffix(".md")
        text, scores = card.read_text(), scores_of(name, measured)
        if scores and HEAD in text:
            before, after = text.split(HEAD)
            card.write_text(before + table(scores) + "\n" + after.split("\n\n", 1)[1])
            print(f"{card}: {len(scores)} scores")


if __name__ == "__main__":
    main()
