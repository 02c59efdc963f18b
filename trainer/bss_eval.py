"""BSS Eval: how much of an estimate is the source, filtered source, other sources, and neither.

An estimate is projected on what filters of 512 taps can make of its own reference, and of all references
(Vincent, Gribonval and Févotte 2006). Version 4 (Stöter, Liutkus and Ito 2018, package `museval`) finds the filters
once a track and takes energies frame by frame; version 3 takes them over the whole track and forgives the filter.
`museval` itself cannot be imported without ffmpeg's programs; the tests hold its numbers, which ours meet. They part
where references are nearly dependent (a voice that is almost mono in stereo): there museval's filters grow without
bound and its SIR and SAR say nothing; ours are damped. SDR of version 4 knows no filters and is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Samples = NDArray[np.floating[Any]]

TAPS = 512
FFT_SAMPLES = 16384  # of the blocks by which correlations are taken: fits the caches
RIDGE = 1e-10  # of the mean power, added to it: without, equal channels would have no solution


@dataclass(frozen=True, slots=True)
class FrameRatios:
    """Ratios of version 4 in dB, each [estimate, source, frame]; nan where a frame of a source is silent.

    Attributes:
        sdr_db: source to everything else.
        isr_db: source to what a filter did to it.
        sir_db: filtered source to the other sources.
        sar_db: all sources to what no filter makes of them.
    """

    sdr_db: Floats
    isr_db: Floats
    sir_db: Floats
    sar_db: Floats


@dataclass(frozen=True, slots=True)
class TrackRatios:
    """Ratios of version 3 (`bss_eval_sources`) in dB, each [estimate, source]; nan where a source is silent."""

    sdr_db: Floats
    sir_db: Floats
    sar_db: Floats


def frame_ratios(
    references: Samples, estimates: Sequence[Samples], window_samples: int, hop_samples: int, taps: int = TAPS
) -> FrameRatios:
    """BSS Eval version 4 of images, with filters that hold for the whole track.

    Args:
        references: [source, sample, channel].
        estimates: as many as are to be judged by the same references, each like them.
        window_samples: length of a frame; a shorter track is one frame.
        hop_samples: from a frame to the next; what is left after the last whole frame is not judged.
        taps: length of the distortion filters.
    """
    count, (sources, length, channels) = len(estimates), references.shape
    frames = [(s, s + window_samples) for s in range(0, length - window_samples + 1, hop_samples)] or [(0, length)]
    ratios = np.full((4, count, sources, len(frames)), np.nan)
    if not _sounding(references):
        return FrameRatios(*ratios)
    projection = _Projection(references, estimates, taps)
    size = _fft_size(frames[0][1] - frames[0][0] + taps - 1)
    # Both hold one spectrum an input channel: [estimate, source, channel out, source in * channel in, bin].
    of_all, of_own = np.fft.rfft(projection.of_all, size), np.fft.rfft(projection.of_own, size)
    for number, (start, stop) in enumerate(frames):
        reference = references[:, start:stop].astype(np.float64)  # the FFT of float32 would be one
        if not _sounding(reference):
            continue
        inputs = np.fft.rfft(np.moveaxis(reference, 1, 2), size)  # [source, channel, bin]
        for k, j in np.ndindex(count, sources):
            estimate = estimates[k][:, start:stop].astype(np.float64)
            if not _sounding(estimate):
                continue
            true, made = inputs[j], np.fft.rfft(estimate[j].T, size)
            own = np.einsum("oif,if->of", of_own[k, j], inputs[j])
            every = np.einsum("oif,if->of", of_all[k, j], inputs.reshape(sources * channels, -1))
            ratios[:, k, j, number] = (
                _ratio_db(_energy(true, size), _energy(made - true, size)),
                _ratio_db(_energy(true, size), _energy(own - true, size)),
                _ratio_db(_energy(own, size), _energy(every - own, size)),
                _ratio_db(_energy(every, size), _energy(made - every, size)),
            )
    return FrameRatios(*ratios)


def track_ratios(references: Samples, estimates: Sequence[Samples], taps: int = TAPS) -> TrackRatios:
    """BSS Eval version 3 of sources, over the whole track, without a search for the order.

    Args:
        references: [source, sample], mono.
        estimates: each like the references.
        taps: length of the distortion filters.
    """
    count, sources = len(estimates), len(references)
    ratios = np.full((3, count, sources), np.nan)
    if not _sounding(references[..., None]):
        return TrackRatios(*ratios)
    projection = _Projection(references[..., None], [estimate[..., None] for estimate in estimates], taps)
    for k, j in np.ndindex(count, sources):
        if not _sounding(estimates[k][..., None]):
            continue
        # Energies of sums of filtered references are quadratic forms of the filters: nothing need be filtered.
        every = projection.of_all[k, j, 0].ravel()
        own = np.zeros((sources, taps))
        own[j] = projection.of_own[k, j, 0, 0]
        made = float(np.sum(np.square(estimates[k][j], dtype=np.float64)))
        target = projection.energy(own.ravel())
        distance = [made - 2 * projection.cross(x, k, j) + projection.energy(x) for x in (own.ravel(), every)]
        ratios[:, k, j] = (
            _ratio_db(target, distance[0]),
            _ratio_db(target, projection.energy(every - own.ravel())),
            _ratio_db(projection.energy(every), distance[1]),
        )
    return TrackRatios(*ratios)


class _Projection:
    """Least-squares filters from references to estimates.

    Attributes:
        of_all: [estimate, source, channel out, source in * channel in, tap].
        of_own: [estimate, source, channel out, channel in, tap], from the source's own reference only.
    """

    def __init__(self, references: Samples, estimates: Sequence[Samples], taps: int) -> None:
        sources, _, channels = references.shape
        inputs = _rows(references)
        self._matrix = _normal_matrix(_correlations(inputs, inputs, taps))
        right = _correlations(inputs, [row for estimate in estimates for row in _rows(estimate)], taps)
        right = right.reshape(len(inputs), len(estimates), sources, channels, taps)
        self._right = np.moveaxis(right, 0, 3)  # [estimate, source, channel out, input, tap]
        self.of_all = _solved(self._matrix, self._right)
        of_own: list[Floats] = []
        for j in range(sources):
            part = slice(j * channels * taps, (j + 1) * channels * taps)
            wanted = self._right[:, j, :, j * channels : (j + 1) * channels]
            of_own.append(_solved(self._matrix[part, part], wanted))
        self.of_own = np.stack(of_own, 1)

    def energy(self, filters: Floats) -> float:
        """Of the references, filtered and summed; `filters` [source * tap]."""
        return float(filters @ self._matrix @ filters)

    def cross(self, filters: Floats, estimate: int, source: int) -> float:
        """Inner product of the filtered references and a mono estimate."""
        return float(filters @ self._right[estimate, source, 0].ravel())


def _rows(stems: Samples) -> list[Samples]:
    """Views of the signals of [source, sample, channel], channel after channel of each source."""
    return [stem[:, channel] for stem in stems for channel in range(stem.shape[1])]


def _correlations(left: Sequence[Samples], right: Sequence[Samples], taps: int) -> Floats:
    """sum over n of left[i][n] right[j][n + d] for d = 0 … taps - 1: [i, j, d]; zeros follow the last sample."""
    total = np.zeros((len(left), len(right), FFT_SAMPLES // 2 + 1), np.complex128)
    step = FFT_SAMPLES - taps + 1
    for start in range(0, len(left[0]), step):
        block = np.fft.rfft(_block(left, start, start + step), FFT_SAMPLES)
        longer = np.fft.rfft(_block(right, start, start + FFT_SAMPLES), FFT_SAMPLES)
        total += block.conj()[:, None] * longer[None]
    return np.fft.irfft(total, FFT_SAMPLES)[..., :taps]


def _block(signals: Sequence[Samples], start: int, stop: int) -> Floats:
    return np.stack([signal[start:stop] for signal in signals]).astype(np.float64)


def _normal_matrix(correlations: Floats) -> Floats:
    """Inner products of all delayed inputs: [input * tap, input * tap], of correlations [input, input, lag]."""
    inputs, _, taps = correlations.shape
    lag = np.arange(taps)[:, None] - np.arange(taps)
    # R_ij at a negative lag is R_ji at the positive one.
    mirrored = np.concatenate([np.swapaxes(correlations, 0, 1)[..., :0:-1], correlations], 2)
    return np.moveaxis(mirrored[..., lag + taps - 1], 2, 1).reshape(inputs * taps, inputs * taps)


def _solved(matrix: Floats, right: Floats) -> Floats:
    """Filters of the shape of `right` [..., input, tap]."""
    size = len(matrix)
    damped = matrix + RIDGE * np.trace(matrix) / size * np.eye(size)
    return np.linalg.solve(damped, right.reshape(-1, size).T).T.reshape(right.shape)


def _fft_size(least: int) -> int:
    """The smallest product of powers of 2, 3 and 5 that is not below `least` and is even."""
    return min(_sizes(least))


def _sizes(least: int) -> Iterator[int]:
    for fives in range(4):
        for threes in range(4):
            odd = 5**fives * 3**threes
            yield odd << max(1, (-(-least // odd) - 1).bit_length())


def _sounding(sources: Samples) -> bool:
    """Whether each source [source, sample, channel] holds anything but zeros."""
    return bool(sources.any(axis=(1, 2)).all())


def _energy(spectra: NDArray[np.complex128], size: int) -> float:
    """Of signals whose one-sided spectra these are, by Parseval; `size` is even."""
    power = np.square(spectra.real).sum(0) + np.square(spectra.imag).sum(0)
    return float(2 * power.sum() - power[0] - power[-1]) / size


def _ratio_db(signal: float, rest: float) -> float:
    """Within ±150 dB, where rounding ends what can be said."""
    floor = 1e-15 * max(signal, rest, 1e-300)
    return float(10 * np.log10(max(signal, floor) / max(rest, floor)))
