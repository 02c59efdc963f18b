"""Writes what passes through it to WAV files, a take each time it is armed."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import AdvsepError
from ..parameter import Parameter, ParameterError
from ..plugin import Plugin
from ..recorder import StemRecorder
from ..ring import Ring, ring_read, ring_write
from ..ring_recorder import WAKE_S, RingRecorder
from ..wav_header import LONGEST_SAMPLES

BUFFERED_S = 10.0  # how long the disk may keep the recording waiting; a song into files goes 100 times as fast
LONGEST_PAUSE_S = 1.0

_naming = threading.Lock()  # two recorders must not find the same name free


class Recorder(Plugin):
    """Records what passes to WAV files, never over another.

    Records what passes, unchanged, as WAV with 32-bit floats: FOLDER/NAME.wav, NAME-2.wav, never over another.

    The file is made with the first block that comes while `armed`; it is whole once it is disarmed or
    closed. Until then it is called `.NAME.wav.partial`, and holds what was recorded should the program end.
    `process` writes to a ring only; threads do the rest. What the disk was too slow for becomes silence.
    While the plugin is bypassed nothing is recorded, and nothing stands in its place.

    Attributes:
        takes: finished files.
        lost_samples: silence in them in place of sound.
        error: why the last take ended by itself, or did not begin; None while all is well.
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter.switch("armed", True, help="Records; switched on again, to another file."),
    )
    state_texts: ClassVar[Mapping[str, str]] = {"folder": "advsep-takes", "name": "take"}

    def __init__(self) -> None:
        super().__init__()
        self.takes: list[Path] = []
        self.lost_samples = 0
        self.error: AdvsepError | None = None
        self._texts = dict(self.state_texts)
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._armed = False  # written by `process` only
        self._open = False  # written by the thread only: sound that comes belongs to the take that runs
        self._pause = 0  # frames since it was disarmed

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        """See `Plugin`."""
        self.close()
        frames = max(max_block, round(BUFFERED_S * rate_hz))
        self._rate_hz, self._channels = rate_hz, channels
        self._ring = Ring(1 << (frames - 1).bit_length(), channels)
        self._silence: NDArray[np.float32] = np.zeros((round(LONGEST_PAUSE_S * rate_hz), channels), np.float32)
        # Compiles both before there is anything to lose.
        ring_write(self._ring.words, self._ring.data, self._silence[:1])
        ring_read(self._ring.words, self._ring.data, 0, self._silence[:1])
        self._ring.clear()
        self._armed = self._open = False
        self._ending.clear()
        self._thread = threading.Thread(target=self._run, name="advsep-takes", daemon=True)
        self._thread.start()

    def process(self, block: NDArray[np.float32]) -> None:
        """See `Plugin`."""
        if self.value("armed"):
            if not self._armed and self._open:
                # Armed again before the thread closed the take: it goes on, in time.
                ring_write(self._ring.words, self._ring.data, self._silence[: self._pause])
            ring_write(self._ring.words, self._ring.data, block)
            self._armed, self._pause = True, 0
        else:
            self._armed = False
            self._pause += len(block)

    def close(self) -> None:
        """See `Plugin`; finishes the take that runs."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def state(self) -> dict[str, Any]:
        """See `Plugin`."""
        return dict(self._texts)

    def set_state(self, state: Mapping[str, Any]) -> None:
        """See `Plugin`: `folder`, made when it is needed, and `name` of the files without their ending."""
        for key, text in state.items():
            if key not in self._texts:
                raise ParameterError(f"unknown setting '{key}': expected {', '.join(self._texts)}")
            if not isinstance(text, str) or not text.strip() or "\0" in text:
                raise ParameterError(f"{key}={text!r}: expected a text")
        name = state.get("name", "take")
        if Path(name).name != name or "\\" in name or name.startswith("."):
            raise ParameterError(f"name={name!r}: expected a file's name without folders; set folder for these")
        self._texts.update(state)

    def _run(self) -> None:
        """Opens and closes takes as `process` arms and disarms."""
        take: RingRecorder | None = None
        begin, failed, ends = 0, False, False
        while not ends:
            ends = self._ending.wait(WAKE_S)
            armed, written = self._armed, self._ring.written
            if take is None and written > begin and not failed:
                # What began and ended since the last look is a take as well.
                take = self._begin(begin)
                failed = take is None
            if take is not None and (ends or not armed or not take.running):
                self._open = False
                begin = self._ring.written
                failed = self._finish(take)
                take = None
            if not armed:
                begin, failed = max(begin, written), False

    def _begin(self, position: int) -> RingRecorder | None:
        try:
            with _naming:
                folder = Path(self._texts["folder"]).expanduser()
                name = _free_name(folder, self._texts["name"])
                files = StemRecorder(folder, (name,), self._rate_hz, self._channels, LONGEST_SAMPLES)
            take = RingRecorder(self._ring, files, (name,), self._rate_hz, self._channels, by_clock=False)
        except (AdvsepError, OSError, RuntimeError) as error:
            self.error = error if isinstance(error, AdvsepError) else AdvsepError(f"recorder: {error}")
            return None
        self.error = None
        self._open = True
        take.start(position)
        return take

    def _finish(self, take: RingRecorder) -> bool:
        """Returns whether it ended before its time."""
        self.takes += take.stop()
        self.lost_samples += take.lost_samples
        self.error = take.error
        return take.error is not None


def _free_name(folder: Path, name: str) -> str:
    """The name, or the first of `name-2`, `name-3`, … that no file has, nor one that is being written."""
    found, number = name, 1
    with contextlib.suppress(OSError):  # who makes the file says what is wrong
        there = {file.name for file in folder.iterdir()}
        while f"{found}.wav" in there or f".{found}.wav.partial" in there:
            number += 1
            found = f"{name}-{number}"
    return found
