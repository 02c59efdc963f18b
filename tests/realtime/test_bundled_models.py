"""The models that ship: which they are, as good at 48 kHz as at 44.1, in the fifth minute as in the first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from advsep.realtime.demo import demo_song
from advsep.realtime.model import ModelSession
from advsep.realtime.registry import describe_models, find_model, model_names
from advsep.realtime.source import ArraySource
from advsep.realtime.stems import HOPS_AT_ONCE, StemStream
from numpy.typing import NDArray

LATENCIES = {"live-3": 128, "live-6": 256, "live-12": 512, "live-23": 1024, "studio": 4096 + 8 * 1024}
PLAYED_S = 300

Sound = NDArray[np.float32]


def sdr_db(reference: Sound, estimate: Sound) -> float:
    power, error = (float(np.sum(np.square(each, dtype=np.float64))) for each in (reference, reference - estimate))
    return 10 * np.log10(power / error)


def separated(name: str, mixture: Sound, rate_hz: int) -> Sound:
    model = ModelSession(find_model(name), HOPS_AT_ONCE)
    return StemStream(ArraySource(mixture, rate_hz, "song"), model, HOPS_AT_ONCE).read_all().stems["vocals"]


def test_they_are_these_by_latency() -> None:
    assert model_names() == list(LATENCIES)
    assert [line.split()[0] for line in describe_models()] == list(LATENCIES)
    for name, samples in LATENCIES.items():
        spec = ModelSession(find_model(name), 1).spec
        assert (spec.name, spec.latency_samples) == (name, samples)
        assert spec.signal.native_rates_hz == (44100, 48000)
        assert spec.weights_licence == "CC-BY-NC-4.0"


def test_they_are_small_enough_to_travel() -> None:
    folder = Path(find_model("live-12")).parent
    assert sum(file.stat().st_size for file in folder.glob("*.onnx")) < 12e6


@pytest.mark.parametrize("name", ["live-12", "studio"])
def test_as_good_at_48_khz(name: str) -> None:
    """Without resampling; of real songs benchmarks/same_song.py tells."""
    gains = []
    for rate_hz in (44100, 48000):
        song = demo_song(rate_hz)
        voice = separated(name, song.mixture, rate_hz)
        gains.append(sdr_db(song.vocals, voice) - sdr_db(song.vocals, song.mixture))
    assert min(gains) > 5.0
    assert abs(gains[1] - gains[0]) < 0.75


@pytest.mark.parametrize("name", ["live-12"])
def test_as_good_after_five_minutes(name: str) -> None:
    """The song again and again: its second round against its last."""
    song = demo_song(44100)
    rounds = -(-PLAYED_S * 44100 // len(song.mixture))
    voice = separated(name, np.tile(song.mixture, (rounds, 1)), 44100)
    second, last = (voice[i * len(song.mixture) : (i + 1) * len(song.mixture)] for i in (1, rounds - 1))
    assert sdr_db(song.vocals, last) == pytest.approx(sdr_db(song.vocals, second), abs=0.1)
