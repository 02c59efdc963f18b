"""LRC files: what each kind of line means, what is odd in them, and random ones read back."""

from __future__ import annotations

from pathlib import Path

import pytest
from advsep.realtime.karaoke.lrc import longest_s, parse_lrc
from advsep.realtime.karaoke.lyrics import Line, Lyrics, Syllable
from advsep.realtime.karaoke.lyrics_file import read_lyrics
from advsep.realtime.karaoke.lyrics_text import LyricsError, text_of
from hypothesis import given
from hypothesis import strategies as st

FILES = Path(__file__).parent / "lyrics"


def read(text: str, encoding: str = "utf-8") -> Lyrics:
    return parse_lrc(text_of(text.encode(encoding), "song.lrc"))


def spans(lyrics: Lyrics) -> list[tuple[str, float, float]]:
    """Text and times of each line, to the millisecond."""
    return [(line.text, round(line.start_s, 3), round(line.end_s, 3)) for line in lyrics.lines]


def words(line: Line) -> list[tuple[str, float, float]]:
    return [(word.text, round(word.start_s, 3), round(word.end_s, 3)) for word in line.syllables]


def test_lines_tags_gaps_repeats_and_an_offset_that_makes_them_earlier() -> None:
    lyrics = read_lyrics(FILES / "plain.lrc")
    assert (lyrics.title, lyrics.artist, lyrics.language) == ("The Kettle", "Nobody at All", "en")
    assert (lyrics.timing, lyrics.singers, lyrics.notes) == ("line", (), ())
    assert spans(lyrics) == [
        ("Put the kettle on the stove", 0.75, 4.25),
        ("Let it whistle", 4.25, 5.75),
        ("Pour a cup for me", 10.0, round(10.0 + 1.5 + 17 * 0.2, 3)),
        ("Let it whistle", 20.25, round(20.25 + 1.5 + 14 * 0.2, 3)),
        ("and wait", 3599.75, round(3599.75 + 1.5 + 8 * 0.2, 3)),
    ]


def test_an_offset_below_zero_makes_the_words_later_wherever_it_is() -> None:
    assert spans(read("[00:01.00]one\n[offset:-1500]\n"))[0][1] == 2.5
    assert spans(read("[offset: +500 ]\n[00:00.20]one\n[00:03.00]\n")) == [("one", 0.0, 1.8)]


def test_words_with_times_of_their_own() -> None:
    lyrics = read_lyrics(FILES / "words.lrc")
    assert (lyrics.timing, lyrics.notes) == ("word", ())
    both, syllables, bare_line, first_bare, square, twice, again, no_line, own_end = lyrics.lines
    assert words(both) == [("Spaces ", 1.2, 1.6), ("on ", 1.6, 1.9), ("both ", 1.9, 2.3), ("sides", 2.3, 2.9)]
    assert words(syllables) == [("Syl", 4.0, 4.3), ("la", 4.3, 4.55), ("bles ", 4.55, 4.8), ("too", 4.8, 6.9)]
    assert words(bare_line) == [("Only the line has a time", 7.0, 9.0)]
    assert words(first_bare) == [("First ", 9.0, 9.4), ("word ", 9.4, 9.8), ("bare", 9.8, 12.0)]
    assert words(square) == [("In ", 12.0, 12.3), ("square ", 12.3, 12.7), ("ones", 12.7, 13.1)]
    assert words(twice) == [("Twice ", 20.1, 20.5), ("sung", 20.5, 20.9)]
    assert words(again) == [("Twice ", 30.1, 30.5), ("sung", 30.5, 30.9)]
    assert words(no_line) == [("No ", 40.0, 40.4), ("line ", 40.4, 40.8), ("time", 40.8, 43.1)]
    assert words(own_end) == [("An end of its own", 50.0, 51.5)]


def test_one_word_with_a_time_of_its_own_is_timed_by_word() -> None:
    lyrics = read("[00:01.00]<00:01.50>Oh<00:02.00>\n")
    assert (lyrics.timing, words(lyrics.lines[0])) == ("word", [("Oh", 1.5, 2.0)])
    assert read("[00:01.00]Oh[00:02.00]\n").timing == "line"


def test_times_of_words_go_with_the_nearest_of_several_times_of_the_line() -> None:
    lyrics = read("[00:20.00][01:20.00]I <00:20.50>walk<00:21.00>\n")
    assert [words(line) for line in lyrics.lines] == [
        [("I ", 20.0, 20.5), ("walk", 20.5, 21.0)],
        [("I ", 80.0, 80.5), ("walk", 80.5, 81.0)],
    ]


