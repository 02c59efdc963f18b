"""What plays a deck: a device, or the clock that stands in for one; the same to whoever starts and watches it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from .callback import DeckCallback
from .errors import AdvsepError
from .exchange import (
    CALLBACKS,
    INPUT_OVERFLOWS,
    INPUT_UNDERFLOWS,
    LONGEST_BLOCK,
    OUTPUT_OVERFLOWS,
    OUTPUT_UNDERFLOWS,
    Deck,
)

DECK_FRAMES = 131072  # of a deck's rings: more than the longest block and a second of catching up
SETTLED_CALLBACKS, SETTLED_S = 8, 0.5
SILENT_S, SILENT_PERIODS = 0.5, 30  # no callback for so long: the device has gone
_POLL_S = 0.002


class DeviceError(AdvsepError):
    """A device that is not there, cannot be opened as wanted, or has gone."""


class Callback(Protocol):
    """Compiled code for PortAudio to call.

    Attributes:
        address: of a function of the type `PaStreamCallback`.
        user_data: address to give it.
    """

    address: int
    user_data: int


MakeCallback = Callable[[Deck, bool, bool], Callback]
"""`make(deck, has_input, has_output)`."""


def deck_callback(deck: Deck, has_input: bool, has_output: bool) -> Callback:
    """What plays a deck where nothing else is wanted."""
    return DeckCallback(deck, has_input=has_input, has_output=has_output)


class Stream:
    """Base of all streams. Opened, then settled, then playing whatever its deck is armed with, then closed.

    Args:
        deck: what it plays.
        name: for displays.
        rate_hz: sample rate.
        declared_latency_s: what the device says it adds to input and to output, in seconds.
        notes: what was asked for and could not be, in words for the user.

    Attributes:
        deck, name, rate_hz, declared_latency_s, notes: as given.
        period_samples: longest block so far; 0 before `settle`.
    """

    def __init__(
        self,
        deck: Deck,
        name: str,
        rate_hz: int,
        declared_latency_s: tuple[float, float] = (0.0, 0.0),
        notes: tuple[str, ...] = (),
    ) -> None:
        self.deck, self.name, self.rate_hz, self.notes = deck, name, rate_hz, notes
        self.declared_latency_s = declared_latency_s
        self._seen, self._seen_at_s = -1, 0.0

    def settle(self, timeout_s: float = 5.0) -> int:
        """Start, and wait until the device has shown its pace; the deck is not armed yet.

        Args:
            timeout_s: longest wait for the first callback.

        Returns:
            The period: most frames that one callback asked for.

        Raises:
            DeviceError: the device does not start, or asks for nothing.
        """
        self._start()
        began_s = time.perf_counter()
        while (count := self.deck.count(CALLBACKS)) < SETTLED_CALLBACKS:
            waited_s = time.perf_counter() - began_s
            if count and waited_s > SETTLED_S:
                break
            if waited_s > timeout_s:
                raise DeviceError(
                    f"device '{self.name}': expected it to ask for sound within {timeout_s:g} s, but it did not; "
                    "is another program using it, or its server stuck?"
                )
            time.sleep(_POLL_S)
        self._seen, self._seen_at_s = count, time.perf_counter()
        return self.period_samples

    @property
    def period_samples(self) -> int:
        """Most frames that one callback asked for so far; 0 before `settle`."""
        return self.deck.count(LONGEST_BLOCK)

    @property
    def alive(self) -> bool:
        """Whether callbacks keep coming; to be asked now and then while playing."""
        count, now_s = self.deck.count(CALLBACKS), time.perf_counter()
        if count != self._seen:
            self._seen, self._seen_at_s = count, now_s
        patience_s = max(SILENT_S, SILENT_PERIODS * self.period_samples / self.rate_hz)
        return count > 0 and now_s - self._seen_at_s < patience_s and self._active()

    @property
    def xruns(self) -> int:
        """Overflows and underflows that the device reported."""
        words = (INPUT_UNDERFLOWS, INPUT_OVERFLOWS, OUTPUT_UNDERFLOWS, OUTPUT_OVERFLOWS)
        return sum(self.deck.count(word) for word in words)

    def close(self) -> None:
        """Let go of the device; returns within seconds, whatever became of it."""
        raise NotImplementedError

    def _start(self) -> None:
        raise NotImplementedError

    def _active(self) -> bool:
        raise NotImplementedError
