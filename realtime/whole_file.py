"""Files that are whole or not there: what was there before stays until the new one is complete."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from pathlib import Path


@contextlib.contextmanager
def whole_file(path: Path) -> Generator[Path]:
    """A place beside `path` to write to, which takes its name if nothing goes wrong, and else is removed.

    Raises:
        OSError: it cannot take the name.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
