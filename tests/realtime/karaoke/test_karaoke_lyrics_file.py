"""Files of words: whose they are, what they hold, and that any bytes at all give words or a clear error."""

from __future__ import annotations

import contextlib
import math
import os
import re
from pathlib import Path

import pytest
import soundfile
from advsep.realtime.karaoke.lyrics import Lyrics
from advsep.realtime.karaoke.lyrics_file import find_lyrics, read_lyrics
from advsep.realtime.karaoke.lyrics_text import LyricsError, text_of, tidied
from hypothesis import given
from hypothesis import strategies as st

FILES = Path(__file__).parent / "lyrics"
DATA = Path(os.environ.get("ADVSEP_DATA", Path(__file__).parents[4] / "shared" / "data")) / "mixtures" / "ultrastar"
BY_LINE, BY_WORD, BY_NOTE = (
    b"[00:01.00]one two\n",
    b"[00:01.00]<00:01.00>one <00:02.00>two\n",
    b"#BPM:300\n#MP3:song.ogg\n: 0 4 0 one\nE\n",
)


def check(lyrics: Lyrics) -> None:
    """What `Lyrics` promises to everybody who shows or judges them."""
    assert lyrics.lines
    assert list(lyrics.lines) == sorted(lyrics.lines, key=lambda line: line.start_s)
    assert {line.singer for line in lyrics.lines} <= set(range(1, max(2, len(lyrics.singers) + 1)))
    assert len(lyrics.singers) != 1
    for line in lyrics.lines:
        assert line.syllables
        assert "  " not in line.text
        assert [s.start_s for s in line.syllables] == sorted(s.start_s for s in line.syllables)
        for syllable in line.syllables:
            assert 0 <= syllable.start_s <= syllable.end_s
            assert math.isfinite(syllable.end_s)
            assert not any(ord(sign) < 32 or 0x7F <= ord(sign) < 0xA0 for sign in syllable.text)
            assert syllable.pitch_midi is None or syllable.kind in ("normal", "golden")
            assert syllable.pitch_midi is None or 0 <= syllable.pitch_midi <= 127


@pytest.mark.parametrize("path", sorted(FILES.iterdir()), ids=lambda path: path.name)
def test_every_file_of_the_corpus_gives_words_or_says_what_is_wrong(path: Path) -> None:
    bad = {
        "bpm-word.txt", "bpm-zero.txt", "compressed.lrc", "empty.lrc", "gaps-only.lrc", "no-bpm.txt", "no-notes.txt",
        "no-times.txt", "space.txt", "zeros.lrc",
    }  # fmt: skip
    if path.name not in bad:
        check(read_lyrics(path))
        return
    with pytest.raises(LyricsError) as caught:
        read_lyrics(path)
    assert re.fullmatch(rf"{re.escape(str(path))}(:\d+)?: expected .*, found [^;]*; [a-z].*[^.]", str(caught.value))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("zeros.lrc", r"zeros\.lrc:2: expected words as text, found bytes that are none; choose a"),
        ("compressed.lrc", r"compressed\.lrc: expected words as text, found bytes that are none; choose a"),
        ("empty.lrc", r"empty\.lrc: expected the words of a song, found an empty file; get a whole copy"),
        ("space.txt", r"space\.txt: expected the words of a song, found nothing but space; get a whole copy"),
        ("no-times.txt", r"no-times\.txt: expected times before the words \(LRC\) or notes \(UltraStar\), found neit"),
        ("missing.lrc", r"missing\.lrc: cannot be read: No such file or directory; choose a \.lrc or \.txt file that"),
        (".", r"expected a file of words, found a folder or device; choose a \.lrc or \.txt file"),
    ],
)
def test_what_cannot_be_read_says_why(name: str, words: str) -> None:
    with pytest.raises(LyricsError, match=words):
        read_lyrics(FILES / name)


def test_a_file_that_is_too_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "large.lrc"
    with path.open("wb") as file:
        file.write(BY_LINE)
        file.truncate(1 << 40)  # takes no room
    with pytest.raises(LyricsError, match=r"large\.lrc: expected a file of words of 1 MiB at most, found a larger"):
        read_lyrics(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "song.lrc")
    with pytest.raises(LyricsError, match="found a folder or device"):
        read_lyrics(tmp_path / "song.lrc")


def test_content_says_what_a_file_is_not_its_name(tmp_path: Path) -> None:
    for name, content, timing in (("a.txt", BY_LINE, "line"), ("b.lrc", BY_NOTE, "note"), ("c", BY_WORD, "word")):
        (tmp_path / name).write_bytes(content)
        assert read_lyrics(tmp_path / name).timing == timing


