"""Hears the singer in an engine's telemetry, and says at which place of the song which pitch was sung."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..status import EngineStatus
from ..telemetry import Layout, Telemetry
from ..telemetry_rings import RingReader
from .karaoke_path import RAW_MICROPHONE
from .pitch_trace import PitchTrace
from .pitch_tracker import PitchTracker
from .take_start import late_samples


class Heard(NamedTuple):
    """What was sung since the last time.

    Attributes:
        final: frames that stay as they are, in the song's time.
        latest: those after them, which may still change.
    """

    final: PitchTrace
    latest: PitchTrace


class Ear:
    """Follows the raw microphone of an engine that plays karaoke; belongs to one thread.

    Args:
        telemetry: of the engine; must stay open.
        layout: of its rings, with tracks.
    """

    def __init__(self, telemetry: Telemetry, layout: Layout) -> None:
        self._reader, self._layout = RingReader(telemetry, "stems"), layout
        first = layout.channels * layout.tracks.index(RAW_MICROPHONE)
        self._columns = slice(first, first + layout.channels)
        self._tracker = PitchTracker(layout.rate_hz)
        self._next: int | None = None
        self._origin = 0  # position of the first sample that the tracker was fed

    def hear(self, status: EngineStatus, device_delay_s: float) -> Heard | None:
        """What is new; None where nothing is, or the song stands still.

        Args:
            status: of the engine, now.
            device_delay_s: from the device's output to its input.
        """
        frames = self._reader.read()
        if frames is None or frames.layout.tracks != self._layout.tracks:
            return None
        if frames.position != self._next:
            self._tracker.reset()
            self._origin = frames.position
        self._next = frames.position + len(frames.data)
        final = self._tracker.feed(frames.data[:, self._columns])
        if status.paused or status.counting_in or status.state != "playing":
            return None
        late = late_samples(status, self._layout.delay_samples, device_delay_s)[RAW_MICROPHONE]
        return Heard(self._in_song(final, status, late), self._in_song(self._tracker.latest, status, late))

    def _in_song(self, trace: PitchTrace, status: EngineStatus, late: int) -> PitchTrace:
        positions: NDArray[np.float64] = self._origin + trace.times_s * self._layout.rate_hz - late
        since_s = (positions - status.tracks_position) / self._layout.rate_hz
        times_s = status.tracks_place_s + since_s * status.tempo
        return PitchTrace(times_s, trace.pitch_midi, trace.confidence)
