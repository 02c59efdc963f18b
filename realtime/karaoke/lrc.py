"""Words as LRC files: a time before each line, or before each word too.

    [ti:Title]
    [00:12.50]Words of a line
    [00:17.20]<00:17.20>Words <00:17.80>each <00:18.10>with <00:18.60>a time<00:19.40>
    [00:24.00]
    [00:30.00][01:30.00]Words that come twice
    [00:36.00]F: words that she sings, until M: (he) or D: (both) says otherwise

There is no standard; this reads what programs write. Lines, several times a line, tags, the offset and its sign
("a positive value causes lyrics to appear sooner"), the marks F: M: D: of Walaoke:
https://en.wikipedia.org/wiki/LRC_(file_format). Times of words, by their inventor:
http://www.cdmi.net/a2player/lrc_center.html. Times of words in square brackets and an end of the line after its last
word are read the same. A line with a time and no words ends the line before.
"""

from __future__ import annotations

import bisect
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from .lyrics import Line, Lyrics, Syllable
from .lyrics_text import LATEST_S, LyricsText, tidied

TIME_TAG = re.compile(r"([\[<])[ \t]*(-?)([0-9]{1,4}):([0-9]{1,3})(?::([0-9]{1,3}))?(?:[.,]([0-9]{1,9}))?[ \t]*[\]>]")
_TAG = re.compile(r"\[[ \t]*([A-Za-z#]\w{0,20})[ \t]*:(.*?)\]?")
_NEXT_TAG = re.compile(r"\](?=[ \t]*\[[ \t]*[A-Za-z#]\w{0,20}[ \t]*:)")
_OFFSET = re.compile(r"[+-]?[0-9]{1,9}(?:[.,][0-9]{1,9})?")
_MARK = re.compile(r"\s*([FMD])[ \t]*:\s*")
_SINGERS = {"M": (1,), "F": (2,), "D": (1, 2)}
_SINGER_NAMES = ("Male", "Female")

# Without an end in the file: slow singing, so that a line does not stay lit through a solo.
_HELD_S, _LETTER_S, _WIDE_LETTER_S = 1.5, 0.2, 0.6


@dataclass(frozen=True, slots=True)
class _Timed:
    """A line at one of its times: pieces of text, each lasting to the next one's time; an empty one is a pause."""

    start_s: float
    pieces: list[tuple[float, str]]
    singers: tuple[int, ...]


@dataclass(slots=True)
class _Song:
    text: LyricsText
    tags: dict[str, str] = field(default_factory=dict[str, str])
    lines: list[_Timed] = field(default_factory=list[_Timed])
    gaps_s: list[float] = field(default_factory=list[float])
    mark: str = ""
    offset_s: float = 0.0
    by_word: bool = False


def parse_lrc(text: LyricsText) -> Lyrics:
    """Read an LRC file.

    A line lasts until the next one or a gap begins, but no longer than 1.5 s and 0.2 s a letter (0.6 s a letter
    as wide as Chinese ones), so the last one too; so does the last word of a line without an end.

    Raises:
        LyricsError: no line has both a time and words.
    """
    song = _Song(text)
    three_are_hours = _three_are_hours(text)
    for number, line in enumerate(text.lines, 1):
        if line.strip():
            _read_line(song, number, line.strip(), three_are_hours)
    if not song.lines:
        raise text.error(
            1, "expected lines such as '[00:12.50]words', found no words with a time; choose a file of timed words"
        )
    bounds_s = sorted({*(line.start_s for line in song.lines), *song.gaps_s})
    voices = sorted({singer for line in song.lines for singer in line.singers})
    built = [
        Line(syllables, voices.index(singer) + 1)
        for line in song.lines
        for syllables in [_syllables(song, line, bounds_s)]
        for singer in line.singers
    ]
    return Lyrics(
        lines=tuple(sorted(built, key=lambda line: line.start_s)),
        timing="word" if song.by_word else "line",
        title=song.tags.get("ti", ""),
        artist=song.tags.get("ar", ""),
        language=song.tags.get("la", ""),
        singers=_SINGER_NAMES if len(voices) > 1 else (),
        notes=text.oddities.sentences(),
    )


