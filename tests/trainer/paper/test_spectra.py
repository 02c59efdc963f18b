"""The paper's transform: against a slow one, excerpt against whole, there and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from advsep.trainer.paper.spectra import (
    analyse,
    excerpt_samples,
    frames_of,
    log_magnitudes,
    synthesise,
)


def slow_magnitudes(samples: np.ndarray, first_frame: int, frames: int) -> np.ndarray:
    """|STFT| [bin, frame] by its definition: frame t is centred at sample 256 t, and around the sound is silence."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    wave = np.exp(-2j * np.pi * np.outer(np.arange(257), np.arange(512)) / 512)
    found = np.zeros((257, frames))
    for t in range(frames):
        places = np.arange(512) + 256 * (first_frame + t) - 256
        inside = (places >= 0) & (places < len(samples))
        part = np.where(inside, samples[np.clip(places, 0, len(samples) - 1)], 0.0)
        found[:, t] = np.abs(wave @ (part * window))
    return found


@pytest.mark.parametrize("length", [1, 255, 256, 257, 5000])
def test_there_and_back_in_the_same_length(length: int) -> None:
    sound = torch.randn(length, generator=torch.Generator().manual_seed(length))
    spectrum = analyse(sound)
    assert spectrum.shape == (257, frames_of(length) + 1)
    assert torch.allclose(synthesise(spectrum, length), sound, atol=2e-6)


def test_magnitudes_are_those_of_the_definition() -> None:
    samples = np.random.default_rng(1).standard_normal(3000)
    whole = analyse(torch.from_numpy(samples)).abs().numpy()
    assert np.allclose(whole, slow_magnitudes(samples, 0, whole.shape[1]), atol=1e-9)


@pytest.mark.parametrize("first", [-3, 0, 5, 9])
def test_an_excerpt_is_a_part_of_the_whole(first: int) -> None:
    samples = np.random.default_rng(2).standard_normal(3000)
    start, count = first * 256 - 256, excerpt_samples(6)
    padded = np.concatenate([np.zeros(4096), samples, np.zeros(4096)])[4096 + start : 4096 + start + count]
    found = log_magnitudes(torch.from_numpy(padded)[None])
    assert found.shape == (1, 1, 257, 6)
    assert np.allclose(found[0, 0].numpy(), np.log1p(slow_magnitudes(samples, first, 6)), atol=1e-9)
