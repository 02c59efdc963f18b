"""The meter: how it moves in time, and what of it is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from advsep.gui import theme
from advsep.gui.meter import FALL_DB_S, HOLD_S, NEWS_S, RISE_DB_S, SILENCE_DBFS, Ballistics, Meter
from advsep.gui.mixer_peak import NOTHING, PeakButton
from advsep.realtime.status import Level
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

LOUD = Level(peak_dbfs=-3.0, rms_dbfs=-10.0)
SILENT = Level(peak_dbfs=-math.inf, rms_dbfs=-math.inf)


def test_a_peak_is_there_at_once_and_held_then_falls_by_the_clock() -> None:
    found = Ballistics()
    found.hear(LOUD, 10.0)
    found.hear(SILENT, 10.02)
    assert found.held_dbfs == -3
    assert found.peak_dbfs == pytest.approx(-3 - 0.02 * FALL_DB_S)
    found.advance(10.0 + HOLD_S)
    assert found.held_dbfs == -3
    found.advance(10.0 + HOLD_S + 0.5)
    assert found.held_dbfs == pytest.approx(-3 - 0.5 * FALL_DB_S)
    assert found.peak_dbfs == pytest.approx(-3 - (HOLD_S + 0.5) * FALL_DB_S)
    found.advance(100.0)
    assert found.held_dbfs == found.peak_dbfs == found.mean_dbfs == SILENCE_DBFS
    assert found.loudest_dbfs == -3


def test_the_mean_rises_and_falls_at_its_speed() -> None:
    found = Ballistics()
    found.hear(LOUD, 5.0)
    assert found.mean_dbfs == SILENCE_DBFS
    found.advance(5.1)
    assert found.mean_dbfs == pytest.approx(SILENCE_DBFS + 0.1 * RISE_DB_S)
    for now_s in (5.2, 5.4, 5.6, 5.8, 6.0):
        found.hear(LOUD, now_s)
    assert found.mean_dbfs == -10
    found.hear(Level(peak_dbfs=-30.0, rms_dbfs=-40.0), 6.0)
    found.advance(6.2)
    assert found.mean_dbfs == pytest.approx(-10 - 0.2 * FALL_DB_S)


@given(st.lists(st.floats(0.001, 0.2), min_size=1, max_size=60), st.floats(-60, 0))
def test_the_rate_at_which_it_is_drawn_changes_nothing(steps_s: Sequence[float], peak_dbfs: float) -> None:
    often, once = Ballistics(), Ballistics()
    for each in (often, once):
        each.hear(Level(peak_dbfs=peak_dbfs, rms_dbfs=peak_dbfs - 3), 1.0)
    now_s = 1.0
    for step_s in steps_s:
        now_s += step_s
        often.advance(now_s)
    once.advance(now_s)
    for name in ("peak_dbfs", "mean_dbfs", "held_dbfs"):
        assert getattr(often, name) == pytest.approx(getattr(once, name), abs=1e-6)


def test_without_news_it_falls_and_a_new_peak_is_held_anew() -> None:
    found = Ballistics()
    found.hear(LOUD, 1.0)
    found.advance(1.2)
    assert found.mean_dbfs > -70
    found.advance(1.2 + NEWS_S)
    found.advance(3.0)
    assert found.mean_dbfs < -30
    found.hear(Level(peak_dbfs=-20.0, rms_dbfs=-25.0), 8.0)
    found.advance(8.0 + HOLD_S - 0.01)
    assert found.held_dbfs == -20
    found.hear(None, 8.0 + HOLD_S)
    found.forget()
    assert found.loudest_dbfs == SILENCE_DBFS


def test_the_bar_is_as_high_as_the_level_and_says_so_in_pixels(qtbot: QtBot) -> None:
    theme.apply_theme("dark")
    meter = Meter("vocals level")
    qtbot.addWidget(meter)
    meter.resize(60, 300)
    meter.show()

    unlit = meter.grab().toImage()
    x = meter.width() - 10

    def lit_px(level_dbfs: float) -> int:
        meter.ballistics = Ballistics()
        for now_s in (1.0, 1.2, 1.4, 1.6):
            meter.ballistics.hear(Level(peak_dbfs=level_dbfs, rms_dbfs=level_dbfs), now_s)
        meter.refresh(1.6)
        picture = meter.grab().toImage()
        return sum(picture.pixelColor(x, y) != unlit.pixelColor(x, y) for y in range(picture.height()))

    lengths = [lit_px(level_dbfs) for level_dbfs in (-54, -30, -6, 6)]
    assert lengths == sorted(lengths)
    per_db = (lengths[2] - lengths[1]) / 24
    assert per_db == pytest.approx(lengths[1] / 30, rel=0.05)
    assert per_db == pytest.approx(lengths[3] / 66, rel=0.05)


def test_the_light_stays_until_it_is_clicked(qtbot: QtBot) -> None:
    theme.apply_theme("dark")
    button, stem = PeakButton("master", harmful=True), PeakButton("vocals", harmful=False)
    forgotten: list[bool] = []
    button.forgotten.connect(lambda: forgotten.append(True))
    for each in (button, stem):
        qtbot.addWidget(each)
        each.show_peak(-3.24)
        assert (each.text(), each.is_lit) == ("−3.2", False)
        each.show_peak(0.0)
        assert each.is_lit
    assert (button.text(), stem.text()) == ("CLIP", "over")
    assert "beyond full scale" in button.accessibleName()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert forgotten == [True]
    assert (button.text(), button.is_lit) == (NOTHING, False)
