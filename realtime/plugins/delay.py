"""An echo that repeats, each time darker, on its side or from side to side."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..jit import jit
from ..parameter import SMOOTHING_S, Parameter
from ..plugin import Plugin

LONGEST_S = 2.0
HIGH_CUT_OFF_HZ = 20000.0
FADE_S = 0.03  # from one time to the next

# What changes from frame to frame, and is kept: delay heard, delay that it fades to (both in samples), frames of
# the fade that are over, share of `ping_pong`, frames that came, and the low-pass of each channel.
_OLD, _NEW, _FADED, _ACROSS, _AT, _LOW = range(6)


class Delay(Plugin):
    """Echoes that fade, darker each time, from side to side if asked for.

    A line per channel whose end is heard and, times `feedback`, comes in again.

    What leaves a line has passed a low-pass of first order, so the n-th repeat has passed it n times. A new
    time fades in over 30 ms where the old one was, without a glide; one that is set meanwhile comes next.
    With `ping_pong` both channels' mean goes to the left and each line feeds the other; in mono it changes
    nothing. Past sound is kept in float32.
    """

    parameters = (
        Parameter(
            name="time_s",
            default=0.3,
            lowest=0.001,
            highest=LONGEST_S,
            unit="s",
            taper="log",
            smoothing_s=0.0,
            help="From a sound to its echo, and from there to the next.",
        ),
        Parameter(name="feedback", default=0.35, highest=0.95, help="How loud an echo is beside the one before."),
        Parameter(
            name="high_cut_hz",
            default=6000.0,
            lowest=200.0,
            highest=HIGH_CUT_OFF_HZ,
            unit="Hz",
            taper="log",
            help="Every repeat loses what lies above; 20 kHz: nothing.",
        ),
        Parameter.switch("ping_pong", False, help="Echoes come from the left and the right by turns."),
        Parameter(name="mix", default=0.25, help="Share of the echoes; at 0 only the sound as it came."),
    )

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        """See `Plugin`."""
        self._rate_hz = float(rate_hz)
        longest = round(LONGEST_S * rate_hz)
        self._past: NDArray[np.float32] = np.zeros((1 << longest.bit_length(), channels), np.float32)
        self._memory: NDArray[np.float64] = np.zeros(_LOW + channels)
        self.reset()
        self.process(np.zeros((1, channels), np.float32))
        self.reset()

    def reset(self) -> None:
        """See `Plugin`."""
        self._past.fill(0.0)
        self._memory.fill(0.0)
        self._memory[_OLD] = self._memory[_NEW] = -1.0  # none yet: the first block takes its own at once
        self._update_tail()

    def process(self, block: NDArray[np.float32]) -> None:
        """See `Plugin`."""
        if _echo(block, self._past, self._memory, self.values.begin, self.values.end, self._rate_hz):
            self._update_tail()

    def _update_tail(self) -> None:
        """Until the repeats are 60 dB quieter, each as much later as its low-pass smears it."""
        feedback, smear_s = self.value("feedback"), 1 / (2 * math.pi * self.value("high_cut_hz"))
        repeats = 1 + (math.ceil(math.log(1e-3) / math.log(feedback)) if feedback > 1e-3 else 1)
        tail_s = repeats * (self.value("time_s") + 2 * smear_s) + 7 * smear_s + FADE_S
        self.tail_samples = math.ceil(tail_s * self._rate_hz)


@jit
def _low_pass(hz: float, rate_hz: float) -> float:
    """The input's share in y += share * (x - y) that gives -3 dB at `hz`; 1 where the cut is off."""
    highest_hz = min(HIGH_CUT_OFF_HZ, 0.49 * rate_hz)
    cos = math.cos(2.0 * math.pi * min(hz, highest_hz) / rate_hz)
    share = cos - 1.0 + math.sqrt((cos - 1.0) * (cos - 3.0))
    off = 1.0 - min(1.0, 3.0 * math.log2(highest_hz / min(hz, highest_hz)))
    return share + off * (1.0 - share)


@jit
def _echo(
    block: NDArray[np.float32],
    past: NDArray[np.float32],
    memory: NDArray[np.float64],
    begin: NDArray[np.float64],
    end: NDArray[np.float64],
    rate_hz: float,
) -> bool:
    """Returns whether a parameter moved. Frame n of all that entered the lines lies at n modulo their length."""
    frames, channels = block.shape
    mask, right = past.shape[0] - 1, channels - 1
    low_begin, low_end = _low_pass(begin[2], rate_hz), _low_pass(end[2], rate_hz)
    target = float(round(end[0] * rate_hz))
    pong = end[3] if channels == 2 else 0.0
    step = 1.0 / max(1.0, SMOOTHING_S * rate_hz)
    fade_frames = max(1, round(FADE_S * rate_hz))
    if memory[_OLD] < 0.0:
        memory[_OLD] = memory[_NEW] = target
        memory[_ACROSS] = pong
    old, new, faded = int(memory[_OLD]), int(memory[_NEW]), int(memory[_FADED])
    across, at = memory[_ACROSS], int(memory[_AT])
    low_left, low_right = memory[_LOW], memory[_LOW + right]
    for i in range(frames):
        part = (i + 1) / frames
        feedback, mix = begin[1] + part * (end[1] - begin[1]), begin[4] + part * (end[4] - begin[4])
        low = low_begin + part * (low_end - low_begin)
        across += max(-step, min(step, pong - across))
        if old == new and target != new:
            new, faded = int(target), 0
        left, other = past[(at - new) & mask, 0], past[(at - new) & mask, right]
        if old != new:
            faded += 1
            share = np.float32(faded / fade_frames)
            before, other_before = past[(at - old) & mask, 0], past[(at - old) & mask, right]
            left, other = before + share * (left - before), other_before + share * (other - other_before)
            if faded >= fade_frames:
                old = new
        low_left += low * (left - low_left)
        low_right += low * (other - low_right)
        x, y = float(block[i, 0]), float(block[i, right])
        past[at & mask, 0] = np.float32(
            x + across * 0.5 * (y - x) + feedback * (low_left + across * (low_right - low_left))
        )
        if right:
            past[at & mask, 1] = np.float32(
                (1.0 - across) * y + feedback * (low_right + across * (low_left - low_right))
            )
        block[i, 0] = np.float32(x + mix * (low_left - x))
        if right:
            block[i, 1] = np.float32(y + mix * (low_right - y))
        at += 1
    memory[_OLD], memory[_NEW], memory[_FADED] = old, new, faded
    memory[_ACROSS], memory[_AT] = across, at
    memory[_LOW], memory[_LOW + right] = low_left, low_right
    moved = False
    for p in range(len(end)):
        moved = moved or begin[p] != end[p]
    return moved
