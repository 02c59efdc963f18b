"""All checks by name, with the level from which on they are made. Levels are cumulative, as those of pluginval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import basics, cost, latency, motion, sound
from .trial import Bench

LOWEST_LEVEL, HIGHEST_LEVEL, USUAL_LEVEL = 1, 10, 5


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to find out.

    Attributes:
        level: from which on.
        name: in words.
        run: raises `Failed` where the plugin is wrong.
    """

    level: int
    name: str
    run: Callable[[Bench], None]


CHECKS = tuple(Check(*row) for module in (basics, latency, motion, sound, cost) for row in module.LEVELS)


def find_check(name: str) -> Check:
    """By its name."""
    return next(each for each in CHECKS if each.name == name)
