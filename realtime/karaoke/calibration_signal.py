"""What is played to measure a delay, and what a room made of each burst of it.

Bursts are maximum length sequences as those of `probe`, slowed down to a band that laptop loudspeakers
and telephone-like microphones pass. They last 32 ms, so that no gain control or noise suppression has
time to take them for noise; and the gaps between them differ, so that a delay longer than a gap makes
the bursts disagree instead of being taken for a shorter one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..probe import maximum_length_sequence

LEVEL = 0.35  # peak
BURSTS = 10
GAPS_S = (0.62, 0.74, 0.66, 0.78, 0.70)  # in turn, from one burst's beginning to the next's
LONGEST_DELAY_S = 0.55
LEAD_S = 0.1
CHIPS_HZ = 8000.0
LOWEST_HZ, HIGHEST_HZ = 300.0, 7000.0
_FADE_S = 0.002
_QUIET_S = 0.05  # so much silence parts two bursts
_REGULARIZED = 1e-2  # of the burst's strongest frequency: weaker ones are not blown up


@dataclass(frozen=True, slots=True)
class Burst:
    """One of a train.

    Attributes:
        start: its first sample.
        samples: [sample].
    """

    start: int
    samples: NDArray[np.float32]


def calibration_train(rate_hz: int, bursts: int = BURSTS) -> NDArray[np.float32]:
    """Bursts of alternating sign, 0.7 s each with the silence behind them, for what comes late."""
    burst = _burst(rate_hz)
    gaps_s = [GAPS_S[k % len(GAPS_S)] for k in range(bursts)]
    starts_s = LEAD_S + np.concatenate([[0.0], np.cumsum(gaps_s)])
    train = np.zeros(round(starts_s[-1] * rate_hz), np.float32)
    for k, start_s in enumerate(starts_s[:-1]):
        start = round(start_s * rate_hz)
        train[start : start + len(burst)] = (-1) ** k * burst
    return train


def bursts_of(played: NDArray[np.float32], rate_hz: int) -> list[Burst]:
    """What lies between silences in what was played."""
    sounding = np.flatnonzero(played)
    if len(sounding) == 0:
        return []
    ends = np.flatnonzero(np.diff(sounding) > _QUIET_S * rate_hz)
    firsts = sounding[np.concatenate([[0], ends + 1])]
    lasts = sounding[np.concatenate([ends, [len(sounding) - 1]])]
    return [Burst(int(first), played[first : last + 1]) for first, last in zip(firsts, lasts, strict=True)]


def response(captured: NDArray[np.float32], burst: Burst, rate_hz: int) -> NDArray[np.complex128] | None:
    """What the way made of an ideal click in the burst's place; its magnitude is the envelope.

    The burst is divided out of the spectrum (with care where it has little), which leaves of a plain
    delay a pulse of 0.3 ms without wings: what lies before the first arrival stays quiet.

    Args:
        captured: [sample], from the moment on when the train began.
        burst: that was played.
        rate_hz: of both.

    Returns:
        [how many samples late], up to `LONGEST_DELAY_S`, an analytic signal; None: the recording ends before that.
    """
    count = round(LONGEST_DELAY_S * rate_hz)
    heard = captured[burst.start : burst.start + count + len(burst.samples)]
    if len(heard) < count:
        return None
    size = 1 << (len(heard) + len(burst.samples)).bit_length()
    spectrum = np.fft.rfft(burst.samples, size)
    power = np.abs(spectrum) ** 2
    frequencies_hz = np.arange(len(spectrum)) * rate_hz / size
    place = np.clip((frequencies_hz - LOWEST_HZ) / (HIGHEST_HZ - LOWEST_HZ), 0.0, 1.0)
    shape = 0.5 - 0.5 * np.cos(2 * np.pi * place)
    inverse = shape * np.conj(spectrum) / (power + _REGULARIZED * power.max())
    analytic = np.zeros(size, np.complex128)
    analytic[: len(spectrum)] = np.fft.rfft(heard, size) * inverse
    return np.fft.ifft(analytic)[:count] * (2 * size / np.count_nonzero(shape))


def _burst(rate_hz: int) -> NDArray[np.float32]:
    """The sequence held at its own pace, cut to the band, with soft ends."""
    chips = maximum_length_sequence()
    count = round(len(chips) * rate_hz / CHIPS_HZ)
    held = chips[np.minimum((np.arange(count) * CHIPS_HZ / rate_hz).astype(int), len(chips) - 1)]
    spectrum = np.fft.rfft(held)
    frequencies_hz = np.fft.rfftfreq(count, 1 / rate_hz)
    spectrum[(frequencies_hz < LOWEST_HZ) | (frequencies_hz > HIGHEST_HZ)] = 0.0
    banded = np.fft.irfft(spectrum, count)
    fade = np.sin(0.5 * np.pi * (np.arange(round(_FADE_S * rate_hz)) + 0.5) / round(_FADE_S * rate_hz)) ** 2
    banded[: len(fade)] *= fade
    banded[-len(fade) :] *= fade[::-1]
    return (LEVEL / np.abs(banded).max() * banded).astype(np.float32)