def longest_s(words: str) -> float:
    """How long words without an end are taken to last at most."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in words)
    return _HELD_S + wide * _WIDE_LETTER_S + (len(words) - wide) * _LETTER_S


def _read_line(song: _Song, number: int, line: str, three_are_hours: bool) -> None:
    tags = list(TIME_TAG.finditer(line))
    if not tags:
        _read_tags(song, number, line)
        return
    if tags[0].start():
        if _TAG.fullmatch(line):
            song.text.oddities.add(number, "has times within a tag and was left out")
            return
        song.text.oddities.add(number, "has words before its time; those were left out")
    times_s = [_seconds(tag, three_are_hours) for tag in tags]
    if max(times_s) > LATEST_S:
        song.text.oddities.add(number, f"has a time beyond {LATEST_S / 3600:.0f} h and was left out")
        return
    ends = [*(tag.start() for tag in tags[1:]), len(line)]
    texts = [line[tag.end() : end] for tag, end in zip(tags, ends, strict=True)]
    # Square brackets before the first word are times at which the whole line comes.
    count = 1
    while count < len(tags) and tags[count - 1][1] == tags[count][1] == "[" and not texts[count - 1].strip():
        count += 1
    starts_s = times_s[:count]
    pieces = list(zip(times_s[count:], texts[count:], strict=True))
    # Times of words go with one of the line's times, and are moved for the others.
    own_s = min(starts_s, key=lambda start_s: abs(start_s - pieces[0][0])) if pieces else starts_s[0]
    _add_line(song, number, (starts_s, own_s), [(own_s, texts[count - 1]), *pieces])


def _add_line(song: _Song, number: int, starts_s: tuple[list[float], float], pieces: list[tuple[float, str]]) -> None:
    all_s, own_s = starts_s
    at = next((at for at, (_, words) in enumerate(pieces) if words.strip()), 0)
    mark = _MARK.match(pieces[at][1])
    if mark is not None:
        song.mark = mark[1]
        pieces[at] = (pieces[at][0], pieces[at][1][mark.end() :])
    while pieces and not pieces[0][1].strip():
        del pieces[0]
    if not pieces:
        song.gaps_s += all_s
        return
    song.by_word |= pieces[0][0] != own_s or any(words.strip() for _, words in pieces[1:])
    for at in range(1, len(pieces)):
        if pieces[at][0] < pieces[at - 1][0]:
            song.text.oddities.add(number, "has a word that begins before the one before it; it begins with that one")
            pieces[at] = (pieces[at - 1][0], pieces[at][1])
    singers = _SINGERS[song.mark or "M"]
    song.lines += [_Timed(start_s, [(s - own_s + start_s, words) for s, words in pieces], singers) for start_s in all_s]


def _syllables(song: _Song, line: _Timed, bounds_s: Sequence[float]) -> tuple[Syllable, ...]:
    times_s: list[tuple[float, float]] = []
    texts: list[str] = []
    last_s, last_words = line.pieces[-1]
    next_bound = bisect.bisect_right(bounds_s, last_s)
    until_s = last_s + longest_s(last_words.strip())
    if next_bound < len(bounds_s):
        until_s = min(until_s, bounds_s[next_bound])
    ends_s = [*(start_s for start_s, _ in line.pieces[1:]), until_s]
    for (start_s, words), end_s in zip(line.pieces, ends_s, strict=True):
        if words.strip():
            times_s.append((max(0.0, start_s - song.offset_s), max(0.0, end_s - song.offset_s)))
            texts.append(words)
        else:
            texts[-1] += words
    return tuple(
        Syllable(text=text, start_s=start_s, end_s=end_s)
        for text, (start_s, end_s) in zip(tidied(texts), times_s, strict=True)
    )


def _read_tags(song: _Song, number: int, line: str) -> None:
    for part in _NEXT_TAG.sub("]\n", line).split("\n"):
        tag = _TAG.fullmatch(part.strip())
        if tag is None:
            song.text.oddities.add(number, "has no time and was left out")
            continue
        name, value = tag[1].lower(), " ".join(tag[2].split())
        if name != "offset":
            song.tags[{"lang": "la", "language": "la"}.get(name, name)] = value
        elif _OFFSET.fullmatch(value):
            song.offset_s = float(value.replace(",", ".")) / 1000
        elif value:
            song.text.oddities.add(number, "has an offset that is no number of milliseconds; none was used")


def _three_are_hours(text: LyricsText) -> bool:
    """Whether [1:02:03] is hours, minutes and seconds; programs write it for minutes, seconds and hundredths too."""
    found = [(number, tag) for number, line in enumerate(text.lines, 1) for tag in TIME_TAG.finditer(line) if tag[5]]
    if not found or any(tag[6] for _, tag in found):
        return True
    are_hours = all(len(tag[5]) == 2 and int(tag[5]) < 60 for _, tag in found)
    meaning = "hours:minutes:seconds" if are_hours else "minutes:seconds:hundredths"
    text.oddities.add(found[0][0], f"has a time of three numbers, which was read as {meaning}")
    return are_hours


def _seconds(tag: re.Match[str], three_are_hours: bool) -> float:
    sign, *numbers, fraction = tag.groups()[1:]
    if numbers[2] and not three_are_hours:
        fraction = numbers.pop()
    seconds = 0.0
    for number in numbers:
        seconds = seconds if number is None else seconds * 60 + int(number)
    if fraction:
        seconds += int(fraction) / 10 ** len(fraction)
    return -seconds if sign else seconds
