"""The rack: a strip a stem, one for the microphone, buses and a master, brought together at one latency.

    source -> chain -> aligned with the other strips -> fader -> sum -> master chain -> fader
                                                          \\-> sends -> bus: chain, fader -/

Strips whose chains are less late than the latest wait for it; what is sent to buses is waited for
in the same way. So everything that leaves the rack together came in together, `latency_samples` ago.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .chain import Chain
from .delay_line import DelayLine
from .fader import Fader, gain_of
from .rack_spec import MASTER, RackError, RackSpec, StripSpec
from .slot import Slot

LONGEST_DELAY_SAMPLES = 65536


class _Strip:
    """A chain, what makes it as late as its neighbours, and a fader."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self.chain = Chain()
        self.fader = Fader(rate_hz, channels)
        self._align = DelayLine(LONGEST_DELAY_SAMPLES, channels, rate_hz)

    def process(self, block: NDArray[np.float32], latency_samples: int) -> None:
        """In place; `latency_samples` is that of the latest neighbour."""
        self.chain.process(block)
        _follow(self._align, latency_samples - self.chain.latency_samples)
        self._align.process(block)
        self.fader.scale(block)

    def reset(self, latency_samples: int) -> None:
        self.chain.reset()
        self._align.reset()
        self._align.set_delay(latency_samples - self.chain.latency_samples, fade=False)
        self.fader.jump()


class Rack:
    """Runs strips, buses and master block by block.

    `change` and `process` belong to one thread; levels may be set from any.

    Args:
        sources: strips in the order of the blocks that `process` gets.
        buses: names of strips that only hear what is sent to them.
        rate_hz: sample rate.
        max_block: most frames of a block.
        channels: of every block, 1 or 2.
    """

    def __init__(
        self, sources: Sequence[str], rate_hz: int, max_block: int, channels: int, buses: Sequence[str] = ()
    ) -> None:
        names = (*sources, *buses, MASTER)
        if len(set(names)) < len(names):
            raise RackError(f"a rack of {', '.join(names)}: expected every name once")
        self.sources, self.buses = tuple(sources), tuple(buses)
        self._strips = {name: _Strip(rate_hz, channels) for name in names}
        self._sends = {(source, bus): Fader(rate_hz, channels, 0.0) for source in sources for bus in buses}
        self._heard: NDArray[np.float32] = np.zeros((len(buses), max_block, channels), np.float32)
        self._mixture: NDArray[np.float32] = np.zeros((max_block, channels), np.float32)
        self._wait_for_buses = DelayLine(LONGEST_DELAY_SAMPLES, channels, rate_hz)
        self._wait_for_all = DelayLine(LONGEST_DELAY_SAMPLES, channels, rate_hz)
        self._through, self._past = Fader(rate_hz, channels, 1.0), Fader(rate_hz, channels, 0.0)

    @property
    def latency_samples(self) -> int:
        """By how much what comes out is late, once all changes are over."""
        return sum(self._latencies())

    @property
    def loudest_gain(self) -> float:
        """Of the sources' faders, the master's included: at which the mixture may stand in for them."""
        if not self._through.loudest:
            return 1.0
        return self._strips[MASTER].fader.loudest * max(self._strips[source].fader.loudest for source in self.sources)

    @property
    def failures(self) -> tuple[str, ...]:
        """Why plugins are not run any more."""
        found = (slot.failure for strip in self._strips.values() for slot in strip.chain.slots)
        return tuple(failure for failure in found if failure is not None)

    def slots(self, strip: str) -> tuple[Slot, ...]:
        """A strip's chain as it is to be."""
        return self._strips[strip].chain.slots

    def change(self, strip: str, slots: Sequence[Slot]) -> None:
        """Another chain for a strip; what is in both stays the same sound.

        Raises:
            RackError: it would be later than can be waited for.
        """
        late = sum(slot.latency_samples for slot in slots)
        others = self.latency_samples - self._strips[strip].chain.latency_samples
        if late + others > LONGEST_DELAY_SAMPLES:
            raise RackError(f"strip '{strip}': {late} samples late; expected at most {LONGEST_DELAY_SAMPLES - others}")
        self._strips[strip].chain.change(slots)

    def set_levels(self, spec: RackSpec, *, bypassed: bool = False) -> None:
        """Take gains, pans, mutes, solos and sends; `bypassed`: let the mixture through as it came, as late."""
        soloed = [source for source in self.sources if spec.named(source).soloed]
        for name, strip in self._strips.items():
            asked = spec.named(name)
            silent = (name not in soloed if soloed else asked.muted) if name in self.sources else asked.muted
            strip.fader.aim(0.0 if silent else gain_of(asked.gain_db), asked.pan)
            self._aim_sends(name, asked)
        self._through.aim(0.0 if bypassed else 1.0)
        self._past.aim(1.0 if bypassed else 0.0)

    def reset(self) -> None:
        """Forget all sound, and be what was wanted, as before the first sample."""
        sources_late, buses_late, master_late = self._latencies()
        for name, strip in self._strips.items():
            late = sources_late if name in self.sources else buses_late if name in self.buses else master_late
            strip.reset(late)
        for fader in (*self._sends.values(), self._through, self._past):
            fader.jump()
        all_late = sources_late + buses_late + master_late
        for line, delay in ((self._wait_for_buses, buses_late), (self._wait_for_all, all_late)):
            line.reset()
            line.set_delay(delay, fade=False)

    def process(
        self, blocks: Mapping[str, NDArray[np.float32]], mixture: NDArray[np.float32], mix: NDArray[np.float32]
    ) -> None:
        """One block.

        Args:
            blocks: of each source, [frame, channel]; left as they leave their faders, as late as the latest chain.
            mixture: what the sources were made of, for bypass; left as it is.
            mix: what is to be heard, written.
        """
        sources_late, buses_late, master_late = self._latencies()
        heard, past = self._heard[:, : len(mix)], self._mixture[: len(mix)]
        heard.fill(0.0)
        mix.fill(0.0)
        for source in self.sources:
            block = blocks[source]
            self._strips[source].process(block, sources_late)
            mix += block
            for place, bus in enumerate(self.buses):
                send = self._sends[source, bus]
                if not send.silent:
                    send.add(block, heard[place])
        _follow(self._wait_for_buses, buses_late)
        self._wait_for_buses.process(mix)
        for place, bus in enumerate(self.buses):
            self._strips[bus].process(heard[place], buses_late)
            mix += heard[place]
        self._strips[MASTER].process(mix, master_late)
        past[:] = mixture
        _follow(self._wait_for_all, sources_late + buses_late + master_late)
        self._wait_for_all.process(past)
        self._through.scale(mix)
        if not self._past.silent:
            self._past.add(past, mix)

    def _latencies(self) -> tuple[int, int, int]:
        """Of sources, buses and master."""
        sources = max((self._strips[name].chain.latency_samples for name in self.sources), default=0)
        buses = max((self._strips[name].chain.latency_samples for name in self.buses), default=0)
        return sources, buses, self._strips[MASTER].chain.latency_samples

    def _aim_sends(self, source: str, asked: StripSpec) -> None:
        for bus in self.buses:
            if source in self.sources:
                level_db = asked.sends.get(bus)
                self._sends[source, bus].aim(0.0 if level_db is None else gain_of(level_db))


def _follow(line: DelayLine, delay_samples: int) -> None:
    """Go to a delay as soon as the last change is over."""
    if line.delay_samples != delay_samples and not line.fading:
        line.set_delay(delay_samples)
