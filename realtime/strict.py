"""Plain JSON or TOML data to typed dataclasses, strictly: every surprise is an error that names the key."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from typing import Any, Literal, TypeVar

from .errors import AdvsepError


class FormatError(AdvsepError):
    """Data whose keys or types are not those of the dataclass it should become."""


T = TypeVar("T")


def from_plain(cls: type[T], data: object, where: str) -> T:
    """Build dataclass `cls` from plain JSON or TOML data, strictly.

    Args:
        cls: a dataclass of ints, floats, strings, literals, tuples and further dataclasses.
        data: what the parser returned.
        where: the path shown in errors, such as `model.signal`.

    Raises:
        FormatError: a key is unknown, missing or of the wrong type; the message names it.
    """
    return typing.cast("T", _convert(cls, data, where))


def _convert(kind: Any, data: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _convert_dataclass(kind, data, where)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        if not isinstance(data, list | tuple):
            raise FormatError(f"{where} must be a list, found {_shown(data)}")
        items = typing.cast("list[Any]", data)
        kinds = arguments if arguments[-1] is not Ellipsis else (arguments[0],) * len(items)
        if len(items) != len(kinds):
            raise FormatError(f"{where} must have {len(kinds)} values, found {len(items)}")
        return tuple(
            _convert(each, item, f"{where}[{i}]") for i, (each, item) in enumerate(zip(kinds, items, strict=True))
        )
    if origin is Literal:
        if data not in arguments:
            raise FormatError(f"{where} must be one of {', '.join(map(str, arguments))}, found {_shown(data)}")
        return data
    if origin in (typing.Union, types.UnionType):
        return None if data is None else _convert(next(a for a in arguments if a is not type(None)), data, where)
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool):
        raise FormatError(f"{where} must be of type {kind.__name__}, found {_shown(data)}")
    return data


def _convert_dataclass(kind: Any, data: Any, where: str) -> Any:
    if not isinstance(data, dict):
        raise FormatError(f"{where} must be a table of keys, found {_shown(data)}")
    values = typing.cast("dict[str, Any]", data)
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in values:
        if key not in fields:
            raise FormatError(f"{where} has an unknown key '{key}'{_nearest(key, list(fields))}")
    built: dict[str, Any] = {}
    for name, field in fields.items():
        if name in values:
            built[name] = _convert(hints[name], values[name], f"{where}.{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise FormatError(f"{where} lacks the key '{name}'")
    return kind(**built)


def _nearest(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f" (did you mean '{close[0]}'?)" if close else f" (known: {', '.join(known)})"


def _shown(data: object) -> str:
    text = repr(data)
    return text if len(text) <= 60 else text[:57] + "…"
