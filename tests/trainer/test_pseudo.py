"""A teacher's stems: what the whole song would give, piece by piece; and a student that learns from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from advsep.realtime.errors import AdvsepError
from advsep.trainer import pseudo as module
from advsep.trainer.config import TrainConfig
from advsep.trainer.live_unet import LiveUnet
from advsep.trainer.loop import Trainer
from advsep.trainer.pool import Sources
from advsep.trainer.pretrained import Pretrained, load_pretrained
from advsep.trainer.pseudo import pseudo_tracks
from advsep.trainer.recordings import Recording, load_recordings
from advsep.trainer.signal import SignalPath
from advsep.trainer.validation import separate
from random_models import write_random_model

MakeConfig = Callable[..., TrainConfig]


@pytest.fixture
def mixture(tmp_path: Path, make_stems: Callable[..., tuple[np.ndarray, np.ndarray]]) -> Recording:
    voice, band = make_stems(3.3)
    soundfile.write(tmp_path / "song.wav", voice + band, 8000, subtype="PCM_16")
    return load_recordings([tmp_path / "song.wav"], 8000, tmp_path / "cache")[0]


@pytest.fixture
def teacher(tiny: MakeConfig, tmp_path: Path, lookahead_frames: int) -> Pretrained:
    write_random_model(tiny(signal={"lookahead_frames": lookahead_frames}), tmp_path / "teacher.onnx")
    return load_pretrained(str(tmp_path / "teacher.onnx"))


@pytest.fixture(params=[0, 3])
def lookahead_frames(request: pytest.FixtureRequest) -> int:
    return request.param


def test_pieces_are_the_whole(
    mixture: Recording, teacher: Pretrained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIECE_S", 1.0)
    monkeypatch.setattr(module, "WARM_S", 0.64)
    (track,) = pseudo_tracks(teacher, [mixture], tmp_path / "guesses", tmp_path / "cache")
    spec = teacher.signal.spec()
    network = LiveUnet(spec, teacher.network)
    network.load_state_dict(teacher.weights)
    whole = torch.from_numpy(mixture.samples.T.astype(np.float32) / 32768)
    voice = separate(network.eval(), SignalPath(spec), whole[None])[0].numpy()
    assert track.vocals.shape == track.accompaniment.shape == mixture.samples.shape
    error = track.vocals.T / 32768 - voice
    # What the network remembers of more than 0.64 s ago is all that is missing.
    assert np.square(error).mean() < 1e-3 * np.square(voice).mean()
    both = track.vocals.astype(int) + track.accompaniment
    assert np.abs(both - mixture.samples).max() <= 2
    assert track.files.corpus == "pseudo"


@pytest.mark.parametrize("lookahead_frames", [0], indirect=True)
def test_what_is_there_is_not_made_again(mixture: Recording, teacher: Pretrained, tmp_path: Path) -> None:
    seen: list[Recording] = []
    (first,) = pseudo_tracks(teacher, [mixture], tmp_path / "guesses", tmp_path / "cache", seen.append)
    written = first.files.accompaniment.stat().st_mtime_ns
    (again,) = pseudo_tracks(teacher, [mixture], tmp_path / "guesses", tmp_path / "cache", seen.append)
    assert again.files.accompaniment.stat().st_mtime_ns == written
    assert seen == [mixture, mixture]
    other = dataclasses.replace(teacher, sha256="another")
    (new,) = pseudo_tracks(other, [mixture], tmp_path / "guesses", tmp_path / "cache")
    assert new.files.vocals != first.files.vocals


@pytest.mark.parametrize("lookahead_frames", [0], indirect=True)
def test_a_place_that_cannot_be_written_to(mixture: Recording, teacher: Pretrained, tmp_path: Path) -> None:
    (tmp_path / "guesses").write_text("a file")
    with pytest.raises(AdvsepError, match=r"cannot write what the teacher makes of song.wav: .*; free some space"):
        pseudo_tracks(teacher, [mixture], tmp_path / "guesses", tmp_path / "cache")


@pytest.mark.parametrize("lookahead_frames", [0], indirect=True)
def test_a_student_comes_to_agree_with_its_teacher(
    mixture: Recording, teacher: Pretrained, tiny: MakeConfig, tmp_path: Path
) -> None:
    tracks = pseudo_tracks(teacher, [mixture], tmp_path / "guesses", tmp_path / "cache")
    config = tiny(
        mode="self",
        steps=60,
        validate_every=30,
        optimiser={"learning_rate": 5e-3},
        remix={"pair_probability": 1.0, "pseudo_probability": 1.0},
    )
    (tmp_path / "run").mkdir()
    losses: list[float] = []
    trainer = Trainer(config, Sources([], pseudo=tracks), tracks, tmp_path / "run", workers=0)
    trainer.run(lambda now: losses.append(now.loss))
    assert losses[-1] < 0.6 * losses[0]
