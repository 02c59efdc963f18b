"""UltraStar files: beats, pitches, voices, what is odd in them, and random ones read back."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from advsep.realtime.karaoke.lyrics import Line, Lyrics, NoteKind
from advsep.realtime.karaoke.lyrics_file import read_lyrics
from advsep.realtime.karaoke.lyrics_text import LyricsError, text_of
from advsep.realtime.karaoke.ultrastar import parse_ultrastar
from hypothesis import given
from hypothesis import strategies as st

FILES = Path(__file__).parent / "lyrics"
MARKS: dict[NoteKind, str] = {"normal": ":", "golden": "*", "freestyle": "F", "rap": "R", "golden rap": "G"}


def read(text: str, encoding: str = "utf-8") -> Lyrics:
    return parse_ultrastar(text_of(text.encode(encoding), "song.txt"))


def notes(line: Line) -> list[tuple[str, float, float, float | None, NoteKind]]:
    return [(s.text, round(s.start_s, 6), round(s.end_s, 6), s.pitch_midi, s.kind) for s in line.syllables]


def starts_s(lyrics: Lyrics) -> list[float]:
    return [round(syllable.start_s, 6) for line in lyrics.lines for syllable in line.syllables]


def test_notes_of_every_kind_with_their_times_and_pitches() -> None:
    lyrics = read_lyrics(FILES / "plain.txt")
    assert (lyrics.title, lyrics.artist, lyrics.language) == ("The Kettle", "Nobody: a Duo", "English")
    assert (lyrics.timing, lyrics.singers, lyrics.notes) == ("note", (), ())
    kettle, hey, long = lyrics.lines
    assert [line.text for line in lyrics.lines] == ["Put the kettle", "(hey!) say it", "long gone"]
    # 300 as written are 1200 beats a minute: 50 ms each, from 1 s on; 0 is C4.
    assert notes(kettle) == [
        ("Put", 1.0, 1.2, 60, "normal"),
        (" the", 1.2, 1.4, 62, "normal"),
        (" ket", 1.4, 1.6, 64, "golden"),
        ("tle", 1.6, 1.8, 65, "normal"),
    ]
    assert notes(hey) == [
        ("(hey!)", 2.0, 2.4, None, "freestyle"),
        (" say", 2.5, 2.6, None, "rap"),
        (" it", 2.7, 2.8, None, "golden rap"),
    ]
    assert notes(long) == [
        ("lo", 3.0, 3.2, 55, "normal"),
        ("", 3.2, 3.6, 57, "normal"),
        ("ng ", 3.6, 3.8, 59, "normal"),
        ("gone", 3.8, 4.0, 72, "normal"),
    ]


def test_words_parted_by_spaces_after_them_and_headers_in_small_letters() -> None:
    lyrics = read_lyrics(FILES / "trailing.txt")
    assert (lyrics.title, lyrics.artist) == ("Trailing", "Spaces")
    assert [syllable.text for syllable in lyrics.lines[0].syllables] == ["Hel", "lo ", "", "all ", "of ", "you"]
    assert lyrics.lines[0].text == "Hello all of you"


def test_relative_beats_count_from_the_last_line_break_each_voice_for_itself() -> None:
    assert starts_s(read_lyrics(FILES / "relative.txt")) == [0.5, 0.9, 1.7, 3.8]  # 100 ms a beat
    duet = read_lyrics(FILES / "relative-duet.txt")
    assert starts_s(duet.of_singer(1)) == [0.0, 1.6]
    assert starts_s(duet.of_singer(2)) == [0.0, 3.2]
    without = read("#RELATIVE:yes\n#BPM:150\n: 0 4 0 one\n- 8\n: 0 4 0 two\nE\n")
    assert starts_s(without) == [0.0, 0.8]
    assert without.notes == (
        "line 4 is a line break without the second number that #RELATIVE asks for; the first one was used",
    )


def test_the_second_number_of_a_line_break_means_nothing_where_beats_are_not_relative() -> None:
    assert starts_s(read("#BPM:150\n: 0 4 0 one\n- 8 9\n: 10 4 0 two\nE\n")) == [0.0, 1.0]


def test_voices_and_their_names() -> None:
    duet = read_lyrics(FILES / "duet.txt")
    assert duet.singers == ("Left", "Right")
    assert [(line.singer, line.text) for line in duet.lines] == [(1, "mine"), (2, "yours"), (1, "ours"), (2, "ours")]
    voices = read_lyrics(FILES / "voices.txt")  # of version 1, in which P3 is a voice of its own
    assert voices.singers == ("Low", "Singer 2", "High")
    assert [(line.singer, line.text) for line in voices.lines] == [(1, "low"), (2, "middle"), (3, "high")]


@pytest.mark.parametrize(
    ("headers", "singers"),
    [("", [1, 2]), ("#P3:Both\n", [1]), ("#VERSION:1.0.0\n", [1]), ("#VERSION:0.3.0\n", [1, 2])],
)
def test_p3_is_both_voices_unless_the_file_says_otherwise(headers: str, singers: list[int]) -> None:
    lyrics = read(f"#BPM:300\n{headers}P3\n: 0 4 0 all\nE\n")
    assert [line.singer for line in lyrics.lines] == singers


def test_a_change_of_voice_is_no_line_break_and_the_first_voice_need_not_be_said() -> None:
    lyrics = read("#BPM:150\n: 0 4 0 one\nP2\n: 0 4 0 other\nP1\n: 4 4 0  two\nE\n")
    assert [(line.singer, line.text) for line in lyrics.lines] == [(1, "one two"), (2, "other")]


def test_a_file_of_version_2_counts_plain_beats() -> None:
    assert starts_s(read_lyrics(FILES / "version2.txt")) == [2.0, 4.0]


def test_changes_of_tempo_and_times_before_the_song() -> None:
    # 1 s a beat up to 2, 0.5 s up to 6, then 2 s; beat 0 is at -0.5 s.
    lyrics = read_lyrics(FILES / "tempo.txt")
    assert starts_s(lyrics) == [0.0, 0.0, 0.5, 1.5, 3.5, 7.5]
    relative = read("#RELATIVE:yes\n#BPM:15\n: 0 1 0 one\n- 8 8\nB 2 30\n: 0 1 0 two\n: 4 1 0 three\nE\n")
    assert starts_s(relative) == [0.0, 8.0, 11.0]  # beat 10 is the first faster one
    assert lyrics.notes == ("line 5 is a note before the song begins; it begins with the song (and 1 more line)",)


def test_a_tempo_from_the_first_change_where_there_is_no_header() -> None:
    lyrics = read("B 0 15\n: 2 1 0 la\nE\n")
    assert starts_s(lyrics) == [2.0]
    assert lyrics.notes == ("there is no #BPM; the first change of tempo (B) holds from the beginning",)


def test_the_encoding_that_the_file_names_holds_where_the_bytes_agree() -> None:
    lyrics = read_lyrics(FILES / "cp1250.txt")
    assert (lyrics.title, lyrics.lines[0].text, lyrics.notes) == ("Žluť", "Příliš žlutý", ())
    both = text_of("#ENCODING:CP1250\n#BPM:9\n: 0 1 0 ře\tč\nE".encode("cp1250"), "a.txt")
    assert parse_ultrastar(both).lines[0].text == "ře č"  # bytes that Windows-1252 has letters for too
    stale = read_lyrics(FILES / "stale-encoding.txt")
    assert (stale.title, stale.lines[0].text) == ("Žluť", "Příliš")
    assert stale.notes == ("#ENCODING says CP1252, but it is UTF-8, and was read so",)
    unknown = parse_ultrastar(text_of("#ENCODING:rot13\n#BPM:9\n: 0 1 0 née\nE".encode("cp1252"), "a.txt"))
    assert unknown.lines[0].text == "née"
    assert unknown.notes == ("it is no UTF-8 and was read as Windows-1252; save it as UTF-8 if letters are wrong",)


def test_what_is_odd_is_read_and_said() -> None:
    lyrics = read_lyrics(FILES / "odd.txt")
    assert (lyrics.title, lyrics.artist) == ("Everything at Once", "")
    first, second = lyrics.lines
    assert notes(first) == [
        ("tabs", 0.0, 0.2, 60, "normal"),
        (" nothing", 0.2, 0.2, None, "freestyle"),
        (" unpitched", 0.4, 0.6, None, "freestyle"),
        (" lengthless", 0.6, 0.6, None, "freestyle"),
        (" unknown", 0.8, 1.0, None, "freestyle"),
        (" shrill", 1.0, 1.2, None, "freestyle"),
    ]
    assert notes(second) == [
        ("out", 1.8, 2.0, 60, "normal"),
        ("in", 2.0, 2.2, 60, "normal"),
        (" long", 2.5, 2.7, 60, "normal"),
        (" over", 2.7, 2.9, 60, "normal"),
    ]
    assert lyrics.notes == (
        "there is no E at the end; the file may have lost its last lines",
        "line 6 has a #GAP that is no number of milliseconds; 0 was used",
        "line 7 has a #VERSION that is none; the file was read as one without",
        "line 10 is a note without a length; it does not count (and 1 more line)",
        "line 11 is a note without a pitch that can be sung; it does not count (and 1 more line)",
        "line 13 is a note of the unknown kind 'X'; it does not count",
        "line 15 is a line break with something else in it; that was left out",
        "line 17 was not understood and was left out",
        "line 18 begins a line whose notes are out of order; they were put in order",
        "line 21 is a note that begins while the one before lasts; that one ends here",
        "line 22 names the voice P0, which there is not; it was left out",
    )


def test_nothing_is_read_after_the_end() -> None:
    lyrics = read_lyrics(FILES / "after-the-end.txt")
    assert [line.text for line in lyrics.lines] == ["here"]
    assert lyrics.notes == ("line 6 and what follows was left out, for an E in line 5 ends the song",)


def test_a_note_beyond_a_day_is_left_out() -> None:
    lyrics = read("#BPM:300\n: 0 4 0 la\n: 2000000 4 0 far\nE\n")
    assert (lyrics.lines[0].text, lyrics.notes) == ("la", ("line 3 is a note beyond 24 h and was left out",))
    with pytest.raises(LyricsError, match=r"song\.txt:2: expected notes within 24 h, found none; correct #BPM and"):
        read("#BPM:0.000001\n: 9 4 0 la\nE\n")


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("no-bpm.txt", r"no-bpm\.txt:3: expected #BPM:NUMBER before the notes, found none; add the song's tempo"),
        ("bpm-word.txt", r"bpm-word\.txt:2: expected #BPM as a number above 0, found 'fast'; correct the song's tempo"),
        ("bpm-zero.txt", r"bpm-zero\.txt:2: expected #BPM as a number above 0, found '0'; correct the song's tempo"),
        ("no-notes.txt", r"no-notes\.txt:6: expected notes such as ': 0 4 7 la', found none to the end; get a whole"),
    ],
)
def test_what_cannot_be_sung_is_an_error_with_its_line(file: str, words: str) -> None:
    with pytest.raises(LyricsError, match=words):
        read_lyrics(FILES / file)


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 400)), max_size=6, unique_by=lambda change: change[0]),
    st.integers(1, 400),
    st.integers(0, 2000),
    st.lists(st.integers(0, 80), min_size=1, max_size=8, unique=True).map(sorted),
)
def test_times_are_those_of_going_from_beat_to_beat(
    changes: list[tuple[int, int]], bpm: int, gap_ms: int, beats: list[int]
) -> None:
    at_s, now_bpm, times_s = gap_ms / 1000, bpm, {}
    for beat in range(max(beats) + 1):
        now_bpm = dict(changes).get(beat, now_bpm)
        times_s[beat] = at_s
        at_s += 60 / (4 * now_bpm)
    lines = [f"#BPM:{bpm}", f"#GAP:{gap_ms}", *(f"B {beat} {to}" for beat, to in changes)]
    lyrics = read("\n".join([*lines, *(f": {beat} 1 0 la" for beat in beats), "E"]))
    found = [syllable.start_s for line in lyrics.lines for syllable in line.syllables]
    assert found == pytest.approx([times_s[beat] for beat in beats], abs=1e-9)


bare = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="~"), min_size=1, max_size=6)


class Sung(NamedTuple):
    """A note as it is written."""

    beat: int
    length_beats: int
    pitch: int
    kind: NoteKind
    text: str


Voice = list[list[Sung]]


@st.composite
def songs(draw: st.DrawFn) -> list[Voice]:
    """Voices of lines, with spaces before words or after them."""
    song: list[Voice] = []
    is_after = draw(st.booleans())
    for _ in range(draw(st.integers(1, 2))):
        voice: Voice = []
        beat = draw(st.integers(0, 50))
        for count in draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)):
            line: list[Sung] = []
            for at in range(count):
                space = draw(st.sampled_from(("", " ")))
                before, after = (" " * (not is_after and at > 0 and space != ""), space * (is_after and at + 1 < count))
                length, pitch = draw(st.integers(1, 40)), draw(st.integers(-30, 30))
                line.append(
                    Sung(beat, length, pitch, draw(st.sampled_from(sorted(MARKS))), before + draw(bare) + after)
                )
                beat += length + draw(st.integers(0, 20))
            voice.append(line)
            beat += draw(st.integers(1, 100))
        song.append(voice)
    return song


def expected(song: list[Voice], bpm: float, gap_ms: int) -> list[tuple[float, int, list[object]]]:
    """Lines by the format's formula, in the order in which they begin."""

    def seconds(beat: int) -> float:
        return round(gap_ms / 1000 + beat * 60 / (bpm * 4), 6)

    lines = [
        (
            seconds(line[0].beat),
            singer,
            [
                (
                    note.text,
                    seconds(note.beat),
                    seconds(note.beat + note.length_beats),
                    60 + note.pitch if note.kind in ("normal", "golden") else None,
                    note.kind,
                )
                for note in line
            ],
        )
        for singer, voice in enumerate(song, 1)
        for line in voice
    ]
    return sorted(lines, key=lambda line: line[0])


