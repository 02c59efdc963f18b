"""The `null` device: a thread that calls a deck's callback at the pace of the clock, as a sound card would."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .exchange import OUTPUT_UNDERFLOWS, Deck
from .scheduling import raise_priority
from .stream import DECK_FRAMES, MakeCallback, Stream, deck_callback

CLOCK_PERIOD_SAMPLES = 128
CLOCK_RATE_HZ = 44100

Cable = Callable[[NDArray[np.float32], NDArray[np.float32]], None]
"""`cable(played, captured)`: fill the next block's input, with the last block's output at hand; [frame, channel]."""

_FUNCTION = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p
)


class ClockStream(Stream):
    """Nobody plays and nobody listens, but the clock runs.

    The thread wakes through Python and holds no GIL inside the callback. Where it wakes later than a
    period the clock stands still meanwhile, as a sound card's output does in an underflow, and an
    underflow is counted: what the worker is asked for never comes in bursts.

    Args:
        rate_hz: sample rate.
        period_samples: frames a block.
        channels: of input and of output.
        rate_error_ppm: by how much this clock runs fast.
        cable: what brings the input; None: silence.
        make_callback: compiled code to be called; it gets pointers to input and output.
    """

    def __init__(
        self,
        rate_hz: int = CLOCK_RATE_HZ,
        period_samples: int = CLOCK_PERIOD_SAMPLES,
        *,
        channels: tuple[int, int] = (2, 2),
        rate_error_ppm: float = 0.0,
        cable: Cable | None = None,
        make_callback: MakeCallback = deck_callback,
    ) -> None:
        super().__init__(Deck(DECK_FRAMES, *channels), "null", rate_hz)
        self._callback = make_callback(self.deck, True, True)
        self._captured: NDArray[np.float32] = np.zeros((period_samples, channels[0]), np.float32)
        self._played: NDArray[np.float32] = np.zeros((period_samples, channels[1]), np.float32)
        self._period_s = period_samples / (rate_hz * (1.0 + 1e-6 * rate_error_ppm))
        self._cable = cable
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="advsep-clock", daemon=True)

    def close(self) -> None:
        """Stop the clock."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _start(self) -> None:
        if not self._thread.is_alive():
            self._thread.start()

    def _active(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        raise_priority()
        call = _FUNCTION(self._callback.address)
        arguments = (self._captured.ctypes.data, self._played.ctypes.data, len(self._played), None, 0)
        due_s = time.perf_counter()
        while not self._stopping.is_set():
            if self._cable is not None:
                self._cable(self._played, self._captured)
            call(*arguments, self._callback.user_data)
            due_s += self._period_s
            wait_s = due_s - time.perf_counter()
            if wait_s > 0:
                time.sleep(wait_s)
            elif wait_s < -self._period_s:
                self.deck.words[OUTPUT_UNDERFLOWS] += 1
                due_s -= wait_s
