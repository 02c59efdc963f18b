"""Locks between processes that a crash gives back: the system holds them for as long as a file is open."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

_WINDOWS_REGION_BYTES = 1 << 30  # of which somebody who shares locks one byte, and a sole owner all


class FileLock:
    """Held from its making to `close`, or the end of the process, however that comes.

    Linux and macOS: flock(2). Windows knows no shared locks of its own here: who shares locks one byte of a
    gigabyte that is not there, picked at random, and a sole owner all of it.

    Args:
        path: a file that is made if need be, in a folder that is there; it stays.
        shared: with others who share it; else nobody else holds it.
        wait: until it can be had.

    Raises:
        BlockingIOError: somebody else holds it.
        OSError: the file cannot be opened, or its file system knows no locks.
    """

    def __init__(self, path: Path, *, shared: bool, wait: bool = False) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._descriptor, shared=shared, wait=wait)
        except BaseException:
            os.close(self._descriptor)
            raise
        self._is_open = True

    def __enter__(self) -> FileLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give it back; more than once is fine."""
        if self._is_open:
            self._is_open = False
            os.close(self._descriptor)


def try_lock(path: Path) -> FileLock | None:
    """A lock that nobody shares, or None where somebody holds it; raises OSError as `FileLock` does."""
    try:
        return FileLock(path, shared=False)
    except BlockingIOError:
        return None


if sys.platform == "win32":
    import errno
    import msvcrt
    import time

    def _lock(descriptor: int, *, shared: bool, wait: bool) -> None:
        while True:
            os.lseek(descriptor, random.randrange(_WINDOWS_REGION_BYTES) if shared else 0, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1 if shared else _WINDOWS_REGION_BYTES)
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EDEADLK):
                    raise
                if not wait:
                    raise BlockingIOError(errno.EWOULDBLOCK, "in use by another program") from None
                time.sleep(0.01)
            else:
                return

else:
    import fcntl

    def _lock(descriptor: int, *, shared: bool, wait: bool) -> None:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
