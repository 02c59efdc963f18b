"""Text as a search compares it: without case, accents and punctuation, and with names that are no UTF-8."""

from __future__ import annotations

import os
import re
import unicodedata

# Letters that Unicode does not take apart, as people without them on the keyboard type them.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "_": " "}
)
_APOSTROPHES = str.maketrans(dict.fromkeys("'’‘ʼ`´"))
# Scripts that put no spaces between words: each sign is a word.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])"
)
_WORD = re.compile(r"\w+")


def folded(text: str) -> str:
    """Text in which equal means equal to a person who searches: `Beyoncé's Łódź` is `beyonces lodz`."""
    if text.isascii():  # the same, and several times as fast
        return " ".join(_WORD.findall(text.lower().replace("_", " ").translate(_APOSTROPHES)))
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_APOSTROPHES)).casefold()
    plain = "".join(sign for sign in plain if unicodedata.category(sign) != "Mn").translate(_LETTERS)
    return " ".join(_WORD.findall(_UNSPACED.sub(r" \1 ", plain)))


def expression_of(words: str) -> str:
    """What SQLite's FTS5 is asked for: each word the beginning of some word; empty: there is no word in it.

    https://sqlite.org/fts5.html#full_text_query_syntax
    """
    parts = (folded(word) for word in words.replace("\0", " ").split())
    return " AND ".join(f'"{part}" *' for part in dict.fromkeys(parts) if part)


def readable(name: str) -> str:
    """A file's name as text: bytes that are no UTF-8 are taken for Latin-1, which they mostly are."""
    try:
        raw = os.fsencode(name)
    except UnicodeEncodeError:  # half a surrogate pair, on Windows
        return name.encode("utf-8", "replace").decode()
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