def written(song: list[Voice], relative: bool) -> list[str]:
    """The body of a file."""
    lines: list[str] = []
    for singer, voice in enumerate(song, 1):
        lines += [f"P{singer}"] * (len(song) > 1)
        shift = 0
        for number, line in enumerate(voice):
            if number:
                to = line[0].beat - 1 - shift
                lines.append(f"- {to} {to}" if relative else f"- {to}")
                shift += to if relative else 0
            lines += [
                f"{MARKS[note.kind]} {note.beat - shift} {note.length_beats} {note.pitch} {note.text}" for note in line
            ]
    return lines


@given(
    songs(),
    st.integers(100, 99_999).map(lambda hundredths: hundredths / 100),
    st.integers(0, 60_000),
    st.booleans(),
    st.sampled_from(("utf-8", "utf-8-sig", "utf-16")),
    st.sampled_from(("\n", "\r\n", "\r")),
)
def test_random_songs_are_read_back(
    song: list[Voice], bpm: float, gap_ms: int, relative: bool, encoding: str, end: str
) -> None:
    headers = [f"#BPM:{str(bpm).replace('.', ',')}", f"#GAP:{gap_ms}", f"#RELATIVE:{'yes' if relative else 'no'}"]
    lyrics = read(end.join([*headers, *written(song, relative), "E"]), encoding)
    assert lyrics.notes == ()
    assert [(round(line.start_s, 6), line.singer, notes(line)) for line in lyrics.lines] == expected(song, bpm, gap_ms)
