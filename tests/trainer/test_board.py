"""What TensorBoard reads of a real run: curves, sounds, pictures; resumed, and with a full disk."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from advsep.trainer.adversary import Adversary
from advsep.trainer.board import Board
from advsep.trainer.board_excerpts import chosen_tracks, excerpt_of
from advsep.trainer.board_pictures import spectrogram_picture
from advsep.trainer.config import TrainConfig
from advsep.trainer.critic import Critic
from advsep.trainer.critic_view import critic_views
from advsep.trainer.live_unet import LiveUnet
from advsep.trainer.loop import Trainer
from advsep.trainer.pool import Sources
from advsep.trainer.progress import Progress
from advsep.trainer.recordings import Recording
from advsep.trainer.signal import SignalPath
from advsep.trainer.team import Team, make_fabric
from advsep.trainer.tracks import Track
from advsep.trainer.unpaired import UnpairedRecordings
from advsep.trainer.validation import separate
from full_disk import full_disk
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

MakeTrack = Callable[..., Track]
MakeConfig = Callable[..., TrainConfig]
SHOWN = ("a/song0", "b/song2")
CRITICS = {"lanes": 4, "patch_frames": 8, "warm_frames": 4, "critic_width": 4, "highest_hz": 3000.0}


def read(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"audio": 0, "images": 0, "scalars": 0}).Reload()


def curve(events: EventAccumulator, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in events.Scalars(tag)]


@pytest.fixture
def songs(make_track: MakeTrack) -> list[Track]:
    return [make_track(seed=seed, seconds=3.0, name=f"song{seed}", corpus="ab"[seed // 2]) for seed in range(3)]


@pytest.fixture
def recordings(make_stems: Callable[..., tuple[np.ndarray, np.ndarray]]) -> UnpairedRecordings:
    voice, band = make_stems(3.0, seed=5)
    parts = [(part / 2 * 32767).astype(np.int16) for part in (voice + band, voice, band)]
    return UnpairedRecordings(*([Recording(Path("x.wav"), part, 3900.0)] for part in parts))


def test_a_run_is_there_again(
    songs: list[Track], recordings: UnpairedRecordings, tiny: MakeConfig, tmp_path: Path
) -> None:
    """Every curve of every step; at validations sounds and pictures of one track of each corpus."""
    config = tiny(mode="joint", adversarial=CRITICS, remix={"pair_probability": 1.0})
    trainer = Trainer(config, Sources(songs), songs, tmp_path, workers=0, unpaired=recordings)
    board = Board(tmp_path / "tensorboard")
    told: list[Progress] = []
    path = trainer.path
    voices: list[np.ndarray] = []

    def on_step(now: Progress) -> None:
        told.append(now)
        board.step(now)
        if now.scores is not None:
            averaged = trainer.averaged
            board.validation(now.step, averaged, path, songs, config, trainer.adversary)
            mixture = excerpt_of(songs[2], path.spec).mixture
            voices.append(separate(averaged, path, torch.from_numpy(mixture)[None])[0].numpy())

    trainer.run(on_step)
    board.close()
    events = read(tmp_path / "tensorboard")
    assert curve(events, "train/loss") == [(now.step, pytest.approx(now.loss)) for now in told]
    rates = [(now.step, pytest.approx(now.learning_rate)) for now in told]
    assert curve(events, "train/learning_rate") == rates
    assert [step for step, _ in curve(events, "speed/waiting_share")] == [1, 2, 3, 4, 5, 6]
    seen = [(now.step, pytest.approx(now.distances["voice"], abs=1e-6)) for now in told]
    assert curve(events, "critics/voice") == seen
    gains = [(now.step, pytest.approx(now.scores[2].gain_db)) for now in told if now.scores]
    assert curve(events, "validation/b/song2_db") == gains
    assert [step for step, _ in curve(events, "validation/gain_db")] == [3, 6]

    sounds = events.Tags()["audio"]
    assert sorted(sounds) == [f"{song}/{what}" for song in SHOWN for what in ("accompaniment", "mixture", "voice")]
    assert [event.step for event in events.Audio("b/song2/mixture")] == [3]
    for event, voice in zip(events.Audio("b/song2/voice"), voices, strict=True):
        samples, rate_hz = soundfile.read(io.BytesIO(event.encoded_audio_string), dtype="float32")
        assert (rate_hz, event.content_type, event.length_frames) == (8000, "audio/wav", 24000)
        assert np.abs(samples - np.clip(voice[0], -1, 1)).max() <= 1 / 32768
    pictures = events.Tags()["images"]
    of = ("critic_accompaniment", "critic_both", "critic_voice", "spectrogram")
    assert sorted(pictures) == [f"{song}/{what}" for song in SHOWN for what in of]
    for tag in pictures:
        assert [event.step for event in events.Images(tag)] == [3, 6]
        event = events.Images(tag)[0]
        image = Image.open(io.BytesIO(event.encoded_image_string)).convert("RGB")
        assert image.size == (event.width, event.height)
        assert len(np.unique(np.asarray(image).reshape(-1, 3), axis=0)) > 50


def at(step: int, loss: float) -> Progress:
    return Progress(step, loss, 1e-3, 10.0, 0.1)


def test_a_resumed_run_is_cut_back(tmp_path: Path) -> None:
    for from_step, loss in ((0, 1.0), (3, 0.5)):
        board = Board(tmp_path, from_step)
        for step in range(from_step + 1, 7 - from_step // 3):
            board.step(at(step, loss))
        board.close()
    assert curve(read(tmp_path), "train/loss") == [(1, 1.0), (2, 1.0), (3, 1.0), (4, 0.5), (5, 0.5)]


def test_what_only_makes_up_for_a_validation_is_no_point_of_a_curve(tmp_path: Path) -> None:
    board = Board(tmp_path, 3)
    board.step(Progress(3, float("nan"), 0.0, 0.0, 0.0, []))
    board.step(at(4, 0.5))
    board.close()
    events = read(tmp_path)
    assert curve(events, "train/learning_rate") == [(4, pytest.approx(1e-3))]
    assert "validation/gain_db" not in events.Tags()["scalars"]  # nan: no held-out track has a voice


def test_a_full_disk_is_told_once(tmp_path: Path) -> None:
    """The kernel refuses to let the file grow, as a full disk does."""
    warned: list[str] = []
    board = Board(tmp_path / "b", warn=warned.append)
    board.step(at(1, 1.0))
    (size,) = [file.stat().st_size for file in (tmp_path / "b").iterdir()]
    with full_disk(size + 100):
        for step in range(2, 9):
            board.step(at(step, 1.0))
        board.close()
    assert warned == [f"{tmp_path / 'b'}: cannot be written: File too large; the run goes on without TensorBoard"]
    assert curve(read(tmp_path / "b"), "train/loss") == [(1, 1.0)]
    (tmp_path / "file").write_text("in the way")
    Board(tmp_path / "file" / "b", warn=warned.append).step(at(1, 1.0))
    assert len(warned) == 2
    assert "Not a directory" in warned[1]


def test_a_gradient_tells_how_the_score_changes(songs: list[Track], tiny: MakeConfig) -> None:
    config = tiny(mode="semi", adversarial=CRITICS, signal={"lookahead_frames": 2})
    spec = config.signal.spec()
    path = SignalPath(spec)
    torch.manual_seed(0)
    network = LiveUnet(spec, config.network).eval()
    adversary = Adversary(spec, config, path, Team(make_fabric(config.precision)))
    excerpt = excerpt_of(songs[0], spec)
    views = critic_views(adversary, config, network, path, excerpt)
    assert set(views) == {"voice", "accompaniment"}
    view = views["voice"]
    assert view.estimate.shape == view.gradient.shape == (1, 32, 8)
    assert view.estimate.max() > 0.1
    # By differences, in double, of a critic of the same weights.
    critic = Critic(32, 8, 1, 4).double()
    critic.load_state_dict({name: w.double() for name, w in adversary.state()["voice"]["critic"].items()})
    patch = torch.from_numpy(view.estimate)[None].double()
    assert critic(patch).item() == pytest.approx(view.score, rel=1e-4)
    for band, frame in ((3, 0), (10, 7), (20, 4)):
        step = torch.zeros_like(patch)
        step[0, 0, band, frame] = 1e-4
        slope = float((critic(patch + step) - critic(patch - step)).item() / 2e-4)
        assert view.gradient[0, band, frame] == pytest.approx(slope, rel=0.02, abs=1e-6)
    # Nothing to see in less than a patch.
    short = type(excerpt)(excerpt.vocals[:, :400], excerpt.mixture[:, :400], 3800.0)
    assert critic_views(adversary, config, network, path, short) == {}


def test_the_excerpt_is_where_the_voice_is(make_track: MakeTrack, tiny: MakeConfig) -> None:
    rng = np.random.default_rng(0)
    voice = 0.001 * rng.standard_normal((30 * 8000, 1))
    voice[17 * 8000 : 25 * 8000] *= 100
    track = make_track(voice, 0.1 * np.ones_like(voice))
    excerpt = excerpt_of(track, tiny().signal.spec())
    assert excerpt.vocals.shape == (1, 80000)
    assert np.abs(excerpt.vocals).max(0).reshape(-1, 4000).mean(1).argsort()[:4].max() < 20
    assert (np.abs(excerpt.vocals[0]) > 0.02).sum() > 0.75 * 64000
    np.testing.assert_allclose(excerpt.mixture - excerpt.vocals, np.float32(3276 / 32768), atol=1e-6)
    tracks = [make_track(seconds=1.0, name=name, corpus=name[0]) for name in ("a1", "a2", "b1", "c1")]
    assert [track.files.name for track in chosen_tracks(tracks)] == ["a1", "b1"]
    assert [track.files.name for track in chosen_tracks(tracks[:2])] == ["a1", "a2"]


def test_a_tone_is_a_line_at_its_band(tiny: MakeConfig) -> None:
    path = SignalPath(tiny().signal.spec())
    tone = np.sin(2 * np.pi * 250 * np.arange(8000) / 8000, dtype=np.float32)[None]
    picture: Any = spectrogram_picture({"tone": tone}, path).astype(int).sum(2)
    assert picture.shape[0] == 160 + 18  # 32 bands of 5 rows and a label
    loudest = picture[18:, 100:120].mean(1).argmax() // 5
    assert 31 - loudest == 8  # of bins of 31.25 Hz
