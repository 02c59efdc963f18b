"""Whether what the window needs beyond the base installation is there."""

from __future__ import annotations

import importlib.util

from ..realtime.errors import AdvsepError

NEEDED = ("PySide6", "pyqtgraph", "platformdirs")


def require_gui_extra() -> None:
    """Return if the extra `gui` is installed.

    Raises:
        AdvsepError: it is not; the message says how to install it.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise AdvsepError(f"this needs the window's extra (missing: {', '.join(missing)}): pip install 'advsep[gui]'")
