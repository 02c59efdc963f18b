"""The ONNX file: the same GRU, one file, the whole contract, nothing of this machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from advsep.export.graph import OnnxGru, write_onnx
from advsep.realtime.model import read_model_spec
from advsep.realtime.spec import METADATA_KEY, ModelSpec
from advsep.trainer.checkpoint import file_sha256
from advsep.trainer.live_unet import LiveUnet
from torch import nn


def test_the_gru_is_torchs_in_onnx_runtime(tmp_path: Path) -> None:
    torch.manual_seed(1)
    gru = nn.GRU(5, 7, batch_first=True)
    frames = torch.export.Dim("frames", min=1, max=1000)
    program = torch.onnx.export(
        OnnxGru(gru),
        (torch.rand(1, 3, 5), torch.zeros(1, 1, 7)),
        input_names=["x", "state"],
        output_names=["y", "next"],
        dynamic_shapes=({1: frames}, {}),
        opset_version=20,
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    program.save(tmp_path / "gru.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "gru.onnx", providers=["CPUExecutionProvider"])
    for count in (1, 2, 50):
        x, state = torch.randn(1, count, 5), torch.randn(1, 1, 7)
        wanted, last = (part.detach().numpy() for part in gru(x, state))
        found, after = session.run(["y", "next"], {"x": x.numpy(), "state": state.numpy()})
        assert np.abs(found - wanted).max() < 1e-5
        assert np.abs(after - last).max() < 1e-5


def test_the_file_is_one_and_holds_the_contract(network: LiveUnet, spec: ModelSpec, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    write_onnx(network, spec, folder / "m.onnx")
    assert [p.name for p in folder.iterdir()] == ["m.onnx"]
    assert isinstance(network.gru, nn.GRU)  # the caller's network is as it was
    assert all(torch.equal(weight, before[name]) for name, weight in network.state_dict().items())
    assert read_model_spec(folder / "m.onnx") == spec
    model = onnx.load(folder / "m.onnx", load_external_data=False)
    assert all(not onnx.external_data_helper.uses_external_data(t) for t in model.graph.initializer)
    assert {entry.key: entry.value for entry in model.metadata_props} == {METADATA_KEY: spec.to_json()}
    assert [n.op_type for n in model.graph.node].count("GRU") == 1
    assert str(Path(__file__).parents[2]).encode() not in (folder / "m.onnx").read_bytes()
    names = ["features", "past_0", "past_1", "recurrent"]
    assert [i.name for i in model.graph.input] == names
    assert [o.name for o in model.graph.output] == ["masks", *(f"{n}_next" for n in names[1:])]


def test_the_contract_is_complete(spec: ModelSpec, checkpoint_file: Path) -> None:
    assert (spec.name, spec.kind, spec.sources) == ("tiny", "live-unet", ("vocals", "accompaniment"))
    assert spec.latency_samples == 256
    assert [(s.name, s.shape) for s in spec.states] == [
        ("past_0", (1, 2, 1, 32)),
        ("past_1", (1, 4, 1, 16)),
        ("recurrent", (1, 1, 8)),
    ]
    training = spec.training
    assert (training.corpora, training.steps, training.audio_hours) == (("one", "two"), 1234, 2.0)
    assert training.validation_sdr_gain_db == pytest.approx(4.25)
    assert (spec.weights_licence, spec.commit) == ("CC0-1.0", "0123456789ab+")
    assert spec.checkpoint_sha256 == file_sha256(checkpoint_file)
    assert ModelSpec.from_json(spec.to_json()) == spec
