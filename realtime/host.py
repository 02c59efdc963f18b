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
from .rack_spec import MASTER, RackError, RackSpec
from .slot import Slot

LONGEST_DELAY_SAMPLES = 32768


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

    `set_buses`, `change`, `reset` and `process` belong to one thread; levels may be set from any.

    Args:
        sources: strips in the order of the blocks that `process` gets.
        buses: names of strips that only hear what is sent to them.
        rate_hz: sample rate.
        max_block: most frames of a block.
        channels: of every block, 1 or 2.

    Attributes:
        sources: as given.
        buses: that there are now, those included that only fade out.
        loudest_gain: that is aimed at, of the sources' faders and the master's together: at which the mixture may
            stand in for them.
    """

    def __init__(
        self, sources: Sequence[str], rate_hz: int, max_block: int, channels: int, buses: Sequence[str] = ()
    ) -> None:
        self.sources, self.buses = tuple(sources), tuple[str, ...]()
        self._rate_hz, self._channels = rate_hz, channels
        self._strips = {name: _Strip(rate_hz, channels) for name in (*sources, MASTER)}
        if len(self._strips) <= len(self.sources):
            raise RackError(f"a rack of {', '.join(sources)}: expected every name once, and none '{MASTER}'")
        self._sends: dict[tuple[str, str], Fader] = {}
        self._heard: NDArray[np.float32] = np.zeros((0, max_block, channels), np.float32)
        self._mixture: NDArray[np.float32] = np.zeros((max_block, channels), np.float32)
        self._wait_for_buses = DelayLine(LONGEST_DELAY_SAMPLES, channels, rate_hz)
        self._wait_for_all = DelayLine(LONGEST_DELAY_SAMPLES, channels, rate_hz)
        self._through, self._past = Fader(rate_hz, channels, 1.0), Fader(rate_hz, channels, 0.0)
        self._late = (0, 0, 0)
        self.loudest_gain = 1.0
        self.set_buses(buses)

    @property
    def latency_samples(self) -> int:
        """By how much what comes out is late, once all changes are over."""
        return sum(self._late)

    @property
    def stems_latency_samples(self) -> int:
        """By how much the sources are late where they leave their faders."""
        return self._late[0]

    @property
    def failures(self) -> tuple[str, ...]:
        """Why plugins are not run any more."""
        found = (slot.failure for strip in list(self._strips.values()) for slot in strip.chain.slots)
        return tuple(failure for failure in found if failure is not None)

    def slots(self, strip: str) -> tuple[Slot, ...]:
        """A strip's chain as it is to be."""
        return self._strips[strip].chain.slots

    def set_buses(self, names: Sequence[str]) -> None:
        """Have these buses; others get nothing any more, and are taken away by a later call.

        Raises:
            RackError: a name is taken.
        """
        if set(names) & {*self.sources, MASTER} or len(set(names)) < len(names):
            raise RackError(f"buses {', '.join(names)}: expected every name once, and no strip's")
        for bus in self.buses:
            if bus not in names:
                self._strips[bus].chain.change(())
        stay = [bus for bus in self.buses if bus in names or not self._is_quiet(bus)]
        for bus in self.buses:
            if bus not in stay:
                del self._strips[bus]
        self.buses = (*stay, *(name for name in names if name not in stay))
        for bus in self.buses:
            if bus not in self._strips:
                self._strips[bus] = _Strip(self._rate_hz, self._channels)
        before = self._sends
        self._sends = {
            (source, bus): before.get((source, bus)) or Fader(self._rate_hz, self._channels, 0.0)
            for source in self.sources
            for bus in self.buses
        }
        if len(self._heard) < len(self.buses):
            self._heard = np.zeros((len(self.buses), *self._mixture.shape), np.float32)
        late = {name: strip.chain.latency_samples for name, strip in self._strips.items()}
        self._late = latencies(self.sources, self.buses, late)

    def change(self, chains: Mapping[str, Sequence[Slot]]) -> None:
        """Other chains for some strips; what is in both stays the same sound.

        Raises:
            RackError: sound would be later than can be waited for; nothing was changed.
        """
        late = {name: strip.chain.latency_samples for name, strip in self._strips.items()}
        late |= {name: sum(slot.latency_samples for slot in slots) for name, slots in chains.items()}
        self._late = latencies(self.sources, self.buses, late)
        for name, slots in chains.items():
            self._strips[name].chain.change(slots)

    def take_retired(self) -> list[Slot]:
        """Slots that were taken out and have faded out since the last call."""
        return [slot for strip in list(self._strips.values()) for slot in strip.chain.take_retired()]

    def set_levels(self, spec: RackSpec, *, bypassed: bool = False) -> None:
        """Take gains, pans, mutes, solos and sends; `bypassed`: let the mixture through as it came, as late."""
        soloed = [source for source in self.sources if spec.named(source).soloed]
        for name, strip in list(self._strips.items()):
            asked = spec.named(name)
            silent = (name not in soloed if soloed else asked.muted) if name in self.sources else asked.muted
            strip.fader.aim(0.0 if silent else gain_of(asked.gain_db), asked.pan)
        for (source, bus), send in list(self._sends.items()):
            level_db = spec.named(source).sends.get(bus)
            send.aim(0.0 if level_db is None else gain_of(level_db))
        self._through.aim(0.0 if bypassed else 1.0)
        self._past.aim(1.0 if bypassed else 0.0)
        loudest = max(self._strips[source].fader.loudest for source in self.sources)
        self.loudest_gain = 1.0 if bypassed else self._strips[MASTER].fader.loudest * loudest

    def reset(self) -> None:
        """Forget all sound, and be what was wanted, as before the first sample."""
        sources_late, buses_late, master_late = self._late
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
        sources_late, buses_late, master_late = self._late
        heard, past = self._heard[:, : len(mix)], self._mixture[: len(mix)]
        heard.fill(0.0)
        mix.fill(0.0)
        for source in self.sources:
            block = blocks[source]
            self._strips[source].process(block, sources_late)
            np.add(mix, block, out=mix)
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

    def _is_quiet(self, bus: str) -> bool:
        chain = self._strips[bus].chain
        return chain.settled and all(self._sends[source, bus].silent for source in self.sources)


def latencies(sources: Sequence[str], buses: Sequence[str], late: Mapping[str, int]) -> tuple[int, int, int]:
    """By how much sources, buses and master of a rack are late, each as its latest strip.

    Args:
        sources: names of strips.
        buses: names of strips.
        late: by how much each strip's chain is, the master's included.

    Raises:
        RackError: all together later than can be waited for.
    """
    found = (
        max((late[name] for name in sources), default=0),
        max((late[name] for name in buses), default=0),
        late[MASTER],
    )
    if sum(found) > LONGEST_DELAY_SAMPLES:
        raise RackError(f"the plugins make sound {sum(found)} samples late; expected at most {LONGEST_DELAY_SAMPLES}")
    return found


def _follow(line: DelayLine, delay_samples: int) -> None:
    """Go to a delay as soon as the last change is over."""
    if line.delay_samples != delay_samples and not line.fading:
        line.set_delay(delay_samples)
