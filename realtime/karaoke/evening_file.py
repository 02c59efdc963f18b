"""What is remembered of an evening, and its JSON file."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import AdvsepError
from ..strict import from_plain
from ..whole_file import whole_file

VERSION = 1
MOST_HISTORY, MOST_SINGERS = 500, 100
KEY_RANGE = (-12, 12)
TEMPO_RANGE = (0.5, 1.5)


@dataclass(frozen=True, slots=True)
class Entry:
    """A song to be sung.

    Attributes:
        number: by which it is known; no other entry of the evening has it.
        song: path of its file.
        title: as it is listed.
        singer: who sings; empty: nobody said.
        key_semitones: up or down.
        tempo: 1 is the song's own.
        note: any words.
    """

    number: int
    song: str
    title: str
    singer: str = ""
    key_semitones: int = 0
    tempo: float = 1.0
    note: str = ""

    @property
    def path(self) -> Path:
        """Of the song's file."""
        return Path(self.song)

    def within_ranges(self) -> Entry:
        """With the nearest key and tempo that there are; a tempo that is no number is the song's own."""
        key = min(max(self.key_semitones, KEY_RANGE[0]), KEY_RANGE[1])
        tempo = 1.0 if math.isnan(self.tempo) else min(max(self.tempo, TEMPO_RANGE[0]), TEMPO_RANGE[1])
        return replace(self, key_semitones=key, tempo=tempo)


@dataclass(frozen=True, slots=True)
class Sung:
    """A song that is over.

    Attributes:
        entry: what it was.
        sung: to its end, or as far as somebody liked; False: it was passed over.
    """

    entry: Entry
    sung: bool = True


@dataclass(frozen=True, slots=True)
class Kept:
    """All of an evening.

    Attributes:
        version: of the file.
        current: what is being sung.
        queue: what follows, as it was put together.
        history: what is over, the oldest first.
        singers: names, the latest first.
        fair: singers take turns.
        next_number: of the next entry.
    """

    version: int = VERSION
    current: Entry | None = None
    queue: tuple[Entry, ...] = ()
    history: tuple[Sung, ...] = ()
    singers: tuple[str, ...] = ()
    fair: bool = False
    next_number: int = 1

    def with_singer(self, singer: str) -> Kept:
        """A name in front of the others; an empty one is none."""
        others = tuple(name for name in self.singers if name != singer)
        return replace(self, singers=(singer, *others)) if singer else self


def read_evening(path: Path) -> tuple[Kept, list[str]]:
    """What a file remembers, and what was wrong with it, in words; one that cannot be used is put aside."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Kept(), []
    except (OSError, UnicodeDecodeError) as error:
        return Kept(), [_put_aside(path, getattr(error, "strerror", None) or "it is no text")]
    try:
        kept = from_plain(Kept, _known_version(json.loads(text)), "evening")
    except (ValueError, RecursionError) as error:
        return Kept(), [_put_aside(path, f"it is no JSON: {error}")]
    except AdvsepError as error:
        return Kept(), [_put_aside(path, str(error))]
    numbers = [entry.number for entry in (*kept.queue, *filter(None, [kept.current]))]
    if len(set(numbers)) < len(numbers):
        return Kept(), [_put_aside(path, "two entries have the same number")]
    return replace(
        kept,
        current=None if kept.current is None else kept.current.within_ranges(),
        queue=tuple(entry.within_ranges() for entry in kept.queue),
        next_number=max([kept.next_number, *(number + 1 for number in numbers)]),
    ), []


def write_evening(path: Path, kept: Kept) -> str:
    """Write a file, whole or not at all; why it could not be, in words, or nothing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as partial, partial.open("w", encoding="utf-8") as file:
            json.dump(asdict(kept), file, indent=1)  # in ASCII: paths may be no UTF-8
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return f"{path}: the queue cannot be remembered: {error.strerror}; it is lost when advsep ends"
    return ""


def _known_version(plain: Any) -> Any:
    version = plain.get("version") if isinstance(plain, dict) else None
    if version != VERSION:
        raise AdvsepError(f"expected version {VERSION} of advsep's queue, found {version}")
    return plain


def _put_aside(path: Path, why: str) -> str:
    aside = path.with_name(f"{path.name}.damaged")
    try:
        os.replace(path, aside)
    except OSError:
        return f"{path}: the queue cannot be read: {why}; it begins empty"
    return f"{path}: the queue cannot be read: {why}; it was put aside as {aside.name}, and begins empty"
