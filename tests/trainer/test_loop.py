"""The loop: it learns, stops and goes on as if nothing had happened."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from advsep.realtime.bands import interpolation_weights
from advsep.realtime.errors import AdvsepError
from advsep.trainer import loop as module
from advsep.trainer.checkpoint import averaged_network, load_checkpoint
from advsep.trainer.config import OptimiserConfig, TrainConfig
from advsep.trainer.loop import Progress, Trainer, TrainingStoppedError, learning_rate, resumed
from advsep.trainer.pool import Sources
from advsep.trainer.signal import SignalPath
from advsep.trainer.tracks import Track
from advsep.trainer.validation import TrackScore, score_track

MakeTrack = Callable[..., Track]
MakeConfig = Callable[..., TrainConfig]


@pytest.fixture
def songs(make_track: MakeTrack) -> list[Track]:
    return [make_track(seed=seed, name=f"song{seed}") for seed in range(2)]


def train(config: TrainConfig, songs: list[Track], folder: Path, valid: list[Track] | None = None) -> list[Progress]:
    folder.mkdir(exist_ok=True)
    steps: list[Progress] = []
    Trainer(config, Sources(songs), songs[:1] if valid is None else valid, folder, workers=0).run(steps.append)
    return steps


def equal_runs(one: Path, other: Path) -> None:
    a, b = load_checkpoint(one), load_checkpoint(other)
    for part in ("network", "averaged"):
        for name, weight in getattr(a, part).items():
            assert torch.equal(weight, getattr(b, part)[name]), (part, name)
    for index, state in a.optimiser["state"].items():
        for name, value in state.items():
            assert torch.equal(value, b.optimiser["state"][index][name])
    assert all(torch.equal(x, y) for x, y in zip(a.carried, b.carried, strict=True))
    assert (a.step, a.audio_seconds, a.best_gain_db) == (b.step, b.audio_seconds, b.best_gain_db)
    assert a.validation_gain_db == b.validation_gain_db


@pytest.mark.parametrize("lookahead_frames", [0, 2])
def test_it_learns_one_song(make_track: MakeTrack, tiny: MakeConfig, tmp_path: Path, lookahead_frames: int) -> None:
    config = tiny(
        steps=120,
        validate_every=1000,
        segment_frames=32,
        lanes=4,
        signal={"lookahead_frames": lookahead_frames},
        optimiser={"learning_rate": 0.02},
        remix={"pair_probability": 1.0, "no_voice_probability": 0.0, "no_band_probability": 0.0},
    )
    song = make_track(seed=1)
    steps = train(config, [song], tmp_path / "run", [song])
    losses = [step.loss for step in steps]
    assert losses[-1] < 0.35 * losses[0]
    (score,) = steps[-1].scores or []
    assert score.gain_db > 6
    best = load_checkpoint(tmp_path / "run" / "best.ckpt")
    again = score_track(averaged_network(best), SignalPath(config.signal.spec()), song, 1.0)
    assert again.vocals_db == pytest.approx(score.vocals_db, abs=1e-4)


def test_lookahead_compares_each_mask_with_the_frame_it_is_for(
    songs: list[Track], tiny: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the loss sees of each lane, joined over segments, is the whole excerpt, three frames late."""
    ahead, seen, features = 3, [], []
    alone = {"no_voice_probability": 0.0, "no_band_probability": 1.0}
    config = tiny(lanes=1, signal={"lookahead_frames": ahead}, remix=alone)
    real_features = SignalPath.features
    monkeypatch.setattr(SignalPath, "features", lambda p, s: (features.append(s), real_features(p, s))[1])
    real = module.masked_sound
    monkeypatch.setattr(module, "masked_sound", lambda m, s, p: (seen.append(s.abs().square()), real(m, s, p))[1])
    folder = tmp_path / "run"
    folder.mkdir()
    trainer = Trainer(config, Sources(songs), [], folder, workers=0)
    trainer.run(lambda _: None)
    path = SignalPath(config.signal.spec())
    excerpt = trainer._remixer._excerpt(0, 0)  # pyright: ignore[reportPrivateUsage]
    spectra = path.analyse(torch.from_numpy(excerpt.vocals[None].copy()))
    power = spectra.abs().square()[..., :16]
    late = torch.cat(seen[:4], 2)[..., :16]
    assert late.shape[2] == 32
    assert not late[:, :, :ahead].any()
    # The excerpt's padding holds the frames of its own silence first.
    assert torch.allclose(late, power[:, :, : late.shape[2]], rtol=1e-4, atol=1e-6)
    assert late[:, :, ahead:].any()
    assert torch.equal(torch.cat(features[:4], 2), spectra[:, :, ahead:])


