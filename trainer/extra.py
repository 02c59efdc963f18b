"""Whether what training needs beyond the base installation is there."""

from __future__ import annotations

from ..realtime.extras import require_extra

NEEDED = ("torch", "onnx", "onnxscript", "lightning_fabric", "tensorboard", "PIL")


def require_training_extra() -> None:
    """Return if the extra `train` is installed.

    Raises:
        AdvsepError: it is not; the message says how to install it.
    """
    require_extra("this needs the training extra", "train", *NEEDED)
