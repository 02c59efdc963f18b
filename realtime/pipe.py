"""WAV through pipes: `-i -` reads it from standard input as it comes, `-o -` writes it to standard output."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .recorder import RecorderError
from .source import SourceError
from .spec import LOUDEST_SAMPLE
from .wav_stream import NotWavError, WavFormat, read_header, stream_header

CHUNK_BYTES = 1 << 16
CHUNKS_AHEAD = 8  # then the program that writes has to wait
POLL_S = 0.5
ADVICE = "as `ffmpeg -i song.mp3 -f wav - | advsep-live -i - …` gives"

Read = Callable[[int], bytes]
Write = Callable[[bytes | memoryview], int]


class PipeClosedError(RecorderError):
    """Whoever read our output has ended."""


class PipeSource:
    """A `Source`: WAV of 16, 24 or 32-bit integers, 32 or 64-bit floats, mono or stereo, as it arrives.

    A thread reads ahead, by at most `CHUNKS_AHEAD` chunks, so that `wait` works with every system's pipes.

    Args:
        read: returns 1 to so many bytes, none at the end; None: standard input.
        name: for messages and displays.
        accept_damaged: take a stream that breaks off as it is, and samples that are no sound as silence.

    Attributes:
        samples: what the header promises, None where it makes no promise.
        repaired_samples: values taken as silence so far.

    Raises:
        SourceError: a terminal, nothing, not WAV, or WAV of another kind.
    """

    def __init__(self, read: Read | None = None, name: str = "standard input", *, accept_damaged: bool = False) -> None:
        self.name, self.repaired_samples, self._accept_damaged = name, 0, accept_damaged
        self._intake = _Intake(_standard_input() if read is None else read)
        try:
            self._format: WavFormat
            self._format, self.samples = read_header(self._intake.take)
        except NotWavError as error:
            self.close()
            found = self._intake.error or str(error)
            raise SourceError(f"{name}: expected a WAV stream, {ADVICE}; found {found}") from None
        self.rate_hz, self.channels = self._format.rate_hz, self._format.channels
        self._position = 0

    def read(self, count: int) -> NDArray[np.float32]:
        """See `Source.read`.

        Raises:
            SourceError: the stream breaks off before its header says, cannot be read, or holds NaN, infinity or
                values beyond `LOUDEST_SAMPLE`.
        """
        while not self.wait(POLL_S):
            pass
        frame = self._format.frame_bytes
        count = min(count, self._intake.held // frame, self._promised_after(self._position))
        if count <= 0:
            self._check_end()
            return np.zeros((0, self.channels), np.float32)
        block = self._format.samples(self._intake.take(count * frame))
        self._repair(block)
        self._position += count
        return block

    def wait(self, timeout_s: float) -> bool:
        """See `Source.wait`."""
        if self._promised_after(self._position) <= 0:
            return True
        return self._intake.wait(self._format.frame_bytes, timeout_s)

    def skip(self, count: int) -> None:
        """See `Source.skip`."""
        count = min(count, self._promised_after(self._position))
        self._position += count
        self._intake.leave_out(count * self._format.frame_bytes)

    def close(self) -> None:
        """Read no further; the other program learns that when it writes the next time."""
        self._intake.close()

    def _promised_after(self, position: int) -> int:
        return sys.maxsize if self.samples is None else self.samples - position

    def _check_end(self) -> None:
        if self._accept_damaged:
            return
        came_s = (self._position - self._intake.missing // self._format.frame_bytes) / self.rate_hz
        if self._intake.error:
            raise SourceError(f"{self.name}: {self._intake.error} after {came_s:.2f} s; start both programs again")
        if self.samples is not None and came_s * self.rate_hz < self.samples and self._intake.ended:
            raise SourceError(
                f"{self.name}: truncated: its header promises {self.samples / self.rate_hz:.2f} s, {came_s:.2f} s came;"
                " see what the other program says, or pass --accept-damaged to use what comes"
            )

    def _repair(self, block: NDArray[np.float32]) -> None:
        sound = np.abs(block) <= LOUDEST_SAMPLE  # NaN compares false
        if sound.all():
            return
        if not self._accept_damaged:
            at = int(np.argmin(sound.all(1)))
            first, value = self._position + at, block[at][~sound[at]][0]
            raise SourceError(
                f"{self.name}: sample {first} ({first / self.rate_hz:.3f} s) is {value:g}, which is no sound; render "
                "it again, or pass --accept-damaged to put silence in such places"
            )
        self.repaired_samples += int(np.size(sound) - np.count_nonzero(sound))
        block[~sound] = 0.0


class PipeSink:
    """32-bit float WAV to standard output, as long as it gets.

    Args:
        rate_hz: sample rate.
        channels: number of channels.
        write: takes bytes, returns how many it took; None: standard output.

    Attributes:
        samples: written so far.

    Raises:
        RecorderError: standard output is a terminal, or closed.
    """

    def __init__(self, rate_hz: int, channels: int, write: Write | None = None) -> None:
        self.samples, self._rate_hz, self._channels = 0, rate_hz, channels
        self._write = _standard_output() if write is None else write
        self._write_all(stream_header(rate_hz, channels))

    def write(self, samples: NDArray[np.float32]) -> None:
        """Append [sample, channel]; returns when the other program has room for the next block.

        Raises:
            PipeClosedError: it has ended.
            RecorderError: it cannot be written for another reason.
        """
        self._write_all(np.ascontiguousarray(samples, "<f4").tobytes())
        self.samples += len(samples)

    def finish(self) -> None:
        """Nothing is left to write; standard output is closed by the end of the program."""

    def discard(self) -> None:
        """What was written cannot be taken back."""

    def _write_all(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[self._write(left) :]
        except BrokenPipeError:
            raise PipeClosedError(
                f"standard output: the program that reads it ended after {self.samples / self._rate_hz:.1f} s; "
                "see what it says"
            ) from None
        except OSError as error:
            raise RecorderError(
                f"standard output: cannot be written after {self.samples / self._rate_hz:.1f} s: {error.strerror}; "
                "free some space or choose another output"
            ) from None


class _Intake:
    """Bytes as they come, read by a thread that may wait for them as long as it likes."""

    def __init__(self, read: Read) -> None:
        self.ended, self.error, self.missing = False, "", 0
        self._buffer = bytearray()
        self._chunks: queue.Queue[bytes | OSError] = queue.Queue(CHUNKS_AHEAD)
        self._closed = threading.Event()
        threading.Thread(target=self._read_on, args=(read,), name="advsep-pipe", daemon=True).start()

    @property
    def held(self) -> int:
        """Bytes that can be taken without waiting."""
        return len(self._buffer)

    def leave_out(self, count: int) -> None:
        """The next bytes are not wanted, once they come."""
        self.missing += count
        self._drop()

    def wait(self, count: int, timeout_s: float) -> bool:
        """Until so many are held or no more come; False where that took too long."""
        while len(self._buffer) < count and not self.ended:
            if not self._receive(timeout_s):
                return False
        return True

    def take(self, count: int) -> bytes:
        """The next bytes, fewer only at the end."""
        while not self.wait(count, POLL_S):
            pass
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def close(self) -> None:
        """Wanted no more."""
        self._closed.set()

    def _receive(self, timeout_s: float) -> bool:
        try:
            chunk = self._chunks.get(timeout=timeout_s)
        except queue.Empty:
            return False
        if isinstance(chunk, OSError):
            self.error, chunk = f"cannot be read: {chunk.strerror or chunk}", b""
        self.ended = not chunk
        self._buffer += chunk
        self._drop()
        return True

    def _drop(self) -> None:
        dropped = min(self.missing, len(self._buffer))
        del self._buffer[:dropped]
        self.missing -= dropped

    def _read_on(self, read: Read) -> None:
        chunk: bytes | OSError = b"more"
        while chunk and not isinstance(chunk, OSError):
            try:
                chunk = read(CHUNK_BYTES)
            except OSError as error:
                chunk = error
            if not self._hand_over(chunk):
                return

    def _hand_over(self, chunk: bytes | OSError) -> bool:
        while not self._closed.is_set():
            try:
                self._chunks.put(chunk, timeout=POLL_S)
            except queue.Full:
                continue
            return True
        return False


def _standard_input() -> Read:
    try:
        number = sys.stdin.fileno()
    except (OSError, ValueError, AttributeError):  # there is none
        raise SourceError(f"standard input: expected a WAV stream, {ADVICE}; found it closed") from None
    return reader_of(number)


def reader_of(number: int) -> Read:
    """What reads from a file descriptor.

    Raises:
        SourceError: it is a terminal.
    """
    if os.isatty(number):
        raise SourceError(f"standard input: expected a WAV stream, {ADVICE}; found a keyboard")
    _set_binary(number)
    return lambda count: os.read(number, count)


def _standard_output() -> Write:
    try:
        number = sys.stdout.fileno()
    except (OSError, ValueError, AttributeError):
        raise RecorderError("standard output: is closed; write to a file with -o mix.wav") from None
    if os.isatty(number):
        raise RecorderError(
            "standard output: is a terminal, which shows no sound; pipe it on (advsep-live … -o - | ffplay -), "
            "or write to a file with -o mix.wav"
        )
    _set_binary(number)
    return lambda data: os.write(number, data)


def _set_binary(number: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(number, os.O_BINARY)
