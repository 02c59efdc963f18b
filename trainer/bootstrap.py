"""How sure a difference between two separators is: a paired bootstrap over tracks, or over whole corpora."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ..realtime.errors import AdvsepError
from .metrics import LESS_IS_BETTER, STEM_NAMES
from .report import MODEL, Grid, StemScore

RESAMPLES = 10_000
FEWEST = 5  # of n, even the range from the least to the greatest covers no more than 1 - 2^(1 - n)


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean difference in dB, where it may lie, and of how many tracks it is.

    `low_db` and `high_db` are nan where there are fewer than `FEWEST` tracks (or corpora): they say too little of
    others.
    """

    mean_db: float
    low_db: float
    high_db: float
    tracks: int
    clusters: int | None = None


def paired_interval(
    differences_db: Sequence[float],
    clusters: Sequence[str] | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """Mean of paired differences and its bootstrap interval.

    Percentiles of means of resampled tracks, taken a little further out than `confidence` says, since few
    tracks vary less among themselves than those they stand for (Hesterberg 2015, expanded percentile interval).

    Args:
        differences_db: B minus A, one a track, finite.
        clusters: the corpus of each track. Then whole corpora are resampled: their tracks resemble each other, and
            what holds for other corpora is the question.
        resamples: how many.
        seed: the same seed gives the same interval.
        confidence: 0 to 1.

    Raises:
        ValueError: no difference, one that is not finite, or not one cluster a difference.
    """
    values = np.asarray(differences_db, np.float64)
    if len(values) == 0 or not np.isfinite(values).all():
        raise ValueError(f"expected finite differences, got {differences_db!r:.60}")
    names = [str(i) for i in range(len(values))] if clusters is None else list(clusters)
    if len(names) != len(values):
        raise ValueError(f"expected one cluster a difference, got {len(names)} for {len(values)}")
    units = sorted(set(names))
    of_unit = [np.array([v for v, n in zip(values, names, strict=True) if n == unit]) for unit in units]
    mean, told = float(values.mean()), None if clusters is None else len(units)
    if len(units) < FEWEST:
        return Interval(mean, math.nan, math.nan, len(values), told)
    means = _resampled_means(of_unit, resamples, seed)
    tail = expanded_tail(len(units), confidence)
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(mean, float(low), float(high), len(values), told)


def _resampled_means(of_unit: list[NDArray[np.float64]], resamples: int, seed: int) -> NDArray[np.float64]:
    sums, counts = np.array([u.sum() for u in of_unit]), np.array([len(u) for u in of_unit])
    drawn = np.random.default_rng(seed).integers(0, len(of_unit), (resamples, len(of_unit)))
    return sums[drawn].sum(1) / counts[drawn].sum(1)


def expanded_tail(units: int, confidence: float = 0.95) -> float:
    """Probability beyond each end of an expanded percentile interval of so many units, at least `FEWEST`.

    Phi(-sqrt(n / (n - 1)) t) with Student's t of n - 1 degrees of freedom.
    """
    return NormalDist().cdf(-math.sqrt(units / (units - 1)) * _student_quantile(0.5 + confidence / 2, units - 1))


def _student_quantile(probability: float, degrees: int) -> float:
    """Student's t by its expansion about the normal quantile (Abramowitz and Stegun 26.7.5)."""
    z = NormalDist().inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / degrees**power for power, term in enumerate(terms, 1))


