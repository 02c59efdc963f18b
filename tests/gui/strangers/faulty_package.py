"""Another package's plugin, for the tests: it fails when it is told to."""

from __future__ import annotations

import numpy as np
from advsep.realtime.parameter import Parameter
from advsep.realtime.plugin import Plugin


class Faulty(Plugin):
    """Does nothing, until it fails."""

    parameters = (Parameter.switch("fails", False, help="Raises an error."),)

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        """Nothing to prepare."""

    def process(self, block: np.ndarray) -> None:
        """Leaves it as it is."""
        if self.value("fails"):
            raise ValueError("out of luck")
