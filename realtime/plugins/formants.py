"""The spectral envelope of a voice, and gains that put it elsewhere without touching the pitch.

The true envelope (S. Imai and Y. Abe, "Spectral envelope extraction by improved cepstral method",
1979; A. Röbel and X. Rodet, "Efficient spectral envelope estimation and its application to pitch
shifting and envelope preservation", DAFx 2005): the logarithmic spectrum is smoothed by its
cepstrum, then raised to that wherever it lies below, a few times, until the smoothed curve runs
along the tops of the partials and no longer through the valleys between them. Below the lowest
partial it goes on as high as there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..fft import fft_tables, forward, inverse
from ..jit import jit

CELL_BINS = 4
SMOOTHEST_S = 0.0015  # longest wave of the envelope: formants about 1/SMOOTHEST_S apart are told apart
ROUNDS = 5
LARGEST_GAIN_DB = 15.0
STEEPEST_DB_PER_HZ = 0.03  # flank of a formant; steeper ones are those of partials
LOUD_DB = 30.0  # below the loudest: so loud is the lowest partial
_FLOOR = 1e-8  # of the greatest power, 80 dB below: what is quieter has no formants


class Formants:
    """Gains that give a shifted spectrum an envelope of one's choice. One stream, one thread.

    Args:
        bins: of the power spectra without the one at 0; a power of two, 256 or more.
        rate_hz: sample rate; bin `bins` lies at half of it.

    Attributes:
        gains: float32 [bins / CELL_BINS + 1], for the bins 0, CELL_BINS, …; as `find` left them.
    """

    def __init__(self, bins: int, rate_hz: int) -> None:
        cells = bins // CELL_BINS
        points = 2 * cells
        waves = np.minimum(np.arange(points), points - np.arange(points))
        ending = np.clip((waves / (SMOOTHEST_S * rate_hz) - 0.7) / 0.6, 0, 1)
        self._lifter: NDArray[np.float32] = (np.cos(np.pi / 2 * ending) ** 2 / points).astype(np.float32)
        self._fall = np.float32(STEEPEST_DB_PER_HZ * rate_hz / 2 / cells / 20 * np.log(10))
        self._levels: NDArray[np.float32] = np.zeros(cells + 1, np.float32)
        self._envelope: NDArray[np.float32] = np.zeros(cells + 1, np.float32)
        self._spectrum: NDArray[np.complex64] = np.zeros(cells + 1, np.complex64)
        self._cepstrum: NDArray[np.float32] = np.zeros(points, np.float32)
        self._tables, self._work = fft_tables(points)
        self.gains: NDArray[np.float32] = np.ones(cells + 1, np.float32)

    def find(self, power: NDArray[np.float32], ratio: float, formant_ratio: float) -> None:
        """Set `gains` for a spectrum whose partials go from f to `ratio` f, and whose envelope to `formant_ratio` f.

        Args:
            power: [bins + 1], as it was before it is shifted; not all zero.
            ratio: of the pitch.
            formant_ratio: of the envelope.
        """
        _true_envelope(
            power,
            self._levels,
            self._lifter,
            self._spectrum,
            self._cepstrum,
            self._tables,
            self._work,
            self._envelope,
            self._fall,
        )
        _gains(self._envelope, ratio, formant_ratio, self.gains)


@jit
def _true_envelope(
    power: NDArray[np.float32],
    levels: NDArray[np.float32],
    lifter: NDArray[np.float32],
    spectrum: NDArray[np.complex64],
    cepstrum: NDArray[np.float32],
    tables: NDArray[np.float32],
    work: NDArray[np.float32],
    envelope: NDArray[np.float32],
    fall: np.float32,
) -> None:
    """Fills `envelope` [cells + 1], logarithms of amplitudes."""
    floor = power.max() * np.float32(_FLOOR)
    for m in range(levels.size):
        most = floor
        for k in range(max(0, CELL_BINS * m - CELL_BINS // 2), min(power.size, CELL_BINS * m + CELL_BINS // 2)):
            most = max(most, power[k])
        levels[m] = np.float32(0.5) * np.log(most)
    loud = levels.max() - LOUD_DB / 20 * np.log(10.0)
    lowest = 0
    while levels[lowest] < loud or levels[lowest] < levels[min(lowest + 1, levels.size - 1)]:
        lowest += 1
    levels[:lowest] = levels[lowest]
    for m in range(1, levels.size):
        levels[m] = max(levels[m], levels[m - 1] - fall)
    for m in range(levels.size - 2, -1, -1):
        levels[m] = max(levels[m], levels[m + 1] - fall)
    for turn in range(ROUNDS):
        for m in range(levels.size):
            spectrum[m] = levels[m] if turn == 0 else max(levels[m], envelope[m])
        inverse(spectrum, cepstrum, 0, tables, work)
        for q in range(cepstrum.size):
            cepstrum[q] *= lifter[q]
        forward(cepstrum, spectrum, tables, work)
        for m in range(levels.size):
            envelope[m] = spectrum[m].real


@jit
def _gains(envelope: NDArray[np.float32], ratio: float, formant_ratio: float, gains: NDArray[np.float32]) -> None:
    most = LARGEST_GAIN_DB / 20 * np.log(10.0)
    for m in range(gains.size):
        change = _at(envelope, m / formant_ratio) - _at(envelope, m / ratio)
        gains[m] = np.exp(min(max(change, -most), most))


@jit
def _at(envelope: NDArray[np.float32], place: float) -> float:
    """Between the cells in a straight line; beyond the last one as there."""
    m = min(int(place), envelope.size - 2)
    return envelope[m] + min(place - m, 1.0) * (envelope[m + 1] - envelope[m])
