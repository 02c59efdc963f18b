"""Which critics there are, when they are asked, and where what they say is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from advsep.gui.columns import ColumnDecoder, Columns
from advsep.gui.critic_view import MAPS_PER_S, CriticView
from advsep.gui.spectrogram_history import History
from advsep.realtime.critic_map import CriticSession
from fed_session import SIGNAL, write_contract, write_critics
from waiting import until

FRAMES = 8


class Clock:
    """Seconds that pass when told."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def view(clock: Clock) -> Iterator[CriticView]:
    made = CriticView(clock)
    yield made
    made.close()


def columns(position: int, count: int, seed: int = 0) -> Columns:
    rng = np.random.default_rng(seed)
    shape = (count, 2, SIGNAL.bands)
    features = np.log1p(rng.exponential(5.0, shape) * SIGNAL.feature_scale)
    data = np.concatenate([features.reshape(count, -1), rng.uniform(0, 1, shape).reshape(count, -1)], 1)
    made = ColumnDecoder(SIGNAL).decode(position, data.astype(np.float32))
    assert made is not None
    return made


def ready(view: CriticView, folder: Path) -> Path:
    """With critics beside a model that plays."""
    model = write_contract(folder, SIGNAL)
    path = write_critics(folder / "tiny.critics.onnx", SIGNAL, FRAMES)
    view.set_model(str(model))
    view.set_signal(SIGNAL)
    until(lambda: view.worker.opened is not None)
    view.turn()
    return path


def test_the_newest_estimates_are_judged_where_they_are(view: CriticView, clock: Clock, tmp_path: Path) -> None:
    path = ready(view, tmp_path)
    assert (view.path, view.words) == (path, "")
    parts = [columns(300, 5, 1), columns(305, 1, 2), columns(306, 4, 3)]
    for part in parts:
        view.add(part)
    clock.now_s += 1
    found = view.turn()
    until(lambda: found.extend(view.turn()) or len(found) == 2)
    session = CriticSession(path)
    magnitudes = np.concatenate([part.estimates for part in parts], 1)[:, -FRAMES:]
    for verdict, name in zip(found, session.spec.sources, strict=True):
        wanted = session.judge(name, session.patches(magnitudes[verdict.source][None, None]))
        assert verdict.end == 310
        np.testing.assert_array_equal(verdict.gradient, wanted.gradients[0, 0])


def test_a_gap_is_never_judged_over(view: CriticView, clock: Clock, tmp_path: Path) -> None:
    ready(view, tmp_path)
    view.add(columns(0, FRAMES - 1))
    view.add(columns(FRAMES, FRAMES - 1))
    asked = list[int]()
    view.worker.submit = lambda patch: asked.append(patch.end)  # type: ignore[method-assign]
    for _ in range(3):
        clock.now_s += 1
        view.turn()
    assert asked == []
    view.add(columns(2 * FRAMES - 1, 1))
    clock.now_s += 1
    view.turn()
    assert asked == [2 * FRAMES]


def test_at_most_15_maps_a_second_are_asked_for(view: CriticView, clock: Clock, tmp_path: Path) -> None:
    ready(view, tmp_path)
    asked = list[int]()
    view.worker.submit = lambda patch: asked.append(patch.end)  # type: ignore[method-assign]
    for frame in range(300):  # 5 s of a window at 60 frames a second
        view.add(columns(3 * frame, 3, frame))
        clock.now_s += 1 / 60
        view.turn()
    assert 5 * MAPS_PER_S - 2 <= len(asked) <= 5 * MAPS_PER_S + 1


def test_what_is_missing_is_said_and_how_to_get_it(view: CriticView, tmp_path: Path) -> None:
    model = write_contract(tmp_path, SIGNAL)
    view.set_model(str(model))
    assert view.path is None
    assert "no critics beside tiny.onnx: advsep-export writes tiny.critics.onnx" in view.words
    view.set_model("no-such-model")
    assert "no model 'no-such-model'" in view.words
    other = write_critics(tmp_path / "other.critics.onnx", replace(SIGNAL, feature_scale=5.0), FRAMES, "another")
    view.set_file(other, str(model))
    view.set_signal(SIGNAL)
    until(lambda: view.worker.opened is not None)
    view.turn()
    assert "critics of another, whose signal path is another than that of the model that plays" in view.words
    (tmp_path / "bad.critics.onnx").write_bytes(b"no")
    view.set_file(tmp_path / "bad.critics.onnx", str(model))
    until(lambda: view.worker.opened is not None)
    assert view.turn() == []
    assert "bad.critics.onnx: expected critics written by advsep-export, found 2 bytes" in view.words
    ready(view, tmp_path)
    assert view.path == tmp_path / "bad.critics.onnx"  # given ones stay
    view.set_file(None, str(model))
    until(lambda: view.worker.opened is not None)
    view.turn()
    assert (view.path, view.words) == (tmp_path / "tiny.critics.onnx", "")


def test_a_cell_shows_the_mean_of_the_maps_it_lay_in() -> None:
    history, rng = History(SIGNAL.bands, 100), np.random.default_rng(3)
    history.append(columns(40, 60))
    first, second = (rng.standard_normal((SIGNAL.bands, FRAMES)).astype(np.float32) for _ in range(2))
    assert history.add_map(1, 60, first) == (52, 60)
    np.testing.assert_allclose(history.gradients(1, 52, 60), first.T, rtol=1e-4, atol=1e-6)
    assert np.isnan(history.gradients(1, 51, 52)).all()
    assert np.isnan(history.gradients(0, 52, 60)).all()
    history.add_map(1, 63, second)
    weight = [np.sin(np.pi * (i + 0.5) / FRAMES) ** 2 for i in range(FRAMES)]
    found = history.gradients(1, 52, 63)
    for column in range(52, 63):
        inside = [(m[:, column - s], weight[column - s]) for m, s in ((first, 52), (second, 55)) if 0 <= column - s < 8]
        wanted = sum(m * w for m, w in inside) / sum(w for _, w in inside)
        np.testing.assert_allclose(found[column - 52], wanted, rtol=1e-4, atol=1e-6)
    # A round later nothing of it is left, and what is no longer kept is not written.
    history.append(columns(100, 97))
    assert history.first == 97
    assert np.isnan(history.gradients(1, 97, 197)).all()
    assert history.add_map(1, 90, first) == (90, 90)


def test_colours_follow_the_strength_in_steps(view: CriticView) -> None:
    rng = np.random.default_rng(0)
    seen = set[float]()
    for step in range(200):
        view.follow_strength(0, (0.01 * (1 + 0.1 * np.sin(step)) * rng.standard_normal((64, 64))).astype(np.float32))
        seen.add(view.full_scale(0))
    assert len(seen) == 1
    assert view.full_scale(0) == pytest.approx(0.0258, rel=0.15)
    for _ in range(200):
        view.follow_strength(0, (0.1 * rng.standard_normal((64, 64))).astype(np.float32))
        seen.add(view.full_scale(0))
    assert len(seen) < 10
    assert view.full_scale(0) == pytest.approx(0.258, rel=0.5)
    assert view.full_scale(1) == 1.0
