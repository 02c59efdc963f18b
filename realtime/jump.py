"""Between who feeds a source and who takes it: other places that are asked for while it plays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .tape import Loop
from .tune import AS_IT_IS, Tune


class Listener(Protocol):
    """Who takes what is fed: an engine, see there."""

    @property
    def taken_samples(self) -> int:
        """How far into the input it has begun with."""
        ...

    @property
    def played_samples(self) -> int:
        """How far into the input what is heard now is."""
        ...

    def call(self, job: Callable[[], None]) -> None:
        """Have it done by whoever takes, between two hops."""
        ...

    def take_back(self, keep_until: int = 0) -> int:
        """Forget the input from `keep_until`, or what was taken, on; only for what `call` calls."""
        ...

    def end_at(self, input_samples: int) -> None:
        """The input ends after so many samples."""
        ...


@dataclass(slots=True)
class Jump:
    """To another place, on its way.

    Attributes:
        place: sample of the source; None: stay, and only loop or sound otherwise.
        loop: from then on.
        tune: from then on.
        lands_at: position in the deck's input from which on the new place is heard; None: not known yet.
        error: why it stayed where it was, else nothing.
    """

    place: int | None
    loop: Loop | None
    tune: Tune = AS_IT_IS
    lands_at: int | None = None
    error: str = ""
