"""A user's own offsets: by the song's content, whole files, and what is damaged put aside."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from advsep.realtime.karaoke.lyrics_offsets import LyricsOffsets, LyricsOffsetsError
from advsep.realtime.karaoke.song_key import SongKeyError, song_key
from full_disk import full_disk
from hypothesis import given
from hypothesis import strategies as st

NAME = "lyrics_offsets.json"
MIB = 1 << 20


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "song.ogg"
    path.write_bytes(b"sound")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "settings" / "karaoke"


def test_a_key_is_of_the_size_and_both_ends(tmp_path: Path) -> None:
    song, content = tmp_path / "song.wav", bytearray(5 * MIB)
    song.write_bytes(content)
    key = song_key(song)
    assert re.fullmatch("[0-9a-f]{32}", key)
    assert song_key(song.rename(tmp_path / "moved.wav")) == key
    for at, changes in ((0, True), (MIB - 1, True), (MIB, False), (4 * MIB - 1, False), (4 * MIB, True), (-1, True)):
        content[at] = 1
        song.write_bytes(content)
        assert (song_key(song) != key) == changes, at
        content[at] = 0
    song.write_bytes(content + b"\0")
    assert song_key(song) != key


def test_a_key_of_any_short_file(tmp_path: Path) -> None:
    keys = set[str]()
    for size in (0, 1, 2, MIB - 1, MIB, MIB + 1, 2 * MIB):
        (tmp_path / "song").write_bytes(bytes(size))
        keys.add(song_key(tmp_path / "song"))
    assert len(keys) == 7


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.ogg", r"missing\.ogg: cannot be read: No such file or directory; choose a song's file that is there"),
        (".", "expected a song's file, found a folder or device; choose a file"),
        ("a\0b", r"cannot be read: embedded null byte; choose a song's file"),
    ],
)
def test_a_song_that_cannot_be_read_has_no_key(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(SongKeyError, match=words):
        song_key(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "song.ogg")
    with pytest.raises(SongKeyError, match="found a folder or device"):
        song_key(tmp_path / "song.ogg")


def test_an_offset_is_kept_for_the_next_start_and_wherever_the_song_lies(song: Path, folder: Path) -> None:
    assert LyricsOffsets(folder).get(song) == 0.0
    assert not folder.exists()
    LyricsOffsets(folder).set(song, -1.25)
    assert LyricsOffsets(folder).get(song) == -1.25
    moved = song.rename(song.with_name("Another name.ogg"))
    assert LyricsOffsets(folder).get(moved) == -1.25
    song.write_bytes(b"another sound")
    assert LyricsOffsets(folder).get(song) == 0.0
    LyricsOffsets(folder).set(moved, 0.0)
    assert json.loads((folder / NAME).read_text("utf-8")) == {"version": 1, "offsets": []}


def test_two_that_are_open_do_not_lose_each_others_offsets(song: Path, folder: Path) -> None:
    other = song.with_name("other.ogg")
    other.write_bytes(b"more sound")
    first, second = LyricsOffsets(folder), LyricsOffsets(folder)
    first.set(song, 1.0)
    second.set(other, 2.0)
    first.set(song, 3.0)
    assert (second.get(song), first.get(other)) == (3.0, 2.0)
    assert sorted(path.name for path in folder.iterdir()) == [NAME]


@given(offset_s=st.floats(-30, 30))
def test_offsets_are_read_back_as_they_were(offset_s: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp() / "offsets"
    folder.mkdir(exist_ok=True)
    song = folder / "song.ogg"
    song.touch()
    LyricsOffsets(folder).set(song, offset_s)
    assert LyricsOffsets(folder).get(song) == offset_s


@pytest.mark.parametrize("offset_s", [30.001, -31.0, float("inf"), float("nan")])
def test_an_offset_out_of_range_is_refused(song: Path, folder: Path, offset_s: float) -> None:
    offsets = LyricsOffsets(folder)
    offsets.set(song, 30.0)
    with pytest.raises(LyricsOffsetsError, match=r"song\.ogg: expected an offset within ±30 s, found .* s; choose a"):
        offsets.set(song, offset_s)
    assert offsets.get(song) == 30.0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\0",
        b"[]",
        b"null",
        b'{"version": 1}',
        b'{"version": "2", "offsets": []}',
        b'{"version": 1, "offsets": [{"key": "k", "offset_s": 31, "song": "s"}]}',
        b'{"version": 1, "offsets": [{"key": "k", "offset_s": NaN, "song": "s"}]}',
        b'{"version": 1, "offsets": [{"key": "k", "offset_s": 1' + b"0" * 400 + b', "song": "s"}]}',
        b'{"version": 1, "offsets": [{"key": "k", "offset_s": "1", "song": "s"}]}',
        b"[" * 100_000,
    ],
    ids=range(12),
)
def test_a_damaged_file_is_put_aside_and_said(song: Path, folder: Path, content: bytes) -> None:
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(content)
    offsets = LyricsOffsets(folder)
    assert offsets.get(song) == 0.0
    assert (folder / f"{NAME}.damaged").read_bytes() == content
    assert offsets.notes == [
        f"{folder / NAME}: is damaged and was renamed to lyrics_offsets.json.damaged; offsets begin anew"
    ]
    offsets.set(song, 2.0)
    assert offsets.get(song) == 2.0
    assert len(offsets.notes) == 1


def test_a_file_of_a_newer_version_is_left_alone(song: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / NAME).write_text('{"version": 2, "songs": {}}')
    offsets = LyricsOffsets(folder)
    assert offsets.get(song) == 0.0
    words = r"lyrics_offsets\.json: expected version 1, found a newer one; use a newer advsep, or move it"
    assert re.search(words, offsets.notes[0])
    with pytest.raises(LyricsOffsetsError, match=words):
        offsets.set(song, 1.0)
    assert (folder / NAME).read_text() == '{"version": 2, "songs": {}}'


def test_a_file_that_cannot_be_read_is_not_written_over(song: Path, folder: Path) -> None:
    (folder / NAME).mkdir(parents=True)
    offsets = LyricsOffsets(folder)
    assert offsets.get(song) == 0.0
    assert re.search(r"lyrics_offsets\.json: cannot be read: Is a directory; allow reading it", offsets.notes[0])
    with pytest.raises(LyricsOffsetsError, match="cannot be read"):
        offsets.set(song, 1.0)


def test_a_folder_that_cannot_be_made_is_an_error(song: Path) -> None:
    with pytest.raises(LyricsOffsetsError, match=r"lyrics_offsets\.json: cannot be (read|written): "):
        LyricsOffsets(song / "folder").set(song, 1.0)


def test_a_disk_that_takes_no_more_leaves_the_old_file(song: Path, folder: Path) -> None:
    offsets = LyricsOffsets(folder)
    offsets.set(song, 1.0)
    too_large = r"lyrics_offsets\.json: cannot be written: File too large; make"
    with full_disk(20), pytest.raises(LyricsOffsetsError, match=too_large):
        offsets.set(song, 2.0)
    assert offsets.get(song) == 1.0
    assert [path.name for path in folder.iterdir()] == [NAME]


def test_a_song_whose_name_is_no_utf_8_can_have_an_offset(song: Path, folder: Path) -> None:
    odd = song.with_name(os.fsdecode(b"caf\xe9.ogg"))
    try:
        odd.write_bytes(b"coffee")
    except OSError:
        pytest.skip("this disk takes no such names")
    LyricsOffsets(folder).set(odd, 0.5)
    assert LyricsOffsets(folder).get(odd) == 0.5
