"""Columns: what they show, recomputed by a slower way; gaps, other layouts, and no engine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from advsep.gui.columns import FLOOR_DB, ColumnDecoder, ColumnFollower, SignalFinder, mean_magnitude
from advsep.realtime.masking import BandMasking
from advsep.realtime.spec import SignalSpec
from advsep.realtime.windows import analysis_window
from fed_session import SIGNAL, FedSession, write_contract


@pytest.fixture
def fed(qapp: object, tmp_path: Path) -> Iterator[FedSession]:
    session = FedSession(tmp_path)
    yield session
    session.close()


def full_scale(signal: SignalSpec) -> float:
    """|X| of a sine of amplitude 1 whose frequency is a bin's, by its DFT."""
    n, k = signal.window_samples, signal.window_samples // 8
    window = analysis_window(n, signal.synthesis_samples, signal.taper_samples)
    return abs(sum(window[i] * math.cos(2 * math.pi * k * i / n) * np.exp(-2j * np.pi * k * i / n) for i in range(n)))


def rows(signal: SignalSpec, magnitudes: np.ndarray, masks: np.ndarray) -> np.ndarray:
    features = np.log1p(magnitudes * signal.feature_scale)
    return np.concatenate([features.reshape(len(masks), -1), masks.reshape(len(masks), -1)], 1).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2])
def test_pictures_are_the_mixture_times_the_masks(channels: int) -> None:
    signal = replace(SIGNAL, channels=channels)
    rng = np.random.default_rng(channels)
    magnitudes = rng.exponential(5.0, (4, channels, signal.bands))
    masks = rng.uniform(0, 1, magnitudes.shape)
    columns = ColumnDecoder(signal).decode(70, rows(signal, magnitudes, masks))
    assert columns is not None
    assert columns.position == 70
    assert columns.levels_db.shape == (3, 4, signal.bands)
    zero_db = full_scale(signal)
    for frame in range(4):
        for band in range(signal.bands):
            mixture = math.sqrt(sum(magnitudes[frame, c, band] ** 2 for c in range(channels)))
            share = sum(masks[frame, c, band] for c in range(channels)) / channels
            wanted = [20 * math.log10(mixture * part / zero_db) for part in (1.0, share, 1.0 - share)]
            np.testing.assert_allclose(columns.levels_db[:, frame, band], wanted, atol=2e-3)
            assert columns.estimates[:, frame, band].sum() == pytest.approx(
                mean_magnitude(magnitudes[frame : frame + 1])[0, band], rel=1e-5
            )


def test_a_level_is_the_mean_square_of_left_and_right() -> None:
    """From spectra, through the engine's own features; in bands of one bin it is exact."""
    rng = np.random.default_rng(5)
    shape = (3, 2, SIGNAL.bins)
    spectra = ((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) * 20).astype(np.complex64)
    features = np.zeros((2, 3, SIGNAL.bands), np.float32)
    BandMasking(SIGNAL).features(spectra, features)
    data = np.concatenate([features.swapaxes(0, 1).reshape(3, -1), np.full((3, 2 * SIGNAL.bands), 0.5)], 1)
    columns = ColumnDecoder(SIGNAL).decode(0, data.astype(np.float32))
    assert columns is not None
    power = (np.abs(spectra.astype(complex)) ** 2).mean(1)[:, :32]
    wanted = 10 * np.log10(power) - 20 * math.log10(full_scale(SIGNAL))
    np.testing.assert_allclose(columns.levels_db[0, :, :32], wanted, atol=5e-3)


def test_silence_and_skipped_hops_are_at_the_floor() -> None:
    columns = ColumnDecoder(SIGNAL).decode(0, np.zeros((2, 4 * SIGNAL.bands), np.float32))
    assert columns is not None
    assert columns.levels_db == pytest.approx(FLOOR_DB)


