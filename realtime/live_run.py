"""One run of `advsep-live` at sound's own pace: the engine in its process, keys, levels and recordings in this one."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .controls import SEEK_S, Action, Levels, apply
from .engine_settings import AUTO, EngineSettings, check_place, is_sound_source
from .errors import AdvsepError
from .options import NULL, LiveOptions, is_mix_file, refuse_overwriting
from .panel import Recording
from .process import EngineProcess
from .status import EngineStatus
from .summary import summary
from .telemetry_rings import stems_ring

if TYPE_CHECKING:
    from .ring_recorder import RingRecorder

TAKES = Path("advsep-takes")  # where the record key records, unless --record names another folder


class LiveRun:
    """Plays what the options name until it ends or is told to.

    Use as a context: leaving it ends the engine; a recording is finished.

    Attributes:
        levels: as set by options and keys.
        written: finished files of recordings.
        notes: what the user should know, in the order in which it happened; `take_notes` empties it.
    """

    def __init__(self, options: LiveOptions) -> None:
        output, self._folder = options.output, options.record
        if options.writes_files:
            if is_mix_file(output):
                raise AdvsepError(f"-o {output}: from a device only stems are recorded; name a folder")
            if self._folder is not None:
                raise AdvsepError("--record goes with playing; with -o FOLDER the stems are written there already")
            output, self._folder = NULL, Path(output)
        if self._folder is not None and is_sound_source(options.source):
            # Before it plays, and not with the last sample.
            refuse_overwriting(options.source, [self._folder / f"{name}.wav" for name in ("vocals", "accompaniment")])
        self._options = options
        self._notes: list[str] = []
        self._settings = self._settings_for(output)
        self.levels = Levels(gains_db={})
        self.hop_samples = 0
        self.written: list[Path] = []
        self._told: set[str] = set()  # failures of plugins
        self._seeks: list[Future[None]] = []
        self._sought_s: float | None = None  # where the last one leads, while it is on its way
        self._engine = EngineProcess(self._settings)
        self._recorder: RingRecorder | None = None
        self._last_state, self._paused = "starting", False
        self._ended: EngineStatus | None = None

    def _settings_for(self, output: str) -> EngineSettings:
        options = self._options
        return EngineSettings(
            input=options.source,
            output=output,
            model=options.model_name,
            rate_hz=options.rate_hz,
            block_samples=options.block_samples,
            rack=options.whole_rack,
            bypassed=options.bypassed,
            start_s=options.start_s,
            seconds=options.seconds,
            accept_damaged=options.accept_damaged,
            loop=options.loop,
        )

    def __enter__(self) -> LiveRun:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.finish()

    def start(self) -> None:
        """Return when it plays.

        Raises:
            AdvsepError: it cannot.
        """
        self._engine.start()
        status = self._engine.status()
        sources = tuple(status.gains_db)
        rack = self._options.whole_rack
        if self._options.output == AUTO and status.device.endswith(NULL):
            self._notes.append("no sound device: running on the null device at the pace of the clock")
        self.hop_samples = stems_ring(self._engine.telemetry)[1].hop_samples
        self.levels = Levels(
            gains_db={source: rack.named(source).gain_db for source in sources},
            muted=frozenset(source for source in sources if rack.named(source).muted),
            soloed=frozenset(source for source in sources if rack.named(source).soloed),
            bypassed=self._options.bypassed,
        )
        if self._folder is not None:
            self._record(self._folder, from_start=True)

    @property
    def song_lines(self) -> tuple[str, ...]:
        """What is to be said of a song that is sung to."""
        return ()

    @property
    def running(self) -> bool:
        """Whether there is more to come."""
        return self.status().state not in ("ended", "failed")

    def status(self) -> EngineStatus:
        """Of the engine, now; notes what changed since the last call."""
        status = self._ended or self._engine.status()
        if status.state == "waiting" and self._last_state != "waiting":
            self._notes.append(status.note)
        elif status.state == "playing" and self._last_state == "waiting":
            self._notes.append(f"the sound is back: {status.device}")
        if status.state in ("waiting", "playing"):
            self._last_state = status.state
        self._take_answers()
        self._notes += [f"{why}; it was taken out" for why in status.plugin_failures if why not in self._told]
        self._told.update(status.plugin_failures)
        if self._recorder is not None and self._recorder.error is not None:
            self._notes.append(str(self._recorder.error))
            self._stop_recording()
        return status

    @property
    def recording(self) -> Recording | None:
        """What is being recorded now."""
        recorder = self._recorder
        if recorder is None:
            return None
        return Recording(folder=str(recorder.folder), seconds=recorder.seconds, lost_s=recorder.lost_s)

    def take_notes(self) -> list[str]:
        """What happened since the last call, in words."""
        notes, self._notes = self._notes, []
        return notes

    def act(self, action: Action) -> None:
        """Do what a key asks for; `QUIT` and `HELP` are the display's."""
        if action is Action.RECORD:
            self._toggle_recording()
            return
        if action in (Action.PAUSE, Action.BACK, Action.AHEAD):
            self._move(action)
            return
        before, self.levels = self.levels, apply(action, self.levels)
        if self.levels == before:
            return
        for source, gain_db in self.levels.gains_db.items():
            if gain_db != before.gains_db[source]:
                self._engine.set_gain_db(source, gain_db)
        self._engine.set_muted(self.levels.muted)
        self._engine.set_soloed(self.levels.soloed)
        self._engine.set_bypassed(self.levels.bypassed)

    def finish(self) -> None:
        """Fade out, end the engine, finish the recording; more than once is fine."""
        if self._ended is not None:
            return
        last = self._engine.status()
        self._stop_recording()  # first: with the engine goes the memory that the recorder reads
        self._engine.stop()
        self._ended = replace(self._engine.status(), state="failed" if last.state == "failed" else "ended")

    def warnings(self) -> list[str]:
        """What the listener should know after the end."""
        status, found = self.status(), self.take_notes()
        if status.clipped_samples:
            found.append(f"{status.clipped_samples} samples of the mix were clipped at full scale: lower the gains")
        if status.restarts:
            times = "once" if status.restarts == 1 else f"{status.restarts} times"
            found.append(f"the engine was started again {times}")
        return found

    def failure(self) -> str | None:
        """Why it ended before its time, None where it did not."""
        status = self.status()
        return status.note or "the engine failed" if status.state == "failed" else None

    def summary(self) -> dict[str, Any]:
        """The run in numbers, as `--json` prints it; see `summary.summary`."""
        return summary(self.status(), hop_samples=self.hop_samples) | {"files": [str(path) for path in self.written]}

    def _move(self, action: Action) -> None:
        status = self._engine.status()
        try:
            check_place(self._settings.moving, "a pause" if action is Action.PAUSE else "another place")
            if action is Action.PAUSE:
                self._paused = not self._paused
                self._engine.set_paused(self._paused)
                return
        except AdvsepError as error:
            self._notes.append(str(error))
            return
        begin_s = status.position_s if self._sought_s is None else self._sought_s
        place_s = max(0.0, begin_s + (SEEK_S if action is Action.AHEAD else -SEEK_S))
        self._sought_s = place_s if status.length_s is None else min(place_s, status.length_s)
        self._seeks.append(self._engine.seek(self._sought_s))
        if self._recorder is not None:
            self._recorder.go_on()

    def _take_answers(self) -> None:
        """Of what was sought: what went wrong is noted."""
        done, self._seeks = [seek for seek in self._seeks if seek.done()], [x for x in self._seeks if not x.done()]
        self._notes += [str(error) for seek in done if (error := seek.exception()) is not None]
        if not self._seeks:
            self._sought_s = None

    def _toggle_recording(self) -> None:
        if self._recorder is not None:
            self._stop_recording()
            return
        try:
            self._record(self._folder or TAKES / "take", from_start=False)
        except AdvsepError as error:
            self._notes.append(str(error))

    def _record(self, folder: Path, *, from_start: bool) -> None:
        from .recorder import StemRecorder
        from .ring_recorder import LONGEST_SAMPLES, RingRecorder, free_folder

        reader, layout = stems_ring(self._engine.telemetry)
        status = self._engine.status()
        sources, silent = layout.names, self.levels.silent if from_start else frozenset[str]()
        audible = tuple(source for source in sources if source not in silent)
        if not audible:
            raise AdvsepError("every source is muted: no stem is left to write; leave out one --mute")
        if not from_start:
            folder = free_folder(folder, sources)
        length_s = status.length_s if from_start and self._options.loop is None else None
        length = None if length_s is None else round((length_s - self._options.start_s) * layout.rate_hz)
        expected = LONGEST_SAMPLES if length is None else length
        self._recorder = RingRecorder(
            reader,
            StemRecorder(folder, audible, layout.rate_hz, layout.channels, expected),
            sources,
            layout.rate_hz,
            layout.channels,
            layout.stems_start + layout.delay_samples if from_start else 0,
            length_samples=length,
            by_clock=not is_sound_source(self._options.source),
        )
        self._recorder.start(layout.stems_start if from_start else None)

    def _stop_recording(self) -> None:
        if self._recorder is not None:
            recorder, self._recorder = self._recorder, None
            self.written += recorder.stop()
            if recorder.error is not None and str(recorder.error) not in self._notes:
                self._notes.append(str(recorder.error))
            if recorder.lost_samples:
                self._notes.append(f"{recorder.folder}: {recorder.lost_samples} samples were lost and are silent")
