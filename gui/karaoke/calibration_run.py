"""A measurement in a thread of its own, and its end looked for by whoever waits."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from ...realtime.errors import AdvsepError


@dataclass(frozen=True, slots=True)
class Measured:
    """How a measurement ended.

    Attributes:
        delay_s: from output to input; 0 with an error.
        spread_s: how far single bursts lie apart; NaN: not known.
        clearness: how far the bursts stood out; NaN: not known.
        advice: what to turn although it went well; empty: nothing.
        error: why there is no delay, and what to do; empty where there is one.
    """

    delay_s: float = 0.0
    spread_s: float = math.nan
    clearness: float = math.nan
    advice: str = ""
    error: str = ""


class CalibrationRun:
    """Begins at once; a run that nobody takes any more ends by itself and disturbs nobody.

    Args:
        measure: what is to be done; its result has `delay_s`, `spread_s`, `clearness` and perhaps `advice`, and what
            it raises that is an `AdvsepError` is told as it is.
    """

    def __init__(self, measure: Callable[[], object]) -> None:
        self._ends: SimpleQueue[Measured] = SimpleQueue()
        threading.Thread(target=_work, args=(measure, self._ends), name="advsep-calibration", daemon=True).start()

    def take(self) -> Measured | None:
        """How it ended; None: it has not, or that was taken already."""
        try:
            return self._ends.get_nowait()
        except Empty:
            return None


def _work(measure: Callable[[], object], ends: SimpleQueue[Measured]) -> None:
    try:
        ends.put(_read(measure()))
    except AdvsepError as error:
        ends.put(Measured(error=str(error)))
    except Exception as unexpected:
        why = f"the measurement failed ({type(unexpected).__name__}: {unexpected}); try again, or set the delay by hand"
        ends.put(Measured(error=why))


def _read(found: Any) -> Measured:
    delay_s = float(found.delay_s)
    if not math.isfinite(delay_s):
        return Measured(error="the measurement found no delay that is a number; try again, or set the delay by hand")
    advice = getattr(found, "advice", "")
    return Measured(delay_s, float(found.spread_s), float(found.clearness), advice if isinstance(advice, str) else "")
