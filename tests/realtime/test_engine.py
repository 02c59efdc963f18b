"""The engine between the rings: exact latency, exact counts, no click, whatever the worker goes through.

The callback is the compiled one that PortAudio calls; here the test calls it, so that time stands still
where a test wants it to.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from advsep.realtime.engine import Engine, adaptation_delay, match_channels
from advsep.realtime.exchange import (
    CALLBACKS,
    CLIPPED,
    FADE_FRAMES,
    FRAMES,
    GATE_S,
    LONGEST_BLOCK,
    MISSED_FRAMES,
    Deck,
)

pytestmark = pytest.mark.live

RATE_HZ = 44100
GATE_FRAMES = round(GATE_S * RATE_HZ)


def song(seconds: float) -> np.ndarray:
    """Two voices and a little noise, well below full scale: [frame, 2]."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    rng = np.random.default_rng(7)
    left = 0.2 * np.sin(2 * np.pi * 220 * t) + 0.1 * np.sin(2 * np.pi * 1330.7 * t)
    right = 0.25 * np.sin(2 * np.pi * 310.3 * t)
    return (np.stack([left, right], 1) + 0.02 * rng.standard_normal((len(t), 2))).astype(np.float32)


def faded_in(samples: np.ndarray) -> np.ndarray:
    """What the gate leaves of live sound from its first sample on."""
    ramp = np.minimum(np.arange(1, len(samples) + 1), GATE_FRAMES).astype(np.float32) / np.float32(GATE_FRAMES)
    return ramp[:, None] * samples


@pytest.fixture
def stalling(late: type[Any]) -> Callable[..., Any]:
    """A processor at a gain of its own that stands still before a hop while the test says so."""

    class Stalling(late):  # type: ignore[misc, valid-type]
        gain = np.float32(0.5)

        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            super().__init__(*arguments, **keywords)
            self.go = threading.Event()
            self.go.set()

        def process(self, samples: np.ndarray, mix: np.ndarray) -> None:
            assert self.go.wait(20)
            super().process(samples, mix)
            mix *= self.gain

    return Stalling


class Play:
    """A deck, its engine and a clock that the test turns."""

    def __init__(self, hand: Any, processor: Any, period: int, channels: tuple[int, int] = (2, 2)) -> None:
        self.deck = Deck(1 << 16, *channels)
        self.hand, self.processor, self.period = hand(self.deck, captures=True), processor, period
        self.engine = Engine(self.deck, processor)
        self.engine.arm(period)
        self.captured = 0

    def block(self, samples: np.ndarray) -> np.ndarray:
        self.captured += len(samples)
        return self.hand.block(len(samples), samples)

    def settle(self) -> None:
        """Until the worker has done every hop that is complete."""
        until_s = time.perf_counter() + 10
        while self.deck.outputs.written < self.deck.words[0] + self.captured // self.processor.hop_samples * (
            self.processor.hop_samples
        ):
            assert self.engine.error is None
            assert time.perf_counter() < until_s
            time.sleep(0.0002)

    def all(self, samples: np.ndarray, stalls: list[tuple[int, int]] | None = None) -> np.ndarray:
        """Blocks of the period from start to end; the worker stands still in blocks first…end of each stall."""
        heard, stood = [], False
        for number, start in enumerate(range(0, len(samples) - self.period + 1, self.period)):
            stands = any(first <= number < end for first, end in stalls or [])
            if stands:
                self.processor.go.clear()
            heard.append(self.block(samples[start : start + self.period]))
            if not stands:
                if stood:
                    self.processor.go.set()
                self.settle()
            stood = stands
        return np.concatenate(heard)


PERIODS = [1, 64, 100, 128, 256, 300, 512, 768, 1000, 4096]


