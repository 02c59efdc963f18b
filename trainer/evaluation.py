"""What a model file scores on whole tracks, separated by the path that plays live, at the tracks' own rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..realtime.errors import AdvsepError
from ..realtime.model import ModelSession
from ..realtime.source import ArraySource
from ..realtime.stems import HOPS_AT_ONCE, StemStream
from .decoded import read_stem
from .tracks import TrackFiles
from .validation import TrackScore, sdr_db


def score_model(model: ModelSession, files: TrackFiles) -> TrackScore:
    """Separate the sum of a track's stems from end to end and compare with the stems.

    Args:
        model: whose `max_frames` is at least `HOPS_AT_ONCE`; it is reset first.
        files: the track.

    Raises:
        AdvsepError: a stem cannot be read, or the two differ in rate, channels or length.
    """
    vocals, rate_hz = read_stem(files.vocals)
    accompaniment, other_hz = read_stem(files.accompaniment)
    if vocals.shape != accompaniment.shape or rate_hz != other_hz:
        raise AdvsepError(
            f"{files.vocals.parent}: stems must agree in length, channels and rate, found "
            f"{' x '.join(map(str, vocals.shape))} at {rate_hz} Hz and "
            f"{' x '.join(map(str, accompaniment.shape))} at {other_hz} Hz; convert one"
        )
    mixture = vocals + accompaniment
    estimate = _separated(model, mixture, rate_hz, files.name)
    return TrackScore(
        files.name,
        files.corpus,
        sdr_db(vocals, estimate),
        sdr_db(accompaniment, mixture - estimate),
        sdr_db(vocals, mixture),
        sdr_db(accompaniment, mixture),
    )


def _separated(model: ModelSession, mixture: NDArray[np.float32], rate_hz: int, name: str) -> NDArray[np.float32]:
    model.reset()
    stream = StemStream(ArraySource(mixture, rate_hz, name), model, HOPS_AT_ONCE)
    return stream.read_all().stems[model.spec.sources[0]]


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
