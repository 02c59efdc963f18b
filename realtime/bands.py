"""Bands: averages of neighbouring bins on the way in, interpolation back to bins on the way out.

Low bands are one bin wide, higher ones wider, so a network sees 256 bands where there are 1024 bins. A band is a
stretch of frequencies: at another rate than the model's, whose bins lie elsewhere, it is of the same frequencies.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .spec import SignalSpec


def band_edges(spec: SignalSpec, rate_hz: int | None = None) -> NDArray[np.float64]:
    """Where bands begin and end in a spectrum, of which bin k reaches from k to k + 1.

    Args:
        spec: its `band_edges_bins` are for its `sample_rate_hz`.
        rate_hz: of the samples that the spectrum is of; None: that for which the edges are whole numbers.

    Returns:
        [band + 1], rising; goes beyond the first and the last bin where `rate_hz` is lower than the model's.
    """
    ratio = 1.0 if rate_hz is None else spec.sample_rate_hz / rate_hz
    # The frequency of a bin is that of its middle.
    return (np.asarray(spec.band_edges_bins, np.float64) - 0.5) * ratio + 0.5


def band_centres(spec: SignalSpec, rate_hz: int | None = None) -> NDArray[np.float64]:
    """Middles of the bands, [band], in bins, of which bin k is at k; arguments as for `band_edges`."""
    edges = band_edges(spec, rate_hz)
    return (edges[:-1] + edges[1:] - 1) / 2


def band_edges_hz(edges_bins: Sequence[int], rate_hz: int, window_samples: int) -> NDArray[np.float64]:
    """Where bands begin and end in hertz, [band + 1]; a bin reaches half a bin to both sides of its frequency."""
    return (np.asarray(edges_bins, np.float64) - 0.5) * rate_hz / window_samples


def band_average_matrix(spec: SignalSpec, rate_hz: int | None = None) -> NDArray[np.float64]:
    """Matrix that averages bin magnitudes to bands; a bin across an edge counts for both bands by its shares.

    Args:
        spec: the band layout.
        rate_hz: as for `band_edges`.

    Returns:
        shape [band, bin] over the bins that the bands cover, rows sum to 1 (to less where there are no such bins).
    """
    edges = np.maximum(band_edges(spec, rate_hz), 0.0)
    bins = np.arange(min(spec.bins, int(np.ceil(edges[-1]))))
    low, high = edges[:-1, None], edges[1:, None]
    inside = np.minimum(high, bins + 1) - np.maximum(low, bins)
    return np.maximum(inside, 0.0) / (high - low)


def interpolation_weights(
    spec: SignalSpec, rate_hz: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Linear interpolation of band values at band centres to every bin of the spectrum.

    Args:
        spec: the band layout.
        rate_hz: as for `band_edges`.

    Returns:
        lower band [bin] and the weight [bin] in 0…1 of the band above it;
        below the first and above the last centre the outermost band is held.
    """
    position = np.interp(np.arange(spec.bins), band_centres(spec, rate_hz), np.arange(spec.bands))
    lower = np.minimum(np.floor(position).astype(np.int64), max(spec.bands - 2, 0))
    return lower, position - lower


def band_interpolation_matrix(spec: SignalSpec, rate_hz: int | None = None) -> NDArray[np.float64]:
    """The same interpolation as a matrix.

    Args:
        spec: the band layout.
        rate_hz: as for `band_edges`.

    Returns:
        shape [bin, band] over all N/2 + 1 bins, rows sum to 1.
    """
    lower, weight = interpolation_weights(spec, rate_hz)
    matrix = np.zeros((spec.bins, spec.bands))
    rows = np.arange(spec.bins)
    matrix[rows, lower] = 1.0 - weight
    matrix[rows, np.minimum(lower + 1, spec.bands - 1)] += weight
    return matrix
