"""One run of `advsep-live --karaoke`: a song's tracks, one's own voice, and the words in the terminal."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..controls import Action
from ..engine_settings import AUTO, EngineSettings
from ..errors import AdvsepError
from ..live_run import LiveRun
from ..options import NULL, LiveOptions
from ..page import clock
from ..panel import Recording
from ..status import EngineStatus
from ..tune import FARTHEST_SEMITONES, FASTEST, SLOWEST, Tune
from .delays import Delays
from .folders import data_folder
from .karaoke_song import KaraokeSong
from .lyrics_offsets import LyricsOffsets
from .microphone import usual_microphone
from .stem_cache import StemCache
from .take import TakeRecorder
from .take_start import device_pair, start_take
from .takes import Takes

STEP_TEMPO, STEP_WORDS_S = 0.05, 0.05
FOLLOW_S = 0.25
LINE_AHEAD_S = 5.0  # a line is shown so long before it begins, where nothing is sung until then


class KaraokeRun(LiveRun):
    """Plays a song's tracks beside a microphone until it ends or is told to.

    Use as a context, as `LiveRun`.

    Args:
        options: whose source is the microphone.
        song: to sing to.

    Raises:
        AdvsepError: the song cannot be used.
    """

    def __init__(self, options: LiveOptions, song: Path) -> None:
        self._song = KaraokeSong(
            song, StemCache(), LyricsOffsets(data_folder()), model=options.model, start_s=options.start_s
        )
        self._tune, self._margin_s, self._followed_s = options.tune, 0.0, 0.0
        self._least_margin_s: float | None = None
        self._take: TakeRecorder | None = None
        try:
            super().__init__(options)
        except BaseException:
            self._song.close()
            raise
        self._notes += self._song.notes

    def start(self) -> None:
        """See `LiveRun.start`."""
        super().start()
        if self._options.record is not None:
            self._start_take(self._options.record)

    def status(self) -> EngineStatus:
        """See `LiveRun.status`; has the song separated ahead of what is heard."""
        status = super().status()
        if status.state == "playing" and time.monotonic() - self._followed_s > FOLLOW_S:
            self._followed_s = time.monotonic()
            try:
                self._margin_s = self._song.follow(status.position_s)
            except AdvsepError as error:
                self._tell_once(str(error))
            if status.heard_s > 1.0 and not self._song.separation.is_complete:
                least = self._least_margin_s
                self._least_margin_s = self._margin_s if least is None else min(least, self._margin_s)
        if self._take is not None and self._take.error is not None:
            self._tell_once(str(self._take.error))
        return status

    @property
    def song_lines(self) -> tuple[str, ...]:
        """What is sung now and next, and how the song is played."""
        status = self.status()
        now, following = self._lines_at(status.position_s)
        key = f"key {status.key_semitones:+g}" if status.key_semitones else "key as recorded"
        how = f"{self._song.title} · {key} · tempo {100 * status.tempo:.0f} % · words {self._song.offset_s:+.2f} s"
        if not self._song.separation.is_complete:
            how += f" · separated {self._margin_s:.0f} s ahead"
        return (now, following, how)

    @property
    def recording(self) -> Recording | None:
        """See `LiveRun.recording`."""
        take = self._take
        return None if take is None else Recording(folder=str(take.folder), seconds=take.seconds)

    def act(self, action: Action) -> None:
        """See `LiveRun.act`."""
        match action:
            case Action.KEY_DOWN | Action.KEY_UP:
                step = 1 if action is Action.KEY_UP else -1
                key = max(-FARTHEST_SEMITONES, min(FARTHEST_SEMITONES, self._tune.key_semitones + step))
                self._set_tune(Tune(self._tune.tempo, key))
            case Action.SLOWER | Action.FASTER:
                step = STEP_TEMPO if action is Action.FASTER else -STEP_TEMPO
                tempo = max(SLOWEST, min(FASTEST, round(self._tune.tempo + step, 2)))
                self._set_tune(Tune(tempo, self._tune.key_semitones))
            case Action.WORDS_EARLIER | Action.WORDS_LATER:
                try:
                    self._song.shift_words(STEP_WORDS_S if action is Action.WORDS_LATER else -STEP_WORDS_S)
                except AdvsepError as error:
                    self._notes.append(str(error))
            case Action.RECORD:
                self._toggle_take()
            case _:
                super().act(action)
                if self._sought_s is not None:
                    self._song.separation.prefer(self._sought_s)

    def finish(self) -> None:
        """See `LiveRun.finish`; a take is completed."""
        self._stop_take()  # first: with the engine goes the memory that it is read from
        super().finish()
        self._song.close()

    def warnings(self) -> list[str]:
        """See `LiveRun.warnings`."""
        found = super().warnings()
        starved_s = self.status().starved_s
        if starved_s > 0.5:
            found.append(f"the song had to wait {starved_s:.1f} s for its separation")
        return found

    def summary(self) -> dict[str, Any]:
        """See `LiveRun.summary`."""
        status = self.status()
        return super().summary() | {
            "song": str(self._song.path),
            "tempo": status.tempo,
            "key_semitones": status.key_semitones,
            "separation_speed": self._song.separation.progress.speed or None,
            "least_margin_seconds": self._least_margin_s,
        }

    def _settings_for(self, output: str) -> EngineSettings:
        source = self._options.source if self._options.source != AUTO else usual_microphone()
        if source == NULL:
            self._notes.append("no microphone was found: the song plays, and nobody is heard; -l lists devices")
        backing = self._song.backing(self._options.tune)
        return replace(super()._settings_for(output), input=source, backing=backing)

    def _record(self, folder: Path, *, from_start: bool) -> None:
        """Takes are kept instead of stems."""

    def _set_tune(self, tune: Tune) -> None:
        if tune != self._tune:
            self._tune = tune
            self._seeks.append(self._engine.set_tune(tune))

    def _toggle_take(self) -> None:
        if self._take is not None:
            self._stop_take()
        else:
            self._start_take(self._options.record)

    def _start_take(self, folder: Path | None) -> None:
        status = self._engine.status()
        try:
            known = Delays().get(device_pair(self._engine.settings, status), status.device_latency_s)
            self._take = start_take(
                self._engine.telemetry,
                status,
                self._engine.settings,
                self._song,
                Takes(folder).new_folder(self._song.title),
                device_delay_s=0.0 if known is None else known.delay_s,
            )
        except AdvsepError as error:
            self._notes.append(str(error))

    def _stop_take(self) -> None:
        take, self._take = self._take, None
        if take is not None:
            self.written += take.finish()
            if take.error is not None:
                self._tell_once(str(take.error))

    def _tell_once(self, words: str) -> None:
        if words not in self._told:
            self._told.add(words)
            self._notes.append(words)

    def _lines_at(self, position_s: float) -> tuple[str, str]:
        """What is sung now, and what comes next."""
        words = self._song.words
        if words is None:
            return f"no words: put {self._song.path.stem}.lrc or .txt beside the song", ""
        number = words.line_at(position_s)
        following = 0 if number is None else number + 1
        after = words.lines[following] if following < len(words.lines) else None
        if number is not None and position_s < words.lines[number].end_s:
            return words.lines[number].text, "" if after is None else after.text
        if after is None:
            return "", ""
        wait_s = after.start_s - position_s
        return (f"… {clock(wait_s)}" if wait_s > LINE_AHEAD_S else ""), after.text
