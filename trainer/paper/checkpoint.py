"""The state of a run of the paper's experiment in one file that is whole or not there."""

from __future__ import annotations

import dataclasses
import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ...realtime.errors import AdvsepError
from ...realtime.strict import FormatError, from_plain
from ..paper_unet import PaperUnet
from ..report import write_whole
from .config import PaperConfig

PAPER_CHECKPOINT_VERSION = 1
LAST_FILE, BEST_FILE = "last.ckpt", "best.ckpt"
_MARK = "advsep_paper_checkpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperCheckpoint:
    """State after `step` steps of the separator.

    Attributes:
        config: the resolved configuration.
        network: weights of the separator.
        optimiser: state of its Adam.
        critics: state of each by source; none in `supervised`.
        step: steps done.
        validated_step: step of the last validation, 0 before the first.
        validation_loss: L_s of that validation, None before the first.
        best_loss: the lowest so far.
        worse_epochs: epochs in a row that did not lower it.
        corpora: names of the paired corpora.
        commit: of the code, empty where unknown.
    """

    config: PaperConfig
    network: dict[str, torch.Tensor]
    optimiser: dict[str, Any]
    critics: dict[str, Any]
    step: int
    validated_step: int
    validation_loss: float | None
    best_loss: float | None
    worse_epochs: int
    corpora: tuple[str, ...]
    commit: str


def save_paper_checkpoint(checkpoint: PaperCheckpoint, path: Path) -> None:
    """Write atomically: a stop at any moment leaves the old file or the new one.

    Raises:
        AdvsepError: the file cannot be written.
    """
    plain = {field.name: getattr(checkpoint, field.name) for field in dataclasses.fields(checkpoint)}
    plain["config"] = dataclasses.asdict(checkpoint.config)
    data = io.BytesIO()
    torch.save({_MARK: PAPER_CHECKPOINT_VERSION, **plain}, data)
    write_whole(path, data.getvalue())


def load_paper_checkpoint(path: Path) -> PaperCheckpoint:
    """Read a checkpoint of this version.

    Raises:
        AdvsepError: missing, not a checkpoint of `advsep-train paper`, damaged, or of another version.
    """
    data = _load(path)
    version = data.pop(_MARK, None) if isinstance(data, dict) else None
    if version != PAPER_CHECKPOINT_VERSION:
        raise AdvsepError(
            f"{path}: expected a checkpoint of advsep-train paper of version {PAPER_CHECKPOINT_VERSION}, found "
            f"{'none' if version is None else f'version {version}'}; give one of its run folders"
        )
    wanted = {field.name for field in dataclasses.fields(PaperCheckpoint)}
    if set(data) != wanted:
        raise FormatError(f"{path}: checkpoint keys differ: {', '.join(sorted(set(data) ^ wanted))}")
    data["config"] = from_plain(PaperConfig, data["config"], f"{path}: config")
    data["corpora"] = tuple(data["corpora"])
    return PaperCheckpoint(**data)


def _load(path: Path) -> Any:
    expected = f"expected {LAST_FILE} or {BEST_FILE} of a run folder of advsep-train paper"
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
            raise AdvsepError(f"{path}: not a checkpoint, or damaged; {expected}") from None


def separator_of(checkpoint: PaperCheckpoint) -> PaperUnet:
    """The network with a checkpoint's weights, in evaluation mode.

    Raises:
        AdvsepError: they are not those of the paper's network.
    """
    network = PaperUnet()
    try:
        network.load_state_dict(checkpoint.network)
    except RuntimeError as error:
        why = str(error).splitlines()[-1].strip()
        raise AdvsepError(f"the checkpoint's weights do not fit the paper's network: {why}") from None
    return network.eval()
