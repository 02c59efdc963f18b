"""One take: what was sung, as aligned 24-bit files beside the song, from the ring of an engine that plays karaoke."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..errors import AdvsepError
from ..rack_spec import MICROPHONE
from ..ring import Ring
from ..ring_recorder import RESERVE_BYTES, RingRecorder
from ..telemetry_rings import RingReader
from .karaoke_path import ACCOMPANIMENT, RAW_MICROPHONE, VOCALS
from .take_details import TakeDetails, TakeError, utc_now, write_details
from .take_ending import to_flac
from .take_files import CHANNELS, TakeFiles

KEPT = (RAW_MICROPHONE, MICROPHONE, ACCOMPANIMENT)
MIXED = (MICROPHONE, ACCOMPANIMENT, VOCALS)


class TakeRecorder:
    """Records a take into a folder; use `start`, then `finish` or `discard`.

    The files are `TRACK.wav` of each track that is kept and `mixdown.wav`, the sum of those that are mixed
    with the microphone where it belongs, turned down as a whole where it would clip. All have the same
    length and begin at the same moment of the song. A take whose program dies can be recovered, see
    `recover`, up to the last moment before.

    Args:
        ring: frames [track * 2], tracks outermost: a ring of this process, or a reader of an engine's telemetry
            that nobody else reads with.
        folder: of this take; must not be there yet.
        details: what is known; `rate_hz`, `delay_s`, `tracks`, `state` and an empty `started` are filled in.
        tracks: in the ring's order.
        rate_hz: of the ring.
        late_samples: by track, how much later than the song's the frames of the same position are: the measured
            delay, and what plugins add.
        kept: tracks that get a file.
        mixed: tracks that are summed to the mixdown.
        by_clock: whether time goes on while an engine is away, see `RingRecorder`; a song waits.
        reserve_bytes: end, and keep what is there, when the disk has less than this left.

    Raises:
        RecorderError: the folder or a file cannot be made.
    """

    def __init__(
        self,
        ring: Ring | RingReader,
        folder: Path,
        details: TakeDetails,
        tracks: tuple[str, ...],
        rate_hz: int,
        *,
        late_samples: Mapping[str, int],
        kept: tuple[str, ...] = KEPT,
        mixed: tuple[str, ...] = MIXED,
        by_clock: bool = False,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> None:
        unknown = {*kept, *mixed, *late_samples} - {*tracks}
        if unknown:
            raise ValueError(f"expected tracks of {tracks}, got {sorted(unknown)}")
        late = late_samples.get(RAW_MICROPHONE, max(late_samples.values(), default=0))
        details = replace(details, rate_hz=rate_hz, delay_s=late / rate_hz, started=details.started or utc_now())
        self._files = TakeFiles(folder, details, kept, mixed, late_samples)
        self._recorder = RingRecorder(
            ring, self._files, tracks, rate_hz, CHANNELS, by_clock=by_clock, reserve_bytes=reserve_bytes
        )
        self._packing_error: AdvsepError | None = None

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self._files.folder

    @property
    def details(self) -> TakeDetails:
        """As they are in `take.json`."""
        return self._files.details

    @property
    def seconds(self) -> float:
        """Length so far."""
        return self._files.samples / self.details.rate_hz

    @property
    def running(self) -> bool:
        """Whether it still records."""
        return self._recorder.running

    @property
    def error(self) -> AdvsepError | None:
        """Why it ended before its time, or was not packed, and what was kept."""
        return self._files.error or self._recorder.error or self._packing_error

    def start(self, position: int | None = None) -> None:
        """Record from a position of the ring on, which is the take's first moment; None: from now on."""
        self._recorder.start(position)

    def finish(self, *, as_flac: bool = False, score: float | None = None, notes: tuple[str, ...] = ()) -> list[Path]:
        """Take what is still in the ring and complete the files; some seconds of work after a long song.

        Args:
            as_flac: pack the files, without loss; each WAV is kept until its FLAC is whole and verified.
            score: 0 to 10000.
            notes: more to be said about the take.

        Returns:
            The files; none where nothing was recorded. See `error`, too.
        """
        if not self._recorder.stop():
            return []
        if self._recorder.lost_samples:
            notes = (*notes, f"{self._recorder.lost_s:.2f} s of sound were lost and are silent")
        if self._recorder.error is not None:
            notes = (*notes, str(self._recorder.error))
        details = replace(self.details, score=score, notes=(*self.details.notes, *notes))
        try:
            write_details(self.folder, details)
            self._files.details = details
            for track in details.tracks if as_flac else ():
                to_flac(self.folder, track)
        except TakeError as error:
            self._packing_error = error
        return self._files.paths

    def discard(self) -> None:
        """Leave nothing behind, except where it ended by itself before."""
        self._recorder.discard()
