"""The rack: strips of different latencies come out together, levels and edits without a click."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from advsep.realtime.delay_line import DelayLine
from advsep.realtime.host import LONGEST_DELAY_SAMPLES, Rack
from advsep.realtime.parameter import SMOOTHING_S
from advsep.realtime.plugin import Plugin
from advsep.realtime.rack_spec import RackError
from advsep.realtime.rack_text import parse_rack
from advsep.realtime.slot import Slot
from numpy.typing import NDArray

RATE_HZ, MOST = 44100, 600
SOURCES = ("vocals", "accompaniment", "microphone")
Samples = NDArray[np.float32]


def late(samples: int) -> Slot:
    """Of a plugin that delays, and says so."""

    class Late(Plugin):
        latency_samples = samples

        def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
            self._line = DelayLine(samples, channels, rate_hz)
            self._line.set_delay(samples, fade=False)

        def process(self, block: Samples) -> None:
            self._line.process(block)

        def reset(self) -> None:
            self._line.reset()

    return Slot(Late(), f"late {samples}", RATE_HZ, MOST, 2)


def rack(chains: Mapping[str, list[Slot]], levels: str = "", buses: tuple[str, ...] = ()) -> Rack:
    made = Rack(SOURCES, RATE_HZ, MOST, 2, buses)
    for strip, slots in chains.items():
        made.change({strip: slots})
    made.set_levels(parse_rack(levels))
    made.reset()
    return made


def stems(seconds: float = 1.0, seed: int = 2) -> dict[str, Samples]:
    rng = np.random.default_rng(seed)
    return {name: 0.2 * rng.standard_normal((round(seconds * RATE_HZ), 2)).astype(np.float32) for name in SOURCES}


def sines() -> dict[str, Samples]:
    t = np.arange(RATE_HZ)[:, None] / RATE_HZ
    return {
        name: (0.2 * np.sin(2 * np.pi * hz * t) * np.ones(2)).astype(np.float32)
        for name, hz in zip(SOURCES, (220, 330, 440), strict=True)
    }


def play(
    played: Rack, given: Mapping[str, Samples], events: Mapping[int, Callable[[], object]] | None = None
) -> tuple[Samples, dict[str, Samples]]:
    """In blocks of 1 to 600 frames; the mix, and the stems as they left their faders."""
    left = {name: stem.copy() for name, stem in given.items()}
    mixture = sum_of(given)
    mix, at, rng = np.empty_like(mixture), 0, np.random.default_rng(4)
    for stop in [*sorted(events or {}), len(mix)]:
        while at < stop:
            part = slice(at, min(at + int(rng.integers(1, MOST + 1)), stop))
            played.process({name: stem[part] for name, stem in left.items()}, mixture[part], mix[part])
            at = part.stop
        if events and stop in events:
            events[stop]()
    return mix, left


def sum_of(given: Mapping[str, Samples]) -> Samples:
    return np.sum(list(given.values()), axis=0, dtype=np.float32)


def shifted(samples: Samples, delay: int) -> Samples:
    return np.concatenate([np.zeros((delay, 2), np.float32), samples])[: len(samples)]


def error_db(heard: Samples, expected: Samples) -> float:
    return 10 * np.log10(np.sum((heard - expected) ** 2) / np.sum(expected**2) + 1e-20)


@pytest.mark.parametrize("master", [0, 64])
def test_strips_of_different_latency_sum_to_the_mixture_at_the_declared_one(master: int) -> None:
    given = stems()
    played = rack({"vocals": [late(441)], "microphone": [late(4000), late(96)], "master": [late(master)]})
    assert played.latency_samples == 4096 + master
    mix, left = play(played, given)
    assert error_db(mix, shifted(sum_of(given), 4096 + master)) < -130
    for name, stem in given.items():
        np.testing.assert_array_equal(left[name], shifted(stem, 4096))


def test_what_is_sent_to_a_bus_comes_back_in_time() -> None:
    given = stems()
    played = rack(
        {"vocals": [late(100)], "room": [late(700)]},
        "vocals[send.room=-6]:; accompaniment[send.room=-20]:; room[gain_db=-3]:",
        buses=("room", "unused"),
    )
    assert played.latency_samples == 800
    mix, _ = play(played, given)
    sent = 10 ** (-6 / 20) * given["vocals"] + 10 ** (-20 / 20) * given["accompaniment"]
    assert error_db(mix, shifted(sum_of(given) + 10 ** (-3 / 20) * sent, 800)) < -130


@pytest.mark.parametrize(
    ("levels", "factors"),
    [
        ("vocals[gain_db=-12]:", {"vocals": (0.2512, 0.2512)}),
        ("vocals[mute]:; accompaniment[pan=-0.25]:", {"vocals": (0, 0), "accompaniment": (1, 0.75)}),
        ("vocals[pan=1, gain_db=6]:", {"vocals": (0, 1.9953)}),
        ("vocals[solo, gain_db=-6]:; microphone[mute]:", {"vocals": (0.5012, 0.5012), "accompaniment": (0, 0)}),
        ("vocals[solo, mute]:", {"accompaniment": (0, 0)}),
        ("master[gain_db=-20]:", dict.fromkeys(SOURCES, (0.1, 0.1))),
    ],
)
def test_levels(levels: str, factors: dict[str, tuple[float, float]]) -> None:
    given = stems(0.2)
    if "solo" in levels:
        factors = {"microphone": (0, 0)} | factors
    mix, _ = play(rack({}, levels), given)
    expected = sum_of({name: stem * np.float32(factors.get(name, (1, 1))) for name, stem in given.items()})
    np.testing.assert_allclose(mix, expected, atol=1e-4)


def test_bypassed_the_mixture_comes_out_untouched_and_as_late() -> None:
    given = stems()
    played = rack({"vocals": [late(300)], "master": [late(20)]}, "vocals[gain_db=-30]:; master[gain_db=-3]:")
    played.set_levels(parse_rack("vocals[gain_db=-30]:; master[gain_db=-3]:"), bypassed=True)
    played.reset()
    assert played.loudest_gain == 1.0
    mix, _ = play(played, given)
    np.testing.assert_array_equal(mix, shifted(sum_of(given), 320))


def test_nothing_clicks_whatever_is_changed_while_it_plays() -> None:
    """Edits and levels all at once, several fades at a time: eight of the smoothing's steps are the most."""
    given, half, whole = sines(), late(441), late(4096)
    played = rack({})
    mix, _ = play(
        played,
        given,
        {
            3000: lambda: played.change({"vocals": [half]}),
            8000: lambda: played.change({"microphone": [whole]}),
            9000: lambda: played.change({"vocals": []}),
            16000: lambda: played.set_levels(parse_rack("vocals[mute]:; microphone[pan=1]:; master[gain_db=3]:")),
            18000: lambda: half.set_bypassed(True),
            20000: lambda: played.change({"master": [half, late(10)]}),
            24000: lambda: played.set_levels(parse_rack(""), bypassed=True),
            30000: lambda: played.set_levels(parse_rack("")),
            36000: lambda: played.change({"microphone": []}),
        },
    )
    own = sum(np.abs(np.diff(stem, axis=0)).max() for stem in given.values()) * 10 ** (3 / 20)
    assert np.abs(np.diff(mix, axis=0)).max() < own + 8 * 0.2 / (SMOOTHING_S * RATE_HZ)
    assert played.latency_samples == 451
    np.testing.assert_allclose(mix[42000:], shifted(sum_of(given), 451)[42000:], atol=1e-6)


def test_a_failed_plugin_is_told() -> None:
    class Broken(Plugin):
        def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
            pass

        def process(self, block: Samples) -> None:
            raise RuntimeError("no luck")

    played = rack({"vocals": [Slot(Broken(), "broken", RATE_HZ, MOST, 2), late(5)]})
    mix, _ = play(played, stems())
    assert played.failures == ("broken: RuntimeError: no luck",)
    begun = round(SMOOTHING_S * RATE_HZ) + 5  # the sound fades in, as nothing was heard before
    assert error_db(mix[begun:], shifted(sum_of(stems()), 5)[begun:]) < -130


def test_what_no_rack_can_be_is_refused() -> None:
    with pytest.raises(RackError, match="expected every name once"):
        Rack(("vocals",), RATE_HZ, MOST, 2, buses=("vocals",))
    played = rack({"vocals": [late(30000)]})
    with pytest.raises(RackError, match=f"36000 samples late; expected at most {LONGEST_DELAY_SAMPLES}"):
        played.change({"master": [late(6000)]})
    assert played.slots("master") == ()
    assert LONGEST_DELAY_SAMPLES == 32768
