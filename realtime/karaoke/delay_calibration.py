"""The delay from an output to an input, found in a recording of short bursts: through a cable, JACK, or a room.

Each burst is divided out of what was recorded after it (`calibration_signal.response`), the bursts are laid
upon each other, and the first arrival is taken: the first peak that is no more than `WEAKER_DB` below the
strongest and clearly above the noise. A wall's echo can be louder than the sound that comes straight; it
cannot come before it.

Where single bursts are clear their places are compared: they tell drifting clocks (a small spread) from a
device that lost samples, or a delay that is longer than the gaps (they disagree, which is an error).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import AdvsepError
from .calibration_signal import LONGEST_DELAY_S, Burst, bursts_of, response

WEAKER_DB = 16.0  # of the first arrival, below the strongest
CLEAR = 6.0  # of noise alone one recording in ten thousand reaches it
AGREEING_S = 1e-3
LEAST_BURSTS, LEAST_SHARE = 3, 0.6
SILENT_DBFS, QUIET_DBFS = -100.0, -50.0
CLIPPED_LEVEL, CLIPPED_SHARE = 0.99, 0.002
_RISE_S = 4e-4  # from the threshold to the peak
_RAYLEIGH_MEDIAN = 1.1774  # of a deviation of 1


class CalibrationError(AdvsepError):
    """A delay that could not be measured, and what to turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayFound:
    """A measured delay.

    Attributes:
        delay_s: from output to input.
        spread_s: latest minus earliest of those that agree; clocks that drift apart make it some tenths of a
            millisecond.
        clearness: the strongest arrival above the noise's deviation, a ratio; 6 is the least.
        level_dbfs: peak of what came in.
        agreeing: bursts that came as late as the others, to 1 ms; 0: only all together were clear.
        bursts: that were played.
        advice: what to turn although it went well; empty: nothing.
    """

    delay_s: float
    spread_s: float
    clearness: float
    level_dbfs: float
    agreeing: int
    bursts: int
    advice: str = ""


class _Places(NamedTuple):
    """Where bursts are, against each other: samples, 0 where not clear; -1 for the spread where too few are."""

    shifts: NDArray[np.int64]
    used: NDArray[np.bool_]
    spread: int
    elsewhere: int = 0


