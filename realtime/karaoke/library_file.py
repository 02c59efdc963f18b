"""The library's SQLite file: made, checked, put aside where it cannot be used, and what people did taken over."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Any

from ..errors import AdvsepError

VERSION = 1
PATIENCE_S = 10.0  # until another program, or the scan, has written

_SCHEMA = """
CREATE TABLE song (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,  -- as the file system has it, which need be no UTF-8
    mtime_ns INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    words_stamp TEXT NOT NULL,
    title TEXT NOT NULL,
    artist TEXT NOT NULL,
    album TEXT NOT NULL,
    language TEXT NOT NULL,
    year INTEGER,
    length_s REAL NOT NULL,
    has_words INTEGER NOT NULL,
    problem TEXT NOT NULL,  -- empty: it is a song
    sort_artist TEXT NOT NULL,
    sort_title TEXT NOT NULL,
    added_s REAL NOT NULL,
    times_sung INTEGER NOT NULL DEFAULT 0,  -- this and what follows is as in `mark`
    favourite INTEGER NOT NULL DEFAULT 0,
    last_sung_s REAL NOT NULL DEFAULT 0
);
-- Each holds all that a search asks for, so that it reads the rows that it gives and no others.
CREATE INDEX song_by_artist ON song (sort_artist, problem, has_words, favourite);
CREATE INDEX song_by_title ON song (sort_title, problem, has_words, favourite);
CREATE INDEX song_by_times ON song (times_sung DESC, sort_artist, problem, has_words, favourite);
CREATE INDEX song_by_last ON song (last_sung_s DESC, sort_artist, problem, has_words, favourite);
CREATE INDEX song_by_added ON song (added_s DESC, sort_artist, problem, has_words, favourite);
CREATE TABLE mark (  -- what people did, of songs that are away, too
    path BLOB PRIMARY KEY,
    name BLOB NOT NULL,
    size_bytes INTEGER,
    times_sung INTEGER NOT NULL DEFAULT 0,
    favourite INTEGER NOT NULL DEFAULT 0,
    last_sung_s REAL NOT NULL DEFAULT 0  -- since 1970, UTC; 0: never
);
CREATE INDEX mark_by_name ON mark (name, size_bytes);
CREATE TABLE folder (path BLOB PRIMARY KEY, added_s REAL NOT NULL);
CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3');
"""
_KEPT = {"mark": "path, name, size_bytes, times_sung, favourite, last_sung_s", "folder": "path, added_s"}


class LibraryError(AdvsepError):
    """The library of songs cannot be read, written or changed like that."""

    @staticmethod
    def of(path: Path, error: sqlite3.Error) -> LibraryError:
        """What SQLite says, in words."""
        match str(error):
            case said if "locked" in said or "busy" in said:
                words = "another program has been writing to it for too long; close it and try again"
            case said if "full" in said:
                words = "the disk is full; free some space"
            case said if "readonly" in said or "read-only" in said or "unable to open" in said:
                words = f"it cannot be written ({said}); see to it that its folder is yours"
            case said if "malformed" in said or "not a database" in said:
                words = f"it is damaged ({said}); start again, and it is made anew from your folders"
            case said:
                words = f"it cannot be used ({said}); start again"
        return LibraryError(f"{path}: expected the library of songs: {words}")


def connect(path: Path) -> tuple[sqlite3.Connection, list[str]]:
    """Open the file, or make it.

    Args:
        path: of the file.

    Returns:
        A connection in which every change begins and ends explicitly; what was done to the file, in words.

    Raises:
        LibraryError: it cannot be had.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LibraryError(
            f"{path.parent}: expected a folder for the library of songs: {error.strerror}; choose another place"
        ) from None
    if path.is_dir():
        raise LibraryError(f"{path}: expected the library of songs, found a folder; move it away")
    try:
        db, why = _opened(path)
        if db is not None:
            return db, []
        kept = _kept_of(path)
        aside = _put_aside(path)
        db, why_not = _opened(path)
        if db is None:
            raise LibraryError(f"{path}: cannot be made anew: {why_not}; move it away")
        _take_over(db, kept)
    except sqlite3.Error as error:
        raise LibraryError.of(path, error) from None
    except OSError as error:
        raise LibraryError(f"{path}: cannot be put aside: {error.strerror}; move it away") from None
    marks = len(kept["mark"])
    return db, [
        f"{path}: {why}; it was put aside as {aside.name}, {marks} favourites and counts were kept, "
        "and the songs are looked for again"
    ]


def _opened(path: Path) -> tuple[sqlite3.Connection | None, str]:
    """A connection to a sound file of this version, made where there is none; else None and why."""
    # One that makes the tables while another looks: both wait here.
    db = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA cache_size = -16000")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            version = _make(db)
        if version != VERSION:
            db.close()
            return None, f"it is of version {version}, and this advsep has version {VERSION}"
        (state,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if state == "ok":
            return db, ""
        db.close()
        return None, f"it is damaged ({' '.join(str(state).split())})"
    except sqlite3.DatabaseError as error:
        db.close()
        if isinstance(error, sqlite3.OperationalError):  # locked, full, not ours: the file is not to blame
            raise
        return None, f"it is damaged ({error})"


def _make(db: sqlite3.Connection) -> int:
    db.execute("BEGIN IMMEDIATE")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version == 0 and tables == 0:
        for statement in _SCHEMA.split(";\n"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {VERSION}")
        version = VERSION
    db.execute("COMMIT")
    return int(version)


def _kept_of(path: Path) -> dict[str, list[Any]]:
    """What a file that cannot be used still says of what people did."""
    kept: dict[str, list[Any]] = {table: [] for table in _KEPT}
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as db:
        for table, columns in _KEPT.items():
            with contextlib.suppress(sqlite3.Error):
                for row in db.execute(f"SELECT {columns} FROM {table}"):  # as far as it goes
                    kept[table].append(row)
    return kept


def _take_over(db: sqlite3.Connection, kept: dict[str, list[Any]]) -> None:
    db.execute("BEGIN IMMEDIATE")
    for table, columns in _KEPT.items():
        marks = ", ".join("?" * len(columns.split(",")))
        for row in kept[table]:
            with contextlib.suppress(sqlite3.Error):  # one row of nonsense costs one row
                db.execute(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})", row)
    db.execute("COMMIT")


def _put_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.damaged")
    os.replace(path, aside)
    for ending in ("-wal", "-shm"):  # of the file before, and poison for the next one
        path.with_name(path.name + ending).unlink(missing_ok=True)
    return aside
