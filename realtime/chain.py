"""Plugins one after another, whose order may change while sound goes through them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .slot import Slot


class Chain:
    """Runs slots in order; what is taken out fades out, what is put in fades in, what moves does one after the other.

    It belongs to the thread that processes, but for `take_retired`.

    Args:
        slots: in order; present at once.
    """

    def __init__(self, slots: Sequence[Slot] = ()) -> None:
        self._running, self._wanted = list(slots), list(slots)
        self._retired: deque[Slot] = deque()
        for slot in slots:
            slot.enter(fade=False)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """As they are to be, in order."""
        return tuple(self._wanted)

    @property
    def latency_samples(self) -> int:
        """By how much sound will be late once all changes are over."""
        return sum(slot.latency_samples for slot in self._wanted)

    @property
    def settled(self) -> bool:
        """Whether all changes are over."""
        return self._running == self._wanted

    def change(self, slots: Sequence[Slot]) -> None:
        """Be these from now on, in this order; the same slot stays the same sound."""
        # What was to come in and has not yet needs no fading out.
        self._retired += [slot for slot in self._wanted if slot not in self._running and slot not in slots]
        self._wanted = list(slots)
        staying = _longest_common([slot for slot in self._running if slot.present], self._wanted)
        for slot in self._running:
            if slot not in staying:
                slot.leave()
        self._settle()

    def take_retired(self) -> list[Slot]:
        """Slots that were taken out and have faded out since the last call; safe from any thread."""
        found: list[Slot] = []
        while self._retired:
            found.append(self._retired.popleft())
        return found

    def reset(self) -> None:
        """Forget all sound, and be what was wanted."""
        for slot in self._running:
            if slot not in self._wanted:
                slot.leave()
                slot.reset()
                self._retired.append(slot)
        self._running = list(self._wanted)
        for slot in self._running:
            slot.enter(fade=False)
            slot.reset()

    def process(self, block: NDArray[np.float32]) -> None:
        """One block [frame, channel] in place."""
        if self._running != self._wanted:
            self._settle()
        for slot in self._running:
            slot.process(block)

    def _settle(self) -> None:
        """Take away what is faded out, put in what is wanted and not there."""
        for slot in self._running:
            if slot.absent and slot not in self._wanted:
                self._retired.append(slot)
        self._running = [slot for slot in self._running if not slot.absent]
        for place, slot in enumerate(self._wanted):
            if slot not in self._running:
                before = [other for other in self._wanted[:place] if other in self._running and other.present]
                self._running.insert(self._running.index(before[-1]) + 1 if before else 0, slot)
                slot.enter()


def _longest_common(some: list[Slot], others: list[Slot]) -> list[Slot]:
    """The longest list of slots that are in both in the same order."""
    best: list[list[list[Slot]]] = [[[] for _ in range(len(others) + 1)] for _ in range(len(some) + 1)]
    for i, left in enumerate(some):
        for j, right in enumerate(others):
            longer = best[i][j] + [left] if left is right else max(best[i][j + 1], best[i + 1][j], key=len)
            best[i + 1][j + 1] = longer
    return best[-1][-1]
