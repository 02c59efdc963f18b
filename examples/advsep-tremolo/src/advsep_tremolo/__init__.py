"""Louder and quieter, some times a second."""

import numpy as np
from advsep.realtime.parameter import Parameter
from advsep.realtime.plugin import Plugin
from numpy.typing import NDArray

TURN = 2 * np.pi


class Tremolo(Plugin):
    """Moves the level along a sine."""

    parameters = (
        Parameter(name="rate_hz", default=5, lowest=0.1, highest=20, unit="Hz", taper="log", help="Waves a second."),
        Parameter(name="depth", default=0.6, help="0: nothing happens; 1: down to silence."),
    )

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        """See `Plugin`."""
        self.frames = np.arange(1.0, max_block + 1)
        self.wave, self.depth = np.zeros(max_block), np.zeros(max_block)
        self.gain = np.zeros(max_block, np.float32)
        self.turn_of_a_sample = TURN / rate_hz
        self.reset()

    def reset(self) -> None:
        """See `Plugin`."""
        self.angle = 0.0  # at the last frame that was played

    def process(self, block: NDArray[np.float32]) -> None:
        """See `Plugin`."""
        count = len(block)
        frames, wave, depth = self.frames[:count], self.wave[:count], self.depth[:count]
        before, after = self.moves("rate_hz")
        np.add(frames, 1.0, out=wave)  # angle += rate, frame by frame: a sum of 1 + 2 + … where the rate moves
        wave *= (after - before) / (2 * count)
        wave += before
        wave *= frames
        wave *= self.turn_of_a_sample
        wave += self.angle
        self.angle = wave[-1] % TURN
        before, after = self.moves("depth")
        np.multiply(frames, (after - before) / count, out=depth)
        depth += before
        np.cos(wave, out=wave)
        wave -= 1.0
        wave *= 0.5
        wave *= depth
        wave += 1.0  # 1 at first, 1 - depth half a turn later
        self.gain[:count] = wave
        for channel in block.T:
            np.multiply(channel, self.gain[:count], out=channel)
