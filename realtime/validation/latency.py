"""Level 5: is what comes out as late as the plugin says?

Two measurements, both to the sample. The output's correlation with white noise at the input has its
peak where the sound itself comes out: right for everything that passes on a copy of its input,
however scaled, with an echo, or rung in advance by a linear-phase filter. And the onset: the first
frame that differs when an impulse is added to the noise.

Where the copy is clear (more than 80 % of the output's energy) the peak alone decides. Otherwise
either will do, as with a minimum-phase filter, whose response begins at the declared latency
and has its peak later. Wet sound only, which begins later yet (a reverb with pre-delay), is
believed of a plugin that declares a tail. A plugin that has no definite latency, such as a pitch
shifter, says within what it is right: `latency_tolerance_samples`, a class attribute, 0 by default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from .trial import Bench, Failed, Samples, Trial, noise

_CLEAR = 0.9  # correlation coefficient of a copy: its square is the share of the energy
_SETTLE_S = 0.5  # for gates to open and compressors to settle
_DIFFERS = 1e-6


def check_latency(bench: Bench) -> None:
    """At the defaults, at two rates, and with each `fixed` parameter elsewhere."""
    for rate_hz, channels in ((44100, 2), (48000, 1), (96000, 2)):
        _measure(bench, {}, rate_hz, channels)
    for name, value in _fixed_values(bench):
        _measure(bench, {name: value}, 44100, 2)


def _fixed_values(bench: Bench) -> Iterator[tuple[str, float]]:
    for each in bench.kind.parameters:
        if each.fixed:
            places = range(len(each.choices)) if each.choices else (each.lowest, each.highest)
            yield from ((each.name, float(value)) for value in places if value != each.default)


def _measure(bench: Bench, values: dict[str, float], rate_hz: int, channels: int) -> None:
    with bench.trial(values, rate_hz=rate_hz, channels=channels) as trial, bench.trial(
        values, rate_hz=rate_hz, channels=channels
    ) as other:  # fmt: skip
        settings = "".join(f" with {name}={value:g}" for name, value in values.items())
        where = f"{trial.where}{settings}"
        declared = trial.latency_samples
        allowed = int(getattr(trial.plugin, "latency_tolerance_samples", 0))
        begin = round(_SETTLE_S * rate_hz)
        given = noise(2 * begin + declared + rate_hz, channels)
        heard = trial.play(given)
        if not np.any(heard[begin + declared :]):
            bench.warnings.append(f"silent {where}: no latency to measure")
            return
        at, share = _copy(given[begin:], heard[begin:], declared + rate_hz)
        if share > _CLEAR:
            if abs(at - declared) > allowed:
                raise Failed(_words(declared, f"the sound comes out {at} samples late", where, allowed))
            return
        first = _onset(other, given, heard, begin)
        if abs(at - declared) <= allowed or (first is not None and abs(first - declared) <= allowed):
            return
        bench.warnings.append(_judge_wet(trial, declared, first, at, where, allowed))


def _judge_wet(trial: Trial, declared: int, first: int | None, at: int, where: str, allowed: int) -> str:
    """What to warn of, where the sound is wet only and believed."""
    if first is None:
        raise Failed(_words(declared, f"an impulse changes nothing, and the best copy is {at} samples late", where, 0))
    if first < 0:
        raise Failed(f"the same input gives another output, so that no latency can be measured, {where}")
    if first > declared and trial.tail_samples != 0:
        return f"begins {first - declared} samples after the declared latency, {where}; believed, as it has a tail"
    found = f"the response begins {first} samples late and resembles the input most at {at}"
    raise Failed(_words(declared, found, where, allowed))


def _words(declared: int, found: str, where: str, allowed: int) -> str:
    within = f" within {allowed}" if allowed else ""
    return f"declares a latency of {declared} samples{within}, but {found}, {where}"


def _copy(given: Samples, heard: Samples, most: int) -> tuple[int, float]:
    """Delay of the clearest copy of any input channel in any output channel, and its correlation coefficient."""
    size = 1 << (len(given) + most).bit_length()
    best = (0, 0.0)
    for source in given.T:
        for out in heard.T:
            crossed = np.fft.irfft(np.fft.rfft(out, size) * np.fft.rfft(source, size).conj(), size)[:most]
            magnitudes: NDArray[np.float64] = np.abs(crossed)
            at = int(magnitudes.argmax())
            # Of the input only what can have come out; of the output only what can have come from it.
            energy = float(np.sum(source[: len(source) - at] ** 2, dtype=np.float64))
            energy *= float(np.sum(out[at:] ** 2, dtype=np.float64))
            share = float(magnitudes[at]) / np.sqrt(energy) if energy > 0 else 0.0
            best = max(best, (at, float(share)), key=lambda each: each[1])
    return best


def _onset(other: Trial, given: Samples, heard: Samples, begin: int) -> int | None:
    """Frames from an added impulse to the first difference that it makes."""
    changed = given.copy()
    changed[begin] += 0.5
    differs = np.abs(other.play(changed) - heard).max(axis=1) > _DIFFERS
    return int(differs.argmax()) - begin if differs.any() else None


LEVELS: tuple[tuple[int, str, Callable[[Bench], None]], ...] = ((5, "latency", check_latency),)
