"""Bands: averages of neighbouring bins on the way in, interpolation back to bins on the way out.

Low bands are one bin wide, higher ones wider, so a network sees 256 bands where there are 1024 bins.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from .spec import SignalSpec


def band_average_matrix(spec: SignalSpec) -> NDArray[np.float64]:
    """Matrix that averages bin magnitudes to bands.

    Returns:
        shape [band, bin] over the bins that the bands cover, rows sum to 1.
    """
    edges = np.asarray(spec.band_edges_bins)
    matrix = np.zeros((spec.bands, int(edges[-1])))
    for band, (low, high) in enumerate(itertools.pairwise(edges.tolist())):
        matrix[band, low:high] = 1.0 / (high - low)
    return matrix


def interpolation_weights(spec: SignalSpec) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Linear interpolation of band values at band centres to every bin of the spectrum.

    Returns:
        lower band [bin] and the weight [bin] in 0…1 of the band above it;
        below the first and above the last centre the outermost band is held.
    """
    edges = np.asarray(spec.band_edges_bins, dtype=np.float64)
    centres = (edges[:-1] + edges[1:] - 1) / 2
    position = np.interp(np.arange(spec.bins), centres, np.arange(spec.bands))
    lower = np.minimum(np.floor(position).astype(np.int64), max(spec.bands - 2, 0))
    return lower, position - lower


def band_interpolation_matrix(spec: SignalSpec) -> NDArray[np.float64]:
    """The same interpolation as a matrix.

    Returns:
        shape [bin, band] over all N/2 + 1 bins, rows sum to 1.
    """
    lower, weight = interpolation_weights(spec)
    matrix = np.zeros((spec.bins, spec.bands))
    rows = np.arange(spec.bins)
    matrix[rows, lower] = 1.0 - weight
    matrix[rows, np.minimum(lower + 1, spec.bands - 1)] += weight
    return matrix
