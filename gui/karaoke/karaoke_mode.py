"""Karaoke in a session: the song that is sung to, its tracks ahead of the playhead, takes, and the delay of devices."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from ...realtime.engine_settings import EngineSettings
from ...realtime.errors import AdvsepError
from ...realtime.karaoke.count_in import CLICKS, USUAL_BEAT_S, beat_s
from ...realtime.karaoke.delays import Delays, DevicePair, How
from ...realtime.karaoke.folders import data_folder
from ...realtime.karaoke.guide import with_guide
from ...realtime.karaoke.karaoke_song import KaraokeSong
from ...realtime.karaoke.lyrics_offsets import LyricsOffsets
from ...realtime.karaoke.microphone import usual_microphone
from ...realtime.karaoke.stem_cache import StemCache
from ...realtime.karaoke.take import TakeRecorder
from ...realtime.karaoke.take_start import device_pair, start_take
from ...realtime.karaoke.takes import Takes
from ...realtime.rack_file import find_preset
from ...realtime.registry import DEFAULT_MODEL
from ...realtime.status import EngineStatus
from ...realtime.tune import Tune
from ..session import Session
from .judge import Judge
from .panel_parts import Aside

FOLLOW_S = 0.25
OVER_S = 0.05  # so near to its end a song that stands still is over


class KaraokeMode(QObject):
    """What a window needs to have somebody sing; belongs to the thread of the window.

    Args:
        session: that plays.
        takes: where takes are kept.
        parent: owner.

    Attributes:
        song_changed: with the `KaraokeSong` that is sung to from now on; None: none.
        margin_changed: with how far ahead the song is separated, s; infinite: all of it is.
        take_changed: with the length of the take that is recorded, s; None: none is.
        song_ended: all of it was heard.
        noted: `info`, `warning` or `error`, and words.
        judge: of the singer.
        takes: as given.
    """

    song_changed = Signal(object)
    margin_changed = Signal(float)
    take_changed = Signal(object)
    song_ended = Signal()
    noted = Signal(str, str)

    def __init__(self, session: Session, takes: Takes, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.takes, self.judge = takes, Judge(self)
        self._session, self._cache = session, StemCache()
        self._offsets, self._delays = LyricsOffsets(data_folder()), Delays()
        self._song: KaraokeSong | None = None
        self._take: TakeRecorder | None = None
        self._singer, self._tune, self._counts_in = "", Tune(), False
        self._before: EngineSettings | None = None  # what played when singing began
        self._microphone: str | None = None
        self._known: tuple[DevicePair, float] | None = None  # and its delay
        self._followed_s, self._is_over, self._told = 0.0, False, ""
        self._opening = Aside(self)
        self._asked: Path | None = None
        self._opening.done.connect(self._opened)
        self._opening.failed.connect(self._refused)
        session.status_changed.connect(self._on_status)
        session.layout_changed.connect(self._on_layout)
        self.judge.failed.connect(self._warn)

    @property
    def song(self) -> KaraokeSong | None:
        """That is sung to."""
        return self._song

    @property
    def recording(self) -> bool:
        """Whether a take is kept."""
        return self._take is not None

    @property
    def device_delay_s(self) -> float:
        """From the output to the microphone: as it was measured for these devices, or else as they declare it."""
        pair = self.devices
        if self._known is None or self._known[0] != pair:
            try:
                known = self._delays.get(pair, self._session.status.device_latency_s)
            except AdvsepError as error:
                self._tell_once(str(error))
                known = None
            self._known = pair, 0.0 if known is None else known.delay_s
        return self._known[1]

    @property
    def devices(self) -> DevicePair:
        """That a delay belongs to."""
        return device_pair(self._session.settings, self._session.status)

    def sing(self, path: Path, *, singer: str = "", tune: Tune | None = None) -> None:
        """Go over to a song; what was sung to until then plays on until it is there.

        Args:
            path: a sound file.
            singer: who sings, for takes.
            tune: tempo and key; None: as recorded.
        """
        self._singer, self._tune = singer, Tune() if tune is None else tune
        self._asked = path
        if not self._opening.busy:
            self._open(path)

    def leave(self) -> None:
        """Separate again what was separated before."""
        self._asked = None
        self.stop_take()
        before, self._before = self._before, None
        if self._song is not None and before is not None:
            self._session.edit_rack(before.rack, "end of karaoke")
            self._session.sing(None, before.input, start_s=before.start_s, paused=before.is_fed)
        self._drop_song()

    def set_tune(self, tune: Tune) -> None:
        """Have another tempo and key."""
        self._tune = tune
        self._session.set_tune(tune)

    def set_count_in(self, on: bool) -> None:
        """Four clicks before it goes on after a pause, at the pace of its words where they have one."""
        self._counts_in = on
        self._session.set_count_in(self._count_in)

    def shift_words(self, by_s: float) -> None:
        """Have the words later from now on, and whenever the song is sung again."""
        if self._song is not None:
            try:
                self._song.shift_words(by_s)
            except AdvsepError as error:
                self.noted.emit("error", str(error))
            self.judge.judge(self._song)

    def remember_delay(self, delay_s: float, how: How) -> None:
        """Of the present devices."""
        self._known = None
        try:
            self._delays.set(self.devices, delay_s, how)
        except AdvsepError as error:
            self.noted.emit("error", str(error))
        else:
            self.noted.emit("info", f"delay of these devices: {1000 * delay_s:.1f} ms")

    def start_take(self) -> None:
        """Keep what is sung from now on."""
        telemetry, song = self._session.telemetry, self._song
        if telemetry is None or song is None or self._session.layout is None or self._take is not None:
            self.noted.emit("warning", "there is nothing to record yet: choose a song first")
            self.take_changed.emit(None)
            return
        try:
            folder = self.takes.new_folder(song.title)
            self._take = start_take(
                telemetry,
                self._session.status,
                self._session.settings,
                song,
                folder,
                device_delay_s=self.device_delay_s,
                singer=self._singer,
            )
        except AdvsepError as error:
            self.noted.emit("error", str(error))
            self.take_changed.emit(None)

    def stop_take(self) -> None:
        """Complete its files, and say where they are."""
        take, self._take = self._take, None
        if take is None:
            return
        written = take.finish(score=self.judge.score)
        if take.error is not None:
            self.noted.emit("error", str(take.error))
        if written:
            self.noted.emit("info", f"kept {take.seconds:.0f} s as {take.folder}")
        self.take_changed.emit(None)

    def close(self) -> None:
        """Before the session ends: complete a take, and let the song go."""
        self._asked = None
        self.stop_take()
        self.judge.close()
        self._drop_song()

    @property
    def _count_in(self) -> tuple[int, float] | None:
        if not self._counts_in:
            return None
        words = None if self._song is None else self._song.words
        return CLICKS, USUAL_BEAT_S if words is None else beat_s(words)

    def _open(self, path: Path) -> None:
        session = self._session
        microphone = self._microphone if session.settings.is_fed else session.settings.input
        model = None if session.settings.model == DEFAULT_MODEL else session.settings.model

        def work() -> tuple[KaraokeSong, str]:
            song = KaraokeSong(path, self._cache, self._offsets, model=model)
            return song, usual_microphone() if microphone is None else microphone

        self._opening.work(work)

    def _opened(self, found: tuple[KaraokeSong, str]) -> None:
        song, self._microphone = found
        if self._asked is None or song.path != self._asked.absolute():  # another was asked for, or none any more
            song.close()
            if self._asked is not None:
                self._open(self._asked)
            return
        self._asked = None
        self.stop_take()
        session = self._session
        if self._before is None:
            self._before = replace(session.settings, start_s=session.status.position_s)
            rack = session.rack if session.settings.backing is not None else find_preset("karaoke").rack
            session.edit_rack(with_guide(rack, 0.0), "karaoke")
        self._drop_song()
        self._song, self._is_over = song, False
        for note in song.notes:
            self.noted.emit("warning", f"{song.path.name}: {note}")
        session.sing(song.backing(self._tune, self._count_in), self._microphone)
        self.judge.judge(song)
        self.song_changed.emit(song)

    def _refused(self, words: str) -> None:
        self._asked = None
        self.noted.emit("error", words)

    def _drop_song(self) -> None:
        song, self._song = self._song, None
        if song is not None:
            self.judge.judge(None)
            song.close()
            self.song_changed.emit(None)

    def _on_layout(self, layout: object) -> None:
        self.judge.listen(self._session.telemetry if layout is not None else None, self._session.layout)

    def _on_status(self, status: EngineStatus) -> None:
        song = self._song
        if song is None:
            return
        self.judge.tell(status, self.device_delay_s)
        if self._take is not None:
            self.take_changed.emit(self._take.seconds)
            if self._take.error is not None:
                self.stop_take()
        if time.monotonic() - self._followed_s > FOLLOW_S:
            self._followed_s = time.monotonic()
            self._follow(song, status)
        length_s = status.length_s
        over = status.paused and length_s is not None and status.position_s >= length_s - OVER_S
        if over and not self._is_over:
            self.stop_take()
            self.song_ended.emit()
        self._is_over = over

    def _follow(self, song: KaraokeSong, status: EngineStatus) -> None:
        try:
            margin_s = song.follow(status.position_s)
        except AdvsepError as error:
            self._tell_once(str(error))
            return
        self.margin_changed.emit(float("inf") if song.separation.is_complete else margin_s)

    def _warn(self, words: str) -> None:
        self.noted.emit("warning", words)

    def _tell_once(self, words: str) -> None:
        if words != self._told:
            self._told = words
            self.noted.emit("error", words)
