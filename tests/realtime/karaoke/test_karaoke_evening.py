"""The queue: its order, its turns, its undo, and that it is there again after a crash."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from advsep.realtime.karaoke.evening import Evening
from advsep.realtime.karaoke.evening_file import MOST_HISTORY, Entry
from advsep.realtime.karaoke.evening_turns import turns
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "evening.json"


def filled(evening: Evening, songs: str) -> Evening:
    """`filled(evening, "a1 b1 a2")`: singer a's song a1, and so on."""
    for song in songs.split():
        evening.add(Path(f"/songs/{song}.ogg"), song, song[:-1])
    return evening


def order(evening: Evening) -> str:
    return " ".join(entry.title for entry in evening.queue)


def number(evening: Evening, title: str) -> int:
    return next(entry.number for entry in evening.queue if entry.title == title)


def test_songs_are_sung_in_order_and_remembered(path: Path) -> None:
    evening = filled(Evening(path), "a1 b1 c1")
    assert (evening.current, order(evening)) == (None, "a1 b1 c1")
    first = evening.next()
    assert first is not None
    assert (first.title, first.path) == ("a1", Path("/songs/a1.ogg"))
    evening.change(first.number, key_semitones=-2, tempo=0.9, note="  with\nfriends ")
    again = Evening(path)  # as after a crash
    assert again.current == Entry(1, "/songs/a1.ogg", "a1", "a", -2, 0.9, "with friends")
    assert order(again) == "b1 c1"
    assert (again.notes, again.trouble) == ([], "")
    assert [again.next(), again.next(), again.next()] == [*evening.queue, None]
    assert [(each.entry.title, each.sung) for each in again.history] == [("a1", True), ("b1", True), ("c1", True)]
    assert again.current is None
    assert again.add(Path("x"), "x").number == 4


def test_what_is_skipped_was_not_sung(path: Path) -> None:
    evening = filled(Evening(path), "a1 b1 c1 d1")
    skipped_to = evening.skip()  # nobody sings yet: the first is passed over
    assert skipped_to is not None
    assert (skipped_to.title, order(evening)) == ("b1", "c1 d1")
    evening.skip()
    evening.finish()
    evening.finish()
    assert [(each.entry.title, each.sung) for each in evening.history] == [("a1", False), ("b1", False), ("c1", True)]
    assert evening.current is None
    assert Evening(path).history == evening.history


def test_a_song_may_be_sung_out_of_turn(path: Path) -> None:
    evening = filled(Evening(path), "a1 b1 c1")
    evening.next()
    started = evening.start(number(evening, "c1"))
    assert started is not None
    assert (started.title, order(evening)) == ("c1", "b1")
    assert [(each.entry.title, each.sung) for each in evening.history] == [("a1", False)]
    assert evening.start(99) is None
    assert evening.current == started


def test_entries_move_within_the_queue(path: Path) -> None:
    evening = filled(Evening(path), "a1 b1 c1 d1")
    assert evening.move(number(evening, "d1"), -2)
    assert order(evening) == "a1 d1 b1 c1"
    assert evening.move(number(evening, "a1"), 99)
    assert order(evening) == "d1 b1 c1 a1"
    assert not evening.move(number(evening, "a1"), 1)
    assert not evening.move(99, 1)
    assert order(Evening(path)) == "d1 b1 c1 a1"


def test_what_was_removed_comes_back_to_its_place(path: Path) -> None:
    evening = filled(Evening(path), "a1 b1 c1")
    removed = evening.remove(number(evening, "b1"))
    assert removed is not None
    assert (removed.title, order(evening), evening.can_undo) == ("b1", "a1 c1", True)
    assert evening.undo_removal() == (removed,)
    assert (order(evening), evening.can_undo, evening.undo_removal()) == ("a1 b1 c1", False, ())
    assert (evening.remove(99), evening.clear(), order(evening)) == (None, 3, "")
    assert len(evening.undo_removal()) == 3
    assert order(Evening(path)) == "a1 b1 c1"
    evening.remove(number(evening, "c1"))
    evening.next()
    evening.next()
    evening.undo_removal()  # its place is gone: as near as there is
    assert order(evening) == "c1"


