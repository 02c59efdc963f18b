"""Whether somebody still records a take: a lock that ends with its process, however that ends."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import IO, Any

LOCK_FILE = ".recording"
_TRIES, _TRY_S = 4, 0.01


class TakeLock:
    """Held by who records.

    Where the file system knows no locks it holds nothing, and a take that is being recorded looks abandoned.

    Args:
        folder: of the take.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_FILE
        self._file: IO[bytes] | None = None

    def take(self) -> bool:
        """Hold it if nobody else does; returns whether."""
        try:
            file = self._path.open("ab")
        except OSError:
            return True
        for _ in range(_TRIES):
            if _lock(file):
                self._file = file
                return True
            time.sleep(_TRY_S)  # somebody may only be looking
        file.close()
        return False

    def release(self) -> None:
        """Let others have it, and remove its file."""
        file, self._file = self._file, None
        if file is None:
            return
        with contextlib.suppress(OSError):
            self._path.unlink()
        file.close()
        if sys.platform == "win32":  # where no open file can be removed
            with contextlib.suppress(OSError):
                self._path.unlink()


def is_being_recorded(folder: Path) -> bool:
    """Whether a process, this one or another, records there now."""
    try:
        with (folder / LOCK_FILE).open("r+b") as file:
            return not _lock(file)
    except OSError:
        return False


def _lock(file: IO[bytes]) -> bool:
    """Lock an open file until it is closed; False where somebody has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            module: Any = msvcrt
            file.seek(0)
            module.locking(file.fileno(), module.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True
