"""Shared memory by name that the owner removes, or whoever survives it, and Python's resource tracker never."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import threading
from collections.abc import Generator
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

if sys.platform == "win32":

    def _remove_name(name: str) -> None:
        """Nothing: there the name goes with the last handle."""
else:
    from _posixshmem import shm_unlink as _remove_name

PREFIX = "advsep"

_tracking = threading.Lock()


class SharedBlock(SharedMemory):
    """Get one by `make_block` or `open_block`.

    May be closed while somebody still holds an array of it: it stays mapped for that one.
    """

    def close(self) -> None:
        """Let go of this process's view; more than once is fine."""
        try:
            super().close()
        except BufferError:
            for attribute in ("_buf", "_mmap"):  # else Python complains at exit
                setattr(self, attribute, None)
            super().close()

    def unlink(self) -> None:
        """Remove the name; more than once is fine. Takes no lock: a signal's handler may do it in the middle of it."""
        with contextlib.suppress(FileNotFoundError):
            _remove_name(f"/{self.name}")


def make_block(size: int) -> SharedBlock:
    """A new block, all zero, named after this process; what earlier ones left behind goes.

    Raises:
        OSError: there is no room.
    """
    remove_stale_blocks()
    with _untracked():
        block = SharedBlock(f"{PREFIX}-{os.getpid()}-{secrets.token_hex(3)}", create=True, size=size)
    try:
        if sys.platform == "linux":
            # Take the pages now: a full /dev/shm would kill the engine while it plays.
            os.posix_fallocate(getattr(block, "_fd"), 0, size)  # noqa: B009
    except OSError:
        block.close()
        block.unlink()
        raise
    return block


def open_block(name: str) -> SharedBlock:
    """One that is there.

    Raises:
        OSError: there is none of that name.
        ValueError: there cannot be.
    """
    with _untracked():
        return SharedBlock(name)


def remove_stale_blocks() -> None:
    """Remove blocks of processes that were killed together with their engine (where names can be listed: Linux)."""
    for path in Path("/dev/shm").glob(f"{PREFIX}-*-*"):
        owner = path.name.split("-")[1]
        if owner.isdecimal() and not _is_running(int(owner)):
            with contextlib.suppress(OSError):
                path.unlink()


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@contextlib.contextmanager
def _untracked() -> Generator[None]:
    """Keep Python's resource tracker out of it, as `track=False` does from 3.13 on.

    It would remove the block as soon as any reader's program ended, and complain on the terminal
    when the owner was killed; the engine removes it then.
    """
    with _tracking:
        register, unregister = resource_tracker.register, resource_tracker.unregister
        resource_tracker.register = resource_tracker.unregister = _ignore
        try:
            yield
        finally:
            resource_tracker.register, resource_tracker.unregister = register, unregister


def _ignore(name: str, rtype: str) -> None:
    """Stand in for the tracker's functions."""
