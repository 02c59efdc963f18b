"""Pitch over time, as everything that makes, draws or judges it sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

A4_MIDI, A4_HZ = 69.0, 440.0


@dataclass(frozen=True, slots=True)
class PitchTrace:
    """Fundamental frequency at even steps.

    Attributes:
        times_s: [frame] middle of each frame, in the time of whoever made it, rising.
        pitch_midi: [frame] 69 is 440 Hz, a semitone is 1; NaN: nothing is sung.
        confidence: [frame] 0 to 1, that something is sung at this pitch.
    """

    times_s: NDArray[np.float64]
    pitch_midi: NDArray[np.float32]
    confidence: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.times_s)


def midi_of(frequency_hz: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pitch of frequencies above 0; 69 is 440 Hz."""
    return (A4_MIDI + 12 * np.log2(frequency_hz / A4_HZ)).astype(np.float32)


def folded(pitch_midi: NDArray[np.float32], target_midi: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pitches moved by whole octaves to within half an octave of their targets; NaN stays NaN."""
    return (pitch_midi - 12 * np.round((pitch_midi - target_midi) / 12)).astype(np.float32)
