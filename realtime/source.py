"""Where sound comes from when it need not be waited for: a file, or the demo song."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import soundfile
from numpy.typing import NDArray

from .errors import AdvsepError
from .spec import LOUDEST_SAMPLE

READABLE = "WAV, FLAC, OGG, Opus, MP3, AIFF, CAF"
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 4000, 768000


class SourceError(AdvsepError):
    """Sound that cannot be read, or not to its end."""


class Source(Protocol):
    """Samples in order, from the first to the last.

    Attributes:
        name: for messages and displays.
        rate_hz: sample rate.
        channels: 1 or 2.
        samples: how many there are (frames of a file); None where only the end will tell (a pipe).
    """

    name: str
    rate_hz: int
    channels: int
    samples: int | None

    def read(self, count: int) -> NDArray[np.float32]:
        """The next `count` samples [sample, channel], a new array each time.

        Fewer where no more are there yet (a pipe, which waits for the first one) or before the end, none after it.
        """
        ...

    def skip(self, count: int) -> None:
        """Leave out the next `count` samples, or as many as there are; does not wait for them."""
        ...

    def wait(self, timeout_s: float) -> bool:
        """Until `read` would not have to wait any more, or the time is over; whether it would not."""
        ...

    def close(self) -> None:
        """Let go of what is open; more than once is fine."""
        ...


@runtime_checkable
class SeekableSource(Source, Protocol):
    """A source that can be read from anywhere, again and again."""

    def seek(self, position: int) -> None:
        """Have `read` go on at this sample; beyond the last one there is nothing to read."""
        ...


class ArraySource:
    """Samples that are in memory.

    Args:
        samples: float32 [sample, channel] in ±1.
        rate_hz: sample rate.
        name: for messages and displays.
    """

    def __init__(self, samples: NDArray[np.float32], rate_hz: int, name: str) -> None:
        self.name, self.rate_hz = name, rate_hz
        self.samples: int | None
        self.samples, self.channels = samples.shape
        self._data, self._position = samples, 0

    def read(self, count: int) -> NDArray[np.float32]:
        """See `Source.read`."""
        block = self._data[self._position : self._position + count].copy()
        self._position += len(block)
        return block

    def skip(self, count: int) -> None:
        """See `Source.skip`."""
        self.seek(self._position + count)

    def seek(self, position: int) -> None:
        """See `SeekableSource.seek`."""
        self._position = min(position, len(self._data))

    def wait(self, timeout_s: float) -> bool:
        """See `Source.wait`: all is there."""
        return True

    def close(self) -> None:
        """Nothing is open."""


class FileSource:
    """A sound file that libsndfile can read, mono or stereo, of any rate.

    Args:
        path: the file.
        accept_damaged: take a truncated file as far as it goes, and samples that are no sound as silence.

    Attributes:
        repaired_samples: values taken as silence so far.

    Raises:
        SourceError: missing, a folder, unreadable, not audio, empty, truncated, or of more than two channels.
    """

    def __init__(self, path: Path, *, accept_damaged: bool = False) -> None:
        self.name, self._accept_damaged = str(path), accept_damaged
        self._path = path
        self._file = self._open()
        self.rate_hz, self.channels, self._length = self._file.samplerate, self._file.channels, int(self._file.frames)
        self.samples: int | None = self._length
        self._position = 0
        self.repaired_samples = 0
        try:
            self._check()
        except AdvsepError:
            self._file.close()
            raise

    def read(self, count: int) -> NDArray[np.float32]:
        """See `Source.read`.

        Raises:
            SourceError: the file cannot be decoded here, ends before its header says, or holds NaN, infinity or
                values beyond `LOUDEST_SAMPLE`.
        """
        try:
            block = self._file.read(count, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, OSError) as error:
            if self._accept_damaged:
                return np.zeros((0, self.channels), np.float32)
            raise SourceError(
                f"{self._path}: cannot be decoded at {self._position / self.rate_hz:.2f} s ({_said(error)}); "
                "get a whole copy, or pass --accept-damaged to use what comes before"
            ) from None
        sound = np.abs(block) <= LOUDEST_SAMPLE  # NaN compares false
        if not sound.all():
            self._repair(block, sound)
        self._position += len(block)
        if len(block) < count and self._position < self._length and not self._accept_damaged:
            raise self._truncated(self._length, self._position)
        return block

    def skip(self, count: int) -> None:
        """See `Source.skip`; raises as `seek` does."""
        self.seek(self._position + count)

    def seek(self, position: int) -> None:
        """See `SeekableSource.seek`.

        Raises:
            SourceError: the file cannot be decoded there.
        """
        position = min(position, self._length)
        try:
            self._file.seek(position)
        except (soundfile.LibsndfileError, OSError) as error:
            raise SourceError(
                f"{self._path}: cannot go to {position / self.rate_hz:.2f} s ({_said(error)}); start at the beginning"
            ) from None
        self._position = position

    def wait(self, timeout_s: float) -> bool:
        """See `Source.wait`: all is there."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _repair(self, block: NDArray[np.float32], sound: NDArray[np.bool_]) -> None:
        at = int(np.argmin(sound.all(1)))
        first, value = self._position + at, block[at][~sound[at]][0]
        if not self._accept_damaged:
            raise SourceError(
                f"{self._path}: sample {first} ({first / self.rate_hz:.3f} s) is {value:g}, which is no sound; render "
                "the file again, or pass --accept-damaged to put silence in such places"
            )
        self.repaired_samples += int(np.size(sound) - np.count_nonzero(sound))
        block[~sound] = 0.0

    def _open(self) -> Any:
        path = self._path
        if path.is_dir():
            raise SourceError(f"{path}: expected a sound file, found a folder; give one file")
        try:
            with path.open("rb") as file:
                start = file.read(1)
        except OSError as error:
            raise SourceError(
                f"{path}: cannot be read: {error.strerror}; give a sound file that can, or 'demo' for the built-in song"
            ) from None
        if not start:
            raise SourceError(f"{path}: expected a sound file ({READABLE}), found an empty file; get a whole copy")
        try:
            with _quiet_decoders():
                return soundfile.SoundFile(path)
        except (soundfile.LibsndfileError, OSError, TypeError) as error:
            raise SourceError(
                f"{path}: expected a sound file ({READABLE}), found something libsndfile cannot read ({_said(error)}); "
                "convert it to WAV or FLAC first"
            ) from None

    def _check(self) -> None:
        if self.channels not in (1, 2):
            raise SourceError(
                f"{self._path}: expected mono or stereo, found {self.channels} channels; mix it down first"
            )
        if not LOWEST_RATE_HZ <= self.rate_hz <= HIGHEST_RATE_HZ:
            raise SourceError(
                f"{self._path}: expected a sample rate of {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz, "
                f"found {self.rate_hz} Hz; convert it first"
            )
        if self._length == 0:
            raise SourceError(f"{self._path}: holds no samples; record or render it again")
        promised = max(self._length, _promised_samples(str(self._file.extra_info), self._length))
        if promised > self._length and not self._accept_damaged:
            raise self._truncated(promised, self._length)
        if self._file.format == "OGG" and not self._accept_damaged and not _ogg_is_whole(self._path):
            raise SourceError(
                f"{self._path}: truncated: its last Ogg page is not whole, {self._length / self.rate_hz:.2f} s are "
                "left; get a whole copy, or pass --accept-damaged to use what is there"
            )

    def _truncated(self, promised: int, found: int) -> SourceError:
        return SourceError(
            f"{self._path}: truncated: its header promises {promised / self.rate_hz:.2f} s, it holds "
            f"{found / self.rate_hz:.2f} s; get a whole copy, or pass --accept-damaged to use what is there"
        )


