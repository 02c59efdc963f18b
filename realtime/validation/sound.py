"""Level 8: sound that nobody plays on purpose, what is heard after its end, and state that is taken elsewhere."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Mapping

import numpy as np

from .trial import (
    MAX_BLOCK,
    Bench,
    Failed,
    Samples,
    at_settings,
    expect_bounded,
    expect_same,
    failing,
    noise,
    peak,
)

_INAUDIBLE = 1e-3  # -60 dB
_LONGEST_TAIL_S = 20.0  # of a tail that is listened to
_SAME = 1e-6


@at_settings
def check_hostile(bench: Bench, values: Mapping[str, float]) -> None:
    """Full scale, +24 dB, subnormals, constant values, Nyquist, impulses: finite and bounded; then fit for use."""
    for what, given in _hostile_sounds().items():
        with bench.trial(values) as trial, bench.trial(values) as fresh:
            try:
                heard = trial.play(given)
            except Failed as failed:
                raise Failed(f"{what}: {failed}") from failed
            expect_bounded(heard, given, what)
            trial.reset()
            after = noise(4096)
            expect_same(trial.play(after), fresh.play(after), f"after {what} and reset", _SAME)


@at_settings
def check_damaged(bench: Bench, values: Mapping[str, float]) -> None:
    """After NaN or infinity, which no host passes on, `reset` makes it fit for use again."""
    given = noise(8192)
    for damage in (math.nan, math.inf, -math.inf):
        with bench.trial(values) as trial, bench.trial(values) as fresh:
            trial.play(given)
            with contextlib.suppress(Failed):  # what comes of it does not matter
                trial.play(np.full((MAX_BLOCK, trial.channels), damage, np.float32), finite=False)
            trial.reset()
            try:
                expect_same(trial.play(given), fresh.play(given), "differs from a new plugin", _SAME)
            except Failed as failed:
                raise Failed(f"after a block of {damage} and reset: {failed}") from failed


@at_settings
def check_tail(bench: Bench, values: Mapping[str, float]) -> None:
    """After latency and tail, nothing above -60 dB is left, with each parameter at its ends, too."""
    ends = [{each.name: end} for each in bench.kind.parameters for end in (each.lowest, each.highest)]
    for changed in ({}, *ends):
        with bench.trial({**values, **changed}) as trial:
            tail = trial.tail_samples
            if tail is None or tail > _LONGEST_TAIL_S * trial.rate_hz:
                continue
            given = np.zeros((trial.rate_hz // 2 + trial.latency_samples + tail + 8192, trial.channels), np.float32)
            sounding = trial.rate_hz // 2
            given[:sounding] = noise(sounding, trial.channels)
            heard = trial.play(given)
            left = peak(heard[sounding + trial.latency_samples + tail :])
            allowed = _INAUDIBLE * max(1.0, peak(heard))
            if left > allowed:
                settings = ", ".join(f"{name}={value:g}" for name, value in changed.items()) or "all else as it was"
                raise Failed(
                    f"declares a tail of {tail} samples (latency {trial.latency_samples}), but a peak of {left:.2g} is "
                    f"left after them, {trial.where} with {settings}; expected at most {allowed:.2g}"
                )


def check_state(bench: Bench) -> None:
    """State and values, taken to another plugin by way of JSON, give the same sound."""
    rng = np.random.default_rng(8)
    values = {each.name: each.at(float(rng.random())) for each in bench.kind.parameters}
    given = noise(16384)
    with bench.trial(values) as trial:
        expected = trial.play(given)
        with failing("state"):
            state = trial.plugin.state()
        try:
            text = json.dumps(state, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise Failed(f"state() gives what JSON does not take: {error}") from error
        with bench.trial(values, state=json.loads(text)) as other:
            expect_same(other.play(given), expected, "a new plugin with the same state and values", _SAME)


def _hostile_sounds() -> dict[str, Samples]:
    shape = (8192, 2)
    nyquist, impulses = np.ones(shape, np.float32), np.zeros(shape, np.float32)
    nyquist[1::2], impulses[::1000] = -1.0, 1.0
    square = np.where(np.arange(shape[0]) // 50 % 2, 1.0, -1.0)[:, None] * np.ones(2)
    halves = noise(shape[0]) * 2
    halves[shape[0] // 2 :] = 0.0
    return {
        "full scale": square.astype(np.float32),
        "24 dB over full scale": noise(shape[0]) / 0.5 * np.float32(10 ** (24 / 20)),
        "subnormal numbers": np.full(shape, 1e-40, np.float32),
        "the smallest subnormal number": np.full(shape, 1e-45, np.float32),
        "a constant 1": np.ones(shape, np.float32),
        "full scale at half the sample rate": nyquist,
        "impulses": impulses,
        "noise, then silence": halves,
    }


LEVELS: tuple[tuple[int, str, Callable[[Bench], None]], ...] = (
    (8, "hostile sound", check_hostile),
    (8, "recovers from NaN", check_damaged),
    (8, "tail", check_tail),
    (8, "state", check_state),
)
