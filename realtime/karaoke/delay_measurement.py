"""A delay measured on real devices: bursts are played, recorded in step with that, and found again.

Devices that share a clock are measured by the probe's callback, which plays and records in one. Two that
do not are measured as they are used, with an engine between them and a bridge for their clocks; what these
two declare is taken off again, so that the delay is the devices' own in both cases.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..device import DeviceInfo, open_stream, share_a_clock
from ..drift import DriftBridge
from ..engine import Engine
from ..exchange import Deck
from ..jack import loop_back
from ..portaudio import JACK, Latency
from ..probe import LatencyProbe
from ..stream import DeviceError, Stream
from .calibration_signal import BURSTS, calibration_train
from .delay_calibration import DelayFound, find_delay

HOP_SAMPLES, CHANNELS = 128, 2
_PATIENCE_S, _POLL_S = 3.0, 0.02


@dataclass(frozen=True, slots=True)
class DelayMeasured:
    """What was measured, and of what.

    Attributes:
        found: the delay of the devices alone. A program that plays adds its own part between its input and its
            output: what `EngineStatus.latency_parts` says of blocks and clocks.
        rate_hz: sample rate.
        period_samples: of the output.
        declared_s: what the devices say of their buffers.
    """

    found: DelayFound
    rate_hz: int
    period_samples: int
    declared_s: float

    @property
    def delay_s(self) -> float:
        """See `DelayFound`."""
        return self.found.delay_s

    @property
    def spread_s(self) -> float:
        """See `DelayFound`."""
        return self.found.spread_s

    @property
    def clearness(self) -> float:
        """See `DelayFound`."""
        return self.found.clearness

    @property
    def advice(self) -> str:
        """See `DelayFound`."""
        return self.found.advice


def measure_delay(
    input: DeviceInfo,
    output: DeviceInfo,
    *,
    rate_hz: int | None = None,
    block_samples: int | None = None,
    latency: Latency | None = None,
    bursts: int = BURSTS,
    through_patchbay: bool = False,
    apart: bool | None = None,
) -> DelayMeasured:
    """Open a device pair, play, listen, close it; nothing else may be using it.

    Args:
        input, output, rate_hz, block_samples, latency: as of `open_stream`.
        bursts: 0.7 s each; 4 or more.
        through_patchbay: lead JACK's outputs to its inputs by ourselves; else the air, a cable or the user does.
        apart: with a stream for each; None: where they do not share a clock, as an engine does.

    Raises:
        DeviceError: the pair cannot be opened, or stopped.
        CalibrationError: nothing was found; with what to do.
    """
    if through_patchbay and output.host_api != JACK:
        raise DeviceError(
            f"expected a JACK device to lead its outputs to its inputs, got '{output.label}'; use a cable or the air"
        )
    streams: list[Stream] = []
    probes: list[LatencyProbe] = []

    def make_probe(deck: Deck, has_input: bool, has_output: bool) -> LatencyProbe:
        probes.append(LatencyProbe(deck, has_input, has_output))
        return probes[-1]

    try:
        if share_a_clock(input, output) if apart is None else not apart:
            streams.append(
                open_stream(
                    input,
                    output,
                    rate_hz=rate_hz,
                    block_samples=block_samples,
                    latency=latency,
                    make_callback=make_probe,
                )
            )
        else:
            streams.append(open_stream(input, None, block_samples=block_samples, latency=latency))
            streams.append(open_stream(None, output, rate_hz=rate_hz, block_samples=block_samples, latency=latency))
        for stream in streams:
            stream.settle()
        if through_patchbay:
            loop_back()
        if probes:
            return play_and_find(streams[0], probes[0], bursts)
        return play_between(streams[0], streams[1], bursts)
    finally:
        for stream in streams:
            stream.close()


def play_and_find(stream: Stream, probe: LatencyProbe, bursts: int = BURSTS) -> DelayMeasured:
    """Through one stream that is settled; see `measure_delay`."""
    train = calibration_train(stream.rate_hz, bursts)
    came_in, _ = probe.play(train)
    found = find_delay(train, came_in, stream.rate_hz)
    return DelayMeasured(found, stream.rate_hz, stream.period_samples, sum(stream.declared_latency_s))


def play_between(capture: Stream, stream: Stream, bursts: int = BURSTS) -> DelayMeasured:
    """Through two streams that are settled, one that captures and one that plays; see `measure_delay`."""
    player = BurstPlayer(stream.rate_hz, calibration_train(stream.rate_hz, bursts))
    engine = Engine(stream.deck, player, fed=True)
    bridge = DriftBridge(capture.deck, stream.deck, capture.rate_hz, stream.rate_hz)
    engine.feeder = bridge
    try:
        engine.arm(stream.period_samples)
        _await(lambda: bridge.begun > 0, lambda: 0, capture)
        player.start()
        _await(lambda: player.ended, lambda: player.position, stream)
        own_s = (engine.latency_samples + bridge.latency_samples) / stream.rate_hz
    finally:
        engine.disarm()
    found = find_delay(player.train, player.came_in, stream.rate_hz)
    declared_s = sum(capture.declared_latency_s) + sum(stream.declared_latency_s)
    return DelayMeasured(
        replace(found, delay_s=found.delay_s - own_s), stream.rate_hz, stream.period_samples, declared_s
    )


class BurstPlayer:
    """Plays a train once and records meanwhile, hop by hop in step; see `Processor`.

    Args:
        rate_hz: sample rate.
        train: [sample]; silence up to a whole hop is added.

    Attributes:
        train: as it is played.
        came_in: float32 [sample, channel], silent where hops were left out.
        position: how far it is.
    """

    rate_hz: int
    channels, hop_samples, delay_samples, dry_gain = CHANNELS, HOP_SAMPLES, 0, 0.0

    def __init__(self, rate_hz: int, train: NDArray[np.float32]) -> None:
        self.rate_hz = rate_hz
        self.train: NDArray[np.float32] = np.pad(train, (0, -len(train) % HOP_SAMPLES))
        self.came_in: NDArray[np.float32] = np.zeros((len(self.train), CHANNELS), np.float32)
        self.position = 0
        self._started = False

    @property
    def ended(self) -> bool:
        """Whether all was played."""
        return self.position >= len(self.train)

    def start(self) -> None:
        """Begin with the next hop; before, there is silence."""
        self._started = True

    def process(self, samples: NDArray[np.float32], mix: NDArray[np.float32]) -> None:
        """See `Processor`."""
        if not self._started or self.ended:
            mix.fill(0.0)
            return
        end = self.position + len(samples)
        mix[:] = self.train[self.position : end, None]
        self.came_in[self.position : end] = samples
        self.position = end

    def skip(self, count: int) -> None:
        """See `Processor`."""
        if self._started:
            self.position = min(len(self.train), self.position + count)

    def warm_up(self) -> None:
        """See `Processor`: there is nothing to load."""


def _await(condition: Callable[[], bool], progress: Callable[[], int], stream: Stream) -> None:
    """Until something is so.

    Raises:
        DeviceError: nothing moves any more.
    """
    seen, since_s = progress(), time.perf_counter()
    while not condition():
        if (now := progress()) != seen:
            seen, since_s = now, time.perf_counter()
        if time.perf_counter() - since_s > _PATIENCE_S:
            raise DeviceError(f"device '{stream.name}' stopped while the delay was measured; is it still plugged in?")
        time.sleep(_POLL_S)
