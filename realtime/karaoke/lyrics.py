"""Words and notes of a song in time, whatever file they came from."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

NoteKind = Literal["normal", "golden", "freestyle", "rap", "golden rap"]
Timing = Literal["line", "word", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Syllable:
    """A piece of text that is sung at once: a line, a word, or a syllable with its note, by the file's timing.

    Attributes:
        text: as it is shown; a space at either end parts it from its neighbour.
        start_s: place in the song; never before 0.
        end_s: not before `start_s`.
        pitch_midi: of its note, 69 is 440 Hz; None: the file has none, or pitch does not count (freestyle, rap).
        kind: how it counts; files without notes have `normal` only.
    """

    text: str
    start_s: float
    end_s: float
    pitch_midi: float | None = None
    kind: NoteKind = "normal"


@dataclass(frozen=True, slots=True)
class Line:
    """What is shown at once.

    Attributes:
        syllables: at least one, in order, none beginning before the one before it.
        singer: number of the part, from 1.
    """

    syllables: tuple[Syllable, ...]
    singer: int = 1

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(syllable.text for syllable in self.syllables).strip()

    @property
    def start_s(self) -> float:
        """Of the first syllable."""
        return self.syllables[0].start_s

    @property
    def end_s(self) -> float:
        """Of the last syllable."""
        return self.syllables[-1].end_s


@dataclass(frozen=True, kw_only=True)
class Lyrics:
    """A song's words.

    Attributes:
        lines: in the order in which they begin; those of all singers.
        timing: the finest that the file has.
        title: empty where the file does not say.
        artist: the same.
        language: the same.
        singers: what the parts are called, in the order of their numbers; empty: there is one.
        notes: what was odd in the file and how it was read, a sentence each with its line's number.
    """

    lines: tuple[Line, ...]
    timing: Timing
    title: str = ""
    artist: str = ""
    language: str = ""
    singers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def of_singer(self, singer: int) -> Lyrics:
        """Only one part's lines."""
        return replace(self, lines=tuple(line for line in self.lines if line.singer == singer))

    def shifted(self, by_s: float) -> Lyrics:
        """Later by so many seconds, earlier below 0; what would begin before the song begins with it."""

        def shift(syllable: Syllable) -> Syllable:
            start_s, end_s = (max(0.0, place_s + by_s) for place_s in (syllable.start_s, syllable.end_s))
            return replace(syllable, start_s=start_s, end_s=end_s)

        return replace(
            self, lines=tuple(replace(line, syllables=tuple(map(shift, line.syllables))) for line in self.lines)
        )

    def line_at(self, position_s: float) -> int | None:
        """Number of the line that began last, to be used where there is one part; None: none has begun."""
        found = bisect.bisect_right(self._starts_s, position_s) - 1
        return None if found < 0 else found

    @cached_property
    def _starts_s(self) -> list[float]:
        return [line.start_s for line in self.lines]
