"""The settings of the paper's experiment, typed; a smaller run changes some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

from ...realtime.errors import AdvsepError
from ..config import changed_config, config_of_toml
from ..overrides import Override, differing_keys, infinite_keys
from ..paper_unet import CONTEXT

CHANGEABLE_ON_RESUME = ("steps", "patience_epochs", "checkpoint_steps")
"""The rest is what makes the run; with another value it would be another run."""

_GRID_FRAMES = 16  # four halvings


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperConfig:
    """One run of the paper's experiment; the defaults are the paper's.

    Attributes:
        name: of the run.
        mode: `supervised` is the baseline; `semi` has a critic a source and unpaired recordings beside it.
        batch_examples: paired excerpts a step; in `semi` as many mixtures, voices and accompaniments beside them.
        patch_frames: frames that a critic looks at, a multiple of 16; the network gives one more on each side.
        critic_width: maps of a critic's first convolution.
        critic_steps: of each critic, a step of the separator.
        learning_rate: of Adam, for the separator and the critics.
        penalty_weight: lambda, of the gradient penalty.
        unpaired_weight: alpha, of L_u.
        additive_weight: beta, of L_add.
        gain_range: factor on each unpaired excerpt, drawn.
        epoch_steps: steps between two validations.
        patience_epochs: epochs in a row without a better validation loss that end the run.
        steps: most of them; the validation loss ends a run long before.
        checkpoint_steps: steps between two savings of `last.ckpt`.
        validation_seconds: most of each validation track, from its middle; 0: all of it.
        seed: everything random follows from it and the step.
    """

    name: str = "paper"
    mode: Literal["supervised", "semi"] = "semi"
    batch_examples: int = 64
    patch_frames: int = 64
    critic_width: int = 32
    critic_steps: int = 5
    learning_rate: float = 5e-5
    penalty_weight: float = 10.0
    unpaired_weight: float = 0.001
    additive_weight: float = 0.001
    gain_range: tuple[float, float] = (0.2, 1.2)
    epoch_steps: int = 1000
    patience_epochs: int = 1
    steps: int = 1_000_000
    checkpoint_steps: int = 200
    validation_seconds: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("batch_examples", "critic_width", "critic_steps", "epoch_steps", "patience_epochs", "steps"):
            _require(getattr(self, name) >= 1, f"{name} must be 1 or more, got {getattr(self, name)}")
        _require(self.checkpoint_steps >= 1, f"checkpoint_steps must be 1 or more, got {self.checkpoint_steps}")
        _require(self.learning_rate > 0, f"learning_rate must be positive, got {self.learning_rate}")
        for name in ("penalty_weight", "unpaired_weight", "additive_weight", "validation_seconds", "seed"):
            _require(getattr(self, name) >= 0, f"{name} must be 0 or more, got {getattr(self, name)}")
        _require(
            self.patch_frames >= _GRID_FRAMES and self.patch_frames % _GRID_FRAMES == 0,
            f"patch_frames must be a multiple of {_GRID_FRAMES}, which the network halves four times, "
            f"got {self.patch_frames}",
        )
        low, high = self.gain_range
        _require(0 < low <= high, f"gain_range must be two rising positive factors, got {low} and {high}")
        infinite = infinite_keys(self)
        _require(not infinite, f"{', '.join(infinite)} must be finite")

    @property
    def output_frames(self) -> int:
        """Frames that the network gives; the paper's are 66."""
        return self.patch_frames + 2

    @property
    def input_frames(self) -> int:
        """Frames that the network takes; the paper's are 158."""
        return self.output_frames + 2 * CONTEXT


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AdvsepError(message)


def load_paper_config(path: Path | None = None) -> PaperConfig:
    """The paper's settings, or those of a TOML file.

    Raises:
        AdvsepError: the file cannot be read or is not TOML, or a key is unknown or mistyped.
    """
    where = "paper.toml" if path is None else str(path)
    try:
        file = resources.files(__package__ or "") / where if path is None else path
        text = file.read_text("utf-8")
    except OSError as error:
        raise AdvsepError(f"{where}: cannot read the preset: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise AdvsepError(f"{where}: not TOML: {error}") from None
    return config_of_toml(PaperConfig, text, where)


def resumed_paper_config(before: PaperConfig, overrides: Sequence[Override]) -> PaperConfig:
    """The configuration of a checkpoint with settings replaced for the steps that follow.

    Raises:
        AdvsepError: a setting would change that makes the run what it is.
    """
    return changed_config(before, overrides, lambda key: key not in CHANGEABLE_ON_RESUME)


def changes(config: PaperConfig) -> list[str]:
    """`batch_examples 4` and so on: what makes a run another experiment than the paper's."""
    free = ("name", "mode", "steps", "checkpoint_steps", "seed")
    keys = [key for key in differing_keys(config, PaperConfig()) if key not in free]
    return [f"{key} {getattr(config, key)}" for key in keys]