def test_bytes_that_are_not_what_the_beginning_says_are_shown_and_said() -> None:
    text = text_of(b"\xef\xbb\xbf[00:01.00]\xe9t\xef\xbf\xbd\r\n\x1a", "a.lrc")
    assert text.lines == ("[00:01.00]�t�", "")
    assert text.oddities.sentences() == (
        "some of its bytes are no UTF-8, which its beginning says it is; they show as �",
    )
    assert text_of("\ufeff[00:01.00]�".encode(), "a.lrc").oddities.sentences() == ()
    odd_length = text_of("\ufeffab".encode("utf-16-le") + b"c", "a.lrc")
    assert odd_length.lines == ("ab�",)
    assert "are no UTF-16" in odd_length.oddities.sentences()[0]


def test_undefined_letters_of_windows_are_latin_1_and_control_signs_are_left_out() -> None:
    text = text_of(b"[00:01.00]\xe9\x81\x07" + b"a" * 100, "a.lrc")
    assert text.lines == ("[00:01.00]é" + "a" * 100,)
    assert text.oddities.sentences() == (
        "it is no UTF-8 and was read as Latin-1; save it as UTF-8 if letters are wrong",
    )


def test_a_line_of_thousands_of_letters_is_cut() -> None:
    text = text_of(b"[00:01.00]" + b"a" * 9000, "a.lrc")
    assert len(text.lines[0]) == 4000
    assert text.oddities.sentences() == ("line 1 is longer than 4000 letters; the rest was left out",)


@pytest.mark.parametrize(
    ("texts", "tidy"),
    [
        ([" Hel", "lo ", "  world "], ["Hel", "lo ", "world"]),
        (["one", " ", "", " two", " "], ["one", " ", "", "two", ""]),
        (["\u3000日本\u00a0", "の "], ["日本 ", "の"]),
        ([], []),
    ],
)
def test_one_space_parts_words(texts: list[str], tidy: list[str]) -> None:
    assert tidied(texts) == tidy


def found(folder: Path, song: str, **files: bytes) -> str | None:
    """Name of what is found in a folder of these files, `a_lrc` being a.lrc."""
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content)
    (folder / song).touch()
    path = find_lyrics(folder / song)
    assert path is None or path.parent == folder
    return None if path is None else path.name


def test_words_of_the_songs_name_are_found_in_any_letters(tmp_path: Path) -> None:
    assert found(tmp_path, "Song.ogg") is None
    assert found(tmp_path, "Song.ogg", SONG_LRC=BY_LINE) == "SONG.LRC"
    assert found(tmp_path, "Song.ogg", Song_lrc=BY_LINE) == "Song.lrc"  # of two of the same timing
    assert found(tmp_path, "Süd.ogg") is None
    (tmp_path / "Su\u0308d.lrc").write_bytes(BY_LINE)  # as a Mac spells it
    assert found(tmp_path, "Süd.ogg") == "Su\u0308d.lrc"


def test_the_finest_timing_that_can_be_read_is_found(tmp_path: Path) -> None:
    assert found(tmp_path, "song.ogg", song_lrc=BY_LINE, song_txt=BY_WORD) == "song.txt"
    assert found(tmp_path, "song.ogg", song_lrc=BY_WORD, song_txt=BY_LINE) == "song.lrc"
    assert found(tmp_path, "song.ogg", song_lrc=BY_WORD, song_txt=BY_NOTE) == "song.txt"
    assert found(tmp_path, "song.ogg", song_lrc=BY_LINE, song_txt=b"#BPM:0\n: 0 4 0 one\nE\n") == "song.lrc"


def test_damaged_words_are_found_where_there_are_no_others_so_that_reading_them_says_why(tmp_path: Path) -> None:
    assert found(tmp_path, "song.ogg", song_txt=b"Recorded at home, in May.\n") is None
    assert found(tmp_path, "song.ogg", song_txt=b"#TITLE:Song\n#BPM:300\n") == "song.txt"
    assert found(tmp_path, "song.ogg", song_lrc=b"words\n", song_txt=b"more\n") == "song.lrc"


