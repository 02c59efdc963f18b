"""The figure's bars are as high as the means; looked at by a person when it was made."""

from __future__ import annotations

import importlib.util
import io
import math

import numpy as np
import pytest
from advsep.realtime.errors import AdvsepError
from advsep.trainer import figure as module
from advsep.trainer.figure import COLOURS, draw_figure
from advsep.trainer.metrics import Metrics
from advsep.trainer.report import StemScore
from matplotlib.axes import Axes
from PIL import Image


def scores(gain_db: float, *, oracle: bool = True) -> list[StemScore]:
    made = []
    for corpus, level_db, tracks in (("loud", 4.0, 4), ("quiet", -8.0, 2)):
        for number in range(tracks):
            values = {"mixture": level_db, "model": level_db + gain_db + 0.5 * number}
            for signal, value in (values | ({"oracle": 14.0} if oracle else {})).items():
                for stem, off_db in (("vocals", 0.0), ("accompaniment", 3.0)):
                    at = math.nan if (corpus, number) == ("loud", 3) else value + off_db  # a silent one
                    made.append(StemScore("m", corpus, str(number), stem, signal, Metrics(sdr_db=at)))
    return made


def test_bars_lines_and_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    bars: dict[str, list[float]] = {}
    lines: list[list[float]] = []
    texts: list[str] = []
    draw_bars, draw_lines, annotate = Axes.bar, Axes.hlines, Axes.annotate

    def bar(self: Axes, x: list[float], height: list[float], *rest: object, label: str, **more: object) -> object:
        bars.setdefault(label, []).extend(height)
        return draw_bars(self, x, height, *rest, label=label, **more)

    def hlines(self: Axes, y: list[float], *rest: object, **more: object) -> object:
        lines.append(y)
        return draw_lines(self, y, *rest, **more)

    def note(self: Axes, text: str, *rest: object, **more: object) -> object:
        texts.append(text)
        return annotate(self, text, *rest, **more)

    for name, spy in (("bar", bar), ("hlines", hlines), ("annotate", note)):
        monkeypatch.setattr(Axes, name, spy)
    png = draw_figure([("baseline", scores(1.0, oracle=False)), ("ours", scores(6.0))])
    # Vocals of loud (3 tracks that sound), quiet (2) and all (5), then the accompaniment.
    assert bars["mixture"] == pytest.approx([4, -8, -0.8, 7, -5, 2.2])
    assert bars["baseline"] == pytest.approx([5.5, -6.75, 0.6, 8.5, -3.75, 3.6])
    assert bars["ours"] == pytest.approx([10.5, -1.75, 5.6, 13.5, 1.25, 8.6])
    assert list(bars) == ["mixture", "baseline", "ours"]
    assert lines == [[14.0] * 3, [17.0] * 3]
    assert texts[:3] == ["4.0", "-8.0", "-0.8"]
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    areas = [int((np.abs(pixels - np.array(bytearray.fromhex(c[1:]))).sum(1) < 8).sum()) for c in COLOURS[:3]]
    assert min(areas) > 2000  # each model's bars are there to be seen


def test_no_such_score() -> None:
    with pytest.raises(AdvsepError, match=r"no track has the metric museval; measure it \(without --quick\)"):
        draw_figure([("ours", scores(1.0))], "museval")


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(AdvsepError, match=r"missing: matplotlib\): pip install 'advsep\[eval\]'"):
        module.require_figure_extra()
