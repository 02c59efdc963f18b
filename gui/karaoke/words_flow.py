"""When which line of one part is the current one: a place for every time, and the same for the same time."""

from __future__ import annotations

import bisect
from collections.abc import Sequence

from ...realtime.karaoke.lyrics import Line

STEP_S = 0.25  # that the step from a line to the next takes
LINGER_S = 0.5  # that a line stays after its end where there is time
AHEAD_S = 0.1  # that a step begins before the line's end at most
LONG_GAP_S = 4.0  # a longer one is counted out
TITLE_LEAD_S = 4.0  # the title leaves so long before the first word
_NO_TITLE_S = 1.0  # a first line that begins before this leaves no time for one


class Flow:
    """Places of one part's lines in time; line -1 is the title, and behind the last is an empty one.

    Args:
        lines: in the order in which they begin.

    Attributes:
        lines: the same.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = tuple(lines)
        self._steps_s = [self._step_to(i) for i in range(len(self.lines) + 1)]
        for i in range(1, len(self._steps_s)):  # a line inside another does not turn back
            self._steps_s[i] = max(self._steps_s[i], self._steps_s[i - 1])

    def place_at(self, position_s: float) -> float:
        """The current line's number; with a fraction while the next takes its place."""
        at = bisect.bisect_right(self._steps_s, position_s) - 1
        if at < 0:
            return -1.0
        gone = min((position_s - self._steps_s[at]) / STEP_S, 1.0)
        return at - 1.0 + gone * gone * (3.0 - 2.0 * gone)

    def sung_at(self, position_s: float) -> int | None:
        """The number of the line that began last; None: none has."""
        found = bisect.bisect_right(self.lines, position_s, key=lambda line: line.start_s) - 1
        return None if found < 0 else found

    def waiting_s(self, index: int, position_s: float) -> float:
        """How long it is to a line's beginning; 0 where that is not counted out, as the gap before it is short."""
        if not 0 <= index < len(self.lines):
            return 0.0
        gap_s = self.lines[index].start_s - self._end_before(index)
        return max(0.0, self.lines[index].start_s - position_s) if gap_s > LONG_GAP_S else 0.0

    def _end_before(self, index: int) -> float:
        return self.lines[index - 1].end_s if index else 0.0

    def _step_to(self, index: int) -> float:
        """When the step to a line begins."""
        if index == len(self.lines):
            return self._end_before(index) + LINGER_S
        start_s = self.lines[index].start_s
        if index == 0:
            return -STEP_S if start_s < _NO_TITLE_S else max(0.0, start_s - TITLE_LEAD_S - STEP_S)
        end_s = self._end_before(index)
        return max(min(end_s + LINGER_S, start_s - STEP_S), min(end_s, start_s) - AHEAD_S)
