"""The karaoke of the window: the stage, and beside it songs, queue and takes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QSplitter, QTabWidget, QVBoxLayout, QWidget

from ...realtime.engine_settings import AUTO
from ...realtime.errors import AdvsepError
from ...realtime.karaoke.delays import DevicePair, How
from ...realtime.karaoke.evening import Evening
from ...realtime.karaoke.evening_file import Entry
from ...realtime.karaoke.folders import data_folder
from ...realtime.karaoke.library import Library
from ...realtime.karaoke.library_text import readable
from ...realtime.karaoke.midi_binding import Asked
from ...realtime.karaoke.midi_commands import COMMANDS
from ...realtime.karaoke.separation import Separation
from ...realtime.karaoke.takes import Takes
from ...realtime.tune import Tune
from ..session import Session
from ..shortcuts import make_actions
from ..transport import STEP_S
from .calibration_wizard import CalibrationWizard
from .karaoke_mode import KaraokeMode
from .karaoke_shortcuts import KARAOKE_SHORTCUTS, LettersOfFields
from .karaoke_stage import KaraokeStage
from .library_panel import LibraryPanel
from .midi_hand import MidiHand
from .queue_panel import QueuePanel
from .take_panel import TakePanel
from .tv_window import TvWindow
from .words_view import OFFSET_LARGE_STEP_S, OFFSET_STEP_S, STEP_PERCENT

LIBRARY_NAME, EVENING_NAME = "library.sqlite", "evening.json"
# What a controller's commands are called among the window's.
_ACTIONS = {"tempo_up": "faster", "tempo_down": "slower", "next": "next_song", "skip": "next_song", "record": "take"}
_MOVES = ("play", "to_start", "back", "ahead")


class KaraokePage(QWidget):
    """Everything of karaoke; nothing is opened or looked for before it is shown the first time.

    Args:
        session: that plays.

    Attributes:
        mode: what is sung.
        stage: words, pitch and controls.
        actions: by name, see `KARAOKE_SHORTCUTS`; they count while the page is shown.
        noted: `info`, `warning` or `error`, and words.
        play_take: a take's file is to be heard.
    """

    noted = Signal(str, str)
    play_take = Signal(Path)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("karaoke_page")
        self._session = session
        self._takes = Takes()
        self.mode = KaraokeMode(session, self._takes, self)
        self.stage = KaraokeStage(session, self.mode)
        self.tv = TvWindow(self.stage.words, self.stage.pitch)
        self.actions_by_name = self._make_actions()
        self.stage.bar.use_actions(self.actions_by_name)
        self._letters = LettersOfFields(self)
        self.midi = MidiHand(self)
        self._library: Library | None = None
        self._evening: Evening | None = None
        self.library: LibraryPanel | None = None
        self.queue: QueuePanel | None = None
        self.takes: TakePanel | None = None
        self._tabs = QTabWidget()
        self._tabs.setObjectName("karaoke_tabs")
        self._tabs.setAccessibleName("Songs, queue and takes")
        self._tabs.setToolTip("Songs to choose from, those that follow, and what was sung (Ctrl+Tab: the next)")
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self.stage)
        split.addWidget(self._tabs)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 1)
        split.setSizes([1165, 430])
        split.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(split)
        self._connect()
        self.set_active(False)

    def set_active(self, on: bool) -> None:
        """Whether its keys count; the first time songs, queue and takes are opened."""
        for action in self.actions_by_name.values():
            action.setEnabled(on)
        if on:
            Separation.prewarm()  # so that the song that is chosen plays at once
            self.midi.start()
            if self.library is None:
                self._open_panels()
        else:
            Separation.let_go()
            self.midi.close()
            self.tv.hide()

    def sing(self, song: Path) -> None:
        """Sing a song at once."""
        if self.queue is None or self.queue.sing_now(song, self._title(song)) is None:
            self.mode.sing(song)

    def close_down(self) -> None:
        """Complete a take, end scans, close what is open."""
        self.mode.close()
        Separation.let_go()
        self.midi.close()
        self.tv.close()
        for panel in (self.library, self.queue, self.takes):
            if panel is not None:
                panel.close_down()
        if self._library is not None:
            self._library.close()
            self._library = None

    def _make_actions(self) -> dict[str, QAction]:
        words, obey = self.stage.words, self.stage.bar.commands()
        more: dict[str, Callable[[bool], None]] = {
            "calibrate": lambda _on: self.measure_delay(),
            "words_earlier": lambda _on: words.move_words(-OFFSET_STEP_S),
            "words_later": lambda _on: words.move_words(OFFSET_STEP_S),
            "words_much_earlier": lambda _on: words.move_words(-OFFSET_LARGE_STEP_S),
            "words_much_later": lambda _on: words.move_words(OFFSET_LARGE_STEP_S),
            "words_larger": lambda _on: words.resize_words(STEP_PERCENT),
            "words_smaller": lambda _on: words.resize_words(-STEP_PERCENT),
            "pitch": self._show_pitch,
            "tv": self._show_tv,
            "tv_full": lambda _on: self._fill_tv(),
        }
        actions = make_actions(self, obey | more, KARAOKE_SHORTCUTS)
        actions["pitch"].setChecked(True)
        return actions

    def _connect(self) -> None:
        self.mode.noted.connect(self.noted)
        self.midi.noted.connect(self.noted)
        self.midi.asked.connect(self._obey_midi)
        self.mode.song_changed.connect(self._on_song)
        self.mode.song_ended.connect(self._on_song_ended)
        self.stage.bar.next_song.connect(self._next)
        self.tv.closed.connect(partial(self.actions_by_name["tv"].setChecked, False))
        self.tv.warned.connect(partial(self.noted.emit, "warning"))

    def _open_panels(self) -> None:
        folder = data_folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._library = Library(folder / LIBRARY_NAME)
            self._evening = Evening(folder / EVENING_NAME)
        except (AdvsepError, OSError) as error:
            self.noted.emit("error", f"songs and queue cannot be kept: {error}")
            return
        self.library, self.queue = LibraryPanel(self._library), QueuePanel(self._evening)
        self.takes = TakePanel(self._takes)
        for panel, title in ((self.library, "Songs"), (self.queue, "Queue"), (self.takes, "Takes")):
            self._tabs.addTab(panel, title)
            panel.noted.connect(self.noted)
        self.library.chosen.connect(self.sing)
        self.library.queued.connect(self._enqueue)
        self.queue.start.connect(self._start)
        self.queue.emptied.connect(partial(self.noted.emit, "info", "nothing follows in the queue"))
        self.takes.play.connect(self.play_take)
        self._evening.listen(self._on_evening)
        self._on_evening()
        self.library.start()

    def _enqueue(self, song: Path) -> None:
        if self.queue is not None:
            entry = self.queue.add(song, self._title(song))
            self.noted.emit("info", f"queued: {entry.title}")

    def _title(self, path: Path) -> str:
        """As the library has it."""
        song = None
        if self._library is not None:
            with contextlib.suppress(AdvsepError):
                song = self._library.song(path)
        return readable(path.stem) if song is None else song.name

    def _obey_midi(self, asked: Asked) -> None:
        for name, value in self.stage.levels().items():
            self.midi.bindings.show(name, value)
        if COMMANDS[asked.command].is_level:
            self.stage.set_level(asked.command, asked.value)
        elif asked.command in _MOVES:
            self._move(asked.command)
        else:
            self.actions_by_name[_ACTIONS.get(asked.command, asked.command)].trigger()

    def _move(self, command: str) -> None:
        session, status = self._session, self._session.status
        if command == "play":
            session.set_paused(not status.paused)
        else:
            by_s = {"to_start": -status.position_s, "back": -STEP_S, "ahead": STEP_S}[command]
            session.seek(min(max(0.0, status.position_s + by_s), status.length_s or 0.0))

    def _start(self, entry: Entry) -> None:
        self.mode.sing(entry.path, singer=entry.singer, tune=Tune(entry.tempo, entry.key_semitones))

    def _next(self) -> None:
        if self.queue is not None:
            self.queue.next()

    def _on_song(self, song: object) -> None:
        if song is not None:
            Separation.prewarm()  # for the next one
            self.stage.words.setFocus()  # single letters are commands now

    def _on_song_ended(self) -> None:
        song = self.mode.song
        if song is not None and self._library is not None:
            try:
                self._library.count_sung(song.path)
            except AdvsepError as error:
                self.noted.emit("warning", str(error))
        score = self.mode.judge.score
        if score is not None:
            self.stage.pitch.show_total(f"{score:.0f} of 10000")
        if self.takes is not None:
            self.takes.refresh()

    def _on_evening(self) -> None:
        self.stage.bar.show_next(self._evening is not None and bool(self._evening.queue))

    def _show_pitch(self, on: bool) -> None:
        self.stage.pitch.set_shown(on)
        self.tv.show_pitch(on)

    def _show_tv(self, on: bool) -> None:
        self.tv.setVisible(on)

    def _fill_tv(self) -> None:
        if not self.tv.isVisible():
            self.actions_by_name["tv"].setChecked(True)
            self.tv.show()
        self.tv.toggle_full()

    def measure_delay(self) -> None:
        """Ask how, measure, and remember it for these devices; nothing plays meanwhile."""
        session, pair = self._session, self.mode.devices
        ways: dict[How, Callable[[], object]] = {
            how: partial(_measured, pair, through_patchbay=how == "jack") for how in ("air", "cable", "jack")
        }
        wizard = CalibrationWizard(
            ways, devices=f"{pair.input} to {pair.output}", known_s=self.mode.device_delay_s, parent=self
        )

        def remember(delay_s: float) -> None:
            self.mode.remember_delay(delay_s, wizard.way)

        wizard.accepted_delay.connect(remember)
        if session.process_id is not None:
            session.let_go()
            wizard.finished.connect(session.start)
        wizard.open()


def _measured(pair: DevicePair, *, through_patchbay: bool) -> object:
    """The delay of a pair of devices; in a thread of its own."""
    from ...realtime.device import SPEAKERS, find_device
    from ...realtime.karaoke.delay_measurement import measure_delay

    captures = find_device(pair.input, "input")
    plays = find_device(SPEAKERS if pair.output == AUTO else pair.output, "output")
    if captures is None or plays is None:
        raise AdvsepError(
            f"expected a microphone and a loudspeaker, found '{pair.input}' and '{pair.output}'; choose devices first"
        )
    return measure_delay(
        captures,
        plays,
        rate_hz=pair.rate_hz or None,
        block_samples=pair.block_samples or None,
        through_patchbay=through_patchbay,
    )
