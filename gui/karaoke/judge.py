"""The singer judged while the song goes on: heard in a thread of its own, told in the window's."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from ...realtime.errors import AdvsepError
from ...realtime.karaoke.ear import Ear, Heard
from ...realtime.karaoke.karaoke_song import KaraokeSong
from ...realtime.karaoke.note_trace import NoteTrace, has_notes, notes_heard, notes_written
from ...realtime.karaoke.pitch_tracker import track_guide
from ...realtime.karaoke.score import Difficulty, Scorer
from ...realtime.karaoke.stem_source import StemSource
from ...realtime.status import EngineStatus
from ...realtime.telemetry import Layout, Telemetry

LISTENS_S = 0.05
LONGEST_GUIDE_S = 1200.0  # of a song whose voice is judged by: all of it is in memory for a moment


@dataclass(frozen=True, slots=True)
class Points:
    """How well it was sung.

    Attributes:
        so_far: 0 to 10000, of what has passed.
        total: 0 to 10000, what is not sung yet counts nothing.
    """

    so_far: float
    total: float


class Judge(QObject):
    """Listens to one engine, for one song at a time.

    Attributes:
        heard: with `Heard`, some times a second while somebody could sing.
        scored: with `Points`, with each.
        targets_found: with the `NoteTrace` of the guide, for a song whose words have no notes.
        failed: why it does not listen, in words.
    """

    heard = Signal(object)
    scored = Signal(object)
    targets_found = Signal(object)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._status: EngineStatus | None = None
        self._delay_s, self._key = 0.0, 0.0
        self._scorer: Scorer | None = None
        self._stop = threading.Event()
        self._song_gone = threading.Event()
        self._thread: threading.Thread | None = None

    def listen(self, telemetry: Telemetry | None, layout: Layout | None) -> None:
        """Follow an engine; None: none, or it plays no karaoke."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if telemetry is None or layout is None or not layout.tracks:
            return
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._listen, args=(telemetry, layout, self._stop), name="advsep-ear", daemon=True
        )
        self._thread.start()

    def judge(self, song: KaraokeSong | None, difficulty: Difficulty = "medium") -> None:
        """Judge by another song's notes; where its words have none, by its voice, once all of it was separated."""
        self._song_gone.set()
        self._song_gone = gone = threading.Event()
        with self._lock:
            self._scorer = None
        if song is None:
            return
        words = song.words
        if words is not None and has_notes(words):
            self._take_up(notes_written(words.of_singer(words.lines[0].singer)), difficulty)
            return
        threading.Thread(
            target=self._listen_to_guide, args=(song, difficulty, gone), name="advsep-guide", daemon=True
        ).start()

    def tell(self, status: EngineStatus, device_delay_s: float) -> None:
        """Be told where the song is, some times a second."""
        with self._lock:
            self._status, self._delay_s = status, device_delay_s
            if self._scorer is not None:
                self._scorer.key_semitones = status.key_semitones

    def start_anew(self) -> None:
        """Forget what was sung."""
        with self._lock:
            if self._scorer is not None:
                self._scorer.clear()

    @property
    def score(self) -> float | None:
        """0 to 10000; None: there is nothing to judge by."""
        with self._lock:
            return None if self._scorer is None else self._scorer.total

    def close(self) -> None:
        """Listen no more."""
        self._song_gone.set()
        self.listen(None, None)

    def _take_up(self, notes: NoteTrace, difficulty: Difficulty) -> None:
        if not notes.empty:
            with self._lock:
                self._scorer = Scorer(notes, difficulty)

    def _listen(self, telemetry: Telemetry, layout: Layout, stop: threading.Event) -> None:
        try:
            ear = Ear(telemetry, layout)
        except AdvsepError as error:
            self.failed.emit(str(error))
            return
        with contextlib.suppress(RuntimeError):  # the window has gone
            while not stop.wait(LISTENS_S):
                with self._lock:
                    status, delay_s = self._status, self._delay_s
                heard = None if status is None else ear.hear(status, delay_s)
                if heard is not None:
                    self._weigh(heard)

    def _weigh(self, heard: Heard) -> None:
        with self._lock:
            scorer = self._scorer
            if scorer is not None and len(heard.final):
                scorer.add(heard.final)
            points = None if scorer is None else Points(scorer.so_far, scorer.total)
        self.heard.emit(heard)
        if points is not None:
            self.scored.emit(points)

    def _listen_to_guide(self, song: KaraokeSong, difficulty: Difficulty, gone: threading.Event) -> None:
        """Wait until all is separated, then find the pitch of the song's voice."""
        while not song.separation.is_complete:
            if gone.wait(0.5) or song.separation.error is not None:
                return
        source = StemSource(song.separation.entry)
        try:
            voice = source.read(round(LONGEST_GUIDE_S * source.rate_hz))[:, 2:]
            guide = notes_heard(track_guide(voice, source.rate_hz), song.words)
        except AdvsepError as error:
            with contextlib.suppress(RuntimeError):
                self.failed.emit(str(error))
            return
        finally:
            source.close()
        if not gone.is_set():
            self._take_up(guide, difficulty)
            with contextlib.suppress(RuntimeError):
                self.targets_found.emit(guide)