# Turns.


@pytest.mark.parametrize(
    ("queue", "sung_by", "wanted"),
    [
        ("", "", ""),
        ("a1 a2 a3 b1 c1 b2", "", "a1 b1 c1 a2 b2 a3"),
        ("a1 a2 b1", "a", "b1 a1 a2"),
        ("a1 b1", "b a", "b1 a1"),
        ("a1 b1", "a b a", "b1 a1"),
        ("a1 a2 z1", "a b a b a b", "z1 a1 a2"),  # who comes late is next, once
        ("a1 a2 z1 z2 z3", "a b a b a b", "z1 a1 z2 a2 z3"),
        ("1 2 a1 3", "", "1 a1 2 3"),  # without a singer
    ],
)
def test_turns(queue: str, sung_by: str, wanted: str) -> None:
    entries = [Entry(at, "", title, title[:-1]) for at, title in enumerate(queue.split())]
    assert " ".join(entry.title for entry in turns(entries, sung_by.split())) == wanted


@given(st.lists(st.sampled_from("abcd"), max_size=30), st.lists(st.sampled_from("abcdef"), max_size=12))
def test_turns_are_fair_whatever_the_queue(singers: list[str], sung_by: list[str]) -> None:
    queue = [Entry(at, "", str(at), singer) for at, singer in enumerate(singers)]
    order = turns(queue, sung_by)
    assert sorted(entry.number for entry in order) == list(range(len(queue)))
    for singer in set(singers):  # own songs keep their order
        own = [entry.number for entry in order if entry.singer == singer]
        assert own == sorted(own)
    for at in range(1, len(order)):  # nobody sings twice while somebody else who has not sung since then waits
        last = max((i for i in range(at) if order[i].singer == order[at].singer), default=None)
        if last is not None:
            between = {entry.singer for entry in order[last:at]}
            assert {entry.singer for entry in order[at:]} <= between


def test_a_fair_evening_takes_turns_with_what_was_sung(path: Path) -> None:
    evening = filled(Evening(path), "a1 a2 b1")
    evening.next()
    evening.set_fair(True)
    assert (order(evening), Evening(path).fair) == ("b1 a2", True)
    filled(evening, "c1")
    assert order(evening) == "b1 c1 a2"
    skipped = evening.next()
    assert skipped is not None
    assert skipped.singer == "b"
    filled(evening, "b2")
    assert order(evening) == "c1 a2 b2"
    evening.skip()  # b was not there: that was b's turn
    assert (evening.current or skipped).title == "c1"
    assert order(evening) == "a2 b2"
    evening.move(number(evening, "b2"), -9)
    evening.set_fair(False)
    assert order(evening) == "a2 b2"


def test_in_fair_order_a_singers_own_songs_change_places(path: Path) -> None:
    evening = filled(Evening(path), "a1 a2 b1 a3")
    evening.set_fair(True)
    assert order(evening) == "a1 b1 a2 a3"
    assert evening.move(number(evening, "a3"), -1)
    assert order(evening) == "a1 b1 a3 a2"
    assert not evening.move(number(evening, "b1"), -1)


def test_names_are_remembered_the_latest_first(path: Path) -> None:
    evening = filled(Evening(path), "ann1 bob1 ann2")
    evening.add(Path("x.ogg"), "")
    evening.change(evening.queue[-1].number, singer=" cy  d ")
    evening.begin_anew()
    assert (evening.singers, evening.queue, evening.history, evening.current) == (("cy d", "ann", "bob"), (), (), None)
    evening.forget_singer("ann")
    assert Evening(path).singers == ("cy d", "bob")
    assert evening.add(Path("/songs/name.ogg"), "").title == "name"


