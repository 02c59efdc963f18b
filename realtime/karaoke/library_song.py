"""A song as the library knows it, and what tells whether its files have changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Song:
    """A song as it is listed.

    Attributes:
        path: of the sound file.
        title: never empty: without tags it is the file's or the folder's name.
        artist: empty where nothing says.
        album: the same.
        language: the same, as the song's file calls it.
        year: None where nothing says.
        length_s: of the sound.
        has_words: a file of words lies beside it.
        times_sung: by anybody, ever.
        favourite: marked as one.
        last_sung: in UTC; None: never.
    """

    path: Path
    title: str
    artist: str = ""
    album: str = ""
    language: str = ""
    year: int | None = None
    length_s: float = 0.0
    has_words: bool = False
    times_sung: int = 0
    favourite: bool = False
    last_sung: datetime | None = None

    @property
    def name(self) -> str:
        """Artist and title."""
        return f"{self.artist} – {self.title}" if self.artist else self.title


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells whether a song, or the words beside it, changed since it was read.

    Attributes:
        mtime_ns: of the sound file.
        size_bytes: of the sound file.
        words: names, times and sizes of the files that may hold its words; empty: there are none.
    """

    mtime_ns: int
    size_bytes: int
    words: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read from one file.

    Attributes:
        song: without what people did with it.
        stamp: of its files.
        problem: why it is no song, in words; it is not listed then, and not opened again until it changes.
    """

    song: Song
    stamp: Stamp
    problem: str = ""