def test_a_pause_between_words_ends_the_one_before_and_parts_them() -> None:
    (line,) = read("[00:01.00]<00:01.00>wait<00:02.00> <00:04.00>for<00:04.50>it<00:05.00>\n").lines
    assert words(line) == [("wait ", 1.0, 2.0), ("for", 4.0, 4.5), ("it", 4.5, 5.0)]


def test_walaokes_marks_hold_until_the_next_one_and_duets_are_lines_of_both() -> None:
    lyrics = read_lyrics(FILES / "duet.lrc")
    assert lyrics.singers == ("Male", "Female")
    assert [(line.singer, line.text) for line in lyrics.lines] == [
        (1, "Nobody said who sings this"),
        (2, "I took the left one"),
        (2, "and so did you"),
        (1, "No, I took the right one"),
        (1, "We stood"),
        (2, "We stood"),
        (1, "and sang"),
        (2, "and sang"),
    ]
    assert lyrics.lines[0].end_s == 3.0
    assert [line.text for line in lyrics.of_singer(1).lines][-2:] == ["We stood", "and sang"]


def test_one_singer_with_a_mark_is_the_first_one() -> None:
    lyrics = read("[00:01.00]F: alone\n[00:02.00]still\n")
    assert (lyrics.singers, [line.singer for line in lyrics.lines]) == ((), [1, 1])


@pytest.mark.parametrize(
    ("file", "title", "first"),
    [
        ("bom-crlf.lrc", "Grün", "Grüße aus dem Süden"),
        ("latin1-cr.lrc", "Le Café", "Un café, s’il te plaît"),
        ("utf16.lrc", "Чай", "Налей мне чаю"),
        ("utf16-be.lrc", "Чай", "Налей мне чаю"),
    ],
)
def test_letters_of_every_encoding(file: str, title: str, first: str) -> None:
    lyrics = read_lyrics(FILES / file)
    assert (lyrics.title, lyrics.lines[0].text) == (title, first)
    assert bool(lyrics.notes) == (file == "latin1-cr.lrc")


def test_what_is_odd_is_read_and_said() -> None:
    lyrics = read_lyrics(FILES / "odd.lrc")
    assert (lyrics.title, lyrics.artist) == ("Out [of Order]", "Somebody")
    assert [(text, start_s) for text, start_s, _ in spans(lyrics)] == [
        ("Before the song", 0.0),
        ("Wrong bracket", 2.0),
        ("after words", 3.0),
        ("one two three", 5.0),
        ("Out of order", 7.75),
        ("Last in the file's time", 9.5),
    ]
    assert lyrics.notes == (
        "line 3 has no time and was left out",
        "line 4 has an offset that is no number of milliseconds; none was used",
        "line 5 has a time of three numbers, which was read as minutes:seconds:hundredths",
        "line 8 has a time beyond 24 h and was left out",
        "line 9 has words before its time; those were left out",
        "line 10 has a word that begins before the one before it; it begins with that one",
        "line 12 has times within a tag and was left out",
    )


def test_three_numbers_are_hours_where_the_last_is_never_too_large_for_seconds() -> None:
    lyrics = read_lyrics(FILES / "hours.lrc")
    assert [line.start_s for line in lyrics.lines] == [5.0, 3723.0]
    assert lyrics.notes == ("line 1 has a time of three numbers, which was read as hours:minutes:seconds",)
    assert [line.start_s for line in read("[00:01:60]one\n[00:03:59]two\n").lines] == [1.6, 3.59]
    assert read("[1:02:03.5]words\n").lines[0].start_s == 3723.5
    assert read("[1:02:03.5]words\n").notes == ()


@pytest.mark.parametrize(
    ("time", "start_s"), [("0:1", 1.0), ("00:01.5", 1.5), ("00:01,25", 1.25), ("03:00.125", 180.125)]
)
def test_spellings_of_a_time(time: str, start_s: float) -> None:
    assert read(f"[{time}]words").lines[0].start_s == pytest.approx(start_s)


def test_a_line_without_an_end_is_held_as_long_as_slow_singing() -> None:
    assert longest_s("") == 1.5
    assert longest_s("abcde") == pytest.approx(2.5)
    assert longest_s("日本の夜") == pytest.approx(1.5 + 4 * 0.6)


