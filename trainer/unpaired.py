"""Examples that belong together in nothing: mixtures to separate, and recordings to compare the results with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from ..realtime.errors import AdvsepError
from ..realtime.spec import SignalSpec
from .config import AdversarialConfig, TrainConfig
from .excerpts import at_level, cut_excerpt, past_samples
from .recordings import Recording

SEED_MARK = 0x5EED  # keeps these draws apart from those of paired examples
_TRIES = 8
SILENT_POWER = 1e-6  # -60 dBFS: nothing that a critic could look at


@dataclass(frozen=True, slots=True)
class UnpairedRecordings:
    """What there is, decoded.

    Attributes:
        mixtures: whole songs.
        vocals: solo voices.
        accompaniment: music without voices.
    """

    mixtures: list[Recording]
    vocals: list[Recording]
    accompaniment: list[Recording]

    def check(self) -> None:
        """Refuse what a critic cannot learn from.

        Raises:
            AdvsepError: one of the three is missing.
        """
        for option, recordings in {
            "--mixtures": self.mixtures,
            "--voices": self.vocals,
            "--accompaniments": self.accompaniment,
        }.items():
            if not recordings:
                raise AdvsepError(
                    f"unpaired learning needs {option}: give a folder of such recordings, or train with "
                    "--mode supervised"
                )


@dataclass(frozen=True, slots=True)
class UnpairedBatch:
    """One critic step's examples, all float32 at the model's rate.

    Attributes:
        mixtures: [lane, channel, past + warm + patch], the past first.
        vocals: [lane, channel, past + patch], the past first.
        accompaniment: likewise.
        bandwidth_hz: [lane], above it at least one of the lane's recordings is blind.
    """

    mixtures: Tensor
    vocals: Tensor
    accompaniment: Tensor
    bandwidth_hz: Tensor


class UnpairedExamples(Dataset[UnpairedBatch]):
    """Batch number n of an endless set; a function of the seed and n alone.

    Args:
        recordings: decoded.
        spec: the model's signal path.
        config: sizes, levels and the seed.
        lanes: numbers of the lanes to make; None: all of them.
    """

    def __init__(
        self,
        recordings: UnpairedRecordings,
        spec: SignalSpec,
        config: TrainConfig,
        lanes: Sequence[int] | None = None,
    ) -> None:
        recordings.check()
        self._recordings, self._spec, self._config = recordings, spec, config
        self._adversarial: AdversarialConfig = config.adversarial
        self._numbers = range(config.adversarial.lanes) if lanes is None else lanes
        self._past = past_samples(spec)

    def __len__(self) -> int:
        return self._config.steps * self._adversarial.critic_steps

    def __getitem__(self, number: int) -> UnpairedBatch:
        hop, settings = self._spec.hop_samples, self._adversarial
        patch = self._past + settings.patch_frames * hop
        mixtures: list[NDArray[np.float32]] = []
        vocals: list[NDArray[np.float32]] = []
        accompaniment: list[NDArray[np.float32]] = []
        limits_hz: list[float] = []
        for lane in self._numbers:
            rng = np.random.default_rng([self._config.seed, SEED_MARK, number, lane])
            drawn = [
                self._excerpt(rng, self._recordings.mixtures, patch + settings.warm_frames * hop),
                self._excerpt(rng, self._recordings.vocals, patch),
                self._excerpt(rng, self._recordings.accompaniment, patch),
            ]
            for samples, place in zip(drawn, (mixtures, vocals, accompaniment), strict=True):
                place.append(samples[0])
            limits_hz.append(min(hz for _, hz in drawn))
        parts = [torch.from_numpy(np.stack(each)) for each in (mixtures, vocals, accompaniment)]
        return UnpairedBatch(parts[0], parts[1], parts[2], torch.tensor(limits_hz))

    def _excerpt(
        self, rng: np.random.Generator, recordings: list[Recording], wanted: int
    ) -> tuple[NDArray[np.float32], float]:
        """[channel, wanted] at a drawn level, and the bandwidth; where there is something to hear, if it is found."""
        speed = float(rng.uniform(*self._config.remix.speed_range))
        count = round(wanted * speed)
        recording, start = _place(rng, recordings, count)
        samples = cut_excerpt(recording.samples, start, count, wanted, self._spec.channels)
        level_dbfs = float(rng.uniform(*self._config.remix.level_dbfs))
        gain = np.float32(rng.uniform(*self._adversarial.gain_range))
        return np.ascontiguousarray(gain * at_level(samples, level_dbfs)), recording.bandwidth_hz * speed


def _place(rng: np.random.Generator, recordings: Sequence[Recording], count: int) -> tuple[Recording, int]:
    """A recording and where to cut `count` samples of it; tries for a place where there is something to hear."""
    recording, start = recordings[0], 0
    for _ in range(_TRIES):
        recording = recordings[int(rng.integers(len(recordings)))]
        start = int(rng.integers(0, max(1, len(recording.samples) - count)))
        part = recording.samples[start : start + count] / np.float32(32768)
        if float(np.sum(np.square(part))) > SILENT_POWER * count * part.shape[1]:
            break
    return recording, start
