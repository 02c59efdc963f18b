"""What a critic thinks of an estimate: its score, and where and which way the estimate would have to change.

The file is written by `advsep-export` beside the model, `live-12.critics.onnx` beside `live-12.onnx`. The map is
the gradient of the score by the patch, the last figure of Stoller, Ewert, Dixon (ICASSP 2018).
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import AdvsepError
from .onnx_session import FileKind, check_graph, open_session, read_contract
from .spec import SignalSpec, SpecError, other_version, read_versioned

CRITIC_VERSION = 1

CRITIC_KEY = "advsep.critic_spec"
"""Key of the ONNX file's `metadata_props` under which the contract's JSON lies."""

SHORTEST_FRAMES = 4


class CriticError(AdvsepError):
    """A file of critics that cannot be used."""


_KIND = FileKind(
    CriticError,
    "file of critics",
    "a .critics.onnx file",
    "critics",
    CRITIC_KEY,
    f"expected critics, found an ONNX file whose metadata lacks '{CRITIC_KEY}'; "
    "give the .critics.onnx file that advsep-export wrote beside the model",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticSpec:
    """Everything that a player must know of a file of critics.

    For each source the graph takes `SOURCE` [batch, 1, band, frame] and returns `SOURCE_score` [batch] and
    `SOURCE_gradient` [batch, 1, band, frame]. The sources share nothing: each has a batch of its own, which
    may be empty.

    Attributes:
        name: of the model that the critics taught.
        sources: that have a critic.
        signal: of that model; a patch has its bands.
        frames: of a patch.
        highest_hz: critics see nothing above.
        weights_licence: of the critics.
        commit: of the code, empty where unknown.
        checkpoint_sha256: of the checkpoint; the model's contract names the same one.
    """

    schema_version: int = CRITIC_VERSION
    name: str
    sources: tuple[str, ...]
    signal: SignalSpec
    frames: int
    highest_hz: float
    weights_licence: str
    commit: str
    checkpoint_sha256: str

    def __post_init__(self) -> None:
        if self.schema_version != CRITIC_VERSION:
            raise other_version("the critics' contract", self.schema_version, CRITIC_VERSION)
        if not self.sources or len(set(self.sources)) < len(self.sources):
            raise SpecError(f"sources must be one or more different names, got {self.sources}")
        if self.frames < SHORTEST_FRAMES:
            raise SpecError(f"frames must be {SHORTEST_FRAMES} or more, got {self.frames}")
        if not (math.isfinite(self.highest_hz) and self.highest_hz > 0):
            raise SpecError(f"highest_hz must be positive, got {self.highest_hz}")

    def to_json(self) -> str:
        """The contract as one line of JSON."""
        return json.dumps(dataclasses.asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> CriticSpec:
        """Read what `to_json` wrote.

        Raises:
            FormatError: not JSON, or a key is unknown, missing or of the wrong type.
            SpecError: of another schema version, or contradictory.
        """
        return read_versioned(cls, text, CRITIC_VERSION, "the critics' contract", "critics")


@dataclass(frozen=True, slots=True)
class CriticMap:
    """What a critic says of patches.

    Attributes:
        scores: float32 [batch], without a limit; higher: more like a recording of the source.
        gradients: of the score by the patch, float32 [batch, 1, band, frame]; positive where more would please.
    """

    scores: NDArray[np.float32]
    gradients: NDArray[np.float32]


class CriticSession:
    """The critics of one file, one thread, on the CPU.

    Args:
        path: a `.critics.onnx` file written by `advsep-export`.

    Attributes:
        spec: the contract from the file.

    Raises:
        CriticError: the file is missing, is no ONNX file, holds no critics, or contradicts its contract.
        SpecError: its contract is of another version or cannot be.
        FormatError: its contract has unknown, missing or mistyped keys.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._session = open_session(path, _KIND)
        self.spec = read_contract(self._session, path, _KIND, CriticSpec.from_json)
        _check(self._session, self.spec, path)

    def patches(self, magnitudes: NDArray[Any], bandwidth_hz: float = math.inf) -> NDArray[np.float32]:
        """Estimates as critics saw them in training: ln(1 + scale * mean over channels), empty above the limit.

        Args:
            magnitudes: mean magnitude of each band, mask applied [batch, channel, frame, band].
            bandwidth_hz: above which the recording holds nothing.

        Returns:
            float32 [batch, 1, band, frame].
        """
        mean = np.mean(magnitudes, 1, keepdims=True) * visible_bands(self.spec, bandwidth_hz)
        seen = np.log1p(mean * self.spec.signal.feature_scale).swapaxes(2, 3)
        return np.ascontiguousarray(seen, np.float32)

    def judge(self, source: str, patches: NDArray[np.float32]) -> CriticMap:
        """Scores and gradients of one source's estimates; the other critics do no work.

        Args:
            source: one of `spec.sources`.
            patches: float32 [batch, 1, band, frame], as `patches` makes them.

        Raises:
            ValueError: no critic has that source, or the patches are of another shape or type.
        """
        wanted = (1, self.spec.signal.bands, self.spec.frames)
        if source not in self.spec.sources:
            raise ValueError(f"source must be one of {', '.join(self.spec.sources)}, got {source}")
        if patches.shape[1:] != wanted or patches.dtype != np.float32:
            raise ValueError(f"patches must be float32 [batch, {wanted}], got {patches.dtype} {patches.shape}")
        nothing = np.zeros((0, *wanted), np.float32)
        fed = {each: patches if each == source else nothing for each in self.spec.sources}
        scores, gradients = self._session.run([f"{source}_score", f"{source}_gradient"], fed)
        return CriticMap(scores, gradients)


def critics_path(model: Path) -> Path:
    """Where a model's critics lie: `live-12.critics.onnx` beside `live-12.onnx`."""
    return model.with_suffix(".critics.onnx")


def visible_bands(spec: CriticSpec, bandwidth_hz: float = math.inf) -> NDArray[np.float32]:
    """1 for the bands that critics see, all of whose bins lie within both limits, else 0: [band]."""
    signal = spec.signal
    last_bins = np.asarray(signal.band_edges_bins[1:]) - 1
    last_hz = last_bins * (signal.sample_rate_hz / signal.window_samples)
    return (last_hz <= min(bandwidth_hz, spec.highest_hz)).astype(np.float32)


def read_critic_spec(path: Path) -> CriticSpec:
    """Only the contract of a file of critics; raises as `CriticSession` does."""
    return read_contract(open_session(path, _KIND), path, _KIND, CriticSpec.from_json)


def _check(session: Any, spec: CriticSpec, path: Path) -> None:
    patch = [None, 1, spec.signal.bands, spec.frames]
    wanted: dict[str, list[Any]] = {}
    for source in spec.sources:
        wanted |= {f"{source}_score": [None], f"{source}_gradient": patch}
    check_graph(session, path, _KIND, dict.fromkeys(spec.sources, patch), wanted)
