"""Miniatures of published data sets: their folders, file names, rates and formats, with a few samples of sound."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile

WriteSounds = Callable[..., dict[str, np.ndarray]]
SAMPLES = 400


@pytest.fixture
def write_sounds() -> WriteSounds:
    """Write 16-bit WAVs of noise, each of its own, into a folder; returns what was written, [sample, channel]."""

    def write(folder: Path, names: Iterable[str], rate_hz: int = 44100, channels: int = 2) -> dict[str, np.ndarray]:
        folder.mkdir(parents=True, exist_ok=True)
        written: dict[str, np.ndarray] = {}
        for name in names:
            seed = sum(map(ord, f"{folder.name}/{name}"))
            steps = np.random.default_rng(seed).integers(-4000, 4000, (SAMPLES, channels), np.int16)
            soundfile.write(folder / name, steps, rate_hz, subtype="PCM_16")
            written[name] = steps / 32768
        return written

    return write
