"""Moves pitch and pace of sound frame by frame, each partial with the phases that belong to it.

A phase vocoder that moves peaks (J. Laroche and M. Dolson, "New phase-vocoder techniques for
pitch-shifting, harmonizing and other exotic effects", WASPAA 1999): every peak of a frame's
spectrum goes to its new frequency together with the bins around it, which keep their phases
against it; all of them turn by what the new frequency is ahead of the old one since the last frame.
Frames are twice padded and their middle is time 0, so that spectra between two bins are read off a
straight line. Where a peak has no past, because a sound begins, its phases stay as they came
(A. Röbel, "A new approach to transient processing in the phase vocoder", DAFx 2003).

Frames that are put closer or farther apart than they were taken make the sound faster or slower; their partials turn by
what that leaves out or adds. Both channels turn and move alike: the image between them stays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..fft import fft_tables, forward, inverse
from ..jit import jit
from .formants import CELL_BINS, Formants

HOPS = 8  # a frame
REACH_BINS = 4  # how far a peak may have gone since the last frame
ONSET = 4.0  # a peak whose power has grown by more than this factor begins anew
_FLOOR = 1e-14  # of the greatest power: below lies rounding


class PitchShift:
    """Takes frames from a ring and adds them, moved, to another. One stream, one thread.

    Args:
        frame_samples: N, a power of two, 256 or more; a frame comes every N / `HOPS` samples.
        channels: 1 or 2.
        rate_hz: sample rate.
    """

    def __init__(self, frame_samples: int, channels: int, rate_hz: int) -> None:
        bins = frame_samples + 1
        window = 0.5 - 0.5 * np.cos(2 * np.pi / frame_samples * np.arange(frame_samples))
        self._window: NDArray[np.float32] = window.astype(np.float32)
        # The inverse FFT's 1 / (2 N) and the sum of the overlapping squared windows, 3/8 of each frame.
        self._scale = np.float32(1 / (2 * frame_samples) / (0.375 * HOPS))
        angles = np.pi / frame_samples * (np.arange(frame_samples) - frame_samples / 2)
        self._bend = np.float32(np.sum(window**2 * angles**2) / np.sum(window**2) / 2)
        self._frame: NDArray[np.float32] = np.zeros(2 * frame_samples, np.float32)
        self._tables, self._work = fft_tables(2 * frame_samples)
        self._spectra: NDArray[np.complex64] = np.zeros((channels, bins), np.complex64)
        self._before: NDArray[np.complex64] = np.zeros((channels, bins), np.complex64)
        self._power: NDArray[np.float32] = np.zeros((2, bins), np.float32)  # now, before
        self._turns: NDArray[np.float64] = np.zeros((2, bins), np.float64)
        self._peaks: NDArray[np.int64] = np.zeros((2, bins), np.int64)  # where, and where its region begins
        self._moves: NDArray[np.float64] = np.zeros(bins, np.float64)
        self._moved: NDArray[np.complex64] = np.zeros((channels, bins), np.complex64)
        self._formants = Formants(frame_samples, rate_hz)

    def reset(self) -> None:
        """Forget the last frame: all partials begin anew."""
        self._before.fill(0)
        self._power.fill(0)
        self._turns.fill(0)

    def add(
        self,
        past: NDArray[np.float32],
        sums: NDArray[np.float32],
        end: int,
        ratio: float,
        formant_ratio: float,
        *,
        put_end: int | None = None,
        came_on: int | None = None,
    ) -> None:
        """Move the frame that ends before sample `end`.

        Args:
            past: the sound, sample n at n modulo its length, a power of two: [2 N, channel].
            sums: in the same order what frames add up to, to which this one is added: [N, channel].
            end: position behind the frame's last sample.
            ratio: of the new pitch to the old one, 0.25 to 4.
            formant_ratio: by which the spectral envelope is stretched.
            put_end: the same position in `sums`, N / `HOPS` after the frame before; None: `end`.
            came_on: how far from the frame before this one was taken; None: N / `HOPS`.
        """
        _analyse(past, end, self._window, self._frame, self._tables, self._work, self._spectra, self._power)
        count = _find_peaks(self._power[0], self._peaks)
        if count and formant_ratio != ratio:
            self._formants.find(self._power[0], ratio, formant_ratio)
        hop = len(self._window) // HOPS
        came_on = hop if came_on is None else came_on
        slower = hop / came_on
        _follow(
            self._spectra,
            self._before,
            self._power,
            self._peaks,
            count,
            ratio,
            came_on,
            slower,
            self._turns,
            self._moves,
        )
        gains = self._formants.gains
        shaped = formant_ratio != ratio
        _move(self._spectra, self._peaks, count, self._moves, self._turns, gains, shaped, self._bend, self._moved)
        put_end = end if put_end is None else put_end
        _add(self._moved, put_end, self._window, self._scale, self._frame, self._tables, self._work, sums)


@jit
def _analyse(
    past: NDArray[np.float32],
    end: int,
    window: NDArray[np.float32],
    frame: NDArray[np.float32],
    tables: NDArray[np.float32],
    work: NDArray[np.float32],
    spectra: NDArray[np.complex64],
    power: NDArray[np.float32],
) -> None:
    """Spectra with time 0 in the frame's middle, and the power of all channels in `power[0]`."""
    length, mask = window.size, past.shape[0] - 1
    half = length // 2
    for k in range(power.shape[1]):
        power[1, k] = power[0, k]
        power[0, k] = 0
    for c in range(spectra.shape[0]):
        frame[:] = 0
        for i in range(half):
            frame[i] = past[(end - half + i) & mask, c] * window[half + i]
            frame[2 * length - half + i] = past[(end - length + i) & mask, c] * window[i]
        forward(frame, spectra[c], tables, work)
        for k in range(power.shape[1]):
            value = spectra[c, k]
            power[0, k] += value.real * value.real + value.imag * value.imag


