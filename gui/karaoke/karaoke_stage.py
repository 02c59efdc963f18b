"""What a singer looks at: the words, the pitch below them, and a row of controls."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QSplitter, QVBoxLayout, QWidget

from ...realtime.karaoke.ear import Heard
from ...realtime.karaoke.guide import guide_of, with_guide
from ...realtime.karaoke.karaoke_path import ACCOMPANIMENT
from ...realtime.karaoke.karaoke_song import KaraokeSong
from ...realtime.karaoke.microphone import echo_of, with_echo
from ...realtime.karaoke.note_trace import NoteTrace, has_notes
from ...realtime.rack_spec import MICROPHONE, RackSpec
from ...realtime.status import EngineStatus
from ...realtime.tune import Tune
from ..session import Session
from .judge import Points
from .karaoke_bar import KaraokeBar
from .karaoke_mode import KaraokeMode
from .pitch_view import PitchView
from .words_view import WordsView, missing_words

WORDS_SHARE, PITCH_SHARE = 3, 1


class KaraokeStage(QWidget):
    """Shows one mode, and tells it and the session what is asked for.

    Args:
        session: that plays.
        mode: of it.

    Attributes:
        words: large.
        pitch: below them.
        bar: the controls.
    """

    def __init__(self, session: Session, mode: KaraokeMode, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("karaoke_stage")
        self._session, self._mode = session, mode
        self._loop_from_s: float | None = None
        self.words, self.pitch, self.bar = WordsView(), PitchView(), KaraokeBar()
        self._song_line, self._margin = QLabel(), QLabel()
        for label, name in ((self._song_line, "Song"), (self._margin, "How far the song is separated")):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setAccessibleName(name)
        self._song_line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._margin.setToolTip("Seconds of the song ahead of what is heard that are separated already")
        self._lay_out()
        self._connect()
        self._on_song(None)
        self._on_rack(session.rack)

    def hideEvent(self, event: object) -> None:  # noqa: N802
        """As Qt has it."""
        self._loop_from_s = None

    def _lay_out(self) -> None:
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.words)
        split.addWidget(self.pitch)
        split.setStretchFactor(0, WORDS_SHARE)
        split.setStretchFactor(1, PITCH_SHARE)
        split.setSizes([600, 200])
        split.setChildrenCollapsible(False)
        above = QHBoxLayout()
        above.setContentsMargins(8, 0, 8, 0)
        above.addWidget(self._song_line, 1)
        above.addWidget(self._margin)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 4)
        layout.addLayout(above)
        layout.addWidget(split, 1)
        narrow = QScrollArea()  # a window may be narrower than all controls in a row
        narrow.setWidget(self.bar)
        narrow.setWidgetResizable(True)
        narrow.setFrameShape(QFrame.Shape.NoFrame)
        narrow.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        narrow.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        narrow.setFixedHeight(self.bar.sizeHint().height() + narrow.horizontalScrollBar().sizeHint().height())
        layout.addWidget(narrow)

    def _connect(self) -> None:
        session, mode, bar = self._session, self._mode, self.bar
        session.status_changed.connect(self._on_status)
        session.rack_changed.connect(self._on_rack)
        mode.song_changed.connect(self._on_song)
        mode.margin_changed.connect(self._on_margin)
        mode.take_changed.connect(bar.show_record)
        mode.judge.heard.connect(self._on_heard)
        mode.judge.scored.connect(self._on_scored)
        mode.judge.targets_found.connect(self._on_targets)
        bar.guide_changed.connect(self._set_guide)
        bar.band_db_changed.connect(self._set_band)
        bar.mic_db_changed.connect(self._set_microphone)
        bar.echo_changed.connect(self._set_echo)
        bar.monitor_changed.connect(self._set_monitor)
        bar.key_changed.connect(self._set_key)
        bar.tempo_changed.connect(self._set_tempo)
        bar.count_in_changed.connect(mode.set_count_in)
        bar.loop_a.connect(self._loop_from)
        bar.loop_b.connect(self._loop_to)
        bar.loop_cleared.connect(self._no_loop)
        bar.record_toggled.connect(self._set_recording)
        self.words.offset_changed.connect(self._on_offset)

    @property
    def _tune(self) -> Tune:
        backing = self._session.settings.backing
        return Tune() if backing is None else backing.tune

    def _on_song(self, song: KaraokeSong | None) -> None:
        self.setEnabled(song is not None)
        self._loop_from_s = None
        self.bar.show_loop(None, None)
        self.pitch.clear_after(0.0)
        self.pitch.show_total("")
        self._margin.setText("")
        if song is None:
            self._song_line.setText("")
            self.words.set_lyrics(None, "Choose a song from the list, or drop one here.")
            self.pitch.set_notes(None)
            return
        self._song_line.setText(" – ".join(filter(None, (song.artist, song.title))))
        self.words.set_lyrics(song.written, missing_words(song.path) if song.written is None else "")
        self.words.set_offset(song.offset_s)
        self.pitch.set_notes(song.words if song.words is not None and has_notes(song.words) else None)
        self._show_tune(self._tune)

    def _show_tune(self, tune: Tune) -> None:
        self.bar.show_key(round(tune.key_semitones))
        self.bar.show_tempo(tune.tempo)
        self.pitch.tracks.set_key(tune.key_semitones)

    def _on_status(self, status: EngineStatus) -> None:
        song = self._mode.song
        if song is None:
            return
        plays = status.state == "playing" and not status.paused and not status.counting_in
        self.words.set_position(status.position_s, plays, status.tempo)
        self.pitch.set_position(status.position_s, plays, status.tempo)
        if status.key_semitones != self.pitch.tracks.key_semitones:
            self.pitch.tracks.set_key(status.key_semitones)
        loop = status.loop
        if self._loop_from_s is None:
            self.bar.show_loop(*((None, None) if loop is None else loop))

    def _on_margin(self, margin_s: float) -> None:
        self._margin.setText("separated" if margin_s == float("inf") else f"separated {margin_s:.0f} s ahead")

    def _on_heard(self, heard: Heard) -> None:
        for trace in heard:  # what may still change is drawn, too, and drawn anew with the next
            self.pitch.add_sung(trace)

    def _on_scored(self, points: Points) -> None:
        self.pitch.show_total(f"{points.so_far:.0f}")

    def _on_targets(self, targets: NoteTrace) -> None:
        self.pitch.set_targets(targets.times_s, targets.pitch_midi)

    def _on_offset(self, offset_s: float) -> None:
        song = self._mode.song
        if song is not None:
            self._mode.shift_words(offset_s - song.offset_s)
            self.words.set_offset(song.offset_s)
            self.pitch.set_notes(song.words if song.words is not None and has_notes(song.words) else None)

    def _on_rack(self, rack: RackSpec) -> None:
        self.bar.show_guide(guide_of(rack))
        self.bar.show_band_db(rack.named(ACCOMPANIMENT).gain_db)
        self.bar.show_mic_db(rack.named(MICROPHONE).gain_db)
        self.bar.show_echo(echo_of(rack))
        self.bar.show_monitor(not rack.named(MICROPHONE).muted)

    def _set_guide(self, share: float) -> None:
        self._session.edit_rack(with_guide(self._session.rack, share), "guide voice", "guide")

    def _set_gain(self, strip: str, gain_db: float, what: str) -> None:
        rack = self._session.rack
        self._session.edit_rack(
            rack.with_strip(strip, replace(rack.named(strip), gain_db=gain_db)), f"{what} level", what
        )

    def _set_band(self, gain_db: float) -> None:
        self._set_gain(ACCOMPANIMENT, gain_db, "band")

    def _set_microphone(self, gain_db: float) -> None:
        self._set_gain(MICROPHONE, gain_db, "microphone")

    def _set_key(self, semitones: float) -> None:
        self._mode.set_tune(Tune(self._tune.tempo, semitones))

    def _set_tempo(self, tempo: float) -> None:
        self._mode.set_tune(Tune(tempo, self._tune.key_semitones))

    def _set_recording(self, on: bool) -> None:
        if on:
            self._mode.start_take()
        else:
            self._mode.stop_take()

    def set_level(self, name: str, value: float) -> None:
        """What a knob asks for, see `midi_commands`."""
        {
            "guide": self._set_guide,
            "band": self._set_band,
            "mic": self._set_microphone,
            "echo": self._set_echo,
            "key": self._set_key,
            "tempo": self._set_tempo,
        }[name](value)

    def levels(self) -> dict[str, float]:
        """What knobs move, as it is now."""
        rack, tune = self._session.rack, self._tune
        return {
            "guide": guide_of(rack),
            "band": rack.named(ACCOMPANIMENT).gain_db,
            "mic": rack.named(MICROPHONE).gain_db,
            "echo": echo_of(rack),
            "key": tune.key_semitones,
            "tempo": tune.tempo,
        }

    def _set_echo(self, share: float) -> None:
        self._session.edit_rack(with_echo(self._session.rack, share), "echo", "echo")

    def _set_monitor(self, on: bool) -> None:
        rack = self._session.rack
        self._session.edit_rack(
            rack.with_strip(MICROPHONE, replace(rack.named(MICROPHONE), muted=not on)), "hear yourself"
        )

    def _loop_from(self) -> None:
        self._loop_from_s = self._session.status.position_s
        self.bar.show_loop(self._loop_from_s, None)

    def _loop_to(self) -> None:
        from_s = 0.0 if self._loop_from_s is None else self._loop_from_s
        self._loop_from_s = None
        self._session.set_loop((from_s, self._session.status.position_s))

    def _no_loop(self) -> None:
        self._loop_from_s = None
        self._session.set_loop(None)
