"""Whole tracks: exact length, the network's own windows, the mixture's phase, and their scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from advsep.trainer.critic import initialise
from advsep.trainer.metrics import METRICS
from advsep.trainer.paper.config import PaperConfig
from advsep.trainer.paper.evaluate import evaluate_track
from advsep.trainer.paper.examples import cut
from advsep.trainer.paper.objective import estimate
from advsep.trainer.paper.separate import separate, separate_magnitudes
from advsep.trainer.paper.songs import mixture_of
from advsep.trainer.paper.spectra import analyse
from advsep.trainer.paper_unet import PaperUnet, crop
from advsep.trainer.tracks import Track
from advsep.trainer.validation import sdr_db
from torch import Tensor, nn

from .conftest import decoded, song

MakeConfig = Callable[..., PaperConfig]


class Halves(nn.Module):
    """A separator whose answer is known: a quarter of the mixture's magnitudes, and three quarters."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, magnitudes: Tensor) -> Tensor:
        linear = torch.expm1(crop(magnitudes, magnitudes.shape[2] - 92, magnitudes.shape[3] - 92))
        return torch.log1p(torch.cat([0.25 * linear, 0.75 * linear], 1))


@pytest.fixture(scope="module")
def network() -> PaperUnet:
    torch.manual_seed(4)
    network = PaperUnet()
    initialise(network)
    for output in (network.voice, network.accompaniment):
        torch.nn.init.constant_(output.weight, 0.1)  # as they begin, most of what comes out is cut off below zero
    return network.eval()


@pytest.mark.parametrize("samples", [1, 255, 256, 257, 18 * 256, 30011])
def test_what_the_network_says_comes_out_in_the_same_length(tiny: MakeConfig, samples: int) -> None:
    mixture = np.random.default_rng(samples).standard_normal(samples).astype(np.float32) * 0.1
    found = separate(Halves().eval(), mixture, tiny())
    assert found.shape == (2, samples)
    assert np.allclose(found, [0.25 * mixture, 0.75 * mixture], atol=1e-5)


def test_each_window_is_the_networks_own(network: PaperUnet, tiny: MakeConfig) -> None:
    """Frame by frame what `estimate` gives of the excerpt there, whatever the windows around it."""
    track = song(50, 2)
    mixture = mixture_of(track)
    magnitudes = analyse(torch.from_numpy(mixture.read())).abs()
    found = separate_magnitudes(network, magnitudes, tiny())
    assert found.shape == (2, *magnitudes.shape)
    for window in (0, 1):
        excerpt = torch.from_numpy(cut(mixture, 18 * window - 46, 110))[None]
        with torch.no_grad():
            expected = torch.expm1(estimate(network, excerpt).sources[0, :, :257])
        assert torch.allclose(found[..., 18 * window : 18 * window + 18], expected, atol=1e-4)
    assert found.max() > 0.1


def test_a_separated_track_has_the_phase_of_its_mixture(network: PaperUnet, tiny: MakeConfig) -> None:
    mixture = mixture_of(song(50, 2)).read()
    spectrum = analyse(torch.from_numpy(mixture))
    source = separate_magnitudes(network, spectrum.abs(), tiny())[0]
    by_hand = torch.istft(
        source * spectrum / spectrum.abs().clamp(min=1e-12),
        512,
        256,
        window=torch.hann_window(512),
        length=len(mixture),
    )
    assert np.allclose(separate(network, mixture, tiny())[0], by_hand.numpy(), atol=1e-5)


def test_scores_are_those_of_what_was_separated(tiny: MakeConfig) -> None:
    track: Track = song(130, 1)
    voice, band = (stem[:, 0] / np.float32(32768) for stem in (track.vocals, track.accompaniment))
    scores = {(s.stem, s.signal): s for s in evaluate_track(Halves().eval(), track, tiny(name="p", mode="semi"))}
    assert set(scores) == {(stem, who) for stem in ("vocals", "accompaniment") for who in ("model", "mixture")}
    assert scores["vocals", "model"].value("sdr") == pytest.approx(sdr_db(voice, 0.25 * (voice + band)), abs=1e-3)
    assert scores["accompaniment", "model"].value("sdr") == pytest.approx(sdr_db(band, 0.75 * (voice + band)), abs=1e-3)
    assert scores["vocals", "mixture"].value("sdr") == pytest.approx(sdr_db(voice, voice + band), abs=1e-3)
    # BSS Eval forgives the gain: to it nothing was done.
    paper = {key: score.value("paper") for key, score in scores.items()}
    assert np.isfinite(list(paper.values())).all()
    assert paper["vocals", "model"] == pytest.approx(paper["vocals", "mixture"], abs=0.05)
    assert {score.model for score in scores.values()} == {"p"}


def test_a_silent_reference_has_a_leak_and_no_sdr(tiny: MakeConfig) -> None:
    track = song(40, 1)
    mute = decoded(0 * track.vocals, track.accompaniment)
    for score in evaluate_track(Halves().eval(), mute, tiny()):
        values = {name: score.value(name) for name in METRICS}
        if score.stem == "vocals":
            level_db = {"model": 20 * np.log10(0.25), "mixture": 0.0}[score.signal]
            assert values.pop("leak") == pytest.approx(level_db, abs=0.01)
            assert np.isnan(list(values.values())).all()
        else:
            assert np.isfinite(values["sdr"])
