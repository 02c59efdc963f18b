"""Clicks before a song goes on: their sound, and how fast they come."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from .karaoke_path import CHANNELS
from .lyrics import Lyrics

CLICKS, USUAL_BEAT_S = 4, 0.5
FASTEST_BEAT_S, SLOWEST_BEAT_S = 0.35, 0.8
CLICK_S, CLICK_HZ, CLICK_LEVEL = 0.03, 1000.0, 0.25


def count_in_clicks(count: int, interval_s: float, rate_hz: int) -> NDArray[np.float32]:
    """So many clicks, the first one higher, in the accompaniment's channels: [sample, 4]."""
    interval, length = round(interval_s * rate_hz), round(min(CLICK_S, interval_s) * rate_hz)
    along = np.arange(length) / rate_hz
    clicks: NDArray[np.float32] = np.zeros((count * interval, 2 * CHANNELS), np.float32)
    for number in range(count):
        hz = CLICK_HZ * (1.5 if number == 0 else 1.0)
        click = CLICK_LEVEL * np.sin(2 * np.pi * hz * along) * np.sin(np.pi * along * rate_hz / length) ** 2
        clicks[number * interval : number * interval + length, :CHANNELS] = click[:, None]
    return clicks


def beat_s(words: Lyrics) -> float:
    """Seconds between clicks: how fast syllables usually follow one another, doubled or halved to a walking pace.

    That is a beat, or a part of one, in most songs; files of words do not say which.
    """
    starts_s = [syllable.start_s for line in words.lines for syllable in line.syllables]
    gaps_s = sorted(after - before for before, after in itertools.pairwise(starts_s) if after > before)
    usual_s = gaps_s[len(gaps_s) // 2] if gaps_s else USUAL_BEAT_S
    while usual_s < FASTEST_BEAT_S:
        usual_s *= 2
    while usual_s > SLOWEST_BEAT_S:
        usual_s /= 2
    return usual_s
