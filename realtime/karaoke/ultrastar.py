"""Words and notes as UltraStar files.

    #TITLE:Title
    #ARTIST:Artist
    #MP3:song.ogg
    #BPM:300
    #GAP:7250
    : 0 3 5 Hel
    : 4 8 7 lo
    - 14
    * 16 8 9 world
    E

A note is a kind (: normal, * golden, F freestyle, R rap, G golden rap), its first beat, its length in beats, its pitch
and its text; a dash ends a line. Beat b is sung at GAP / 1000 + 60 b / (4 BPM) seconds, for "the value is implicitly
quadrupled" (until version 2 of the format, where it is not), and pitch 0 is C4, which is 60 in MIDI:
https://github.com/UltraStar-Deluxe/format, "The UltraStar File Format (Unversioned)" and "(v1)", 3.3, 3.8, 4.1 and
appendix A (#RELATIVE). Changes of tempo (B) and P3, both voices, are no longer in it, but in files; they are read
as UltraStar Deluxe does (USong.pas, https://github.com/UltraStar-Deluxe/USDX).
"""

from __future__ import annotations

import bisect
import itertools
import re
from dataclasses import dataclass, replace

from .lyrics import Line, Lyrics, Syllable
from .lyrics_text import LATEST_S, LyricsText, tidied
from .ultrastar_notes import NUMBER, Body, Note, number_of, read_body

HEADER = re.compile(r"[ \t]*#([^:]*):(.*)")
_NUMBER = re.compile(NUMBER)
_VERSION = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,4}){0,2}")
_BEATS = 4  # in one as the file's BPM counts them
_HOLD = "~"


@dataclass(frozen=True, slots=True)
class Header:
    """A value and the line it is in, from 1."""

    line: int
    value: str


class _Clock:
    """Seconds of beats.

    Args:
        gap_s: of beat 0.
        tempos: (from this beat on, beats per minute), rising; the first one holds before it too.
    """

    def __init__(self, gap_s: float, tempos: list[tuple[float, float]]) -> None:
        first_beat, first_bpm = tempos[0]
        self._beats, self._bpm = [first_beat], [first_bpm]
        self._starts_s = [gap_s + first_beat * 60 / first_bpm]
        for beat, bpm in tempos[1:]:
            self._starts_s.append(self.seconds(beat))
            self._beats.append(beat)
            self._bpm.append(bpm)

    def seconds(self, beat: float) -> float:
        part = max(0, bisect.bisect_right(self._beats, beat) - 1)
        return self._starts_s[part] + (beat - self._beats[part]) * 60 / self._bpm[part]


def read_headers(text: LyricsText) -> dict[str, Header]:
    """Headers by name in capitals, wherever they are; the last of a name, none that is empty."""
    headers: dict[str, Header] = {}
    for number, line in enumerate(text.lines, 1):
        found = HEADER.fullmatch(line)
        if found is not None and found[2].strip():
            headers[found[1].strip().upper()] = Header(number, " ".join(found[2].split()))
    return headers


def parse_ultrastar(text: LyricsText) -> Lyrics:
    """Read an UltraStar file.

    Text that begins or ends with ~ holds the syllable before it, and may be empty. Notes that overlap end where the
    next one begins; what would begin before the song begins with it.

    Raises:
        LyricsError: there are no notes, or no tempo that could be used.
    """
    headers = read_headers(text)
    version = _major_version(text, headers)
    third_has_name = "P3" in headers or "DUETSINGERP3" in headers
    body = read_body(
        text,
        relative=_value(headers, "RELATIVE").lower() in ("yes", "true", "1"),
        three_is_both=version == 0 and not third_has_name,
    )
    if not body.voices:
        raise text.error(
            len(text.lines), "expected notes such as ': 0 4 7 la', found none to the end; get a whole copy of the file"
        )
    clock = _Clock(_gap_s(text, headers), _tempos(text, headers, body, 1 if version >= 2 else _BEATS))
    lines = [
        Line(syllables, singer)
        for singer, voice in enumerate(body.voices.values(), 1)
        for notes in voice
        if (syllables := _syllables(text, notes, clock))
    ]
    if not lines:
        raise text.error(
            body.voices[min(body.voices)][0][0].line,
            f"expected notes within {LATEST_S / 3600:.0f} h, found none; correct #BPM and #GAP",
        )
    return Lyrics(
        lines=tuple(sorted(lines, key=lambda line: line.start_s)),
        timing="note",
        title=_value(headers, "TITLE"),
        artist=_value(headers, "ARTIST"),
        language=_value(headers, "LANGUAGE"),
        singers=_names(headers, list(body.voices)),
        notes=text.oddities.sentences(),
    )