def test_listeners_hear_of_each_change_after_it_was_written(path: Path) -> None:
    evening, heard = Evening(path), list[str]()
    end = evening.listen(lambda: heard.append(order(Evening(path))))
    filled(evening, "a1 b1")
    evening.move(number(evening, "b1"), -1)
    evening.set_fair(False)  # as it is: no change
    assert heard == ["a1", "a1 b1", "b1 a1"]
    end()
    end()
    evening.next()
    assert len(heard) == 3


# The file.


def test_values_are_kept_within_their_ranges(path: Path) -> None:
    evening = Evening(path)
    entry = evening.add(Path("x"), "x", key_semitones=99, tempo=float("nan"))
    assert (entry.key_semitones, entry.tempo) == (12, 1.0)
    changed = evening.change(entry.number, key_semitones=-99, tempo=9.0)
    assert changed is not None
    assert (changed.key_semitones, changed.tempo) == (-12, 1.5)
    path.write_text(path.read_text().replace("1.5", "NaN").replace("-12", "77"))
    assert (Evening(path).queue[0].key_semitones, Evening(path).queue[0].tempo) == (12, 1.0)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_paths_that_are_no_utf8_come_back(path: Path, tmp_path: Path) -> None:
    song = tmp_path / os.fsdecode(b"\xe9t\xe9.ogg")
    song.touch()
    Evening(path).add(song, "été")
    assert Evening(path).queue[0].path.is_file()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff\xfe", "no text"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "found None"),
        (b'{"version": 2}', "found 2"),
        (b'{"version": 1, "queue": [{"number": "one"}]}', "must be of type int"),
        (b'{"version": 1, "songs": []}', "unknown key 'songs'"),
        (b'{"version": 1, "queue": [{"number": 1, "song": "", "title": ""}, {"number": 1, "song": "", "title": ""}]}',
         "same number"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_put_aside(path: Path, text: bytes, why: str) -> None:
    path.parent.mkdir()
    path.write_bytes(text)
    evening = Evening(path)
    assert len(evening.notes) == 1
    assert why in evening.notes[0]
    assert "put aside as evening.json.damaged" in evening.notes[0]
    assert path.with_name("evening.json.damaged").read_bytes() == text
    filled(evening, "a1")
    assert (order(Evening(path)), Evening(path).notes) == ("a1", [])


def test_a_disk_that_takes_no_more_is_said_and_the_queue_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    evening = filled(Evening(tmp_path / "file" / "evening.json"), "a1")
    assert "the queue cannot be remembered" in evening.trouble
    assert order(evening) == "a1"
    full = filled(Evening(Path("/dev/full") / "evening.json"), "a1")
    assert full.trouble
    assert order(full) == "a1"


def test_history_does_not_grow_for_ever() -> None:
    evening = Evening()
    for at in range(MOST_HISTORY + 5):
        evening.add(Path("x"), str(at))
        evening.next()
    evening.finish()
    assert len(evening.history) == MOST_HISTORY
    assert evening.history[-1].entry.title == str(MOST_HISTORY + 4)


CHILD = """
import sys, time
from pathlib import Path
from advsep.realtime.karaoke.evening import Evening
evening = Evening(Path(sys.argv[1]))
for at in range(1_000_000):
    evening.add(Path(f"{at}.ogg"), str(at))
    if at == 0:
        evening.next()
    print(at, flush=True)
"""


def test_kill_9_while_it_writes_loses_nothing_that_was_said(path: Path) -> None:
    chance = random.Random(1)
    for _ in range(3):
        path.unlink(missing_ok=True)
        with subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            said = -1
            for line in child.stdout:
                said = int(line)
                if said >= chance.randint(5, 25):
                    child.send_signal(signal.SIGKILL)
                    break
            said = max([said, *map(int, child.stdout.read().split())])
        evening = Evening(path)
        assert evening.notes == []
        assert evening.current is not None
        assert evening.current.title == "0"
        assert [entry.title for entry in evening.queue][:said] == [str(at) for at in range(1, said + 1)]
        assert json.loads(path.read_text())["version"] == 1
