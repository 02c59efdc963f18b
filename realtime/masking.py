"""Compiled kernels between STFT and network: spectra to features, masks to spectra."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .bands import band_average_matrix, band_centres, interpolation_weights
from .jit import jit
from .spec import SignalSpec

PHASE_FLOOR = 0.01
"""Of a bin's magnitude, some 100 dB below full scale: what is softer has no phase, only that of rounding."""


class BandMasking:
    """Features of spectra and masks on spectra for one `SignalSpec`, into the caller's arrays.

    Args:
        spec: the signal path.
        rate_hz: of the samples that the spectra are of; None: the model's own.

    Attributes:
        lower: the band below the middle of each bin [bin].
        weight: how near that is to the band above, 0…1 [bin].
        phased: the bin whose phase is a band's, -1 for none [band]; empty where phases are not compared.
    """

    def __init__(self, spec: SignalSpec, rate_hz: int | None = None) -> None:
        average = band_average_matrix(spec, rate_hz)
        # Few bins make a band, and they are neighbours: the first of each band, and all shares behind one another.
        inside = average > 0
        self._first, self._ends = inside.argmax(1), np.cumsum(inside.sum(1))
        self._shares = average[inside].astype(np.float32)
        self._scale = np.float32(spec.feature_scale)
        lower, weight = interpolation_weights(spec, rate_hz)
        self.lower, self.weight = lower, weight.astype(np.float32)
        near = np.clip(np.round(band_centres(spec, rate_hz)), 0, spec.bins - 1).astype(np.int64)
        single = np.diff(spec.band_edges_bins) == 1
        self.phased = np.where(single, near, -1) if spec.coherence_frames else near[:0]

    def features(self, spectra: NDArray[np.complex64], features: NDArray[np.float32]) -> None:
        """Compressed band magnitudes of mid and side, or of the one channel; where phases are compared, also those.

        Args:
            spectra: [frame, channel, bin].
            features: [`feature_maps`, frame, band], written: magnitudes, then cosine and sine of the phase of mid, or
                of the one channel, in the bin of each band of one; near 0 where there is no sound, 0 in wider bands.
        """
        _band_features(spectra, self._first, self._ends, self._shares, self._scale, features)
        if len(self.phased):
            _band_phases(spectra, self.phased, features[len(features) - 2 :])

    def apply(self, masks: NDArray[np.float32], spectra: NDArray[np.complex64], masked: NDArray[np.complex64]) -> None:
        """Spectra times masks interpolated from bands to bins.

        Args:
            masks: [channel, frame, band], or [2 * channel, frame, band] of complex masks: real parts, then imaginary.
            spectra: [frame, channel, bin].
            masked: like `spectra`, written.
        """
        _apply_masks(masks, self.lower, self.weight, spectra, masked)


@jit
def _band_features(
    spectra: NDArray[np.complex64],
    first: NDArray[np.int64],
    ends: NDArray[np.int64],
    shares: NDArray[np.float32],
    scale: np.float32,
    features: NDArray[np.float32],
) -> None:
    frames, channels, _ = spectra.shape
    half = np.float32(0.5)
    for t in range(frames):
        for c in range(channels):
            begin = 0
            for band in range(len(first)):
                mean = np.float32(0.0)
                for i in range(begin, ends[band]):
                    k = first[band] + i - begin
                    re, im = spectra[t, 0, k].real, spectra[t, 0, k].imag
                    if channels == 2:
                        sign = np.float32(1.0) if c == 0 else np.float32(-1.0)
                        re = half * (re + sign * spectra[t, 1, k].real)
                        im = half * (im + sign * spectra[t, 1, k].imag)
                    mean += shares[i] * np.sqrt(re * re + im * im)
                begin = ends[band]
                features[c, t, band] = np.log1p(scale * mean)


@jit
def _band_phases(spectra: NDArray[np.complex64], phased: NDArray[np.int64], phases: NDArray[np.float32]) -> None:
    frames, channels, _ = spectra.shape
    for t in range(frames):
        for band in range(len(phased)):
            k = phased[band]
            phases[0, t, band] = phases[1, t, band] = np.float32(0.0)
            if k >= 0:
                re, im = spectra[t, 0, k].real, spectra[t, 0, k].imag
                if channels == 2:
                    re = np.float32(0.5) * (re + spectra[t, 1, k].real)
                    im = np.float32(0.5) * (im + spectra[t, 1, k].imag)
                length = np.sqrt(re * re + im * im) + np.float32(PHASE_FLOOR)
                phases[0, t, band], phases[1, t, band] = re / length, im / length


@jit
def _apply_masks(
    masks: NDArray[np.float32],
    lower: NDArray[np.int64],
    weight: NDArray[np.float32],
    spectra: NDArray[np.complex64],
    masked: NDArray[np.complex64],
) -> None:
    frames, channels, bins = spectra.shape
    last = masks.shape[2] - 1
    turned = masks.shape[0] > channels
    for t in range(frames):
        for c in range(channels):
            real, imaginary = masks[c, t], masks[channels + c if turned else c, t]
            for k in range(bins):
                low, high = lower[k], min(lower[k] + 1, last)
                re = real[low] + weight[k] * (real[high] - real[low])
                x = spectra[t, c, k]
                if turned:
                    im = imaginary[low] + weight[k] * (imaginary[high] - imaginary[low])
                    masked[t, c, k] = complex(re * x.real - im * x.imag, re * x.imag + im * x.real)
                else:
                    masked[t, c, k] = x * re
