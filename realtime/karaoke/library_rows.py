"""Rows of the library's file: how songs are put into it, taken out, and handed on where they were moved."""

from __future__ import annotations

import os
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .library_song import Read, Song
from .library_text import folded, readable

COLUMNS = "path, title, artist, album, language, year, length_s, has_words, times_sung, favourite, last_sung_s"
COPY_MARK = """
UPDATE song SET times_sung = mark.times_sung, favourite = mark.favourite, last_sung_s = mark.last_sung_s
FROM mark WHERE mark.path = song.path AND song.path = ?
"""


def store(db: sqlite3.Connection, read: Read) -> None:
    """One song, new or changed, and where it can be searched for; a favourite that was moved stays one."""
    song, stamp, path = read.song, read.stamp, os.fsencode(read.song.path)
    name = os.fsencode(song.path.name)
    artist, title = folded(song.artist), folded(song.title)
    values = {
        "path": path, "mtime_ns": stamp.mtime_ns, "size_bytes": stamp.size_bytes, "words_stamp": stamp.words,
        "title": song.title, "artist": song.artist, "album": song.album, "language": song.language,
        "year": song.year, "length_s": song.length_s, "has_words": int(song.has_words), "problem": read.problem,
        "sort_artist": f"{artist}\x1f{title}", "sort_title": f"{title}\x1f{artist}", "added_s": time.time(),
    }  # fmt: skip
    known = db.execute("SELECT id FROM song WHERE path = ?", (path,)).fetchone()
    if known is None:
        columns = ", ".join(values)
        added = db.execute(f"INSERT INTO song ({columns}) VALUES ({', '.join('?' * len(values))})", [*values.values()])
        row = added.lastrowid
        if db.execute("SELECT 1 FROM mark WHERE name = ?", (name,)).fetchone():
            db.execute(
                "UPDATE OR IGNORE mark SET path = ? WHERE name = ? AND size_bytes = ? "
                "AND NOT EXISTS (SELECT 1 FROM song WHERE song.path = mark.path)",
                (path, name, stamp.size_bytes),
            )
            db.execute(COPY_MARK, (path,))
    else:
        (row,) = known
        values.pop("added_s")
        settings = ", ".join(f"{column} = ?" for column in values)
        db.execute(f"UPDATE song SET {settings} WHERE id = ?", (*values.values(), row))
        db.execute("UPDATE mark SET size_bytes = ? WHERE path = ?", (stamp.size_bytes, path))
        db.execute("DELETE FROM words WHERE rowid = ?", (row,))
    year = "" if song.year is None else str(song.year)
    text = " ".join((song.title, song.artist, song.album, song.language, year, readable(song.path.stem)))
    db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (row, folded(text)))


def drop(db: sqlite3.Connection, paths: list[bytes]) -> None:
    """Forget songs, but not what people did with them."""
    each = [(path,) for path in paths]
    db.executemany("DELETE FROM words WHERE rowid = (SELECT id FROM song WHERE path = ?)", each)
    db.executemany("DELETE FROM song WHERE path = ?", each)
    for (path,) in each:
        mark = db.execute("SELECT name, size_bytes FROM mark WHERE path = ?", (path,)).fetchone()
        if mark is not None:
            _hand_on(db, path, *mark)


def _hand_on(db: sqlite3.Connection, gone: bytes, name: bytes, size_bytes: int | None) -> None:
    """What people did with a song that is gone, to one that lies elsewhere with its name and size."""
    for (path,) in db.execute("SELECT path FROM song WHERE size_bytes = ? AND problem = ''", (size_bytes,)).fetchall():
        if os.path.basename(path) == name:
            db.execute("UPDATE OR IGNORE mark SET path = ? WHERE path = ?", (path, gone))
            db.execute(COPY_MARK, (path,))
            return


def song_of(row: Any) -> Song:
    """A row of `COLUMNS`."""
    path, title, artist, album, language, year, length_s, has_words, times_sung, favourite, last_sung_s = row
    return Song(
        path=Path(os.fsdecode(path)),
        title=title,
        artist=artist,
        album=album,
        language=language,
        year=year,
        length_s=length_s,
        has_words=bool(has_words),
        times_sung=times_sung,
        favourite=bool(favourite),
        last_sung=None if last_sung_s == 0 else datetime.fromtimestamp(last_sung_s, UTC),
    )
