"""Small real model files, and `advsep-live` run inside the test's own process."""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from advsep.realtime.callback import DeckCallback
from advsep.realtime.engine import Engine
from advsep.realtime.exchange import ENDS_AT, PLAYED, Deck
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


@pytest.fixture
def live(program: Callable[..., Any]) -> Callable[..., Any]:
    """`live("-i", path, …)`: what `program` returns for `advsep-live`."""
    return functools.partial(program, "advsep-live")


class Late:
    """A processor that only delays, at gain 1."""

    dry_gain = 1.0

    def __init__(
        self, rate_hz: int = 44100, channels: int = 2, hop_samples: int = 256, delay_samples: int = 300
    ) -> None:
        self.rate_hz, self.channels = rate_hz, channels
        self.hop_samples, self.delay_samples = hop_samples, delay_samples
        self._held = np.zeros((delay_samples + hop_samples, channels), np.float32)

    def process(self, samples: np.ndarray, mix: np.ndarray) -> None:
        self._held[self.delay_samples :] = samples
        mix[:] = self._held[: self.hop_samples]
        self._held[: self.delay_samples] = self._held[self.hop_samples :].copy()

    def skip(self, count: int) -> None:
        """As if silence had come."""
        for _ in range(count // self.hop_samples):
            self.process(np.zeros((self.hop_samples, self.channels), np.float32), self._held[: self.hop_samples].copy())

    def warm_up(self) -> None:
        self._held.fill(0)


class Hand:
    """Calls a deck's compiled callback as a sound card would, but when the test likes."""

    def __init__(self, deck: Deck, *, captures: bool = False) -> None:
        kind = ctypes.CFUNCTYPE(
            ctypes.c_int,
            *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p),
        )
        self.deck = deck
        self._callback = DeckCallback(deck, has_input=captures, has_output=True)
        self._call = kind(self._callback.address)

    def block(self, count: int, captured: np.ndarray | None = None) -> np.ndarray:
        """What is heard in a block of `count` frames."""
        played = np.full((count, self.deck.outputs.data.shape[1]), np.nan, np.float32)
        data = None if captured is None else np.ascontiguousarray(captured, np.float32)
        address = None if data is None else data.ctypes.data
        self._call(address, played.ctypes.data, count, None, 0, self._callback.user_data)
        return played

    def to_the_end(self, engine: Engine, count: int) -> np.ndarray:
        """Blocks of `count` frames until all has been heard, none before the worker is through with it."""
        heard: list[np.ndarray] = []
        words = self.deck.words
        while not engine.ended:
            assert engine.error is None
            end = words[ENDS_AT]
            wanted = words[PLAYED] + count if end < 0 else min(words[PLAYED] + count, end)
            if self.deck.outputs.written < wanted:
                time.sleep(0.0005)
            else:
                heard.append(self.block(count))
        return np.concatenate(heard)


@pytest.fixture(scope="session")
def late() -> type[Late]:
    """`late(rate_hz, channels, hop_samples, delay_samples)`: a processor that only delays."""
    return Late


@pytest.fixture(scope="session")
def hand() -> type[Hand]:
    """`hand(deck)`: the deck's callback, called by the test."""
    return Hand
