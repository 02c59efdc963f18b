"""A plugin's parameters: what they mean, what they may be, and how they move from one value to the next.

A value is always a number. One of several `choices` is its place among them, a switch is 0 or 1;
texts are turned into numbers, and back, where people read and write them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .errors import AdvsepError

SMOOTHING_S = 0.015
OFF_ON = ("off", "on")

Taper = Literal["linear", "log"]
Value = float | int | bool | str  # as people write it

_WORD = re.compile(r"[A-Za-z_][\w./-]*")


def written(value: Value) -> str:
    """A value as text that is read back as the same: a text that could be taken for something else in quotes."""
    if isinstance(value, bool):
        return OFF_ON[value]
    if isinstance(value, str):
        return value if _WORD.fullmatch(value) and value not in OFF_ON else json.dumps(value, ensure_ascii=False)
    return f"{value:g}" if float(f"{value:g}") == value else repr(float(value))


class ParameterError(AdvsepError):
    """A parameter that is not there, or a value that it cannot have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What a host, a window or a command line has to know of a parameter.

    Attributes:
        name: an identifier; carries its unit (`threshold_db`, `rate_hz`) where it has one.
        default: value at first.
        lowest: of its range.
        highest: of its range.
        unit: as shown behind a value: `dB`, `Hz`, `s`, `%`.
        taper: how a control's way is divided: `log` where ratios count, as with frequencies; needs `lowest` > 0.
        choices: names of 0, 1, 2…, where the value is one of these; `OFF_ON` for a switch.
        smoothing_s: time in which the value goes from one end of its range to the other, or any shorter way;
            0 where it jumps. Choices always jump.
        fixed: taken up by `Plugin.prepare` only; to change it a host prepares another plugin and fades over to it.
        help: what it does, in a sentence.
    """

    name: str
    default: float
    lowest: float = 0.0
    highest: float = 1.0
    unit: str = ""
    taper: Taper = "linear"
    choices: tuple[str, ...] = ()
    smoothing_s: float = SMOOTHING_S
    fixed: bool = False
    help: str = ""

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"parameter name {self.name!r}: expected an identifier such as 'rate_hz'")
        if self.choices:
            object.__setattr__(self, "lowest", 0.0)
            object.__setattr__(self, "highest", float(len(self.choices) - 1))
            object.__setattr__(self, "smoothing_s", 0.0)
        if not self.lowest <= self.default <= self.highest or not math.isfinite(self.highest - self.lowest):
            raise ValueError(f"{self.name}: default {self.default} is not in {self.lowest}…{self.highest}")
        if self.taper == "log" and self.lowest <= 0:
            raise ValueError(f"{self.name}: a logarithmic range begins above 0, found {self.lowest}")

    @staticmethod
    def switch(name: str, default: bool, *, fixed: bool = False, help: str = "") -> Parameter:
        """One that is off or on."""
        return Parameter(name=name, default=float(default), choices=OFF_ON, fixed=fixed, help=help)

    def value_of(self, given: Value) -> float:
        """The number that a text, a switch or a number means.

        Raises:
            ParameterError: it is none, or out of range.
        """
        if self.choices and isinstance(given, str):
            if given not in self.choices:
                raise ParameterError(f"{self.name}={given}: expected one of {', '.join(self.choices)}")
            return float(self.choices.index(given))
        try:
            value = float(given)
        except ValueError:
            raise ParameterError(f"{self.name}={given}: expected a number, {self.range_text}") from None
        if not self.lowest <= value <= self.highest:  # NaN compares false
            raise ParameterError(f"{self.name}={given}: expected {self.range_text}")
        if self.choices and value != int(value):
            raise ParameterError(f"{self.name}={given}: expected one of {', '.join(self.choices)}")
        return value

    def shown(self, value: float) -> str:
        """The value as people read it, with its unit."""
        if self.choices:
            return self.choices[round(value)]
        return f"{value:.4g} {self.unit}".rstrip()

    @property
    def range_text(self) -> str:
        """The range in words, for messages."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        return f"{self.lowest:g} to {self.highest:g} {self.unit}".rstrip()

    def at(self, place: float) -> float:
        """The value at a place of a control, 0 to 1; a choice at its middle."""
        place = min(max(place, 0.0), 1.0)
        if self.taper == "log":
            return min(max(self.lowest * (self.highest / self.lowest) ** place, self.lowest), self.highest)
        value = self.lowest + (self.highest - self.lowest) * place
        return float(round(value)) if self.choices else value

    def place_of(self, value: float) -> float:
        """Inverse of `at`."""
        if self.highest == self.lowest:
            return 0.0
        if self.taper == "log":
            return math.log(value / self.lowest) / math.log(self.highest / self.lowest)
        return (value - self.lowest) / (self.highest - self.lowest)


