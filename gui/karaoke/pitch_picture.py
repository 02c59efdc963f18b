"""Drawing of notes and of singing over seconds: the grid behind them, bars, bands and the trace."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPixmap, QPolygonF

from .pitch_tracks import Frames, Pitches, PitchTracks
from .stage_look import StageColours

NEAR = 1.5  # tolerances: beyond them nothing counts
_BAND_SEMITONES = 0.5  # to either side
HIT_PX, NEAR_PX, OFF_PX = 6.0, 4.0, 2.0  # thickness says the same as the colour
_USUAL_HEIGHT_PX = 150.0  # for which these are
NOW = 1 / 3  # of the width
LONGEST_JOIN_S = 0.1  # frames farther apart are not joined
_WIDEST_JOIN_SEMITONES = 3.0
_AROUND_S = 0.2  # that what is drawn may reach beyond its time
_FEWEST_PX = 3.0  # between two points of a band
_CLOSEST_LINES_PX = 8.0
_NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
_STEPS = (1, 2, 3, 4, 6, 12)


@dataclass(frozen=True, slots=True)
class PitchScale:
    """Where times and pitches lie.

    Attributes:
        area: of the view, px.
        lowest_midi: at its foot.
        highest_midi: at its top.
        px_per_s: even, so that pictures fit side by side.
        now_s: at a third of its width.
    """

    area: QRectF
    lowest_midi: float
    highest_midi: float
    px_per_s: int
    now_s: float

    @property
    def from_s(self) -> float:
        """At the left edge."""
        return self.now_s - NOW * self.area.width() / self.px_per_s

    @property
    def to_s(self) -> float:
        """At the right edge."""
        return self.from_s + self.area.width() / self.px_per_s

    def of_stretch(self, area: QRectF, from_s: float) -> PitchScale:
        """The same in another place, from a time on."""
        now_s = from_s + NOW * area.width() / self.px_per_s
        return PitchScale(area, self.lowest_midi, self.highest_midi, self.px_per_s, now_s)

    @property
    def semitone_px(self) -> float:
        """Height of one."""
        return self.area.height() / (self.highest_midi - self.lowest_midi)

    def x(self, time_s: float) -> float:
        """Of a time."""
        return self.area.left() + (time_s - self.from_s) * self.px_per_s

    def y(self, pitch_midi: float) -> float:
        """Of a pitch."""
        return self.area.bottom() - (pitch_midi - self.lowest_midi) * self.semitone_px


def note_name(pitch_midi: int) -> str:
    """`C4` is 60, the middle C."""
    return f"{_NAMES[pitch_midi % 12]}{pitch_midi // 12 - 1}"


def gutter_px(font: QFont) -> float:
    """Width that names of notes need."""
    return QFontMetricsF(font).horizontalAdvance("C♯4") + 12


def grid_picture(scale: PitchScale, size: QRectF, font: QFont, colours: StageColours, ratio: float) -> QPixmap:
    """What does not move: the ground, lines for semitones, and names beside them where there is room.

    Args:
        scale: where pitches lie; times do not matter.
        size: of the whole view.
        font: of the names.
        colours: of the look.
        ratio: pixels of the device in one of the view.
    """
    pixmap = QPixmap(max(1, round(size.width() * ratio)), max(1, round(size.height() * ratio)))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(colours.background)
    painter = QPainter(pixmap)
    painter.setFont(font)
    room = QFontMetricsF(font).height()
    step = next((step for step in _STEPS if step * scale.semitone_px >= room), 12)
    for midi in range(int(np.ceil(scale.lowest_midi)), int(np.floor(scale.highest_midi)) + 1):
        y = scale.y(midi)
        painter.setPen(QPen(colours.grid, 2 if midi % 12 == 0 else 1))
        if midi % 12 == 0 or scale.semitone_px >= _CLOSEST_LINES_PX:
            painter.drawLine(QPointF(scale.area.left(), y), QPointF(scale.area.right(), y))
        if midi % step == 0 and y - room / 2 >= scale.area.top() - 4 and y + room / 2 <= size.height():
            painter.setPen(colours.text if midi % 12 == 0 else colours.muted_text)
            box = QRectF(0, y - room / 2, scale.area.left() - 6, room)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, note_name(midi))
    painter.end()
    return pixmap


def paint_notes(painter: QPainter, tracks: PitchTracks, scale: PitchScale, colours: StageColours) -> None:
    """Notes as bars, a semitone high; golden ones in their colour and with a frame."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    plain = mixed(colours.muted_text, colours.background, 0.35)
    high = min(max(scale.semitone_px, 5.0), 28.0)
    for note in tracks.notes_between(scale.from_s - _AROUND_S, scale.to_s + _AROUND_S):
        left, right = scale.x(note.start_s), scale.x(note.end_s)
        box = QRectF(left, scale.y(note.pitch_midi + tracks.key_semitones) - high / 2, max(right - left - 1, 3.0), high)
        golden = note.kind.startswith("golden")
        painter.setPen(QPen(colours.text, 1.5) if golden else Qt.PenStyle.NoPen)
        painter.setBrush(mixed(colours.golden, colours.background, 0.25) if golden else plain)
        painter.drawRoundedRect(box, high / 3, high / 3)


