"""Settings given as `remix.pair_probability=0.3`: typed by the configuration's own dataclasses, whatever they nest."""

from __future__ import annotations

import dataclasses
import difflib
import math
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from ..realtime.errors import AdvsepError
from ..realtime.strict import FormatError, from_plain

T = TypeVar("T")
_LISTS = {int: ("whole numbers", "[1, 2]"), float: ("numbers", "[0.5, 1.0]"), str: ("texts", '["a", "b"]')}
_VALUES: dict[Any, str] = {int: "a whole number", float: "a number such as 0.5", str: "text", bool: "true or false"}


@dataclass(frozen=True, slots=True)
class Override:
    """One setting that replaces another.

    Attributes:
        key: dotted path, `optimiser.learning_rate`.
        value: of the type that the key has.
        label: where it was said, for errors: `--set optimiser.learning_rate=3e-4`.
    """

    key: str
    value: Any
    label: str


def key_types(kind: Any) -> dict[str, Any]:
    """Dotted path and type of every setting of a dataclass, those of nested dataclasses included."""
    found: dict[str, Any] = {}
    for name, each in typing.get_type_hints(kind).items():
        if dataclasses.is_dataclass(each):
            found |= {f"{name}.{key}": inner for key, inner in key_types(each).items()}
        else:
            found[name] = each
    return found


def leaves(config: Any) -> dict[str, Any]:
    """Dotted path and value of every setting of a configuration."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            found |= {f"{field.name}.{key}": inner for key, inner in leaves(value).items()}
        else:
            found[field.name] = value
    return found


def parse_override(kind: Any, text: str, option: str = "--set") -> Override:
    """Read `KEY=VALUE`; the value is TOML, and text needs no quotes.

    Args:
        kind: the configuration's dataclass.
        text: such as `remix.speed_range=[0.9, 1.1]` or `mode=semi`.
        option: that it was given to, for errors.

    Raises:
        AdvsepError: no `=`, an unknown key, or a value of another type; the message names what was expected.
    """
    key, equals, written = (part.strip() for part in text.partition("="))
    if not equals:
        raise AdvsepError(f"{option} {text}: expected KEY=VALUE, such as optimiser.learning_rate=3e-4")
    known = key_types(kind)
    if key not in known:
        inside = [each for each in known if each.startswith(f"{key}.")]
        if inside:
            raise AdvsepError(f"{option} {text}: {key} is a table; set one of its keys: {', '.join(inside)}")
        raise AdvsepError(f"{option} {text}: unknown key '{key}' {_advice(key, list(known))}")
    return typed_override(kind, key, _toml_value(known[key], written), f"{option} {text}")


def typed_override(kind: Any, key: str, value: Any, label: str) -> Override:
    """An override whose value has the type of its key.

    Raises:
        AdvsepError: it has another; the message names what was expected.
    """
    wanted = key_types(kind)[key]
    holder = dataclasses.make_dataclass("Holder", [("value", wanted)])
    try:
        held: Any = from_plain(holder, {"value": value}, key)
    except FormatError:
        raise AdvsepError(f"{label}: expected {expected(wanted)}, found {value!r:.60}") from None
    return Override(key, held.value, label)


def overridden(config: T, overrides: Sequence[Override]) -> T:
    """A configuration with some settings replaced; of two for one key the later counts.

    Raises:
        AdvsepError: they contradict what the configuration demands, such as a range.
    """
    plain: dict[str, Any] = dataclasses.asdict(typing.cast("Any", config))
    for override in overrides:
        *tables, name = override.key.split(".")
        table = plain
        for each in tables:
            table = table[each]
        table[name] = override.value
    try:
        return from_plain(type(config), plain, "configuration")
    except AdvsepError as error:
        blamed = [each.label for each in overrides if each.key in str(error)] or [each.label for each in overrides]
        raise AdvsepError(f"{' '.join(blamed)}: {error}") from None


def check_keys(kind: Any, data: Mapping[str, Any], where: str) -> None:
    """Refuse a key that no setting has, with the nearest one wherever it stands.

    Raises:
        FormatError: the message names the file (`where`), the key and the nearest one.
    """
    known = list(key_types(kind))
    _check_table(kind, data, where, "", known)


def _check_table(kind: Any, data: Mapping[str, Any], where: str, table: str, known: list[str]) -> None:
    hints = typing.get_type_hints(kind)
    for name, value in data.items():
        if name not in hints:
            place = f"{where}.{table.rstrip('.')}" if table else where
            raise FormatError(f"{place} has an unknown key '{name}' {_advice(table + name, known, table)}")
        if dataclasses.is_dataclass(hints[name]) and isinstance(value, dict):
            _check_table(hints[name], typing.cast("dict[str, Any]", value), where, f"{table}{name}.", known)


def nearest_key(key: str, known: Sequence[str]) -> str | None:
    """The key that was probably meant: the same name in another table, else the nearest spelling.

    Args:
        key: dotted path that is not known.
        known: dotted paths that are.
    """
    table, _, name = key.rpartition(".")
    same_name = sorted((each for each in known if each.rpartition(".")[2] == name), key=lambda each: each.count("."))
    beside = {each.rpartition(".")[2]: each for each in known if each.rpartition(".")[0] == table}
    near = same_name or [beside[each] for each in difflib.get_close_matches(name, list(beside), n=1)]
    near = near or difflib.get_close_matches(key, known, n=1)
    return near[0] if near else None


def _advice(key: str, known: Sequence[str], said_table: str = "") -> str:
    """`(did you mean 'optimiser.learning_rate'?)`, said as a file would where `said_table` is one of its tables."""
    meant = nearest_key(key, known)
    if meant is None:
        return f"(known: {', '.join(each for each in known if each.startswith(said_table))})"
    place = " above the first [table]" if said_table and "." not in meant else ""
    return f"(did you mean '{meant.removeprefix(said_table)}'{place}?)"


def expected(kind: Any) -> str:
    """What a value of a type looks like, in words: `a number`, `one of semi, joint`, `a list of 2 numbers`."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if origin is tuple:
        many, example = _LISTS.get(arguments[0], ("values", "[…]"))
        count = "" if arguments[-1] is Ellipsis else f"{len(arguments)} "
        return f"a list of {count}{many} such as {example}"
    if origin in (typing.Union, types.UnionType):
        return expected(next(each for each in arguments if each is not type(None)))
    return _VALUES.get(kind) or str(kind)


def _toml_value(kind: Any, written: str) -> Any:
    """The value as TOML, or as it is written where it is none or the key wants text."""
    try:
        parsed = tomllib.loads(f"value = {written}")
    except tomllib.TOMLDecodeError:
        return written
    # "1 \n steps = 3" would be two settings.
    alone = set(parsed) == {"value"}
    wants_text = kind is str or (typing.get_origin(kind) is Literal and isinstance(typing.get_args(kind)[0], str))
    return parsed["value"] if alone and not (wants_text and not isinstance(parsed["value"], str)) else written


def differing_keys(one: Any, other: Any) -> list[str]:
    """Dotted paths of the settings in which two configurations of one type differ."""
    theirs = leaves(other)
    return [key for key, value in leaves(one).items() if theirs[key] != value]


def infinite_keys(config: Any) -> list[str]:
    """Dotted paths of the settings that hold infinity or NaN."""

    def finite(value: Any) -> bool:
        values: tuple[Any, ...] = value if isinstance(value, tuple) else (value,)
        return all(math.isfinite(each) for each in values if isinstance(each, float))

    return [key for key, value in leaves(config).items() if not finite(value)]
