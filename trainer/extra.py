"""Whether what training needs beyond the base installation is there."""

from __future__ import annotations

import importlib.util

from ..realtime.errors import AdvsepError

NEEDED = ("torch", "onnx", "onnxscript", "lightning_fabric", "platformdirs", "tensorboard", "PIL")


def require_training_extra() -> None:
    """Return if the extra `train` is installed.

    Raises:
        AdvsepError: it is not; the message says how to install it.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise AdvsepError(f"this needs the training extra (missing: {', '.join(missing)}): pip install 'advsep[train]'")
