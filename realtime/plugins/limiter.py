"""A limiter: nothing gets louder than the ceiling, and what stays below it is not changed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..jit import jit
from ..parameter import Parameter
from ..plugin import Plugin
from .envelope import factor_of, kept, on_line
from .true_peak import DELAY_SAMPLES, TAPS, interpolation_kernel, raise_to_true_peaks

_CEILING, _RELEASE = range(2)
_CHUNK = 128  # frames that are looked at together
_ONE = 1 << 40  # gains are whole numbers of 1/_ONE, so that sums of them stay exact for ever
_WINDOW, _SHORT, _LONG, _DELAY = range(4)  # of `sizes`
_AT, _FIRST, _COUNT, _RELEASED, _SUM, _SUM_OF_SUMS = range(6)  # of `counts`
_LEAST, _LEAST_AT, _GAINS, _SUMS = range(4)  # of `tracks`


class Limiter(Plugin):
    """Lets nothing above a ceiling, true peaks included.

    Looks ahead, so that the gain has come down when the peak comes, smoothly; one gain for all channels.

    For every frame there is a gain that takes its peak to the ceiling. The least one within the look-ahead
    counts, recovers exponentially, and is averaged twice, over windows that together are as long: every gain
    in the mean is at most what the peak needs, so the mean is too, and no clipping has to follow.
    With `true_peak` the peaks between the samples count as well, to about 0.1 dB.
    """

    parameters = (
        Parameter(
            name="ceiling_db", default=-1.0, lowest=-24.0, highest=0.0, unit="dB", help="The loudest peak there is."
        ),
        Parameter(
            name="release_s",
            default=0.1,
            lowest=0.005,
            highest=2.0,
            unit="s",
            taper="log",
            smoothing_s=0.0,
            help="Time in which the gain goes nine tenths of its way back.",
        ),
        Parameter.switch("true_peak", True, fixed=True, help="Counts the peaks between the samples too."),
        Parameter(
            name="lookahead_s",
            default=0.0015,
            lowest=0.0002,
            highest=0.01,
            unit="s",
            fixed=True,
            help="Time in which the gain goes down; the sound comes that much later.",
        ),
    )

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        """See `Plugin`."""
        true_peak = self.value("true_peak") > 0
        ahead = max(1, round(self.value("lookahead_s") * rate_hz))
        self.latency_samples = ahead + (DELAY_SAMPLES if true_peak else 0)
        short = (ahead + 2) // 2
        self._sizes = (ahead + 1 + true_peak, short, ahead + 2 - short, self.latency_samples)
        self._rate_hz = float(rate_hz)
        self._kernel = interpolation_kernel()[: None if true_peak else 0]
        ring = 1 << (self.latency_samples + 1).bit_length()
        self._past: NDArray[np.float32] = np.zeros((ring, channels), np.float32)
        self._sound: NDArray[np.float32] = np.zeros((channels, TAPS - 1 + _CHUNK), np.float32)
        self._peaks: NDArray[np.float32] = np.zeros(_CHUNK, np.float32)
        self._gains: NDArray[np.int64] = np.zeros(_CHUNK, np.int64)
        self._tracks: NDArray[np.int64] = np.zeros((4, ring), np.int64)
        self._counts: NDArray[np.int64] = np.zeros(6, np.int64)
        self.process(np.zeros((1, channels), np.float32))
        self.reset()

    def process(self, block: NDArray[np.float32]) -> None:
        """See `Plugin`."""
        _limit(
            block,
            self.values.begin,
            self.values.end,
            self._rate_hz,
            self._sizes,
            self._kernel,
            self._past,
            self._sound,
            self._peaks,
            self._gains,
            self._tracks,
            self._counts,
        )

    def reset(self) -> None:
        """See `Plugin`."""
        self._past.fill(0.0)
        self._sound.fill(0.0)
        self._counts.fill(0)
        self._counts[_RELEASED] = self._tracks[_GAINS] = _ONE
        self._counts[_SUM] = self._tracks[_SUMS] = self._sizes[_SHORT] * _ONE
        self._counts[_SUM_OF_SUMS] = self._sizes[_SHORT] * self._sizes[_LONG] * _ONE


@jit
def _limit(
    block: NDArray[np.float32],
    begin: NDArray[np.float64],
    end: NDArray[np.float64],
    rate_hz: float,
    sizes: tuple[int, int, int, int],
    kernel: NDArray[np.float32],
    past: NDArray[np.float32],
    sound: NDArray[np.float32],
    peaks: NDArray[np.float32],
    gains: NDArray[np.int64],
    tracks: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    frames, mask = len(block), len(past) - 1
    moves = begin[_CEILING] != end[_CEILING]
    ceiling = _ceiling(end[_CEILING])
    recovery = 1.0 - kept(end[_RELEASE] / math.log(10.0), rate_hz)
    scale = 1.0 / (np.float64(sizes[_SHORT] * sizes[_LONG]) * _ONE)
    for start in range(0, frames, _CHUNK):
        part = block[start : start + _CHUNK]
        _find_peaks(part, sound, kernel, peaks)
        for i in range(len(part)):
            if moves:
                ceiling = _ceiling(on_line(begin[_CEILING], end[_CEILING], start + i, frames))
            peak = np.float64(peaks[i])
            gains[i] = int(ceiling / peak * _ONE) if peak > ceiling else _ONE
        at = counts[_AT]
        _smooth(gains[: len(part)], recovery, sizes, tracks, counts)
        for i in range(len(part)):
            gain = scale * gains[i]
            for c in range(part.shape[1]):
                past[(at + i) & mask, c] = part[i, c]
                part[i, c] = np.float32(gain * past[(at + i - sizes[_DELAY]) & mask, c])


@jit
def _ceiling(level_db: float) -> float:
    """The greatest float32 that is not above a level: what does not round to more is not above it."""
    exact = factor_of(level_db)
    near = np.float32(exact)
    return np.float64(near if near <= exact else np.nextafter(near, np.float32(0.0)))


@jit
def _find_peaks(
    part: NDArray[np.float32], sound: NDArray[np.float32], kernel: NDArray[np.float32], peaks: NDArray[np.float32]
) -> None:
    """The loudest channel's peaks, of the frames themselves or, with a kernel, `DELAY_SAMPLES` late."""
    frames, channels = part.shape
    peaks[:frames] = 0.0
    if len(kernel) == 0:
        for i in range(frames):
            for c in range(channels):
                peaks[i] = max(peaks[i], abs(part[i, c]))
        return
    for c in range(channels):
        for i in range(frames):
            sound[c, TAPS - 1 + i] = part[i, c]
    raise_to_true_peaks(sound, frames, kernel, peaks)
    for c in range(channels):
        for i in range(TAPS - 1):
            sound[c, i] = sound[c, frames + i]