def _promised_samples(log: str, found_samples: int) -> int:
    """Length that the header promised: libsndfile mends a cut file without a word, but says so in its log."""
    promised = 0
    # The chunk of samples in WAV and CAF, AIFF, AU; of Wave64 the log corrects the whole file only.
    for said, real in re.findall(r"^ *(?:data|SSND|Data Size|riff) *: *(\d+) \(should be (\d+)\)", log, re.MULTILINE):
        # Programs that write to a pipe leave the largest size in the header: no promise at all. A few bytes
        # too many are some programs' slip.
        if int(said) < 0x7FFF0000 and int(said) - int(real) > 64:
            promised = max(promised, round(found_samples * int(said) / max(int(real), 1)))
    for real, said in re.findall(r"frame count (\d+) does not match value from 'ds64' chunk of (\d+)", log):
        if int(real) == found_samples:  # RF64
            promised = max(promised, int(said))
    return promised


def _ogg_is_whole(path: Path) -> bool:
    """Whether the last page of an Ogg file is there to its end and carries the end-of-stream flag (RFC 3533, 6)."""
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - (1 << 17)))
        tail = file.read()
    start = tail.rfind(b"OggS")
    page = tail[start:] if start >= 0 else b""
    if len(page) < 27:
        return False
    segments = page[26]
    return bool(page[5] & 0x04) and len(page) >= 27 + segments + sum(page[27 : 27 + segments])


@contextlib.contextmanager
def _quiet_decoders() -> Generator[None]:
    """Keep mpg123, inside libsndfile, from writing its own thoughts on a file to standard error."""
    try:
        kept = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _said(error: Exception) -> str:
    said = str(getattr(error, "error_string", error)).rstrip(".")
    # What libsndfile makes of a file that is there but holds no MP3 frames.
    return "Format not recognised" if said.startswith("File does not exist") else said
