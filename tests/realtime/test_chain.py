"""Slots and chains while a sine plays: nothing jumps, whatever comes, goes, moves or fails."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from advsep.realtime.chain import Chain
from advsep.realtime.delay_line import DelayLine
from advsep.realtime.parameter import SMOOTHING_S, Parameter
from advsep.realtime.plugin import Plugin
from advsep.realtime.slot import Slot
from numpy.typing import NDArray

RATE_HZ, MOST = 44100, 256
FADE = SMOOTHING_S * RATE_HZ


class Scale(Plugin):
    """Multiplies, in a straight line while the factor moves."""

    parameters = (Parameter(name="factor", default=0.5, lowest=-2.0, highest=2.0),)

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        self.blocks: list[int] = []

    def process(self, block: NDArray[np.float32]) -> None:
        begin, end = self.moves("factor")
        self.blocks.append(len(block))
        block *= (begin + (end - begin) * np.arange(1, len(block) + 1) / len(block)).astype(np.float32)[:, None]


class Late(Plugin):
    """Delays by 300 samples, and says so."""

    latency_samples = 300

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        self._line = DelayLine(300, channels, rate_hz)
        self._line.set_delay(300, fade=False)

    def process(self, block: NDArray[np.float32]) -> None:
        self._line.process(block)

    def reset(self) -> None:
        self._line.reset()


class Failing(Scale):
    """Works until it is told not to."""

    error: Exception | float | None = None

    def process(self, block: NDArray[np.float32]) -> None:
        super().process(block)
        if isinstance(self.error, Exception):
            raise self.error
        if self.error is not None:
            block[len(block) // 2 :] = self.error


def slot(plugin: Plugin) -> Slot:
    return Slot(plugin, type(plugin).__name__.lower(), RATE_HZ, MOST, 2)


def sine(count: int) -> NDArray[np.float32]:
    wave = 0.8 * np.sin(2 * np.pi * 440 * np.arange(count) / RATE_HZ)
    return np.stack([wave, 0.5 * wave], 1).astype(np.float32)


def play(
    process: Callable[[NDArray[np.float32]], None], events: dict[int, Callable[[], object]]
) -> NDArray[np.float32]:
    """Two seconds in blocks of 1 to 256 frames, with something done before some of them."""
    out, at, rng = sine(2 * RATE_HZ), 0, np.random.default_rng(11)
    for stop in [*sorted(events), len(out)]:
        while at < stop:
            count = min(int(rng.integers(1, MOST + 1)), stop - at)
            process(out[at : at + count])
            at += count
        if stop in events:
            events[stop]()
    return out


def assert_no_click(out: NDArray[np.float32], loudest: float = 1.0, most: float = 1.6) -> None:
    """No step beyond the loudest sine's own and what fading `most` away within the smoothing time implies."""
    own = loudest * np.abs(np.diff(sine(RATE_HZ), axis=0)).max()
    assert np.abs(np.diff(out, axis=0)).max() <= own + most / FADE + 1e-6


def test_what_comes_in_and_goes_out_fades() -> None:
    chain, first, second = Chain(), slot(Scale()), slot(Late())
    out = play(
        chain.process,
        {
            10000: lambda: chain.change([first]),
            30000: lambda: chain.change([first, second]),
            50000: lambda: chain.change([second]),
            70000: lambda: chain.change([]),
        },
    )
    dry = sine(len(out))
    assert_no_click(out)
    np.testing.assert_array_equal(out[:10000], dry[:10000])
    np.testing.assert_array_equal(out[12000:30000], 0.5 * dry[12000:30000])
    np.testing.assert_array_equal(out[32000:50000], 0.5 * dry[32000 - 300 : 50000 - 300])
    np.testing.assert_array_equal(out[52000:70000], dry[52000 - 300 : 70000 - 300])
    np.testing.assert_array_equal(out[72000:], dry[72000:])
    assert chain.settled
    assert chain.latency_samples == 0


def test_plugins_change_places_one_after_the_other() -> None:
    class Square(Plugin):
        def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
            pass

        def process(self, block: NDArray[np.float32]) -> None:
            block *= block

    half, square, late = slot(Scale()), slot(Square()), slot(Late())
    chain = Chain([half, square, late])
    out = play(chain.process, {40000: lambda: chain.change([late, square, half])})
    dry = sine(len(out))
    assert_no_click(out, loudest=2.0)
    np.testing.assert_allclose(out[1000:40000], (0.5 * dry[700 : 40000 - 300]) ** 2, atol=1e-7)
    np.testing.assert_allclose(out[43000:], 0.5 * dry[43000 - 300 : -300] ** 2, atol=1e-7)
    assert chain.settled
    assert chain.slots == (late, square, half)


def test_bypassed_the_sound_is_as_late_as_before() -> None:
    late, half = slot(Late()), slot(Scale())
    chain = Chain([late, half])
    out = play(
        chain.process,
        {
            20000: lambda: [late.set_bypassed(True), half.set_bypassed(True)],
            50000: lambda: [late.set_bypassed(False), half.set_bypassed(False)],
        },
    )
    dry = sine(len(out))
    assert_no_click(out[1000:])
    np.testing.assert_array_equal(out[300:20000], 0.5 * dry[: 20000 - 300])
    np.testing.assert_array_equal(out[22000:50000], dry[22000 - 300 : 50000 - 300])
    np.testing.assert_array_equal(out[52000:], 0.5 * dry[52000 - 300 : -300])


def test_a_parameter_moves_in_short_blocks_and_a_straight_line() -> None:
    plugin = Scale()
    half = slot(plugin)
    chain = Chain([half])
    out = play(chain.process, {30000: lambda: plugin.set("factor", 1.5)})
    dry = sine(len(out))
    steps = round(FADE / 4) - 64  # a quarter of its range; in the last block the line ends at the block's end
    factor = np.concatenate([np.full(30000, 0.5), np.minimum(0.5 + np.arange(1, len(out) - 29999) * 4 / FADE, 1.5)])
    np.testing.assert_allclose(out[: 30000 + steps], (factor[:, None] * dry)[: 30000 + steps], atol=1e-5)
    np.testing.assert_allclose(out[32000:], 1.5 * dry[32000:], atol=1e-6)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ZeroDivisionError("of course"), "failing: ZeroDivisionError: of course"),
        (np.nan, "failing: gave values that are no sound"),
        (np.inf, "failing: gave values that are no sound"),
    ],
)
def test_a_plugin_that_fails_is_heard_no_more_and_without_a_click(error: Exception | float, words: str) -> None:
    plugin = Failing()
    failing = slot(plugin)
    chain = Chain([failing])
    out = play(chain.process, {30000: lambda: setattr(plugin, "error", error)})
    assert failing.failure is not None
    assert failing.failure.startswith(words)
    assert_no_click(out)
    np.testing.assert_array_equal(out[32000:], sine(len(out))[32000:])
    blocks = len(plugin.blocks)
    failing.set_bypassed(True)
    failing.set_bypassed(False)
    chain.process(sine(100))
    assert len(plugin.blocks) == blocks
