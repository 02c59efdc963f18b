"""A model file in ONNX Runtime: the contract read and checked, the states carried, nothing copied twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import AdvsepError
from .onnx_session import FileKind, check_graph, open_session, read_contract
from .spec import METADATA_KEY, ModelSpec


class ModelError(AdvsepError):
    """A model file that cannot be used."""


_KIND = FileKind(
    ModelError,
    "model file",
    "an .onnx file",
    "an ONNX model",
    METADATA_KEY,
    f"an ONNX model, but not one of advsep's: its metadata lacks '{METADATA_KEY}'; write it with advsep-export",
)


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
        self._session = open_session(path, _KIND)
        self.spec = read_contract(self._session, path, _KIND, ModelSpec.from_json)
        _check(self._session, self.spec, path)
        signal = self.spec.signal
        self._features = np.zeros(signal.feature_maps * max_frames * signal.bands, np.float32)
        self._masks = np.zeros(signal.mask_maps * max_frames * signal.bands, np.float32)
        self._shares = np.zeros(signal.channels * max_frames * signal.bands, np.float32)
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
        """The buffer to fill before `run`: [`feature_maps`, frames, band], magnitudes first."""
        return self._shaped(self._features, frames)

    def shares(self, frames: int) -> NDArray[np.float32]:
        """How much of each band the first source is by the last run of so many frames: [channel, frames, band] in 0…1.

        Of complex masks the real parts, as far as they are shares.
        """
        shares = self._shaped(self._shares, frames)
        np.clip(self._shaped(self._masks, frames)[: len(shares)], 0.0, 1.0, out=shares)
        return shares

    def run(self, frames: int) -> NDArray[np.float32]:
        """Masks for the frames in `features(frames)`; the states move on.

        Args:
            frames: 1 to `max_frames`.

        Returns:
            float32 [`mask_maps`, frames, band], as in `SignalSpec`, valid until the next call.
        """
        if frames not in self._bindings:
            self._bindings[frames] = self._bind(frames)
        self._session.run_with_iobinding(self._bindings[frames][self._turn])
        self._turn = 1 - self._turn
        return self._shaped(self._masks, frames)

    def _shaped(self, flat: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
        signal = self.spec.signal
        if not 1 <= frames <= self._max_frames:
            raise ValueError(f"frames must be 1 to {self._max_frames}, got {frames}")
        maps = len(flat) // (self._max_frames * signal.bands)
        return flat[: maps * frames * signal.bands].reshape(maps, frames, signal.bands)

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
    return read_contract(open_session(path, _KIND), path, _KIND, ModelSpec.from_json)


def _check(session: Any, spec: ModelSpec, path: Path) -> None:
    signal = spec.signal
    heard, made = ([1, maps, None, signal.bands] for maps in (signal.feature_maps, signal.mask_maps))
    wanted_in = {"features": heard, **{s.name: list(s.shape) for s in spec.states}}
    wanted_out = {"masks": made, **{f"{s.name}_next": list(s.shape) for s in spec.states}}
    check_graph(session, path, _KIND, wanted_in, wanted_out)
