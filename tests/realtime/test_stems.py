"""A stream of stems read at once is the stream read block by block."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from advsep.realtime.model import ModelSession
from advsep.realtime.source import ArraySource
from advsep.realtime.stems import StemBlock, StemStream

Open = Callable[[], StemStream]

LENGTH = 30_011


@pytest.fixture(params=[(44100, 2), (32000, 1)], ids=["native", "resampled"])
def opened(request: pytest.FixtureRequest, make_model: Callable[..., Path]) -> Open:
    """Opens the same noise from its start, one hop at a time."""
    rate_hz, channels = request.param
    samples = (0.1 * np.random.default_rng(5).standard_normal((LENGTH, channels))).astype(np.float32)
    path = make_model(logit=-1.0, slope=0.5)
    return lambda: StemStream(ArraySource(samples, rate_hz, "noise"), ModelSession(path))


def arrays(block: StemBlock) -> dict[str, np.ndarray]:
    return {"mixture": block.mixture, **block.stems}


def test_all_at_once_is_block_after_block(opened: Open) -> None:
    stream, blocks = opened(), []
    while (block := stream.read()) is not None:
        blocks.append(arrays(block))
    assert len(blocks) > 30
    found = arrays(opened().read_all())
    assert list(found) == ["mixture", "vocals", "accompaniment"]
    for name, samples in found.items():
        assert (len(samples), samples.dtype) == (LENGTH, np.float32)
        np.testing.assert_array_equal(samples, np.concatenate([block[name] for block in blocks]))


def test_the_rest_is_what_was_not_read_and_then_nothing(opened: Open) -> None:
    whole, stream = arrays(opened().read_all()), opened()
    first = stream.read()
    assert first is not None
    rest = arrays(stream.read_all())
    for name, samples in whole.items():
        np.testing.assert_array_equal(np.concatenate([arrays(first)[name], rest[name]]), samples)
    for name, samples in arrays(stream.read_all()).items():
        assert samples.shape == (0, whole[name].shape[1])
        assert samples.dtype == np.float32
