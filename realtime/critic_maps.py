"""What a model's critics say of a whole excerpt: estimates, gradients and scores over time, as arrays and as a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bands import band_average_matrix, band_edges_hz
from .channels import match_channels
from .critic_map import CriticError, CriticSession, critics_path
from .masking import BandMasking
from .model import ModelSession
from .resample import StreamResampler
from .source import Source
from .stft import StreamingAnalysis

LONGEST_S = 1200.0
FRAMES_AT_ONCE = 64
OVERLAP = 4  # patches that see a frame


@dataclass(frozen=True, slots=True)
class CriticPicture:
    """An excerpt as critics see it.

    Attributes:
        sources: names, in the order of what follows.
        times_s: float64 [frame], from the start of the song: the middle of what a frame gives to the sound.
        freq_hz: float64 [band], the middles of the bands.
        band_edges_hz: float64 [band + 1].
        estimates: float32 [source, band, frame], ln(1 + feature_scale * mean magnitude).
        gradients: float32 [source, band, frame], of the score by the estimate; mean of the patches that see a frame,
            in whose middle it counts most.
        score_times_s: float64 [patch], the middles of the patches.
        scores: float32 [source, patch], without a limit.
        feature_scale: of the estimates.
    """

    sources: tuple[str, ...]
    times_s: NDArray[np.float64]
    freq_hz: NDArray[np.float64]
    band_edges_hz: NDArray[np.float64]
    estimates: NDArray[np.float32]
    gradients: NDArray[np.float32]
    score_times_s: NDArray[np.float64]
    scores: NDArray[np.float32]
    feature_scale: float


Progress = Callable[[float], None]
"""`progress(share)`: 0 to 1."""


def open_critics(model: ModelSession) -> CriticSession:
    """Those that lie beside a model.

    Raises:
        CriticError: there are none, or they are another model's.
        AdvsepError: the file cannot be used.
    """
    path = critics_path(model.path)
    if not path.is_file():
        raise CriticError(
            f"{model.path}: has no critics: expected {path}, found no such file; advsep-export writes it beside a "
            "model that was trained with critics (mode semi or joint), so export one and give it with --model"
        )
    critics = CriticSession(path)
    if not critics.spec.signal.sounds_like(model.spec.signal):
        raise CriticError(f"{path}: these critics judge another kind of model than {model.path}; export both together")
    return critics


def judge(
    source: Source,
    model: ModelSession,
    critics: CriticSession,
    *,
    start_s: float = 0.0,
    seconds: float | None = None,
    progress: Progress = lambda share: None,
) -> CriticPicture:
    """Separate an excerpt and have every patch of its estimates judged.

    Args:
        source: stands at its start.
        model: whose `max_frames` is at least `FRAMES_AT_ONCE`.
        critics: of that model.
        start_s: how much to leave out.
        seconds: length; None: to the end.
        progress: told now and then.

    Raises:
        CriticError: the excerpt is shorter than a patch, or longer than `LONGEST_S`.
        SourceError: the source is damaged.
    """
    excerpt = _read(source, start_s, seconds)
    signal, patch = model.spec.signal, critics.spec.frames
    rate_hz = source.rate_hz if source.rate_hz in signal.native_rates_hz else signal.sample_rate_hz
    samples = StreamResampler(source.rate_hz, rate_hz, source.channels).process(excerpt, last=True)
    magnitudes, voiced = _separate(samples, rate_hz, model, lambda share: progress(share / 2))
    if len(magnitudes) < patch:
        raise CriticError(
            f"{source.name}: expected at least {patch * signal.hop_samples / rate_hz:.2f} s to judge, found "
            f"{len(excerpt) / source.rate_hz:.2f} s; choose a longer excerpt"
        )
    shares = {name: 1 - voiced if name == model.spec.sources[-1] else voiced for name in critics.spec.sources}
    estimates = np.stack(
        [
            critics.patches((share * magnitudes).swapaxes(0, 1)[None], source.rate_hz / 2)[0, 0]
            for share in shares.values()
        ]
    )
    starts = patch_starts(estimates.shape[2], patch)
    gradients, scores = np.zeros_like(estimates), np.zeros((len(estimates), len(starts)), np.float32)
    for place, name in enumerate(critics.spec.sources):
        share = (1 + place / len(estimates)) / 2
        gradients[place], scores[place] = _map(
            critics, name, estimates[place], starts, lambda done, at=share: progress(at + done / 2 / len(estimates))
        )
    ends = (np.arange(estimates.shape[2]) + 1) * signal.hop_samples
    times_s = start_s + (ends - signal.synthesis_samples / 2) / rate_hz
    edges_hz = band_edges_hz(signal.band_edges_bins, signal.sample_rate_hz, signal.window_samples)
    return CriticPicture(
        sources=critics.spec.sources,
        times_s=times_s,
        freq_hz=(edges_hz[1:] + edges_hz[:-1]) / 2,
        band_edges_hz=np.maximum(edges_hz, 0.0),
        estimates=estimates,
        gradients=gradients,
        score_times_s=times_s[starts] + (patch - 1) / 2 * signal.hop_samples / rate_hz,
        scores=scores,
        feature_scale=signal.feature_scale,
    )


def patch_starts(frames: int, patch: int) -> list[int]:
    """First frames of the patches that together see all frames, each about `OVERLAP` times."""
    step = max(1, patch // OVERLAP)
    return [*range(0, frames - patch, step), frames - patch]


def patch_weights(patch: int) -> NDArray[np.float32]:
    """How much each frame of a patch counts: most in the middle, nowhere nothing."""
    return np.square(np.sin(np.pi * (np.arange(patch) + 0.5) / patch)).astype(np.float32)


def _read(source: Source, start_s: float, seconds: float | None) -> NDArray[np.float32]:
    if start_s:
        source.skip(round(start_s * source.rate_hz))
    most_s = LONGEST_S if seconds is None else seconds
    left = round(most_s * source.rate_hz) + (1 if seconds is None else 0)
    blocks: list[NDArray[np.float32]] = [np.zeros((0, source.channels), np.float32)]
    while left > 0 and len(block := source.read(min(left, 1 << 16))):
        blocks.append(block)
        left -= len(block)
    excerpt = np.concatenate(blocks)
    if len(excerpt) > LONGEST_S * source.rate_hz:
        raise CriticError(
            f"{source.name}: expected at most {LONGEST_S / 60:g} minutes for one picture, found more; choose an "
            "excerpt with --start and --seconds"
        )
    return excerpt


def _separate(
    samples: NDArray[np.float32], rate_hz: int, model: ModelSession, progress: Progress
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Mean magnitudes of the bands and the voice's shares of them, both [frame, channel, band]."""
    signal = model.spec.signal
    hop, late = signal.hop_samples, signal.lookahead_frames
    count = len(samples) // hop
    fed = np.zeros(((count + late) * hop, signal.channels), np.float32)
    match_channels(samples[: count * hop], fed[: count * hop])
    analysis = StreamingAnalysis.of_signal(signal)
    masking, average = BandMasking(signal, rate_hz), band_average_matrix(signal, rate_hz).T
    magnitudes = np.zeros((count + late, signal.channels, signal.bands))
    shares = np.zeros((count + late, signal.channels, signal.bands), np.float32)
    model.reset()
    for begin in range(0, count + late, FRAMES_AT_ONCE):
        part = slice(begin, min(begin + FRAMES_AT_ONCE, count + late))
        frames = part.stop - begin
        spectra = np.zeros((frames, signal.channels, signal.bins), np.complex64)
        analysis.process(fed[begin * hop : part.stop * hop], spectra)
        masking.features(spectra, model.features(frames))
        model.run(frames)
        shares[part] = model.shares(frames).swapaxes(0, 1)
        magnitudes[part] = np.abs(spectra[:, :, : average.shape[0]]) @ average
        progress(part.stop / (count + late))
    # The mask that comes with a frame is that of the frame as much before as the model looks ahead.
    return magnitudes[:count], shares[late:]


def _map(
    critics: CriticSession, name: str, estimate: NDArray[np.float32], starts: list[int], progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Gradients [band, frame] and scores [patch] of one source."""
    patch = critics.spec.frames
    weights = patch_weights(patch)
    summed, weight = np.zeros_like(estimate), np.zeros(estimate.shape[1], np.float32)
    scores = np.zeros(len(starts), np.float32)
    for number, start in enumerate(starts):
        seen = np.ascontiguousarray(estimate[None, None, :, start : start + patch])
        found = critics.judge(name, seen)
        scores[number] = found.scores[0]
        summed[:, start : start + patch] += weights * found.gradients[0, 0]
        weight[start : start + patch] += weights
        progress((number + 1) / len(starts))
    return summed / weight, scores