def _syllables(text: LyricsText, notes: list[Note], clock: _Clock) -> tuple[Syllable, ...]:
    notes = [note for note in notes if _is_within_song(text, note, clock)]
    if any(note.start_beat < before.start_beat for before, note in itertools.pairwise(notes)):
        text.oddities.add(notes[0].line, "begins a line whose notes are out of order; they were put in order")
        notes.sort(key=lambda note: note.start_beat)
    syllables: list[Syllable] = []
    for note, words in zip(notes, tidied([_without_hold(note.text) for note in notes]), strict=True):
        start_s = clock.seconds(note.start_beat)
        end_s = clock.seconds(note.start_beat + note.length_beats)
        if start_s < 0:
            text.oddities.add(note.line, "is a note before the song begins; it begins with the song")
        start_s, end_s = max(0.0, start_s), max(0.0, end_s)
        if syllables and syllables[-1].end_s > start_s + 1e-9:
            text.oddities.add(note.line, "is a note that begins while the one before lasts; that one ends here")
        if syllables and syllables[-1].end_s > start_s:
            syllables[-1] = replace(syllables[-1], end_s=start_s)
        syllables.append(Syllable(text=words, start_s=start_s, end_s=end_s, pitch_midi=note.pitch_midi, kind=note.kind))
    return tuple(syllables)


def _is_within_song(text: LyricsText, note: Note, clock: _Clock) -> bool:
    is_within = clock.seconds(note.start_beat + note.length_beats) <= LATEST_S
    if not is_within:
        text.oddities.add(note.line, f"is a note beyond {LATEST_S / 3600:.0f} h and was left out")
    return is_within


def _without_hold(words: str) -> str:
    bare = words.strip()
    return words.replace(bare, bare.strip(_HOLD), 1) if _HOLD in bare else words


def _tempos(text: LyricsText, headers: dict[str, Header], body: Body, times: int) -> list[tuple[float, float]]:
    changes = sorted((beat, bpm * times) for beat, bpm in body.tempos if bpm > 0)
    if len(changes) < len(body.tempos):
        text.oddities.add(0, "a change of tempo (B) to nothing was left out")
    header = headers.get("BPM")
    if header is None:
        if changes:
            text.oddities.add(0, "there is no #BPM; the first change of tempo (B) holds from the beginning")
            return changes
        raise text.error(
            body.voices[min(body.voices)][0][0].line,
            "expected #BPM:NUMBER before the notes, found none; add the song's tempo",
        )
    bpm = number_of(header.value) if _NUMBER.fullmatch(header.value) else 0.0
    if bpm <= 0:
        raise text.error(
            header.line, f"expected #BPM as a number above 0, found '{header.value[:40]}'; correct the song's tempo"
        )
    return [(min([0.0, *(beat for beat, _ in changes)]), bpm * times), *changes]


def _gap_s(text: LyricsText, headers: dict[str, Header]) -> float:
    header = headers.get("GAP")
    if header is None:
        return 0.0
    if not _NUMBER.fullmatch(header.value):
        text.oddities.add(header.line, "has a #GAP that is no number of milliseconds; 0 was used")
        return 0.0
    return number_of(header.value) / 1000


def _major_version(text: LyricsText, headers: dict[str, Header]) -> int:
    header = headers.get("VERSION")
    if header is None:
        return 0
    if not _VERSION.fullmatch(header.value):
        text.oddities.add(header.line, "has a #VERSION that is none; the file was read as one without")
        return 0
    version = int(header.value.partition(".")[0])
    if version > 2:
        text.oddities.add(
            header.line, f"says version {header.value}; the file was read as version 2, which may be wrong"
        )
    return version


def _names(headers: dict[str, Header], voices: list[int]) -> tuple[str, ...]:
    if len(voices) < 2:
        return ()
    return tuple(
        _value(headers, f"P{number}") or _value(headers, f"DUETSINGERP{number}") or f"Singer {at}"
        for at, number in enumerate(voices, 1)
    )


def _value(headers: dict[str, Header], name: str) -> str:
    return headers[name].value if name in headers else ""
