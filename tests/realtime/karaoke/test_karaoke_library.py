"""Songs are found, searched as somebody types, remembered, and survive whatever lies in a folder or in the file."""

from __future__ import annotations

import os
import random
import sqlite3
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from advsep.realtime.karaoke.library import ORDERS, Library, LibraryError, Read, Song, Stamp
from advsep.realtime.karaoke.library_read import read_headers
from advsep.realtime.karaoke.library_scan import Scan, ScanProgress
from advsep.realtime.karaoke.library_text import expression_of, folded
from hypothesis import given
from hypothesis import strategies as st

DATA = Path(os.environ.get("ADVSEP_DATA", "../shared/data"))
SILENCE = np.zeros(800, np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "library.sqlite"


@pytest.fixture
def library(path: Path) -> Iterator[Library]:
    made = Library(path)
    yield made
    made.close()


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    """A folder of songs as they lie on people's disks."""
    folder = tmp_path / "songs"
    folder.mkdir()
    sound(folder / "Åse Øy - Fjørd & Łódź.flac")
    tagged(folder / "b.flac", title="Señorita's Day", artist="The Bees", album="Hive", date="1999-05-01")
    ultrastar(
        folder / "Duo - Night" / "audio.ogg", "#TITLE:Night\r\n#ARTIST:Duo\r\n#BPM:300,5\r\n#YEAR:2003\r\n#MP3:x\r\n"
    )
    sound(folder / "Words" / "03 Plain.wav")
    (folder / "Words" / "03 plain.LRC").write_text("[00:01.00]Plain words")
    (folder / "Words" / "notes.pdf").write_bytes(b"%PDF")
    return folder


def sound(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, SILENCE, 8000)


def tagged(path: Path, **tags: str) -> None:
    with soundfile.SoundFile(path, "w", 8000, 1) as file:
        for name, text in tags.items():
            setattr(file, name, text)
        file.write(SILENCE)


def ultrastar(path: Path, headers: str) -> None:
    sound(path)
    path.with_name("song.txt").write_bytes((headers + ": 0 4 0 La\r\nE").encode("cp1252"))


def scan(library: Library, *folders: Path) -> ScanProgress:
    made = Scan(library.path, folders or None)
    made.start()
    assert made.wait(60)
    return made.progress


def listed(library: Library, words: str = "", **filters: bool) -> list[str]:
    return [song.name for song in library.search(words, **filters)]


def made_up(number: int, **known: object) -> Read:
    """A song without a file."""
    values = {"path": Path(f"/music/{number}.ogg"), "title": f"title {number}", "length_s": 180.0, **known}
    return Read(Song(**values), Stamp(number, number))  # pyright: ignore[reportArgumentType]


# What a scan finds.


def test_headers_come_before_tags_and_tags_before_names(library: Library, songs: Path) -> None:
    library.add_folder(songs)
    assert scan(library) == ScanProgress(4, 4, 4, 0, "", "done", ())
    found = {song.path.name: song for song in library.search()}
    assert {name: (song.artist, song.title, song.year) for name, song in found.items()} == {
        "Åse Øy - Fjørd & Łódź.flac": ("Åse Øy", "Fjørd & Łódź", None),
        "b.flac": ("The Bees", "Señorita's Day", 1999),
        "audio.ogg": ("Duo", "Night", 2003),
        "03 Plain.wav": ("", "Plain", None),
    }
    assert {name for name, song in found.items() if song.has_words} == {"audio.ogg", "03 Plain.wav"}
    assert found["b.flac"].album == "Hive"
    assert all(song.length_s == pytest.approx(0.1) for song in found.values())


def test_only_what_changed_is_opened_again(library: Library, songs: Path) -> None:
    library.add_folder(songs)
    scan(library)
    assert scan(library).files_read == 0
    (songs / "b.lrc").write_text("[00:00.00]now with words")
    tagged(songs / "Words" / "03 Plain.wav", title="Not so plain")
    (songs / "Åse Øy - Fjørd & Łódź.flac").unlink()
    progress = scan(library)
    assert (progress.files_read, progress.dropped, progress.songs) == (2, 1, 3)
    assert listed(library, "not plain") == ["Not so plain"]
    assert listed(library, "lodz") == []
    assert "The Bees – Señorita's Day" in listed(library, with_words=True)
    (songs / "b.lrc").unlink()
    scan(library)
    assert "The Bees – Señorita's Day" not in listed(library, with_words=True)


def test_a_text_beside_a_song_is_words_only_if_it_is_ultrastars_and_this_songs(library: Library, songs: Path) -> None:
    ultrastar(songs / "two" / "one.ogg", "#BPM:100\n#TITLE:One\n#AUDIO:ONE.ogg\n")
    sound(songs / "two" / "other.ogg")
    sound(songs / "read" / "thing.ogg")
    (songs / "read" / "thing.txt").write_text("a review of this song\n#BPM:100\n")
    sound(songs / "wide" / "wide.ogg")
    (songs / "wide" / "wide.txt").write_text("#TITLE:Wide\n#BPM:100\n", encoding="utf-16")
    library.add_folder(songs)
    scan(library)
    by_name = {song.path.name: song for song in library.search()}
    words = {name for name in ("one.ogg", "other.ogg", "thing.ogg", "wide.ogg") if by_name[name].has_words}
    assert words == {"one.ogg", "wide.ogg"}
    assert (by_name["one.ogg"].title, by_name["wide.ogg"].title) == ("One", "Wide")


def test_a_headers_accents_are_read_in_both_common_encodings(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "cp1252", "utf-16"):
        (tmp_path / "song.txt").write_bytes("#title: Für  Élise \n#BPM:1\n".encode(encoding))
        assert read_headers(tmp_path / "song.txt") == {"TITLE": "Für Élise", "BPM": "1"}
    assert read_headers(tmp_path / "nothing.txt") == {}
    (tmp_path / "song.txt").write_bytes(bytes(range(256)))
    assert read_headers(tmp_path / "song.txt") == {}


def test_a_missing_drive_costs_no_songs_and_says_so(library: Library, songs: Path) -> None:
    library.add_folder(songs)
    scan(library)
    away = songs.rename(songs.with_name("away"))
    progress = scan(library)
    assert (progress.state, progress.dropped, progress.songs) == ("done", 0, 4)
    assert "plug its drive in" in progress.notes[0]
    assert str(songs) in progress.notes[0]
    songs.mkdir()  # the empty place where a drive is mounted
    progress = scan(library)
    assert (progress.dropped, progress.songs) == (0, 4)
    assert "expected songs, found none; its 4 songs are kept" in progress.notes[0]
    songs.rmdir()
    away.rename(songs)
    assert scan(library) == ScanProgress(4, 0, 4, 0, "", "done", ())


def test_a_link_to_what_is_gone_keeps_what_lay_behind_it(library: Library, songs: Path, tmp_path: Path) -> None:
    sound(tmp_path / "drive" / "far.wav")
    (songs / "drive").symlink_to(tmp_path / "drive")
    library.add_folder(songs)
    assert scan(library).songs == 5
    (tmp_path / "drive").rename(tmp_path / "unplugged")
    progress = scan(library)
    assert (progress.songs, progress.dropped) == (5, 0)
    assert "cannot be read: No such file or directory; its song is kept" in progress.notes[0]


def test_links_in_circles_are_walked_once(library: Library, songs: Path) -> None:
    (songs / "Words" / "up").symlink_to(songs)
    (songs / "self").symlink_to("self")
    library.add_folder(songs)
    progress = scan(library)
    assert (progress.files_seen, progress.state) == (4, "done")
    assert len(progress.notes) == 1
    assert "self: cannot be read: Too many levels" in progress.notes[0]


@pytest.mark.skipif(sys.platform == "win32", reason="rights are others there")
def test_a_folder_without_permission_keeps_its_songs(
    library: Library, songs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.add_folder(songs)
    scan(library)
    locked = songs / "Words"
    if os.geteuid() == 0:  # whom no right stops
        scandir = os.scandir

        def refuse(folder: Path) -> object:
            if Path(folder) == locked:
                raise PermissionError(13, "Permission denied")
            return scandir(folder)

        monkeypatch.setattr(os, "scandir", refuse)
    else:
        locked.chmod(0)
    progress = scan(library)
    locked.chmod(0o755)
    assert (progress.songs, progress.dropped, progress.state) == (4, 0, "done")
    assert progress.notes == (f"{locked}: cannot be read: Permission denied; its song is kept",)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_no_utf8_are_listed_and_found(library: Library, songs: Path) -> None:
    name = os.fsdecode("Björk - Jóga.wav".encode("latin-1"))
    sound(songs / "new.wav")
    os.rename(songs / "new.wav", songs / name)
    library.add_folder(songs)
    scan(library)
    (song,) = library.search("bjork joga")
    assert (song.artist, song.title, song.path) == ("Björk", "Jóga", songs / name)
    assert song.path.is_file()
    library.set_favourite(song.path, True)
    assert listed(library, favourites=True) == ["Björk – Jóga"]
    assert scan(library).files_read == 0


def test_what_is_no_sound_is_told_and_not_opened_again(library: Library, songs: Path) -> None:
    (songs / "empty.wav").touch()
    (songs / "lie.ogg").write_text("this is no Ogg file")
    (songs / "cut.flac").write_bytes((songs / "b.flac").read_bytes()[:40])
    soundfile.write(songs / "none.wav", SILENCE[:0], 8000)
    (songs / ".half.wav.partial.wav").write_text("hidden")
    library.add_folder(songs)
    progress = scan(library)
    assert (progress.files_read, progress.songs) == (8, 4)
    assert {path.name for path, _ in library.problems} == {"empty.wav", "lie.ogg", "cut.flac", "none.wav"}
    assert all(words for _, words in library.problems)
    assert (len(library.search()), library.count()) == (4, 4)
    assert scan(library).files_read == 0
    tagged(songs / "empty.wav", title="mended")
    assert scan(library).files_read == 1
    assert listed(library, "mended") == ["mended"]


def test_ten_thousand_files_cancelled_and_taken_up_again(library: Library, tmp_path: Path) -> None:
    sound(tmp_path / "one.wav")
    data = (tmp_path / "one.wav").read_bytes()[:100]  # 28 samples: libsndfile mends the header
    for number in range(10_000):
        folder = tmp_path / "many" / str(number % 100)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"Artist {number % 7} - Song {number}.wav").write_bytes(data)
    library.add_folder(tmp_path / "many")
    first = Scan(library.path)
    first.start()
    while first.progress.files_seen < 1000:
        time.sleep(0.001)
    first.cancel()
    asked_s = time.perf_counter()
    assert first.wait(10)
    assert time.perf_counter() - asked_s < 1.0
    cut = first.progress
    assert cut.state == "cancelled"
    assert 1000 <= cut.songs == cut.files_read < 10_000
    rest = scan(library)
    assert (rest.files_seen, rest.files_read, rest.songs) == (10_000, 10_000 - cut.files_read, 10_000)
    assert listed(library, "9999 art") == ["Artist 3 – Song 9999"]


# The search.


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", 3), ("beyonce", 1), ("BEYONCÉ", 1), ("hal beyo", 1), ("lodz", 1), ("Łódź", 1), ("oyvind", 1),
        ("dont", 1), ("don't", 1), ("don’t st", 1), ("strasse", 1), ("straße", 1), ("2008", 1), ("german", 1),
        ("桜", 1), ("坂 桜", 1), ("桜坂", 1), ("坂桜", 0), ("halo nothing", 0), ("eyonce", 0), ('"', 3), ("*", 3),
        ("halo OR dont", 0), ("NOT", 0), ("text:halo", 0), ("(", 3), ("ha-lo", 0), ("\0", 3), ("\udcff", 3),
        ("a" * 5000, 0),
    ],
)  # fmt: skip
def test_words_are_found_as_people_type_them(library: Library, words: str, found: int) -> None:
    library.store(
        [
            made_up(1, title="Halo", artist="Beyoncé", year=2008),
            made_up(2, title="Don't Stop 桜坂", artist="Øyvind"),
            made_up(3, title="Łódź, die Straße", artist="x", language="German"),
        ]
    )
    assert len(library.search(words)) == found
    assert library.count(words) == found


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_text_is_folded_like_any_other(text: str) -> None:
    assert folded(text) == folded(text + "\u00e9").removesuffix("e").strip()


