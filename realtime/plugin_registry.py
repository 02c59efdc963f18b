"""Which plugins there are: found by entry point, loaded when they are asked for, and never fatal.

A package offers plugins in its metadata; in pyproject.toml:

    [project.entry-points."advsep.plugins"]
    tremolo = "my_package:Tremolo"

Two packages may offer the same name: our own wins, then the first package by name; the others can
be had as `package/name`.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from .errors import AdvsepError
from .plugin import Plugin

GROUP = "advsep.plugins"
OWN_PACKAGE = "advsep"


class PluginError(AdvsepError):
    """A plugin that there is not, or that cannot be loaded or made."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A plugin that some package offers; not loaded yet.

    Attributes:
        name: under which it can be had.
        package: who offers it.
        version: of the package.
        entry: where it is.
        hidden_by: the package whose plugin of the same name comes first, None where this one does.
    """

    name: str
    package: str
    version: str
    entry: EntryPoint
    hidden_by: str | None = None

    def load(self) -> type[Plugin]:
        """Import it.

        Raises:
            PluginError: it cannot be imported, or is no plugin.
        """
        where = f"plugin '{self.name}' of {self.package} {self.version} ({self.entry.value})"
        try:
            found: Any = self.entry.load()
        except Exception as error:  # whatever a stranger's module does
            raise PluginError(f"{where} cannot be loaded: {type(error).__name__}: {error}") from error
        if not (isinstance(found, type) and issubclass(found, Plugin)):
            raise PluginError(f"{where}: expected a class derived from advsep's Plugin, found {found!r}")
        return found

    def make(self) -> Plugin:
        """A new plugin at its defaults.

        Raises:
            PluginError: it cannot be loaded or made.
        """
        made = self.load()
        try:
            return made()
        except Exception as error:
            where = f"plugin '{self.name}' of {self.package} {self.version}"
            raise PluginError(f"{where} cannot be made: {type(error).__name__}: {error}") from error


@functools.cache
def offers() -> dict[str, Offer]:
    """All that is offered, by name; those that are hidden by another under `package/name`."""
    return sort_out(entry_points(group=GROUP))


def sort_out(entries: Iterable[EntryPoint]) -> dict[str, Offer]:
    """Give every entry its name, whatever the order in which they come."""
    found: dict[str, Offer] = {}
    for entry in sorted(entries, key=_rank):
        package, version = _origin(entry)
        first = found.get(entry.name)
        name = entry.name if first is None else f"{package}/{entry.name}"
        found[name] = Offer(name, package, version, entry, None if first is None else first.package)
    return dict(sorted(found.items()))


def find_plugin(name: str) -> Offer:
    """One plugin by name.

    Raises:
        PluginError: there is none; names similar ones.
    """
    there = offers()
    if name not in there:
        close = difflib.get_close_matches(name, there, 3)
        hint = f"did you mean {' or '.join(close)}?" if close else "`advsep-plugins list` shows those that there are"
        raise PluginError(f"no plugin '{name}': {hint}")
    return there[name]


def _origin(entry: EntryPoint) -> tuple[str, str]:
    dist = cast("Any", entry.dist)
    return ("unknown", "0") if dist is None else (str(dist.name), str(dist.version))


def _rank(entry: EntryPoint) -> tuple[str, bool, str, str]:
    package, _ = _origin(entry)
    return entry.name, package != OWN_PACKAGE, package.lower(), entry.value
