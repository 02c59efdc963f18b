"""Model files of random weights, each exported once a process: torch takes seconds over it."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from advsep.export.untrained import write_untrained
from advsep.trainer.config import TrainConfig


def write_random_model(config: TrainConfig, path: Path) -> None:
    """What `write_untrained` writes."""
    path.write_bytes(_exported(config))


@functools.cache
def _exported(config: TrainConfig) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        write_untrained(config, path)
        return path.read_bytes()