def sentence(interval: Interval, before: str, after: str) -> str:
    """The comparison in words: "B is 0.42 dB better (95 %: 0.1 to 0.7), 15 tracks"."""
    sign = 1.0 if interval.mean_db >= 0 else -1.0
    word = "better" if sign > 0 else "worse"
    ends = sorted(sign * end for end in (interval.low_db, interval.high_db))
    tracks = f"{interval.tracks} track{'s' if interval.tracks != 1 else ''}"
    if interval.clusters is not None:
        tracks += f" of {interval.clusters} corp{'ora' if interval.clusters != 1 else 'us'}"
    if math.isnan(ends[0]):
        return f"{after} is {abs(interval.mean_db):.2f} dB {word} than {before}, {tracks}: too few for an interval"
    unclear = "" if ends[0] > 0 else "; no clear difference"
    return (
        f"{after} is {abs(interval.mean_db):.2f} dB {word} than {before} "
        f"(95 %: {ends[0]:.2f} to {ends[1]:.2f}), {tracks}{unclear}"
    )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on one stem.

    Attributes:
        stem: which.
        rows: corpus, track, A and B in dB; tracks where either has no such score are left out.
        interval: of the gain; None where there is no row.
        told: the result in a sentence.
    """

    stem: str
    rows: tuple[tuple[str, str, float, float], ...]
    interval: Interval | None
    told: str


def compare_scores(
    first: Sequence[StemScore],
    second: Sequence[StemScore],
    titles: tuple[str, str],
    metric: str,
    *,
    by_corpus: bool = False,
) -> list[Comparison]:
    """How much better the second model is than the first, for each stem.

    Args:
        first: scores of A.
        second: scores of B, on the same tracks.
        titles: what to call A and B.
        metric: a name of `METRICS`.
        by_corpus: whether to resample whole corpora.

    Raises:
        AdvsepError: they are of different tracks, or no track has the metric.
    """
    a, b = (_by_track(scores, metric, title) for scores, title in zip((first, second), titles, strict=True))
    if a.keys() != b.keys():
        gaps = sorted(a.keys() ^ b.keys())
        where = titles[0] if gaps[0] in a else titles[1]
        raise AdvsepError(
            f"{titles[0]} and {titles[1]}: expected scores of the same tracks, found {len(gaps)} stems in one only, "
            f"as '{' / '.join(gaps[0])}' in {where}; evaluate both on the same folders"
        )
    compared: list[Comparison] = []
    for stem in STEM_NAMES:
        rows = tuple(
            (corpus, track, a[key], b[key])
            for key in a
            for corpus, track, of_stem in [key]
            if of_stem == stem and math.isfinite(a[key]) and math.isfinite(b[key])
        )
        compared.append(_compared(stem, rows, titles, metric, by_corpus=by_corpus))
    if not any(each.rows for each in compared):
        raise AdvsepError(f"{titles[0]} and {titles[1]}: no track has the metric {metric} in both; choose another")
    return compared


def _by_track(scores: Sequence[StemScore], metric: str, title: str) -> dict[tuple[str, str, str], float]:
    values: dict[tuple[str, str, str], float] = {}
    for score in scores:
        key = (score.corpus, score.track, score.stem)
        if score.signal != MODEL:
            continue
        if key in values:
            raise AdvsepError(f"{title}: expected one line a track and stem, found '{' / '.join(key)}' twice")
        values[key] = score.value(metric)
    return values


def _compared(
    stem: str,
    rows: tuple[tuple[str, str, float, float], ...],
    titles: tuple[str, str],
    metric: str,
    *,
    by_corpus: bool,
) -> Comparison:
    if not rows:
        return Comparison(stem, rows, None, f"{stem}, {metric}: no track has it")
    gains = [_gain_db(metric, a, b) for _, _, a, b in rows]
    interval = paired_interval(gains, [corpus for corpus, *_ in rows] if by_corpus else None)
    return Comparison(stem, rows, interval, f"{stem}, {metric}: {sentence(interval, *titles)}")


def _gain_db(metric: str, a: float, b: float) -> float:
    return a - b if metric in LESS_IS_BETTER else b - a


def comparison_grid(compared: Sequence[Comparison], titles: tuple[str, str], metric: str) -> Grid:
    """A row a track and stem; the gain is above 0 where B is better."""
    rows = [
        (f"{corpus} / {track}", each.stem, f"{a:.2f}", f"{b:.2f}", f"{_gain_db(metric, a, b):+.2f}")
        for each in compared
        for corpus, track, a, b in each.rows
    ]
    return Grid(f"{metric}, dB", ("track", "stem", *titles, "gain"), tuple(rows))
