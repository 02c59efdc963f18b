"""What every plugin has to do, levels 1 to 4: run, keep to its block, forget on reset, hold its parameters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..parameter import Parameter, ParameterError, Value, written
from ..plugin import Plugin
from .trial import (
    Bench,
    Failed,
    Trial,
    at_settings,
    described,
    expect_bounded,
    expect_same,
    failing,
    noise,
)

RATES_HZ = (8000, 22050, 44100, 48000, 96000, 192000)
SIZES = (1, 63, 64, 65, 512, 513, 1)
_SAME = 1e-6  # of the peak: the same arithmetic on the same input


def check_loads(bench: Bench) -> None:
    """It is a class that can be made; having come here, it was imported."""
    missing = sorted(bench.kind.__abstractmethods__)
    if missing:
        raise Failed(f"does not define {', '.join(missing)}")
    if not (bench.kind.__doc__ or "").strip():
        bench.warnings.append("the class has no docstring; `advsep-plugins list` shows its first line")
    plugin = bench.make()
    if getattr(plugin, "values", None) is None:
        raise Failed("has no `values`: its __init__ does not call super().__init__()")
    plugin.close()


def check_prepares(bench: Bench) -> None:
    """`prepare` works; latency and tail are whole numbers."""
    with bench.trial():
        pass


def check_silence(bench: Bench) -> None:
    """A second of silence is finite."""
    with bench.trial() as trial:
        trial.play(np.zeros((trial.rate_hz, trial.channels), np.float32))


def check_sizes(bench: Bench) -> None:
    """Every rate, channel count and length of block gives finite sound, in place."""
    for rate_hz, channels in itertools.product(RATES_HZ, (1, 2)):
        with bench.trial(rate_hz=rate_hz, channels=channels, max_block=max(SIZES)) as trial:
            given = noise(sum(SIZES), channels)
            expect_bounded(trial.play(given, SIZES), given, f"noise {trial.where}")


@at_settings
def check_reset(bench: Bench, values: Mapping[str, float]) -> None:
    """After `reset` the same input gives the same output, as from a new plugin."""
    given = noise(22050)
    with bench.trial(values) as trial, bench.trial(values) as fresh:
        first = trial.play(given)
        trial.reset()
        expect_same(trial.play(given), first, "after reset, the same input again", _SAME)
        expect_same(fresh.play(given), first, "a new plugin, the same input", _SAME)


def check_reset_moved(bench: Bench) -> None:
    """`reset` after changed parameters: as prepared at the present values."""
    ends = {each.name: _ends(each) for each in bench.kind.parameters if not each.fixed}
    given = noise(8192)
    for place in (0, 1):
        values = {name: end[place] for name, end in ends.items()}
        with bench.trial() as trial, bench.trial(values) as fresh:
            trial.play(given)
            for name, value in values.items():
                trial.plugin.set(name, value)
            trial.play(given[:777])
            trial.reset()
            end = "highest" if place else "lowest"
            what = f"all parameters set to their {end} while it plays, then reset, against a new plugin set so"
            expect_same(trial.play(given), fresh.play(given), what, _SAME)


def check_declared(bench: Bench) -> None:
    """Parameters are declared as they should be; a new plugin is at the defaults."""
    declared: Any = bench.kind.parameters
    if not isinstance(declared, tuple) or not all(isinstance(each, Parameter) for each in declared):
        raise Failed(f"`parameters` is {described(declared)}: expected a tuple of Parameter")
    plugin = bench.make()
    for each in bench.kind.parameters:
        if not each.help:
            bench.warnings.append(f"parameter {each.name} has no help text")
        if plugin.values.target(each.name) != each.default:
            found = plugin.values.target(each.name)
            raise Failed(f"a new plugin has {each.name}={found:g}; expected its default {each.default:g}")
    plugin.close()


def check_round_trip(bench: Bench) -> None:
    """What is set is what is there, as a number and as text."""
    plugin = bench.make()
    for each in bench.kind.parameters:
        for value in sorted(
            {*_ends(each), each.default, each.at(0.5), each.at(0.3), *map(float, range(len(each.choices)))}
        ):
            with failing(f"{each.name}={value:g}"):
                _round_trip(plugin, each, value)
    plugin.close()


def check_refused(bench: Bench) -> None:
    """What is out of range, or not there, is refused."""
    plugin = bench.make()
    _refused(plugin, "no_such_parameter", 0.0)
    for each in bench.kind.parameters:
        beyond = max(1.0, 0.01 * (each.highest - each.lowest))
        wrong: list[Value] = [each.lowest - beyond, each.highest + beyond, math.nan, math.inf, "no such text"]
        for value in wrong:
            _refused(plugin, each.name, value)
    plugin.close()


def check_extremes(bench: Bench) -> None:
    """Each parameter at its ends and at each choice gives finite sound and stays where it was set."""
    given = noise(2048)
    for each in bench.kind.parameters:
        for value in {*_ends(each), *map(float, range(len(each.choices)))}:
            with failing(f"{each.name}={written(each.shown(value))}"), bench.trial({each.name: value}) as trial:
                heard = trial.play(given)
                expect_bounded(heard, given, f"{each.name}={each.shown(value)}")
                _in_range(trial)
                _still_there(trial, each, value)


def check_moved(bench: Bench) -> None:
    """A parameter that is moved while it plays arrives, and never leaves its range."""
    given = noise(4096)
    with bench.trial() as trial:
        for each in bench.kind.parameters:
            if each.fixed:
                continue
            for value in (*_ends(each), each.default):
                with failing(f"set({each.name!r}, {value:g}) while it plays"):
                    trial.plugin.set(each.name, value)
                trial.play(given)
                _in_range(trial)
                if each.smoothing_s * trial.rate_hz < len(given):
                    _still_there(trial, each, value)


def _ends(each: Parameter) -> tuple[float, float]:
    return each.lowest, each.highest


def _round_trip(plugin: Plugin, each: Parameter, value: float) -> None:
    plugin.set(each.name, value)
    found = plugin.values.target(each.name)
    if found != value:
        raise Failed(f"{each.name} set to {value!r} is {found!r}")
    text = each.shown(value) if each.choices else written(value)
    plugin.set(each.name, text)
    if plugin.values.target(each.name) != value:
        raise Failed(f"{each.name} set to the text {text} is {plugin.values.target(each.name)!r}")
    back = each.at(each.place_of(value))
    if not math.isclose(back, value, rel_tol=1e-9, abs_tol=1e-9 * (each.highest - each.lowest)):
        raise Failed(f"{each.name}: the place of {value!r} on a control is that of {back!r}")


def _refused(plugin: Plugin, name: str, value: Value) -> None:
    try:
        plugin.set(name, value)
    except ParameterError:
        return
    except Exception as error:
        raise Failed(f"{name}={value} raises {type(error).__name__}; expected a ParameterError") from error
    raise Failed(f"{name}={value} is taken; expected a ParameterError")


def _in_range(trial: Trial) -> None:
    values = trial.plugin.values
    for what, array in (("target", values.targets), ("value", values.end), ("value before the block", values.begin)):
        for each, found in zip(trial.plugin.parameters, array.tolist(), strict=True):
            slack = 1e-9 * max(abs(each.lowest), abs(each.highest))
            if not each.lowest - slack <= found <= each.highest + slack:
                raise Failed(f"parameter out of range: after process the {what} of {each.name} is {found:g}; "
                             f"expected {each.range_text}")  # fmt: skip


def _still_there(trial: Trial, each: Parameter, value: float) -> None:
    for what, found in (("target", trial.plugin.values.target(each.name)), ("value", trial.plugin.value(each.name))):
        if not math.isclose(found, value, rel_tol=1e-9, abs_tol=1e-12):
            raise Failed(f"the {what} of {each.name} is {found:g} after process; it was set to {value:g}")


LEVELS: tuple[tuple[int, str, Callable[[Bench], None]], ...] = (
    (1, "loads", check_loads),
    (1, "prepares", check_prepares),
    (1, "silence", check_silence),
    (2, "rates and block sizes", check_sizes),
    (3, "reset", check_reset),
    (3, "reset at other values", check_reset_moved),
    (4, "parameters declared", check_declared),
    (4, "values round trip", check_round_trip),
    (4, "wrong values refused", check_refused),
    (4, "lowest, highest, choices", check_extremes),
    (4, "moved while playing", check_moved),
)
