"""Sound files that are whole or not there: written beside their place, moved into it when finished."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from .errors import AdvsepError

WAV_LIMIT_BYTES = 0xFFFFFFFF - 4096


class RecorderError(AdvsepError):
    """Sound that cannot be written."""


class CutShortError(RecorderError):
    """Files that can take no more, and are good as far as they go."""


class AudioRecorder:
    """One WAV file of 32-bit floats, so that a stem louder than full scale is not clipped.

    Becomes RF64 (the same layout with 64-bit sizes) where 4 GiB could be exceeded.

    Args:
        path: the finished file; an older one is replaced at the end.
        rate_hz: sample rate.
        channels: number of channels.
        expected_samples: length if known, 0 if not; decides between WAV and RF64.

    Raises:
        RecorderError: the file cannot be made.
    """

    def __init__(self, path: Path, rate_hz: int, channels: int, expected_samples: int = 0) -> None:
        self.path, self.samples = path, 0
        self._rate_hz = rate_hz
        self._partial = path.with_name(f".{path.name}.partial")
        container = "RF64" if expected_samples * channels * 4 > WAV_LIMIT_BYTES else "WAV"
        if path.is_dir():
            raise RecorderError(f"{path}: cannot be written: a folder of that name is in the way; choose another name")
        self._made_folders = _missing_folders(path.parent)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Python makes the file first: its errors say why, libsndfile's only that.
            self._partial.open("wb").close()
            self._file: Any = soundfile.SoundFile(
                self._partial, "w", rate_hz, channels, subtype="FLOAT", format=container
            )
        except (OSError, soundfile.LibsndfileError) as error:
            self._remove()
            raise RecorderError(f"{path}: cannot be written: {_why(error)}; choose another folder") from None

    def write(self, samples: NDArray[np.float32]) -> None:
        """Append [sample, channel].

        Raises:
            RecorderError: the disk is full or gone; the partial file is removed.
        """
        try:
            self._file.write(samples)
        except (OSError, soundfile.LibsndfileError, AssertionError) as error:
            self.discard()
            raise self._full(error) from None
        self.samples += len(samples)

    def finish(self) -> None:
        """Complete the file and move it to its place.

        Raises:
            RecorderError: it cannot be completed; nothing is left behind.
        """
        self.complete()
        self.move()

    def complete(self) -> None:
        """Write all that is still in memory and close, without moving the file to its place."""
        try:
            self._file.close()
            if self._partial.stat().st_size < self.samples * self._file.channels * 4:
                raise OSError(errno.ENOSPC, "the disk took no more")
        except (OSError, soundfile.LibsndfileError) as error:
            self.discard()
            raise self._full(error) from None

    def move(self) -> None:
        """Move a completed file to its place."""
        try:
            os.replace(self._partial, self.path)
        except OSError as error:
            self.discard()
            raise self._full(error) from None

    def discard(self) -> None:
        """Give up: remove what was written, leave an older file of that name as it was."""
        # The disk may be full: what is being removed need not be complete.
        with contextlib.suppress(OSError, soundfile.LibsndfileError):
            self._file.close()
        self._remove()

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            self._partial.unlink(missing_ok=True)
        _remove_empty(self._made_folders)

    def _full(self, error: Exception) -> RecorderError:
        return RecorderError(
            f"{self.path}: cannot be written after {self.samples / self._rate_hz:.1f} s: {_why(error)}; free some "
            "space or choose another folder"
        )


class StemFiles(Protocol):
    """What a recording is written to; see `StemRecorder`."""

    @property
    def folder(self) -> Path:
        """On the disk whose free space matters."""
        ...

    @property
    def paths(self) -> list[Path]:
        """The finished files."""
        ...

    def write(self, stems: dict[str, NDArray[np.float32]]) -> None:
        """Append [sample, channel] of each; a `CutShortError` ends the recording and keeps it, others discard it."""
        ...

    def finish(self) -> None:
        """Complete the files."""
        ...

    def discard(self) -> None:
        """Leave nothing behind."""
        ...


class StemRecorder:
    """One file a source, `FOLDER/vocals.wav` and so on; all are finished or none.

    Args:
        folder: made where it is missing.
        sources: names of the files, without their ending.
        rate_hz: sample rate.
        channels: of every stem.
        expected_samples: length if known, 0 if not.

    Raises:
        RecorderError: the folder or a file cannot be made.
    """

    def __init__(
        self, folder: Path, sources: tuple[str, ...], rate_hz: int, channels: int, expected_samples: int = 0
    ) -> None:
        self.folder = folder
        self._files: dict[str, AudioRecorder] = {}
        self._made_folders = _missing_folders(folder)
        if folder.exists() and not folder.is_dir():
            raise RecorderError(
                f"{folder}: expected a folder for the stems, found a file of that name; choose another name"
            )
        try:
            for source in sources:
                path = folder / f"{source}.wav"
                self._files[source] = AudioRecorder(path, rate_hz, channels, expected_samples)
        except AdvsepError:
            self.discard()
            raise

    @property
    def paths(self) -> list[Path]:
        """Where the finished files will lie."""
        return [file.path for file in self._files.values()]

    def write(self, stems: dict[str, NDArray[np.float32]]) -> None:
        """Append to each file its stem [sample, channel]; stems without a file are left out."""
        try:
            for source, file in self._files.items():
                file.write(stems[source])
        except AdvsepError:
            self.discard()
            raise

    def finish(self) -> None:
        """Complete all files and move them to their places."""
        try:
            for file in self._files.values():
                file.complete()
            for file in self._files.values():
                file.move()
        except AdvsepError:
            self.discard()
            raise

    def discard(self) -> None:
        """Give up on all files, and on the folders that were made for them."""
        for file in self._files.values():
            file.discard()
        _remove_empty(self._made_folders)


def _missing_folders(folder: Path) -> list[Path]:
    """The folders that have to be made for `folder` to be there, the innermost first."""
    return [each for each in (folder, *folder.parents) if not each.exists()]


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _why(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else "the disk took no more"
