"""Colours of what is sung from: the window's themes, and white and yellow on black for a TV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtGui import QColor

from .. import theme

Look = Literal["window", "tv"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageColours:
    """All but `grid` can be read on `background`, at 4.5:1 or more.

    Attributes:
        background: of everything.
        text: words that are still to be sung, and what else is read.
        muted_text: what is read second.
        singers: of what each has sung, by the number of the part.
        golden: of notes that count twice.
        hit: of singing that is on the note; told from the next two with every common kind of colour blindness.
        near: almost.
        off: not.
        grid: of lines behind notes.
    """

    background: QColor
    text: QColor
    muted_text: QColor
    singers: tuple[QColor, ...]
    golden: QColor
    hit: QColor
    near: QColor
    off: QColor
    grid: QColor

    def of_singer(self, singer: int) -> QColor:
        """Colour of a part, whose numbers begin with 1."""
        return self.singers[(singer - 1) % len(self.singers)]


_TV = StageColours(
    background=QColor("#000000"),
    text=QColor("#ffffff"),
    muted_text=QColor("#b4b4b4"),
    singers=(QColor("#ffdd33"), QColor("#66ccff"), QColor("#8ee6a0"), QColor("#ffb0d0")),
    golden=QColor("#ffb000"),
    hit=QColor("#56b4e9"),
    near=QColor("#ffc83d"),
    off=QColor("#a0a0a0"),
    grid=QColor("#2c2c2c"),
)


def stage_colours(look: Look) -> StageColours:
    """Of a look; the window's are those of the theme in force."""
    if look == "tv":
        return _TV
    own = theme.colours()
    return StageColours(
        background=own.surface,
        text=own.text,
        muted_text=own.muted_text,
        singers=(own.voice, own.accompaniment, own.warning, own.accent),
        golden=own.warning,
        hit=own.accent,
        near=own.voice,
        off=own.muted_text,
        grid=QColor("#323943") if theme.kind() == "dark" else QColor("#d9dee5"),
    )
