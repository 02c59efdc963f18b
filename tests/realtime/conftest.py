"""Small real model files, and `advsep-live` run inside the test's own process."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import pytest
from advsep.realtime import cli
from advsep.realtime.spec import (
    METADATA_KEY,
    ModelSpec,
    SignalSpec,
    StateSpec,
    TrainingSummary,
    geometric_band_edges,
)
from onnx import TensorProto, helper

SIGNAL = SignalSpec(
    sample_rate_hz=44100,
    native_rates_hz=(44100, 48000),
    window_samples=2048,
    hop_samples=256,
    synthesis_samples=512,
    lookahead_frames=0,
    channels=2,
    band_edges_bins=geometric_band_edges(1024, 64, 32),
    compression="log1p",
    feature_scale=4.0,
)


@pytest.fixture(scope="session")
def signal() -> SignalSpec:
    """live-12 with fewer bands."""
    return SIGNAL


def spec_of(signal: SignalSpec = SIGNAL, states: tuple[StateSpec, ...] = ()) -> ModelSpec:
    return ModelSpec(
        name="tiny",
        kind="live-unet",
        sources=("vocals", "accompaniment"),
        signal=signal,
        states=states,
        latency_samples=signal.latency_samples,
        training=TrainingSummary(corpora=(), steps=0, audio_hours=0.0, validation_sdr_gain_db=None),
        weights_licence="MIT",
        commit="none",
        checkpoint_sha256="",
    )


@pytest.fixture(scope="session")
def spec() -> ModelSpec:
    """The contract of a model without states."""
    return spec_of()


def graph(signal: SignalSpec, logit: float, slope: float, frames: str | int) -> onnx.ModelProto:
    """masks = sigmoid(slope * features + logit); slope 0 makes them the same everywhere, whatever it hears."""
    shape = [1, signal.channels, frames, signal.bands]
    numbers = [helper.make_tensor(name, TensorProto.FLOAT, [], [x]) for name, x in (("slope", slope), ("at", logit))]
    nodes = [
        helper.make_node("Mul", ["features", "slope"], ["sloped"]),
        helper.make_node("Add", ["sloped", "at"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["masks"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("features", "masks")]
    made = helper.make_graph(nodes, "constant", ends[:1], ends[1:], numbers)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def make_model(tmp_path: Path) -> Callable[..., Path]:
    """Writes a model with masks of 1 everywhere or, by `logit` and `slope`, others."""

    def make(
        signal: SignalSpec = SIGNAL,
        *,
        logit: float = 100.0,
        slope: float = 0.0,
        metadata: dict[str, str] | None = None,
        frames: str | int = "frames",
        states: tuple[StateSpec, ...] = (),
    ) -> Path:
        model = graph(signal, logit, slope, frames)
        helper.set_model_props(
            model, {METADATA_KEY: spec_of(signal, states).to_json()} if metadata is None else metadata
        )
        path = tmp_path / "tiny.onnx"
        onnx.save(model, path)
        return path

    return make


@pytest.fixture(scope="session")
def with_signal() -> Callable[..., SignalSpec]:
    """`with_signal(hop_samples=64, …)`: the signal spec with some fields replaced."""

    def make(**changes: Any) -> SignalSpec:
        return dataclasses.replace(SIGNAL, **changes)

    return make


@dataclass
class Ended:
    """How a run of `advsep-live` ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The last line of standard output."""
        return json.loads(self.out.splitlines()[-1])


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """`live("-i", path, …)`: the program from its entry point to its exit, without the start of a Python."""

    def run(*arguments: str | Path) -> Ended:
        monkeypatch.setattr(sys, "argv", ["advsep-live", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        return Ended(ended.value.code or 0, out, err)

    return run
