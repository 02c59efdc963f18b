"""The text of a file of words: its bytes made letters, its lines counted, what is odd in it kept for the reader."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import AdvsepError

LARGEST_BYTES = 1 << 20
LATEST_S = 24 * 3600.0  # a time beyond this is a slip, not a song
_LONGEST_LINE = 4000
_MOST_CONTROL_SHARE = 0.01
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NAMED_ENCODING = re.compile(rb"^[ \t]*#[ \t]*ENCODING[ \t]*:[ \t]*([\w.-]+)", re.IGNORECASE | re.MULTILINE)
_ENCODINGS = re.compile(r"(utf-?8|(cp|windows-?)?125[0-8]|(iso-?8859|latin)-?(1|2|9|15))", re.IGNORECASE)
_CONTROL = re.compile("[\x01-\x08\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
_SPACE = re.compile(r"\s+")


class LyricsError(AdvsepError):
    """A file of words that cannot be read, or of which nothing sensible can be made."""


class Oddities:
    """What was odd in a file and how it was read; the same of many lines is said once."""

    def __init__(self) -> None:
        self._found: dict[str, list[int]] = {}

    def add(self, line: int, what: str) -> None:
        """Of a line by number, from 1; 0: of the whole file."""
        lines = self._found.setdefault(what, [])
        if line not in lines[-1:]:
            lines.append(line)

    def sentences(self) -> tuple[str, ...]:
        """By line, those of the whole file first."""
        return tuple(_sentence(what, lines) for what, lines in sorted(self._found.items(), key=lambda item: item[1][0]))


@dataclass(frozen=True, slots=True)
class LyricsText:
    """A file as lines.

    Attributes:
        name: of the file, for messages.
        lines: without their ends.
        oddities: what is to be said about it; readers add to them.
    """

    name: str
    lines: tuple[str, ...]
    oddities: Oddities

    def error(self, line: int, what: str) -> LyricsError:
        """To be raised: what was expected, what was found and what to do, at a line from 1."""
        return LyricsError(f"{self.name}:{line}: {what}")


def read_text(path: Path) -> LyricsText:
    """Read a file as text, see `text_of`.

    Raises:
        LyricsError: missing, unreadable, no file, empty, larger than 1 MiB, or no text.
    """
    try:
        if path.exists() and not path.is_file():
            raise LyricsError(f"{path}: expected a file of words, found a folder or device; choose a .lrc or .txt file")
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise LyricsError(
            f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}; choose a .lrc or .txt file that can"
        ) from None
    return text_of(content, str(path))


def text_of(content: bytes, name: str) -> LyricsText:
    """The text of a file's bytes.

    A byte order mark says UTF-8 or UTF-16. Without one it is UTF-8 if it can be, then what UltraStar's #ENCODING
    says, then Windows-1252, then Latin-1. Lines end with LF, CR LF or CR.

    Raises:
        LyricsError: empty, too large, or no text.
    """
    if not content:
        raise LyricsError(f"{name}: expected the words of a song, found an empty file; get a whole copy")
    if len(content) > LARGEST_BYTES:
        raise LyricsError(
            f"{name}: expected a file of words of {LARGEST_BYTES >> 20} MiB at most, found a larger one; "
            "choose a .lrc or .txt file"
        )
    oddities = Oddities()
    text = _decoded(content, oddities).replace("\r\n", "\n").replace("\r", "\n")
    _check_is_text(text, name)
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if len(line) > _LONGEST_LINE:
            oddities.add(number, f"is longer than {_LONGEST_LINE} letters; the rest was left out")
    return LyricsText(name, tuple(_CONTROL.sub("", line[:_LONGEST_LINE]) for line in lines), oddities)


def tidied(texts: Sequence[str]) -> list[str]:
    """The texts of a line's syllables with one space at most between two, and none before and after all of them.

    Files part words by a space before or after a syllable, or both.
    """
    tidy: list[str] = []
    parted = True
    for text in texts:
        piece = _SPACE.sub(" ", text)
        if parted:
            piece = piece.removeprefix(" ")
        parted = piece.endswith(" ") if piece else parted
        tidy.append(piece)
    for at in reversed(range(len(tidy))):
        tidy[at] = tidy[at].removesuffix(" ")
        if tidy[at]:
            break
    return tidy


def _sentence(what: str, lines: list[int]) -> str:
    if not lines[0]:
        return what
    more = len(lines) - 1
    return f"line {lines[0]} {what}" + (f" (and {more} more line{'s' * (more > 1)})" if more else "")


def _decoded(content: bytes, oddities: Oddities) -> str:
    named = _NAMED_ENCODING.search(content)
    said = "" if named is None else named[1].decode("latin-1")
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return content.decode(encoding)
            except UnicodeDecodeError:
                said = encoding.removesuffix("-sig").upper()
                oddities.add(0, f"some of its bytes are no {said}, which its beginning says it is; they show as �")
                return content.decode(encoding, "replace")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return _decoded_by_name(content, said, oddities)
    if not text.isascii() and said and said.lower() not in ("utf8", "utf-8", "auto", "locale"):
        oddities.add(0, f"#ENCODING says {said}, but it is UTF-8, and was read so")
    return text


def _decoded_by_name(content: bytes, said: str, oddities: Oddities) -> str:
    encodings = [said] if _ENCODINGS.fullmatch(said) and not said.lower().startswith("utf") else []
    for encoding in [*encodings, "cp1252"]:
        spelled = re.sub(r"^(windows-?|cp)?(?=125)", "cp", encoding.lower())
        spelled = re.sub(r"^latin-?(9|15)$", "iso8859-15", spelled)
        try:
            text = content.decode(spelled)
        except (UnicodeDecodeError, LookupError):
            continue
        if not encodings or encoding != said:
            oddities.add(0, "it is no UTF-8 and was read as Windows-1252; save it as UTF-8 if letters are wrong")
        return text
    oddities.add(0, "it is no UTF-8 and was read as Latin-1; save it as UTF-8 if letters are wrong")
    return content.decode("latin-1")


def _check_is_text(text: str, name: str) -> None:
    zero_at = text.find("\0")
    if zero_at >= 0:
        raise LyricsError(
            f"{name}:{text.count(chr(10), 0, zero_at) + 1}: expected words as text, found bytes that are none; "
            "choose a .lrc or .txt file in UTF-8"
        )
    if not text.strip():
        raise LyricsError(f"{name}: expected the words of a song, found nothing but space; get a whole copy")
    if len(_CONTROL.findall(text)) > max(2.0, _MOST_CONTROL_SHARE * len(text)):
        raise LyricsError(
            f"{name}: expected words as text, found bytes that are none; choose a .lrc or .txt file in UTF-8"
        )
