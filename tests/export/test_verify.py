"""The proof passes for what is right and refuses what is not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from advsep.export import graph
from advsep.export import verify as module
from advsep.export.graph import OnnxGru, write_onnx
from advsep.export.untrained import untrained_network
from advsep.export.verify import EXACT, Proof, VerificationError, proof_inputs
from advsep.realtime.model import ModelSession
from advsep.realtime.separator import StreamSeparator
from advsep.realtime.spec import ModelSpec
from advsep.trainer.config import TrainConfig
from advsep.trainer.live_unet import LiveUnet
from advsep.trainer.signal import SignalPath
from advsep.trainer.validation import separate
from onnx import numpy_helper
from random_models import write_random_model

from .conftest import CONFIG


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six seconds where a refusal is expected: it does not take long to see."""
    monkeypatch.setattr(module, "SECONDS", 6.0)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.onnx"
    write_random_model(CONFIG, path)  # of the weights that `network` has
    return path


def test_a_faithful_file_passes(network: LiveUnet, spec: ModelSpec, model: Path) -> None:
    before = torch.get_num_threads()
    music, noise = Proof(network, spec.signal).check(model)
    assert torch.get_num_threads() == before
    for result in (music, noise):
        assert result.seconds > 60
        assert result.torch_chunks < 1e-5
        assert result.onnx_chunks < 1e-4
        assert result.sound_db < -100
        assert result.mask_spread > 0.01
    assert (music.name, noise.name) == ("music", "noise")


def test_the_proof_uses_two_different_sounds(spec: ModelSpec, short: None) -> None:
    music, noise = proof_inputs(spec.signal).values()
    assert music.shape == noise.shape == (48000, 2)
    assert music.dtype == noise.dtype == np.float32
    for samples in (music, noise):
        assert 0.02 < float(np.abs(samples).max()) <= 1.5
    assert abs(np.corrcoef(music[:, 0], noise[:, 0])[0, 1]) < 0.1


