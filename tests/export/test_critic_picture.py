"""`advsep-live --critics`: arrays that are the critics' own words, a picture of them, and words where it fails."""

from __future__ import annotations

import io
import itertools
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
import soundfile
import torch
from advsep.export.critic import write_critics
from advsep.realtime import critic_figure
from advsep.realtime.critic_figure import draw_picture
from advsep.realtime.critic_map import CriticSession, CriticSpec
from advsep.realtime.critic_maps import CriticPicture
from advsep.realtime.demo import demo_song
from advsep.realtime.model import read_model_spec
from advsep.realtime.registry import find_model
from advsep.realtime.windows import analysis_window
from advsep.trainer.critic import Critic

Run = Callable[..., Any]
CLICK_S = 1.0


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled one, with critics of random weights beside it."""
    path = tmp_path_factory.mktemp("model") / "mine.onnx"
    shutil.copyfile(find_model("live-12"), path)
    spec, critics = read_model_spec(path), dict[str, Critic]()
    for seed, source in enumerate(("voice", "accompaniment")):
        random = torch.Generator().manual_seed(seed)
        critics[source] = Critic(spec.signal.bands, 64, 1, 4).requires_grad_(False).eval()
        for weight in critics[source].parameters():
            size = 1.5 / weight[0].numel() ** 0.5 if weight.dim() > 1 else 0.3
            weight.data.normal_(0, size, generator=random)
    contract = CriticSpec(
        name=spec.name,
        sources=("voice", "accompaniment"),
        signal=spec.signal,
        frames=64,
        highest_hz=22050.0,
        weights_licence="CC0-1.0",
        commit="abc",
        checkpoint_sha256="12",
    )
    write_critics(critics, contract, path.with_suffix(".critics.onnx"))
    return path


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of the demo song behind as much silence, and a click in that."""
    sound = np.concatenate([np.zeros((2 * 44100, 2), np.float32), demo_song().mixture[3 * 44100 : 5 * 44100]])
    sound[round(CLICK_S * 44100)] = 0.5
    path = tmp_path_factory.mktemp("song") / "song.wav"
    soundfile.write(path, sound, 44100, subtype="FLOAT")
    return path


