"""The body of an UltraStar file: notes by voice and line, in beats; see `ultrastar`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .lyrics import NoteKind
from .lyrics_text import LyricsText

NUMBER = r"[+-]?[0-9]{1,9}(?:[.,][0-9]{1,9})?"
NOTE = re.compile(rf"[ \t]*([:*FRG])[ \t]*({NUMBER})(?:[ \t]+({NUMBER}))?(?:[ \t]+({NUMBER}))?(?:[ \t](.*)|[ \t]*)")
_UNKNOWN_NOTE = re.compile(rf"([!-\"$-~])[ \t]+({NUMBER})[ \t]+({NUMBER})[ \t]+({NUMBER})(?:[ \t](.*)|[ \t]*)")
_BREAK = re.compile(rf"-[ \t]*({NUMBER})?(?:[ \t]+({NUMBER}))?[ \t]*")
_VOICE = re.compile(r"P[ \t]*([0-9])\W*")
_TEMPO = re.compile(rf"B[ \t]+({NUMBER})[ \t]+({NUMBER})[ \t]*")
_END = re.compile(r"E(?:[ \t].*)?")
_KINDS: dict[str, NoteKind] = {":": "normal", "*": "golden", "F": "freestyle", "R": "rap", "G": "golden rap"}
_MIDDLE_C_MIDI = 60
_LOWEST_MIDI, _HIGHEST_MIDI = 0, 127


@dataclass(frozen=True, slots=True)
class Note:
    """One note.

    Attributes:
        line: of the file, from 1.
        start_beat: from the file's beat 0.
        length_beats: not below 0.
        pitch_midi: None where it does not count.
        kind: how it counts.
        text: as it is in the file, spaces too.
    """

    line: int
    start_beat: float
    length_beats: float
    pitch_midi: float | None
    kind: NoteKind
    text: str


@dataclass(slots=True)
class _Voice:
    lines: list[list[Note]] = field(default_factory=lambda: [[]])
    shift_beats: float = 0.0


@dataclass(frozen=True, slots=True)
class Body:
    """All notes.

    Attributes:
        voices: lines of notes by the voice's number in the file; no line is empty.
        tempos: (beat, beats per minute as written) of changes.
    """

    voices: dict[int, list[list[Note]]]
    tempos: list[tuple[float, float]]


def number_of(text: str) -> float:
    """Of what `NUMBER` matches: with a point or a comma."""
    return float(text.replace(",", "."))


def read_body(text: LyricsText, *, relative: bool, three_is_both: bool) -> Body:
    """Read what is no header.

    Args:
        text: the whole file.
        relative: beats count from the last line break, whose second number says how far that is from the one before.
        three_is_both: P3 is voices 1 and 2 together, not a third one.
    """
    voices: dict[int, _Voice] = {}
    tempos: list[tuple[float, float]] = []
    now: tuple[int, ...] = (1,)
    for number, line in _lines_of_body(text):
        voice = _VOICE.fullmatch(line)
        if voice is not None:
            if voice[1] == "0":
                text.oddities.add(number, "names the voice P0, which there is not; it was left out")
            else:
                now = (1, 2) if three_is_both and voice[1] == "3" else (int(voice[1]),)
            continue
        # A change of tempo counts from where the first voice is, as in UltraStar Deluxe.
        first_shift = voices[1].shift_beats if 1 in voices else 0.0
        sung = [voices.setdefault(each, _Voice()) for each in now]
        tempo = _TEMPO.fullmatch(line)
        if tempo is not None:
            tempos.append((number_of(tempo[1]) + first_shift, number_of(tempo[2])))
        elif line.startswith("-"):
            _break_line(text, number, line, sung, relative)
        else:
            _add_note(text, number, line, sung)
    filled = {each: [notes for notes in voice.lines if notes] for each, voice in sorted(voices.items())}
    return Body({each: lines for each, lines in filled.items() if lines}, tempos)


def _lines_of_body(text: LyricsText) -> Iterator[tuple[int, str]]:
    ended_at = 0
    for number, whole in enumerate(text.lines, 1):
        line = whole.lstrip(" \t")
        if not line.strip() or line.startswith("#"):
            continue
        if ended_at:
            text.oddities.add(number, f"and what follows was left out, for an E in line {ended_at} ends the song")
            return
        if _END.fullmatch(line):
            ended_at = number
        else:
            yield number, line
    if not ended_at:
        text.oddities.add(0, "there is no E at the end; the file may have lost its last lines")


def _break_line(text: LyricsText, number: int, line: str, voices: list[_Voice], relative: bool) -> None:
    found = _BREAK.fullmatch(line)
    if found is None:
        text.oddities.add(number, "is a line break with something else in it; that was left out")
    elif relative and found[2] is None:
        text.oddities.add(
            number, "is a line break without the second number that #RELATIVE asks for; the first one was used"
        )
    for voice in voices:
        voice.lines.append([])
        if relative and found is not None:
            voice.shift_beats += number_of(found[2] or found[1] or "0")


def _add_note(text: LyricsText, number: int, line: str, voices: list[_Voice]) -> None:
    found = NOTE.fullmatch(line) or _UNKNOWN_NOTE.fullmatch(line)
    if found is None:
        text.oddities.add(number, "was not understood and was left out")
        return
    kind = _KINDS.get(found[1], "freestyle")
    if found[1] not in _KINDS:
        text.oddities.add(number, f"is a note of the unknown kind '{found[1]}'; it does not count")
    length_beats = number_of(found[3]) if found[3] else 0.0
    pitch_midi = _MIDDLE_C_MIDI + number_of(found[4]) if found[4] else None
    if length_beats <= 0:
        text.oddities.add(number, "is a note without a length; it does not count")
        length_beats, kind = 0.0, "freestyle"
    elif pitch_midi is None or not _LOWEST_MIDI <= pitch_midi <= _HIGHEST_MIDI:
        text.oddities.add(number, "is a note without a pitch that can be sung; it does not count")
        kind = "freestyle"
    for voice in voices:
        voice.lines[-1].append(
            Note(
                line=number,
                start_beat=number_of(found[2]) + voice.shift_beats,
                length_beats=length_beats,
                pitch_midi=pitch_midi if kind in ("normal", "golden") else None,
                kind=kind,
                text=found[5] or "",
            )
        )
