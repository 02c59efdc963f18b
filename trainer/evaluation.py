"""What a model file scores on whole tracks, separated by the path that plays live, at the tracks' own rate."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..realtime.bands import band_average_matrix
from ..realtime.errors import AdvsepError
from ..realtime.model import ModelSession
from ..realtime.resample import StreamResampler
from ..realtime.source import ArraySource
from ..realtime.spec import ModelSpec
from ..realtime.stems import HOPS_AT_ONCE, StemStream
from ..realtime.stft import StreamingAnalysis
from .decoded import read_stem
from .metrics import STEM_NAMES, Stems, measure
from .report import MIXTURE, MODEL, ORACLE, StemScore
from .tracks import TrackFiles
from .validation import TrackScore


def evaluate_track(model: ModelSession, files: TrackFiles, *, bss: bool = True, oracle: bool = True) -> list[StemScore]:
    """Separate the sum of a track's stems from end to end and measure it, the mixture itself and the best masks.

    Args:
        model: whose `max_frames` is at least `HOPS_AT_ONCE`; it is reset first.
        files: the track.
        bss: whether to take the time for BSS Eval.
        oracle: whether to measure what ideal ratio masks reach.

    Returns:
        of both stems the scores of the model, of doing nothing, and of the oracle.

    Raises:
        AdvsepError: a stem cannot be read, or the two differ in rate, channels or length, or in stereo are too
            much for the model.
    """
    references, rate_hz = _read_stems(files)
    mixture = references.sum(0)
    model.reset()
    signals = {
        MODEL: _separated(model, mixture, rate_hz, files.name),
        MIXTURE: np.broadcast_to(mixture, references.shape),
    }
    if oracle:
        ideal = cast(ModelSession, IdealMasks(model.spec, references, rate_hz))
        signals[ORACLE] = _separated(ideal, mixture, rate_hz, files.name)
    measured = measure(references, signals, rate_hz, bss=bss)
    return [
        StemScore(model.spec.name, files.corpus, files.name, stem, signal, metrics)
        for signal, of_stems in measured.items()
        for stem, metrics in zip(STEM_NAMES, of_stems, strict=True)
    ]


def _read_stems(files: TrackFiles) -> tuple[Stems, int]:
    vocals, rate_hz = read_stem(files.vocals)
    accompaniment, other_hz = read_stem(files.accompaniment)
    if vocals.shape != accompaniment.shape or rate_hz != other_hz:
        raise AdvsepError(
            f"{files.vocals.parent}: stems must agree in length, channels and rate, found "
            f"{' x '.join(map(str, vocals.shape))} at {rate_hz} Hz and "
            f"{' x '.join(map(str, accompaniment.shape))} at {other_hz} Hz; convert one"
        )
    return np.stack([vocals, accompaniment]), rate_hz


def _separated(model: ModelSession, mixture: Stems, rate_hz: int, name: str) -> Stems:
    """Both stems [source, sample, channel]."""
    stream = StemStream(ArraySource(mixture, rate_hz, name), model, HOPS_AT_ONCE)
    voice = stream.read_all().stems[model.spec.sources[0]]
    return np.stack([voice, mixture - voice])


class IdealMasks:
    """Stands in for a model's session in the live path: its masks are the ratio masks of the true stems.

    In each band |V| / (|V| + |A|), of magnitudes averaged as the model hears them. What this scores is what the
    model's windows, bands and way back to the rate of the track would allow a network that knew the answer.

    Args:
        spec: the model's contract.
        references: true stems [source, sample, channel] at `rate_hz`.
        rate_hz: of the track that will be separated.
    """

    def __init__(self, spec: ModelSpec, references: Stems, rate_hz: int) -> None:
        self.spec = spec
        signal = spec.signal
        played_hz = rate_hz if rate_hz in signal.native_rates_hz else signal.sample_rate_hz
        voice, rest = (
            self._magnitudes(_as_played(stem, rate_hz, played_hz, signal.channels), played_hz) for stem in references
        )
        ratio = voice / np.maximum(voice + rest, 1e-12)
        # Look-ahead makes the masks late: the first ones are for the silence before the track.
        before = np.zeros((signal.channels, signal.lookahead_frames, signal.bands), np.float32)
        self._masks = np.concatenate([before, ratio], 1)
        self._features = np.zeros((signal.feature_maps, HOPS_AT_ONCE, signal.bands), np.float32)
        self._next = 0

    def reset(self) -> None:
        """Back to the track's beginning."""
        self._next = 0

    def features(self, frames: int) -> NDArray[np.float32]:
        """A buffer that nobody reads: [feature map, frames, band]."""
        return np.ascontiguousarray(self._features[:, :frames])

    def run(self, frames: int) -> NDArray[np.float32]:
        """The next masks [channel, frames, band]; zeros after the end."""
        masks = np.zeros((len(self._masks), frames, self._masks.shape[2]), np.float32)
        there = self._masks[:, self._next : self._next + frames]
        masks[:, : there.shape[1]] = there
        self._next += frames
        return masks

    def _magnitudes(self, samples: Stems, rate_hz: int) -> NDArray[np.float32]:
        """Band magnitudes [channel, frame, band] of [sample, channel], with the frames that end after its end."""
        signal = self.spec.signal
        hop, channels = signal.hop_samples, signal.channels
        average = band_average_matrix(signal, rate_hz).T.astype(np.float32)
        frames = -(-len(samples) // hop) + signal.synthesis_samples // hop
        padded = np.pad(samples, ((0, frames * hop - len(samples)), (0, 0)))
        analysis = StreamingAnalysis.of_signal(signal)
        magnitudes = np.empty((channels, frames, signal.bands), np.float32)
        for start in range(0, frames, HOPS_AT_ONCE):
            count = min(HOPS_AT_ONCE, frames - start)
            spectra = np.empty((count, channels, signal.bins), np.complex64)
            analysis.process(padded[start * hop : (start + count) * hop], spectra)
            magnitudes[:, start : start + count] = np.moveaxis(np.abs(spectra[..., : len(average)]) @ average, 1, 0)
        return magnitudes


def _as_played(stem: Stems, rate_hz: int, played_hz: int, channels: int) -> Stems:
    """A stem as it would reach the network: resampled, and in as many channels."""
    samples = StreamResampler(rate_hz, played_hz, stem.shape[1]).process(stem, last=True)
    return np.repeat(samples, channels, 1) if samples.shape[1] < channels else np.ascontiguousarray(samples)


def score_model(model: ModelSession, files: TrackFiles) -> TrackScore:
    """SDR of both stems and of the mixture; arguments and errors as `evaluate_track`."""
    return track_scores(evaluate_track(model, files, bss=False, oracle=False))[0]


def track_scores(scores: list[StemScore]) -> list[TrackScore]:
    """SDR of both stems and of the mixture a track, in the order of `scores`."""
    found: dict[tuple[str, str], dict[tuple[str, str], float]] = {}
    for score in scores:
        found.setdefault((score.corpus, score.track), {})[score.signal, score.stem] = score.metrics.sdr_db
    ours = [(signal, stem) for signal in (MODEL, MIXTURE) for stem in STEM_NAMES]
    return [TrackScore(track, corpus, *(sdr[each] for each in ours)) for (corpus, track), sdr in found.items()]


def markdown_table(scores: list[TrackScore]) -> str:
    """A row a track and a row of means a corpus; SDR in dB, the mixture's in brackets.

    Tracks whose reference is silent have no SDR and stay out of the means.
    """
    lines = ["| track | vocals | gain | accompaniment | gain |", "|---|---|---|---|---|"]
    lines += [_row(f"{s.corpus} / {s.name}", [s]) for s in scores]
    for corpus in sorted({s.corpus for s in scores}):
        of_corpus = [s for s in scores if s.corpus == corpus]
        lines.append(_row(f"**{corpus}**, mean of {len(of_corpus)}", of_corpus))
    return "\n".join(lines)


def _row(title: str, scores: list[TrackScore]) -> str:
    def mean(values: list[float]) -> float:
        finite = [value for value in values if np.isfinite(value)]
        return float(np.mean(finite)) if finite else float("nan")

    vocals, floor = mean([s.vocals_db for s in scores]), mean([s.mixture_vocals_db for s in scores])
    band = mean([s.accompaniment_db for s in scores])
    band_floor = mean([s.mixture_accompaniment_db for s in scores])
    return (
        f"| {title} | {vocals:.2f} ({floor:.2f}) | {vocals - floor:+.2f} "
        f"| {band:.2f} ({band_floor:.2f}) | {band - band_floor:+.2f} |"
    )
