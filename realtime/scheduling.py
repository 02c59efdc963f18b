"""What an operating system and an interpreter can be asked for so that a thread is not kept waiting."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import struct
import sys
import threading
from collections.abc import Generator

# Above everything ordinary, below the sound: JACK's default gives its clients' callbacks 5, its driver 10.
WORKER_PRIORITY = 4
HELPER_PRIORITY = 2  # of threads that hold the interpreter's lock now and then, which the worker may wait for
SWITCH_INTERVAL_S = 0.0005  # after which a thread gives the lock to one that waits
PR_SET_TIMERSLACK = 29


def raise_priority(priority: int = WORKER_PRIORITY) -> bool:
    """Ask for real-time scheduling of the calling thread, and exact timers; whether it was granted.

    All threads of an engine's process that run Python need it: one of ordinary priority that is put aside
    while it holds the interpreter's lock keeps the worker waiting as long.

    Linux grants it to root, or where the limit `rtprio` allows it (group `audio`, /etc/security/limits.d);
    elsewhere threads stay as they are.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    if sys.platform != "linux":
        return False
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0)  # sleeps end within 1 µs instead of 50
    try:
        parameter = os.sched_param(priority)
        os.sched_setscheduler(threading.get_native_id(), os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, parameter)
    except OSError:
        return False
    return True


def stay_awake() -> int | None:
    """Ask that no processor falls asleep so deeply that waking up takes time, for as long as this process lives.

    Linux only, where /dev/cpu_dma_latency may be written to (root, or as the distribution has it for
    audio). On a virtual machine it is the difference between being woken in 0.1 ms and in 10.

    Returns:
        A descriptor whose closing takes it back; None where it was not granted.
    """
    try:
        descriptor = os.open("/dev/cpu_dma_latency", os.O_WRONLY)
        os.write(descriptor, struct.pack("i", 0))  # µs
    except OSError:
        return None
    return descriptor


@contextlib.contextmanager
def quiet_collector() -> Generator[None]:
    """No garbage collection while the body runs: what is alive then is set aside for good."""
    enabled = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if enabled:
            gc.enable()
