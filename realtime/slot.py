"""A plugin's place in a chain: fades it in and out, bypasses it, and keeps its failures to itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .delay_line import DelayLine
from .jit import jit
from .parameter import SMOOTHING_S
from .plugin import Plugin, run, start
from .spec import LOUDEST_SAMPLE

# What is heard of a slot: the sound as it came, the same as late as the plugin makes it, the plugin's.
PLAIN, LATE, WET = range(3)


class Slot:
    """Runs one plugin on the blocks of a strip, whatever the plugin does.

    A slot begins absent: the sound passes as if it were not there, until `enter`. It fades in, out
    and to bypass in straight lines over `SMOOTHING_S`. Bypassed, the sound is as late as with the
    plugin, so nothing else has to move. A plugin that raises, or gives what is no sound, is not run
    any more; what was heard of it fades out, and `failure` says why.

    Args:
        plugin: with its parameters set; prepared here.
        label: for messages.
        rate_hz: sample rate.
        max_block: most frames that a block will have.
        channels: of every block.

    Attributes:
        failure: why the plugin is not run any more, None while it works.
    """

    def __init__(self, plugin: Plugin, label: str, rate_hz: int, max_block: int, channels: int) -> None:
        self.plugin, self.label = plugin, label
        self.failure: str | None = None
        start(plugin, rate_hz, max_block, channels)
        self.latency_samples = plugin.latency_samples
        self.present, self.bypassed = False, False
        self._late = DelayLine(self.latency_samples, channels, rate_hz)
        self._late.set_delay(self.latency_samples, fade=False)
        self._wet: NDArray[np.float32] = np.zeros((max_block, channels), np.float32)
        self._delayed: NDArray[np.float32] = np.zeros((max_block, channels), np.float32)
        self._shares: NDArray[np.float32] = np.array([1.0, 0.0, 0.0], np.float32)
        self._targets = self._shares.copy()
        self._step = np.float32(1.0 / max(1.0, SMOOTHING_S * rate_hz))
        # The last frame that was heard, and what of a failed plugin's sound is left to fade out.
        self._edge: NDArray[np.float32] = np.zeros((2, channels), np.float32)
        self._residue = np.float32(0.0)
        self._cold = 0  # frames to process before there is something to hear

    def enter(self, *, fade: bool = True) -> None:
        """Be part of the chain."""
        self.present = True
        self._aim(fade)

    def leave(self) -> None:
        """Fade out; once `absent`, the slot can be taken away."""
        self.present = False
        self._aim(True)

    def set_bypassed(self, bypassed: bool, *, fade: bool = True) -> None:
        """Let the sound through unchanged, as late as before."""
        self.bypassed = bypassed
        self._aim(fade)

    @property
    def absent(self) -> bool:
        """Whether nothing is heard of it any more."""
        return not self.present and self._shares[PLAIN] == 1 and self._residue == 0

    def reset(self) -> None:
        """Forget all sound, and be where it was going."""
        self._shares[:] = self._targets
        self._late.reset()
        self._residue, self._cold = np.float32(0.0), 0
        self._restart()

    def process(self, block: NDArray[np.float32]) -> None:
        """One block [frame, channel] in place."""
        if self._targets[PLAIN] == 1 and self.absent:
            return
        count = len(block)
        delayed, wet = self._delayed[:count], self._wet[:count]
        delayed[:] = block
        self._late.process(delayed)
        if self._shares[WET] > 0 or self._targets[WET] > 0:
            wet[:] = block
            self._run(wet)
        warming = self._cold > 0
        self._cold = max(0, self._cold - count)
        targets = self._shares if warming else self._targets
        self._residue = _cross_fade(block, delayed, wet, self._shares, targets, self._edge, self._residue, self._step)

    def _run(self, wet: NDArray[np.float32]) -> None:
        try:
            run(self.plugin, wet)
        except Exception as error:
            self._fail(f"{type(error).__name__}: {error}")
            return
        if not _is_sound(wet):
            self._fail("gave values that are no sound (NaN, or beyond any level)")

    def _aim(self, fade: bool) -> None:
        wet = self.present and not self.bypassed and self.failure is None
        heard = WET if wet else LATE if self.present else PLAIN
        if self._targets[heard] == 1:
            return
        if heard != PLAIN and self._shares[PLAIN] == 1:
            self._late.reset()
            self._cold = self.latency_samples
        if wet and self._shares[WET] == 0:
            self._restart()
            self._cold = self.latency_samples
        self._targets.fill(0.0)
        self._targets[heard] = 1.0
        if not fade:
            self._shares[:] = self._targets
            self._cold = 0

    def _restart(self) -> None:
        if self.failure is not None:
            return
        try:
            self.plugin.values.jump()
            self.plugin.reset()
        except Exception as error:
            self._fail(f"{type(error).__name__}: {error}")

    def _fail(self, why: str) -> None:
        """Not a step, but the last frame's value, fades out: see `_cross_fade`."""
        self.failure = f"{self.label}: {' '.join(why.split())}"
        self._wet.fill(0.0)
        self._cold = 0
        heard = LATE if self.present else PLAIN
        self._targets.fill(0.0)
        self._targets[heard] = 1.0
        self._shares[:] = self._targets
        self._residue = np.float32(-1.0)  # to be begun with the next frame


@jit
def _cross_fade(
    block: NDArray[np.float32],
    delayed: NDArray[np.float32],
    wet: NDArray[np.float32],
    shares: NDArray[np.float32],
    targets: NDArray[np.float32],
    edge: NDArray[np.float32],
    residue: np.float32,
    step: np.float32,
) -> np.float32:
    """Write the shares' sum to `block`, moving them; returns what is left of a failed plugin's sound, 1 to 0."""
    one, zero = np.float32(1.0), np.float32(0.0)
    for i in range(block.shape[0]):
        way = np.abs(targets - shares).max()
        if way <= step:
            shares[:] = targets
        else:
            shares += (targets - shares) * (step / way)  # in a straight line: their sum stays 1
        for c in range(block.shape[1]):
            if shares[WET] == one:
                value = wet[i, c]
            elif shares[PLAIN] == one:
                value = block[i, c]
            elif shares[LATE] == one:
                value = delayed[i, c]
            else:
                value = shares[PLAIN] * block[i, c] + shares[LATE] * delayed[i, c] + shares[WET] * wet[i, c]
            if residue < zero:
                edge[1, c] = edge[0, c] - value
            block[i, c] = value + abs(residue) * edge[1, c]
            edge[0, c] = block[i, c]
        if residue != zero:
            residue = max(zero, abs(residue) - step)
    return residue


@jit
def _is_sound(block: NDArray[np.float32]) -> bool:
    for i in range(block.shape[0]):
        for c in range(block.shape[1]):
            if not abs(block[i, c]) <= LOUDEST_SAMPLE:  # NaN compares false
                return False
    return True
