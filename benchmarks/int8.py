"""What 8-bit arithmetic would do for a model: time of a frame, size, and vocal SDR, beside the 32-bit one.

    python benchmarks/int8.py DATA [--model live-12]

ONNX Runtime's own quantisation, of weights only ("dynamic") and of what flows between layers, too ("static", its
ranges from 100 places of the demo song). Networks take turns frame by frame, 3000 frames each, on one core. SDR is of
the validation tracks of DATA/splits.json, whole.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from advsep.realtime.model import ModelSession
from advsep.realtime.registry import DEFAULT_MODEL, find_model
from advsep.realtime.separator import HopSeparator
from advsep.realtime.stems import HOPS_AT_ONCE
from advsep.trainer.eval_tracks import TrackChoice
from advsep.trainer.evaluation import evaluate_track
from advsep.trainer.metrics import STEM_NAMES
from advsep.trainer.report import MODEL, StemScore, corpora_of
from hop_cost import machine, song_in_hops
from latency_curve import mean_gain_db
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static

TURNS, FRAMES_A_TURN = 30, 100
FED_HOPS, FED_EVERY = 1200, 12
KINDS: dict[str, tuple[str, list[str]]] = {
    "dynamic, linear layers": ("dynamic", ["MatMul"]),
    "dynamic, and convolutions": ("dynamic", ["MatMul", "Conv"]),
    "static, linear layers": ("static", ["MatMul"]),
    "static, convolutions": ("static", ["Conv"]),
    "static, all of these": ("static", ["MatMul", "Conv", "ConvTranspose"]),
}


def widened(source: Path, out: Path) -> None:
    """A copy whose weights have 32 bits: quantisation knows no weights behind casts."""
    model: Any = onnx.load(str(source))
    held = {item.name: item for item in model.graph.initializer}
    for node in [node for node in model.graph.node if node.op_type == "Cast" and node.input[0] in held]:
        wide = numpy_helper.to_array(held[node.input[0]]).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(wide, node.output[0]))
        model.graph.initializer.remove(held[node.input[0]])
        model.graph.node.remove(node)
    onnx.save(model, str(out))


class DemoFrames(CalibrationDataReader):
    """Features and states of the demo song, from place to place."""

    def __init__(self, source: Path) -> None:
        self._frames = self._played(ModelSession(source))

    def get_next(self) -> dict[str, Any]:
        """The inputs of a frame; None when there are no more."""
        return next(self._frames, None)  # pyright: ignore[reportReturnType]

    @staticmethod
    def _played(model: ModelSession) -> Iterator[dict[str, Any]]:
        separator, blocks = HopSeparator(model), song_in_hops(model.spec.signal)
        voice, mixture = np.empty_like(blocks[0]), np.empty_like(blocks[0])
        for number, block in enumerate(blocks[:FED_HOPS]):
            states = {spec.name: state.copy() for spec, state in zip(model.spec.states, model.states, strict=True)}
            separator.process(block, voice, mixture)
            if number % FED_EVERY == 0:
                yield {"features": model.features(1)[None].copy(), **states}


def quantised(source: Path, out: Path, how: str, layers: list[str]) -> None:
    """Write a quantised copy; it keeps the contract."""
    if how == "dynamic":
        # Convolutions are only there with weights from 0 to 255.
        weights = QuantType.QUInt8 if "Conv" in layers else QuantType.QInt8
        quantize_dynamic(source, out, op_types_to_quantize=layers, weight_type=weights)
    else:
        quantize_static(source, out, DemoFrames(source), op_types_to_quantize=layers, per_channel=True)
    model: Any = onnx.load(str(out))
    contract = {entry.key: entry.value for entry in onnx.load(str(source)).metadata_props}
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, contract)
    onnx.save(model, str(out))


def frame_us(models: dict[str, Path]) -> dict[str, float]:
    """Median microseconds of a frame, the models taking turns."""
    sessions = {name: ModelSession(path) for name, path in models.items()}
    times_ns: dict[str, list[int]] = {name: [] for name in sessions}
    rng = np.random.default_rng(0)
    for _ in range(TURNS):
        for name, session in sessions.items():
            features = session.features(1)
            features[:] = rng.random(features.shape, np.float32)
            for _ in range(FRAMES_A_TURN):
                began = time.perf_counter_ns()
                session.run(1)
                times_ns[name].append(time.perf_counter_ns() - began)
    return {name: float(np.median(each)) / 1e3 for name, each in times_ns.items()}


def gains_db(path: Path, tracks: list[Any], tell: Callable[[str], None]) -> dict[str, float]:
    """Mean vocal SDR gain of each corpus, and of all tracks."""
    model, scores = ModelSession(path, HOPS_AT_ONCE), list[StemScore]()
    for track in tracks:
        tell(track.name)
        scores += evaluate_track(model, track, bss=False)
    voice, name = STEM_NAMES[0], model.spec.name
    return {corpus: mean_gain_db(scores, name, voice, MODEL, corpus) for corpus in corpora_of(scores)}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("data", type=Path, help="the folder of splits.json and paired/")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a bundled model's name or an .onnx file")
    asked = parser.parse_args()
    tracks = TrackChoice([asked.data / "paired"], asked.data / "splits.json", "valid").find()
    with tempfile.TemporaryDirectory() as folder:
        models = {"32 bits": Path(folder) / "float.onnx"}
        widened(find_model(asked.model), models["32 bits"])
        for number, (name, (how, layers)) in enumerate(KINDS.items()):
            models[name] = Path(folder) / f"{number}.onnx"
            quantised(models["32 bits"], models[name], how, layers)
        times = frame_us(models)
        print(f"{asked.model} · {machine()}\n", flush=True)
        for name, path in models.items():
            gains = gains_db(path, tracks, lambda track: print(f"\r\033[K{track}", end="", flush=True))
            told = " · ".join(f"{corpus} {gain:+.2f} dB" for corpus, gain in gains.items())
            size_kb = path.stat().st_size / 1e3
            print(f"\r\033[K{name}: {times[name]:.0f} us a frame, {size_kb:.0f} kB, {told}", flush=True)


if __name__ == "__main__":
    main()
