"""Measured latency: impulses played through a device are found again in what comes back and in what an engine made.

The probe's callback plays the impulses itself. What comes in goes to the engine and into a recording;
what the engine would play goes into a second recording, in step with the first. So the device's round
trip and the engine's own part are known apart, each to the sample, and nothing howls.

An impulse is a maximum length sequence: its autocorrelation is one sample wide, so it is found
below the noise of a room, where a click would have to be deafening.
"""

# pyright: reportUnknownParameterType=false, reportMissingParameterType=false

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .atomic import load_acquire, store_release
from .callback import (
    LONGEST_BLOCK_SAMPLES,
    DeckCallback,
    audio_callback,
    carray,
    floats_at,
    play_deck,
    words_at,
    words_of,
)
from .device import DeviceInfo, open_stream
from .engine import Engine
from .exchange import Deck
from .jack import loop_back
from .live_path import Processor
from .portaudio import JACK, Latency
from .ring import LINE_WORDS
from .stream import DeviceError, Stream

IMPULSES = 10
SPACING_S = 0.5  # a round trip must be shorter
IMPULSE_LEVEL = 0.25
LEAST_CLEARNESS = 8.0  # peak of the correlation above its noise; noise alone reaches 5

# Places in the block that PortAudio hands to the callback:
_DECK, _STATE, _TRAIN, _CAME_IN, _CAME_OUT, _SCRATCH, _LENGTH, _INS, _OUTS, _SIZE = range(10)
# Words of its state:
_WANTED, _POSITION, _STATE_WORDS = 0, LINE_WORDS, 2 * LINE_WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyReport:
    """What was measured, beside what is declared; all in samples.

    Attributes:
        rate_hz: sample rate.
        period_samples: of the device.
        impulses: how many were clear each by itself; else all together were.
        round_trip_samples: from the device's output to its input, all cables and buffers between.
        round_trip_spread_samples: latest minus earliest impulse; not 0: the device lost or repeated samples.
        declared_round_trip_samples: what the device says of its two buffers, rounded.
        engine_samples: from the engine's input to its output.
        engine_spread_samples: as above.
        declared_engine_samples: what the engine says.
        clearness: how far the impulses stood out of the noise, a ratio.
    """

    rate_hz: int
    period_samples: int
    impulses: int
    round_trip_samples: int
    round_trip_spread_samples: int
    declared_round_trip_samples: int
    engine_samples: int
    engine_spread_samples: int
    declared_engine_samples: int
    clearness: float


@audio_callback
def _callback(captured: Any, played: Any, frames: Any, times: Any, flags: Any, block: Any) -> int:
    at = carray(words_of(block), _SIZE)
    state = carray(words_at(at[_STATE]), _STATE_WORDS)
    going = load_acquire(state, _WANTED)  # first: from then on the recordings stay where they are
    count, length, ins, outs = np.int64(frames), at[_LENGTH], at[_INS], at[_OUTS]
    play_deck(captured, floats_at(at[_SCRATCH]), frames, flags, words_at(at[_DECK]))
    target = carray(played, (count, outs))
    target[:] = 0.0
    if not going:
        return 0
    source, made = carray(captured, (count, ins)), carray(floats_at(at[_SCRATCH]), (count, outs))
    train = carray(floats_at(at[_TRAIN]), length)
    came_in = carray(floats_at(at[_CAME_IN]), (length, ins))
    came_out = carray(floats_at(at[_CAME_OUT]), (length, outs))
    start = state[_POSITION]
    for i in range(min(count, length - start)):
        for c in range(ins):
            came_in[start + i, c] = source[i, c]
        for c in range(outs):
            came_out[start + i, c] = made[i, c]
            target[i, c] = train[start + i]
    store_release(state, _POSITION, min(length, start + count))
    return 0


