"""Records the stems that a ring carries while they play, in a thread that neither hurries nor slows the engine.

Positions in the ring say where frames belong: where some were lost, silence stands in their place,
so that the stems stay together. When the sound itself stops for a while (a device that was unplugged,
an engine that is started again) positions stand still, or begin at 0 anew. Of a live input that
outage becomes silence, too, as long as it took by the clock; of a file, which goes on where it
was, nothing is put in between.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import AdvsepError
from .recorder import CutShortError, RecorderError, StemFiles, StemRecorder
from .ring import Ring, ring_read
from .telemetry_rings import Frames, RingReader
from .wav_header import LONGEST_SAMPLES, shorten_header

WAKE_S = 0.05
BLOCK_FRAMES = 8192
OUTAGE_S, LONGEST_OUTAGE_S = 0.25, 600.0
RESERVE_BYTES = 32 * 2**20  # of the disk's free space: others need some, too


class RingRecorder:
    """Drains a ring of stems into a WAV file a source, RF64 beyond 4 GiB.

    Use `start`, then `stop`; the files are finished then, or `error` says why not.

    Args:
        ring: frames [source * channel], sources outermost, `rate_hz` a second: a ring of this process, or a
            reader of an engine's telemetry that nobody else reads with.
        target: a folder for `SOURCE.wav` of every source, or a recorder that has files for some of them, or others.
        sources: in the ring's order.
        rate_hz: sample rate.
        channels: of each source.
        skip_samples: the processor's delay; what lies before this position is left out, so that a recording
            from the ring's beginning starts at the first input sample.
        length_samples: end by itself after so many; None: record until `stop`.
        by_clock: whether time goes on while no sound comes, see the module.
        reserve_bytes: end, and keep what is there, when the disk has less than this left.

    Attributes:
        lost_samples: silence written in place of sound that was lost.
        error: why the recording ended before its time, and what was kept; playing is not affected.

    Raises:
        RecorderError: the folder or a file cannot be made.
    """

    def __init__(
        self,
        ring: Ring | RingReader,
        target: Path | StemFiles,
        sources: tuple[str, ...],
        rate_hz: int,
        channels: int,
        skip_samples: int = 0,
        *,
        length_samples: int | None = None,
        by_clock: bool = True,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> None:
        expected = LONGEST_SAMPLES if length_samples is None else length_samples
        files = StemRecorder(target, sources, rate_hz, channels, expected) if isinstance(target, Path) else target
        self._reader = _Follower(ring) if isinstance(ring, Ring) else ring
        self._files: StemFiles = files
        self._sources = sources
        self._rate_hz, self._channels, self._skip = rate_hz, channels, skip_samples
        self._length, self._by_clock, self._reserve = length_samples, by_clock, reserve_bytes
        self._silence: NDArray[np.float32] = np.zeros((BLOCK_FRAMES, len(sources) * channels), np.float32)
        self._position: int | None = None
        self._samples, self._idle_s = 0, 0.0
        self._written: list[Path] = []
        self._ending, self._wanted = threading.Event(), True
        self._thread: threading.Thread | None = None
        self.lost_samples = 0
        self.error: AdvsepError | None = None
        self._reader.read(1)  # compiles, which must not happen while the ring fills

    @property
    def folder(self) -> Path:
        """Where the files will lie."""
        return self._files.folder

    @property
    def seconds(self) -> float:
        """Length so far."""
        return self._samples / self._rate_hz

    @property
    def lost_s(self) -> float:
        """How much of that is silence in place of sound that was lost."""
        return self.lost_samples / self._rate_hz

    @property
    def running(self) -> bool:
        """Whether it still records."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, position: int | None = None) -> None:
        """Record from a position of the ring on, 0 or more; None: from now on."""
        self._position = None if position is None else max(position, self._skip)
        self._reader.position = -1 if self._position is None else self._position
        if self._position is None:
            self._drain()  # takes notice of where now is
        self._thread = threading.Thread(target=self._run, name="advsep-recorder", daemon=True)
        self._thread.start()

    def go_on(self) -> None:
        """Record until `stop`, whatever length was expected: somebody went to another place in the song."""
        self._length = None

    def stop(self) -> list[Path]:
        """Take what is still in the ring and finish the files.

        Returns:
            The finished files; none where nothing was recorded, or nothing could be kept (see `error`).
        """
        self._end()
        return list(self._written)

    def discard(self) -> None:
        """Leave nothing behind, except where it ended by itself before."""
        self._wanted = False
        self._end()

    def _end(self) -> None:
        self._ending.set()
        if self._thread is None:
            self._files.discard()
        else:
            self._thread.join()

    def _run(self) -> None:
        try:
            woken_s = time.monotonic()
            while not self._ending.wait(WAKE_S) and not self._done:
                began_s, woken_s = woken_s, time.monotonic()
                # Where this thread itself was held up, the ring's positions know better what went by.
                self._idle_s += min(woken_s - began_s, 2 * WAKE_S)
                self._drain()
                self._mind_the_disk()
            if self._wanted:
                self._drain()
            self._finish()
        except CutShortError as error:
            self._end_early(str(error))
            self._keep()
        except RecorderError as error:
            self._files.discard()
            self.error = RecorderError(f"{error}; nothing of this recording could be kept")
        except Exception as error:  # in a thread nobody would hear of it
            self._end_early(f"recording failed: {error!r}")
            self._keep()

    def _keep(self) -> None:
        """Save what there is, whatever happened."""
        try:
            self._finish()
        except RecorderError as error:
            self._files.discard()
            self.error = error

    @property
    def _done(self) -> bool:
        return self.error is not None or (self._length is not None and self._samples >= self._length)

    def _drain(self) -> None:
        """Take everything that was written since the last time."""
        while not self._done and (frames := self._reader.read(BLOCK_FRAMES)) is not None:
            if frames.data.shape[1] != self._silence.shape[1] or self._is_other_sound(frames):
                self._end_early("model or sample rate changed")
                return
            self._take(frames.position, frames.data)

    def _is_other_sound(self, frames: _Frames | Frames) -> bool:
        return isinstance(frames, Frames) and (frames.layout.names, frames.layout.rate_hz) != (
            self._sources,
            self._rate_hz,
        )

    def _take(self, position: int, frames: NDArray[np.float32]) -> None:
        expected, self._position = self._position, position + len(frames)
        if self._samples == 0 and position < self._skip:
            frames, expected = frames[self._skip - position :], None
        outage_s, self._idle_s = self._idle_s, 0.0
        if self._samples and self._by_clock and outage_s > OUTAGE_S:
            self._write_silence(round(min(outage_s, LONGEST_OUTAGE_S) * self._rate_hz))
        if expected is not None and position > expected:
            self._write_silence(position - expected)
        self._write(frames)

    def _write_silence(self, count: int) -> None:
        while count > 0 and not self._done:
            before = self._samples
            self._write(self._silence[:count])
            self.lost_samples += self._samples - before
            count -= BLOCK_FRAMES

    def _write(self, frames: NDArray[np.float32]) -> None:
        if self._length is not None:
            frames = frames[: max(0, self._length - self._samples)]
        width = self._channels
        self._files.write({name: frames[:, i * width : (i + 1) * width] for i, name in enumerate(self._sources)})
        self._samples += len(frames)

    def _mind_the_disk(self) -> None:
        """End while everything can still be kept: a file that meets a full disk is lost."""
        free = shutil.disk_usage(self.folder).free
        if free < self._reserve:
            self._end_early(
                f"only {free / 2**20:.0f} MB are left on the disk: free some space or choose another folder"
            )

    def _end_early(self, why: str) -> None:
        kept = (
            f"what was recorded until then, {self.seconds:.1f} s, is kept" if self._samples else "nothing was recorded"
        )
        self.error = RecorderError(f"{self.folder}: recording ended, {why}; {kept}")

    def _finish(self) -> None:
        if self._samples == 0 or not self._wanted:
            self._files.discard()
            return
        self._files.finish()
        self._written = self._files.paths
        for path in self._written:
            with contextlib.suppress(OSError):  # it stays RF64, which is whole as well
                shorten_header(path)


