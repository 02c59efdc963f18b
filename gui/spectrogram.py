"""The spectrograms of mixture, voice and accompaniment, with what the critics think of the two."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from ..realtime.engine_settings import EngineSettings
from ..realtime.telemetry import Layout
from .columns import ColumnFollower, SignalFinder, column_s
from .critic_view import CriticView
from .frequency_axis import FrequencyScale, edges_hz, hz_words
from .score_strip import ScoreStrip
from .session import Session
from .spectrogram_bar import SpectrogramBar
from .spectrogram_frame import LevelScale, TimeAxis
from .spectrogram_history import History
from .spectrogram_look import LONGEST_SPAN_S, Look
from .spectrogram_scene import Cursor, Scene
from .spectrogram_view import SpectrogramView

NAMES = ("Mixture", "Voice", "Accompaniment")
KEPT_S = LONGEST_SPAN_S + 2.0
_SILENT_S = 1.0
_IDLE_WORDS = "Nothing plays: choose an input, or drop a song here"


class SpectrogramPanel(QWidget):
    """Follows a session's engine with every `refresh`.

    Attributes:
        frozen_changed: whether the pictures stand still.
    """

    frozen_changed = Signal(bool)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._finder = SignalFinder()
        self._follower = ColumnFollower(lambda layout: self._finder.find(layout, session.settings.model))
        self._critics = CriticView()
        self._look, self._cursor, self._frozen = Look(), None, False
        self._back = 0.0  # columns between the newest and the right edge, while frozen
        self._scene: Scene | None = None
        self._changes = 0
        self.bar = SpectrogramBar(self._look, self)
        self.views = [SpectrogramView(i, name, self) for i, name in enumerate(NAMES)]
        self.strips = [ScoreStrip(name.lower(), i, self) for i, name in enumerate(NAMES[1:])]
        self.time_axis, self.levels, self.read_out = TimeAxis(self), LevelScale(self), QLabel(self)
        self._lay_out()
        self._connect()
        self._critics.set_model(session.settings.model)

    @property
    def look(self) -> Look:
        """How the pictures look."""
        return self._look

    @property
    def history(self) -> History | None:
        """What they are drawn from; None: nothing has played."""
        return None if self._scene is None else self._scene.history

    @property
    def critics(self) -> CriticView:
        """The critics at work."""
        return self._critics

    @property
    def frozen(self) -> bool:
        """Whether the pictures stand still."""
        return self._frozen

    def set_frozen(self, on: bool) -> None:
        """Have the pictures stand still, or go on with what is new; what comes meanwhile is not kept."""
        if on == self._frozen:
            return
        self._frozen, self._back = on, 0.0
        self.bar.freeze.setChecked(on)
        self.frozen_changed.emit(on)

    def load_critics(self, path: Path | None) -> None:
        """Have the critics of a file; None: those beside the model, where there are any."""
        self._critics.set_file(path, self._session.settings.model)

    def set_look(self, look: Look) -> None:
        """Have the pictures look otherwise; they are drawn anew with the next `refresh`."""
        self._look = look
        self.bar.show_look(look)
        self.levels.show_range(look.colours, look.low_db, look.high_db)
        if self._scene is not None:
            self._scene = replace(self._scene, look=look)

    def set_cursor(self, cursor: Cursor | None) -> None:
        """Read out a place of the pictures; None: none."""
        self._cursor = cursor
        for view in self.views:
            view.show_cursor(cursor)

    def refresh(self) -> None:
        """Take what is new and draw it; for the window's one timer."""
        if not self._frozen:
            self._read()
            self._judge()
        end = 0.0 if self._scene is None else self._scene.history.end - self._back
        words = self._words()
        for view in self.views:
            view.show_sound(self._scene, end, words)
        self._show_scores(end)
        if self._scene is not None:
            self.time_axis.show_span(self._look.span_s, self._back * self._scene.column_s)
        text = self.words_of(self._cursor)
        if text != self.read_out.text():
            self.read_out.setText(text)

    def words_of(self, cursor: Cursor | None) -> str:
        """Frequency, time and levels at a place of the pictures, as they are drawn; empty: nothing is there."""
        scene, view = self._scene, self.views[0]
        if cursor is None or scene is None or view.axis is None:
            return ""
        wide = view.columns_per_pixel(scene)
        start, stop = view.picture.shown
        age = math.ceil(cursor.age_s / scene.look.span_s * (stop - start) - 1e-6)
        pixel = min(max(stop - age, start), stop - 1)
        first = math.floor(pixel * wide)
        last = max(math.floor((pixel + 1) * wide), first + 1)
        band = scene.scale.band_of(cursor.hz)
        levels = [float(scene.history.levels_db(i, first, last)[:, band].max()) for i in range(len(NAMES))]
        parts = [f"{name.lower()} {_level_words(db)}" for name, db in zip(NAMES, levels, strict=True)]
        parts += [
            f"map of the {NAMES[i + 1].lower()} {gradient:+.2g}"
            for i in (0, 1)
            if scene.look.shows_map(i)
            and math.isfinite(gradient := float(scene.history.gradients(i, first, first + 1)[0, band]))
        ]
        age_s = (scene.history.end - first) * scene.column_s
        return f"{hz_words(cursor.hz)}, {age_s:.2f} s ago:  {',  '.join(parts)}"

    def shut_down(self) -> None:
        """End the critics' thread; the pictures may still be looked at."""
        self._follower.read(None)
        self._critics.close()

    def _read(self) -> None:
        session = self._session
        layout_before = self._follower.changes
        layout = session.layout
        found = self._follower.read(None if layout is None or layout.tracks else session.telemetry)
        if self._follower.changes != layout_before:
            self._begin(self._follower.layout)
        if self._scene is not None:
            for columns in found:
                self._scene.history.append(columns)
                self._critics.add(columns)

    def _begin(self, layout: Layout | None) -> None:
        """Another layout: the old pictures go with it."""
        if layout is None:
            return
        edges = edges_hz(layout)
        self._scene = Scene(
            History(layout.bands, math.ceil(KEPT_S / column_s(layout))),
            FrequencyScale(self._look.axis, edges),
            column_s(layout),
            self._look,
            (1.0, 1.0),
        )
        self._critics.set_signal(self._finder.find(layout, self._session.settings.model))
        for strip in self.strips:
            strip.clear()

    def _judge(self) -> None:
        verdicts = self._critics.turn()
        if self._scene is None:
            return
        for verdict in verdicts:
            frames = verdict.gradient.shape[1]
            self.strips[verdict.source].add(verdict.end - frames / 2, verdict.score)
            start, end = self._scene.history.add_map(verdict.source, verdict.end, verdict.gradient)
            if self._look.shows_map(verdict.source) and start < end:
                self._critics.follow_strength(verdict.source, self._scene.history.gradients(verdict.source, start, end))
                self.views[verdict.source + 1].picture.touch(start, end)
        scales = self._critics.full_scale(0), self._critics.full_scale(1)
        if scales != self._scene.full_scales:
            self._scene = replace(self._scene, full_scales=scales)

    def _show_scores(self, end: float) -> None:
        start = 0.0
        if self._scene is not None:
            wide = self.views[0].columns_per_pixel(self._scene)
            first, stop = self.views[0].picture.shown
            start, end = first * wide, stop * wide
        words = self._critics.words
        self.strips[1].setVisible(not words)  # said once is enough
        for strip in self.strips:
            strip.show_time(start, max(end, start + 1), words)

    def _words(self) -> str:
        """What stands in the pictures."""
        session, status = self._session, self._session.status
        if status.state in ("failed", "waiting") and status.note:
            return status.note
        if session.layout is None or self._scene is None:
            if status.state == "starting":
                return "The engine is starting"
            return self._finder.error or _IDLE_WORDS
        if self._frozen:
            return ""
        history = self._scene.history
        recent = round(_SILENT_S / self._scene.column_s)
        if history.end - history.start < recent or status.state != "playing":
            return ""
        loudest_db = history.loudest_db(history.end - recent, history.end)
        return f"Silence: nothing above {self._look.low_db} dB" if loudest_db < self._look.low_db else ""

    def _zoom(self, direction: str, factor: float, about_hz: float) -> None:
        if self._scene is None:
            return
        look = self._look
        if direction == "time":
            self.set_look(look.with_span(look.span_s * factor))
        else:
            self.set_look(look.zoomed(self._scene.scale, factor, about_hz))

    def _move(self, direction: str, share: float) -> None:
        if self._scene is None:
            return
        if direction == "frequency":
            self.set_look(self._look.moved(self._scene.scale, share))
        elif self._frozen:
            span = self._look.span_s / self._scene.column_s
            most = max(self._scene.history.end - self._scene.history.first - span, 0.0)
            self._back = min(max(self._back + share * span, 0.0), most)

    def _change_look(self, look: Look) -> None:
        if self._scene is not None and look.axis != self._look.axis:
            self._scene = replace(self._scene, scale=FrequencyScale(look.axis, self._scene.scale.edges_hz))
        self.set_look(look)

    def _take_settings(self, settings: EngineSettings) -> None:
        self._critics.set_model(settings.model)

    def _drop_pictures(self, layout: Layout | None) -> None:
        if layout is None:
            self._follower.read(None)  # its memory goes
            self._critics.set_signal(None)

    def _connect(self) -> None:
        self.bar.look_changed.connect(self._change_look)
        self.bar.frozen_changed.connect(self.set_frozen)
        self.bar.whole_asked.connect(lambda: self.set_look(self._look.whole()))
        for view in self.views:
            view.pointed.connect(self.set_cursor)
            view.zoom_asked.connect(self._zoom)
            view.move_asked.connect(self._move)
            view.whole_asked.connect(lambda: self.set_look(self._look.whole()))
        self._session.layout_changed.connect(self._drop_pictures)
        self._session.settings_changed.connect(self._take_settings)
        self.destroyed.connect(self._critics.close)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addWidget(self.bar)
        for i, view in enumerate(self.views):
            column.addWidget(view, 1)
            if i:
                column.addWidget(self.strips[i - 1])
        column.addWidget(self.time_axis)
        self.read_out.setObjectName("spectrogram-read-out")
        self.read_out.setAccessibleName("Levels under the cursor")
        self.read_out.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.read_out.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        foot = QHBoxLayout()
        foot.setContentsMargins(8, 0, 8, 2)
        foot.addWidget(self.read_out, 1)
        foot.addWidget(self.levels)
        column.addLayout(foot)


def _level_words(level_db: float) -> str:
    return "nothing" if level_db == -math.inf else f"{level_db:.1f} dB"
