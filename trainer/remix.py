"""Training examples without end: excerpts of tracks, remixed, as lanes that go on from batch to batch.

A lane is a sequence of excerpts; an excerpt is cut into segments that follow each other without a
gap, so that the network's state can be carried. Lanes start afresh at different steps. Every batch
is a function of the seed and the step alone: a resumed run sees what an uninterrupted one would.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..realtime.spec import SignalSpec
from .config import RemixConfig, TrainConfig
from .excerpts import at_level, cut_excerpt, past_samples, tilted
from .pool import Sources, Stem

T = TypeVar("T")

VOICE_PRESENT_POWER = 1e-5  # -50 dBFS: an excerpt below it holds no singing to speak of


@dataclass(frozen=True, slots=True)
class Batch:
    """One step's examples.

    Attributes:
        vocals: float32 [lane, channel, `past_samples` + segment], the past first.
        accompaniment: likewise.
        bandwidth_hz: [lane], above it at least one of the stems is blind; as if samples were at the spec's own rate.
        fresh: bool [lane], true where a new excerpt starts and the state must be zero.
        paired: bool [lane], true where both stems are of one moment of one song, and neither is silent.
        rate_hz: int [lane], of the samples: native rates take turns from lane to lane.
    """

    vocals: Tensor
    accompaniment: Tensor
    bandwidth_hz: Tensor
    fresh: Tensor
    paired: Tensor
    rate_hz: Tensor


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Stems [channel, sample] with `past_samples` of silence before the first; see `Batch`."""

    vocals: NDArray[np.float32]
    accompaniment: NDArray[np.float32]
    bandwidth_hz: float
    paired: bool
    rate_hz: int


class Remixer(Dataset[Batch]):
    """Batch number `step` of an endless training set.

    Args:
        sources: decoded.
        spec: the model's signal path.
        config: sizes, probabilities and the seed.
        lanes: numbers of the lanes to make; None: all of them.
    """

    def __init__(
        self, sources: Sources, spec: SignalSpec, config: TrainConfig, lanes: Sequence[int] | None = None
    ) -> None:
        self._spec, self._config = spec, config
        self._pools = sources.pools(config.remix, spec.sample_rate_hz)
        self._numbers = range(config.lanes) if lanes is None else lanes
        self._segment = config.segment_frames * spec.hop_samples
        self._past, self._rates_hz = past_samples(spec), spec.rates_hz
        self._lanes: dict[int, tuple[int, Excerpt]] = {}

    def __len__(self) -> int:
        return self._config.steps

    def __getitem__(self, step: int) -> Batch:
        count = self._config.excerpt_segments
        pieces: list[tuple[Excerpt, int]] = []
        for lane in self._numbers:
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
            torch.tensor([excerpt.rate_hz for excerpt, _ in pieces]),
        )

    def _cut(self, samples: NDArray[np.float32], segment: int) -> NDArray[np.float32]:
        start = segment * self._segment
        return samples[:, start : start + self._past + self._segment]

    def _excerpt(self, lane: int, number: int) -> Excerpt:
        held = self._lanes.get(lane)
        if held is None or held[0] != number:
            rng = np.random.default_rng([self._config.seed, lane, number])
            self._lanes[lane] = held = (number, self._make_excerpt(rng, self._rates_hz[lane % len(self._rates_hz)]))
        return held[1]

    def _make_excerpt(self, rng: np.random.Generator, rate_hz: int) -> Excerpt:
        remix = self._config.remix
        wanted = self._segment * self._config.excerpt_segments
        chosen = int(rng.choice(len(self._pools), p=[share for share, _, _ in self._pools]))
        _, belongs, pool = self._pools[chosen]
        number = pool.draw_voice(rng)
        voice = pool.vocals[number]
        paired = belongs and bool(rng.random() < remix.pair_probability)
        if paired:
            band = pool.accompaniment[number]
            speed = self._speed(rng, rate_hz)
            start, count = self._place(rng, voice.samples, round(wanted * speed), voiced=True)
            vocals = cut_excerpt(voice.samples, start, count, wanted, self._spec.channels)
            accompaniment = cut_excerpt(band.samples, start, count, wanted, self._spec.channels)
            limits_hz = [voice.bandwidth_hz * speed, band.bandwidth_hz * speed]
        else:
            band = pool.accompaniment[pool.draw_accompaniment(rng)]
            speeds = [self._speed(rng, rate_hz) for _ in range(2)]
            limits_hz = [stem.bandwidth_hz * speed for stem, speed in zip((voice, band), speeds, strict=True)]
            vocals = self._alone(rng, voice, round(wanted * speeds[0]), wanted, voiced=True)
            accompaniment = self._alone(rng, band, round(wanted * speeds[1]), wanted, voiced=False)
        vocals, accompaniment = self._coloured(rng, vocals), self._coloured(rng, accompaniment)
        vocals, accompaniment = self._levelled(rng, vocals, accompaniment, remix)
        paired = paired and bool(vocals.any()) and bool(accompaniment.any())
        return Excerpt(self._padded(vocals), self._padded(accompaniment), min(limits_hz), paired, rate_hz)

    def _speed(self, rng: np.random.Generator, rate_hz: int) -> float:
        """Samples of a recording that make one of an excerpt; as many as at the spec's rate hold so much less time."""
        return rng.uniform(*self._config.remix.speed_range) * self._spec.sample_rate_hz / rate_hz

    def _alone(
        self, rng: np.random.Generator, stem: Stem, count: int, wanted: int, *, voiced: bool
    ) -> NDArray[np.float32]:
        start, count = self._place(rng, stem.samples, count, voiced=voiced)
        return cut_excerpt(stem.samples, start, count, wanted, self._spec.channels)

    def _coloured(self, rng: np.random.Generator, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Upside down at times, and with another slope of the spectrum; the same for all channels."""
        remix = self._config.remix
        if rng.random() < remix.polarity_probability:
            samples = -samples
        if remix.tilt_db > 0:
            samples = tilted(samples, float(rng.normal(0.0, remix.tilt_db)), self._spec.sample_rate_hz)
        return samples

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
