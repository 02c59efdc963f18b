"""What a run says of itself after a step."""

from __future__ import annotations

from dataclasses import dataclass, field

from .validation import TrackScore


@dataclass(frozen=True, slots=True)
class Progress:
    """What a progress display shows after a step.

    Attributes:
        step: optimiser steps done.
        loss: smoothed over about 50 steps; nan where a resumed run first makes up for a validation.
        learning_rate: of this step.
        audio_speed: seconds of audio learnt from per second of the clock, since the start.
        waiting: share of that time spent waiting for examples.
        scores: of a validation, where there was one.
        distances: between recordings and outputs as each critic sees them (Wasserstein), by critic.
    """

    step: int
    loss: float
    learning_rate: float
    audio_speed: float
    waiting: float
    scores: list[TrackScore] | None = None
    distances: dict[str, float] = field(default_factory=dict)
