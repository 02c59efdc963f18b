"""Whether what the window needs beyond the base installation is there."""

from __future__ import annotations

from ..realtime.extras import require_extra

NEEDED = ("PySide6", "pyqtgraph", "send2trash")


def require_gui_extra() -> None:
    """Return if the extra `gui` is installed.

    Raises:
        AdvsepError: it is not; the message says how to install it.
    """
    require_extra("this needs the window's extra", "gui", *NEEDED)