def test_a_changed_weight_is_refused(network: LiveUnet, spec: ModelSpec, model: Path, short: None) -> None:
    loaded = onnx.load(model)
    weights = next(t for t in loaded.graph.initializer if "squeeze" in t.name or t.name == "gru.input_weight")
    values = numpy_helper.to_array(weights).copy()
    values.flat[values.size // 2] += 0.05
    weights.CopyFrom(numpy_helper.from_array(values, weights.name))
    onnx.save(loaded, model)
    with pytest.raises(VerificationError, match="refused: on music ONNX Runtime differs from torch by"):
        Proof(network, spec.signal).check(model)


class Forgetful(LiveUnet):
    """Takes no notice of the states that it is given."""

    def forward(self, features: torch.Tensor, *states: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return super().forward(features, *self.initial_states(features.shape[0]))


def test_a_network_that_ignores_its_states_is_refused(
    network: LiveUnet, spec: ModelSpec, model: Path, short: None
) -> None:
    forgetful = Forgetful(spec.signal, network.config).eval()
    forgetful.load_state_dict(network.state_dict())
    with pytest.raises(VerificationError, match="torch in chunks differs from torch at once"):
        Proof(forgetful, spec.signal).check(model)


def without_state(gru: OnnxGru, x: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return REAL_FORWARD(gru, x, state * 0)


REAL_FORWARD = OnnxGru.forward


@pytest.mark.parametrize(
    ("target", "name", "replacement"),
    [
        (OnnxGru, "forward", without_state),
        (graph, "_zrn", lambda weight: weight.detach()),
    ],
    ids=["states ignored", "gates in torch's order"],
)
def test_a_file_that_is_not_the_network_is_refused(
    network: LiveUnet,
    spec: ModelSpec,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    short: None,
    target: object,
    name: str,
    replacement: Callable[..., object],
) -> None:
    monkeypatch.setattr(target, name, replacement)
    write_onnx(network, spec, tmp_path / "m.onnx")
    with pytest.raises(VerificationError, match="ONNX Runtime differs from torch by"):
        Proof(network, spec.signal).check(tmp_path / "m.onnx")


@pytest.mark.parametrize(("value", "says"), [(0.0, "the masks do not move at all"), (float("nan"), "differs")])
def test_masks_that_do_not_move_or_are_no_numbers_are_refused(
    network: LiveUnet, spec: ModelSpec, tmp_path: Path, short: None, value: float, says: str
) -> None:
    with torch.no_grad():
        for parameter in network.decoders[-1].parameters():
            parameter.fill_(value)
    write_onnx(network, spec, tmp_path / "m.onnx")
    with pytest.raises(VerificationError, match=says):
        Proof(network, spec.signal).check(tmp_path / "m.onnx")


def test_another_signal_path_is_refused(network: LiveUnet, spec: ModelSpec, model: Path, short: None) -> None:
    other = dataclasses.replace(spec.signal, feature_scale=8.0)
    with pytest.raises(VerificationError, match="the live path's voice differs"):
        Proof(network, other).check(model)


@pytest.mark.parametrize("ahead", [0, 3])
def test_complex_masks_are_the_same_everywhere(spec: ModelSpec, tmp_path: Path, short: None, ahead: int) -> None:
    signal = dataclasses.replace(spec.signal, mask="complex", lookahead_frames=ahead)
    network = untrained_network(signal, CONFIG.network)
    path = tmp_path / "m.onnx"
    write_onnx(network, dataclasses.replace(spec, signal=signal, latency_samples=signal.latency_samples), path)
    for result in Proof(network, signal).check(path):
        assert result.sound_db < -100
        assert result.mask_spread > 0.01
    session = ModelSession(path, 4)
    session.features(4)[:] = np.random.default_rng(0).exponential(1.0, (2, 4, 32))
    masks = session.run(4)
    assert masks.shape == (4, 4, 32)
    np.testing.assert_array_equal(session.shares(4), np.clip(masks[:2], 0, 1))
    assert masks[2:].std() > 0.01
    assert masks[:2].min() < 0 or masks[:2].max() > 1


def test_lookahead_is_the_same_everywhere(
    lookahead: tuple[LiveUnet, TrainConfig], spec: ModelSpec, tmp_path: Path, short: None
) -> None:
    network, config = lookahead
    signal = config.signal.spec()
    assert signal.latency_samples == 256 + 3 * 128
    contract = dataclasses.replace(spec, signal=signal, latency_samples=signal.latency_samples)
    path = tmp_path / "m.onnx"
    write_onnx(network, contract, path)
    assert all(result.sound_db < -100 for result in Proof(network, signal).check(path))

    # A direct computation: masks of all frames at once, moved three frames by hand.
    samples = np.random.default_rng(0).standard_normal((128 * 60, 2)).astype(np.float32) * 0.2
    signal_path, mixture = SignalPath(signal), torch.from_numpy(samples.T.copy())[None]
    with torch.no_grad():
        padded = torch.nn.functional.pad(mixture, (signal_path.history_samples, 4 * 128))
        spectra = signal_path.analyse(padded)
        masks = network(signal_path.features(spectra), *network.initial_states(1))[0]
        direct = signal_path.synthesise(signal_path.bin_masks(masks[:, :, 3:]) * spectra[:, :, :-3])
        direct = direct[0, :, 128 : 128 + len(samples)].numpy().T
    assert np.abs(separate(network, signal_path, mixture)[0].numpy().T - direct).max() < 1e-5
    separator = StreamSeparator(ModelSession(path))
    late = separator.latency_samples
    longer = np.concatenate([samples, np.zeros((late, 2), np.float32)])
    voice, through = np.empty_like(longer), np.empty_like(longer)
    separator.process(longer, voice, through)
    assert np.abs(voice[late:] - direct).max() < 1e-5
    assert np.array_equal(through[late:], samples)


def test_states_that_drift_apart_are_refused(network: LiveUnet, spec: ModelSpec, model: Path, short: None) -> None:
    """Rounding alone is within the tolerance, and would not be within none."""
    assert all(0 < result.states < 1e-4 for result in Proof(network, spec.signal).check(model))
    strict = dataclasses.replace(EXACT, states=0.0)
    with pytest.raises(VerificationError, match="refused: on music the last states differ by"):
        Proof(network, spec.signal).check(model, strict)
