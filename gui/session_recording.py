"""Recording what plays, from the window's side: where to, and what there is to say of it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from ..realtime.engine_settings import EngineSettings
from ..realtime.errors import AdvsepError
from ..realtime.panel import Recording
from ..realtime.recorder import StemRecorder
from ..realtime.ring_recorder import LONGEST_SAMPLES, RingRecorder, free_folder
from ..realtime.telemetry import Telemetry
from ..realtime.telemetry_rings import stems_ring


class Take:
    """A recording of all stems that is under way, in files `SOURCE.wav` of a folder.

    Args:
        telemetry: of the engine that plays.
        settings: of that engine.
        folder: where to; beside it where an earlier take lies there.

    Raises:
        AdvsepError: nothing plays, or the files cannot be made.
    """

    def __init__(self, telemetry: Telemetry, settings: EngineSettings, folder: Path) -> None:
        reader, layout = stems_ring(telemetry)
        folder = free_folder(folder, layout.names)
        self._recorder = RingRecorder(
            reader,
            StemRecorder(folder, layout.names, layout.rate_hz, layout.channels, LONGEST_SAMPLES),
            layout.names,
            layout.rate_hz,
            layout.channels,
            by_clock=not settings.is_fed,
        )
        self._recorder.start()

    @property
    def has_ended(self) -> bool:
        """By itself: see what `stop` says."""
        return self._recorder.error is not None

    @property
    def recording(self) -> Recording:
        """As far as it is."""
        recorder = self._recorder
        return Recording(folder=str(recorder.folder), seconds=recorder.seconds, lost_s=recorder.lost_s)

    def stop(self) -> list[tuple[str, str]]:
        """Finish the files; returns what to say: `info`, `warning` or `error`, and words."""
        recorder = self._recorder
        written, said = recorder.stop(), list[tuple[str, str]]()
        if written:
            names = ", ".join(path.name for path in written)
            said.append(("info", f"recorded {recorder.seconds:.1f} s to {recorder.folder} ({names})"))
        if recorder.error is not None:
            said.append(("error", str(recorder.error)))
        elif not written:
            said.append(("warning", f"{recorder.folder}: nothing was recorded, for nothing played; start again"))
        if recorder.lost_samples:
            said.append(("warning", f"{recorder.folder}: {recorder.lost_samples} samples were lost and are silent"))
        return said


class Takes(QObject):
    """One take at a time.

    Attributes:
        changed: with `Recording`, at every `tick`; None: no longer.
        noted: `info`, `warning` or `error`, and words.
    """

    changed = Signal(object)
    noted = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._take: Take | None = None

    @property
    def recording(self) -> Recording | None:
        """What is being recorded."""
        return None if self._take is None else self._take.recording

    def start(self, telemetry: Telemetry | None, settings: EngineSettings, folder: Path | None) -> None:
        """Record from now on; None as folder: among the user's music; as telemetry: nothing plays, which is said."""
        if self._take is not None:
            return
        if telemetry is None:
            self.noted.emit("warning", "nothing plays that could be recorded: choose an input first")
            return
        try:
            self._take = Take(telemetry, settings, takes_folder() if folder is None else folder)
        except AdvsepError as error:
            self.noted.emit("error", str(error))
            return
        self.changed.emit(self.recording)

    def stop(self) -> None:
        """Finish the files, and say where they are."""
        if self._take is None:
            return
        take, self._take = self._take, None
        for level, words in take.stop():
            self.noted.emit(level, words)
        self.changed.emit(None)

    def tick(self) -> None:
        """Say how far it is; to be called now and then."""
        if self._take is None:
            return
        if self._take.has_ended:
            self.stop()
        else:
            self.changed.emit(self._take.recording)


def takes_folder() -> Path:
    """Where recordings go that were given no place."""
    from platformdirs import user_music_path

    return user_music_path() / "advsep" / "take"
