"""Files of critics: what they say is passed on, what they see is what training showed, and a bad one is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from advsep.realtime.critic_map import (
    CRITIC_KEY,
    CriticError,
    CriticSession,
    CriticSpec,
    critics_path,
    read_critic_spec,
    visible_bands,
)
from advsep.realtime.errors import AdvsepError
from advsep.realtime.spec import SignalSpec, SpecError
from advsep.realtime.strict import FormatError
from onnx import TensorProto, helper

FRAMES = 6
SOURCES = ("voice", "accompaniment")


@pytest.fixture
def contract(signal: SignalSpec) -> CriticSpec:
    return CriticSpec(
        name="tiny",
        sources=SOURCES,
        signal=signal,
        frames=FRAMES,
        highest_hz=8000.0,
        weights_licence="CC0-1.0",
        commit="abc",
        checkpoint_sha256="12",
    )


@pytest.fixture
def make_critics(contract: CriticSpec, tmp_path: Path) -> Callable[..., Path]:
    """Writes critics D(x) = a/2 * sum of x^2, whose gradient is a * x: a = 1 for the voice, -3 for the rest."""

    def make(metadata: dict[str, str] | None = None, frames: int = FRAMES, kind: int = TensorProto.FLOAT) -> Path:
        patch = [1, contract.signal.bands, frames]
        nodes, numbers, inputs, outputs = [], [], [], []
        for source, a in zip(SOURCES, (1.0, -3.0), strict=True):
            numbers += [
                helper.make_tensor(f"{source}_a", kind, [], [a]),
                helper.make_tensor(f"{source}_h", kind, [], [0.5]),
            ]
            nodes += [
                helper.make_node("Mul", [source, f"{source}_a"], [f"{source}_gradient"]),
                helper.make_node("Mul", [source, f"{source}_gradient"], [f"{source}_products"]),
                helper.make_node("Flatten", [f"{source}_products"], [f"{source}_flat"], axis=1),
                helper.make_node("Mul", [f"{source}_flat", f"{source}_h"], [f"{source}_halves"]),
                helper.make_node("ReduceSum", [f"{source}_halves", "axis"], [f"{source}_score"], keepdims=0),
            ]
            inputs.append(helper.make_tensor_value_info(source, kind, [f"{source}_batch", *patch]))
            outputs.append(helper.make_tensor_value_info(f"{source}_score", kind, [f"{source}_batch"]))
            outputs.append(helper.make_tensor_value_info(f"{source}_gradient", kind, [f"{source}_batch", *patch]))
        numbers.append(helper.make_tensor("axis", TensorProto.INT64, [1], [1]))
        made = helper.make_graph(nodes, "squares", inputs, outputs, numbers)
        model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        helper.set_model_props(model, {CRITIC_KEY: contract.to_json()} if metadata is None else metadata)
        path = tmp_path / "tiny.critics.onnx"
        onnx.save(model, path)
        return path

    return make


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_each_source_is_judged_by_its_own_critic(make_critics: Callable[..., Path], batch: int) -> None:
    session = CriticSession(make_critics())
    rng = np.random.default_rng(batch)
    x = rng.standard_normal((batch, 1, session.spec.signal.bands, FRAMES)).astype(np.float32)
    for source, a in (("voice", 1.0), ("accompaniment", -3.0), ("voice", 1.0)):
        found = session.judge(source, x)
        assert found.scores.shape == (batch,)
        np.testing.assert_allclose(found.scores, a / 2 * np.sum(x.astype(float) ** 2, (1, 2, 3)), rtol=1e-5)
        np.testing.assert_array_equal(found.gradients, np.float32(a) * x)


def test_what_cannot_be_judged_is_a_mistake(make_critics: Callable[..., Path]) -> None:
    session = CriticSession(make_critics())
    bands = session.spec.signal.bands
    with pytest.raises(ValueError, match="source must be one of voice, accompaniment, got both"):
        session.judge("both", np.zeros((1, 1, bands, FRAMES), np.float32))
    for wrong in (np.zeros((1, 1, FRAMES, bands), np.float32), np.zeros((1, 1, bands, FRAMES))):
        with pytest.raises(ValueError, match="patches must be float32"):
            session.judge("voice", wrong)


@pytest.mark.parametrize("bandwidth_hz", [float("inf"), 3000.0])
def test_patches_are_compressed_means_and_empty_above_the_limit(
    make_critics: Callable[..., Path], bandwidth_hz: float
) -> None:
    session = CriticSession(make_critics())
    signal = session.spec.signal
    magnitudes = np.random.default_rng(0).exponential(1.0, (2, 2, FRAMES, signal.bands)).astype(np.float32)
    patches = session.patches(magnitudes, bandwidth_hz)
    assert patches.shape == (2, 1, signal.bands, FRAMES)
    assert patches.dtype == np.float32
    seen = 0
    for band in range(signal.bands):
        last_hz = (signal.band_edges_bins[band + 1] - 1) * 44100 / 2048
        for frame in range(FRAMES):
            mean = (magnitudes[:, 0, frame, band] + magnitudes[:, 1, frame, band]) / 2
            wanted = np.log(1 + 4 * mean) if last_hz <= min(8000, bandwidth_hz) else np.zeros(2)
            np.testing.assert_allclose(patches[:, 0, band, frame], wanted, rtol=1e-5)
        seen += last_hz <= min(8000, bandwidth_hz)
    assert 0 < seen < signal.bands
    assert visible_bands(session.spec, bandwidth_hz).sum() == seen


def refused(path: Path, kind: type[AdvsepError], *said: str) -> None:
    with pytest.raises(kind) as error:
        CriticSession(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    for part in said:
        assert part in message


def test_files_that_hold_no_critics(tmp_path: Path, bundled_model: Path) -> None:
    refused(tmp_path / "none.onnx", CriticError, "no such file of critics", "advsep-export")
    refused(tmp_path, CriticError, "found a folder")
    refused(bundled_model, CriticError, f"metadata lacks '{CRITIC_KEY}'", "beside the model")
    (tmp_path / "text.onnx").write_bytes(b"hello\n" * 100)
    refused(tmp_path / "text.onnx", CriticError, "found 600 bytes that ONNX Runtime cannot load", "export it again")


def test_contracts_that_cannot_be_kept(make_critics: Callable[..., Path], contract: CriticSpec) -> None:
    plain = json.loads(contract.to_json())
    for change, kind, said in (
        ({"schema_version": 9, "new": 1}, SpecError, "schema version 9, this advsep reads 1: upgrade advsep"),
        ({"schema_version": 0}, SpecError, "this advsep reads 1: export the checkpoint again"),
        ({"colour": "red"}, FormatError, "unknown key 'colour'"),
        ({"frames": "64"}, FormatError, "critics.frames must be of type int, found '64'"),
        ({"frames": 3}, SpecError, "frames must be 4 or more, got 3"),
        ({"highest_hz": 0}, SpecError, "highest_hz must be positive"),
        ({"highest_hz": float("nan")}, SpecError, "highest_hz must be positive"),
        ({"sources": []}, SpecError, "sources must be one or more different names"),
        ({"sources": ["voice", "voice"]}, SpecError, "sources must be one or more different names"),
        ({"signal": plain["signal"] | {"hop_samples": 100}}, SpecError, "hop_samples 100"),
    ):
        refused(make_critics({CRITIC_KEY: json.dumps(plain | change)}), kind, said)
    del plain["highest_hz"]
    refused(make_critics({CRITIC_KEY: json.dumps(plain)}), FormatError, "critics lacks the key 'highest_hz'")
    refused(make_critics({CRITIC_KEY: "{"}), FormatError, "not JSON")


def test_graphs_that_contradict_their_contract(make_critics: Callable[..., Path], contract: CriticSpec) -> None:
    refused(make_critics(frames=7), CriticError, "graph does not keep its contract", "7]")
    alone = json.dumps(json.loads(contract.to_json()) | {"sources": ["voice"]})
    refused(make_critics({CRITIC_KEY: alone}), CriticError, "graph does not keep its contract")
    refused(make_critics(kind=TensorProto.DOUBLE), CriticError, "float32", "tensor(double)")


def test_the_contract_alone(make_critics: Callable[..., Path], contract: CriticSpec) -> None:
    assert read_critic_spec(make_critics()) == contract
    assert critics_path(Path("a/live-1.5.onnx")) == Path("a/live-1.5.critics.onnx")
