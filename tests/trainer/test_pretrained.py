"""Weights to begin with: what an exported model computes is what training begins with."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from advsep.export.untrained import untrained_network
from advsep.realtime.errors import AdvsepError
from advsep.trainer.checkpoint import load_checkpoint
from advsep.trainer.config import TrainConfig, load_preset
from advsep.trainer.live_unet import LiveUnet
from advsep.trainer.loop import Trainer
from advsep.trainer.muon import matrix_size
from advsep.trainer.overrides import parse_override
from advsep.trainer.pool import Sources
from advsep.trainer.pretrained import Pretrained, begun_config, load_pretrained
from advsep.trainer.settled import settle_norms, settle_sizes
from advsep.trainer.tracks import Track
from random_models import write_random_model

MakeConfig = Callable[..., TrainConfig]
SIZE = {"kernel_frames": 3, "harmonics": (0.5, 3.0)}


@pytest.fixture
def model(tiny: MakeConfig, tmp_path: Path) -> Path:
    path = tmp_path / "tiny.onnx"
    write_random_model(tiny(network=SIZE), path)
    return path


def network_of(weights: Pretrained) -> LiveUnet:
    network = LiveUnet(weights.signal.spec(), weights.network)
    network.load_state_dict(weights.weights)
    return network.eval()


def masks(network: LiveUnet, features: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return network(features, *network.initial_states(len(features)))[0]


def test_an_exported_model_is_the_network_that_it_was(model: Path, tiny: MakeConfig) -> None:
    config = tiny(network=SIZE)
    weights = load_pretrained(str(model))
    assert (weights.signal, weights.network) == (config.signal, config.network)
    assert (weights.name, weights.licence, weights.folded) == ("tiny", "CC0-1.0", True)
    features = 2 * torch.rand(1, 1, 40, 32)
    network = network_of(weights)
    session = onnxruntime.InferenceSession(str(model))
    fed = {state.name: np.zeros(state.shape, np.float32) for state in network.states}
    expected = session.run(["masks"], {"features": features.numpy(), **fed})[0]
    assert np.abs(masks(network, features).numpy() - expected).max() < 1e-6
    assert np.ptp(expected) > 0.1


@pytest.mark.parametrize("preset", ["live-3", "live-6", "live-12", "live-23", "studio"])
def test_the_signal_of_every_preset_is_found_again(preset: str, tmp_path: Path) -> None:
    config = load_preset(preset)
    dilations = config.network.dilations[-2:]
    small = dataclasses.replace(config.network, channels=(2, 3), recurrent_size=4, dilations=dilations)
    write_random_model(dataclasses.replace(config, network=small), tmp_path / "x.onnx")
    weights = load_pretrained(str(tmp_path / "x.onnx"))
    assert weights.signal.spec() == config.signal.spec()
    assert weights.network == small


def test_settled_norms_change_training_and_not_the_network(model: Path) -> None:
    """In evaluation nothing changes; in training the norms' own statistics now give nearly the same."""
    weights = load_pretrained(str(model))
    network = network_of(weights)
    random = torch.Generator().manual_seed(1)
    some, others = (torch.rand(8, 1, 200, 32, generator=random) for _ in range(2))
    before = masks(network, some)
    far = (masks(network.train(), others) - before).abs().max()
    network = network_of(weights)
    settle_norms(network, others)
    assert not network.training
    assert torch.allclose(masks(network, some), before, atol=1e-5)
    near = (masks(network.train(), some) - before).abs().max()
    assert near < 0.05
    assert far > 0.2


def test_silence_settles_nothing(model: Path) -> None:
    network = network_of(load_pretrained(str(model)))
    with pytest.raises(AdvsepError, match="silent"):
        settle_norms(network, torch.zeros(1, 1, 8, 32))


def test_settled_sizes_are_those_of_training_and_the_network_stays(model: Path) -> None:
    """A step of Muon turns every matrix alike, as it did before export made convolutions smaller or larger."""
    network = network_of(load_pretrained(str(model)))
    some = 2 * torch.rand(8, 1, 200, 32, generator=torch.Generator().manual_seed(1))
    settle_norms(network, some)
    before, trained = masks(network, some), masks(network.train(), some)
    settle_sizes(network.eval())
    assert torch.allclose(masks(network, some), before, atol=1e-5)
    assert torch.allclose(masks(network.train(), some), trained, atol=1e-3)
    inner = [layer.convolution.weight for layer in (*network.encoders[1:], *network.decoders[:-1])]  # type: ignore[union-attr]
    wanted = matrix_size(network.squeeze.weight)
    assert inner
    assert all(matrix_size(weight) == pytest.approx(wanted, rel=1e-5) for weight in inner)