def test_an_ultrastar_file_of_another_name_is_found_by_the_sound_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "other.ogg").touch()
    notes = BY_NOTE.replace(b"song.ogg", b"SONG.OGG")
    assert found(tmp_path, "song.ogg", readme_txt=b"Hello.\n", b_txt=BY_NOTE.replace(b"song", b"else")) is None
    assert found(tmp_path, "song.ogg", a_txt=notes) == "a.txt"
    assert found(tmp_path, "other.ogg") is None
    assert found(tmp_path, "song.ogg", a_txt=notes.replace(b"SONG", b"music\\Song")) == "a.txt"
    assert found(tmp_path, "song.opus") is None
    (tmp_path / "song.ogg").unlink()
    assert found(tmp_path, "song.opus") == "a.txt"  # which was converted
    assert found(tmp_path, "song.opus", song_lrc=BY_WORD) == "a.txt"


def test_the_only_ultrastar_file_beside_the_only_sound_is_its(tmp_path: Path) -> None:
    nameless = BY_NOTE.replace(b"#MP3:song.ogg\n", b"")
    assert found(tmp_path, "sound.ogg", words_txt=nameless, readme_txt=b"Hello.\n") == "words.txt"
    assert found(tmp_path, "sound.ogg", more_txt=nameless) is None
    (tmp_path / "more.txt").unlink()
    (tmp_path / "second.mp3").touch()
    assert found(tmp_path, "sound.ogg") is None


def test_a_song_that_is_not_there_has_no_words(tmp_path: Path) -> None:
    assert find_lyrics(tmp_path / "nowhere" / "song.ogg") is None
    assert find_lyrics(Path("\0")) is None


@pytest.mark.skipif(not DATA.is_dir(), reason="no recordings: set ADVSEP_DATA to their folder")
def test_real_songs_have_words_from_their_beginning_to_their_end() -> None:
    folders = sorted(DATA.iterdir())
    assert len(folders) >= 13
    for folder in folders:
        song = folder / "song.opus"
        assert find_lyrics(song) == folder / "song.txt"
        lyrics = read_lyrics(folder / "song.txt")
        check(lyrics)
        length_s = soundfile.info(song).duration
        last_s = max(line.end_s for line in lyrics.lines)
        assert 0.75 * length_s < last_s < length_s, folder.name
        assert lyrics.lines[0].start_s < 20, folder.name
        assert (lyrics.timing, lyrics.notes) == ("note", ()), folder.name
        assert lyrics.title
        assert len(lyrics.lines) >= 14
        assert all(0.1 < line.end_s - line.start_s < 20 and line.text for line in lyrics.lines), folder.name
        pitches = [s.pitch_midi for line in lyrics.lines for s in line.syllables if s.pitch_midi is not None]
        assert 40 < min(pitches) <= max(pitches) < 90, folder.name


fragments = st.sampled_from(
    (
        b"[", b"]", b"<", b">", b":", b"-", b"#", b"~", b" ", b"\t", b"\n", b"\r", b"\r\n", b"\0", b"\xff\xfe",
        b"\xef\xbb\xbf", b"\xe9", b"\xf0\x9f\x8e\xa4", b"[00:01.00]", b"<00:02.50>", b"[99:99:99]", b"[-0:1]",
        b"[offset:-99999999]",
        b"[ti:", b"F:", b"D:", b"#BPM:", b"#GAP:-", b"#RELATIVE:yes", b"#VERSION:2.0.0", b"#ENCODING:CP1250", b"#P3:x",
        b": 0 4 7 la", b"* -3 0 99999 x", b"F 1", b"- 4 8", b"-", b"P1", b"P3", b"B 4 0,001", b"B -9 9e9", b"E",
        b"999999999", b"0.000000001", b"300", "\u2028".encode(), "\x85".encode(), b"\x81",
    )
)  # fmt: skip


def gives_words_or_an_error(content: bytes, folder: Path) -> None:
    path = folder / "any.txt"
    path.write_bytes(content)
    with contextlib.suppress(LyricsError):
        check(read_lyrics(path))


@given(content=st.one_of(st.binary(max_size=200), st.lists(fragments, max_size=40).map(b"".join)))
def test_any_bytes_give_words_or_an_error(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    gives_words_or_an_error(content, tmp_path_factory.getbasetemp())


@given(
    st.sampled_from([path.read_bytes() for path in sorted(FILES.iterdir())]),
    st.lists(
        st.tuples(st.integers(0, 700), st.integers(0, 30), st.one_of(fragments, st.binary(max_size=3))), max_size=4
    ),
)
def test_damaged_files_give_words_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, damages: list[tuple[int, int, bytes]]
) -> None:
    for at, length, put in damages:
        content = content[:at] + put + content[at + length :]
    gives_words_or_an_error(content, tmp_path_factory.getbasetemp())