class _Frames(NamedTuple):
    position: int
    data: NDArray[np.float32]


class _Follower:
    """Reads a ring of this process as `RingReader` reads one of another; begins anew where the ring does."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        self._block: NDArray[np.float32] = np.zeros((BLOCK_FRAMES, ring.data.shape[1]), np.float32)
        self._seen = 0
        self.position = -1

    def read(self, most: int) -> _Frames | None:
        """What comes next, until the next call; None where there is nothing new."""
        ring, written = self._ring, self._ring.written
        if self.position < 0:
            self.position = written
        if written < self._seen and self.position <= self._seen:
            self.position = 0
        self._seen = written
        for _ in range(3):
            count = min(most, BLOCK_FRAMES, written - self.position)
            if count <= 0:
                return None
            block = self._block[:count]
            if ring_read(ring.words, ring.data, self.position, block):
                self.position += count
                return _Frames(self.position - count, block)
            # Overtaken: go on where the writer does not come soon.
            written = ring.written
            self.position = max(self.position, written - ring.capacity_frames // 2)
        return None


def free_folder(folder: Path, sources: tuple[str, ...]) -> Path:
    """The folder, or one beside it (`take-2`, `take-3`, …), where no earlier recording lies."""
    found, number = folder, 1
    while any((found / f"{source}.wav").exists() for source in sources):
        number += 1
        found = folder.with_name(f"{folder.name}-{number}")
    return found
