"""What `advsep-plugins list` and `info` say: plain facts for programs, and tables for people."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from .plugin import Plugin, start
from .plugin_registry import Offer, PluginError, find_plugin, offers

RATES_HZ = (44100, 48000)
_FRAMES, _CHANNELS = 512, 2


def facts_of_all() -> list[dict[str, Any]]:
    """A row for each plugin that is offered; those that cannot be loaded have an `error`."""
    return [_row(offer) for offer in offers().values()]


def facts_of(name: str) -> dict[str, Any]:
    """All about one plugin.

    Raises:
        PluginError: there is none of that name, or it cannot be loaded.
    """
    offer = find_plugin(name)
    with contextlib.redirect_stdout(sys.stderr):  # whatever a stranger's module prints
        kind = _load(offer)
        sounding, error = _sounding(kind)
    return {
        "name": offer.name,
        "package": offer.package,
        "version": offer.version,
        "entry": offer.entry.value,
        "hidden_by": offer.hidden_by,
        "file": getattr(sys.modules.get(kind.__module__), "__file__", None),
        "help": inspect.cleandoc(kind.__doc__ or ""),
        "parameters": [asdict(each) for each in kind.parameters],
        "state_texts": dict(kind.state_texts),
        "sounding": sounding,
        "error": error,
    }


def list_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """A table of all, those that cannot be loaded and those with the same name told below."""
    cells = [("name", "package", "version", "what it is")]
    cells += [(row["name"], row["package"], row["version"], row["help"] or "") for row in rows if not row["error"]]
    lines = columns(cells)
    broken = [row for row in rows if row["error"]]
    if broken:
        lines += ["", "Cannot be used:", *(f"  {row['name']}: {row['error']}" for row in broken)]
    hidden = [row for row in rows if row["hidden_by"]]
    if hidden:
        lines += ["", "Named like another plugin:"]
        for row in hidden:
            name = row["name"].rpartition("/")[2]
            lines.append(f"  {name} of {row['package']}: '{name}' is that of {row['hidden_by']}; use {row['name']}")
    return lines


def info_lines(facts: dict[str, Any]) -> list[str]:
    """One plugin on a page."""
    lines = [f"{facts['name']}: {facts['help'] or '(no description)'}", ""]
    if facts["parameters"]:
        header = ("parameter", "range", "default", "changes", "what it does")
        lines += columns([header, *(_parameter_cells(each) for each in facts["parameters"])])
    else:
        lines.append("It has no parameters.")
    if facts["state_texts"]:
        lines += ["", *columns([("text", "default"), *facts["state_texts"].items()])]
    lines.append("")
    for each in facts["sounding"]:
        lines.append(f"At {each['rate_hz']} Hz: latency {_time(each, 'latency')}, tail {_time(each, 'tail')}")
    if facts["error"]:
        lines.append(f"Cannot be prepared: {facts['error']}")
    lines.append(f"From {facts['package']} {facts['version']}, {facts['entry']}, {facts['file']}")
    if facts["hidden_by"]:
        lines.append(f"Another plugin of that name, of {facts['hidden_by']}, comes first.")
    return lines


def columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """Cells below one another, the first row a header; the last column is as wide as it likes."""
    table = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    table.insert(1, ["-" * width for width in (*widths[:-1], min(widths[-1], 40))])
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def _row(offer: Offer) -> dict[str, Any]:
    help_line, error = None, None
    try:
        with contextlib.redirect_stdout(sys.stderr):
            help_line = (inspect.cleandoc(_load(offer).__doc__ or "").splitlines() or [""])[0]
    except PluginError as failed:
        error = " ".join(str(failed).split())
    return {
        "name": offer.name,
        "package": offer.package,
        "version": offer.version,
        "entry": offer.entry.value,
        "hidden_by": offer.hidden_by,
        "help": help_line,
        "error": error,
    }


def _load(offer: Offer) -> type[Plugin]:
    try:
        return offer.load()
    except SystemExit as error:
        raise PluginError(f"plugin '{offer.name}' of {offer.package} calls sys.exit when it is imported") from error


def _sounding(kind: type[Plugin]) -> tuple[list[dict[str, Any]], str | None]:
    """Latency and tail at the usual rates, and why there are none."""
    found: list[dict[str, Any]] = []
    try:
        for rate_hz in RATES_HZ:
            plugin = kind()
            start(plugin, rate_hz, _FRAMES, _CHANNELS)
            tail = plugin.tail_samples
            found.append({"rate_hz": rate_hz, "latency_samples": plugin.latency_samples, "tail_samples": tail})
            plugin.close()
    except (Exception, SystemExit) as error:  # whatever a stranger's class does
        return found, f"{type(error).__name__}: {error}"
    return found, None


def _parameter_cells(each: dict[str, Any]) -> tuple[str, str, str, str, str]:
    choices, unit = each["choices"], each["unit"]
    if choices:
        span, default = "|".join(choices), choices[int(each["default"])]
    else:
        span, default = (
            f"{each['lowest']:g} to {each['highest']:g} {unit}".rstrip(),
            f"{each['default']:g} {unit}".rstrip(),
        )
    smooth = f"in {each['smoothing_s'] * 1000:g} ms" if each["smoothing_s"] > 0 else "at once"
    return each["name"], span, default, "when prepared" if each["fixed"] else smooth, each["help"]


def _time(each: dict[str, Any], what: str) -> str:
    samples = each[f"{what}_samples"]
    if samples is None:
        return "for ever"
    return f"{samples} samples ({1000 * samples / each['rate_hz']:.1f} ms)" if samples else "none"
