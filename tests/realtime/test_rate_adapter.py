"""A processor at another rate is late by exactly what it says, and changes nothing that it should not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from advsep.realtime.engine import Engine
from advsep.realtime.exchange import Deck
from advsep.realtime.feeder import SourceFeeder
from advsep.realtime.rate_adapter import RateAdapter, model_rate_for
from advsep.realtime.source import ArraySource

NATIVE_HZ = (44100, 48000)


def through(adapter: RateAdapter, samples: np.ndarray) -> np.ndarray:
    heard = np.full_like(samples, np.nan)
    hop = adapter.hop_samples
    for start in range(0, len(samples) - hop + 1, hop):
        adapter.process(samples[start : start + hop], heard[start : start + hop])
    return heard[: len(samples) // hop * hop]


def band_limited(length: int, rate_hz: int, highest_hz: float, seed: int) -> np.ndarray:
    """Stereo noise in ±1 below `highest_hz`."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((length, 2)), axis=0)
    spectrum[np.fft.rfftfreq(length, 1 / rate_hz) > highest_hz] = 0
    noise = np.fft.irfft(spectrum, length, axis=0)
    return (noise / np.abs(noise).max()).astype(np.float32)


def lag_of(heard: np.ndarray, samples: np.ndarray) -> int:
    length = 2 * len(samples)
    product = np.fft.rfft(heard, length) * np.conj(np.fft.rfft(samples, length))
    return int(np.argmax(np.fft.irfft(product)))


@pytest.mark.parametrize(
    ("rate_hz", "hop_samples"),
    [(96000, 256), (96000, 64), (88200, 256), (192_000, 512), (32000, 256), (16000, 128), (22050, 256), (8000, 256)],
)
def test_noise_is_late_by_what_is_declared(rate_hz: int, hop_samples: int, late: Any) -> None:
    model_hz = model_rate_for(rate_hz, NATIVE_HZ)
    adapter = RateAdapter(late(model_hz, 2, hop_samples, 256), rate_hz)
    samples = band_limited(rate_hz, rate_hz, 0.4 * min(rate_hz, model_hz), seed=7)
    for _ in range(2):  # the second time after whatever it measured or heard before
        adapter.warm_up()
        heard = through(adapter, samples)
        for channel in range(2):
            assert lag_of(heard[:, channel], samples[: len(heard), channel]) == adapter.delay_samples
        assert adapter.emptied == 0


@pytest.mark.parametrize("rate_hz", [96000, 32000])
def test_an_impulse_is_highest_at_the_declared_delay(rate_hz: int, late: Any) -> None:
    adapter = RateAdapter(late(48000, 1, 256, 256), rate_hz)
    impulse = np.zeros((rate_hz // 4, 1), np.float32)
    impulse[1234] = 1.0
    assert np.argmax(np.abs(through(adapter, impulse))) == 1234 + adapter.delay_samples


@pytest.mark.parametrize("rate_hz", [96000, 32000, 16000])
@pytest.mark.parametrize("share", [0.01, 0.2, 0.8])
def test_level_and_purity_of_a_sine(rate_hz: int, share: float, late: Any) -> None:
    """There and back a sine stays within 0.01 dB, what is added lies 100 dB below it; up to 80 % of the lower rate."""
    adapter = RateAdapter(late(48000, 1, 256, 0), rate_hz)
    frequency_hz = share * min(rate_hz, 48000) / 2
    turns = 2 * np.pi * frequency_hz * np.arange(rate_hz) / rate_hz
    heard = through(adapter, np.sin(turns)[:, None].astype(np.float32))[rate_hz // 2 :, 0].astype(np.float64)
    turns = turns[rate_hz // 2 : rate_hz // 2 + len(heard)]
    basis = np.stack([np.cos(turns), np.sin(turns)], 1)
    amplitudes = np.linalg.lstsq(basis, heard, rcond=None)[0]
    residue = heard - basis @ amplitudes
    assert abs(20 * np.log10(np.hypot(*amplitudes))) < 0.01
    assert 20 * np.log10(np.sqrt(2 * np.mean(residue**2))) < -100


def test_hops_never_run_empty_over_the_whole_schedule(late: Any) -> None:
    """170 of 170.67 samples a hop: the queues drift against each other and come back every 256 hops."""
    inner = late(48000, 1, 256, 0)
    adapter = RateAdapter(inner, 32000)
    assert adapter.hop_samples == 170
    done = 0

    def counted(samples: np.ndarray, mix: np.ndarray) -> None:
        nonlocal done
        done += 1
        mix[:] = samples

    inner.process = counted
    silence, most = np.zeros((170, 1), np.float32), 0
    for _ in range(5000):
        before = done
        adapter.process(silence, silence.copy())
        most = max(most, done - before)
    assert (adapter.emptied, most) == (0, 1)
    assert done == pytest.approx(5000 * 170 * 1.5 / 256, abs=2)


def test_what_is_left_out_inside_is_as_long(late: Any) -> None:
    skipped: list[int] = []
    inner = late(48000, 1, 256, 0)
    inner.skip = skipped.append
    adapter = RateAdapter(inner, 32000)
    for _ in range(3):
        adapter.skip(100 * 170)
    assert all(count % 256 == 0 for count in skipped)
    assert sum(skipped) == 300 * 170 * 3 // 2 // 256 * 256


def test_rates_convert_to_the_native_rate_of_the_simplest_ratio() -> None:
    pairs = {96000: 48000, 88200: 44100, 192_000: 48000, 22050: 44100, 16000: 48000, 44100: 44100, 32000: 48000}
    assert {rate: model_rate_for(rate, NATIVE_HZ) for rate in pairs} == pairs


def test_the_inner_rate_needs_no_adapter(late: Any) -> None:
    with pytest.raises(ValueError, match="48000 Hz already"):
        RateAdapter(late(48000), 48000)


def test_in_the_engine_the_latency_is_the_declared_one(late: Any, hand: Any) -> None:
    samples = band_limited(60_000, 96000, 0.4 * 48000, seed=8)
    adapter = RateAdapter(late(48000, 2, 256, 256), 96000)
    adapter.warm_up()
    deck = Deck(1 << 16, 2, 2)
    engine = Engine(deck, adapter, fed=True, holds=True)
    engine.feeder = SourceFeeder(ArraySource(samples, 96000, "noise"), deck, 96000, engine)
    engine.arm(256)
    heard = hand(deck).to_the_end(engine, 256)
    engine.disarm()
    assert engine.latency_samples == adapter.delay_samples
    assert len(heard) >= len(samples) + engine.latency_samples
    assert lag_of(heard[: len(samples), 0], samples[:, 0]) == engine.latency_samples
