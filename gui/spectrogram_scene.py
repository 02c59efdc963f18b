"""What the three pictures show together: where from, how, and the place that is pointed at."""

from __future__ import annotations

from dataclasses import dataclass

from .frequency_axis import FrequencyScale
from .spectrogram_history import History
from .spectrogram_look import Look


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What all three pictures show; another one has them drawn anew.

    Attributes:
        history: of sound and maps.
        scale: of the frequencies.
        column_s: time from a column to the next.
        look: as chosen.
        full_scales: gradients of the strongest colours, of each source's map.
    """

    history: History
    scale: FrequencyScale
    column_s: float
    look: Look
    full_scales: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the pictures.

    Attributes:
        age_s: seconds before the right edge.
        hz: its frequency.
    """

    age_s: float
    hz: float
