"""What tests of several rooms share: the demo song, rendered once, and the model that ships."""

from __future__ import annotations

from pathlib import Path

import pytest
from advsep.realtime import demo
from advsep.realtime.registry import find_model


@pytest.fixture(scope="session")
def demo_song() -> demo.DemoSong:
    """The whole song at 44.1 kHz, stereo; not to be written to."""
    song = demo.demo_song()
    song.vocals.setflags(write=False)
    song.accompaniment.setflags(write=False)
    return song


@pytest.fixture(scope="session")
def bundled_model() -> Path:
    """The model that `advsep-live` uses where none is named."""
    return find_model("live-12")
