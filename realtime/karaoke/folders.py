"""Where karaoke keeps what it learns: offsets of words, delays of devices, the library, the queue."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def data_folder() -> Path:
    """The user's; made by whoever writes there."""
    return Path(platformdirs.user_data_dir("advsep")) / "karaoke"
