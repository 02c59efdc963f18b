"""Matrices of 8 bits: a file half as large again, the same network but for rounding, and still one to train on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from advsep.export import eight as eight_module
from advsep.export import half as half_module
from advsep.export import verify as verify_module
from advsep.export.eight import rounded, store_eight
from advsep.export.graph import write_onnx
from advsep.export.half import store_half
from advsep.realtime.model import ModelSession, read_model_spec
from advsep.realtime.spec import ModelSpec
from advsep.trainer.live_unet import LiveUnet
from advsep.trainer.pretrained import load_pretrained
from onnx import numpy_helper

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def tiny_weights_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' network is so small that most of its weights would stay as they are."""
    for module in (half_module, eight_module):
        monkeypatch.setattr(module, "SMALLEST", 16)


def files(network: LiveUnet, spec: ModelSpec, folder: Path) -> tuple[Path, Path, Path]:
    """The same network in three files: as it is, of 16 bits, of 8 and 16."""
    full, half, eight = (folder / f"{name}.onnx" for name in ("full", "half", "eight"))
    write_onnx(network, spec, full)
    shutil.copy(full, half)
    store_half(half)
    shutil.copy(full, eight)
    store_eight(eight)
    store_half(eight)
    return full, half, eight


def masks(path: Path, frames: int) -> np.ndarray:
    session = ModelSession(path, frames)
    features = session.features(frames)
    features[:] = np.random.default_rng(5).random(features.shape, np.float32)
    return session.run(frames).copy()


@pytest.mark.parametrize("axis", [0, 1])
def test_rounding_is_off_by_half_a_step_at_most(axis: int) -> None:
    values = np.random.default_rng(1).standard_normal((40, 30)).astype(np.float32)
    values[3], values[:, 7] = 0, 0
    whole, scale = rounded(values, axis)
    largest = np.abs(values).max(axis, keepdims=True)
    assert whole.dtype == np.int8
    assert np.abs(whole * scale - values).max() <= (largest / 127 / 2).max() * 1.001
    assert np.abs(whole).max(axis).min() in (0, 127)
    assert not (whole * scale)[3].any()


def test_matrices_are_whole_numbers_and_masks_nearly_the_same(
    network: LiveUnet, spec: ModelSpec, tmp_path: Path
) -> None:
    full, half, eight = files(network, spec, tmp_path)
    kinds = {t.name: numpy_helper.to_array(t).dtype for t in onnx.load(eight).graph.initializer}
    whole = [name for name, kind in kinds.items() if kind == np.int8]
    # Two linear layers, and the GRU's two.
    assert len(whole) == 4
    assert sum(kind == np.float16 for kind in kinds.values()) >= 4  # convolutions
    assert eight.stat().st_size < half.stat().st_size < full.stat().st_size
    difference = np.abs(masks(eight, 50) - masks(full, 50)).max()
    assert 1e-5 < difference < 0.03
    assert read_model_spec(eight) == read_model_spec(full)


def test_it_can_be_trained_on(network: LiveUnet, spec: ModelSpec, tmp_path: Path) -> None:
    full, _, eight = files(network, spec, tmp_path)
    there, here = load_pretrained(str(full)), load_pretrained(str(eight))
    assert here.network == there.network
    assert here.weights.keys() == there.weights.keys()
    for name, value in there.weights.items():
        assert torch.allclose(here.weights[name], value, atol=float(value.abs().max()) / 127), name


def test_the_command_proves_what_it_stores(
    program: Run, checkpoint_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_module, "SECONDS", 6.0)
    sizes: dict[str, int] = {}
    for flag in ("--half", "--eight"):
        code, out, err = program("advsep-export", checkpoint_file, "-o", tmp_path / "m.onnx", flag)
        assert code == 0, err
        assert ("with weights of 8 and 16 bits" in err) == (flag == "--eight")
        assert "ONNX Runtime" in out
        sizes[flag] = (tmp_path / "m.onnx").stat().st_size
    assert sizes["--eight"] < sizes["--half"]
