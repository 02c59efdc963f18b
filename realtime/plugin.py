"""What a plugin is: a class that changes blocks of sound in place and says what a host has to know of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .parameter import Parameter, ParameterError, ParameterValues, Value

MOVING_SAMPLES = 64  # longest block while a parameter moves


class Plugin(ABC):
    """One effect on one strip.

    A host makes a plugin, sets its parameters and state, calls `prepare` once, then `process` block
    by block in one thread that must not be kept waiting: `process` neither allocates, nor waits, nor
    reads files. A plugin keeps nothing between blocks that depends on how long they are.

    Attributes:
        parameters: in the order in which they are shown.
        state_texts: what a rack may set beside them, such as a file's name, with its default; comes by `set_state`.
        latency_samples: by how much what comes out is late; constant from `prepare` on.
        tail_samples: for how long it still sounds after its input has ended, latency apart; None: for ever.
        values: present values of the parameters; the host moves them before each block, see `ParameterValues`.
            While one moves, blocks have at most `MOVING_SAMPLES` frames.
    """

    parameters: ClassVar[tuple[Parameter, ...]] = ()
    state_texts: ClassVar[Mapping[str, str]] = {}
    latency_samples: int = 0
    tail_samples: int | None = 0

    def __init__(self) -> None:
        self.values = ParameterValues(self.parameters)

    @abstractmethod
    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        """Get ready: allocate, compile, read the `fixed` parameters; called before the first block.

        Args:
            rate_hz: sample rate.
            max_block: most frames that a block will have.
            channels: of every block, 1 or 2.
        """

    @abstractmethod
    def process(self, block: NDArray[np.float32]) -> None:
        """Change a block in place.

        Args:
            block: [frame, channel], C-contiguous, of 1 to `max_block` frames; finite.
        """

    def reset(self) -> None:  # noqa: B027
        """Forget all sound that was heard: what follows is as after `prepare`, at the present values."""

    def close(self) -> None:  # noqa: B027
        """Give back files and threads; nothing is processed any more. Called once, from any thread."""

    def state(self) -> dict[str, Any]:
        """What makes up this plugin beyond its parameters, as JSON takes it."""
        return {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave; before `prepare`.

        Raises:
            ParameterError: it cannot be used.
        """
        if state:
            raise ParameterError(f"unknown state: {', '.join(state)}; this plugin has parameters only")

    def set(self, name: str, value: Value) -> None:
        """Aim at a parameter's value.

        Raises:
            ParameterError: no such parameter, or no such value.
        """
        self.values.set(name, value)

    def value(self, name: str) -> float:
        """A parameter's value at the end of the present block."""
        return float(self.values.end[self.values.places[name]])

    def moves(self, name: str) -> tuple[float, float]:
        """A parameter's values just before the block's first frame and at its last one, for a line between them."""
        place = self.values.places[name]
        return float(self.values.begin[place]), float(self.values.end[place])


def start(plugin: Plugin, rate_hz: int, max_block: int, channels: int) -> None:
    """Prepare a plugin at the parameters it is set to."""
    plugin.values.prepare(rate_hz)
    plugin.prepare(rate_hz, max_block, channels)


def run(plugin: Plugin, block: NDArray[np.float32]) -> None:
    """Process a block as every host has to: in short ones while a parameter moves."""
    done, values = 0, plugin.values
    while values.moving and done < len(block):
        part = block[done : done + MOVING_SAMPLES]
        values.advance(len(part))
        plugin.process(part)
        done += len(part)
    if done < len(block):
        values.advance(len(block) - done)
        plugin.process(block[done:])
