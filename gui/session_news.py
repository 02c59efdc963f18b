"""What in an engine's status is worth a sentence, said once; and what lies in its rings now."""

from __future__ import annotations

from dataclasses import replace

from ..realtime.status import EngineStatus
from ..realtime.telemetry import Layout, Telemetry, layout_from_json


class News:
    """Compares each status with the one before."""

    def __init__(self) -> None:
        self._last: EngineStatus | None = None
        self._told: set[str] = set()

    def of(self, status: EngineStatus) -> list[tuple[str, str]]:
        """What is new in it: `info`, `warning` or `error`, and words."""
        before, self._last = self._last, status
        found: list[tuple[str, str]] = []
        if before is None or before.state != status.state:
            found += _of_state(before, status)
        if before is not None and status.restarts > before.restarts:
            found.append(("warning", "the engine was started again, and goes on where it was"))
        for why in status.plugin_failures:
            if why not in self._told:
                self._told.add(why)
                found.append(("error", f"{why}; it was taken out"))
        return found


def _of_state(before: EngineStatus | None, status: EngineStatus) -> list[tuple[str, str]]:
    if status.state == "waiting":
        return [("warning", status.note or "the device has gone; waiting for it")]
    if status.state == "failed":
        return [("error", status.note or "the engine has failed; choose an input to start it again")]
    if status.state == "playing" and before is not None and before.state == "waiting":
        return [("info", f"the sound is back: {status.device}")]
    return []


class LayoutWatch:
    """What lies in one engine's rings, read again only where it was written again."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry, self._sequence = telemetry, 0
        self._layout: Layout | None = None

    def now(self) -> Layout | None:
        """None before anything plays."""
        sequence = self._telemetry.layout_record.sequence
        if sequence != self._sequence and sequence % 2 == 0:
            text = self._telemetry.layout_record.read(attempts=1)
            if text is not None:  # else the writer is at it
                self._sequence, self._layout = sequence, layout_from_json(text)
        return self._layout


def same_shape(one: Layout | None, other: Layout | None) -> bool:
    """Whether what is read from either means the same, wherever it begins."""
    if one is None or other is None:
        return one is other
    return replace(one, stems_start=0, columns_start=0) == replace(other, stems_start=0, columns_start=0)