def test_no_words_with_a_time_are_an_error_that_says_what_to_do() -> None:
    with pytest.raises(LyricsError, match=r"gaps-only\.lrc:1: expected lines such as '\[00:12\.50\]words', found"):
        read_lyrics(FILES / "gaps-only.lrc")


# Letters, digits, signs; nothing that LRC means something by, and no space, which is put between them on purpose.
bare = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="[]<>:"), min_size=1, max_size=8)


@st.composite
def songs(draw: st.DrawFn) -> Lyrics:
    """Lines one after another, whole or by syllable, with times of whole milliseconds."""
    lines: list[Line] = []
    time_ms = 0
    for by_word in draw(st.lists(st.booleans(), min_size=1, max_size=6)):
        time_ms += draw(st.integers(1, 100_000))
        texts = draw(st.lists(bare, min_size=2 if by_word else 1, max_size=5))
        spaces = draw(st.lists(st.sampled_from(("", " ")), min_size=len(texts), max_size=len(texts)))
        spaced = [text + space for text, space in zip(texts, spaces, strict=True)]
        spaced[-1] = texts[-1]
        if not by_word:
            spaced = ["".join(spaced)]
        syllables: list[Syllable] = []
        for text in spaced:
            # No longer than a line without an end may last, so that the end that is written is the one that holds.
            end_ms = time_ms + draw(st.integers(0 if by_word else 1, 1500))
            syllables.append(Syllable(text=text, start_s=time_ms / 1000, end_s=end_ms / 1000))
            time_ms = end_ms + draw(st.integers(0, 500)) * by_word
        lines.append(Line(tuple(syllables), draw(st.integers(1, 2))))
    if len({line.singer for line in lines}) == 1:
        lines = [Line(line.syllables) for line in lines]
    return Lyrics(
        lines=tuple(lines),
        timing="word" if any(len(line.syllables) > 1 for line in lines) else "line",
        title=draw(bare),
        artist=" ".join(draw(st.lists(bare, max_size=3))),
        singers=("Male", "Female") if any(line.singer == 2 for line in lines) else (),
    )


def written(lyrics: Lyrics, offset_ms: int) -> list[str]:
    """The lines of an LRC file; with an end for each."""

    def stamp(time_s: float) -> str:
        ms = round(time_s * 1000) + offset_ms
        return f"{'-' * (ms < 0)}{abs(ms) // 60000:02}:{abs(ms) % 60000 / 1000:06.3f}"

    lines = [f"[ti:{lyrics.title}]", f"[ar:{lyrics.artist}]", f"[offset:{offset_ms}]"]
    for line in lyrics.lines:
        mark = f"{'MF'[line.singer - 1]}: " if lyrics.singers else ""
        if len(line.syllables) == 1:
            lines += [f"[{stamp(line.start_s)}]{mark}{line.text}", f"[{stamp(line.end_s)}]"]
            continue
        text = ""
        for at, word in enumerate(line.syllables):
            text += f"<{stamp(word.start_s)}>{mark if at == 0 else ''}{word.text}"
            if at + 1 == len(line.syllables) or line.syllables[at + 1].start_s > word.end_s:
                text += f"<{stamp(word.end_s)}>"
        lines.append(f"[{stamp(line.start_s)}]{text}")
    return lines


def rounded(lyrics: Lyrics) -> Lyrics:
    """To the microsecond: times were multiplied and divided."""
    lines = tuple(
        Line(
            tuple(Syllable(text=s.text, start_s=round(s.start_s, 6), end_s=round(s.end_s, 6)) for s in line.syllables),
            line.singer,
        )
        for line in lyrics.lines
    )
    return Lyrics(
        lines=lines, timing=lyrics.timing, title=lyrics.title, artist=lyrics.artist, singers=lyrics.singers,
        notes=lyrics.notes,
    )  # fmt: skip


@given(
    songs(),
    st.integers(-5000, 5000),
    st.sampled_from(("utf-8", "utf-8-sig", "utf-16")),
    st.sampled_from(("\n", "\r\n", "\r")),
    st.randoms(use_true_random=False),
)
def test_random_songs_are_read_back(song: Lyrics, offset_ms: int, encoding: str, end: str, chance: object) -> None:
    lines = written(song, offset_ms)
    if not song.singers:  # marks hold on in the file's order
        chance.shuffle(lines)  # type: ignore[attr-defined]
    assert rounded(read(end.join(lines), encoding)) == rounded(song)
