"""The models that ship with advsep, and how a name or a path finds one."""

from __future__ import annotations

from pathlib import Path

from .model import ModelError, read_model_spec

DEFAULT_MODEL = "live-12"
_BEST_MODEL = "studio"
_FOLDER = Path(__file__).parent / "models"


def model_names() -> list[str]:
    """Names of the bundled models, those of the lowest latency first."""
    names = (path.stem for path in _FOLDER.glob("*.onnx") if not path.stem.endswith(".critics"))
    return sorted(names, key=by_latency)


def by_latency(name: str) -> tuple[bool, int, str]:
    """A key to sort by: the number behind a live model's name is its latency in ms; the others come last."""
    number = name.rpartition("-")[2]
    return (not number.isdigit(), int(number) if number.isdigit() else 0, name)


def best_model() -> str:
    """The bundled model that separates best where nobody waits for it."""
    return _BEST_MODEL if _BEST_MODEL in model_names() else DEFAULT_MODEL


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


def describe_models() -> list[str]:
    """One line a bundled model: name, latency, rates, licence of the weights."""
    lines: list[str] = []
    for name in model_names():
        spec = read_model_spec(find_model(name))
        latency_ms = 1e3 * spec.latency_samples / spec.signal.sample_rate_hz
        rates = "/".join(f"{rate / 1000:g}" for rate in spec.signal.native_rates_hz)
        lines.append(f"{name:10} {latency_ms:6.1f} ms  {rates} kHz  {' + '.join(spec.sources)}  {spec.weights_licence}")
    return lines or ["no models are bundled with this installation"]