def test_the_archive_is_what_the_critics_say_of_the_same_patches(
    program: Run, model: Path, song: Path, tmp_path: Path
) -> None:
    target = tmp_path / "new" / "said.npz"
    ended = program("advsep-live", "-i", song, "--model", model, "--critics", target, "--start", "0.5", "--seconds", 3)
    assert (ended.code, ended.out) == (0, ""), ended.err
    assert ended.err == f"wrote {target}\n"
    assert [path.name for path in target.parent.iterdir()] == ["said.npz"]
    said, session = dict(np.load(target)), CriticSession(model.with_suffix(".critics.onnx"))
    frames, bands = len(said["times_s"]), len(said["freq_hz"])
    assert (frames, bands) == (3 * 44100 // 256, 192)
    assert list(said["sources"]) == ["voice", "accompaniment"]
    assert said["estimates"].shape == said["gradients"].shape == (2, bands, frames)
    starts = [*range(0, frames - 64, 16), frames - 64]
    assert said["scores"].shape == (2, len(starts))
    np.testing.assert_allclose(
        said["score_times_s"], [said["times_s"][start : start + 64].mean() for start in starts], atol=1e-9
    )
    for place, source in enumerate(("voice", "accompaniment")):
        summed, weights = np.zeros((bands, frames)), np.zeros(frames)
        for number, start in enumerate(starts):
            found = session.judge(source, said["estimates"][place, :, start : start + 64][None, None].copy())
            assert said["scores"][place, number] == pytest.approx(found.scores[0], rel=1e-4)
            for frame in range(64):
                weight = (1 - np.cos(2 * np.pi * (frame + 0.5) / 64)) / 2
                summed[:, start + frame] += weight * found.gradients[0, 0, :, frame]
                weights[start + frame] += weight
        largest = np.abs(said["gradients"][place]).max()
        assert largest > 0
        np.testing.assert_allclose(said["gradients"][place], summed / weights, atol=1e-5 * largest)
    _check_estimates(said, song)


def _check_estimates(said: dict[str, np.ndarray], song: Path) -> None:
    """Both together are the mixture, by numpy's FFT; and a click is where it was."""
    sound, _ = soundfile.read(song, dtype="float64")
    sound = np.concatenate([np.zeros((4096, 2)), sound[22050:]])
    window = analysis_window(4096, 512, 128)
    both = np.expm1(said["estimates"].astype(float)).sum(0) / said["feature_scale"]
    edges = np.round(said["band_edges_hz"] / (44100 / 4096) + 0.5).astype(int)
    edges[0] = np.asarray(read_model_spec(find_model("live-12")).signal.band_edges_bins)[0]
    for frame in (10, 200, 400, 500):
        part = sound[(frame + 1) * 256 : (frame + 1) * 256 + 4096]
        spectrum = np.abs(np.fft.rfft(window[:, None] * part, axis=0)).mean(1)
        wanted = [spectrum[low:high].mean() for low, high in itertools.pairwise(edges)]
        np.testing.assert_allclose(both[:, frame], wanted, rtol=2e-3, atol=2e-4)
    silent = said["times_s"] < 1.9
    loudest = said["times_s"][silent][both.sum(0)[silent].argmax()]
    assert loudest == pytest.approx(CLICK_S, abs=256 / 44100)


def test_the_picture_has_estimates_at_the_left_and_gradients_at_the_right(
    program: Run, model: Path, song: Path, tmp_path: Path
) -> None:
    target = tmp_path / "said.PNG"
    ended = program("advsep-live", "-i", song, "--model", model, "--critics", target)
    assert ended.code == 0, ended.err
    pixels = matplotlib.image.imread(io.BytesIO(target.read_bytes()), format="png")[..., :3]
    height, width, _ = pixels.shape
    assert (height, width) == (round(7.8 * 130), 13 * 130)
    for row in range(2):
        panels = pixels[round(height * (0.1 + 0.48 * row)) : round(height * (0.4 + 0.48 * row))]
        left, right = panels[:, round(width * 0.06) : round(width * 0.42)], panels[:, round(width * 0.54) : -200]
        assert left[:, :300].mean() < 0.1  # silence is black in the one, and white in the other
        assert right.mean() > 0.7
        assert left[:, 400:].std() > 0.05
        assert right[:, 400:].std() > 0.01


def test_long_songs_are_drawn_by_means() -> None:
    frames = 4 * critic_figure.MOST_COLUMNS + 3
    picture = CriticPicture(
        sources=("voice",),
        times_s=np.arange(frames) * 0.0058,
        freq_hz=np.array([100.0, 1000.0]),
        band_edges_hz=np.array([50.0, 200.0, 5000.0]),
        estimates=np.ones((1, 2, frames), np.float32),
        gradients=np.zeros((1, 2, frames), np.float32),
        score_times_s=np.array([1.0]),
        scores=np.array([[1.0]], np.float32),
        feature_scale=4.0,
    )
    assert matplotlib.image.imread(io.BytesIO(draw_picture(picture)), format="png").shape[1] == 13 * 130


def test_what_cannot_be_drawn_is_said(
    program: Run, model: Path, song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "bare.onnx"
    shutil.copyfile(model, bare)
    (tmp_path / "folder.npz").mkdir()
    npz = tmp_path / "said.npz"

    def refused(*arguments: Any) -> str:
        ended = program("advsep-live", *arguments)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
        assert ended.err.startswith("advsep-live: ")
        return ended.err

    missing = refused("-i", song, "--model", bare, "--critics", npz)
    assert f"{bare}: has no critics: expected {tmp_path / 'bare.critics.onnx'}" in missing
    assert "advsep-export writes it" in missing
    asked = ("--model", model, "--critics")
    assert "ends in .npz or .png" in refused("-i", song, *asked, tmp_path / "said.gif")
    assert "expected a sound file, found the input 'mic'" in refused("-i", "mic", *asked, npz)
    assert "a folder of that name is in the way" in refused("-i", song, *asked, tmp_path / "folder.npz")
    assert "expected at least 0.37 s to judge, found 0.20 s" in refused("-i", song, *asked, npz, "--seconds", 0.2)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(critic_figure.importlib.util, "find_spec", lambda _: None)
    assert "pip install 'advsep[eval]'" in refused("-i", song, *asked, tmp_path / "said.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bare.onnx", "folder.npz"]
