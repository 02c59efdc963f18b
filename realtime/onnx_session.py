"""Opening one of our ONNX files, whichever kind: one thread, its contract read, its graph held against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from .errors import AdvsepError

T = TypeVar("T")
Shapes = Mapping[str, list[Any]]  # by name; None stands for a size that may be any


@dataclass(frozen=True, slots=True)
class FileKind:
    """How messages speak of a kind of file.

    Attributes:
        error: what is raised.
        name: of the kind: `model file`.
        suffixed: with its suffix: `an .onnx file`.
        content: what is expected inside.
        key: of the contract among the file's metadata.
        lacking: what a file without that key is, and what to do.
    """

    error: type[AdvsepError]
    name: str
    suffixed: str
    content: str
    key: str
    lacking: str


def open_session(path: Path, kind: FileKind) -> Any:
    """An ONNX Runtime session of a file, on one thread of the CPU.

    Raises:
        AdvsepError: of the kind's own type: the file is missing or cannot be loaded.
    """
    import onnxruntime  # costs a tenth of a second, which `--help` must not pay

    if not path.is_file():
        found = f"expected a {kind.name}, found a folder" if path.is_dir() else f"no such {kind.name}"
        raise kind.error(f"{path}: {found}; give {kind.suffixed} written by advsep-export")
    try:
        blob = path.read_bytes()
    except OSError as error:
        raise kind.error(f"{path}: cannot be read: {error.strerror}; give a {kind.name} that can") from None
    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    # One thread: a hop is too short to be worth waking another core, and the others are the window's.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(blob, options, providers=["CPUExecutionProvider"])
    except Exception:  # ORT raises a dozen undocumented types for a bad file
        raise kind.error(
            f"{path}: expected {kind.content} written by advsep-export, found {len(blob)} bytes that ONNX Runtime "
            "cannot load; it may be damaged or of another kind: get a whole copy or export it again"
        ) from None


def read_contract(session: Any, path: Path, kind: FileKind, parse: Callable[[str], T]) -> T:
    """What a file says of itself.

    Raises:
        AdvsepError: it says nothing (of the kind's own type), or what `parse` raises, with the path before it.
    """
    metadata: dict[str, str] = session.get_modelmeta().custom_metadata_map
    if kind.key not in metadata:
        raise kind.error(f"{path}: {kind.lacking}")
    try:
        return parse(metadata[kind.key])
    except AdvsepError as error:
        raise type(error)(f"{path}: {error}") from None


def check_graph(session: Any, path: Path, kind: FileKind, inputs: Shapes, outputs: Shapes) -> None:
    """Hold a graph's inputs and outputs against what its contract promises.

    Raises:
        AdvsepError: of the kind's own type: other names, shapes or types.
    """
    for wanted, found in ((inputs, session.get_inputs()), (outputs, session.get_outputs())):
        shapes: dict[str, list[Any]] = {
            item.name: [size if isinstance(size, int) else None for size in item.shape] for item in found
        }
        types = {item.type for item in found} - {"tensor(float)"}
        if types:
            raise kind.error(f"{path}: expected a graph in float32, found {', '.join(sorted(types))}; export it again")
        if shapes != wanted:
            raise kind.error(
                f"{path}: the graph does not keep its contract: expected {wanted}, found {shapes}; export it again"
            )
