"""A model file in ONNX Runtime: the contract read and checked, the states carried, nothing copied twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import AdvsepError
from .spec import METADATA_KEY, ModelSpec


class ModelError(AdvsepError):
    """A model file that cannot be used."""


class ModelSession:
    """One model, ready to turn features into masks, one thread, on the CPU.

    All buffers are bound once a number of frames: the next call with that number allocates nothing
    of ours. States alternate between two buffers, each run reading one and writing the other.

    Args:
        path: an `.onnx` file written by `advsep-export`.
        max_frames: most frames a call may hold.

    Attributes:
        spec: the contract from the file.

    Raises:
        ModelError: the file is missing, is no ONNX model, is not one of ours, or contradicts its contract.
        SpecError: its contract is of another version or cannot be.
        FormatError: its contract has unknown, missing or mistyped keys.
    """

    def __init__(self, path: Path, max_frames: int = 1) -> None:
        if max_frames < 1:
            raise ValueError(f"max_frames must be 1 or more, got {max_frames}")
        self.path = path
        self._session = _open_session(path)
        self.spec = _read_spec(self._session, path)
        _check_graph(self._session, self.spec, path)
        signal = self.spec.signal
        self._features = np.zeros(signal.channels * max_frames * signal.bands, np.float32)
        self._masks = np.zeros_like(self._features)
        self._max_frames = max_frames
        self._states = [[np.zeros(s.shape, np.float32) for s in self.spec.states] for _ in range(2)]
        self._bindings: dict[int, list[Any]] = {}
        self._turn = 0

    def reset(self) -> None:
        """Forget the past: all states back to zero."""
        for states in self._states:
            for state in states:
                state.fill(0.0)
        self._turn = 0

    @property
    def states(self) -> list[NDArray[np.float32]]:
        """The states that the next run will read, in the order of the contract; not to be written."""
        return self._states[self._turn]

    def features(self, frames: int) -> NDArray[np.float32]:
        """The buffer to fill before `run`: [channel, frames, band]."""
        return self._shaped(self._features, frames)

    def masks(self, frames: int) -> NDArray[np.float32]:
        """What the last run of so many frames gave: [channel, frames, band]."""
        return self._shaped(self._masks, frames)

    def run(self, frames: int) -> NDArray[np.float32]:
        """Masks for the frames in `features(frames)`; the states move on.

        Args:
            frames: 1 to `max_frames`.

        Returns:
            float32 [channel, frames, band] in 0…1, valid until the next call.
        """
        if frames not in self._bindings:
            self._bindings[frames] = self._bind(frames)
        self._session.run_with_iobinding(self._bindings[frames][self._turn])
        self._turn = 1 - self._turn
        return self.masks(frames)

    def _shaped(self, flat: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
        signal = self.spec.signal
        if not 1 <= frames <= self._max_frames:
            raise ValueError(f"frames must be 1 to {self._max_frames}, got {frames}")
        return flat[: signal.channels * frames * signal.bands].reshape(signal.channels, frames, signal.bands)

    def _bind(self, frames: int) -> list[Any]:
        bindings: list[Any] = []
        for turn in (0, 1):
            binding = self._session.io_binding()
            features, masks = self._shaped(self._features, frames)[None], self._shaped(self._masks, frames)[None]
            binding.bind_input("features", "cpu", 0, np.float32, features.shape, features.ctypes.data)
            binding.bind_output("masks", "cpu", 0, np.float32, masks.shape, masks.ctypes.data)
            for state, now, after in zip(self.spec.states, self._states[turn], self._states[1 - turn], strict=True):
                binding.bind_input(state.name, "cpu", 0, np.float32, now.shape, now.ctypes.data)
                binding.bind_output(f"{state.name}_next", "cpu", 0, np.float32, after.shape, after.ctypes.data)
            bindings.append(binding)
        return bindings


def read_model_spec(path: Path) -> ModelSpec:
    """Only the contract of a model file; raises as `ModelSession` does."""
    return _read_spec(_open_session(path), path)


def _open_session(path: Path) -> Any:
    import onnxruntime  # costs a tenth of a second, which `--help` must not pay

    if not path.is_file():
        found = "expected a model file, found a folder" if path.is_dir() else "no such model file"
        raise ModelError(f"{path}: {found}; give an .onnx file written by advsep-export")
    try:
        blob = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}; give a model file that can") from None
    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    # One thread: a hop is too short to be worth waking another core, and a second core is the GUI's.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(blob, options, providers=["CPUExecutionProvider"])
    except Exception:  # ORT raises a dozen undocumented types for a bad file
        raise ModelError(
            f"{path}: expected an ONNX model written by advsep-export, found {len(blob)} bytes that ONNX Runtime "
            "cannot load; it may be damaged or of another kind: get a whole copy or export it again"
        ) from None


def _read_spec(session: Any, path: Path) -> ModelSpec:
    metadata: dict[str, str] = session.get_modelmeta().custom_metadata_map
    if METADATA_KEY not in metadata:
        raise ModelError(
            f"{path}: an ONNX model, but not one of advsep's: its metadata lacks '{METADATA_KEY}'; "
            "write it with advsep-export"
        )
    try:
        return ModelSpec.from_json(metadata[METADATA_KEY])
    except AdvsepError as error:
        raise type(error)(f"{path}: {error}") from None


def _check_graph(session: Any, spec: ModelSpec, path: Path) -> None:
    """Compare the graph's inputs and outputs with what the contract promises."""
    signal = spec.signal
    frame_shape = [1, signal.channels, None, signal.bands]
    wanted_in = {"features": frame_shape, **{s.name: list(s.shape) for s in spec.states}}
    wanted_out = {"masks": frame_shape, **{f"{s.name}_next": list(s.shape) for s in spec.states}}
    for wanted, found in ((wanted_in, session.get_inputs()), (wanted_out, session.get_outputs())):
        shapes: dict[str, list[Any]] = {
            item.name: [size if isinstance(size, int) else None for size in item.shape] for item in found
        }
        kinds = {item.type for item in found} - {"tensor(float)"}
        if kinds:
            raise ModelError(f"{path}: expected a graph in float32, found {', '.join(sorted(kinds))}; export it again")
        if shapes != wanted:
            raise ModelError(
                f"{path}: the graph does not keep its contract: expected {wanted}, found {shapes}; export it again"
            )