@jit
def _find_peaks(power: NDArray[np.float32], peaks: NDArray[np.int64]) -> int:
    """Fills `peaks`: bins greater than two neighbours at either side, and the lowest bins between them."""
    floor, count, bins = power.max() * np.float32(_FLOOR), 0, power.size
    for k in range(bins):
        here = power[k]
        if here <= floor:
            continue
        left = here > power[max(k - 1, 0)] or k == 0
        left = left and (k < 2 or here > power[k - 2])
        right = here >= power[min(k + 1, bins - 1)] and here >= power[min(k + 2, bins - 1)]
        if left and right:
            peaks[0, count] = k
            count += 1
    for n in range(count):
        lowest = 0 if n == 0 else peaks[0, n - 1] + 1
        if n:
            for k in range(lowest, peaks[0, n]):
                if power[k] < power[lowest]:
                    lowest = k
        peaks[1, n] = lowest
    return count


@jit
def _follow(
    spectra: NDArray[np.complex64],
    before: NDArray[np.complex64],
    power: NDArray[np.float32],
    peaks: NDArray[np.int64],
    count: int,
    ratio: float,
    hop: int,
    slower: float,
    turns: NDArray[np.float64],
    moves: NDArray[np.float64],
) -> None:
    """Sets how many bins each peak moves, and by which angle its region turns (`turns[0]`, a value a bin).

    `hop`: between the frames as they were taken; `slower`: how much farther apart they are put.
    """
    channels, bins = spectra.shape
    a_bin = np.pi * hop / (bins - 1)  # angle by which a partial at bin 1 goes on in a hop
    for k in range(bins):
        turns[1, k] = turns[0, k]
        turns[0, k] = 0.0
    for n in range(count):
        k = peaks[0, n]
        went = np.complex64(0)
        for c in range(channels):
            went += spectra[c, k] * np.conj(before[c, k])
        ahead = 0.0
        if went.real != 0 or went.imag != 0:
            ahead = np.arctan2(np.float64(went.imag), np.float64(went.real)) - a_bin * k
            ahead -= 2 * np.pi * np.round(ahead / (2 * np.pi))
            if np.isnan(ahead):  # must not become a place
                ahead = 0.0
        angle = a_bin * k + ahead
        moves[n] = (ratio - 1) * angle / a_bin
        came = max(0, k - REACH_BINS)
        for j in range(came, min(bins, k + REACH_BINS + 1)):
            if power[1, j] > power[1, came]:
                came = j
        if power[0, k] <= ONSET * power[1, came]:
            turn = turns[1, came] + (ratio * slower - 1) * angle
            turn -= 2 * np.pi * np.round(turn / (2 * np.pi))
            stop = peaks[1, n + 1] if n + 1 < count else bins
            for j in range(peaks[1, n], stop):
                turns[0, j] = turn
    for c in range(channels):
        for k in range(bins):
            before[c, k] = spectra[c, k]


@jit
def _move(
    spectra: NDArray[np.complex64],
    peaks: NDArray[np.int64],
    count: int,
    moves: NDArray[np.float64],
    turns: NDArray[np.float64],
    gains: NDArray[np.float32],
    shaped: bool,
    bend: np.float32,
    moved: NDArray[np.complex64],
) -> None:
    """Sums the regions in their new places in `moved`; `bend`: see the gain of what lies between two bins."""
    channels, bins = spectra.shape
    moved[:] = 0
    for n in range(count):
        first, stop = peaks[1, n], peaks[1, n + 1] if n + 1 < count else bins
        whole = int(np.floor(moves[n]))
        part = np.float32(moves[n] - whole)
        # Between two bins the line stands for a frame that is quieter towards its ends.
        level = np.float32(1) / (np.float32(1) - bend * part * (np.float32(1) - part))
        turn = turns[0, first]
        factor = np.complex64(complex(level * np.cos(turn), level * np.sin(turn)))
        # Bin j comes from between j - whole - 1 and j - whole; a region may lend a bin from its neighbour.
        for j in range(max(0, first + whole + (part > 0)), min(bins, stop + whole + (part > 0))):
            k = j - whole
            weight = factor
            if shaped:
                cell = min(j // CELL_BINS, gains.size - 2)
                share = np.float32(j - CELL_BINS * cell) / np.float32(CELL_BINS)
                weight *= gains[cell] + share * (gains[cell + 1] - gains[cell])
            for c in range(channels):
                value = spectra[c, k] if k < bins else np.complex64(0)
                if part > 0:
                    value += part * (spectra[c, k - 1] - value)
                moved[c, j] += weight * value


@jit
def _add(
    moved: NDArray[np.complex64],
    end: int,
    window: NDArray[np.float32],
    scale: np.float32,
    frame: NDArray[np.float32],
    tables: NDArray[np.float32],
    work: NDArray[np.float32],
    sums: NDArray[np.float32],
) -> None:
    length, mask = window.size, sums.shape[0] - 1
    half = length // 2
    for c in range(moved.shape[0]):
        inverse(moved[c], frame, 0, tables, work)
        for i in range(half):
            sums[(end - half + i) & mask, c] += frame[i] * window[half + i] * scale
            sums[(end - length + i) & mask, c] += frame[2 * length - half + i] * window[i] * scale
