"""The models that ship with advsep, and how a name or a path finds one."""

from __future__ import annotations

from pathlib import Path

from .model import ModelError

DEFAULT_MODEL = "live-12"
_FOLDER = Path(__file__).parent / "models"


def model_names() -> list[str]:
    """Names of the bundled models."""
    return sorted(path.stem for path in _FOLDER.glob("*.onnx"))


def find_model(name_or_path: str) -> Path:
    """Path of a bundled model by name, or of a model file by path.

    Raises:
        ModelError: neither.
    """
    path = _FOLDER / f"{name_or_path}.onnx"
    if path.is_file():
        return path
    path = Path(name_or_path)
    if path.suffix == ".onnx" or path.is_file():
        return path
    known = ", ".join(model_names()) or "none"
    raise ModelError(f"no model '{name_or_path}': choose a bundled one ({known}) or give the path of an .onnx file")
