"""A source fed to the engine is heard from its first sample to its last, once, in order, at the declared latency."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from advsep.realtime.engine import LEAD_SAMPLES, Engine
from advsep.realtime.exchange import FADE_FRAMES, GATE_FRAMES, MISSED_HOPS, PLAYED, STARVED_FRAMES, Deck
from advsep.realtime.feeder import SourceFeeder
from advsep.realtime.live_path import LivePath
from advsep.realtime.model import ModelSession
from advsep.realtime.source import ArraySource, SourceError

pytestmark = pytest.mark.live

CAPACITY = 1 << 16
PERIOD = 128


def noise(length: int, channels: int, seed: int = 3) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal((length, channels))).astype(np.float32)


class Dripping(ArraySource):
    """Has nothing to give between the positions in `stalls` and a call of `go_on`."""

    def __init__(self, samples: np.ndarray, rate_hz: int, stalls: list[int]) -> None:
        super().__init__(samples, rate_hz, "dripping")
        self.samples = None
        self._stalls, self._go_on = stalls, threading.Event()

    def go_on(self) -> None:
        self._go_on.set()

    def wait(self, timeout_s: float) -> bool:
        if self._stalls and self._position >= self._stalls[0]:
            if not self._go_on.wait(timeout_s):
                return False
            self._stalls.pop(0)
            self._go_on.clear()
        return True

    def read(self, count: int) -> np.ndarray:
        return super().read(min(count, self._stalls[0] - self._position) if self._stalls else count)


def set_up(source: Any, processor: Any, **limits: Any) -> tuple[Deck, Engine, SourceFeeder]:
    deck = Deck(CAPACITY, processor.channels, processor.channels)
    engine = Engine(deck, processor, fed=True, holds=True)
    feeder = SourceFeeder(source, deck, processor.rate_hz, engine, **limits)
    engine.feeder = feeder
    return deck, engine, feeder


def play(source: Any, processor: Any, hand: Any, **limits: Any) -> tuple[np.ndarray, Engine, SourceFeeder, Deck]:
    deck, engine, feeder = set_up(source, processor, **limits)
    engine.arm(PERIOD)
    try:
        heard = hand(deck).to_the_end(engine, PERIOD)
    finally:
        engine.disarm()
    assert deck.count(MISSED_HOPS) == 0
    assert deck.count(STARVED_FRAMES) == 0
    return heard, engine, feeder, deck


def await_worker(deck: Deck, hop_samples: int) -> None:
    """Until it is far enough ahead, or has done what there is."""
    while True:
        done = deck.outputs.written
        if done == deck.inputs.written // hop_samples * hop_samples or done >= deck.words[PLAYED] + LEAD_SAMPLES:
            return
        time.sleep(0.0005)


def gated(samples: np.ndarray, latency: int, gate_frames: int) -> np.ndarray:
    """The samples behind so much silence, while the gate opens."""
    delayed = np.concatenate([np.zeros((latency, samples.shape[1]), np.float32), samples])
    gate = np.minimum(np.arange(1, len(delayed) + 1) / gate_frames, 1.0)
    return (gate[:, None] * delayed).astype(np.float32)


@pytest.mark.parametrize("length", [1, 255, 4097, 60_013])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_sample_is_heard_once_and_nothing_after(length: int, channels: int, late: Any, hand: Any) -> None:
    samples = noise(length, channels)
    heard, engine, feeder, deck = play(ArraySource(samples, 44100, "noise"), late(), hand)
    expected = gated(np.broadcast_to(samples, (length, 2)), engine.latency_samples, deck.count(GATE_FRAMES))
    assert engine.latency_samples == 300
    np.testing.assert_allclose(heard[: len(expected)], expected, atol=1e-7)
    assert not heard[len(expected) :].any()
    assert len(heard) - len(expected) < PERIOD
    assert (feeder.ended, feeder.length_samples, feeder.played_samples) == (True, length, length)


@pytest.mark.parametrize("from_hz", [8000, 22050, 48000, 192_000])
def test_at_another_rate_the_song_keeps_its_time_and_length(from_hz: int, late: Any, hand: Any) -> None:
    """A sine of 440 Hz stays one, in phase with the time of the source's first sample."""
    length = from_hz // 2 + 11
    samples = (0.5 * np.sin(2 * np.pi * 440 * np.arange(length) / from_hz))[:, None].astype(np.float32)
    source = ArraySource(samples, from_hz, "sine")
    deck, engine, feeder = set_up(source, late())
    promised = feeder.length_samples
    engine.arm(PERIOD)
    heard = hand(deck).to_the_end(engine, PERIOD)
    engine.disarm()
    assert promised == feeder.length_samples == round(length * 44100 / from_hz)
    song = heard[300 : 300 + promised, 0]
    inner = slice(2000, promised - 1000)
    np.testing.assert_allclose(
        song[inner], 0.5 * np.sin(2 * np.pi * 440 * np.arange(promised) / 44100)[inner], atol=1e-4
    )
    assert not heard[300 + promised :].any()


