"""What every export does around its graph: keeps torch's exporter quiet, and writes a file that tells no tales."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

import onnx


@contextlib.contextmanager
def quiet_exporter() -> Generator[None]:
    """Silence the exporter's progress and its warnings about torch's own deprecated calls."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def write_program(program: Any, path: Path, key: str, contract: str, commit: str) -> None:
    """Check a program that `torch.onnx.export` returned and write it with its contract.

    Args:
        program: an `ONNXProgram`.
        path: of the file.
        key: of the contract among the file's metadata.
        contract: as JSON.
        commit: of the code.
    """
    if program is None:
        raise RuntimeError("torch.onnx.export returned nothing")
    model: onnx.ModelProto = program.model_proto
    for node in model.graph.node:
        # Names of Python frames and paths of this machine would travel in every file.
        del node.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.graph.value_info[:]
    entry = model.metadata_props.add()
    entry.key, entry.value = key, contract
    model.producer_name, model.producer_version = "advsep-export", commit
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
