"""Which place of a source lies at which position of the ring that it is fed to, over jumps and rounds of a loop."""

from __future__ import annotations


class Places:
    """Written by the one that feeds, read by anybody.

    Args:
        place: sample of the source at position 0.
        pace: samples of the source a position.
    """

    def __init__(self, place: float, pace: float) -> None:
        self._cuts = ((0.0, float(place), pace),)  # (position, place, pace), never changed, only replaced

    def at(self, position: float) -> float:
        """The place there; may lie beyond the source's end, as what is fed may."""
        cuts = self._cuts
        start, place, pace = next((cut for cut in reversed(cuts) if cut[0] <= position), cuts[0])
        return place + (position - start) * pace

    def cut(self, position: float, place: float, heard: int, pace: float | None = None) -> None:
        """Have another place from a position on; what lay behind was taken back, what is before `heard` is over.

        `pace`: from there on; None: as before.
        """
        pace = self._cuts[-1][2] if pace is None else pace
        before = [cut for cut in self._cuts if cut[0] < position]
        over = sum(cut[0] <= heard for cut in before[1:])  # the last of these still holds
        self._cuts = (*before[over:], (float(position), float(place), pace))

    def move(self, count: int) -> None:
        """Count positions from elsewhere: `count` is added to each."""
        self._cuts = tuple((position + count, place, pace) for position, place, pace in self._cuts)
