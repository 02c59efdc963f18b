"""A user's own offsets: how much later than their file says a song's words come."""

from __future__ import annotations

import contextlib
import json
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import AdvsepError
from ..strict import FormatError, from_plain
from ..whole_file import whole_file
from .song_key import song_key

LARGEST_OFFSET_S = 30.0
_NAME = "lyrics_offsets.json"
_VERSION = 1


class LyricsOffsetsError(AdvsepError):
    """An offset that cannot be kept."""


@dataclass(frozen=True, slots=True)
class _Entry:
    key: str
    offset_s: float
    song: str


@dataclass(frozen=True, slots=True)
class _Content:
    version: int
    offsets: tuple[_Entry, ...]


class LyricsOffsets:
    """Offsets by song, kept in one file; songs are known by their content, so they may be moved and renamed.

    Args:
        folder: of the file `lyrics_offsets.json`; is made when there is something to keep.

    Attributes:
        notes: what was wrong with the file and what was done about it, a sentence each.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self.notes: list[str] = []

    def get(self, song: Path) -> float:
        """Seconds, later above 0, within ±30; 0: none is kept.

        Raises:
            SongKeyError: the song cannot be read.
        """
        key = song_key(song)
        return next((entry.offset_s for entry in self._read() if entry.key == key), 0.0)

    def set(self, song: Path, offset_s: float) -> None:
        """Keep one, later above 0; 0 forgets it.

        Raises:
            LyricsOffsetsError: it is beyond ±30 s, or the file cannot be written.
            SongKeyError: the song cannot be read.
        """
        if not (math.isfinite(offset_s) and abs(offset_s) <= LARGEST_OFFSET_S):
            raise LyricsOffsetsError(
                f"{song}: expected an offset within ±{LARGEST_OFFSET_S:.0f} s, found {offset_s:g} s; choose a smaller "
                "one, or a file of words that fits the song"
            )
        key = song_key(song)
        entries = [entry for entry in self._read(to_write=True) if entry.key != key]
        if offset_s:
            # A name that is no UTF-8 has signs that JSON cannot hold in UTF-8.
            name = song.name.encode("utf-8", "replace").decode("utf-8")
            entries.append(_Entry(key, float(offset_s), name))
        text = json.dumps(asdict(_Content(_VERSION, tuple(entries))), ensure_ascii=False, indent=1)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(self._path) as partial:
                partial.write_text(text + "\n", "utf-8")
        except OSError as error:
            raise LyricsOffsetsError(
                f"{self._path}: cannot be written: {error.strerror or error}; "
                "make room or allow writing there to keep the offset"
            ) from None

    def _read(self, *, to_write: bool = False) -> tuple[_Entry, ...]:
        try:
            plain: Any = json.loads(self._path.read_text("utf-8"))
            if isinstance(plain, dict) and isinstance(plain.get("version"), int) and plain["version"] > _VERSION:
                raise LyricsOffsetsError(
                    f"{self._path}: expected version {_VERSION}, found a newer one; use a newer advsep, or move it"
                )
            content = from_plain(_Content, plain, _NAME)
            if not all(abs(entry.offset_s) <= LARGEST_OFFSET_S for entry in content.offsets):  # NaN neither
                raise FormatError(f"{_NAME}: expected offsets within ±{LARGEST_OFFSET_S:.0f} s")
        except FileNotFoundError:
            return ()
        except OSError as error:
            problem = f"{self._path}: cannot be read: {error.strerror or error}; allow reading it to have your offsets"
        except LyricsOffsetsError as error:
            problem = str(error)
        except (ValueError, OverflowError, RecursionError, FormatError):
            self._put_aside()
            return ()
        else:
            return content.offsets
        # What cannot be read must not be written over.
        if to_write:
            raise LyricsOffsetsError(problem)
        self._note(problem)
        return ()

    def _put_aside(self) -> None:
        aside = self._path.with_name(f"{_NAME}.damaged")
        with contextlib.suppress(OSError):
            os.replace(self._path, aside)
        self._note(f"{self._path}: is damaged and was renamed to {aside.name}; offsets begin anew")

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)
