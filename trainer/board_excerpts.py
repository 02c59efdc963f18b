"""Ten seconds of a held-out track to listen to, and what a network makes of them."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from ..realtime.spec import SignalSpec
from .live_unet import LiveUnet
from .signal import SignalPath
from .tracks import Track
from .validation import separate

EXCERPT_S = 10.0
MOST_TRACKS = 2
_STEP_S = 0.5  # between the places that are compared


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Part of a track, float32 [channel, sample] at the model's rate.

    Attributes:
        vocals: the true voice.
        mixture: the sum of both true stems.
        bandwidth_hz: above it one of the stems holds nothing.
    """

    vocals: NDArray[np.float32]
    mixture: NDArray[np.float32]
    bandwidth_hz: float


def chosen_tracks(tracks: list[Track]) -> list[Track]:
    """Up to two, of two corpora where there are two."""
    first_of = {track.files.corpus: track for track in reversed(tracks)}
    firsts = [track for track in tracks if first_of[track.files.corpus] is track]
    others = [track for track in tracks if first_of[track.files.corpus] is not track]
    return (firsts + others)[:MOST_TRACKS]


def excerpt_of(track: Track, spec: SignalSpec) -> Excerpt:
    """The 10 s with the loudest voice, or all of a shorter track."""
    start = _loudest_start(track.vocals, spec.sample_rate_hz)
    part = slice(start, start + round(EXCERPT_S * spec.sample_rate_hz))
    vocals, accompaniment = (_channels(stem[part], spec.channels) for stem in (track.vocals, track.accompaniment))
    bandwidth_hz = min(track.vocals_bandwidth_hz, track.accompaniment_bandwidth_hz)
    return Excerpt(vocals, vocals + accompaniment, bandwidth_hz)


def _loudest_start(vocals: NDArray[np.int16], rate_hz: int) -> int:
    step, blocks = round(_STEP_S * rate_hz), round(EXCERPT_S / _STEP_S)
    count = len(vocals) // step
    if count <= blocks:
        return 0
    # Every 16th sample tells the level as well.
    power = [float(np.mean(vocals[i * step : (i + 1) * step : 16].astype(np.float32) ** 2)) for i in range(count)]
    sums = np.convolve(power, np.ones(blocks), "valid")
    return int(np.argmax(sums)) * step


def _channels(stem: NDArray[np.int16], channels: int) -> NDArray[np.float32]:
    samples = stem.astype(np.float32).T / np.float32(32768)
    if len(samples) == channels:
        return samples
    return np.repeat(samples.mean(0, keepdims=True, dtype=np.float32), channels, 0)


def separated(network: LiveUnet, path: SignalPath, mixture: NDArray[np.float32]) -> NDArray[np.float32]:
    """The voice in a mixture, both [channel, sample]."""
    given = torch.from_numpy(mixture)[None].to(path.analysis.device)
    return separate(network, path, given)[0].cpu().numpy()


def wav_bytes(samples: NDArray[np.float32], rate_hz: int) -> bytes:
    """[channel, sample] as a WAV file of 16 bits; what is beyond full scale is clipped."""
    made = io.BytesIO()
    soundfile.write(made, np.clip(samples.T, -1.0, 1.0), rate_hz, format="WAV", subtype="PCM_16")
    return made.getvalue()
