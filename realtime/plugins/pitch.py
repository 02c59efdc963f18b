"""Higher or lower without being faster or slower, and with the formants where they were."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..jit import jit
from ..parameter import SMOOTHING_S, Parameter
from ..plugin import Plugin
from .pitch_shift import HOPS, PitchShift

SHORTEST_FRAME = 256


class Pitch(Plugin):
    """Higher or lower by semitones, with the voice's formants kept if asked for.

    Higher or lower, neither faster nor slower, with the voice's formants kept; at 0 semitones nothing changes.

    A phase vocoder, see `pitch_shift`. It is late by one frame, `block_s` rounded to a power of two in
    samples: 2048 (46 ms) at 44.1 and 48 kHz. What is changed takes effect on what comes in from then on.
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(name="semitones", default=0, lowest=-12, highest=12, help="By how much it gets higher."),
        Parameter.switch("formants", True, help="Keeps the vowels and the size of the voice as they are."),
        Parameter(
            name="formant_semitones",
            default=0,
            lowest=-12,
            highest=12,
            help="Moves the formants: up makes a voice smaller, down larger.",
        ),
        Parameter(
            name="block_s",
            default=0.045,
            lowest=0.02,
            highest=0.1,
            unit="s",
            taper="log",
            fixed=True,
            help="Length of what is transformed at once, and the delay: longer for low sounds, shorter for voices.",
        ),
    )

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        """See `Plugin`."""
        frame = max(SHORTEST_FRAME, 1 << round(math.log2(self.value("block_s") * rate_hz)))
        self.latency_samples, self.tail_samples = frame, frame
        self._hop = frame // HOPS
        self._shift = PitchShift(frame, channels, rate_hz)
        self._past: NDArray[np.float32] = np.zeros((2 * frame, channels), np.float32)
        self._sums: NDArray[np.float32] = np.zeros((frame, channels), np.float32)
        self._step = np.float32(1 / max(1.0, SMOOTHING_S * rate_hz))
        noise = np.random.default_rng(0).standard_normal((self._hop, channels)).astype(np.float32)
        self._at, self._cold, self._share = 0, 0, np.float32(1.0)
        self._pass(noise, True)
        self._shift.add(self._past, self._sums, self._hop, 1.1, 1.0)
        self.reset()

    def reset(self) -> None:
        """See `Plugin`."""
        self._past.fill(0.0)
        self._sums.fill(0.0)
        self._shift.reset()
        self._at = 0
        self._cold = 0  # frames until the vocoder, which has just begun, gives the whole sound
        self._working = self._is_wanted(1)
        self._share = np.float32(self._working)  # of the vocoder in what is heard; the rest is the sound as it came

    def process(self, block: NDArray[np.float32]) -> None:
        """See `Plugin`."""
        wanted = self._is_wanted(0) or self._is_wanted(1)
        if wanted and not self._working:
            self._working, self._cold = True, self.latency_samples
            self._shift.reset()
        done = 0
        while done < len(block):
            part = block[done : done + self._hop - self._at % self._hop]
            self._pass(part, wanted)
            done += len(part)
            if self._working and self._at % self._hop == 0:
                self._move(done / len(block))
        if self._working and not wanted and self._share == 0:
            self._working = False

    def _is_wanted(self, at_end: int) -> bool:
        """Whether a value before the block, or at its end, asks for more than a delay."""
        return self.moves("semitones")[at_end] != 0 or self.moves("formant_semitones")[at_end] != 0

    def _pass(self, part: NDArray[np.float32], wanted: bool) -> None:
        target = np.float32(wanted)
        self._share, self._cold = _pass(
            part, self._past, self._sums, self._at, self._share, target, self._step, self._cold
        )
        self._at += len(part)

    def _move(self, place: float) -> None:
        """One frame, with the parameters as they are at a place of the block, 0 to 1."""
        before, after = self.moves("semitones")
        semitones = before + (after - before) * place
        before, after = self.moves("formant_semitones")
        formant_semitones = before + (after - before) * place + (0.0 if self.value("formants") else semitones)
        self._shift.add(self._past, self._sums, self._at, 2 ** (semitones / 12), 2 ** (formant_semitones / 12))


@jit
def _pass(
    part: NDArray[np.float32],
    past: NDArray[np.float32],
    sums: NDArray[np.float32],
    at: int,
    share: np.float32,
    target: np.float32,
    step: np.float32,
    cold: int,
) -> tuple[np.float32, int]:
    """Takes what comes in, gives what came in a frame ago; returns the vocoder's share and the rest of `cold`."""
    past_mask, mask, delay = past.shape[0] - 1, sums.shape[0] - 1, sums.shape[0]
    for i in range(part.shape[0]):
        here = at + i
        if cold > 0:
            cold -= 1
        elif share < target:
            share = min(share + step, target)
        elif share > target:
            share = max(share - step, target)
        for c in range(part.shape[1]):
            past[here & past_mask, c] = part[i, c]
            plain = past[(here - delay) & past_mask, c]
            shifted = sums[here & mask, c]
            sums[here & mask, c] = 0.0
            part[i, c] = plain if share == 0 else shifted if share == 1 else plain + share * (shifted - plain)
    return share, cold
