"""A tiny model, and tracks made of sines and noise."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from advsep.realtime.spec import SignalSpec, geometric_band_edges
from advsep.trainer.config import OptimiserConfig, RemixConfig, SignalConfig, TrainConfig
from advsep.trainer.live_unet import LiveUnetConfig
from advsep.trainer.tracks import Track, TrackFiles

os.environ.setdefault("OMP_NUM_THREADS", "1")

RATE_HZ = 8000
SIGNAL = SignalConfig(
    sample_rate_hz=RATE_HZ,
    native_rates_hz=(RATE_HZ,),
    window_samples=256,
    hop_samples=64,
    synthesis_samples=128,
    channels=1,
    bands=32,
    single_bins=16,
)
TINY = TrainConfig(
    name="tiny",
    signal=SIGNAL,
    network=LiveUnetConfig(channels=(4, 8), kernel_bands=3, recurrent_size=8),
    remix=RemixConfig(),
    optimiser=OptimiserConfig(warmup_steps=2, ema_decay=0.9),
    segment_frames=8,
    excerpt_segments=4,
    lanes=2,
    steps=6,
    validate_every=3,
    validation_seconds=1.0,
    precision="32-true",
    weights_licence="CC0-1.0",
)
TINY_TOML = """
name = "tiny"
segment_frames = 8
excerpt_segments = 4
lanes = 2
steps = 6
validate_every = 3
validation_seconds = 1.0
precision = "32-true"
weights_licence = "CC0-1.0"
[signal]
sample_rate_hz = 8000
native_rates_hz = [8000]
window_samples = 256
hop_samples = 64
synthesis_samples = 128
channels = 1
bands = 32
single_bins = 16
[network]
channels = [4, 8]
kernel_bands = 3
recurrent_size = 8
[optimiser]
warmup_steps = 2
ema_decay = 0.9
"""


def spec_of(sizes: tuple[int, int, int], channels: int) -> SignalSpec:
    """For windows, hop and synthesis window of so many samples."""
    n, h, s = sizes
    return SignalSpec(
        sample_rate_hz=44100,
        native_rates_hz=(44100,),
        window_samples=n,
        hop_samples=h,
        synthesis_samples=s,
        lookahead_frames=0,
        channels=channels,
        band_edges_bins=geometric_band_edges(n // 2, 64, 32),
        compression="log1p",
        feature_scale=4.0,
    )


@pytest.fixture
def tiny() -> Callable[..., TrainConfig]:
    """The tiny configuration with other values; `signal`, `network`, `remix`, `optimiser` take dicts."""

    def make(**changes: Any) -> TrainConfig:
        parts = {
            key: dataclasses.replace(getattr(TINY, key), **value) if isinstance(value, dict) else value
            for key, value in changes.items()
        }
        return dataclasses.replace(TINY, **parts)

    return make


def stems(seconds: float, rate_hz: int = RATE_HZ, seed: int = 0, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A voice with vibrato and vowels of one partial series, and a band of low tones and hiss: [sample, channel]."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    phase = 2 * np.pi * (300 + 40 * seed) * time_s + 0.8 * np.sin(2 * np.pi * 5 * time_s)
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * 0.7 * time_s)
    voice = 0.15 * swell * sum(np.sin(k * phase) / k for k in range(1, 6))
    band = 0.2 * np.sin(2 * np.pi * 110 * time_s) + 0.02 * rng.standard_normal(len(time_s))
    return tuple(np.repeat(x[:, None], channels, 1).astype(np.float32) for x in (voice, band))


@pytest.fixture
def make_stems() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    return stems


@pytest.fixture
def make_track() -> Callable[..., Track]:
    """A decoded track in memory, of `stems` or of given arrays."""

    def make(
        voice: np.ndarray | None = None,
        band: np.ndarray | None = None,
        *,
        seconds: float = 4.0,
        seed: int = 0,
        name: str = "song",
        corpus: str = "corpus",
        bandwidths_hz: tuple[float, float] = (3800.0, 3800.0),
    ) -> Track:
        if voice is None or band is None:
            voice, band = stems(seconds, seed=seed)
        files = TrackFiles(name, corpus, Path(name) / "vocals.wav", Path(name) / "accompaniment.wav")
        vocals, accompaniment = ((x * 32767).astype(np.int16) for x in (voice, band))
        return Track(files, vocals, accompaniment, *bandwidths_hz)

    return make


@pytest.fixture
def write_track() -> Callable[..., Path]:
    """Write both stems of a song into a folder; what is None is left out."""

    def write(folder: Path, voice: Any = "made", band: Any = "made", rate_hz: int = RATE_HZ, **made: Any) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        voices = stems(made.pop("seconds", 2.0), rate_hz, **made)
        for name, samples, default in (("vocals", voice, voices[0]), ("accompaniment", band, voices[1])):
            if samples is not None:
                data = default if isinstance(samples, str) else samples
                soundfile.write(folder / f"{name}.wav", data, rate_hz, subtype="FLOAT")
        return folder

    return write


@pytest.fixture
def song_folder(tmp_path: Path, write_track: Callable[..., Path]) -> Path:
    """music/corpus with four short songs."""
    for number in range(4):
        write_track(tmp_path / "music" / "corpus" / f"song{number}", seed=number)
    return tmp_path / "music"


@pytest.fixture
def tiny_toml(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY_TOML)
    return path
