"""Model files: the good one repeats itself, every bad one is refused in a line that names it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from advsep.realtime.errors import AdvsepError
from advsep.realtime.model import ModelError, ModelSession, read_model_spec
from advsep.realtime.registry import find_model, model_names
from advsep.realtime.spec import METADATA_KEY, ModelSpec, SignalSpec, SpecError, StateSpec
from advsep.realtime.strict import FormatError
from numpy.typing import NDArray
from onnx import TensorProto, helper

FRAMES = 48


@pytest.fixture(scope="module")
def session(bundled_model: Path) -> ModelSession:
    return ModelSession(bundled_model, FRAMES)


def random_features(session: ModelSession) -> NDArray[np.float32]:
    """Magnitudes and phases, as live-12 hears them."""
    signal, rng = session.spec.signal, np.random.default_rng(0)
    magnitudes = rng.exponential(1.0, (signal.channels, FRAMES, signal.bands))
    angles = rng.uniform(0, 2 * np.pi, (FRAMES, signal.bands))
    assert session.spec.signal.feature_maps == signal.channels + 2
    return np.concatenate([magnitudes, np.stack([np.cos(angles), np.sin(angles)])]).astype(np.float32)


def masks_in_chunks(session: ModelSession, features: NDArray[np.float32], chunk: int) -> NDArray[np.float32]:
    session.reset()
    parts: list[NDArray[np.float32]] = []
    for start in range(0, features.shape[1], chunk):
        part = features[:, start : start + chunk]
        session.features(part.shape[1])[:] = part
        parts.append(session.run(part.shape[1]).copy())
    return np.concatenate(parts, 1)


def test_reset_gives_the_same_masks_again(session: ModelSession) -> None:
    features = random_features(session)
    first = masks_in_chunks(session, features, FRAMES)
    assert any(np.any(state) for state in session.states)
    np.testing.assert_array_equal(masks_in_chunks(session, features, FRAMES), first)
    session.reset()
    assert not any(np.any(state) for state in session.states)


@pytest.mark.parametrize("chunk", [1, 7])
def test_frames_one_by_one_are_frames_at_once(session: ModelSession, chunk: int) -> None:
    features = random_features(session)
    at_once = masks_in_chunks(session, features, FRAMES)
    assert at_once.std() > 0.01  # else this proves nothing
    np.testing.assert_allclose(masks_in_chunks(session, features, chunk), at_once, atol=1e-5)
    channels = session.spec.signal.channels
    assert at_once.shape[0] == session.spec.signal.mask_maps == 2 * channels  # live-12's are complex
    assert -1.0 <= at_once[:channels].min() < at_once[:channels].max() <= 2.0
    assert -1.0 <= at_once[channels:].min() < 0.0 < at_once[channels:].max() <= 1.0


def test_shares_are_the_real_parts_as_far_as_they_are_shares(session: ModelSession) -> None:
    masks = masks_in_chunks(session, random_features(session), FRAMES)
    shares = session.shares(FRAMES)
    assert shares.shape == (session.spec.signal.channels, FRAMES, session.spec.signal.bands)
    np.testing.assert_array_equal(shares, np.clip(masks[: len(shares)], 0.0, 1.0))
    assert shares.std() > 0.01


def test_the_past_matters(session: ModelSession) -> None:
    features = random_features(session)
    whole = masks_in_chunks(session, features, FRAMES)
    tail = masks_in_chunks(session, np.ascontiguousarray(features[:, FRAMES // 2 :]), FRAMES)
    assert np.abs(whole[:, FRAMES // 2 :] - tail).max() > 1e-3


def test_more_frames_than_asked_for_are_a_mistake(session: ModelSession) -> None:
    with pytest.raises(ValueError, match=f"frames must be 1 to {FRAMES}, got {FRAMES + 1}"):
        session.features(FRAMES + 1)


def test_a_constant_model_keeps_its_contract(make_model: Callable[..., Path], signal: SignalSpec) -> None:
    session = ModelSession(make_model(logit=0.0), 4)
    session.features(4).fill(3.0)
    np.testing.assert_array_equal(session.run(4), np.full((2, 4, signal.bands), 0.5, np.float32))


def refused(path: Path, kind: type[AdvsepError], *said: str) -> None:
    with pytest.raises(kind) as error:
        ModelSession(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    for part in said:
        assert part in message


def test_files_that_are_no_model(tmp_path: Path, bundled_model: Path) -> None:
    refused(tmp_path / "none.onnx", ModelError, "no such model file")
    refused(tmp_path, ModelError, "found a folder")
    contents = {"empty": b"", "text": b"hello\n" * 100, "cut": bundled_model.read_bytes()[:100_000]}
    for name, content in contents.items():
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(content)
        refused(path, ModelError, f"found {len(content)} bytes that ONNX Runtime cannot load", "export it again")


def test_an_onnx_model_of_somebody_else(make_model: Callable[..., Path]) -> None:
    refused(make_model(metadata={}), ModelError, f"its metadata lacks '{METADATA_KEY}'", "advsep-export")


def test_contracts_that_cannot_be_kept(make_model: Callable[..., Path], spec: ModelSpec) -> None:
    plain = json.loads(spec.to_json())
    for change, kind, said in (
        ({"schema_version": 9}, SpecError, "schema version 9"),
        ({"colour": "red"}, FormatError, "unknown key 'colour'"),
        ({"latency_samples": 1}, SpecError, "latency_samples is 1"),
    ):
        refused(make_model(metadata={METADATA_KEY: json.dumps(plain | change)}), kind, said)
    refused(make_model(metadata={METADATA_KEY: "{"}), FormatError, "not JSON")


def test_graphs_that_contradict_their_contract(
    make_model: Callable[..., Path], spec: ModelSpec, with_signal: Callable[..., SignalSpec]
) -> None:
    contract = {METADATA_KEY: spec.to_json()}
    refused(make_model(with_signal(channels=1), metadata=contract), ModelError, "graph does not keep its contract")
    refused(make_model(frames=1), ModelError, "graph does not keep its contract", "[1, 2, 1, 64]")
    past = (StateSpec(name="past", shape=(1, 8)),)
    refused(make_model(states=past), ModelError, "graph does not keep its contract", "'past': [1, 8]")


def test_a_graph_in_half_precision(make_model: Callable[..., Path]) -> None:
    path = make_model()
    model = onnx.load(path)
    shape = [1, 2, "frames", 64]
    half = [helper.make_tensor_value_info(name, TensorProto.FLOAT16, shape) for name in ("features", "masks")]
    halved = helper.make_graph([helper.make_node("Sigmoid", ["features"], ["masks"])], "half", half[:1], half[1:])
    model.graph.CopyFrom(halved)
    onnx.save(model, path)
    refused(path, ModelError, "float32", "tensor(float16)")


def test_names_and_paths_find_models(bundled_model: Path, tmp_path: Path) -> None:
    assert "live-12" in model_names()
    assert find_model("live-12") == bundled_model
    assert find_model(str(tmp_path / "later.onnx")) == tmp_path / "later.onnx"
    with pytest.raises(ModelError, match=r"no model 'live-13': choose a bundled one \(.*live-12.*\)"):
        find_model("live-13")


def test_the_contract_alone(bundled_model: Path, session: ModelSession) -> None:
    assert read_model_spec(bundled_model) == session.spec
    assert session.spec.latency_samples == 512
    assert session.spec.sources == ("vocals", "accompaniment")