def test_with_look_ahead_a_mask_meets_the_features_that_it_is_for() -> None:
    signal = replace(SIGNAL, lookahead_frames=3)
    rng = np.random.default_rng(2)
    magnitudes = rng.exponential(5.0, (20, 2, signal.bands))
    masks = rng.uniform(0.1, 0.9, magnitudes.shape)
    data = rows(signal, magnitudes, masks)
    plain = ColumnDecoder(SIGNAL).decode(0, rows(SIGNAL, magnitudes[:-3], masks[3:]))
    assert plain is not None
    decoder, levels = ColumnDecoder(signal), list[np.ndarray]()
    at = 0
    for count in (1, 1, 2, 7, 1, 8):
        columns = decoder.decode(100 + at, data[at : at + count])
        at += count
        if columns is not None:
            assert columns.position == 100 + sum(each.shape[1] for each in levels)
            levels.append(columns.levels_db)
    np.testing.assert_allclose(np.concatenate(levels, 1), plain.levels_db, atol=1e-4)
    # After a gap the features before it meet nothing any more.
    assert decoder.decode(500, data[:3]) is None
    columns = decoder.decode(503, data[3:5])
    assert columns is not None
    assert columns.position == 500
    np.testing.assert_allclose(columns.levels_db, plain.levels_db[:, :2], atol=1e-4)


def test_the_mean_of_left_and_right_over_all_angles() -> None:
    angles = np.exp(2j * np.pi * (np.arange(4096) + 0.5) / 4096)
    for side in (0.0, 0.2, 0.7, 1.0, 3.0):
        wanted = (np.abs(1 + side * angles) + np.abs(1 - side * angles)).mean() / 2
        found = mean_magnitude(np.array([[[1.0], [side]]], np.float32))
        assert found[0, 0] == pytest.approx(wanted, rel=0.02)


def test_a_follower_gets_each_column_once_and_says_what_it_lost(fed: FedSession) -> None:
    follower = ColumnFollower(lambda _layout: SIGNAL)
    assert follower.read(fed.telemetry) == []
    magnitudes, masks = fed.feed_noise(7, 1)
    (columns,) = follower.read(fed.telemetry)
    wanted = ColumnDecoder(SIGNAL).decode(0, rows(SIGNAL, magnitudes, masks))
    assert wanted is not None
    assert columns.position == 0
    np.testing.assert_allclose(columns.levels_db, wanted.levels_db, atol=1e-3)
    assert follower.read(fed.telemetry) == []
    assert fed.laid_out is not None
    capacity = fed.laid_out.columns_capacity
    for seed in range(3):
        fed.feed_noise(capacity // 2, seed)
    (columns,) = follower.read(fed.telemetry)
    assert follower.lost > 0
    assert columns.position == 7 + follower.lost
    assert columns.position + columns.levels_db.shape[1] == 7 + 3 * (capacity // 2)


def test_a_follower_goes_over_to_another_layout_and_another_engine(fed: FedSession) -> None:
    follower = ColumnFollower(lambda layout: None if layout.model == "unknown" else SIGNAL)
    follower.read(fed.telemetry)
    fed.feed_noise(3, 1)
    assert len(follower.read(fed.telemetry)) == 1
    assert follower.changes == 1
    fed.lay_out("other", 48000)
    fed.feed_noise(2, 3)
    (columns,) = follower.read(fed.telemetry)
    assert follower.layout is not None
    assert (follower.layout.rate_hz, follower.changes, columns.levels_db.shape[1]) == (48000, 2, 2)
    fed.lay_out("unknown")
    fed.feed_noise(2, 3)
    assert follower.read(fed.telemetry) == []
    assert follower.layout is None
    assert follower.read(None) == []


def test_a_signal_is_that_of_the_model_which_plays(fed: FedSession, tmp_path: Path) -> None:
    assert fed.laid_out is not None
    finder = SignalFinder()
    model = fed.settings.model
    assert finder.find(fed.laid_out, model) == SIGNAL
    assert finder.find(replace(fed.laid_out, model="another"), model) is None
    assert finder.find(replace(fed.laid_out, hop_samples=512), model) is None
    assert finder.find(fed.laid_out, str(tmp_path / "gone.onnx")) is None
    assert "gone.onnx: no such model file" in finder.error
    other = write_contract(tmp_path, replace(SIGNAL, feature_scale=9.0), "tiny2")
    assert finder.find(replace(fed.laid_out, model="tiny2"), str(other)) == replace(SIGNAL, feature_scale=9.0)
    assert finder.error == ""
