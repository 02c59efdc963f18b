"""A critic's score as a line over time, and in words."""

from __future__ import annotations

import pytest
from advsep.gui import theme
from advsep.gui.score_strip import HEIGHT_PX, ScoreStrip
from advsep.gui.spectrogram_frame import AXIS_WIDTH_PX, RIGHT_PX
from pytestqt.qtbot import QtBot


@pytest.fixture
def strip(qtbot: QtBot) -> ScoreStrip:
    made = ScoreStrip("voice", 0)
    qtbot.addWidget(made)
    made.resize(AXIS_WIDTH_PX + RIGHT_PX + 400, HEIGHT_PX)
    made.show()
    return made


def coloured(strip: ScoreStrip) -> list[tuple[int, int]]:
    """Where the voice's colour is, in pixels of the picture above."""
    image = strip.grab().toImage()
    assert theme.colours().voice.red() - theme.colours().voice.blue() > 150  # and text is grey
    return [
        (x - AXIS_WIDTH_PX, y)
        for x in range(AXIS_WIDTH_PX, image.width() - RIGHT_PX + 2)
        for y in range(image.height())
        if image.pixelColor(x, y).red() - image.pixelColor(x, y).blue() > 50
    ]


def test_a_score_stands_over_its_time(strip: ScoreStrip) -> None:
    for position, score in ((1100, -1.0), (1200, -1.0), (1300, 3.0)):
        strip.add(position, score)
    strip.show_time(1000, 1400, "")
    found = coloured(strip)
    assert min(x for x, _ in found) == pytest.approx(100, abs=2)
    assert max(x for x, _ in found) == pytest.approx(302, abs=2)
    lowest = max(y for x, y in found if 105 < x < 195)
    highest = min(y for x, y in found if x > 290)
    assert lowest - highest > 15
    strip.show_time(1250, 1650, "")
    assert max(x for x, _ in coloured(strip)) == pytest.approx(52, abs=3)
    strip.clear()
    strip.show_time(1000, 1400, "")
    assert coloured(strip) == []


@pytest.mark.parametrize(("last", "says"), [(0.0, "as usual"), (5.0, "more like"), (-5.0, "less like")])
def test_the_present_score_is_said_in_words(strip: ScoreStrip, last: float, says: str) -> None:
    assert strip.words == "critic of the voice: waits for sound"
    strip.add(0, 2.5)
    strip.show_time(0, 400, "")
    assert strip.words == "critic of the voice: 2.5"
    for i in range(1, 40):
        strip.add(i, (-1.0) ** i)
    strip.add(40, last)
    strip.show_time(1, 400, "")
    assert strip.words.startswith(f"critic of the voice: {last:.3g}, {says}")
    assert strip.accessibleDescription() == strip.words


def test_what_is_missing_takes_the_place_of_scores(strip: ScoreStrip) -> None:
    strip.add(10, 1.0)
    strip.show_time(0, 400, "no critics: here is how to get them")
    assert strip.words == "no critics: here is how to get them"
    assert strip.accessibleDescription() == strip.words
    assert coloured(strip) == []
    assert strip.height() < HEIGHT_PX


def test_scores_are_kept_for_what_is_seen_only(strip: ScoreStrip) -> None:
    for i in range(100_000):
        strip.add(i, float(i % 7))
    assert len(strip._scores) < 1000
