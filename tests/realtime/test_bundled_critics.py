"""The critics that come with models: their maps say something of a song, and their gradients lead uphill."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from advsep.realtime.critic_map import CriticSession, critics_path
from advsep.realtime.critic_maps import FRAMES_AT_ONCE, CriticPicture, judge, open_critics
from advsep.realtime.demo import DemoSong
from advsep.realtime.model import ModelSession
from advsep.realtime.registry import find_model, model_names
from advsep.realtime.source import ArraySource

LOWEST_SHARE = {"live-23": 0.2}
"""Of the map that asks for more; live-23's critic asks for less somewhat more often (its card)."""


@pytest.fixture(scope="module", params=model_names())
def judged_model(request: pytest.FixtureRequest) -> Path:
    return find_model(request.param)


@pytest.fixture(scope="module")
def critics(judged_model: Path) -> CriticSession:
    return CriticSession(critics_path(judged_model))


@pytest.fixture(scope="module")
def picture(judged_model: Path, demo_song: DemoSong) -> CriticPicture:
    """Of the whole song."""
    model = ModelSession(judged_model, FRAMES_AT_ONCE)
    return judge(ArraySource(demo_song.mixture, demo_song.sample_rate_hz, "demo"), model, open_critics(model))


def test_critics_are_no_model() -> None:
    assert critics_path(find_model("live-12")).is_file()
    assert not any("critics" in name for name in model_names())


def test_the_map_of_the_voice_follows_the_voice(
    judged_model: Path, picture: CriticPicture, demo_song: DemoSong
) -> None:
    """Band by band, where a voice has its partials: another energy while somebody sings than while nobody does."""
    voice = np.square(demo_song.vocals).mean(1)
    places = (picture.times_s * demo_song.sample_rate_hz).astype(int).clip(0, len(voice) - 1)
    smooth = np.convolve(voice, np.ones(2205) / 2205, "same")[places]
    sung, silent = smooth > 1e-4, smooth < 1e-7
    frame_s = float(np.diff(picture.times_s).mean())
    assert min(sung.sum(), silent.sum()) * frame_s > 5
    bands = np.flatnonzero((picture.freq_hz > 150) & (picture.freq_hz < 6000))
    gradient, estimate = picture.gradients[0][bands], picture.estimates[0][bands]
    ratios = np.square(gradient[:, sung]).mean(1) / np.square(gradient[:, silent]).mean(1)
    assert np.exp(np.abs(np.log(ratios)).mean()) > 1.2
    # With its sign: these critics ask for more in some places and for less in others, not for more everywhere.
    within = [np.corrcoef(one, other)[0, 1] for one, other in zip(gradient, estimate, strict=True)]
    assert np.mean(within) > 0.2
    assert LOWEST_SHARE.get(judged_model.stem, 0.25) < (gradient > 0).mean() < 0.75
    # Neighbours in time agree, as those of noise would not.
    assert np.corrcoef(gradient[:, 1:].ravel(), gradient[:, :-1].ravel())[0, 1] > 0.5


@pytest.mark.parametrize("source", ["voice", "accompaniment"])
def test_a_step_along_the_gradient_raises_the_score(
    critics: CriticSession, picture: CriticPicture, source: str
) -> None:
    index = picture.sources.index(source)
    for start in range(64, picture.estimates.shape[2] - 64, 200):
        patch = np.ascontiguousarray(picture.estimates[index, :, start : start + 64])[None, None]
        verdict = critics.judge(source, patch)
        length = np.linalg.norm(verdict.gradients)
        step = np.float32(0.5 / length) * verdict.gradients
        raised = critics.judge(source, patch + step).scores[0] - verdict.scores[0]
        assert raised > 0.25 * 0.5 * length, (start, raised, length)
