"""A window's session whose engine is the test: the rings are written as the engine writes them, at any speed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from advsep.gui.session import Session
from advsep.realtime.critic_map import CRITIC_KEY, CriticSpec
from advsep.realtime.engine_settings import EngineSettings
from advsep.realtime.ring import ring_write
from advsep.realtime.spec import METADATA_KEY, ModelSpec, SignalSpec, TrainingSummary, geometric_band_edges
from advsep.realtime.telemetry import Layout, Telemetry
from advsep.realtime.telemetry_rings import lay_out, layout_for
from onnx import TensorProto, helper

SOURCES = ("vocals", "accompaniment")
SIGNAL = SignalSpec(
    sample_rate_hz=44100,
    native_rates_hz=(44100, 48000),
    window_samples=4096,
    hop_samples=1024,
    synthesis_samples=2048,
    lookahead_frames=0,
    channels=2,
    band_edges_bins=geometric_band_edges(2048, 64, 32),
    compression="log1p",
    feature_scale=4.0,
)


class FedSession(Session):
    """Plays what is written with `feed`; everything else is the window's own session without an engine."""

    def __init__(self, folder: Path, signal: SignalSpec = SIGNAL) -> None:
        self.signal, self.block = signal, Telemetry.create()
        super().__init__(EngineSettings(input="demo", output="null", model=str(write_contract(folder, signal))))
        self._timer.stop()
        self.lay_out()

    @property
    def telemetry(self) -> Telemetry:
        return self.block

    @property
    def layout(self) -> Layout | None:
        return self.laid_out

    def lay_out(self, name: str = "tiny", rate_hz: int = 44100) -> None:
        """Begin, or have another model play."""
        self.laid_out: Layout | None = layout_for(name, SOURCES, self.signal, rate_hz, 0)
        _, self.columns = lay_out(self.block, self.laid_out)
        self.layout_changed.emit(self.laid_out)

    def feed(self, magnitudes: np.ndarray, masks: np.ndarray) -> None:
        """Columns of [frame, channel, band], both; no more than the ring holds."""
        features = np.log1p(magnitudes * self.signal.feature_scale)
        rows = np.concatenate([features.reshape(len(features), -1), masks.reshape(len(masks), -1)], 1)
        ring_write(self.columns.words, self.columns.data, np.ascontiguousarray(rows, np.float32))

    def feed_noise(self, frames: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Some columns, which are returned."""
        rng, shape = np.random.default_rng(seed), (frames, self.signal.channels, self.signal.bands)
        magnitudes, masks = rng.exponential(10.0, shape), rng.uniform(0, 1, shape)
        self.feed(magnitudes, masks)
        return magnitudes, masks

    def close(self) -> None:
        self.laid_out = None
        self.layout_changed.emit(None)
        super().close()
        self.block.unlink()
        self.block.close()


def write_contract(folder: Path, signal: SignalSpec, name: str = "tiny") -> Path:
    """A model file that says what it is, and does next to nothing."""
    contract = ModelSpec(
        name=name,
        kind="live-unet",
        sources=SOURCES,
        signal=signal,
        states=(),
        latency_samples=signal.latency_samples,
        training=TrainingSummary(corpora=(), steps=0, audio_hours=0.0, validation_sdr_gain_db=None),
        weights_licence="MIT",
        commit="none",
        checkpoint_sha256="",
    )
    shape = [1, signal.channels, "frames", signal.bands]
    ends = [helper.make_tensor_value_info(each, TensorProto.FLOAT, shape) for each in ("features", "masks")]
    made = helper.make_graph([helper.make_node("Sigmoid", ["features"], ["masks"])], "tiny", ends[:1], ends[1:])
    return _save(made, {METADATA_KEY: contract.to_json()}, folder / f"{name}.onnx")


def write_critics(path: Path, signal: SignalSpec, frames: int = 8, name: str = "tiny") -> Path:
    """Critics D(x) = a/2 * sum of x^2, whose gradient is a * x: a = 1 for the voice, -3 for the rest."""
    contract = CriticSpec(
        name=name,
        sources=("voice", "accompaniment"),
        signal=signal,
        frames=frames,
        highest_hz=16000.0,
        weights_licence="MIT",
        commit="none",
        checkpoint_sha256="",
    )
    patch = [1, signal.bands, frames]
    nodes, numbers, inputs, outputs = [], [helper.make_tensor("axis", TensorProto.INT64, [1], [1])], [], []
    for source, a in zip(contract.sources, (1.0, -3.0), strict=True):
        numbers += [
            helper.make_tensor(f"{source}_a", TensorProto.FLOAT, [], [a]),
            helper.make_tensor(f"{source}_h", TensorProto.FLOAT, [], [0.5]),
        ]
        nodes += [
            helper.make_node("Mul", [source, f"{source}_a"], [f"{source}_gradient"]),
            helper.make_node("Mul", [source, f"{source}_gradient"], [f"{source}_products"]),
            helper.make_node("Flatten", [f"{source}_products"], [f"{source}_flat"], axis=1),
            helper.make_node("Mul", [f"{source}_flat", f"{source}_h"], [f"{source}_halves"]),
            helper.make_node("ReduceSum", [f"{source}_halves", "axis"], [f"{source}_score"], keepdims=0),
        ]
        batch = f"{source}_batch"
        inputs.append(helper.make_tensor_value_info(source, TensorProto.FLOAT, [batch, *patch]))
        outputs.append(helper.make_tensor_value_info(f"{source}_score", TensorProto.FLOAT, [batch]))
        outputs.append(helper.make_tensor_value_info(f"{source}_gradient", TensorProto.FLOAT, [batch, *patch]))
    made = helper.make_graph(nodes, "squares", inputs, outputs, numbers)
    return _save(made, {CRITIC_KEY: contract.to_json()}, path)


def _save(graph: onnx.GraphProto, metadata: dict[str, str], path: Path) -> Path:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path