def find_delay(played: NDArray[np.float32], captured: NDArray[np.float32], rate_hz: int) -> DelayFound:
    """Find how late what was played came in.

    Args:
        played: [sample], bursts parted by silence, see `calibration_train`.
        captured: [sample] or [sample, channel], in step with it from its first sample on; the clearest channel
            counts. Values that are no numbers count as silence.
        rate_hz: of both, by the output's clock.

    Raises:
        CalibrationError: nothing came in, too little, too much, or what came in contradicts itself; with what to do.
    """
    bursts = bursts_of(played, rate_hz)
    if not bursts:
        raise ValueError("expected bursts to have been played, got silence")
    heard = np.nan_to_num(captured, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
    heard = heard[:, None] if heard.ndim == 1 else heard
    level_dbfs = 20 * float(np.log10(max(float(np.abs(heard).max(initial=0.0)), 1e-9)))
    if level_dbfs < SILENT_DBFS:
        raise CalibrationError(
            "nothing came in at all: the input is silent; unmute the microphone, allow the program to use it, or "
            "choose another input"
        )
    clipped = float(np.mean(np.abs(heard) >= CLIPPED_LEVEL)) > CLIPPED_SHARE
    responses = max((_responses(channel, bursts, rate_hz) for channel in heard.T), key=_usual_clearness)
    places = _compare(responses, rate_hz)
    together = _together(responses, places)
    clearness = _clearness(together)
    if clearness < CLEAR:
        raise CalibrationError(_not_heard(level_dbfs, clipped))
    delay = _first_arrival(together, rate_hz)
    agreeing = int(places.used.sum()) if places.spread >= 0 else 0
    spread = places.spread if places.spread >= 0 else _halves_apart(responses, rate_hz)
    return DelayFound(
        delay_s=delay / rate_hz,
        spread_s=spread / rate_hz,
        clearness=clearness,
        level_dbfs=level_dbfs,
        agreeing=agreeing,
        bursts=len(bursts),
        advice=_advice(level_dbfs, clipped, places),
    )


def _responses(captured: NDArray[np.float32], bursts: list[Burst], rate_hz: int) -> NDArray[np.complex128]:
    """Of all bursts that the recording has in full: [burst, how late].

    Raises:
        CalibrationError: too few.
    """
    found = [each for burst in bursts if (each := response(captured, burst, rate_hz)) is not None]
    if len(found) < min(LEAST_BURSTS, len(bursts)):
        raise CalibrationError(
            f"the recording ended after {len(captured) / rate_hz:.1f} s, before the bursts did; is the device still "
            "plugged in? try again"
        )
    return np.array(found)


def _usual_clearness(responses: NDArray[np.complex128]) -> float:
    return float(np.median([_clearness(np.abs(each)) for each in responses]))


def _compare(responses: NDArray[np.complex128], rate_hz: int) -> _Places:
    """How much later than their median the clear bursts are; spread -1 where too few are clear.

    Raises:
        CalibrationError: they disagree.
    """
    clearness = np.array([_clearness(np.abs(each)) for each in responses])
    clear = clearness >= CLEAR
    shifts = np.zeros(len(responses), np.int64)
    if clear.sum() < LEAST_BURSTS:
        return _Places(shifts, np.ones(len(responses), np.bool_), -1)
    # By the strongest arrivals of the clearest: among equal echoes one burst's strongest may be another's second.
    clearest = responses[clearness.argmax()]
    strongest = np.where(np.abs(clearest) >= 0.5 * np.abs(clearest).max(), clearest, 0.0)
    size = 2 * responses.shape[1]
    spectra = np.fft.fft(responses, size, axis=1)
    matched = np.abs(np.fft.ifft(spectra * np.conj(np.fft.fft(strongest, size)), axis=1))
    lags = matched.argmax(axis=1)
    lags[lags >= size // 2] -= size
    middle = int(np.median(lags[clear]))
    shifts = np.where(clear, lags - middle, 0)
    used = clear & (np.abs(shifts) <= AGREEING_S * rate_hz)
    if used.sum() < max(LEAST_BURSTS, LEAST_SHARE * clear.sum()):
        raise CalibrationError(_disagreeing(float(np.ptp(shifts[clear])) / rate_hz))
    return _Places(shifts, used, int(np.ptp(shifts[used])), int(clear.sum() - used.sum()))


def _together(responses: NDArray[np.complex128], places: _Places) -> NDArray[np.float64]:
    """Envelope of all that agree, each moved to the median's place."""
    pairs = zip(responses[places.used], places.shifts[places.used], strict=True)
    return np.abs(np.mean([_moved(each, -int(shift)) for each, shift in pairs], axis=0))


def _moved(samples: NDArray[np.complex128], by: int) -> NDArray[np.complex128]:
    """Later by so many samples; what comes in from beyond is silent."""
    moved = np.zeros_like(samples)
    if by >= 0:
        moved[by:] = samples[: len(samples) - by]
    else:
        moved[:by] = samples[-by:]
    return moved


def _first_arrival(envelope: NDArray[np.float64], rate_hz: int) -> int:
    """The first peak that is near the strongest and above the noise."""
    strongest = float(envelope.max())
    threshold = max(strongest * 10 ** (-WEAKER_DB / 20), CLEAR * _noise(envelope))
    first = int(np.argmax(envelope >= threshold))
    last = min(len(envelope) - 1, first + round(_RISE_S * rate_hz))
    while first < last and envelope[first + 1] > envelope[first]:
        first += 1
    return first


def _halves_apart(responses: NDArray[np.complex128], rate_hz: int) -> int:
    """Where no burst is clear alone: how far apart every other one is from the rest.

    Raises:
        CalibrationError: too far for chance.
    """
    halves = [int(np.abs(responses[begin::2].mean(axis=0)).argmax()) for begin in (0, 1)]
    apart = abs(halves[0] - halves[1])
    if apart > AGREEING_S * rate_hz:
        raise CalibrationError(_disagreeing(apart / rate_hz))
    return apart


def _noise(envelope: NDArray[np.float64]) -> float:
    return float(np.median(envelope)) / _RAYLEIGH_MEDIAN


def _clearness(envelope: NDArray[np.float64]) -> float:
    peak = float(envelope.max())
    return peak / max(_noise(envelope), 1e-6 * peak, 1e-15)


def _advice(level_dbfs: float, clipped: bool, places: _Places) -> str:
    if clipped:
        return "the input is overdriven: turn the microphone's or the loudspeaker's level down"
    if level_dbfs < QUIET_DBFS:
        return "the input is very quiet: turn the loudspeaker or the microphone up"
    if places.elsewhere:
        return f"{places.elsewhere} of {len(places.used)} bursts came at other times and were left out: try once more"
    return ""


def _disagreeing(apart_s: float) -> str:
    return (
        f"the bursts came in {1e3 * apart_s:.0f} ms apart from each other: the device lost sound, something louder was "
        f"heard, or the delay is longer than {1e3 * LONGEST_DELAY_S:.0f} ms; close other programs, be quiet, use no "
        "Bluetooth, and try again"
    )


def _not_heard(level_dbfs: float, clipped: bool) -> str:
    if clipped:
        return (
            "the input is so overdriven that nothing can be told apart; turn the microphone's level down, and try again"
        )
    if level_dbfs < QUIET_DBFS:
        return (
            f"the bursts were not heard, and the input is very quiet (peak {level_dbfs:.0f} dB of full scale); turn "
            "the loudspeaker and the microphone up, bring them closer together, and try again"
        )
    return (
        f"the bursts were not heard in what came in (peak {level_dbfs:.0f} dB of full scale); turn the loudspeaker up, "
        "bring the microphone closer to it, wait until it is quiet, or use a cable, and try again"
    )