class LatencyProbe:
    """Takes the place of a deck's callback in a stream: `open_stream(…, make_callback=LatencyProbe)`.

    Args:
        deck: of the stream.
        has_input, has_output: must both be so.

    Attributes:
        address, user_data: see `Callback`.

    Raises:
        DeviceError: the stream is not duplex.
    """

    def __init__(self, deck: Deck, has_input: bool, has_output: bool) -> None:
        if not (has_input and has_output):
            raise DeviceError("to measure latency, a device with input and output is needed; see --list-devices")
        self._ins, self._outs = deck.inputs.data.shape[1], deck.outputs.data.shape[1]
        self._deck_callback = DeckCallback(deck, has_input=True, has_output=True)
        self._state: NDArray[np.int64] = np.zeros(_STATE_WORDS, np.int64)
        self._scratch: NDArray[np.float32] = np.zeros((LONGEST_BLOCK_SAMPLES, self._outs), np.float32)
        self._block: NDArray[np.int64] = np.zeros(_SIZE, np.int64)
        self.address, self.user_data = int(_callback.address), int(self._block.ctypes.data)
        self._take(np.zeros(0, np.float32))

    def _take(self, train: NDArray[np.float32]) -> None:
        self._train = train
        self._came_in: NDArray[np.float32] = np.zeros((len(train), self._ins), np.float32)
        self._came_out: NDArray[np.float32] = np.zeros((len(train), self._outs), np.float32)
        arrays = (self._state, self._train, self._came_in, self._came_out, self._scratch)
        addresses = (array.ctypes.data for array in arrays)
        self._block[:] = self._deck_callback.user_data, *addresses, len(train), self._ins, self._outs

    def play(self, train: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Play to all outputs, record input and engine meanwhile.

        Args:
            train: [sample], what is played.

        Returns:
            What came in [sample, input channel], and what the engine made of it [sample, output channel].

        Raises:
            DeviceError: the device stopped.
            RuntimeError: this probe has played already.
        """
        if self._state[_WANTED]:
            raise RuntimeError("a probe plays once")
        self._take(train)
        self._state[_WANTED] = 1
        seen, since_s = -1, time.perf_counter()
        while (position := int(self._state[_POSITION])) < len(train):
            if position != seen:
                seen, since_s = position, time.perf_counter()
            if time.perf_counter() - since_s > 2.0:
                raise DeviceError("the device stopped while its latency was measured; is it still plugged in?")
            time.sleep(0.01)
        return self._came_in, self._came_out


def measure_latency(
    stream: Stream, probe: LatencyProbe, engine: Engine, *, impulses: int = IMPULSES, spacing_s: float = SPACING_S
) -> LatencyReport:
    """Play impulses of alternating sign and find them again.

    Args:
        stream: duplex, settled, of this probe; its output must lead to its input by a cable, the air or a patchbay.
        probe: its callback.
        engine: on its deck, armed, all levels at unity: what comes out must be what went in.
        impulses: how many.
        spacing_s: from one to the next.

    Raises:
        DeviceError: nothing came back, or the device stopped.
    """
    burst = np.float32(IMPULSE_LEVEL) * maximum_length_sequence()
    spacing = round(spacing_s * stream.rate_hz)
    train = np.zeros((impulses + 1) * spacing, np.float32)
    for k in range(impulses):
        train[k * spacing : k * spacing + len(burst)] = (-1) ** k * burst
    came_in, came_out = probe.play(train)
    heard = _matched(came_in, burst, spacing, impulses)
    channel = int(np.argmax(np.abs(heard.mean(axis=0)).max(axis=0)))
    clearness = float(_clearness(np.abs(heard[:, :, channel].mean(axis=0))))
    if clearness < LEAST_CLEARNESS:
        raise DeviceError(
            f"device '{stream.name}': none of {impulses} impulses came back ({_loudness(came_in)}); connect its output "
            "to its input (a cable, a loudspeaker before the microphone, the patchbay), turn the levels up, try again"
        )
    clear = _clearness(np.abs(heard[:, :, channel])) >= LEAST_CLEARNESS
    made = _matched(came_out, burst, spacing, impulses)
    trips = _peaks(heard[:, :, channel], clear)
    both = _peaks(made[:, :, min(channel, made.shape[2] - 1)], clear)
    return LatencyReport(
        rate_hz=stream.rate_hz,
        period_samples=stream.period_samples,
        impulses=int(clear.sum()),
        round_trip_samples=int(np.median(trips)),
        round_trip_spread_samples=int(np.ptp(trips)),
        declared_round_trip_samples=round(sum(stream.declared_latency_s) * stream.rate_hz),
        engine_samples=int(np.median(both - trips)),
        engine_spread_samples=int(np.ptp(both - trips)),
        declared_engine_samples=engine.latency_samples,
        clearness=clearness,
    )


def measure_device(
    input: DeviceInfo,
    output: DeviceInfo,
    make_processor: Callable[[int], Processor],
    *,
    rate_hz: int | None = None,
    block_samples: int | None = None,
    latency: Latency | None = None,
) -> LatencyReport:
    """Open a device, measure, close it; through JACK its outputs are led to its inputs.

    Args:
        input, output, rate_hz, block_samples, latency: as of `open_stream`.
        make_processor: from the sample rate; all levels at unity.

    Raises:
        DeviceError: it cannot be opened, nothing came back, or it stopped.
    """
    probes: list[LatencyProbe] = []

    def make_probe(deck: Deck, has_input: bool, has_output: bool) -> LatencyProbe:
        probes.append(LatencyProbe(deck, has_input, has_output))
        return probes[-1]

    stream = open_stream(
        input, output, rate_hz=rate_hz, block_samples=block_samples, latency=latency, make_callback=make_probe
    )
    engine: Engine | None = None
    try:
        processor = make_processor(stream.rate_hz)
        processor.warm_up()
        period_samples = stream.settle()
        if output.host_api == JACK:
            loop_back()
        engine = Engine(stream.deck, processor)
        engine.arm(period_samples)
        return measure_latency(stream, probes[0], engine)
    finally:
        if engine is not None:
            engine.disarm()
        stream.close()


def maximum_length_sequence() -> NDArray[np.float32]:
    """255 values of ±1 out of a shift register of 8 bits with feedback: orthogonal to itself at every shift but 0."""
    register, values = 1, np.zeros(255, np.float32)
    for i in range(len(values)):
        values[i] = 1.0 if register & 1 else -1.0
        feedback = (register ^ (register >> 2) ^ (register >> 3) ^ (register >> 4)) & 1
        register = (register >> 1) | (feedback << 7)
    return values


def _matched(
    recording: NDArray[np.float32], burst: NDArray[np.float32], spacing: int, impulses: int
) -> NDArray[np.float64]:
    """Correlation of [sample, channel] with each impulse: [impulse, how late, channel]."""
    size = 1 << (len(recording) + len(burst)).bit_length()
    spectra = np.fft.rfft(recording, size, axis=0) * np.conj(np.fft.rfft(burst, size))[:, None]
    matched = np.fft.irfft(spectra, size, axis=0)[: impulses * spacing].reshape(impulses, spacing, -1)
    return matched * (-1.0) ** np.arange(impulses)[:, None, None]


def _peaks(matched: NDArray[np.float64], clear: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Where each clear impulse of [impulse, how late] is; where none is clear, all of them together."""
    each = matched[clear] if clear.any() else matched.mean(axis=0, keepdims=True)
    return np.abs(each).argmax(axis=1)


def _clearness(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Peak above the noise's deviation, along the last axis."""
    peak = levels.max(axis=-1)
    return peak / np.maximum(np.median(levels, axis=-1) / 0.6745, 1e-6 * peak + 1e-12)


def _loudness(came_in: NDArray[np.float32]) -> str:
    loudest = float(np.abs(came_in).max(initial=0.0))
    return f"the input's peak was {20 * np.log10(loudest):.0f} dB of full scale" if loudest else "the input was silent"
