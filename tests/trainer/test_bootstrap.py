"""The interval covers what it says, is paired, and the sentence says what it means."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from advsep.realtime.errors import AdvsepError
from advsep.trainer.bootstrap import (
    Interval,
    compare_scores,
    comparison_grid,
    expanded_tail,
    paired_interval,
    sentence,
)
from advsep.trainer.metrics import Metrics
from advsep.trainer.report import StemScore
from scipy import stats


@pytest.mark.parametrize("tracks", [5, 15])
def test_the_interval_covers_as_often_as_it_says(tracks: int) -> None:
    """Differences of a known mean, drawn 600 times: 95 % ± 4 standard deviations of a count of 600."""
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(600):
        found = paired_interval(rng.normal(0.4, 2.0, tracks).tolist(), resamples=1000)
        hits += found.low_db <= 0.4 <= found.high_db
    assert 0.95 - 0.036 < hits / 600 < 0.95 + 0.036


def test_the_interval_of_clusters_covers_where_that_of_tracks_does_not() -> None:
    """Tracks of a corpus resemble each other: 6 corpora of 10 tracks whose means differ."""
    rng = np.random.default_rng(2)
    names = [f"c{i // 10}" for i in range(60)]
    hits = {True: 0, False: 0}
    for _ in range(300):
        values = (rng.normal(0, 1, 6).repeat(10) + rng.normal(0, 0.5, 60)).tolist()
        for clustered in hits:
            found = paired_interval(values, names if clustered else None, resamples=500)
            hits[clustered] += found.low_db <= 0 <= found.high_db
    assert 0.88 < hits[True] / 300 < 0.99
    assert hits[False] / 300 < 0.7


def test_the_interval_by_a_plain_loop() -> None:
    values = [1.0, -0.5, 2.0, 0.3, 0.9, 4.0]
    rng = np.random.default_rng(7)
    means = sorted(sum(values[i] for i in rng.integers(0, 6, 6)) / 6 for _ in range(4000))
    found = paired_interval(values, resamples=4000, seed=7)
    tail = expanded_tail(6)
    assert found.mean_db == pytest.approx(7.7 / 6)
    # Another order of the same draws, so only nearly the same quantiles.
    assert found.low_db == pytest.approx(means[round(tail * 4000)], abs=0.1)
    assert found.high_db == pytest.approx(means[round((1 - tail) * 4000)], abs=0.1)
    assert (found.tracks, found.clusters) == (6, None)
    assert paired_interval(values, resamples=4000, seed=7) == found
    assert paired_interval(values, resamples=4000, seed=8) != found


def test_clusters_of_unequal_size_weigh_by_their_tracks() -> None:
    """All that five corpora can give, one of them twice as large and alone different: every draw by hand."""
    found = paired_interval([0.0] * 4 + [7.0, 9.0], ["a", "b", "c", "d", "e", "e"], resamples=20000)
    means = sorted(16 * e / (5 + e) for e, n in enumerate((1024, 1280, 640, 160, 20, 1)) for _ in range(n))
    tail = expanded_tail(5)
    assert found.mean_db == pytest.approx(16 / 6)
    assert found.low_db == pytest.approx(means[round(tail * 3125)])
    assert found.high_db == pytest.approx(means[round((1 - tail) * 3125)])
    assert (found.tracks, found.clusters) == (6, 5)


@pytest.mark.parametrize("confidence", [0.9, 0.95])
@pytest.mark.parametrize("units", [5, 6, 16, 400])
def test_the_tail_by_scipy(units: int, confidence: float) -> None:
    student = stats.t.ppf(0.5 + confidence / 2, units - 1)
    wanted = stats.norm.cdf(-math.sqrt(units / (units - 1)) * student)
    assert expanded_tail(units, confidence) == pytest.approx(wanted, rel=0.02)
    assert expanded_tail(100000, confidence) == pytest.approx((1 - confidence) / 2, rel=1e-3)


def test_few_tracks_have_no_interval() -> None:
    assert math.isnan(paired_interval([1.0]).low_db)
    assert math.isnan(paired_interval([1.0, 2.0, 3.0, 4.0]).low_db)
    assert paired_interval([1.0, 2.0, 3.0, 4.0, 5.0]).low_db == pytest.approx(1.5, abs=0.31)
    assert math.isnan(paired_interval([1.0, 2.0, 3.0, 4.0, 5.0], list("abcda")).high_db)
    for values, clusters in (([], None), ([math.nan], None), ([1.0], ["a", "b"])):
        with pytest.raises(ValueError, match="expected"):
            paired_interval(values, clusters)


@pytest.mark.parametrize(
    ("interval", "says"),
    [
        (Interval(0.42, 0.1, 0.7, 15), "B is 0.42 dB better than A (95 %: 0.10 to 0.70), 15 tracks"),
        (Interval(-0.42, -0.7, -0.1, 15), "B is 0.42 dB worse than A (95 %: 0.10 to 0.70), 15 tracks"),
        (
            Interval(0.1, -0.2, 0.4, 2),
            "B is 0.10 dB better than A (95 %: -0.20 to 0.40), 2 tracks; no clear difference",
        ),
        (
            Interval(-0.1, -0.4, 0.2, 2),
            "B is 0.10 dB worse than A (95 %: -0.20 to 0.40), 2 tracks; no clear difference",
        ),
        (Interval(1, 0.5, 2, 9, 3), "B is 1.00 dB better than A (95 %: 0.50 to 2.00), 9 tracks of 3 corpora"),
        (Interval(1, math.nan, math.nan, 1), "B is 1.00 dB better than A, 1 track: too few for an interval"),
    ],
)
def test_in_a_sentence(interval: Interval, says: str) -> None:
    assert sentence(interval, "A", "B") == says


def scores(values: dict[tuple[str, str], tuple[float, float]], signal: str = "model", **more: float) -> list[StemScore]:
    return [
        StemScore("m", corpus, track, stem, signal, Metrics(sdr_db=value, **more))
        for (corpus, track), pair in values.items()
        for stem, value in zip(("vocals", "accompaniment"), pair, strict=True)
    ]


def test_two_models_track_by_track() -> None:
    a = scores({("xy"[i % 2], str(i)): (10.0 * i, 5.0 if i else math.nan) for i in range(6)})
    b = scores({("xy"[i % 2], str(i)): (10.0 * i + 0.1 * (i + 1), 4.0) for i in reversed(range(6))})
    b += scores({("x", "0"): (99.0, 99.0)}, "mixture")
    vocals, band = compare_scores(a, b, ("old", "new"), "sdr")
    assert [(corpus, track) for corpus, track, *_ in vocals.rows] == [("xy"[i % 2], str(i)) for i in range(6)]
    assert vocals.interval is not None
    # The tracks differ by 50 dB, the pairs by half a dB.
    wanted = paired_interval([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert (vocals.interval.low_db, vocals.interval.high_db) == pytest.approx((wanted.low_db, wanted.high_db))
    assert vocals.told.startswith("vocals, sdr: new is 0.35 dB better than old (95 %: 0.1")
    assert band.told == "accompaniment, sdr: new is 1.00 dB worse than old (95 %: 1.00 to 1.00), 5 tracks"
    grid = comparison_grid([vocals, band], ("old", "new"), "sdr")
    assert grid.columns == ("track", "stem", "old", "new", "gain")
    assert grid.rows[0] == ("x / 0", "vocals", "0.00", "0.10", "+0.10")
    assert grid.rows[-1] == ("y / 5", "accompaniment", "5.00", "4.00", "-1.00")
    clustered = compare_scores(a, b, ("old", "new"), "sdr", by_corpus=True)[0]
    assert clustered.told == (
        "vocals, sdr: new is 0.35 dB better than old, 6 tracks of 2 corpora: too few for an interval"
    )


def test_less_leak_is_better() -> None:
    a = scores({("x", str(i)): (math.nan, 5.0) for i in range(3)}, leak_db=-10.0)
    b = scores({("x", str(i)): (math.nan, 5.0) for i in range(3)}, leak_db=-14.0)
    vocals = compare_scores(a, b, ("old", "new"), "leak")[0]
    assert vocals.told.startswith("vocals, leak: new is 4.00 dB better than old")
    assert comparison_grid([vocals], ("old", "new"), "leak").rows[0][2:] == ("-10.00", "-14.00", "+4.00")


@pytest.mark.parametrize(
    ("b", "metric", "says"),
    [
        ({("x", "1"): (1.0, 1.0)}, "sdr", "old and new: expected scores of the same tracks, found 2 stems in one only"),
        ({("x", "1"): (1.0, 1.0), ("x", "3"): (1.0, 1.0)}, "sdr", "found 4 stems in one only, as 'x / 2 / accompanim"),
        ({("x", "1"): (1.0, 1.0), ("x", "2"): (1.0, 1.0)}, "museval", "no track has the metric museval in both"),
    ],
)
def test_what_cannot_be_compared(b: dict[tuple[str, str], tuple[float, float]], metric: str, says: str) -> None:
    a = scores({("x", "1"): (1.0, 1.0), ("x", "2"): (1.0, 1.0)})
    with pytest.raises(AdvsepError, match=re.escape(says)):
        compare_scores(a, scores(b), ("old", "new"), metric)
    with pytest.raises(AdvsepError, match="old: expected one line a track and stem, found 'x / 1 / vocals' twice"):
        compare_scores(a + a, scores(b), ("old", "new"), metric)
