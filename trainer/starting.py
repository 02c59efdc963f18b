"""What a run starts with: its configuration, the checkpoint it goes on from, the weights it begins with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ..realtime.errors import AdvsepError
from .checkpoint import Checkpoint, load_checkpoint
from .config import TrainConfig, load_preset, resumed_config
from .overrides import Override, differing_keys, overridden, parse_override, typed_override
from .pretrained import Pretrained, begun_config, load_pretrained

OF_THE_BEGINNING = ("begun_from", "begun_from_sha256", "weights_licence")
"""Settings that a run has from the weights that it began with, not from its preset."""


def warn(message: str) -> None:
    """Say what the person should know, on standard error."""
    print(f"warning: {message}", file=sys.stderr)


def typed_options(options: dict[str, Any], settings: list[str]) -> list[Override]:
    """What was said on the command line, typed; `options` by the key that each sets."""

    given = {key: value for key, value in options.items() if value is not None}
    labels = {key: f"--{key.replace('_', '-')} {value}" for key, value in given.items()}
    typed = [parse_override(TrainConfig, text) for text in settings]
    for each in typed:
        if each.key in given:
            raise AdvsepError(f"{labels[each.key]} and {each.label} are one setting; give one of them")
    return [typed_override(TrainConfig, key, value, labels[key]) for key, value in given.items()] + typed


def configured(
    preset: str | None, overrides: list[Override], resumed: Path | None, begin: str | None, adapt: Path | None
) -> tuple[TrainConfig, Checkpoint | None, Pretrained | None]:
    """The run's configuration, the checkpoint to go on from, and the weights to begin with."""

    if resumed is not None:
        start = load_checkpoint(resumed / "last.ckpt")
        config = resumed_config(start.config, overrides)
        differing = differing_keys(config, overridden(load_preset(preset), overrides)) if preset else []
        ignored = [key for key in differing if key not in OF_THE_BEGINNING]
        if ignored:
            keys = ", ".join(ignored[:4]) + (f" and {len(ignored) - 4} more" if len(ignored) > 4 else "")
            warn(f"a resumed run keeps its own settings; --preset {preset} has other {keys}; change them with --set")
        return config, start, _begun_again(config, begin)
    begin = begin or ("live-12" if adapt else None)
    if begin is None:
        config = overridden(load_preset(preset or "live-12"), overrides)
        if config.mode in ("self", "critics"):
            needs = "a teacher" if config.mode == "self" else "a model to judge"
            raise AdvsepError(
                f"--mode {config.mode} needs {needs}: give a trained one with --from, as in --from live-12"
            )
        return config, None, None

    weights = load_pretrained(begin)
    return begun_config(weights, begin, preset, overrides, adapt), None, weights


def _begun_again(config: TrainConfig, begin: str | None) -> Pretrained | None:
    """What a resumed run began with, where it still needs that; what `--from` names has to be that, too."""
    needed = config.mode == "self" or config.begun_share > 0
    if begin is None and not needed:
        return None

    begun = load_pretrained(begin or config.begun_from)
    if begun.sha256 == config.begun_from_sha256:
        return begun if needed else None
    if begin is None:
        raise AdvsepError(
            f"{config.begun_from}: what the run began with was another file of that name; put it back or train anew"
        )
    began = f"other weights ({config.begun_from})" if config.begun_from else "random weights"
    raise AdvsepError(f"--from {begin}: this run began with {began} and goes on with its own; leave --from out")


def check_there_is_work(config: TrainConfig, start: Checkpoint | None, out: Path) -> None:
    """Refuse to overwrite a run, and to resume one that is done.

    Raises:
        AdvsepError: either.
    """
    last = out / "last.ckpt"
    if start is None:
        if last.exists():
            raise AdvsepError(f"{out}: a run is there already; go on with --resume, or choose another --out")
        return
    # Ctrl-C during the last validation leaves nothing to do but that validation.
    unfinished = config.steps == start.step and start.validation_gain_db is None
    if 0 < config.patience_validations <= start.stale_validations:
        raise AdvsepError(
            f"{last}: stopped early at step {start.step}, {start.stale_validations} validations after the best; "
            "ask for more with --set patience_validations=N"
        )
    if config.steps <= start.step and not unfinished:
        raise AdvsepError(f"{last}: step {start.step} of {config.steps} is done already; ask for more with --steps")
