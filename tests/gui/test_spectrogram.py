"""The spectrograms: a sine where it belongs, scrolling that equals drawing anew, freezing, zoom, read-out, memory."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from advsep.gui.colour_maps import level_codes, level_pixels, map_codes, map_pixels
from advsep.gui.columns import Columns
from advsep.gui.frequency_axis import FrequencyAxis, FrequencyScale, Rows
from advsep.gui.session import Session
from advsep.gui.spectrogram import SpectrogramPanel
from advsep.gui.spectrogram_history import History
from advsep.gui.spectrogram_look import LONGEST_SPAN_S, SHORTEST_SPAN_S, Look
from advsep.gui.spectrogram_picture import Drawing, Picture
from advsep.gui.spectrogram_scene import Cursor
from advsep.realtime.engine_settings import EngineSettings
from fed_session import SIGNAL, FedSession, write_critics
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

RATE_HZ, BIN_HZ = 44100, 44100 / 2048
SINE_HZ, SINE_DB = 60 * BIN_HZ, -20.0
ROWS, WIDTH = 90, 160


@pytest.fixture(scope="module")
def sine_session(qapp: QApplication, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """The real engine on the null device, playing a sine in both channels."""
    path = tmp_path_factory.mktemp("sine") / "sine.wav"
    wave = 10 ** (SINE_DB / 20) * np.sin(2 * np.pi * SINE_HZ * np.arange(60 * RATE_HZ) / RATE_HZ)
    soundfile.write(path, np.stack([wave, wave], 1), RATE_HZ, "FLOAT")
    session = Session(EngineSettings(input=str(path), output="null"))
    session.start()
    yield session
    session.close()


@pytest.fixture
def fed(qapp: QApplication, tmp_path: Path) -> Iterator[FedSession]:
    session = FedSession(tmp_path)
    yield session
    session.close()


@pytest.fixture
def panel(qtbot: QtBot, fed: FedSession) -> Iterator[SpectrogramPanel]:
    """On a session that the test feeds; it has seen half a second."""
    made = SpectrogramPanel(fed)
    qtbot.addWidget(made)
    made.resize(900, 500)
    made.show()
    made.refresh()
    fed.feed_noise(22, 0)
    made.refresh()
    QApplication.processEvents()  # the strips are of another height now
    made.refresh()
    yield made
    made.shut_down()


def test_a_sine_is_where_and_as_strong_as_it_is(qtbot: QtBot, sine_session: Session) -> None:
    panel = SpectrogramPanel(sine_session)
    qtbot.addWidget(panel)
    panel.resize(900, 500)
    panel.show()

    def seen() -> bool:
        panel.refresh()
        history = panel.history
        return history is not None and history.end - history.start > 100

    qtbot.waitUntil(seen, timeout=180_000)
    history, view = panel.history, panel.views[0]
    assert history is not None
    assert view.axis is not None
    levels = history.levels_db(0, history.end - 20, history.end)
    bands = levels.argmax(1)
    edges = view.axis.scale.edges_hz
    assert ((edges[bands] <= SINE_HZ) & (edges[bands + 1] >= SINE_HZ)).all()
    np.testing.assert_allclose(levels.max(1), SINE_DB, atol=0.2)
    # On the screen: the lightest row, and what is read out there.
    image = view.picture.to_array()
    column = image[:, -2]
    light = sum(((column >> shift) & 255).astype(int) for shift in (0, 8, 16))
    row = float(np.flatnonzero(light == light.max()).mean())
    band_px = view.axis.y_of(edges[bands[0]]) - view.axis.y_of(edges[bands[0] + 1])
    assert abs(row + 0.5 - view.axis.y_of(SINE_HZ)) <= band_px / 2 + 1
    words = panel.words_of(Cursor(0.05, SINE_HZ))
    assert words.startswith("1.29 kHz, 0.0")
    read_db = float(words.split("mixture ")[1].split(" dB")[0])
    assert read_db == pytest.approx(SINE_DB, abs=0.2)
    panel.shut_down()


def noise(bands: int, count: int, position: int, rng: np.random.Generator) -> Columns:
    return Columns(position, rng.uniform(-100, 0, (3, count, bands)).astype(np.float32), np.zeros((2, count, bands)))


def drawn_slowly(history: History, number: int, drawing: Drawing, stop: int, width: int, height: int) -> np.ndarray:
    """A pixel at a time."""
    made = np.zeros((height, width), np.uint32)
    for x in range(width):
        k = stop - width + x
        first = math.floor(k * drawing.columns_per_pixel)
        last = max(math.floor((k + 1) * drawing.columns_per_pixel), first + 1)
        levels = history.levels_db(number, first, last)
        over = None if drawing.map_source is None else history.gradients(drawing.map_source, first, last)
        for row in range(height):
            low = int(drawing.rows.starts[row])
            after = int(drawing.rows.starts[row + 1]) if row + 1 < height else drawing.rows.stop
            high = max(after, low + 1)
            code = int(level_codes(levels[:, low:high], drawing.low_db, drawing.high_db).max())
            if over is not None:
                code += 256 * int(map_codes(over[:, low:high], drawing.map_full_scale).max())
            made[height - 1 - row, x] = drawing.pixels[code]
    return made


@pytest.mark.parametrize(
    ("columns_per_pixel", "with_map"), [(0.37, True), (1.0, False), (1.04, True), (3.7, False), (3.7, True)]
)
def test_scrolling_equals_drawing_anew(qapp: QApplication, columns_per_pixel: float, with_map: bool) -> None:
    rng, bands, width, height = np.random.default_rng(7), 24, 45, 30
    edges = np.concatenate([[0.0], np.geomspace(50, 20000, bands)])
    rows = FrequencyAxis(FrequencyScale("log", edges), 60, 15000, height).shown()
    pixels = map_pixels(0.6, signed=True) if with_map else level_pixels("magma")
    drawing = Drawing(rows, columns_per_pixel, -90, -10, pixels, 0 if with_map else None, 1.5)
    history, picture = History(bands, 400), Picture(1)
    picture.resize(width, height)
    position = 1000
    for step in range(20):
        count = int(rng.integers(1, 30))
        position += 7 if step == 9 else 0  # some are lost
        history.append(noise(bands, count, position, rng))
        position += count
        if with_map and step % 3 == 0:
            changed = history.add_map(0, position - 2, rng.standard_normal((bands, 16)).astype(np.float32))
            picture.touch(*changed)
        back = 40 if step in (13, 14) else 0  # there and back again
        picture.update(history, drawing, position - back)
        if step in (9, 14, 15, 19):
            stop = int((position - back) / columns_per_pixel)
            wanted = drawn_slowly(history, 1, drawing, stop, width, height)
            np.testing.assert_array_equal(picture.to_array(), wanted)
            assert len(np.unique(wanted)) > 20


def test_what_is_painted_is_the_picture(qtbot: QtBot, panel: SpectrogramPanel, fed: FedSession) -> None:
    """In two parts, wherever the ring begins."""
    for seed in range(1, 12):
        fed.feed_noise(17, seed)
        panel.refresh()
        view = panel.views[2]
        image = view.grab().toImage()
        area, wanted = view.area.toRect(), view.picture.to_array()
        for x in range(0, area.width(), 37):
            for y in range(30, area.height(), 11):  # below the title
                assert image.pixel(area.x() + x, area.y() + y) == wanted[y, x]


def test_frozen_pictures_stand_still(panel: SpectrogramPanel, fed: FedSession) -> None:
    said = list[bool]()
    panel.frozen_changed.connect(said.append)
    panel.bar.freeze.click()
    assert panel.frozen
    before = [view.picture.to_array() for view in panel.views]
    fed.feed_noise(20, 1)
    panel.refresh()
    for view, image in zip(panel.views, before, strict=True):
        np.testing.assert_array_equal(view.picture.to_array(), image)
    panel.set_frozen(False)
    panel.refresh()
    assert not np.array_equal(panel.views[0].picture.to_array(), before[0])
    assert not panel.bar.freeze.isChecked()
    assert said == [True, False]


def test_back_in_time_while_frozen(qtbot: QtBot, panel: SpectrogramPanel, fed: FedSession) -> None:
    panel.set_look(panel.look.with_span(0.5))
    for seed in range(30):
        fed.feed_noise(22, seed)
        panel.refresh()
    view = panel.views[1]
    newest = view.picture.shown
    qtbot.keyClick(view, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    panel.refresh()
    assert view.picture.shown == newest  # sound goes on: there is no going back
    panel.set_frozen(True)
    for _ in range(300):
        qtbot.keyClick(view, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    panel.refresh()
    history = panel.history
    assert history is not None
    assert view.picture.shown[0] * view.columns_per_pixel(panel._scene) == pytest.approx(history.first, abs=1.1)
    assert view.picture.to_array().max() > 0
    qtbot.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    panel.set_frozen(False)
    panel.refresh()
    assert view.picture.shown == newest


def turn_wheel(view: object, y: float, notches: int, keys: Qt.KeyboardModifier) -> None:
    place = QPointF(300, y)
    event = QWheelEvent(
        place,
        place,
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        keys,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


def test_the_wheel_zooms_about_the_mouse_and_ends_somewhere(panel: SpectrogramPanel) -> None:
    view, plain = panel.views[1], Qt.KeyboardModifier.NoModifier
    assert view.axis is not None
    hz = view.axis.hz_at(50)
    whole = panel.look.limits_hz(view.axis.scale)
    turn_wheel(view, 50, 2, plain)
    panel.refresh()
    assert view.axis.hz_at(50) == pytest.approx(hz, rel=1e-6)
    low_hz, high_hz = panel.look.limits_hz(view.axis.scale)
    assert whole[0] < low_hz < hz < high_hz < whole[1]
    for _ in range(60):
        turn_wheel(view, 50, 1, plain)
    panel.refresh()
    low_hz, high_hz = panel.look.limits_hz(view.axis.scale)
    assert high_hz / low_hz == pytest.approx(1.5, rel=1e-3)
    for _ in range(60):
        turn_wheel(view, 50, -1, plain)
        turn_wheel(view, 50, -1, Qt.KeyboardModifier.ControlModifier)
    panel.refresh()
    assert panel.look.limits_hz(view.axis.scale) == pytest.approx((20.0, view.axis.scale.highest_hz), rel=1e-6)
    assert panel.look.span_s == LONGEST_SPAN_S == panel.bar.span.value()
    for _ in range(60):
        turn_wheel(view, 50, 1, Qt.KeyboardModifier.ControlModifier)
    assert panel.look.span_s == SHORTEST_SPAN_S


@pytest.mark.parametrize("axis", ["log", "bands"])
def test_keys_zoom_and_move_within_the_axis(qtbot: QtBot, panel: SpectrogramPanel, axis: str) -> None:
    panel.bar.axis.setCurrentIndex(("log", "bands").index(axis))
    panel.refresh()
    view = panel.views[0]
    assert view.axis is not None
    scale = view.axis.scale
    assert scale.kind == axis
    for _ in range(50):
        qtbot.keyClick(view, Qt.Key.Key_Plus)
    narrow = panel.look.limits_hz(scale)
    wide = scale.place_of(narrow[1]) - scale.place_of(narrow[0])
    assert wide == pytest.approx(math.log(1.5) if axis == "log" else 8, rel=1e-3)
    for _ in range(100):
        qtbot.keyClick(view, Qt.Key.Key_PageUp)
    assert panel.look.limits_hz(scale)[1] == pytest.approx(scale.highest_hz, rel=1e-6)
    for _ in range(1000):
        qtbot.keyClick(view, Qt.Key.Key_PageDown)
    assert panel.look.limits_hz(scale)[0] == pytest.approx(scale.lowest_hz, abs=1e-6)
    panel.refresh()
    rows = view.axis.shown()
    assert rows.starts.min() >= 0
    assert rows.stop <= SIGNAL.bands
    qtbot.keyClick(view, Qt.Key.Key_Home)
    panel.refresh()
    assert panel.look.limits_hz(scale)[1] == pytest.approx(scale.highest_hz)


@pytest.mark.parametrize("kind", ["log", "bands"])
def test_rows_show_every_band_between_the_limits(kind: str) -> None:
    edges = np.concatenate([[0.0], np.geomspace(30, 20000, 200)])
    for low_hz, high_hz, rows in ((40.0, 20000.0, 97), (300.0, 900.0, 301), (0.0, 20000.0, 64)):
        axis = FrequencyAxis(FrequencyScale(kind, edges), low_hz, high_hz, rows)
        shown: Rows = axis.shown()
        assert len(shown.starts) == rows
        assert (np.diff(shown.starts) >= 0).all()
        bottom, top = axis.hz_at(rows), axis.hz_at(0)
        assert edges[shown.starts[0]] <= bottom + 1e-9 <= edges[shown.starts[0] + 1]
        assert edges[shown.stop - 1] < top <= edges[shown.stop] * (1 + 1e-9)
        for row in range(rows):
            assert axis.y_of(axis.hz_at(row)) == pytest.approx(row, abs=1e-6)


def test_ticks_are_round_and_apart() -> None:
    edges = np.concatenate([[0.0], np.geomspace(30, 20000, 200)])
    whole = FrequencyAxis(FrequencyScale("log", edges), 40, 20000, 300).ticks(18)
    assert [words for _, words in whole] == [
        "10 kHz", "5 kHz", "2 kHz", "1 kHz", "500 Hz", "200 Hz", "100 Hz", "50 Hz",
    ]  # fmt: skip
    near = FrequencyAxis(FrequencyScale("log", edges), 1000, 1500, 300)
    found = near.ticks(18)
    assert len(found) >= 4
    places = [near.y_of(hz) for hz, _ in found]
    assert min(np.diff(places)) >= 18
    assert len({words for _, words in found}) == len(found)


def test_the_read_out_says_what_is_under_the_cursor(qtbot: QtBot, panel: SpectrogramPanel, fed: FedSession) -> None:
    bands = SIGNAL.bands
    magnitudes, masks = np.full((30, 2, bands), 1e-3), np.full((30, 2, bands), 0.25)
    magnitudes[20, :, 22:29] = 100.0  # 10 columns before the newest
    fed.feed(magnitudes, masks)
    panel.refresh()
    scene, view = panel._scene, panel.views[1]
    assert scene is not None
    age_s = 9.5 * scene.column_s
    hz = 25 * 44100 / 4096
    x = view.area.right() - age_s / panel.look.span_s * view.area.width()
    assert view.axis is not None
    qtbot.mouseMove(view, QPoint(round(x), round(view.axis.y_of(hz))))
    panel.refresh()
    full_scale_db = 20 * math.log10(2 * 4096 / math.pi / 2)  # a sine window's mean is 2 / pi
    mixture_db = 20 * math.log10(100 * math.sqrt(2)) - full_scale_db
    words = panel.read_out.text()
    numbers = [float(part.split(" ")[-2]) for part in words.split(",") if part.endswith("dB")]
    assert numbers == pytest.approx([mixture_db, mixture_db - 12.04, mixture_db - 2.5], abs=0.06)
    assert "Hz, 0.2" in words
    assert float(words.split(" Hz")[0]) == pytest.approx(hz, rel=0.06)  # a row
    view.setFocus()
    for _ in range(3):
        qtbot.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    panel.refresh()
    assert panel.read_out.text() != words
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    panel.refresh()
    assert panel.read_out.text() == ""


def test_limits_of_the_colours_keep_apart(panel: SpectrogramPanel) -> None:
    panel.bar.low.setValue(-15)
    assert (panel.look.low_db, panel.look.high_db) == (-15, -5) == (panel.bar.low.value(), panel.bar.high.value())
    panel.bar.high.setValue(-120)
    assert (panel.look.low_db, panel.look.high_db) == (-15, -5)
    panel.refresh()
    dark = panel.views[0].picture.to_array()
    panel.bar.colours.setCurrentText("cividis")
    panel.refresh()
    assert not np.array_equal(panel.views[0].picture.to_array(), dark)
    assert set(np.unique(panel.views[0].picture.to_array())) <= set(level_pixels("cividis").tolist())


def test_without_an_engine_the_pictures_say_so(qtbot: QtBot) -> None:
    session = Session(EngineSettings(input="demo", output="null"))
    panel = SpectrogramPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    panel.refresh()
    assert "choose an input" in panel.views[0].words
    assert panel.history is None
    panel.set_frozen(True)
    panel.set_cursor(Cursor(1.0, 440.0))
    panel.refresh()
    qtbot.keyClick(panel.views[0], Qt.Key.Key_Plus)
    panel.shut_down()
    session.close()
    panel.refresh()


def test_silence_says_so(panel: SpectrogramPanel, fed: FedSession) -> None:
    fed._status = replace(fed.status, state="playing", note="")
    panel.refresh()
    assert panel.views[0].words == ""
    fed.feed(np.zeros((60, 2, SIGNAL.bands)), np.zeros((60, 2, SIGNAL.bands)))
    panel.refresh()
    assert panel.views[0].words.startswith("Silence")


def test_another_layout_begins_anew(panel: SpectrogramPanel, fed: FedSession) -> None:
    before = panel.history
    fed.lay_out(rate_hz=48000)
    fed.feed_noise(5, 3)
    panel.refresh()
    assert panel.history is not before
    assert panel.views[0].axis is not None
    # Bands are the same frequencies at any rate.
    assert panel.views[0].axis.scale.highest_hz == pytest.approx(2047.5 * 44100 / 4096)


def test_maps_lie_over_their_estimates(qtbot: QtBot, panel: SpectrogramPanel, fed: FedSession, tmp_path: Path) -> None:
    panel.load_critics(write_critics(tmp_path / "my.critics.onnx", SIGNAL))
    panel.bar.map.setCurrentText("map of the voice")
    assert panel.bar.opacity.isEnabled()

    def judged() -> bool:
        fed.feed_noise(3, 5)
        panel.refresh()
        return "as usual" in panel.strips[0].words or "than usual" in panel.strips[0].words

    qtbot.waitUntil(judged, timeout=20_000)
    assert panel.critics.words == ""
    assert panel.strips[1].isVisible()
    colours = [np.unique(view.picture.to_array()) for view in panel.views]
    grey = set(level_pixels("grey").tolist())
    assert not set(colours[1].tolist()) <= grey  # D = x^2 / 2: all of the voice could be more
    assert set(colours[2].tolist()) <= set(level_pixels("magma").tolist())
    reds, blues = ((colours[1] >> shift) & 255 for shift in (16, 0))
    assert (reds.astype(int) - blues.astype(int)).max() > 30
    panel.bar.opacity.setValue(0)
    panel.refresh()
    assert set(np.unique(panel.views[1].picture.to_array()).tolist()) <= grey


def test_two_hours_do_not_grow(qtbot: QtBot, panel: SpectrogramPanel, fed: FedSession, tmp_path: Path) -> None:
    """All of the panel, critics and maps included, in a window that is drawn; 310,000 columns as fast as they go."""
    panel.load_critics(write_critics(tmp_path / "my.critics.onnx", SIGNAL))
    panel.set_look(replace(panel.look, map_choice="both", span_s=2.0))
    panel.resize(300, 260)
    assert fed.laid_out is not None
    chunk = fed.laid_out.columns_capacity
    total = 7200 * RATE_HZ // SIGNAL.hop_samples
    rng = np.random.default_rng(0)
    magnitudes, masks = rng.exponential(10.0, (chunk, 2, SIGNAL.bands)), rng.uniform(0, 1, (chunk, 2, SIGNAL.bands))
    sizes = list[int]()
    tracemalloc.start()
    written = maps = 0
    while written < total:
        fed.feed(magnitudes, masks)
        written += chunk
        panel.refresh()
        step = written // chunk
        if step % 500 in (0, 50):  # drawn a tenth of the time
            panel.setVisible(step % 500 == 0)
        if step % 500 == 99:
            maps += len(panel.strips[0]._scores)
            panel.grab()
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert panel._follower.lost == 0
    assert panel.history is not None
    assert panel.history.end == pytest.approx(total, abs=chunk + 22)
    assert maps > 0
    assert len(sizes) >= 4
    assert max(sizes[1:]) - sizes[1] < 300_000
    assert Look().span_s < LONGEST_SPAN_S


def test_the_critics_thread_ends_with_the_panel(qtbot: QtBot, fed: FedSession, tmp_path: Path) -> None:
    panel = SpectrogramPanel(fed)
    panel.load_critics(write_critics(tmp_path / "my.critics.onnx", SIGNAL))
    worker = panel.critics.worker
    panel.show()
    panel.refresh()
    assert worker.alive
    panel.deleteLater()
    qtbot.waitUntil(lambda: not worker.alive, timeout=10_000)
