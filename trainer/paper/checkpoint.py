"""The state of a run of the paper's experiment in one file that is whole or not there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ...realtime.errors import AdvsepError
from ..checkpoint import StateKind, load_state, save_state
from ..paper_unet import PaperUnet
from .config import PaperConfig

PAPER_CHECKPOINT_VERSION = 1
LAST_FILE, BEST_FILE = "last.ckpt", "best.ckpt"


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


PAPER_CHECKPOINT = StateKind(
    PaperCheckpoint, PaperConfig, "advsep_paper_checkpoint", PAPER_CHECKPOINT_VERSION, "advsep-train paper"
)


def save_paper_checkpoint(checkpoint: PaperCheckpoint, path: Path) -> None:
    """As `checkpoint.save_state`."""
    save_state(checkpoint, PAPER_CHECKPOINT, path)


def load_paper_checkpoint(path: Path) -> PaperCheckpoint:
    """As `checkpoint.load_state`."""
    return load_state(path, PAPER_CHECKPOINT)


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
