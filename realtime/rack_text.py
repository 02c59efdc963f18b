"""A rack as text: strips divided by semicolons, settings in brackets, plugins in order.

    vocals[gain_db=-12, send.room=-6]: gate, eq(low_cut_hz=90); room: reverb(mix=1); master: limiter

Settings of a plugin stand in parentheses; `!` before a plugin bypasses it; a name without a value is switched on;
a text that is not one word stands in double quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from .parameter import OFF_ON, Value, written
from .rack_spec import SEND, PluginSpec, RackError, RackSpec, StripSpec, strip_of


def parse_rack(text: str) -> RackSpec:
    """Read a rack's text, see the module.

    Raises:
        RackError: where and what was expected.
    """
    return _Reader(text).rack()


def parse_chain(text: str) -> tuple[PluginSpec, ...]:
    """Read the plugins of one strip: `gate, eq(low_cut_hz=90)`.

    Raises:
        RackError: where and what was expected.
    """
    return _Reader(text).chain(whole=True)


def format_rack(spec: RackSpec) -> str:
    """Inverse of `parse_rack`."""
    return "; ".join(f"{name}{_settings(strip)}: {_chain(strip)}".rstrip() for name, strip in spec.strips.items())


def _settings(strip: StripSpec) -> str:
    found = [f"gain_db={written(strip.gain_db)}"] if strip.gain_db else []
    found += [f"pan={written(strip.pan)}"] if strip.pan else []
    found += ["mute"] if strip.muted else []
    found += ["solo"] if strip.soloed else []
    found += [f"{SEND}{bus}={written(level_db)}" for bus, level_db in strip.sends.items()]
    return f"[{', '.join(found)}]" if found else ""


def _chain(strip: StripSpec) -> str:
    found: list[str] = []
    for plugin in strip.chain:
        pairs = plugin.values.items()
        values = ", ".join(name if value is True else f"{name}={written(value)}" for name, value in pairs)
        found.append(("!" if plugin.bypassed else "") + plugin.name + (f"({values})" if values else ""))
    return ", ".join(found)


_TOKEN = re.compile(
    r"\s*(?:([A-Za-z_][\w./-]*)"  # a word
    r"|([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"  # a number
    r'|("(?:[^"\\]|\\.)*")'  # a text, as in JSON
    r"|([:;,()\[\]=!]))"
)


class _Reader:
    """Reads a rack's text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._split())
        self._at = 0

    def rack(self) -> RackSpec:
        strips: dict[str, StripSpec] = {}
        while self._peek():
            if self._take(";"):
                continue
            name = self._word("the name of a strip")
            if name in strips:
                raise self._error(f"one strip '{name}'", "another")
            settings = self._pairs("[", "]") if self._peek() == "[" else {}
            self._expect(":")
            strips[name] = strip_of(name, settings, self.chain())
        return RackSpec(strips)

    def chain(self, *, whole: bool = False) -> tuple[PluginSpec, ...]:
        """Plugins up to the end of the strip, or of the whole text."""
        ends = ("",) if whole else ("", ";")
        found: list[PluginSpec] = []
        while self._peek() not in ends:
            found.append(self._plugin())
            if self._peek() not in ends:
                self._expect(",")
        return tuple(found)

    def _plugin(self) -> PluginSpec:
        bypassed = self._take("!")
        name = self._word("the name of a plugin")
        values = self._pairs("(", ")") if self._peek() == "(" else {}
        return PluginSpec(name, values, bypassed)

    def _pairs(self, opening: str, closing: str) -> dict[str, Value]:
        """`name=value` or `name`, which means on, between brackets."""
        found: dict[str, Value] = {}
        self._expect(opening)
        while not self._take(closing):
            name = self._word("a name")
            if name in found:
                raise self._error(f"'{name}' once", "twice")
            found[name] = self._value() if self._take("=") else True
            if self._peek() != closing:
                self._expect(",")
        return found

    def _value(self) -> Value:
        token = self._peek()
        self._at += 1
        if token in OFF_ON:
            return token == OFF_ON[1]
        if token[:1].isalpha() or token[:1] == "_":
            return token
        if token[:1] == '"':
            return self._text_of(token)
        try:
            return float(token)
        except ValueError:
            self._at -= 1
            raise self._error("a value") from None

    def _text_of(self, token: str) -> str:
        try:
            return str(json.loads(token))
        except ValueError:
            self._at -= 1
            raise self._error("a text as in JSON") from None

    def _word(self, what: str) -> str:
        token = self._peek()
        if not (token[:1].isalpha() or token[:1] == "_"):
            raise self._error(what)
        self._at += 1
        return token

    def _expect(self, mark: str) -> None:
        if not self._take(mark):
            raise self._error(f"'{mark}'")

    def _take(self, mark: str) -> bool:
        found = self._peek() == mark
        self._at += found
        return found

    def _peek(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _split(self) -> Iterator[tuple[str, int]]:
        at, text = 0, self._text.rstrip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                start = at + len(text[at:]) - len(text[at:].lstrip())
                raise RackError(f"chain '{self._text}': unexpected '{text[start]}' at character {start + 1}")
            yield found[found.lastindex or 0], found.start(found.lastindex or 0)
            at = found.end()

    def _error(self, expected: str, found: str | None = None) -> RackError:
        end = self._at >= len(self._tokens)
        token, at = ("the end", len(self._text)) if end else self._tokens[self._at]
        seen = found or (token if end else f"'{token}'")
        return RackError(f"chain '{self._text}': expected {expected} at character {at + 1}, found {seen}")
