"""Training examples without end: excerpts of tracks, remixed, as lanes that go on from batch to batch.

A lane is a sequence of excerpts; an excerpt is cut into segments that follow each other without a
gap, so that the network's state can be carried. Lanes start afresh at different steps. Every batch
is a function of the seed and the step alone: a resumed run sees what an uninterrupted one would.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..realtime.spec import SignalSpec
from .config import RemixConfig, TrainConfig
from .tracks import Track

T = TypeVar("T")

VOICE_PRESENT_POWER = 1e-5  # -50 dBFS: an excerpt below it holds no singing to speak of
LONGEST_WEIGHTED_S = 300.0  # one long track must not crowd out the rest


@dataclass(frozen=True, slots=True)
class Batch:
    """One step's examples.

    Attributes:
        vocals: float32 [lane, channel, `past_samples` + segment], the past first.
        accompaniment: likewise.
        bandwidth_hz: [lane], above it at least one of the stems is blind.
        fresh: bool [lane], true where a new excerpt starts and the state must be zero.
        paired: bool [lane], true where both stems are of one moment of one song, and neither is silent.
    """

    vocals: Tensor
    accompaniment: Tensor
    bandwidth_hz: Tensor
    fresh: Tensor
    paired: Tensor


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Stems [channel, sample] with `past_samples` of silence before the first."""

    vocals: NDArray[np.float32]
    accompaniment: NDArray[np.float32]
    bandwidth_hz: float
    paired: bool


