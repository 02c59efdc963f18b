"""All songs below a person's folders, in one SQLite file that is searched while somebody types.

What lies in it of the songs can be had again from the songs; favourites and how often something was sung
cannot, and are taken over from a file that is damaged or of another version.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from .library_file import LibraryError, connect
from .library_rows import COLUMNS, COPY_MARK, drop, song_of, store
from .library_song import Read, Song, Stamp
from .library_text import expression_of

Order = Literal["artist", "title", "most sung", "last sung", "newest"]
ORDERS: tuple[Order, ...] = get_args(Order)
MOST_FOUND = 500

# An order is an index: a search walks it until it has found enough, whether many songs match or few.
_ORDERS: dict[Order, tuple[str, str]] = {
    "artist": ("song_by_artist", "sort_artist"),
    "title": ("song_by_title", "sort_title"),
    "most sung": ("song_by_times", "times_sung DESC, sort_artist"),
    "last sung": ("song_by_last", "last_sung_s DESC, sort_artist"),
    "newest": ("song_by_added", "added_s DESC, sort_artist"),
}


class Library:
    """The songs, the folders they are looked for in, and what people like and sing.

    Belongs to one thread; others open the same file for themselves (the file is SQLite's with a
    write-ahead log, so that they do not wait for each other).

    Args:
        path: of the file; it, and its folder, are made where they are missing. A file that is damaged or of
            another version is put aside, and its folders, favourites and counts are taken over.

    Attributes:
        path: as given.
        notes: what was done to the file, in words; empty as a rule.

    Raises:
        LibraryError: here, and from every method, where the disk or the file gives out.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db, self.notes = connect(path)

    def close(self) -> None:
        """Let go of the file; more than once is fine."""
        self._db.close()

    def search(
        self,
        words: str = "",
        *,
        favourites: bool = False,
        with_words: bool = False,
        order: Order = "artist",
        limit: int = 200,
    ) -> list[Song]:
        """Songs in whose title, artist, album, language, year or file name every word begins some word.

        Args:
            words: in any order; case and accents do not matter, and signs that are no letters part them. Empty: all.
            favourites: only those.
            with_words: only songs that have words beside them.
            order: of what is found; songs that were never sung come last in the orders of singing.
            limit: most songs that are given, 1 to `MOST_FOUND`.
        """
        conditions, values = _conditions(words, favourites=favourites, with_words=with_words)
        index, by = _ORDERS[order]
        rows = self._ask(
            f"SELECT {COLUMNS} FROM song INDEXED BY {index} WHERE {conditions} ORDER BY {by} LIMIT ?",
            (*values, min(max(limit, 1), MOST_FOUND)),
        )
        return [song_of(row) for row in rows]

    def count(self, words: str = "", *, favourites: bool = False, with_words: bool = False) -> int:
        """How many songs `search` would find without a limit."""
        conditions, values = _conditions(words, favourites=favourites, with_words=with_words)
        ((count,),) = self._ask(f"SELECT count(*) FROM song INDEXED BY song_by_artist WHERE {conditions}", values)
        return int(count)

    def song(self, path: Path) -> Song | None:
        """One song; None: it is not in the library."""
        rows = self._ask(f"SELECT {COLUMNS} FROM song WHERE path = ? AND problem = ''", (os.fsencode(path),))
        return song_of(rows[0]) if rows else None

    @property
    def problems(self) -> list[tuple[Path, str]]:
        """Files that look like songs and are none, and why."""
        rows = self._ask("SELECT path, problem FROM song WHERE problem <> '' ORDER BY path")
        return [(Path(os.fsdecode(path)), problem) for path, problem in rows]

    @property
    def folders(self) -> list[Path]:
        """Where songs are looked for, as they were added."""
        return [Path(os.fsdecode(path)) for (path,) in self._ask("SELECT path FROM folder ORDER BY added_s, path")]

    def add_folder(self, folder: Path) -> None:
        """Have songs looked for in one more folder; folders inside it need not be looked for any more.

        Raises:
            LibraryError: it is no folder, or lies in one that is there.
        """
        folder = Path(os.path.abspath(folder))
        if not folder.is_dir():
            found = "a file" if folder.exists() else "nothing"
            raise LibraryError(f"{folder}: expected a folder of songs, found {found}; choose a folder")
        for other in self.folders:
            if folder == other or other in folder.parents:
                raise LibraryError(f"{folder}: its songs are looked for in {other} already; choose another folder")
        inside = [(os.fsencode(other),) for other in self.folders if folder in other.parents]
        with self._change() as db:
            db.executemany("DELETE FROM folder WHERE path = ?", inside)
            db.execute("INSERT INTO folder (path, added_s) VALUES (?, ?)", (os.fsencode(folder), time.time()))

    def remove_folder(self, folder: Path) -> None:
        """Forget a folder and its songs; what people liked and sang is kept for when it comes back."""
        with self._change() as db:
            db.execute("DELETE FROM folder WHERE path = ?", (os.fsencode(folder),))
            drop(db, [os.fsencode(path) for path in self.stamps(folder)])

    def set_favourite(self, path: Path, on: bool) -> None:
        """Mark a song as a favourite, or no longer."""
        self._mark(path, "favourite = ?", int(on))

    def count_sung(self, path: Path, at: datetime | None = None) -> None:
        """A song was sung, now or at a time in UTC."""
        at_s = (datetime.now(UTC) if at is None else at).timestamp()
        self._mark(path, "times_sung = times_sung + 1, last_sung_s = max(last_sung_s, ?)", at_s)

    def stamps(self, folder: Path) -> dict[Path, Stamp]:
        """All files below a folder that were read, and what they were like then."""
        start = os.fsencode(folder).rstrip(b"/\\")
        rows = self._ask(
            "SELECT path, mtime_ns, size_bytes, words_stamp FROM song WHERE path > ? AND path < ?",
            (start + os.sep.encode(), start + bytes([ord(os.sep) + 1])),
        )
        return {Path(os.fsdecode(path)): Stamp(mtime, size, words) for path, mtime, size, words in rows}

    def store(self, read: Iterable[Read]) -> None:
        """Take over what was read, all of it or nothing.

        A favourite that was moved stays one: it is known by its file's name and size.
        """
        with self._change() as db:
            for each in read:
                store(db, each)

    def drop(self, paths: Iterable[Path]) -> None:
        """Forget songs whose files are gone; what people liked and sang is kept."""
        with self._change() as db:
            drop(db, [os.fsencode(path) for path in paths])

    def _mark(self, path: Path, change: str, value: float) -> None:
        key = os.fsencode(path)
        with self._change() as db:
            size = db.execute("SELECT size_bytes FROM song WHERE path = ?", (key,)).fetchone()
            db.execute(
                "INSERT OR IGNORE INTO mark (path, name, size_bytes) VALUES (?, ?, ?)",
                (key, os.fsencode(path.name), size[0] if size else None),
            )
            db.execute(f"UPDATE mark SET {change} WHERE path = ?", (value, key))
            db.execute(COPY_MARK, (key,))

    def _ask(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise LibraryError.of(self.path, error) from None

    def _change(self) -> _Change:
        return _Change(self._db, self.path)


class _Change:
    """A transaction: all of it, or nothing and a `LibraryError`."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db, self._path = db, path

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise LibraryError.of(self._path, error) from None
        return self._db

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                self._db.execute("COMMIT")
            elif self._db.in_transaction:  # SQLite may have taken it back by itself
                self._db.execute("ROLLBACK")
        except sqlite3.Error as failed:
            if self._db.in_transaction:
                self._db.rollback()
            raise LibraryError.of(self._path, failed) from None
        if isinstance(error, sqlite3.Error):
            raise LibraryError.of(self._path, error) from None


def _conditions(words: str, *, favourites: bool, with_words: bool) -> tuple[str, list[Any]]:
    conditions, values = ["problem = ''"], []
    wanted = expression_of(words)
    if wanted:
        conditions.append("+id IN (SELECT rowid FROM words WHERE words MATCH ?)")
        values.append(wanted)
    if favourites:
        conditions.append("favourite = 1")
    if with_words:
        conditions.append("has_words = 1")
    return " AND ".join(conditions), values
