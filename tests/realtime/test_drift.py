"""Two devices whose clocks differ, in simulated time: callbacks by hand at two rates, the worker between them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from advsep.realtime.drift import DriftBridge, RatioLoop
from advsep.realtime.engine import Engine
from advsep.realtime.exchange import FADE_FRAMES, MISSED_HOPS, Deck

PLAYED_HZ = 48000
PLAY_BEGINS_S = 0.0137
Hold = Callable[[float], bool]  # whether something does not happen at a time


class Stepped(Engine):
    """An engine whose worker does its work when the test says so."""

    def _work(self) -> None:
        pass

    def step(self) -> None:
        assert self.feeder is not None
        self.feeder.pump()
        while self._advance():
            self.feeder.pump()


class Room:
    """A capture device, a playback device, and the engine between them."""

    def __init__(
        self, late: Any, hand: Any, *, ppm: float = 0.0, blocks: tuple[int, int] = (128, 128), captured_hz: int = 48000
    ) -> None:
        self.now_s = 0.0
        self.blocks, self.captured_hz = blocks, captured_hz
        self.true_hz = captured_hz * (1 + 1e-6 * ppm)
        self.captured, self.played = Deck(1 << 15, 1, 1), Deck(1 << 15, 1, 1)
        self.engine = Stepped(self.played, late(PLAYED_HZ, 1, 256, 0), fed=True)
        self.bridge = DriftBridge(self.captured, self.played, captured_hz, PLAYED_HZ, clock=lambda: self.now_s)
        self.engine.feeder = self.bridge
        self._hands = hand(self.captured, captures=True), hand(self.played)
        self._random = np.random.default_rng(2)
        self.engine.arm(blocks[1])

    def play(self, samples: np.ndarray, *, silent: Hold = lambda _: False, stuck: Hold = lambda _: False) -> np.ndarray:
        """What is heard while `samples` are captured; a silent capture device, and a stuck worker, leave out what
        comes then. The worker comes up to some 0.1 ms after each block."""
        into, out_of = self.blocks
        heard: list[np.ndarray] = []
        j = 0
        while (j + 1) * into <= len(samples):
            came_s, due_s = (j + 1) * into / self.true_hz, PLAY_BEGINS_S + len(heard) * out_of / PLAYED_HZ
            at_s = min(came_s, due_s)
            if due_s <= came_s:
                heard.append(self._hands[1].block(out_of))
            else:
                if not silent(at_s):
                    self._hands[0].block(into, samples[j * into : (j + 1) * into])
                j += 1
            following_s = min((j + 1) * into / self.true_hz, PLAY_BEGINS_S + len(heard) * out_of / PLAYED_HZ)
            self.now_s = max(at_s, min(at_s + self._random.exponential(2e-4), following_s - 1e-6))
            if not stuck(at_s):
                self.engine.step()
        self.engine.disarm(timeout_s=0.0)
        return np.concatenate(heard)[:, 0]

    @property
    def declared_s(self) -> float:
        """From capture to the loudspeaker: what is declared, and the block that sounds while the next is asked for."""
        return (self.bridge.latency_samples + self.engine.latency_samples + self.blocks[1]) / PLAYED_HZ

    def latency_s(self, heard: np.ndarray, samples: np.ndarray, at_s: float) -> float:
        """At one moment, by correlating what is heard then with what was captured before."""
        place = int((at_s - PLAY_BEGINS_S) * PLAYED_HZ)
        first = int((at_s - 0.08) * self.true_hz)
        around = samples[first : first + int(0.16 * self.true_hz), 0].astype(np.float64)
        piece = heard[place : place + 3072].astype(np.float64)
        if self.captured_hz != PLAYED_HZ:
            times = np.arange(int(len(piece) * self.captured_hz / PLAYED_HZ)) * PLAYED_HZ / self.captured_hz
            piece = np.interp(times, np.arange(len(piece)), piece)
        size = 1 << 15
        product = np.fft.irfft(np.fft.rfft(around, size) * np.conj(np.fft.rfft(piece, size)))
        captured_s = (first + int(np.argmax(product[: len(around)]))) / self.true_hz
        return PLAY_BEGINS_S + place / PLAYED_HZ - captured_s

    def assert_untroubled(self) -> None:
        assert (self.bridge.begun, self.bridge.underruns, self.bridge.overruns) == (1, 0, 0)
        assert self.played.count(MISSED_HOPS) == 0


@pytest.fixture
def room(late: Any, hand: Any) -> Callable[..., Room]:
    return lambda **settings: Room(late, hand, **settings)


def noise(seconds: float, rate_hz: int = 48000) -> np.ndarray:
    """Mono, mostly below 5 kHz."""
    white = np.random.default_rng(4).standard_normal(int(seconds * rate_hz) + 8)
    return (0.1 * np.convolve(white, np.ones(8) / 2, "valid"))[:, None].astype(np.float32)


@pytest.mark.parametrize(("ppm", "minutes"), [(0, 1), (100, 1), (-300, 3), (300, 1)])
def test_the_latency_stays_whatever_the_clocks(room: Any, ppm: float, minutes: float) -> None:
    samples = noise(60 * minutes)
    both = room(ppm=ppm)
    heard = both.play(samples)
    both.assert_untroubled()
    found = np.array([both.latency_s(heard, samples, at_s) for at_s in np.arange(0.5, 60 * minutes - 1, 0.9)])
    assert np.abs(found - both.declared_s).max() < 0.0005
    assert np.ptp(found[30:]) < 0.0001
    assert both.bridge.drift_ppm == pytest.approx(ppm, abs=3)


@pytest.mark.parametrize(("into", "out_of"), [(1024, 128), (96, 480), (64, 1024)])
def test_blocks_of_different_length(room: Any, into: int, out_of: int) -> None:
    samples = noise(40)
    both = room(ppm=-200, blocks=(into, out_of))
    heard = both.play(samples)
    both.assert_untroubled()
    found = np.array([both.latency_s(heard, samples, at_s) for at_s in np.arange(0.5, 39, 0.9)])
    assert np.abs(found - both.declared_s).max() < 0.001


def test_devices_of_different_nominal_rates(room: Any) -> None:
    samples = noise(30, 44100)
    both = room(ppm=50, captured_hz=44100)
    heard = both.play(samples)
    both.assert_untroubled()
    found = np.array([both.latency_s(heard, samples, at_s) for at_s in np.arange(0.5, 29, 0.9)])
    assert np.abs(found - both.declared_s).max() < 0.001


@pytest.mark.parametrize(("begin_s", "most_db"), [(10, (-85, -75, -55)), (80, (-98, -94, -76))])
def test_tones_stay_clean(room: Any, begin_s: int, most_db: tuple[float, ...]) -> None:
    """Beside 200, 1000 and 8000 Hz, further than 2 Hz away: what the steering of the ratio spreads."""
    both, seconds = room(ppm=150), 20
    turns = 2 * np.pi * np.arange((begin_s + seconds + 1) * 48000) / 48000
    tones = 0.2 * sum(np.sin(turns * frequency_hz) for frequency_hz in (200, 1000, 8000))
    heard = both.play(tones[:, None].astype(np.float32))[begin_s * 48000 :]
    both.assert_untroubled()
    power = np.abs(np.fft.rfft(heard[: seconds * 48000] * np.blackman(seconds * 48000))) ** 2
    frequencies = np.fft.rfftfreq(seconds * 48000, 1 / 48000)
    beside = []
    for frequency_hz in (200, 1000, 8000):
        away = np.abs(frequencies - frequency_hz * (1 + 150e-6))
        beside.append(10 * np.log10(power[(away > 2) & (away < 150)].sum() / power[away < 2].sum()))
    rest = [np.abs(frequencies - frequency_hz) > 150 for frequency_hz in (200, 1000, 8000)]
    assert (np.array(beside) < most_db).all()
    assert 10 * np.log10(power[rest[0] & rest[1] & rest[2]].sum() / power.sum()) < -120


def test_a_capture_device_that_pauses(room: Any) -> None:
    """Silence with fades instead, no miss; afterwards the latency is what it was."""
    samples = np.full((20 * 48000, 1), 0.5, np.float32)
    both = room(ppm=100)
    heard = both.play(samples, silent=lambda at_s: 8 < at_s < 9)
    assert (both.bridge.begun, both.bridge.underruns, both.bridge.overruns) == (2, 1, 0)
    assert both.played.count(MISSED_HOPS) == 0
    assert np.abs(np.diff(heard)).max() < 1.2 * 0.5 / FADE_FRAMES
    silent = np.flatnonzero(np.abs(heard[48000:]) < 1e-6)
    assert 0.9 < len(silent) / 48000 < 1.3
    assert np.ptp(silent) == len(silent) - 1

    samples = noise(20)
    both = room(ppm=100)
    heard = both.play(samples, silent=lambda at_s: 8 < at_s < 9)
    for at_s in (7, 10, 15, 19):
        assert both.latency_s(heard, samples, at_s) == pytest.approx(both.declared_s, abs=0.001)


def test_a_worker_that_is_stuck_for_long_loses_what_the_ring_could_not_hold(room: Any) -> None:
    samples = noise(20)
    both = room(ppm=-100)
    heard = both.play(samples, stuck=lambda at_s: 8 < at_s < 9)
    assert (both.bridge.begun, both.bridge.overruns) == (2, 1)
    assert both.played.count(MISSED_HOPS) > 0
    for at_s in (7, 10, 15, 19):
        assert both.latency_s(heard, samples, at_s) == pytest.approx(both.declared_s, abs=0.001)


def test_a_worker_that_is_stuck_for_a_moment_shifts_nothing(room: Any) -> None:
    samples = noise(12)
    both = room(ppm=100)
    heard = both.play(samples, stuck=lambda at_s: 8 < at_s < 8.2)
    assert (both.bridge.begun, both.bridge.underruns, both.bridge.overruns) == (1, 0, 0)
    for at_s in (7, 8.3, 9, 11):
        assert both.latency_s(heard, samples, at_s) == pytest.approx(both.declared_s, abs=0.001)


def test_the_ratio_is_steered_gently() -> None:
    """An error of 1 ms at once changes the pitch by less than 1 cent (578 ppm), by less than 100 ppm a step."""
    loop, ratios = RatioLoop(1.0, 48000), [1.0]
    loop.resume(0.0)
    for step in range(1, 3000):
        ratio = loop.step(48.0, 0.001 * step)
        if ratio is not None:
            ratios.append(ratio)
    assert max(ratios) > 1.0002
    assert max(np.abs(np.diff(ratios))) < 100e-6
    assert ratios[30] < 1 + 650e-6


def test_a_worker_of_its_own(late: Any, hand: Any) -> None:
    """The real thread and the real clock; only that sound passes, to both channels of the playback device."""
    captured, played = Deck(1 << 15, 1, 1), Deck(1 << 15, 2, 2)
    engine = Engine(played, late(48000, 2, 256, 0), fed=True)
    engine.feeder = DriftBridge(captured, played, 48000, 48000, spare_s=0.02)
    source, sink = hand(captured, captures=True), hand(played)
    engine.arm(128)
    sound, until_s = np.zeros(2), time.perf_counter() + 20
    while not sound.all() and time.perf_counter() < until_s:
        source.block(128, np.full((128, 1), 0.25, np.float32))
        sound = np.maximum(sound, np.abs(sink.block(128)).max(0))
        time.sleep(128 / 48000)
    engine.disarm()
    assert engine.error is None
    np.testing.assert_allclose(sound > 0, True)