class Remixer(Dataset[Batch]):
    """Batch number `step` of an endless training set.

    Args:
        tracks: decoded training tracks.
        spec: the model's signal path.
        config: sizes, probabilities and the seed.
    """

    def __init__(self, tracks: list[Track], spec: SignalSpec, config: TrainConfig) -> None:
        self._tracks, self._spec, self._config = tracks, spec, config
        lengths_s = np.array([min(len(t.vocals) / spec.sample_rate_hz, LONGEST_WEIGHTED_S) for t in tracks])
        self._weights = lengths_s / lengths_s.sum()
        self._segment = config.segment_frames * spec.hop_samples
        self._past = past_samples(spec)
        self._lanes: dict[int, tuple[int, Excerpt]] = {}

    def __len__(self) -> int:
        return self._config.steps

    def __getitem__(self, step: int) -> Batch:
        count = self._config.excerpt_segments
        pieces: list[tuple[Excerpt, int]] = []
        for lane in range(self._config.lanes):
            # Lanes start one after another, so a batch never holds beginnings only.
            number, segment = divmod(step + lane % count, count)
            pieces.append((self._excerpt(lane, number), segment))
        vocals = np.stack([self._cut(excerpt.vocals, segment) for excerpt, segment in pieces])
        accompaniment = np.stack([self._cut(excerpt.accompaniment, segment) for excerpt, segment in pieces])
        return Batch(
            torch.from_numpy(vocals),
            torch.from_numpy(accompaniment),
            torch.tensor([excerpt.bandwidth_hz for excerpt, _ in pieces]),
            torch.tensor([segment == 0 for _, segment in pieces]),
            torch.tensor([excerpt.paired for excerpt, _ in pieces]),
        )

    def _cut(self, samples: NDArray[np.float32], segment: int) -> NDArray[np.float32]:
        start = segment * self._segment
        return samples[:, start : start + self._past + self._segment]

    def _excerpt(self, lane: int, number: int) -> Excerpt:
        held = self._lanes.get(lane)
        if held is None or held[0] != number:
            rng = np.random.default_rng([self._config.seed, lane, number])
            self._lanes[lane] = held = (number, self._make_excerpt(rng))
        return held[1]

    def _make_excerpt(self, rng: np.random.Generator) -> Excerpt:
        remix = self._config.remix
        wanted = self._segment * self._config.excerpt_segments
        song = self._draw(rng)
        paired = bool(rng.random() < remix.pair_probability)
        if paired:
            speed = rng.uniform(*remix.speed_range)
            start, count = self._place(rng, song.vocals, round(wanted * speed), voiced=True)
            vocals = self._read(song.vocals, start, count, wanted)
            accompaniment = self._read(song.accompaniment, start, count, wanted)
            limits_hz = [song.vocals_bandwidth_hz * speed, song.accompaniment_bandwidth_hz * speed]
        else:
            other, limits_hz = self._draw(rng), []
            vocals = self._alone(rng, song.vocals, wanted, song.vocals_bandwidth_hz, limits_hz, voiced=True)
            band_hz = other.accompaniment_bandwidth_hz
            accompaniment = self._alone(rng, other.accompaniment, wanted, band_hz, limits_hz, voiced=False)
        vocals, accompaniment = self._levelled(rng, vocals, accompaniment, remix)
        paired = paired and bool(vocals.any()) and bool(accompaniment.any())
        return Excerpt(self._padded(vocals), self._padded(accompaniment), min(limits_hz), paired)

    def _alone(
        self,
        rng: np.random.Generator,
        stem: NDArray[np.int16],
        wanted: int,
        bandwidth_hz: float,
        limits_hz: list[float],
        *,
        voiced: bool,
    ) -> NDArray[np.float32]:
        speed = rng.uniform(*self._config.remix.speed_range)
        limits_hz.append(bandwidth_hz * speed)
        start, count = self._place(rng, stem, round(wanted * speed), voiced=voiced)
        return self._read(stem, start, count, wanted)

    def _draw(self, rng: np.random.Generator) -> Track:
        return self._tracks[int(rng.choice(len(self._tracks), p=self._weights))]

    @staticmethod
    def _place(rng: np.random.Generator, stem: NDArray[np.int16], count: int, *, voiced: bool) -> tuple[int, int]:
        """Where to cut `count` samples; tries for a place with singing when `voiced`."""
        start = 0
        for _ in range(8):
            start = int(rng.integers(0, max(1, len(stem) - count)))
            part = stem[start : start + count : 16].astype(np.float32) / 32768
            if not voiced or float(np.mean(part**2)) > VOICE_PRESENT_POWER:
                break
        return start, count

    def _read(self, stem: NDArray[np.int16], start: int, count: int, wanted: int) -> NDArray[np.float32]:
        """`count` samples played in the time of `wanted`: [channel, wanted]."""
        samples = np.zeros((count, stem.shape[1]), np.float32)
        part = stem[start : start + count]
        samples[: len(part)] = part.astype(np.float32) / 32768
        if count != wanted:
            samples = soxr.resample(samples, count, wanted, quality="MQ")
            samples = np.pad(samples, ((0, max(0, wanted - len(samples))), (0, 0)))[:wanted]
        channels = self._spec.channels
        if samples.shape[1] < channels:
            samples = np.repeat(samples, channels, 1)
        elif samples.shape[1] > channels:
            samples = samples.mean(1, keepdims=True)
        return samples.T

    @staticmethod
    def _levelled(
        rng: np.random.Generator, vocals: NDArray[np.float32], accompaniment: NDArray[np.float32], remix: RemixConfig
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        level_dbfs = rng.uniform(*remix.level_dbfs)
        ratio_db = rng.normal(*remix.voice_to_band_db)
        vocals = at_level(vocals, level_dbfs + ratio_db)
        accompaniment = at_level(accompaniment, level_dbfs)
        if rng.random() < remix.swap_probability:
            vocals = vocals[::-1]
        if rng.random() < remix.swap_probability:
            accompaniment = accompaniment[::-1]
        dice = rng.random()
        if dice < remix.no_voice_probability:
            vocals = np.zeros_like(vocals)
        elif dice < remix.no_voice_probability + remix.no_band_probability:
            accompaniment = np.zeros_like(accompaniment)
        return vocals, accompaniment

    def _padded(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.pad(samples, ((0, 0), (self._past, 0)))


def past_samples(spec: SignalSpec) -> int:
    """Samples before a segment: N - H for its first frame, and the frames that look-ahead is still to mask."""
    return spec.window_samples - spec.hop_samples + spec.lookahead_frames * spec.hop_samples


def at_level(samples: NDArray[np.float32], level_dbfs: float) -> NDArray[np.float32]:
    """Samples of any shape scaled to an RMS level; what is nearly silent stays as it is."""
    rms = float(np.sqrt(np.mean(samples**2)))
    # A nearly silent excerpt stays silent: raising it would teach the network noise.
    return samples * np.float32(10 ** (level_dbfs / 20) / rms) if rms > 1e-4 else samples


def batches(examples: Dataset[T], count: int, first: int, workers: int) -> Iterator[T]:
    """Batches from number `first` to the last of `count`, made ahead by `workers` processes (0: by this one)."""
    loader = DataLoader(
        examples,
        batch_size=None,
        sampler=range(first, count),
        num_workers=workers,
        worker_init_fn=_leave_interrupts_to_parent,
        prefetch_factor=4 if workers else None,
    )
    return iter(loader)


def _leave_interrupts_to_parent(_: int) -> None:
    # Ctrl-C reaches every process of the terminal; the loop still needs its next batch to end well.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # how the loader ends its workers
