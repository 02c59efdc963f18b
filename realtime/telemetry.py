"""What a running engine tells the world: one block of shared memory, written by it, read by anybody at any rate.

The parent makes the block, the engine's process writes, and readers attach by name; a reader copies
what it wants and never touches a word of the writer's, so that no number of them can slow it down.
The block holds two short records and two rings:

    heartbeat | status record | layout record | ring of stems | ring of columns

A record is replaced as a whole. Its sequence number is odd while that happens and its checksum lies
beside it, so a reader knows a copy that is half old and half new on any processor, without compiled
code; the rings, which need it, are in `telemetry_rings`.
"""

from __future__ import annotations

import json
import time
import zlib
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import AdvsepError
from .shared_block import SharedBlock, make_block, open_block
from .status import EngineStatus, Level
from .strict import from_plain

LINE_BYTES = 64
STATUS_BYTES, LAYOUT_BYTES = 8192, 32768
RING_BYTES = 8 * 2**20 + 4096  # 10 s of two stereo stems at 48 kHz, 2.7 s of live-3's columns

# Words of the block's first line; GENERATION is odd while the rings are laid out anew.
HEARTBEAT_NS, GENERATION = 0, 1
# Words before a record's bytes:
_SEQUENCE, _CHECKSUM, _LENGTH, _RECORD_WORDS = 0, 1, 2, LINE_BYTES // 8

_STATUS_AT = LINE_BYTES
_LAYOUT_AT = _STATUS_AT + LINE_BYTES + STATUS_BYTES
STEMS_AT = _LAYOUT_AT + LINE_BYTES + LAYOUT_BYTES
COLUMNS_AT = STEMS_AT + RING_BYTES
BLOCK_BYTES = COLUMNS_AT + RING_BYTES


class TelemetryError(AdvsepError):
    """Shared memory that cannot be had or is no longer there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What lies in the rings; changes with the model and the device's rate.

    Attributes:
        model: name of the model.
        sources: names of the strips that sound comes from.
        channels: of each stem, and of features and masks.
        rate_hz: frames of stems a second.
        hop_samples: frames of stems for each frame of columns.
        window_samples: of the analysis, which `band_edges_bins` refer to.
        model_rate_hz: likewise; the rate at which the model learnt, whatever `rate_hz` is.
        band_edges_bins: bins model_rate_hz / window_samples apart, one more than bands.
        stems_capacity: frames in the ring of stems, [name * channel] each.
        columns_capacity: frames in the ring of columns, [2 * channel * band] each: features, then masks.
        delay_samples: by how much stems are later than the input at that rate.
        stems_start: position of the first frame of stems that has this shape.
        columns_start: the same of columns.
        tracks: what lies in the ring of stems, where that is not one of each source.
    """

    model: str
    sources: tuple[str, ...]
    channels: int
    rate_hz: int
    hop_samples: int
    window_samples: int
    model_rate_hz: int
    band_edges_bins: tuple[int, ...]
    stems_capacity: int
    columns_capacity: int
    delay_samples: int
    stems_start: int = 0
    columns_start: int = 0
    tracks: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Of what lies in the ring of stems, in its order."""
        return self.tracks or self.sources

    @property
    def bands(self) -> int:
        """Bands of a channel's features."""
        return len(self.band_edges_bins) - 1


class Record:
    """A short text that is replaced while others read it.

    Args:
        memory: a line of words, then the bytes.
    """

    def __init__(self, memory: memoryview) -> None:
        self._words: NDArray[np.int64] = np.frombuffer(memory, np.int64, _RECORD_WORDS)
        self._bytes: NDArray[np.uint8] = np.frombuffer(memory, np.uint8, offset=LINE_BYTES)

    @property
    def sequence(self) -> int:
        """Changes with every `write`."""
        return int(self._words[_SEQUENCE])

    def write(self, text: bytes) -> None:
        """Replace the text; for the one writer, which may have taken over from one that was killed here."""
        if len(text) > len(self._bytes):
            raise ValueError(f"expected at most {len(self._bytes)} bytes, got {len(text)}")
        words, sequence = self._words, self.sequence | 1
        words[_SEQUENCE] = sequence
        words[_LENGTH], words[_CHECKSUM] = len(text), zlib.crc32(text)
        self._bytes[: len(text)] = np.frombuffer(text, np.uint8)
        words[_SEQUENCE] = sequence + 1

    def read(self, attempts: int = 20) -> bytes | None:
        """The text, or None: nothing was ever written, or the writer was at it each time."""
        for attempt in range(attempts):
            before = self.sequence
            if before == 0:
                return None
            length, checksum = int(self._words[_LENGTH]), int(self._words[_CHECKSUM])
            if before % 2 == 0 and 0 <= length <= len(self._bytes):
                text = self._bytes[:length].tobytes()
                if self.sequence == before and zlib.crc32(text) == checksum:
                    return text
            time.sleep(0 if attempt < 10 else 0.001)
        return None


