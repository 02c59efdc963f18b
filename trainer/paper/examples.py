"""Excerpts by the batch; batch n is a function of the seed and n alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from ...realtime.errors import AdvsepError
from ..paper_unet import CONTEXT
from ..tracks import Track
from .config import PaperConfig
from .songs import Song, UnpairedSongs, stems_of
from .spectra import HOP_SAMPLES, RATE_HZ, WINDOW_SAMPLES, excerpt_samples

PAIRED_MARK, UNPAIRED_MARK = 1, 2  # keep the draws of the two apart


@dataclass(frozen=True, slots=True)
class PairedBatch:
    """Voices and accompaniments of the same moments, float32 [example, sample]; their sums are the mixtures.

    Both reach over the network's input, so that a target comes of the same transform as its mixture.
    """

    voices: Tensor
    accompaniments: Tensor


@dataclass(frozen=True, slots=True)
class UnpairedBatch:
    """Excerpts that have nothing to do with each other, float32 [example, sample].

    Attributes:
        mixtures: as long as the network's input.
        voices: as long as its output.
        accompaniments: likewise.
    """

    mixtures: Tensor
    voices: Tensor
    accompaniments: Tensor


class PairedExamples(Dataset[PairedBatch]):
    """Training batch number n; each track is as likely as any other, each moment of it likewise.

    Args:
        tracks: decoded.
        config: sizes and the seed.

    Raises:
        AdvsepError: there is no track.
    """

    def __init__(self, tracks: Sequence[Track], config: PaperConfig) -> None:
        if not tracks:
            raise AdvsepError(
                "no tracks to learn from: every track is held out; check the partition, or give more tracks"
            )
        self._songs, self._config = [stems_of(track) for track in tracks], config

    def __len__(self) -> int:
        return self._config.steps

    def __getitem__(self, number: int) -> PairedBatch:
        rng = np.random.default_rng([self._config.seed, PAIRED_MARK, number])
        voices: list[NDArray[np.float32]] = []
        accompaniments: list[NDArray[np.float32]] = []
        for _ in range(self._config.batch_examples):
            voice, accompaniment = self._songs[int(rng.integers(len(self._songs)))]
            first = _first_frame(rng, voice, self._config.output_frames)
            voices.append(cut(voice, first - CONTEXT, self._config.input_frames))
            accompaniments.append(cut(accompaniment, first - CONTEXT, self._config.input_frames))
        return PairedBatch(_stacked(voices), _stacked(accompaniments))


class UnpairedExamples(Dataset[UnpairedBatch]):
    """Unpaired batch number n: `critic_steps` a step for the critics, and one for the separator behind them.

    Args:
        songs: decoded.
        config: sizes, gains and the seed.

    Raises:
        AdvsepError: there are no mixtures, no voices or no accompaniments.
    """

    def __init__(self, songs: UnpairedSongs, config: PaperConfig) -> None:
        songs.check()
        self._songs, self._config = songs, config

    def __len__(self) -> int:
        return self._config.steps * (self._config.critic_steps + 1)

    def __getitem__(self, number: int) -> UnpairedBatch:
        rng = np.random.default_rng([self._config.seed, UNPAIRED_MARK, number])
        return UnpairedBatch(
            self._excerpts(rng, self._songs.mixtures, CONTEXT),
            self._excerpts(rng, self._songs.voices, 0),
            self._excerpts(rng, self._songs.accompaniments, 0),
        )

    def _excerpts(self, rng: np.random.Generator, songs: list[Song], context: int) -> Tensor:
        frames = self._config.output_frames
        found: list[NDArray[np.float32]] = []
        for _ in range(self._config.batch_examples):
            song = songs[int(rng.integers(len(songs)))]
            samples = cut(song, _first_frame(rng, song, frames) - context, frames + 2 * context)
            found.append(np.float32(rng.uniform(*self._config.gain_range)) * samples)
        return _stacked(found)


def cut(song: Song, first_frame: int, frames: int) -> NDArray[np.float32]:
    """Samples of some frames of a sound, with the halves of windows around them; silence where it is not."""
    return song.read(first_frame * HOP_SAMPLES - WINDOW_SAMPLES // 2, excerpt_samples(frames))


def _first_frame(rng: np.random.Generator, song: Song, frames: int) -> int:
    """Of an excerpt anywhere in a sound; a sound that is shorter is at its beginning."""
    return int(rng.integers(0, max(1, song.frames - frames + 1)))


def _stacked(excerpts: list[NDArray[np.float32]]) -> Tensor:
    return torch.from_numpy(np.stack(excerpts))


def validation_frames(song: Song, config: PaperConfig) -> list[int]:
    """First frames of the excerpts of `output_frames`, one behind the other, that a track is judged by.

    What is left behind the last whole one is not heard; a track shorter than one has one, with silence behind it.
    """
    step, most = config.output_frames, song.frames
    if config.validation_seconds > 0:
        most = min(most, max(step, round(config.validation_seconds * RATE_HZ / HOP_SAMPLES)))
    start = (song.frames - most) // 2
    return [start + step * number for number in range(max(1, most // step))]
