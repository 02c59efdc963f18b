"""Batches: a function of seed and step, lanes that go on, levels and speeds within their ranges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from advsep.trainer.config import TrainConfig
from advsep.trainer.excerpts import past_samples
from advsep.trainer.pool import Sources
from advsep.trainer.remix import Batch, Remixer, batches
from advsep.trainer.tracks import Track

MakeTrack = Callable[..., Track]
MakeConfig = Callable[..., TrainConfig]
PLAIN = {"no_voice_probability": 0.0, "no_band_probability": 0.0, "swap_probability": 0.0}


def remixer(tracks: list[Track], config: TrainConfig) -> Remixer:
    return Remixer(Sources(tracks), config.signal.spec(), config)


def equal(one: Batch, other: Batch) -> bool:
    names = ("vocals", "accompaniment", "bandwidth_hz", "fresh")
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


@pytest.fixture
def songs(make_track: MakeTrack) -> list[Track]:
    return [make_track(seed=seed, name=f"song{seed}") for seed in range(3)]


def test_a_batch_follows_from_seed_and_step(songs: list[Track], tiny: MakeConfig) -> None:
    config = tiny(steps=12)
    through = list(batches(remixer(songs, config), config.steps, 0, 0))
    assert len(through) == 12
    for first in (1, 5, 11):
        for later, wanted in zip(batches(remixer(songs, config), config.steps, first, 0), through[first:], strict=True):
            assert equal(later, wanted)
    assert not equal(remixer(songs, tiny(seed=1))[0], through[0])


def test_worker_processes_make_the_same_batches(songs: list[Track], tiny: MakeConfig) -> None:
    config = tiny(steps=5)
    here = list(batches(remixer(songs, config), config.steps, 2, 0))
    there = list(batches(remixer(songs, config), config.steps, 2, 2))
    assert len(here) == len(there) == 3
    assert all(equal(a, b) for a, b in zip(here, there, strict=True))


@pytest.mark.parametrize("lookahead_frames", [0, 3])
def test_segments_of_a_lane_continue_each_other(songs: list[Track], tiny: MakeConfig, lookahead_frames: int) -> None:
    config = tiny(lanes=5, signal={"lookahead_frames": lookahead_frames})
    made, past = remixer(songs, config), past_samples(config.signal.spec())
    assert past == 256 - 64 + lookahead_frames * 64
    before = made[0]
    assert before.vocals.shape == (5, 1, past + 8 * 64)
    assert before.fresh.tolist() == [True, False, False, False, True]
    for step in range(1, 10):
        now = made[step]
        assert now.fresh.tolist() == [(step + lane) % 4 == 0 for lane in range(5)]
        for lane in range(5):
            for stem in ("vocals", "accompaniment"):
                joined = getattr(now, stem)[lane, :, :past]
                wanted = torch.zeros_like(joined) if now.fresh[lane] else getattr(before, stem)[lane, :, -past:]
                assert torch.equal(joined, wanted)
        before = now


def levels_db(samples: torch.Tensor) -> np.ndarray:
    return 10 * np.log10((samples.double() ** 2).mean((1, 2)).numpy())


def test_levels_and_ratios_are_within_their_ranges(make_track: MakeTrack, tiny: MakeConfig) -> None:
    # Steady tones, so that a segment is as loud as its excerpt.
    time_s = np.arange(32000) / 8000
    tones = [0.3 * np.sin(2 * np.pi * hz * time_s)[:, None] for hz in (440, 150)]
    config = tiny(
        lanes=200,
        excerpt_segments=1,
        segment_frames=64,
        remix={**PLAIN, "level_dbfs": (-30.0, -14.0), "voice_to_band_db": (-3.0, 5.0)},
    )
    batch = remixer([make_track(*tones)], config)[0]
    past = past_samples(config.signal.spec())
    band_db = levels_db(batch.accompaniment[..., past:])
    assert -30.1 <= band_db.min() < -28
    assert -16 < band_db.max() <= -13.9
    ratio_db = levels_db(batch.vocals[..., past:]) - band_db
    assert ratio_db.mean() == pytest.approx(-3, abs=1.5)
    assert ratio_db.std() == pytest.approx(5, abs=1)


def test_the_share_of_instrumentals_and_a_cappellas(songs: list[Track], tiny: MakeConfig) -> None:
    config = tiny(lanes=300, excerpt_segments=1, remix={"no_voice_probability": 0.3, "no_band_probability": 0.2})
    batch = remixer(songs, config)[0]
    no_voice, no_band = (~x.any(2).any(1) for x in (batch.vocals, batch.accompaniment))
    assert float(no_voice.float().mean()) == pytest.approx(0.3, abs=0.08)
    assert float(no_band.float().mean()) == pytest.approx(0.2, abs=0.07)
    assert not (no_voice & no_band).any()


@pytest.mark.parametrize("pair_probability", [0.0, 1.0])
@pytest.mark.parametrize("speed", [0.8, 1.0, 1.25])
def test_sound_and_bandwidth_move_with_the_speed(
    make_track: MakeTrack, tiny: MakeConfig, speed: float, pair_probability: float
) -> None:
    time_s = np.arange(80000) / 8000
    sine = 0.3 * np.sin(2 * np.pi * 2000 * time_s)[:, None]
    config = tiny(
        segment_frames=128,
        excerpt_segments=1,
        remix={**PLAIN, "speed_range": (speed, speed), "pair_probability": pair_probability},
    )
    batch = remixer([make_track(sine, sine, bandwidths_hz=(2100.0, 3000.0))], config)[0]
    assert batch.bandwidth_hz.tolist() == pytest.approx([2100 * speed] * 2)
    for stem in (batch.vocals, batch.accompaniment):
        sound = stem[0, 0, past_samples(config.signal.spec()) :].numpy()
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
        peak_hz = np.argmax(spectrum) * 8000 / len(sound)
        assert peak_hz == pytest.approx(2000 * speed, abs=3)
        assert peak_hz < batch.bandwidth_hz[0]


def test_a_true_pair_stays_in_step(make_track: MakeTrack, tiny: MakeConfig) -> None:
    noise = np.random.default_rng(0).standard_normal((32000, 1)) * 0.1
    batch = remixer([make_track(noise, noise)], tiny(remix={**PLAIN, "pair_probability": 1.0}))[0]
    for lane in range(2):
        a, b = batch.vocals[lane].ravel(), batch.accompaniment[lane].ravel()
        assert float(torch.corrcoef(torch.stack([a, b]))[0, 1]) > 0.9999


@pytest.mark.parametrize("model_channels", [1, 2])
@pytest.mark.parametrize("voice_channels", [1, 2])
def test_mono_and_stereo_fit_any_model(
    make_track: MakeTrack, make_stems: Callable[..., Any], tiny: MakeConfig, model_channels: int, voice_channels: int
) -> None:
    voice, _ = make_stems(4.0, channels=voice_channels)
    _, band = make_stems(4.0, channels=3 - voice_channels)
    config = tiny(signal={"channels": model_channels}, remix=PLAIN)
    batch = remixer([make_track(voice, band)], config)[0]
    assert batch.vocals.shape == batch.accompaniment.shape == (2, model_channels, 192 + 512)
    assert batch.vocals.any()
    if model_channels == 2:
        assert torch.equal(batch.vocals[:, 0], batch.vocals[:, 1])


def test_left_and_right_change_places(make_track: MakeTrack, tiny: MakeConfig) -> None:
    left = np.zeros((32000, 2), np.float32)
    left[:, 0] = np.random.default_rng(0).standard_normal(32000) * 0.1
    config = tiny(lanes=100, signal={"channels": 2}, remix={**PLAIN, "swap_probability": 0.5})
    batch = remixer([make_track(left, left)], config)[0]
    on_left = [stem.any(2)[:, 0].float().mean() for stem in (batch.vocals, batch.accompaniment)]
    assert [float(x) for x in on_left] == pytest.approx([0.5, 0.5], abs=0.15)


def test_short_tracks_are_padded(make_track: MakeTrack, make_stems: Callable[..., Any], tiny: MakeConfig) -> None:
    voice, band = make_stems(0.05)
    made = remixer([make_track(voice, band)], tiny(remix=PLAIN))
    for step in range(8):
        batch = made[step]
        assert batch.vocals.shape == (2, 1, 192 + 512)
        assert torch.isfinite(batch.vocals).all()


def test_silent_stems_stay_silent(make_track: MakeTrack, tiny: MakeConfig) -> None:
    silence = np.zeros((32000, 1), np.float32)
    batch = remixer([make_track(silence, silence)], tiny())[0]
    assert not batch.vocals.any()
    assert not batch.accompaniment.any()


def test_long_tracks_do_not_crowd_out_the_rest(make_track: MakeTrack, tiny: MakeConfig) -> None:
    def track(seconds: int, value: float) -> Track:
        constant = np.full((seconds * 8000, 1), value, np.float32)
        return make_track(constant, constant)

    config = tiny(lanes=200, excerpt_segments=1, remix={**PLAIN, "pair_probability": 1.0})
    batch = remixer([track(3000, 0.5), track(300, -0.5)], config)[0]
    assert float((batch.vocals.mean((1, 2)) > 0).float().mean()) == pytest.approx(0.5, abs=0.12)