class Telemetry:
    """The block of one engine, as the writer, the owner and every reader see it.

    Get one by `Telemetry.create` or `Telemetry.attach`; `close` it when done.

    Attributes:
        name: what readers attach by.
        words: int64, the block's first line.
        layout_record: JSON of the present `Layout`.
    """

    def __init__(self, memory: SharedBlock) -> None:
        self._memory = memory
        self.name = memory.name
        self.words: NDArray[np.int64] = np.frombuffer(self.memory(0, LINE_BYTES), np.int64)
        self._status = Record(self.memory(_STATUS_AT, LINE_BYTES + STATUS_BYTES))
        self.layout_record = Record(self.memory(_LAYOUT_AT, LINE_BYTES + LAYOUT_BYTES))
        self._last: tuple[int, EngineStatus | None] = (0, None)

    @staticmethod
    def create() -> Telemetry:
        """A new block, all zero; whoever owns it calls `unlink` at the end.

        Raises:
            TelemetryError: the system has no room for it.
        """
        try:
            memory = make_block(BLOCK_BYTES)
        except OSError as error:
            raise TelemetryError(
                f"shared memory: expected {BLOCK_BYTES >> 20} MiB for the engine's telemetry, found: "
                f"{error.strerror or error}; free some (Linux: df /dev/shm) and start again"
            ) from None
        return Telemetry(memory)

    @staticmethod
    def attach(name: str) -> Telemetry:
        """The block of an engine that runs.

        Raises:
            TelemetryError: there is none of that name.
        """
        try:
            memory = open_block(name)
        except (OSError, ValueError):
            raise TelemetryError(
                f"no engine's telemetry is called '{name}': the engine has ended; start one and use its name"
            ) from None
        if memory.size < BLOCK_BYTES:
            memory.close()
            raise TelemetryError(f"'{name}' is no telemetry of this version of advsep; use one version for both")
        return Telemetry(memory)

    def memory(self, offset: int, size: int) -> memoryview:
        """A part of the block."""
        buffer = self._memory.buf
        assert buffer is not None
        return buffer[offset : offset + size]

    def beat(self) -> None:
        """Show that the engine's main thread is alive; for the writer."""
        self.words[HEARTBEAT_NS] = time.monotonic_ns()

    @property
    def silent_s(self) -> float:
        """Time since the last beat; infinite before the first."""
        beat_ns = int(self.words[HEARTBEAT_NS])
        return (time.monotonic_ns() - beat_ns) * 1e-9 if beat_ns else float("inf")

    def publish(self, status: EngineStatus) -> None:
        """Replace the status; for the writer."""
        self._status.write(status_to_json(status))

    def status(self) -> EngineStatus | None:
        """The last complete status; None before the first."""
        sequence = self._status.sequence
        if sequence != self._last[0]:
            text = self._status.read()
            if text is not None:  # else the writer is at it, or was killed there: what it said before holds
                self._last = sequence if sequence % 2 == 0 else 0, status_from_json(text)
        return self._last[1]

    def close(self) -> None:
        """Let go of this process's view; nothing of it may be used after that."""
        del self.words, self._status, self.layout_record
        self._memory.close()

    def unlink(self) -> None:
        """Remove the name; the memory goes with the last process that has it open. More than once is fine."""
        self._memory.unlink()


def status_to_json(status: EngineStatus) -> bytes:
    """As `status_from_json` reads it: compact, infinite levels as `-Infinity`."""
    plain = {field.name: getattr(status, field.name) for field in fields(EngineStatus)}
    plain["levels"] = {name: (level.peak_dbfs, level.rms_dbfs) for name, level in status.levels.items()}
    return json.dumps(plain, separators=(",", ":"), default=float).encode()


def status_from_json(text: bytes) -> EngineStatus:
    """What `status_to_json` wrote."""
    plain: dict[str, Any] = json.loads(text)
    plain["levels"] = {name: Level(peak_dbfs=peak, rms_dbfs=rms) for name, (peak, rms) in plain["levels"].items()}
    plain["muted"], plain["plugin_failures"] = tuple(plain["muted"]), tuple(plain["plugin_failures"])
    plain["loop"] = None if plain["loop"] is None else tuple(plain["loop"])
    return EngineStatus(**plain)


def layout_from_json(text: bytes) -> Layout:
    """What lies in the rings, from `Telemetry.layout_record`."""
    return from_plain(Layout, json.loads(text), "layout")
