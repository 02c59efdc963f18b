"""The rings of an engine's telemetry: stems for a recorder, what the network saw and did for a picture of it.

Positions go on over restarts of the engine and changes of the model, so a recorder that reads on
notices what it lost by the position of what it gets.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .atomic import fence_acquire, fence_release, load_acquire, store_release
from .jit import jit
from .ring import CLAIMED, WRITTEN, Ring, ring_read, ring_written
from .spec import SignalSpec
from .telemetry import (
    COLUMNS_AT,
    GENERATION,
    RING_BYTES,
    STEMS_AT,
    Layout,
    Telemetry,
    TelemetryError,
    layout_from_json,
)

STEMS_S, COLUMNS_S = 8.0, 2.0

RingName = Literal["stems", "columns"]


class Frames(NamedTuple):
    """What a reader got.

    Attributes:
        position: of the first frame; absolute, see `Ring`.
        data: float32 [frame, width], the reader's own.
        layout: what the values mean.
    """

    position: int
    data: NDArray[np.float32]
    layout: Layout


def layout_for(model: str, sources: tuple[str, ...], signal: SignalSpec, rate_hz: int, delay_samples: int) -> Layout:
    """Rings as deep as `STEMS_S` and `COLUMNS_S`, or as the block has room for; stems are `delay_samples` late."""
    stem_width, column_width = len(sources) * signal.channels, 2 * signal.channels * signal.bands
    return Layout(
        model=model,
        sources=sources,
        channels=signal.channels,
        rate_hz=rate_hz,
        hop_samples=signal.hop_samples,
        window_samples=signal.window_samples,
        model_rate_hz=signal.sample_rate_hz,
        band_edges_bins=signal.band_edges_bins,
        stems_capacity=_capacity(STEMS_S * rate_hz, stem_width),
        columns_capacity=_capacity(COLUMNS_S * rate_hz / signal.hop_samples, column_width),
        delay_samples=delay_samples,
    )


def layout_of_tracks(
    sources: tuple[str, ...], tracks: tuple[str, ...], channels: int, rate_hz: int, hop_samples: int, delay_samples: int
) -> Layout:
    """Rings of sound that no network sees: the ring of columns has room for one number, and stays empty."""
    return Layout(
        model="",
        sources=sources,
        channels=channels,
        rate_hz=rate_hz,
        hop_samples=hop_samples,
        window_samples=2 * hop_samples,
        model_rate_hz=rate_hz,
        band_edges_bins=(0, 1),
        stems_capacity=_capacity(STEMS_S * rate_hz, len(tracks) * channels),
        columns_capacity=1,
        delay_samples=delay_samples,
        tracks=tracks,
    )


def lay_out(telemetry: Telemetry, layout: Layout) -> tuple[Ring, Ring]:
    """The rings of stems and columns for the writer; nothing else may write to them meanwhile.

    A ring whose shape stays as it was goes on with what is in it.
    """
    before = _present_layout(telemetry)
    generation = int(telemetry.words[GENERATION]) | 1
    _store(telemetry.words, GENERATION, generation)
    stems, columns = _ring(telemetry, "stems", layout), _ring(telemetry, "columns", layout)
    stems_start = _take_over(stems, "stems", before, layout)
    columns_start = _take_over(columns, "columns", before, layout)
    layout = replace(layout, stems_start=stems_start, columns_start=columns_start)
    telemetry.layout_record.write(json.dumps(asdict(layout)).encode())
    _store(telemetry.words, GENERATION, generation + 1)
    return stems, columns


def stems_ring(telemetry: Telemetry) -> tuple[RingReader, Layout]:
    """A reader of the stems of an engine that plays, and what they are.

    Raises:
        TelemetryError: nothing plays yet.
    """
    layout = _present_layout(telemetry)
    if layout is None:
        raise TelemetryError("nothing plays yet: expected stems to record, found none; start the engine first")
    return RingReader(telemetry, "stems"), layout


class RingReader:
    """Follows one ring of an engine's telemetry; any number may, in any process.

    Args:
        telemetry: attached or created; must stay open.
        name: `stems`, [frame, source * channel] at their levels in the mix, a frame a sample; or
            `columns`, [frame, 2 * channel * band] features then masks of the first source, a frame a hop.

    Attributes:
        position: where `read` goes on; at first where the writer is.
        lost: frames that were overwritten, or whose meaning changed, before they were read.
    """

    def __init__(self, telemetry: Telemetry, name: RingName) -> None:
        self._telemetry = telemetry
        self._name: RingName = name
        self._generation = 0
        self._layout: Layout | None = None
        self._ring: Ring | None = None
        self.position, self.lost = -1, 0

    def read(self, most: int = 65536) -> Frames | None:
        """What was written since the last call, at most `most` frames; None where there is nothing new.

        Where frames were lost the position jumps, see `lost`.
        """
        return self._attempt(lambda ring, first: self._next(ring, first, most))

    def latest(self, count: int) -> Frames | None:
        """The last `count` frames, or as many as there are; None where there are none. Moves on to their end."""

        def place(ring: Ring, first: int) -> tuple[int, int]:
            # Not the oldest half: the writer goes on while these are copied.
            end = ring.written
            start = max(first, end - min(count, ring.capacity_frames // 2))
            return start, end - start

        return self._attempt(place)

    def _next(self, ring: Ring, first: int, most: int) -> tuple[int, int]:
        end = ring.written
        if self.position < 0:
            self.position = end
        if self.position < max(first, end - ring.capacity_frames):
            resume = max(first, end - ring.capacity_frames // 2)
            self.lost += resume - self.position
            self.position = resume
        return self.position, min(most, end - self.position)

    def _attempt(self, place: Callable[[Ring, int], tuple[int, int]]) -> Frames | None:
        for _ in range(3):
            if not self._fit():
                return None
            ring, layout = self._ring, self._layout
            assert ring is not None
            assert layout is not None
            start, count = place(ring, layout.stems_start if self._name == "stems" else layout.columns_start)
            if count <= 0:
                return None
            block = np.empty((count, ring.data.shape[1]), np.float32)
            if _read_checked(self._telemetry.words, self._generation, ring.words, ring.data, start, block):
                self.position = start + count
                return Frames(start, block, layout)
        return None

    def _fit(self) -> bool:
        """Take notice of a new layout; False while there is none."""
        generation = int(self._telemetry.words[GENERATION])
        if generation == self._generation and self._ring is not None:
            return True
        if generation == 0 or generation % 2:
            return False
        layout = _present_layout(self._telemetry)
        if layout is None or int(self._telemetry.words[GENERATION]) != generation:
            return False
        self._generation, self._layout = generation, layout
        self._ring = _ring(self._telemetry, self._name, layout)
        return True


def _capacity(frames: float, width: int) -> int:
    """The power of two that holds so many frames, or the greatest that fits into the block."""
    capacity = 1
    while capacity < frames and Ring.size_bytes(2 * capacity, width) <= RING_BYTES:
        capacity *= 2
    return capacity


def _shape(layout: Layout, name: RingName) -> tuple[int, int, int]:
    if name == "stems":
        return layout.stems_capacity, len(layout.names) * layout.channels, layout.rate_hz
    return layout.columns_capacity, 2 * layout.channels * layout.bands, layout.hop_samples


def _ring(telemetry: Telemetry, name: RingName, layout: Layout) -> Ring:
    capacity, width, _ = _shape(layout, name)
    return Ring(capacity, width, telemetry.memory(STEMS_AT if name == "stems" else COLUMNS_AT, RING_BYTES))


def _present_layout(telemetry: Telemetry) -> Layout | None:
    text = telemetry.layout_record.read()
    return None if text is None else layout_from_json(text)


def _take_over(ring: Ring, name: RingName, before: Layout | None, layout: Layout) -> int:
    """Go on where another writer, perhaps killed in the middle of a frame, was; returns the ring's first position."""
    claimed = int(ring.words[CLAIMED])
    if before is None or _shape(before, name) != _shape(layout, name):
        ring.clear(claimed)
        return claimed
    for position in range(int(ring.words[WRITTEN]), claimed):
        ring.data[position & (ring.capacity_frames - 1)] = 0.0
    _store(ring.words, WRITTEN, claimed)
    return before.stems_start if name == "stems" else before.columns_start


@jit
def _store(words: NDArray[np.int64], index: int, value: int) -> None:
    """Between what is written before and after."""
    store_release(words, index, value)
    fence_release()


@jit
def _read_checked(
    telemetry_words: NDArray[np.int64],
    generation: int,
    ring_words: NDArray[np.int64],
    data: NDArray[np.float32],
    position: int,
    block: NDArray[np.float32],
) -> bool:
    """`ring_read` that also fails where the ring was laid out anew meanwhile."""
    if load_acquire(telemetry_words, GENERATION) != generation or position + block.shape[0] > ring_written(ring_words):
        return False
    whole = ring_read(ring_words, data, position, block)
    fence_acquire()
    return whole and load_acquire(telemetry_words, GENERATION) == generation