class ParameterValues:
    """The present values of a plugin's parameters, and where they are going.

    Within a block each value goes in a straight line from `begin` (just before the first frame) to
    `end` (at the last one). `set` is safe from any thread; everything else belongs to the thread that
    processes.

    Args:
        parameters: in the order of the arrays.

    Attributes:
        targets: float64, where the values are going; written by `set` only.
        moving: whether a value has not reached its target.
        begin: float64, just before the block's first frame.
        end: float64, at the block's last frame.
        places: index of each name.
    """

    def __init__(self, parameters: tuple[Parameter, ...]) -> None:
        self.parameters = parameters
        self.places: Mapping[str, int] = {parameter.name: i for i, parameter in enumerate(parameters)}
        if len(self.places) < len(parameters):
            raise ValueError("two parameters have the same name")
        self.targets: NDArray[np.float64] = np.array([parameter.default for parameter in parameters], np.float64)
        self.begin, self.end = self.targets.copy(), self.targets.copy()
        self.moving = self._moved = False
        self._log = np.array([parameter.taper == "log" for parameter in parameters], np.bool_)
        self._speed: NDArray[np.float64] = np.full(len(parameters), np.inf)

    def prepare(self, rate_hz: int) -> None:
        """Take the sample rate up, and all targets at once."""
        for i, parameter in enumerate(self.parameters):
            if parameter.smoothing_s > 0:
                way = self._scale(i, parameter.highest) - self._scale(i, parameter.lowest)
                self._speed[i] = way / (parameter.smoothing_s * rate_hz)
        self.jump()

    def set(self, name: str, given: Value) -> None:
        """Aim at a value.

        Raises:
            ParameterError: no such parameter, or no such value.
        """
        self.targets[self._place(name)] = self.parameters[self._place(name)].value_of(given)
        self.moving = True  # behind the target, so that whoever sees it sees the other

    def target(self, name: str) -> float:
        """What a parameter is set to."""
        return float(self.targets[self._place(name)])

    def jump(self) -> None:
        """Be at the targets, as before the first frame."""
        self.moving = self._moved = False
        self.end[:] = self.targets
        self.begin[:] = self.end

    def advance(self, frames: int) -> None:
        """Go on to the next block, of so many frames."""
        if self._moved:
            self.begin[:] = self.end
        self._moved = self.moving
        if not self.moving:
            return
        self.moving = False  # before the targets are read: who sets one from now on is not overlooked
        for i, target in enumerate(self.targets.tolist()):
            now = float(self.end[i])
            if now != target:
                self.end[i] = self._step(i, now, target, frames)
                self.moving = self.moving or self.end[i] != target

    def _step(self, i: int, now: float, target: float, frames: int) -> float:
        here, there = self._scale(i, now), self._scale(i, target)
        most = float(self._speed[i]) * frames
        if abs(there - here) <= most:
            return target
        moved = here + math.copysign(most, there - here)
        return math.exp(moved) if self._log[i] else moved

    def _scale(self, i: int, value: float) -> float:
        return math.log(value) if self._log[i] else value

    def _place(self, name: str) -> int:
        place = self.places.get(name)
        if place is None:
            raise ParameterError(f"no parameter '{name}': there are {', '.join(self.places) or 'none'}")
        return place
