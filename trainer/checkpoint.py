"""Checkpoints: everything needed to go on, or to export, in one file that is whole or not there."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch

from ..realtime.errors import AdvsepError
from ..realtime.strict import FormatError, from_plain
from ..realtime.whole_file import whole_file
from .config import TrainConfig
from .live_unet import LiveUnet

CHECKPOINT_VERSION = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """State of a run after `step` optimiser steps.

    Attributes:
        config: the resolved configuration.
        network: weights as the optimiser sees them.
        averaged: exponential moving average of the weights; what is validated and exported.
        optimiser: state of `muon.Optimisers`.
        carried: the network's states of each lane, for the segment that follows.
        step: optimiser steps done.
        audio_seconds: audio learnt from.
        best_gain_db: best mean vocal SDR gain at a validation so far, None before the first.
        validation_gain_db: the gain of these averaged weights, None where they were not validated.
        stale_validations: how many there were since the best.
        corpora: names of the training corpora.
        commit: of the code, empty where unknown.
        critics: state of each, by name; none where the mode is `supervised`.
    """

    config: TrainConfig
    network: dict[str, torch.Tensor]
    averaged: dict[str, torch.Tensor]
    optimiser: dict[str, Any]
    carried: list[torch.Tensor]
    step: int
    audio_seconds: float
    best_gain_db: float | None
    validation_gain_db: float | None
    stale_validations: int
    corpora: tuple[str, ...]
    commit: str
    critics: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StateKind(Generic[T]):
    """A kind of checkpoint file.

    Attributes:
        made: the dataclass of its contents, `config` and `corpora` among them.
        config: the dataclass of `config`.
        mark: the key that holds the version.
        version: that this advsep reads.
        program: that writes it.
    """

    made: type[T]
    config: type[Any]
    mark: str
    version: int
    program: str


CHECKPOINT = StateKind(Checkpoint, TrainConfig, "advsep_checkpoint", CHECKPOINT_VERSION, "advsep-train")


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """As `save_state`."""
    save_state(checkpoint, CHECKPOINT, path)


def load_checkpoint(path: Path) -> Checkpoint:
    """As `load_state`."""
    return load_state(path, CHECKPOINT)


def save_state(state: T, kind: StateKind[T], path: Path) -> None:
    """Write atomically: a stop at any moment leaves the old file or the new one.

    Raises:
        AdvsepError: the file cannot be written.
    """
    fields: Any = kind.made
    plain = {field.name: getattr(state, field.name) for field in dataclasses.fields(fields)}
    plain["config"] = dataclasses.asdict(plain["config"])
    try:
        with whole_file(path) as partial:
            torch.save({kind.mark: kind.version, **plain}, partial)
    except (OSError, RuntimeError) as error:
        # torch puts a C++ stack behind its first line.
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise AdvsepError(f"{path}: cannot write the checkpoint: {why}") from None


def load_state(path: Path, kind: StateKind[T]) -> T:
    """Read a checkpoint of this kind and version.

    Raises:
        AdvsepError: missing, not such a checkpoint, damaged, or of another version.
    """
    data = _load(path, kind.program)
    version = data.pop(kind.mark, None) if isinstance(data, dict) else None
    if version != kind.version:
        raise AdvsepError(
            f"{path}: expected a checkpoint of {kind.program} of version {kind.version}, found "
            f"{'no version' if version is None else f'version {version}'}; train again or use the advsep that wrote it"
        )
    fields: Any = kind.made
    wanted = {field.name for field in dataclasses.fields(fields)}
    if set(data) != wanted:
        raise FormatError(f"{path}: checkpoint keys differ: {', '.join(sorted(set(data) ^ wanted))}")
    data["config"] = from_plain(kind.config, data["config"], f"{path}: config")
    data["corpora"] = tuple(data["corpora"])
    return kind.made(**data)


def _load(path: Path, program: str) -> Any:
    expected = f"expected last.ckpt or best.ckpt of a run folder of {program}"
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise AdvsepError(f"{path}: no such checkpoint; {expected}") from None
    except OSError as error:
        raise AdvsepError(f"{path}: cannot be read: {error.strerror}; {expected}") from None
    with file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch thinks aloud about files that are none of its own
        try:
            return torch.load(file, map_location="cpu", weights_only=True)
        except Exception:  # torch raises a dozen undocumented types for a bad file, OSError among them
            raise AdvsepError(f"{path}: not a checkpoint of {program}, or damaged; {expected}") from None


def averaged_network(checkpoint: Checkpoint) -> LiveUnet:
    """The network with the averaged weights, in evaluation mode."""
    spec = checkpoint.config.signal.spec()
    network = LiveUnet(spec, checkpoint.config.network)
    load_weights(network, checkpoint.averaged)
    return network.eval()


def load_weights(network: LiveUnet, weights: dict[str, torch.Tensor]) -> None:
    """Fill a network with a checkpoint's weights.

    Raises:
        AdvsepError: they are those of a network of another layout.
    """
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        why = str(error).splitlines()[-1].strip()
        raise AdvsepError(f"the checkpoint's weights do not fit its own configuration: {why}") from None


def file_sha256(path: Path) -> str:
    """Hash of a file's bytes, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def code_commit() -> str:
    """The commit of the source folder, with `+` where files differ from it; empty outside a checkout."""
    folder = Path(__file__).parent.parent
    if not (folder / ".git").exists():  # git would answer for any checkout around an installation
        return ""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
