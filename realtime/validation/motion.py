"""Levels 6 and 7: blocks of other lengths, and parameters that change while sound is playing.

How large a step may be when a parameter jumps from one end of its range to the other under a sine:
`_OWN` times the largest step with the parameter at rest (at five places of its range), plus `_OF_PEAK` of the
largest peak, plus the change of level that goes over `smoothing_s` in a straight line, `_LINES` times as fast.
A click on a sine is a step of up to its whole amplitude, at one of six phases. The other parameters are at
their defaults, then amid their ranges: a filter's frequency does nothing while its gain is 0 dB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..parameter import Parameter
from .trial import (
    RATE_HZ,
    Bench,
    Failed,
    Samples,
    Trial,
    at_settings,
    expect_bounded,
    expect_same,
    failing,
    noise,
    peak,
    sine,
    telling_values,
)

_CHUNKS_DIFFER = 1e-5  # of the peak
_LONGEST = 8193
_OWN, _OF_PEAK, _LINES = 3.0, 0.05, 4.0
_REST_S, _JUMP_FRAMES, _JUMPS = 0.4, 1519, 6  # 1519: at another phase of the sine each time


@at_settings
def check_chunks(bench: Bench, values: Mapping[str, float]) -> None:
    """However the sound is cut into blocks, what comes out is the same."""
    with bench.trial(values, max_block=_LONGEST) as trial:
        given = noise(2 * _LONGEST + trial.latency_samples) + sine(2 * _LONGEST + trial.latency_samples)
        expected = trial.play(given, 512)
        for sizes in (1, 63, 64, 65, 513, _LONGEST, *map(_random_sizes, range(3))):
            trial.reset()
            part = given[: 4096 + trial.latency_samples] if sizes == 1 else given
            what = f"in blocks of {sizes}" if isinstance(sizes, int) else "in blocks of random lengths"
            found = trial.play(part, sizes)
            expect_same(found, expected[: len(part)], f"{what} instead of 512", _CHUNKS_DIFFER)


@at_settings
def check_chunks_mono(bench: Bench, values: Mapping[str, float]) -> None:
    """The same in mono, at another rate."""
    with bench.trial(values, max_block=600, rate_hz=48000, channels=1) as trial:
        given = noise(16000 + trial.latency_samples, 1)
        expected = trial.play(given, 600)
        trial.reset()
        expect_same(trial.play(given, _random_sizes(5)), expected, "mono, in random blocks", _CHUNKS_DIFFER)


def check_random_values(bench: Bench) -> None:
    """Any values, changed at any block: finite and bounded, whatever the `fixed` ones are."""
    moving = [each for each in bench.kind.parameters if not each.fixed]
    if not bench.kind.parameters:
        return
    for seed in range(6):
        rng = np.random.default_rng(seed)
        fixed = {each.name: each.at(float(rng.random())) for each in bench.kind.parameters if each.fixed}
        with bench.trial(fixed) as trial:
            given = noise(20000, seed=seed) if seed % 2 else sine(20000, pitch_hz=50.0 * 4.0**seed)
            written: dict[str, float] = {}
            for at in range(0, len(given), 500):
                for each in moving:
                    if rng.random() < 0.5:
                        written[each.name] = each.at(float(rng.choice([0.0, 1.0, rng.random()])))
                        with failing(f"set({each.name!r}, {written[each.name]:g}) while it plays"):
                            trial.plugin.set(each.name, written[each.name])
                part = given[at : at + 500]
                with telling_values(fixed | written):
                    expect_bounded(trial.play(part, 1 + int(rng.integers(512))), part, "too loud")


@at_settings
def check_clicks(bench: Bench, values: Mapping[str, float]) -> None:
    """No parameter that is smoothed clicks."""
    for each in bench.kind.parameters:
        if not each.fixed and each.smoothing_s > 0 and each.highest > each.lowest:
            _click(bench, each, dict(values))


def _click(bench: Bench, each: Parameter, values: dict[str, float]) -> None:
    loudest, largest = 0.0, 0.0
    frames = round(_REST_S * RATE_HZ)
    for place in (0.0, 0.25, 0.5, 0.75, 1.0):
        with bench.trial({**values, each.name: each.at(place)}) as trial:
            heard = trial.play(sine(frames + trial.latency_samples))
            loudest, largest = max(loudest, peak(heard)), max(largest, _step(heard))
    with bench.trial({**values, each.name: each.lowest}) as trial:
        heard = _jumping(trial, each)
        loudest = max(loudest, peak(heard))
        allowed = _OWN * largest + loudest * (_OF_PEAK + _LINES / (each.smoothing_s * RATE_HZ))
        found = _step(heard)
        if found > allowed:
            at = int(np.abs(np.diff(heard, axis=0)).max(axis=1).argmax()) + 1
            raise Failed(
                f"clicks: {each.name} jumping between {each.lowest:g} and {each.highest:g} makes a step of "
                f"{found:.3g} in frame {at}; expected at most {allowed:.3g} with a smoothing of {each.smoothing_s:g} s"
            )


def _jumping(trial: Trial, each: Parameter) -> Samples:
    """A sine while the parameter jumps to and fro."""
    settle = round(0.2 * RATE_HZ) + trial.latency_samples
    given = sine(settle + _JUMPS * _JUMP_FRAMES)
    heard = [trial.play(given[:settle])]
    for i in range(_JUMPS):
        trial.plugin.set(each.name, each.lowest if i % 2 else each.highest)
        at = settle + i * _JUMP_FRAMES
        heard.append(trial.play(given[at : at + _JUMP_FRAMES]))
    return np.concatenate(heard)


def _step(heard: Samples) -> float:
    return float(np.abs(np.diff(heard, axis=0)).max(initial=0.0))


def _random_sizes(seed: int) -> list[int]:
    return np.random.default_rng(seed).integers(1, 513, 101).tolist()


LEVELS: tuple[tuple[int, str, Callable[[Bench], None]], ...] = (
    (6, "block lengths give the same", check_chunks),
    (6, "the same in mono", check_chunks_mono),
    (7, "random values while playing", check_random_values),
    (7, "no clicks", check_clicks),
)