@jit
def _smooth(
    gains: NDArray[np.int64],
    recovery: float,
    sizes: tuple[int, int, int, int],
    tracks: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Replace gains by sums of sums of the window's minimum, which recovers; `_ONE` times both lengths at rest.

    The queue keeps the gains of the window that are less than all behind them, the least one first
    (Lemire, "Streaming maximum-minimum filter using no more than three comparisons per element", 2006).
    """
    mask, at = tracks.shape[1] - 1, counts[_AT]
    first, count, released = counts[_FIRST], counts[_COUNT], counts[_RELEASED]
    summed, total = counts[_SUM], counts[_SUM_OF_SUMS]
    for i in range(len(gains)):
        while count > 0 and tracks[_LEAST, (first + count - 1) & mask] >= gains[i]:
            count -= 1
        tracks[_LEAST, (first + count) & mask] = gains[i]
        tracks[_LEAST_AT, (first + count) & mask] = at
        count += 1
        if tracks[_LEAST_AT, first & mask] <= at - sizes[_WINDOW]:
            first, count = first + 1, count - 1
        if released < _ONE:
            released = min(_ONE, released + int((_ONE - released) * recovery) + 1)  # one more, to arrive
        released = min(released, tracks[_LEAST, first & mask])
        summed += released - tracks[_GAINS, (at - sizes[_SHORT]) & mask]
        tracks[_GAINS, at & mask] = released
        total += summed - tracks[_SUMS, (at - sizes[_LONG]) & mask]
        tracks[_SUMS, at & mask] = summed
        gains[i] = total
        at += 1
    counts[_AT], counts[_FIRST], counts[_COUNT] = at, first, count
    counts[_RELEASED], counts[_SUM], counts[_SUM_OF_SUMS] = released, summed, total
