"""SDR by hand, and separation that is in time with its input."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from advsep.trainer import validation as module
from advsep.trainer.config import TrainConfig
from advsep.trainer.live_unet import LiveUnet
from advsep.trainer.signal import SignalPath
from advsep.trainer.tracks import Track
from advsep.trainer.validation import TrackScore, mean_gain_db, plain_score, score_track, sdr_db, separate


class Ones(LiveUnet):
    """Lets everything through."""

    def forward(self, features: torch.Tensor, *states: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return torch.ones_like(features), *states


def network_for(config: TrainConfig, kind: type[LiveUnet] = LiveUnet) -> tuple[LiveUnet, SignalPath]:
    spec = config.signal.spec()
    torch.manual_seed(0)
    network = kind(spec, config.network).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3)  # masks that move
    return network, SignalPath(spec)


def test_sdr_by_hand() -> None:
    reference = np.array([[3.0, 4.0]], np.float32)
    assert sdr_db(reference, np.array([[3.0, 3.5]], np.float32)) == pytest.approx(20.0)
    assert sdr_db(reference, np.zeros((1, 2), np.float32)) == pytest.approx(0.0)
    assert sdr_db(reference, -reference) == pytest.approx(-20 * math.log10(2))
    assert sdr_db(reference, reference) == pytest.approx(200.0)
    assert math.isnan(sdr_db(np.zeros((1, 2), np.float32), reference))


def score(corpus: str, gain_db: float) -> TrackScore:
    return TrackScore("t", corpus, 5.0 + gain_db, 1.0, 5.0, 1.0)


def test_means_are_of_corpora_and_leave_silent_references_out() -> None:
    scores = [score("a", 1), score("a", 3), score("a", 2), score("b", 8), score("b", math.nan), score("c", math.nan)]
    assert mean_gain_db(scores) == pytest.approx(5.0)
    assert math.isnan(mean_gain_db([]))
    assert math.isnan(mean_gain_db([score("c", math.nan)]))
    assert plain_score(score("c", math.nan))["vocals_db"] is None
    assert plain_score(score("c", 1))["vocals_db"] == 6.0


@pytest.mark.parametrize("lookahead_frames", [0, 1, 5])
@pytest.mark.parametrize("samples", [1, 64, 1000, 9000])
def test_separation_is_in_time(tiny: Callable[..., TrainConfig], samples: int, lookahead_frames: int) -> None:
    config = tiny(signal={"channels": 2, "lookahead_frames": lookahead_frames})
    network, path = network_for(config, Ones)
    mixture = torch.randn(3, 2, samples, generator=torch.Generator().manual_seed(0))
    voice = separate(network, path, mixture)
    assert voice.shape == mixture.shape
    assert torch.allclose(voice, mixture, atol=2e-5)


@pytest.mark.parametrize("lookahead_frames", [0, 3])
def test_chunks_change_nothing(
    tiny: Callable[..., TrainConfig], monkeypatch: pytest.MonkeyPatch, lookahead_frames: int
) -> None:
    network, path = network_for(tiny(signal={"lookahead_frames": lookahead_frames}))
    mixture = torch.randn(1, 1, 20000, generator=torch.Generator().manual_seed(0))
    wanted = separate(network, path, mixture)
    assert not torch.allclose(wanted, mixture, atol=0.1)
    for chunk in (1, 7, 4096):
        monkeypatch.setattr(module, "CHUNK_FRAMES", chunk)
        assert torch.allclose(separate(network, path, mixture), wanted, atol=1e-5)


def test_lookahead_by_a_direct_computation(tiny: Callable[..., TrainConfig]) -> None:
    """Masks of all frames at once, shifted by hand, on a spectrum without chunks."""
    ahead, hop, frames = 4, 64, 100
    config = tiny(signal={"lookahead_frames": ahead})
    network, path = network_for(config)
    mixture = torch.randn(1, 1, frames * hop, generator=torch.Generator().manual_seed(0))
    after = (ahead + 1) * hop  # S - H = H of synthesis, and the look-ahead
    spectra = path.analyse(torch.nn.functional.pad(mixture, (path.history_samples, after)))
    masks = network(path.features(spectra), *network.initial_states(1))[0]
    wanted = path.synthesise(path.bin_masks(masks[:, :, ahead:]) * spectra[:, :, : -ahead or None])
    delay = 128 - hop
    with torch.no_grad():
        assert torch.allclose(separate(network, path, mixture), wanted[..., delay : delay + frames * hop], atol=1e-5)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_track_that_is_let_through_scores_its_mixture(
    tiny: Callable[..., TrainConfig], make_track: Callable[..., Track], channels: int
) -> None:
    network, path = network_for(tiny(signal={"channels": channels}), Ones)
    track = make_track(seconds=3.0, name="x", corpus="y")
    found = score_track(network, path, track, 1.0)
    assert (found.name, found.corpus) == ("x", "y")
    assert found.vocals_db == pytest.approx(found.mixture_vocals_db, abs=0.01)
    assert found.gain_db == pytest.approx(0.0, abs=0.01)
    assert found.accompaniment_db == pytest.approx(0.0, abs=0.01)  # nothing is left of it
    middle = slice(8000, 16000)
    voice, band = (x[middle].astype(np.float64) for x in (track.vocals, track.accompaniment))
    by_hand = 10 * np.log10(np.sum(voice**2) / np.sum(band**2))
    assert found.mixture_vocals_db == pytest.approx(by_hand, abs=0.01)
    assert score_track(network, path, track, 100.0).mixture_vocals_db != found.mixture_vocals_db


def test_a_silent_voice_has_no_score(tiny: Callable[..., TrainConfig], make_track: Callable[..., Track]) -> None:
    network, path = network_for(tiny())
    silence = np.zeros((8000, 1), np.float32)
    found = score_track(network, path, make_track(silence, silence + 0.1), 1.0)
    assert math.isnan(found.gain_db)
    assert math.isfinite(found.accompaniment_db)