@given(st.text())
def test_any_text_may_be_searched_for(text: str) -> None:
    expression = expression_of(text)
    with sqlite3.connect(":memory:") as db:
        db.execute("CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2')")
        db.execute("INSERT INTO words VALUES (?)", (folded(text),))
        if expression:  # and what was put in is found by itself
            assert db.execute("SELECT count(*) FROM words WHERE words MATCH ?", (expression,)).fetchone() == (1,)
    db.close()


def test_twenty_thousand_songs_are_searched_like_a_slow_search_and_fast(library: Library) -> None:
    chance = random.Random(7)
    syllables = ("ka", "to", "mi", "ra", "lo", "vé", "su", "ne", "dan", "ger", "lie", "bé", "star", "night", "moon")
    vocabulary = ["".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(6000)]
    reads = [
        made_up(
            number,
            title=" ".join(chance.choices(vocabulary, k=3)),
            artist=" ".join(chance.choices(vocabulary[:500], k=2)),
            has_words=number % 2 == 0,
        )
        for number in range(20_000)
    ]
    library.store(reads)
    everything = [(read.song, folded(f"{read.song.name} {read.song.path.stem}").split()) for read in reads]
    assert library.count() == 20_000
    times_s: list[float] = []
    for words in ("k", "kato", "star mi", "lo lo ne", "vé"):
        wanted = slow_search(everything, words)
        for order in ORDERS:
            for with_words in (False, True):
                began_s = time.perf_counter()
                found = library.search(words, with_words=with_words, order=order, limit=200)
                times_s.append(time.perf_counter() - began_s)
                right = {song.path for song in wanted if song.has_words or not with_words}
                assert len(found) == min(200, len(right))
                assert {song.path for song in found} <= right
        assert library.count(words) == len(wanted)
    by_artist = library.search("ka", limit=500)
    assert by_artist == sorted(by_artist, key=lambda song: (folded(song.artist), folded(song.title)))
    assert sorted(times_s)[len(times_s) // 2] < 0.02


def slow_search(songs: list[tuple[Song, list[str]]], words: str) -> list[Song]:
    """By the definition: every word begins some word of the song."""
    wanted = folded(words).split()
    return [song for song, own in songs if all(any(each.startswith(word) for each in own) for word in wanted)]


def test_orders_put_what_was_sung_first(library: Library) -> None:
    library.store(made_up(number, title=title) for number, title in enumerate("dbca"))
    often, late = Path("/music/0.ogg"), Path("/music/1.ogg")
    for _ in range(2):
        library.count_sung(often, datetime(2026, 1, 2, tzinfo=UTC))
    library.count_sung(late, datetime(2026, 3, 4, tzinfo=UTC))
    titles = {order: "".join(song.title for song in library.search(order=order)) for order in ORDERS}
    assert titles == {"artist": "abcd", "title": "abcd", "most sung": "dbac", "last sung": "bdac", "newest": "acbd"}
    song = library.song(often)
    assert song is not None
    assert (song.times_sung, song.last_sung) == (2, datetime(2026, 1, 2, tzinfo=UTC))


# Folders, favourites, and the file itself.


def test_folders_lie_beside_each_other(library: Library, songs: Path, tmp_path: Path) -> None:
    library.add_folder(songs / "Words")
    scan(library)
    library.set_favourite(songs / "Words" / "03 Plain.wav", True)
    with pytest.raises(LibraryError, match="already"):
        library.add_folder(songs / "Words" / ".." / "Words")
    with pytest.raises(LibraryError, match="expected a folder of songs, found nothing"):
        library.add_folder(tmp_path / "nowhere")
    with pytest.raises(LibraryError, match="found a file"):
        library.add_folder(songs / "b.flac")
    library.add_folder(songs)
    assert library.folders == [songs]
    with pytest.raises(LibraryError, match="are looked for in"):
        library.add_folder(songs / "Words")
    (tmp_path / "songs2").mkdir()
    sound(tmp_path / "songs2" / "stays.wav")
    library.add_folder(tmp_path / "songs2")
    assert scan(library).songs == 5
    library.remove_folder(songs)
    assert listed(library) == ["stays"]
    library.add_folder(songs)
    scan(library)
    assert listed(library, favourites=True) == ["Plain"]


def test_a_favourite_that_is_moved_stays_one(library: Library, songs: Path) -> None:
    library.add_folder(songs)
    scan(library)
    library.set_favourite(songs / "b.flac", True)
    library.count_sung(songs / "b.flac")
    (songs / "new place").mkdir()
    (songs / "b.flac").rename(songs / "new place" / "b.flac")
    scan(library)
    (song,) = library.search(favourites=True)
    assert (song.path, song.times_sung) == (songs / "new place" / "b.flac", 1)
    library.set_favourite(song.path, False)
    assert library.search(favourites=True) == []


@pytest.mark.parametrize("damage", ["text", "middle", "cut", "future", "stranger"])
def test_a_file_that_cannot_be_used_is_put_aside(path: Path, songs: Path, damage: str) -> None:
    library = Library(path)
    library.add_folder(songs)
    scan(library)
    library.set_favourite(songs / "b.flac", True)
    library._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    library.close()
    whole = path.read_bytes()
    match damage:
        case "text":
            path.write_text("no database at all, " * 500)
        case "middle":
            path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))
        case "cut":
            path.write_bytes(whole[: len(whole) // 2])
        case "future":
            with sqlite3.connect(path) as db:
                db.execute("PRAGMA user_version = 99")
            db.close()
        case _:
            path.unlink()
            with sqlite3.connect(path) as db:
                db.execute("CREATE TABLE other (thing)")
            db.close()
    again = Library(path)
    assert len(again.notes) == 1
    assert "put aside as library.sqlite.damaged" in again.notes[0]
    assert path.with_name("library.sqlite.damaged").is_file()
    if damage == "future":
        assert again.folders == [songs]
        assert "it is of version 99" in again.notes[0]
    scan(again, songs)
    assert again.count() == 4
    if damage == "future":
        assert listed(again, favourites=True) == ["The Bees – Señorita's Day"]
    again.close()
    last = Library(path)
    assert (last.notes, last.count()) == ([], 4)
    last.close()


def test_damage_in_the_songs_leaves_the_favourites(path: Path, songs: Path) -> None:
    library = Library(path)
    library.add_folder(songs)
    scan(library)
    library.set_favourite(songs / "b.flac", True)
    (page,) = library._db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'song_by_title'").fetchone()
    library._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    library.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    again = Library(path)
    assert "it is damaged" in again.notes[0]
    assert again.folders == [songs]
    scan(again)
    assert listed(again, favourites=True) == ["The Bees – Señorita's Day"]
    again.close()


def test_what_the_disk_refuses_is_said(tmp_path: Path, library: Library) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LibraryError, match="expected a folder for the library"):
        Library(tmp_path / "file" / "library.sqlite")
    with pytest.raises(LibraryError, match="found a folder"):
        Library(tmp_path)
    library.store([made_up(1)])
    pages = library._db.execute("PRAGMA page_count").fetchone()[0]
    library._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LibraryError, match="the disk is full"):
        library.store(made_up(number, title="x" * 200) for number in range(2000))
    assert library.count() == 1


def test_a_scan_that_cannot_open_the_library_says_so(tmp_path: Path) -> None:
    made = Scan(tmp_path, [tmp_path])
    made.start()
    assert made.wait(10)
    assert made.progress.state == "failed"
    assert "found a folder" in made.progress.notes[0]


def test_it_is_searched_while_a_scan_writes(library: Library) -> None:
    other = Library(library.path)
    with other._change() as db:
        db.execute("DELETE FROM folder")
        assert library.search("x") == []  # does not wait
    other.close()


def test_the_real_songs_have_their_words(library: Library) -> None:
    folder = DATA / "mixtures" / "ultrastar"
    if not folder.is_dir():
        pytest.skip("needs the real songs, see $ADVSEP_DATA")
    library.add_folder(folder)
    assert scan(library).state == "done"
    found = library.search()
    assert len(found) == 13
    assert all(song.has_words and song.artist and song.length_s > 30 and song.language for song in found)
    assert listed(library, "heaven cant") == ["Fairy Bot Orchestra – Heaven can't wait"]
