"""How good a network is on tracks it did not learn from: SDR of whole excerpts, states carried throughout."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..realtime.spec import SignalSpec
from .live_unet import LiveUnet
from .signal import SignalPath
from .tracks import Track

CHUNK_FRAMES = 128  # bounds memory and stays in the caches; states are carried from chunk to chunk


@dataclass(frozen=True, slots=True)
class TrackScore:
    """Signal-to-distortion ratios in dB of one track; the mixture's are those of doing nothing."""

    name: str
    corpus: str
    vocals_db: float
    accompaniment_db: float
    mixture_vocals_db: float
    mixture_accompaniment_db: float

    @property
    def gain_db(self) -> float:
        """What separation adds to the vocals over the mixture."""
        return self.vocals_db - self.mixture_vocals_db


def plain_score(score: TrackScore) -> dict[str, str | float | None]:
    """For JSON, which knows no nan: None stands for an SDR that does not exist."""
    values: dict[str, Any] = dataclasses.asdict(score)
    return {key: value if isinstance(value, str) or np.isfinite(value) else None for key, value in values.items()}


def sdr_db(reference: NDArray[np.float32], estimate: NDArray[np.float32]) -> float:
    """10 log10(|r|^2 / |r - e|^2) over all samples and channels: the SDR of the Music Demixing Challenge 2021.

    A silent reference has no SDR: the result is nan, to be kept out of every mean.
    """
    power = float(np.sum(np.square(reference, dtype=np.float64)))
    error = float(np.sum(np.square(reference - estimate, dtype=np.float64)))
    if power == 0.0:
        return float("nan")
    return float(10 * np.log10(power / max(error, 1e-20 * power)))


@torch.no_grad()
def separate(network: LiveUnet, path: SignalPath, mixture: Tensor) -> Tensor:
    """Voice of a whole excerpt, aligned with it.

    Args:
        network: in evaluation mode, for the same spec as `path`.
        path: the signal path.
        mixture: float32 [batch, channel, sample].

    Returns:
        float32, the same shape.
    """
    spec = path.spec
    delay = spec.synthesis_samples - spec.hop_samples + spec.lookahead_frames * spec.hop_samples
    length = mixture.shape[-1]
    frames = -(-(length + delay) // spec.hop_samples)
    padded = torch.nn.functional.pad(mixture, (path.history_samples, frames * spec.hop_samples - length))
    states = network.initial_states(mixture.shape[0])
    voiced: list[Tensor] = []
    delayed: Tensor | None = None
    for start in range(0, frames, CHUNK_FRAMES):
        count = min(CHUNK_FRAMES, frames - start)
        first = start * spec.hop_samples
        part = padded[..., first : first + path.history_samples + count * spec.hop_samples]
        spectra = path.analyse(part)
        masks, *states = network(path.features(spectra), *states)
        spectra, delayed = _delay(spectra, delayed, spec.lookahead_frames)
        voiced.append(path.bin_masks(masks) * spectra)
    voice = path.synthesise(torch.cat(voiced, 2))
    return voice[..., delay : delay + length]


def _delay(spectra: Tensor, held: Tensor | None, frames: int) -> tuple[Tensor, Tensor]:
    """Spectra `frames` frames late, and those still to come."""
    if held is None:
        batch, channels, _, bins = spectra.shape
        held = spectra.new_zeros(batch, channels, frames, bins)
    joined = torch.cat([held, spectra], 2)
    return joined[:, :, : spectra.shape[2]], joined[:, :, spectra.shape[2] :]


def score_track(network: LiveUnet, path: SignalPath, track: Track, longest_s: float) -> TrackScore:
    """SDR of both stems over the middle `longest_s` seconds of a track."""
    spec: SignalSpec = path.spec
    count = min(len(track.vocals), round(longest_s * spec.sample_rate_hz))
    start = (len(track.vocals) - count) // 2
    vocals, accompaniment = (
        _channels(stem[start : start + count], spec.channels) for stem in (track.vocals, track.accompaniment)
    )
    mixture = vocals + accompaniment
    device = path.analysis.device
    estimate = separate(network, path, torch.from_numpy(mixture)[None].to(device))[0].cpu().numpy()
    return TrackScore(
        track.files.name,
        track.files.corpus,
        sdr_db(vocals, estimate),
        sdr_db(accompaniment, mixture - estimate),
        sdr_db(vocals, mixture),
        sdr_db(accompaniment, mixture),
    )


def _channels(stem: NDArray[np.int16], channels: int) -> NDArray[np.float32]:
    samples = stem.astype(np.float32).T * np.float32(1 / 32768)
    if samples.shape[0] == channels:
        return samples
    return np.repeat(samples, channels, 0) if channels == 2 else samples.mean(0, keepdims=True, dtype=np.float32)


def mean_gain_db(scores: list[TrackScore]) -> float:
    """Mean over corpora of the mean vocal gain of their tracks: a corpus of many tracks must not outvote the rest."""
    by_corpus: dict[str, list[float]] = {}
    for score in scores:
        if np.isfinite(score.gain_db):
            by_corpus.setdefault(score.corpus, []).append(score.gain_db)
    return float(np.mean([np.mean(gains) for gains in by_corpus.values()])) if by_corpus else float("nan")