@pytest.mark.parametrize("shape", [(64, 64), (48, 160), (160, 48), (24, 8, 2, 5)])
def test_a_matrix_whose_singular_values_are_alike_has_their_size(shape: tuple[int, ...]) -> None:
    columns = int(np.prod(shape[1:]))
    random = torch.randn(max(shape[0], columns), min(shape[0], columns), generator=torch.Generator().manual_seed(2))
    turned = torch.linalg.qr(random).Q
    turned = turned if shape[0] > columns else turned.T
    tallness = max(1.0, shape[0] / columns) ** 0.5
    assert matrix_size(3 * tallness * turned.reshape(shape)) == pytest.approx(3.0, rel=1e-5)


def test_training_begins_with_the_models_masks(
    model: Path, tiny: MakeConfig, make_track: Callable[..., Track], tmp_path: Path
) -> None:
    weights = load_pretrained(str(model))
    config = begun_config(weights, str(model), None, [], None)
    config = dataclasses.replace(tiny(steps=1), network=config.network, optimiser=config.optimiser)
    slow = dataclasses.replace(config.optimiser, learning_rate=1e-12, weight_decay=0.0)
    config = dataclasses.replace(config, optimiser=slow)
    (tmp_path / "run").mkdir()
    trainer = Trainer(config, Sources([make_track()]), [], tmp_path / "run", workers=0, weights=weights)
    features = torch.rand(1, 1, 30, 32)
    assert torch.allclose(masks(trainer.averaged, features), masks(network_of(weights), features), atol=1e-5)
    trainer.run(lambda _: None)
    again = load_pretrained(str(tmp_path / "run"))
    assert not again.folded
    assert again.config == load_checkpoint(tmp_path / "run" / "best.ckpt").config
    settled = masks(network_of(again), features)
    assert (settled - masks(network_of(weights), features)).abs().max() < 0.02  # the norms' statistics move


def test_the_configuration_is_the_models(model: Path) -> None:
    weights = load_pretrained(str(model))
    config = begun_config(weights, str(model), None, [parse_override(TrainConfig, "steps=7")], None)
    assert (config.steps, config.network, config.signal) == (7, weights.network, weights.signal)
    assert (config.begun_from, config.begun_from_sha256) == (str(model.resolve()), weights.sha256)
    assert config.weights_licence == "CC0-1.0"
    with pytest.raises(AdvsepError, match=r"network.recurrent_size=9: with --from these are the trained model's"):
        begun_config(weights, str(model), None, [parse_override(TrainConfig, "network.recurrent_size=9")], None)
    with pytest.raises(AdvsepError, match="--preset live-12: its bands or network are not those of"):
        begun_config(weights, str(model), "live-12", [], None)


def test_what_is_no_trained_model(tmp_path: Path, model: Path) -> None:
    with pytest.raises(AdvsepError, match="no model 'live-99': choose a bundled one"):
        load_pretrained("live-99")
    with pytest.raises(AdvsepError, match="no such checkpoint"):
        load_pretrained(str(tmp_path))
    (tmp_path / "half.onnx").write_bytes(model.read_bytes()[:2000])
    with pytest.raises(AdvsepError, match=r"half.onnx: expected an ONNX model"):
        load_pretrained(str(tmp_path / "half.onnx"))
    renamed = tmp_path / "renamed.onnx"
    renamed.write_bytes(model.read_bytes().replace(b"squeeze.bias", b"squeeze.blas"))
    with pytest.raises(AdvsepError, match=r"renamed.onnx: expected the graph that advsep-export writes, found another"):
        load_pretrained(str(renamed))


def test_an_untrained_network_differs_from_frame_to_frame(tiny: MakeConfig) -> None:
    """Else the tests above would compare constants."""
    network = untrained_network(tiny().signal.spec(), load_preset("live-12").network)
    assert masks(network, torch.rand(1, 1, 20, 32)).std(2).mean() > 0.005
