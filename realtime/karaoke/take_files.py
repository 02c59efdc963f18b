"""The files of a take while it is recorded: tracks moved to where they belong in the song, and their mixdown."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import AdvsepError
from ..recorder import CutShortError, RecorderError
from .take_details import TakeDetails, TakeError, write_details
from .take_ending import MIXDOWN, finish_files, partial_path, track_path
from .take_lock import TakeLock
from .take_wav import GrowingWav, Shape

SYNC_S = 0.25  # the disk itself holds what is older than twice that
CHANNELS = 2


class TakeFiles:
    """Takes frames of all tracks as they were captured together; the target of a `RingRecorder`.

    What a track brings `late` samples after the song is moved back by as much, so that all files begin
    at the same moment of the song; the frames of the last moment, whose voice did not come in any more,
    are left out. Everything is in the files at once, and on the disk within two `SYNC_S`.

    Args:
        folder: of the take; made, must not hold another take.
        details: `tracks` and `state` are filled in.
        kept: tracks that get a file.
        mixed: tracks whose sum is the file `mixdown`; none: there is no mixdown.
        late_samples: by track; 0 where one is not named. Where one is early, below 0, the take begins so much later.

    Attributes:
        folder: as given.
        details: as they are in `take.json`.
        error: why the files could not be completed.

    Raises:
        RecorderError: the folder or a file cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        details: TakeDetails,
        kept: tuple[str, ...],
        mixed: tuple[str, ...],
        late_samples: Mapping[str, int],
    ) -> None:
        self.folder = folder
        self._kept, self._mixed = kept, mixed
        needed = dict.fromkeys((*kept, *mixed))
        if not needed:
            raise ValueError("expected tracks to record, got none")
        late = {track: late_samples.get(track, 0) for track in needed}
        begins = max(0, -min(late.values()))
        self._to_drop = {track: begins + each for track, each in late.items()}
        self._held = {track: np.zeros((0, CHANNELS), np.float32) for track in needed}
        self.details = replace(
            details,
            tracks=(*kept, *((MIXDOWN,) if mixed else ())),
            state="recording",
            position_s=details.position_s + begins / details.rate_hz * details.tempo_percent / 100,
        )
        self._files: dict[str, GrowingWav] = {}
        self._lock = TakeLock(folder)
        self._made = False
        self.error: TakeError | None = None
        self._sync_error: OSError | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="advsep-take-disk", daemon=True)
        try:
            self._open()
        except (OSError, AdvsepError) as error:
            self.discard()
            why = error if isinstance(error, AdvsepError) else (error.strerror or error)
            raise RecorderError(f"{folder}: no take can be recorded there: {why}; choose another folder") from None
        self._thread.start()

    @property
    def paths(self) -> list[Path]:
        """The finished files; none before `finish`."""
        found = (track_path(self.folder, track) for track in self.details.tracks)
        return [path for path in found if path is not None]

    @property
    def samples(self) -> int:
        """Length of the take so far."""
        return min(file.frames for file in self._files.values())

    def write(self, stems: Mapping[str, NDArray[np.float32]]) -> None:
        """Append [sample, channel] of each track.

        Raises:
            CutShortError: the disk takes no more; `finish` keeps what is there.
        """
        for track, held in self._held.items():
            frames = stems[track]
            dropped = min(self._to_drop[track], len(frames))
            self._to_drop[track] -= dropped
            self._held[track] = np.concatenate([held, frames[dropped:]])
        count = min(map(len, self._held.values()))
        try:
            if self._sync_error is not None:
                raise self._sync_error
            for track in self._kept:
                self._files[track].write(self._held[track][:count])
            if self._mixed:
                self._files[MIXDOWN].write(np.sum([self._held[track][:count] for track in self._mixed], axis=0))
        except OSError as error:
            raise CutShortError(f"the disk takes no more ({error.strerror or error}): free some space") from None
        self._held = {track: held[count:] for track, held in self._held.items()}

    def finish(self) -> None:
        """Complete the files; where the delay was never over there is nothing, and nothing is left behind.

        Where they cannot be completed `error` says why, and they stay as they are, to be recovered.
        """
        if self.samples == 0:
            self.discard()
            return
        self._close()
        notes = [
            f"{track}: {file.clipped} values were beyond full scale and are clipped"
            for track, file in self._files.items()
            if file.clipped
        ]
        silenced = sum(file.silenced for file in self._files.values())
        notes += [f"{silenced} values were no numbers and are silent"] if silenced else []
        self._made = False  # whatever happens now, nothing of it is removed
        details = replace(self.details, notes=(*self.details.notes, *notes))
        try:
            self.details = finish_files(self.folder, details, "finished")
        except TakeError as error:
            self.error = error
        finally:
            self._lock.release()

    def discard(self) -> None:
        """Remove all that was made, except where it is finished."""
        self._close()
        self._lock.release()
        if self._made:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._made = False

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=False)
        self._made = True
        self._lock.take()
        write_details(self.folder, self.details)
        for track in self.details.tracks:
            shape = Shape(self.details.rate_hz, CHANNELS, as_float=track == MIXDOWN)
            self._files[track] = GrowingWav(partial_path(self.folder, track), shape)
            self._files[track].sync()

    def _run(self) -> None:
        """Have the disk hold what the files hold, aside: a slow disk must not keep the reader waiting."""
        try:
            while not self._ending.wait(SYNC_S):
                for file in self._files.values():
                    file.sync()
        except OSError as error:
            self._sync_error = error

    def _close(self) -> None:
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()
        for file in self._files.values():
            with contextlib.suppress(OSError):
                file.close()