def test_lanes_take_native_rates_in_turn(
    songs: list[Track], tiny: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[np.ndarray] = []
    real = module.masked_sound
    lanes: list[int] = []
    watch = lambda m, s, p: (seen.append(p.masking.weight), lanes.append(len(m)), real(m, s, p))[2]  # noqa: E731
    monkeypatch.setattr(module, "masked_sound", watch)
    config = tiny(steps=2, lanes=3, signal={"native_rates_hz": (8712, 8000)})
    train(config, songs, tmp_path / "run")
    spec = config.signal.spec()
    wanted = [interpolation_weights(spec, hz)[1] for hz in (8000, 8712, 8000, 8712)]
    assert np.allclose(seen, wanted, atol=1e-6)
    assert not np.allclose(seen[0], seen[1], atol=0.1)
    assert lanes == [2, 1, 2, 1]


def test_what_is_done_by_rate_comes_back_in_the_order_of_lanes(
    songs: list[Track], tiny: MakeConfig, tmp_path: Path
) -> None:
    config = tiny(lanes=5, signal={"native_rates_hz": (8712, 8000)})
    trainer = Trainer(config, Sources(songs), [], tmp_path, workers=0)
    batch = trainer._remixer[0]  # pyright: ignore[reportPrivateUsage]
    assert batch.rate_hz.tolist() == [8000, 8712, 8000, 8712, 8000]
    numbers = torch.arange(5)
    by_rate = trainer._by_rate(batch, lambda _, of_rate: numbers[of_rate])  # pyright: ignore[reportPrivateUsage]
    assert torch.equal(by_rate, numbers)


@pytest.mark.parametrize("stop_at", [1, 3, 4, 5])
def test_stopped_and_resumed_is_uninterrupted(
    songs: list[Track], tiny: MakeConfig, tmp_path: Path, stop_at: int
) -> None:
    config = tiny(optimiser={"matrix_factor": 20.0})
    train(config, songs, tmp_path / "whole")
    folder = tmp_path / "parts"
    folder.mkdir()

    def stop(now: Progress) -> None:
        if now.step == stop_at:
            raise KeyboardInterrupt

    with pytest.raises(TrainingStoppedError):
        Trainer(config, Sources(songs), songs[:1], folder, workers=0).run(stop)
    start = load_checkpoint(folder / "last.ckpt")
    assert start.step == stop_at
    assert (start.validation_gain_db is not None) == (stop_at == 3)
    done: list[int] = []
    Trainer(start.config, Sources(songs), songs[:1], folder, start, workers=0).run(lambda now: done.append(now.step))
    assert done == list(range(stop_at + 1, 7))
    for name in ("last.ckpt", "best.ckpt"):
        equal_runs(tmp_path / "whole" / name, folder / name)


def test_resuming_twice_from_one_checkpoint_is_the_same(songs: list[Track], tiny: MakeConfig, tmp_path: Path) -> None:
    train(tiny(steps=3), songs, tmp_path / "start")
    start = resumed(load_checkpoint(tmp_path / "start" / "last.ckpt"), 6)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Trainer(start.config, Sources(songs), [], tmp_path / name, start, workers=0).run(lambda _: None)
    equal_runs(tmp_path / "a" / "last.ckpt", tmp_path / "b" / "last.ckpt")


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_waits_for_the_step(
    songs: list[Track], tiny: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a step, after the network has run and before the optimiser has."""
    config, real, calls = tiny(), module.sound_loss, []
    train(config, songs, tmp_path / "whole")

    def pressed(*arguments: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        if len(calls) == 2:
            press_ctrl_c()
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "sound_loss", pressed)
    folder = tmp_path / "parts"
    folder.mkdir()
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(TrainingStoppedError):
        Trainer(config, Sources(songs), songs[:1], folder, workers=0).run(lambda _: None)
    assert signal.getsignal(signal.SIGINT) is before
    start = load_checkpoint(folder / "last.ckpt")
    assert start.step == 2
    Trainer(start.config, Sources(songs), songs[:1], folder, start, workers=0).run(lambda _: None)
    equal_runs(tmp_path / "whole" / "last.ckpt", folder / "last.ckpt")


def test_a_second_ctrl_c_stops_at_once_and_saves_nothing(
    songs: list[Track], tiny: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice(*_: torch.Tensor) -> torch.Tensor:
        press_ctrl_c()
        press_ctrl_c()
        raise AssertionError("not reached")

    monkeypatch.setattr(module, "sound_loss", twice)
    with pytest.raises(KeyboardInterrupt) as caught:
        Trainer(tiny(), Sources(songs), [], tmp_path, workers=0).run(lambda _: None)
    assert not isinstance(caught.value, TrainingStoppedError)
    assert not list(tmp_path.glob("*.ckpt*"))


@pytest.mark.parametrize("stop_at", [3, 6])
def test_a_validation_cut_short_is_made_up_for(
    songs: list[Track], tiny: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    config, real = tiny(), module.score_track
    train(config, songs, tmp_path / "whole", songs)
    folder = tmp_path / "parts"
    folder.mkdir()
    scored: list[str] = []

    def pressed(network: object, path: object, track: Track, seconds: float) -> TrackScore:
        scored.append(track.files.name)
        if len(scored) == (1 if stop_at == 3 else 3):
            press_ctrl_c()
        return real(network, path, track, seconds)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "score_track", pressed)
    with pytest.raises(TrainingStoppedError):
        Trainer(config, Sources(songs), songs, folder, workers=0).run(lambda _: None)
    monkeypatch.undo()
    start = load_checkpoint(folder / "last.ckpt")
    assert (start.step, start.validation_gain_db) == (stop_at, None)
    steps: list[Progress] = []
    Trainer(start.config, Sources(songs), songs, folder, start, workers=0).run(steps.append)
    assert [now.step for now in steps] == list(range(stop_at, 7))
    assert len(steps[0].scores or []) == 2
    assert math.isnan(steps[0].loss)
    for name in ("last.ckpt", "best.ckpt"):
        equal_runs(tmp_path / "whole" / name, folder / name)


def test_the_best_checkpoint_is_that_of_the_best_validation(
    songs: list[Track], tiny: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gains = iter([1.0, 5.0, 3.0, 4.5])

    def score(*_: object) -> TrackScore:
        return TrackScore("t", "c", next(gains), 0.0, 0.0, 0.0)

    monkeypatch.setattr(module, "score_track", score)
    train(tiny(steps=4, validate_every=2), songs, tmp_path)
    assert load_checkpoint(tmp_path / "best.ckpt").step == 4
    start = resumed(load_checkpoint(tmp_path / "last.ckpt"), 8)
    Trainer(start.config, Sources(songs), songs[:1], tmp_path, start, workers=0).run(lambda _: None)
    best, last = load_checkpoint(tmp_path / "best.ckpt"), load_checkpoint(tmp_path / "last.ckpt")
    assert (best.step, best.best_gain_db, best.validation_gain_db) == (4, 5.0, 5.0)
    assert (last.step, last.best_gain_db, last.validation_gain_db) == (8, 5.0, 4.5)


def test_it_stops_when_validations_get_no_better(songs: list[Track], tiny: MakeConfig, tmp_path: Path) -> None:
    """Weights that hardly move: the first validation is the best one, by a hair's breadth at most."""
    config = tiny(steps=20, validate_every=2, patience_validations=3, optimiser={"learning_rate": 1e-30})
    frozen = replace(config, optimiser=replace(config.optimiser, weight_decay=0.0))
    steps = train(frozen, songs, tmp_path / "run")
    last = load_checkpoint(tmp_path / "run" / "last.ckpt")
    best = load_checkpoint(tmp_path / "run" / "best.ckpt")
    assert last.step == steps[-1].step == best.step + 6 < 20
    assert (last.stale_validations, best.stale_validations) == (3, 0)
    start = replace(last, config=replace(last.config, patience_validations=4))
    more: list[int] = []
    Trainer(start.config, Sources(songs), songs[:1], tmp_path / "run", start, workers=0).run(
        lambda now: more.append(now.step)
    )
    assert more == [last.step + 1, last.step + 2]


@pytest.mark.parametrize("held_out", ["none", "silent"])
def test_without_a_held_out_voice_the_latest_is_the_best(
    songs: list[Track], make_track: MakeTrack, tiny: MakeConfig, tmp_path: Path, held_out: str
) -> None:
    silence = np.zeros((8000, 1), np.float32)
    valid = [] if held_out == "none" else [make_track(silence, silence + 0.1)]
    train(tiny(), songs, tmp_path, valid)
    best = load_checkpoint(tmp_path / "best.ckpt")
    assert (best.step, best.best_gain_db, best.validation_gain_db) == (6, None, None)


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_a_loss_that_is_not_finite_is_an_error_that_says_what_to_do(
    songs: list[Track], tiny: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    real, calls = module.sound_loss, []

    def diverging(*arguments: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        loss = real(*arguments)  # type: ignore[arg-type]
        if len(calls) < 5:
            return loss
        return loss * math.nan if what == "loss" else loss + (arguments[0].sum() * 0).sqrt()

    monkeypatch.setattr(module, "sound_loss", diverging)
    with pytest.raises(AdvsepError, match=r"at step 4: train anew with a lower learning_rate, or go on from .*last"):
        train(tiny(), songs, tmp_path)
    kept = load_checkpoint(tmp_path / "last.ckpt")
    assert kept.step == 3
    assert all(torch.isfinite(w).all() for w in kept.network.values())


def test_nothing_to_learn_from(tiny: MakeConfig, tmp_path: Path, songs: list[Track]) -> None:
    with pytest.raises(AdvsepError, match="no tracks to learn from"):
        Trainer(tiny(), Sources([]), songs, tmp_path)


def test_the_learning_rate_warms_up_holds_and_falls_to_zero() -> None:
    config = OptimiserConfig(learning_rate=2.0, warmup_steps=10, decay_fraction=0.25)
    rates = [learning_rate(step, 100, config) for step in range(100)]
    assert rates[:10] == pytest.approx([0.2 * (i + 1) for i in range(10)])
    assert rates[9:76] == pytest.approx([2.0] * 67)
    assert rates[75:] == pytest.approx([2.0 * (100 - i) / 25 for i in range(75, 100)])
    assert learning_rate(100, 100, config) == 0
    none = OptimiserConfig(learning_rate=1.0, warmup_steps=0, decay_fraction=0.0)
    assert [learning_rate(step, 5, none) for step in range(5)] == [1.0] * 5


def test_progress_reports_every_step(songs: list[Track], tiny: MakeConfig, tmp_path: Path) -> None:
    steps = train(tiny(), songs, tmp_path)
    assert [s.step for s in steps] == [1, 2, 3, 4, 5, 6]
    assert [s.scores is not None for s in steps] == [False, False, True, False, False, True]
    assert all(0 <= s.waiting <= 1 and s.audio_speed > 0 and math.isfinite(s.loss) for s in steps)
    assert load_checkpoint(tmp_path / "last.ckpt").audio_seconds == pytest.approx(6 * 2 * 8 * 64 / 8000)


def test_fabric_does_not_talk(tiny: MakeConfig, songs: list[Track], tmp_path: Path, capfd: object) -> None:
    Trainer(tiny(precision="bf16-mixed"), Sources(songs), [], tmp_path, workers=0)
    out, err = capfd.readouterr()  # type: ignore[attr-defined]
    assert (out, err) == ("", "")