@pytest.mark.parametrize("hop", [64, 128, 256, 512])
@pytest.mark.parametrize("period", PERIODS)
def test_the_adaptation_is_the_least_that_leaves_the_worker_a_period(hop: int, period: int) -> None:
    """Against the definition, block by block: what is asked for has to be of hops that were there a block ago."""

    def enough(delay: int) -> bool:
        for block in range(math.lcm(hop, period) // period + 1):
            there = block * period // hop * hop  # frames of whole hops before this block came
            if (block + 1) * period - delay > there:
                return False
        return True

    delay = adaptation_delay(hop, period)
    assert enough(delay)
    assert not enough(delay - 1)
    assert delay <= max(hop, period) + period
    if hop % period == 0 or period % hop == 0:
        assert delay == max(hop, period)


@pytest.mark.parametrize(("hop", "delay"), [(64, 64), (256, 256), (256, 1000), (512, 512)])
@pytest.mark.parametrize("period", [64, 100, 128, 256, 700, 2048])
def test_everything_comes_out_at_the_declared_latency(
    hand: type[Any], stalling: Callable[..., Any], hop: int, delay: int, period: int
) -> None:
    play = Play(hand, stalling(hop_samples=hop, delay_samples=delay), period)
    samples = song(0.6)
    heard = play.all(samples)
    play.engine.disarm(0)
    latency = play.engine.latency_samples
    assert latency == delay + adaptation_delay(hop, period)
    assert play.engine.misses == 0
    assert play.engine.skipped_hops == 0
    np.testing.assert_array_equal(heard[latency:], faded_in(0.5 * samples[: len(heard) - latency]))
    assert not heard[:latency].any()
    assert play.deck.count(CALLBACKS) == len(heard) // period
    assert play.deck.count(FRAMES) == len(heard)
    assert play.deck.count(LONGEST_BLOCK) == period


def test_blocks_of_changing_length_up_to_the_longest_are_no_trouble(
    hand: type[Any], stalling: Callable[..., Any]
) -> None:
    play = Play(hand, stalling(), 500)
    samples, heard, at = song(1.0), [], 0
    rng = np.random.default_rng(1)
    while at + 500 <= len(samples):
        count = int(rng.integers(1, 501))
        heard.append(play.block(samples[at : at + count]))
        play.settle()
        at += count
    play.engine.disarm(0)
    latency, out = play.engine.latency_samples, np.concatenate(heard)
    assert play.engine.misses == 0
    np.testing.assert_array_equal(out[latency:], faded_in(0.5 * samples[: len(out) - latency]))


def missed(processor: Any, period: int, blocks: int, stalls: list[tuple[int, int]]) -> tuple[set[int], int]:
    """By the definition: hops, and frames, asked for in a block when their hop was not done."""
    hop = processor.hop_samples
    delay = adaptation_delay(hop, period)
    done, hops, frames = 0, set[int](), 0
    for number in range(blocks):
        for frame in range(number * period, (number + 1) * period):
            if frame - delay >= done * hop:
                hops.add((frame - delay) // hop)
                frames += 1
        if not any(first <= number < end for first, end in stalls):
            done = (number + 1) * period // hop
    return hops, frames


@pytest.mark.parametrize("period", [64, 100, 128, 256, 1024])
@pytest.mark.parametrize("stall_ms", [5, 20, 200])
def test_a_stall_is_heard_as_the_mixture_counted_and_over(
    hand: type[Any], stalling: Callable[..., Any], period: int, stall_ms: int
) -> None:
    processor = stalling()
    play, samples = Play(hand, processor, period), song(2.0)
    blocks = len(samples) // period
    length = max(1, round(stall_ms * RATE_HZ / 1000 / period))
    rng = np.random.default_rng(stall_ms + period)
    starts = sorted(rng.choice(np.arange(6, blocks - length - 6), 40, replace=False))
    stalls: list[tuple[int, int]] = []
    for start in starts:  # at random, none while another is being made up for
        if not stalls or start >= stalls[-1][1] + max(2, 2000 // period):
            stalls.append((int(start), int(start) + length))
    heard = play.all(samples, stalls)
    play.engine.disarm(0)
    hops, frames = missed(processor, period, blocks, stalls)
    assert play.engine.misses == len(hops)
    assert play.deck.count(MISSED_FRAMES) == frames
    assert len(hops) > 0 or length * period < processor.hop_samples

    # The latency is what it was, to the sample: every frame is the mixture at that latency, at the wet or the dry
    # gain, or between them while one goes over into the other.
    latency = play.engine.latency_samples
    dry = np.concatenate([np.zeros((latency, 2), np.float32), samples])[: len(heard)]
    open_, end = GATE_FRAMES + latency, len(heard)
    difference = np.abs(heard - 0.5 * dry)[open_:end].max(1)
    late = np.zeros(end, bool)
    for frame in range(end):
        late[frame] = (frame - play.engine.latency_samples + processor.delay_samples) // processor.hop_samples in hops
    fading = np.convolve(late, np.ones(FADE_FRAMES + 1), "full")[: len(late)] > 0
    blocks_after = np.convolve(fading, np.ones(period + 1), "full")[: len(late)] > 0
    assert not difference[~blocks_after[open_:]].any()

    # No step is larger than the mixture's own, but for what a fade of FADE_FRAMES adds.
    own = np.abs(np.diff(dry[open_:], axis=0)).max()
    fade = 0.5 * np.abs(dry).max() / FADE_FRAMES
    assert np.abs(np.diff(heard[open_:], axis=0)).max() <= own + fade
    assert own + fade < 1.1 * own


def test_a_long_stall_is_not_made_up_for_hop_by_hop(hand: type[Any], stalling: Callable[..., Any]) -> None:
    processor = stalling()
    play, samples = Play(hand, processor, 256), song(3.0)
    heard = play.all(samples, [(100, 100 + 172)])  # one second
    play.engine.disarm(0)
    assert play.engine.misses == 172
    # 0.1 s is computed to find the way back, the rest is left out.
    assert play.engine.skipped_hops == pytest.approx(172 - 0.1 * RATE_HZ / 256, abs=3)
    assert play.engine.times.hops + play.engine.skipped_hops == len(samples) // 256
    latency = play.engine.latency_samples
    np.testing.assert_array_equal(heard[75000:], 0.5 * samples[75000 - latency : len(heard) - latency])


def test_a_worker_that_never_keeps_up_leaves_the_mixture_and_says_so(
    hand: type[Any], stalling: Callable[..., Any]
) -> None:
    processor = stalling()
    play, samples = Play(hand, processor, 128), song(1.5)
    heard = play.all(samples, [(0, 10**6)])
    processor.go.set()
    play.engine.disarm(0)
    latency = play.engine.latency_samples
    np.testing.assert_allclose(heard[GATE_FRAMES + latency :], samples[GATE_FRAMES : len(heard) - latency], atol=1e-6)
    assert play.engine.misses == math.ceil((len(heard) - adaptation_delay(256, 128)) / 256)


def test_the_mixture_that_stands_in_is_not_louder_than_the_loudest_stem(
    hand: type[Any], stalling: Callable[..., Any]
) -> None:
    processor = stalling()
    processor.dry_gain = 0.25
    play, samples = Play(hand, processor, 128), song(1.0)
    heard = play.all(samples, [(40, 10**6)])
    processor.go.set()
    play.engine.disarm(0)
    latency = play.engine.latency_samples
    np.testing.assert_allclose(heard[20000:], 0.25 * samples[20000 - latency : len(heard) - latency], atol=1e-6)


@pytest.mark.parametrize(("ins", "outs", "inner"), [(1, 2, 2), (2, 1, 2), (1, 1, 2), (1, 1, 1), (2, 2, 1)])
def test_channels_are_matched_alike_for_separated_sound_and_mixture(
    hand: type[Any], stalling: Callable[..., Any], ins: int, outs: int, inner: int
) -> None:
    processor = stalling(channels=inner)
    processor.gain = np.float32(1.0)
    play = Play(hand, processor, 128, (ins, outs))
    samples = song(1.0)[:, :ins].copy()
    heard = play.all(samples, [(100, 200)])
    play.engine.disarm(0)
    latency = play.engine.latency_samples
    wanted = np.zeros((len(samples), outs), np.float32)
    match_channels(samples, wanted)
    wanted = wanted[GATE_FRAMES : len(heard) - latency]
    if inner == 1 and ins == 2:  # the network's mono is what it is; the mixture keeps its channels
        wanted_wet = samples.mean(1, keepdims=True)[GATE_FRAMES : len(heard) - latency]
        np.testing.assert_allclose(heard[26000:] - wanted_wet[26000 - latency - GATE_FRAMES :], 0, atol=1e-6)
    else:
        np.testing.assert_allclose(heard[GATE_FRAMES + latency :], wanted, atol=1e-6)


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf, 1e20])
def test_what_is_no_sound_is_not_heard_in_the_mixture_either(
    hand: type[Any], stalling: Callable[..., Any], poison: float
) -> None:
    processor = stalling()
    play, samples = Play(hand, processor, 128), song(0.5)
    samples[5000:5100] = poison
    heard = play.all(samples, [(1, 10**6)])
    processor.go.set()
    play.engine.disarm(0)
    assert np.isfinite(heard).all()
    assert not heard[5000 + play.engine.latency_samples :][:100].any()


def test_beyond_full_scale_is_clipped_and_counted(hand: type[Any], stalling: Callable[..., Any]) -> None:
    processor = stalling()
    processor.gain = np.float32(10.0)
    play, samples = Play(hand, processor, 128), song(0.5)
    heard = play.all(samples)
    play.engine.disarm(0)
    assert np.abs(heard).max() == 1.0
    latency = play.engine.latency_samples
    louder = np.abs(faded_in(np.float32(10) * samples[: len(heard) - latency])) > 1
    assert play.deck.count(CLIPPED) == louder.sum()


def test_a_processor_is_swapped_for_one_of_another_hop_without_a_click(
    hand: type[Any], stalling: Callable[..., Any], late: type[Any]
) -> None:
    play, samples = Play(hand, stalling(), 128), song(3.0)
    heard, swapping = [], threading.Thread(target=lambda: play.engine.swap(late(hop_samples=512, delay_samples=512)))
    for number, start in enumerate(range(0, len(samples) - 128 + 1, 128)):
        if number == 200:
            swapping.start()
        heard.append(play.hand.block(128, samples[start : start + 128]))
        time.sleep(0.001)  # the worker and the swap have to be able to follow
    swapping.join()
    play.engine.disarm(0)
    out = np.concatenate(heard)
    assert play.engine.latency_samples == 1024
    own = np.abs(np.diff(samples, axis=0)).max()
    assert np.abs(np.diff(out, axis=0)).max() <= own + np.abs(samples).max() / FADE_FRAMES
    np.testing.assert_allclose(out[-40000:], samples[-1024 - 40000 - len(samples) % 128 :][:40000], atol=1e-6)


def test_a_worker_that_fails_says_why_and_the_mixture_goes_on(hand: type[Any], late: type[Any]) -> None:
    class Failing(late):  # type: ignore[misc, valid-type]
        def process(self, samples: np.ndarray, mix: np.ndarray) -> None:
            if samples.any():
                raise OSError("the model has gone")
            super().process(samples, mix)

    play, samples = Play(hand, Failing(), 128), song(1.0)
    heard = np.concatenate([play.block(samples[s : s + 128]) for s in range(0, len(samples) - 127, 128)])
    until_s = time.perf_counter() + 5
    while play.engine.error is None and time.perf_counter() < until_s:
        time.sleep(0.001)
    play.engine.disarm(0)
    assert isinstance(play.engine.error, OSError)
    latency = play.engine.latency_samples
    np.testing.assert_allclose(heard[GATE_FRAMES + latency :], samples[GATE_FRAMES : len(heard) - latency], atol=1e-6)