def test_stereo_for_a_mono_deck_is_its_mean(late: Any, hand: Any) -> None:
    samples = noise(5000, 2)
    heard, engine, _, deck = play(ArraySource(samples, 44100, "noise"), late(channels=1), hand)
    expected = gated(samples.mean(1, keepdims=True), engine.latency_samples, deck.count(GATE_FRAMES))
    np.testing.assert_allclose(heard[: len(expected)], expected, atol=1e-7)


def test_a_part_is_heard_from_where_it_begins(late: Any, hand: Any) -> None:
    samples = noise(30_000, 2)
    source = ArraySource(samples, 32000, "noise")
    limits = {"begin_s": 0.25, "longest_s": 0.5}
    part, _, feeder, _ = play(source, late(rate_hz=32000), hand, **limits)
    assert feeder.length_samples == 16_000
    np.testing.assert_array_equal(part[1000 : 300 + 16_000], samples[8000 + 700 : 8000 + 16_000])
    beyond, _, feeder, _ = play(ArraySource(samples, 32000, "noise"), late(rate_hz=32000), hand, begin_s=7.0)
    assert feeder.length_samples == 0
    assert not beyond.any()


def test_the_separated_song_at_unity_gain_is_the_song(make_model: Any, hand: Any) -> None:
    """Through the network's path: what is heard is the file, exactly as late as the engine says."""
    samples = noise(20_011, 2)
    path = LivePath(ModelSession(make_model(logit=-1.0, slope=0.5)), 44100)
    path.warm_up()
    heard, engine, _, deck = play(ArraySource(samples, 44100, "noise"), path, hand)
    assert engine.latency_samples == 256
    expected = gated(samples, 256, deck.count(GATE_FRAMES))
    np.testing.assert_allclose(heard[: len(expected)], expected, atol=1e-6)


def test_a_source_that_stalls_makes_a_pause_without_a_click(late: Any, hand: Any) -> None:
    """A constant would show every jump: it fades out, and in again; not one sample is left out."""
    length, stall = 20_000, 9000
    samples = np.full((length, 2), 0.5, np.float32)
    source = Dripping(samples, 44100, [stall])
    deck, engine, feeder = set_up(source, late())
    engine.arm(PERIOD)
    card = hand(deck)
    heard: list[np.ndarray] = []
    while not engine.ended:
        await_worker(deck, 256)
        heard.append(card.block(PERIOD))
        if deck.count(STARVED_FRAMES) >= 1000:
            source.go_on()
    engine.disarm()
    sound = np.concatenate(heard)[:, 0]
    starved = deck.count(STARVED_FRAMES)
    assert deck.count(MISSED_HOPS) == 0
    # Positions stood still while there was nothing: the end comes as much later as the pause was long.
    end = 300 + length + starved
    assert np.abs(np.diff(sound[500:end])).max() <= 0.5 / FADE_FRAMES + 1e-6
    assert (sound[500 : stall // 256 * 256] == 0.5).all()
    assert sound[end - 1] == 0.5
    assert not sound[end:].any()
    assert feeder.played_samples == length


def test_after_a_stop_it_goes_on_where_it_was_heard_last(late: Any, hand: Any) -> None:
    samples = noise(40_000, 2)
    deck, engine, feeder = set_up(ArraySource(samples, 44100, "noise"), late(hop_samples=256))
    card = hand(deck)
    engine.arm(PERIOD)
    for _ in range(100):
        card.block(PERIOD)
    engine.disarm(timeout_s=0.0)
    first = feeder.played_samples
    assert first == 100 * PERIOD - 300
    engine.swap(late(hop_samples=192, delay_samples=77))
    heard = card.to_the_end(engine, PERIOD)
    engine.disarm()
    expected = gated(samples[first:], 77, deck.count(GATE_FRAMES))
    np.testing.assert_allclose(heard[: len(expected)], expected, atol=1e-7)
    assert feeder.played_samples == feeder.length_samples == 40_000


def test_a_damaged_source_ends_where_it_is_damaged(late: Any, hand: Any) -> None:
    class Damaged(ArraySource):
        def read(self, count: int) -> np.ndarray:
            if self._position >= 3000:
                raise SourceError("noise: cannot be decoded at 0.07 s")
            return super().read(min(count, 3000 - self._position))

    heard, _, feeder, _ = play(Damaged(noise(9000, 2), 44100, "noise"), late(), hand)
    assert isinstance(feeder.error, SourceError)
    assert feeder.length_samples == 3000
    assert heard[3299].any()
    assert not heard[3300:].any()


def test_a_source_with_nothing_to_give_can_be_stopped(late: Any) -> None:
    _, engine, feeder = set_up(Dripping(noise(100, 2), 44100, [50]), late())
    engine.arm(PERIOD)
    began_s = time.perf_counter()
    engine.disarm(timeout_s=0.0)
    assert time.perf_counter() - began_s < 1.0
    assert (feeder.ended, feeder.length_samples) == (False, None)
