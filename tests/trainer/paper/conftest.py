"""The paper's experiment on short songs, in a small batch, with narrow critics."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from advsep.trainer.paper import cli
from advsep.trainer.paper.config import PaperConfig
from advsep.trainer.tracks import Track, TrackFiles

TINY = PaperConfig(
    batch_examples=1,
    patch_frames=16,
    critic_width=2,
    critic_steps=2,
    learning_rate=1e-3,
    epoch_steps=2,
    steps=4,
    checkpoint_steps=1,
    patience_epochs=9,
)


@pytest.fixture
def tiny() -> Callable[..., PaperConfig]:
    """The tiny configuration with other values."""
    return lambda **changes: dataclasses.replace(TINY, **changes)


def decoded(voice: np.ndarray, accompaniment: np.ndarray, name: str = "song") -> Track:
    """A track of two int16 arrays [sample] or [sample, channel] at 8192 Hz."""
    files = TrackFiles(name, "corpus", Path(name) / "vocals.wav", Path(name) / "accompaniment.wav")
    stems = (x[:, None] if x.ndim == 1 else x for x in (voice, accompaniment))
    return Track(files, *(x.astype(np.int16) for x in stems), 3890.0, 3890.0)


def song(frames: float, seed: int = 0) -> Track:
    """A voice with vibrato over a low tone and hiss, so many frames long."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(frames * 256) - 256) / 8192
    voice = 0.3 * np.sin(2 * np.pi * (300 + 90 * seed) * time_s + 2 * np.sin(30 * time_s))
    band = 0.2 * np.sin(2 * np.pi * 110 * time_s) + 0.02 * rng.standard_normal(len(time_s))
    return decoded(32767 * voice, 32767 * band, f"song{seed}")


@pytest.fixture
def songs() -> list[Track]:
    return [song(60, 1), song(40, 2)]


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """`paper("music/", "--out", run)`: `advsep-train paper` from its entry point to its exit."""

    def run(*arguments: Any) -> Ended:
        monkeypatch.setattr(sys, "argv", ["advsep-train", "paper", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Ended(int(ended.value.code or 0), out, err)

    return run
