"""Single keys of the terminal, without Enter, without an echo and without waiting."""

from __future__ import annotations

import codecs
import contextlib
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, TextIO

SEQUENCE_S = 0.3  # the bytes of one key come together; what stays unfinished longer is an escape key, or nothing
ESCAPE = "\x1b"

_NAMES = {
    ESCAPE: "escape",
    "\r": "enter",
    "\n": "enter",
    "\t": "tab",
    " ": "space",
    "\x7f": "backspace",
    "\b": "backspace",
}
_FINALS = {"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end"}
_TILDES = {"1": "home", "2": "insert", "3": "delete", "4": "end", "5": "page-up", "6": "page-down"}
_WINDOWS = {"H": "up", "P": "down", "M": "right", "K": "left", "G": "home", "O": "end", "R": "insert", "S": "delete"}


def key_name(character: str) -> str:
    """`a`, `A` and `?` are called so; what cannot be seen has a name: `space`, `enter`, `ctrl-d`."""
    if character in _NAMES:
        return _NAMES[character]
    return f"ctrl-{chr(ord(character) | 0x60)}" if character < " " else character


class KeyDecoder:
    """Bytes of a terminal to names of keys; what a call leaves unfinished, the next one goes on with.

    Sequences of keys that have no name here are swallowed whole: no letter of theirs is taken for a key.
    """

    def __init__(self) -> None:
        self._characters = codecs.getincrementaldecoder("utf-8")("ignore")
        self._pending, self._since_s = "", 0.0

    def feed(self, data: bytes, now_s: float) -> list[str]:
        """Keys that are complete.

        Args:
            data: what the terminal gave; may be nothing, which ends what has been waited for long enough.
            now_s: time of any clock that does not go back.
        """
        keys: list[str] = []
        goes_on = bool(data) and (self._pending != ESCAPE or data[:1] in (b"[", b"O"))
        if self._pending and not goes_on and now_s - self._since_s > SEQUENCE_S:
            keys += ["escape"] if self._pending == ESCAPE else []
            self._pending = ""
        for character in self._characters.decode(data):
            keys += self._take(character)
            self._since_s = now_s
        return keys

    def _take(self, character: str) -> list[str]:
        """One character; the keys that it completes."""
        pending, self._pending = self._pending, ""
        if character == ESCAPE:
            self._pending = ESCAPE
            return ["escape"] if pending == ESCAPE else []
        if not pending or character < " ":
            return [key_name(character)]
        if pending == ESCAPE and character not in "[O":
            return [f"alt-{key_name(character)}"]
        # Parameters come before the last character; a second [ is a function key of the Linux console.
        if pending == ESCAPE or character < "@" or (pending == f"{ESCAPE}[" and character == "["):
            self._pending = pending + character
            return []
        if pending == f"{ESCAPE}[[":
            return []
        name = _TILDES.get(pending[2:].split(";")[0]) if character == "~" else _FINALS.get(character)
        return [name] if name else []


def console_keys(waiting: Callable[[], bool], read: Callable[[], str]) -> list[str]:
    """Keys as Windows gives them: one character, or a prefix and a code.

    Args:
        waiting: whether there is a character to read.
        read: takes one.

    Raises:
        KeyboardInterrupt: Ctrl-C came as a character.
    """
    keys: list[str] = []
    while waiting():
        character = read()
        if character == "\x03":
            raise KeyboardInterrupt
        if character in "\x00\xe0" and waiting():  # without a code behind it, the latter is the letter à
            name = _WINDOWS.get(read())
            keys += [name] if name else []
        else:
            keys.append(key_name(character))
    return keys


class Keys:
    """Keys as they are pressed; where standard input is no terminal there are none, and nothing is touched.

    Use as a context, in the main thread: inside, the terminal neither echoes nor waits for Enter
    (Ctrl-C and Ctrl-Z work as ever). It is put back at the end, by an exception, and by a signal that
    ends or stops the program, and taken again when the program goes on in the foreground. A program
    in the background is given no keys, rather than being stopped by the system for asking.

    Args:
        stream: the terminal; None: standard input.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._terminal: _Terminal | None = None
        self._decoder = KeyDecoder()
        # There may be no standard input at all (pythonw), none with a file behind it, or a closed one.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            found: Any = sys.stdin if stream is None else stream
            if found.isatty():
                self._terminal = _open_terminal(found.fileno())

    @property
    def available(self) -> bool:
        """Whether there is a terminal whose keys can be read."""
        return self._terminal is not None

    def __enter__(self) -> Keys:
        if self._terminal is not None:
            self._terminal.enter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._terminal is not None:
            self._terminal.leave()

    def pressed(self) -> list[str]:
        """Names of the keys pressed since the last call, at once: `a`, `A`, `0`, `?`, `space`, `up`, `escape`, …"""
        if self._terminal is None:
            return []
        if sys.platform == "win32":
            import msvcrt

            return console_keys(msvcrt.kbhit, msvcrt.getwch)
        return self._decoder.feed(self._terminal.read(), time.monotonic())


class _Terminal(Protocol):
    def enter(self) -> None: ...
    def leave(self) -> None: ...
    def read(self) -> bytes: ...


class _WindowsConsole:
    """Is read key by key without having been told."""

    def enter(self) -> None: ...
    def leave(self) -> None: ...
    def read(self) -> bytes:
        return b""


def _open_terminal(descriptor: int) -> _Terminal:
    if sys.platform == "win32":
        return _WindowsConsole()
    from .terminal import Terminal

    return Terminal(descriptor)