def paint_guide(painter: QPainter, tracks: PitchTracks, scale: PitchScale, colours: StageColours) -> None:
    """The guide's trace as a band, a semitone high."""
    times_s, pitch_midi = tracks.guide(scale.from_s - _AROUND_S, scale.to_s + _AROUND_S)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(mixed(colours.muted_text, colours.background, 0.35))
    for first, last in _runs(times_s, pitch_midi):
        xs, ys = _points(scale, times_s[first:last], pitch_midi[first:last])
        apart = max(1, int(_FEWEST_PX * (last - first) / max(xs[-1] - xs[0], 1.0)))
        keep = np.unique(np.append(np.arange(0, last - first, apart), last - first - 1))
        half = max(_BAND_SEMITONES * scale.semitone_px, 2.0)
        above = [QPointF(x, y - half) for x, y in zip(xs[keep].tolist(), ys[keep].tolist(), strict=True)]
        below = [QPointF(x, y + half) for x, y in zip(xs[keep].tolist(), ys[keep].tolist(), strict=True)]
        painter.drawPolygon(QPolygonF(above + below[::-1]))


def paint_sung(painter: QPainter, tracks: PitchTracks, scale: PitchScale, colours: StageColours) -> None:
    """The singer's trace: blue and thick on the note, less so beside it."""
    times_s, pitch_midi, off_semitones = tracks.sung(scale.from_s - _AROUND_S, scale.to_s + _AROUND_S)
    lines: dict[float, list[QLineF]] = {HIT_PX: [], NEAR_PX: [], OFF_PX: []}
    for first, last in _runs(times_s, pitch_midi):
        xs, ys = (each.tolist() for each in _points(scale, times_s[first:last], pitch_midi[first:last]))
        if last - first == 1:
            lines[thickness(off_semitones[first], tracks.tolerance_semitones)].append(
                QLineF(xs[0] - 1, ys[0], xs[0] + 1, ys[0])
            )
        for at, ((x, y), (next_x, next_y)) in enumerate(pairwise(zip(xs, ys, strict=True)), first + 1):
            lines[thickness(off_semitones[at], tracks.tolerance_semitones)].append(QLineF(x, y, next_x, next_y))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    larger = min(max(scale.area.height() / _USUAL_HEIGHT_PX, 1.0), 3.0)
    for px, colour in ((OFF_PX, colours.off), (NEAR_PX, colours.near), (HIT_PX, colours.hit)):
        if lines[px]:
            painter.setPen(QPen(colour, px * larger, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLines(lines[px])


def thickness(off_semitones: float, tolerance_semitones: float) -> float:
    """Of the trace so far from its target; NaN: there is none."""
    if off_semitones <= tolerance_semitones:
        return HIT_PX
    return NEAR_PX if off_semitones <= NEAR * tolerance_semitones else OFF_PX


def mixed(one: QColor, other: QColor, share: float) -> QColor:
    """`one` with a share, 0 to 1, of `other`."""
    return QColor.fromRgbF(
        one.redF() + share * (other.redF() - one.redF()),
        one.greenF() + share * (other.greenF() - one.greenF()),
        one.blueF() + share * (other.blueF() - one.blueF()),
    )


def _points(scale: PitchScale, times_s: Frames, pitch_midi: Pitches) -> tuple[Frames, Frames]:
    xs = scale.area.left() + (times_s - scale.from_s) * scale.px_per_s
    ys = scale.area.bottom() - (pitch_midi - scale.lowest_midi) * scale.semitone_px
    return xs, np.clip(ys, scale.area.top() + 3, scale.area.bottom() - 3).astype(np.float64, copy=False)


def _runs(times_s: Frames, pitch_midi: Pitches) -> list[tuple[int, int]]:
    """Frames that are joined: first, and behind the last."""
    voiced = np.isfinite(pitch_midi)
    if not voiced.any():
        return []
    with np.errstate(invalid="ignore"):
        joined = (np.diff(times_s) <= LONGEST_JOIN_S) & (np.abs(np.diff(pitch_midi)) <= _WIDEST_JOIN_SEMITONES)
    begins = voiced & ~np.concatenate([[False], joined & voiced[:-1]])
    ends = voiced & ~np.concatenate([joined & voiced[1:], [False]])
    return list(zip(np.flatnonzero(begins).tolist(), (np.flatnonzero(ends) + 1).tolist(), strict=True))
