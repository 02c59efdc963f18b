"""Latency measured through the clock's stream and a cable made of numbers."""

from __future__ import annotations

import numpy as np
import pytest
from advsep.realtime.clock_stream import ClockStream
from advsep.realtime.engine import Engine
from advsep.realtime.exchange import Deck
from advsep.realtime.probe import LatencyProbe, LatencyReport, maximum_length_sequence, measure_latency
from advsep.realtime.stream import DeviceError
from numpy.typing import NDArray

pytestmark = pytest.mark.live

RATE_HZ = 44100


class Through:
    """A processor that only takes its time: the shortest thing an engine can run."""

    rate_hz, channels, hop_samples, delay_samples, dry_gain = RATE_HZ, 2, 64, 100, 1.0

    def __init__(self) -> None:
        self.past = np.zeros((self.delay_samples + self.hop_samples, 2), np.float32)

    def process(self, samples: NDArray[np.float32], mix: NDArray[np.float32]) -> None:
        self.past[: -self.hop_samples] = self.past[self.hop_samples :].copy()
        self.past[-self.hop_samples :] = samples
        mix[:] = self.past[: self.hop_samples]

    def skip(self, count: int) -> None:
        self.past[:] = 0.0

    def warm_up(self) -> None: ...


class RoomCable:
    """From output to input: so much later, quieter, upside down, in noise."""

    def __init__(self, delay: int, gain: float, noise: float) -> None:
        self.line = np.zeros((delay, 2), np.float32)
        self.gain, self.noise = gain, noise
        self.random = np.random.default_rng(0)

    def __call__(self, played: NDArray[np.float32], captured: NDArray[np.float32]) -> None:
        count = len(played)
        self.line[:-count] = self.line[count:].copy()
        self.line[-count:] = played
        captured[:] = self.gain * self.line[:count] + self.noise * self.random.standard_normal(captured.shape)


def measure(cable: RoomCable) -> tuple[LatencyReport, Engine]:
    probes: list[LatencyProbe] = []

    def make(deck: Deck, has_input: bool, has_output: bool) -> LatencyProbe:
        probes.append(LatencyProbe(deck, has_input, has_output))
        return probes[-1]

    stream = ClockStream(RATE_HZ, 96, cable=cable, make_callback=make)
    engine = Engine(stream.deck, Through())
    try:
        engine.arm(stream.settle())
        return measure_latency(stream, probes[0], engine, impulses=6, spacing_s=0.1), engine
    finally:
        engine.disarm()
        stream.close()


@pytest.mark.parametrize(("gain", "noise", "each"), [(1.0, 0.0, True), (-0.1, 0.01, True), (0.1, 0.09, False)])
def test_latency_is_measured_to_the_sample(gain: float, noise: float, each: bool) -> None:
    """Also upside down, and through noise 11 dB above the impulses, where only all of them together are clear."""
    report, engine = measure(RoomCable(1234, gain, noise))
    # One hop of 64 and one period of 96 do not divide: 64 + 96 - 32; and the processor's own 100.
    assert engine.latency_samples == 228
    assert (report.round_trip_samples, report.engine_samples) == (1234, 228)
    assert report.declared_engine_samples == 228
    assert report.engine_spread_samples == 0
    assert (report.impulses == 6) == each
    assert (report.rate_hz, report.period_samples) == (RATE_HZ, 96)


@pytest.mark.parametrize(("noise", "said"), [(0.0, "the input was silent"), (0.01, "the input's peak was -2")])
def test_nothing_that_comes_back_is_no_latency(noise: float, said: str) -> None:
    with pytest.raises(DeviceError, match=f"none of 6 impulses came back .{said}.*cable"):
        measure(RoomCable(1234, 0.0, noise))


def test_a_probe_wants_both_ends() -> None:
    with pytest.raises(DeviceError, match="input and output"):
        LatencyProbe(Deck(1024, 2, 2), False, True)


def test_an_impulse_is_one_sample_wide() -> None:
    sequence = maximum_length_sequence()
    correlation = np.fft.ifft(np.abs(np.fft.fft(sequence)) ** 2).real
    assert correlation[0] == pytest.approx(255)
    assert correlation[1:] == pytest.approx(-1, abs=1e-4)
