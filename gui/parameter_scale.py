"""How the way of a slider is divided: which value lies where, how far a key goes, and where a drag comes to rest."""

from __future__ import annotations

from typing import Protocol

from ..realtime.parameter import Parameter
from .parameter_text import shown

STEP, FINE_STEP = 0.02, 0.002  # of the way, where units are of no help
WIDE = 10.0  # units; a range at least as wide goes by whole ones


class Scale(Protocol):
    """What a `TaperSlider` has to know of its values."""

    @property
    def default(self) -> float:
        """Where a double click goes."""
        ...

    def at(self, place: float) -> float:
        """The value at a place, 0 to 1."""
        ...

    def place_of(self, value: float) -> float:
        """Inverse of `at`; values beyond the ends lie at the ends."""
        ...

    def stepped(self, value: float, steps: float, *, fine: bool) -> float:
        """The value so many steps farther, within the range."""
        ...

    def nearest(self, value: float) -> float:
        """The value that a drag to here means: rounded, and caught where it is likely to be meant."""
        ...

    def shown(self, value: float) -> str:
        """As text, with its unit."""
        ...


class ParameterScale:
    """A plugin's parameter as a scale: steps of 1 (fine: 0.1) unit where that suits its range, else of 2 (0.2) %.

    Args:
        parameter: a number, not a choice.
    """

    def __init__(self, parameter: Parameter) -> None:
        self._parameter = parameter

    @property
    def default(self) -> float:
        """See `Scale`."""
        return self._parameter.default

    def at(self, place: float) -> float:
        """See `Scale`."""
        return self._parameter.at(place)

    def place_of(self, value: float) -> float:
        """See `Scale`."""
        return min(max(self._parameter.place_of(self._within(value)), 0.0), 1.0)

    def stepped(self, value: float, steps: float, *, fine: bool) -> float:
        """See `Scale`."""
        parameter = self._parameter
        if parameter.taper == "linear" and parameter.highest - parameter.lowest >= WIDE:
            return self.nearest(value + steps * (0.1 if fine else 1.0))
        return self.nearest(parameter.at(parameter.place_of(value) + steps * (FINE_STEP if fine else STEP)))

    def nearest(self, value: float) -> float:
        """See `Scale`; what is shown is what is set."""
        return self._within(float(f"{value:.4g}"))

    def shown(self, value: float) -> str:
        """See `Scale`."""
        return shown(self._parameter, value)

    def _within(self, value: float) -> float:
        return min(max(value, self._parameter.lowest), self._parameter.highest)
