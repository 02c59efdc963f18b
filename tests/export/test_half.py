"""Weights of 16 bits: half the size, the same network but for rounding, and still one to train on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from advsep.export import half as half_module
from advsep.export import verify as verify_module
from advsep.export.graph import write_onnx
from advsep.export.half import round_weights, store_half
from advsep.export.verify import ROUNDED, Proof, VerificationError
from advsep.realtime.errors import AdvsepError
from advsep.realtime.model import ModelSession, read_model_spec
from advsep.realtime.spec import ModelSpec
from advsep.trainer.live_unet import LiveUnet
from advsep.trainer.pretrained import load_pretrained
from onnx import numpy_helper

Run = Callable[..., tuple[int, str, str]]


SMALLEST = 16


@pytest.fixture(autouse=True)
def tiny_weights_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' network is so small that most of its weights would stay as they are."""
    monkeypatch.setattr(half_module, "SMALLEST", SMALLEST)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six seconds of proof."""
    monkeypatch.setattr(verify_module, "SECONDS", 6.0)


def full_and_half(network: LiveUnet, spec: ModelSpec, folder: Path) -> tuple[Path, Path]:
    """The same network in two files."""
    full, half = folder / "full.onnx", folder / "half.onnx"
    write_onnx(network, spec, full)
    shutil.copy(full, half)
    store_half(half)
    return full, half


def masks(path: Path, frames: int) -> np.ndarray:
    session = ModelSession(path, frames)
    features = session.features(frames)
    features[:] = np.random.default_rng(5).random(features.shape, np.float32)
    return session.run(frames).copy()


def test_a_file_of_half_the_weights_masks_nearly_the_same(network: LiveUnet, spec: ModelSpec, tmp_path: Path) -> None:
    full, half = full_and_half(network, spec, tmp_path)
    stored = {t.name: t for t in onnx.load(half).graph.initializer}
    large = [t for t in onnx.load(full).graph.initializer if numpy_helper.to_array(t).size >= SMALLEST]
    assert len(large) > 4
    for tensor in large:
        kept = numpy_helper.to_array(stored[f"{tensor.name}.half"])
        assert kept.dtype == np.float16
        assert np.array_equal(kept, numpy_helper.to_array(tensor).astype(np.float16))
    assert half.stat().st_size < full.stat().st_size - sum(numpy_helper.to_array(t).nbytes for t in large) / 3
    difference = np.abs(masks(half, 50) - masks(full, 50)).max()
    assert 0 < difference < 0.01
    assert read_model_spec(half) == read_model_spec(full)


def test_rounded_before_it_is_exactly_the_same(network: LiveUnet, spec: ModelSpec, tmp_path: Path) -> None:
    """But for the batch norms, which are folded into the weights afterwards: of a network without them."""
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.eps = 0.0
            layer.running_var.fill_(1.0)  # pyright: ignore[reportOptionalMemberAccess, reportCallIssue]
            layer.weight.data.fill_(1.0)
    round_weights(network)
    full, half = full_and_half(network, spec, tmp_path)
    assert np.array_equal(masks(half, 50), masks(full, 50))


def test_it_can_be_trained_on(network: LiveUnet, spec: ModelSpec, tmp_path: Path) -> None:
    full, half = (load_pretrained(str(path)) for path in full_and_half(network, spec, tmp_path))
    assert half.network == full.network
    assert half.weights.keys() == full.weights.keys()
    assert all(torch.allclose(half.weights[name], value, rtol=1e-3, atol=1e-4) for name, value in full.weights.items())


def test_the_program_writes_such_files(program: Run, checkpoint_file: Path, tmp_path: Path, short: None) -> None:
    sizes: list[int] = []
    for name, more in (("full.onnx", ()), ("half.onnx", ("--half",))):
        code, out, err = program("advsep-export", checkpoint_file, "-o", tmp_path / name, *more)
        assert code == 0, err
        assert ("verifying again, with weights of 16 bits" in err) == bool(more)
        assert "ONNX Runtime" in out
        sizes.append((tmp_path / name).stat().st_size)
    assert sizes[1] < sizes[0]


def test_what_rounding_must_not_do_is_refused(network: LiveUnet, spec: ModelSpec, tmp_path: Path, short: None) -> None:
    path = tmp_path / "m.onnx"
    write_onnx(network, spec, path)
    model = onnx.load(path)
    tensor = max(model.graph.initializer, key=lambda t: numpy_helper.to_array(t).size)
    name, values = tensor.name, numpy_helper.to_array(tensor)
    tensor.CopyFrom(numpy_helper.from_array(values * np.float32(1.5), name))
    onnx.save(model, path)
    with pytest.raises(VerificationError, match="refused: on music"):
        Proof(network, spec.signal).check(path, ROUNDED)
    tensor.CopyFrom(numpy_helper.from_array(values + np.float32(1e5), name))
    onnx.save(model, path)
    with pytest.raises(AdvsepError, match="is beyond 16 bits; export without --half"):
        store_half(path)
