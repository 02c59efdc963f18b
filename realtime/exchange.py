"""What happens in the audio callback: copy in, copy out, count. Compiled, without Python, lock, allocation or log.

`exchange` is the same code for a sound card, for the clock of the `null` device and for tests, so
what the tests prove of it holds while playing. One stream of the sound card has one `Deck`.

Time is counted in output frames from the moment when the deck was armed. Input frame n belongs to
hop n // H; the separated hop comes out at n + `delay`, which leaves the worker one period for its
work; with the processor's own delay a sample is heard `latency` frames after it came in.

Where a hop is not there in time the listener hears the mixture, equally late: what the separated
sound was above the mixture at the last frame fades out over `FADE_FRAMES`, and fades in again over
as many when hops are in time again. Nothing is shifted, so the latency cannot grow.

Live sound begins anywhere, not at rest: the gate opens from its first sample on, not in the silence before.

A feeder that may be waited for (a file, a pipe) and has nothing makes a pause instead: what sounded
last fades out, positions stand still, and the gate opens again once `RESUME_FRAMES` are ahead.
There positions stand still behind a closed gate as well, so a pause leaves out no sample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .atomic import load_acquire, store_release
from .jit import jit
from .ring import LINE_WORDS, WRITTEN, Ring, ring_write, ring_written
from .spec import LOUDEST_SAMPLE

FADE_FRAMES = 64
GATE_S = 0.010  # the whole output opens and closes over this time
RESUME_FRAMES = 2048  # after a pause; less than what the worker runs ahead

# Words set before the deck is armed:
DELAY, LATENCY, HOP, GATE_FRAMES, CAPTURES, HOLDS = range(6)
# Words of the other side, each on a line of its own:
WANTED = 1 * LINE_WORDS  # 1: armed, 0: fade out and disarm; written by the worker
ENDS_AT = 2 * LINE_WORDS  # output position after the last frame, -1: no end; written by the worker
ARMED = 3 * LINE_WORDS  # 1 while positions advance; written by the callback
PLAYED = 4 * LINE_WORDS  # output position; written by the callback
# Words that only the callback writes, all counters since the deck was made:
_COUNTERS = 5 * LINE_WORDS
(CALLBACKS, FRAMES, LONGEST_BLOCK, MISSED_HOPS, MISSED_FRAMES, STARVED_FRAMES, CLIPPED, LAST_MISSED) = range(
    _COUNTERS, _COUNTERS + 8
)
(INPUT_UNDERFLOWS, INPUT_OVERFLOWS, OUTPUT_UNDERFLOWS, OUTPUT_OVERFLOWS) = range(_COUNTERS + 8, _COUNTERS + 12)
# Its state: frames open, faded in, left to fade out; whether it waits for the feeder; up to which position
# the input of hops was there when the last block ended.
(GATE, BLENDED, RESIDUE, WAITING, COMPLETE) = range(_COUNTERS + 12, _COUNTERS + 17)
WORDS = _COUNTERS + 3 * LINE_WORDS

# Levels, float32: gain of the mixture that stands in for a late hop.
DRY_GAIN_WANTED, DRY_GAIN, LEVELS = 0, 1, 2
# Rows of `edge`: the present frame, the part of it above the mixture, and what fades out.
NOW, ABOVE, FADING, EDGES = 0, 1, 2, 3


class Deck:
    """Memory that one audio callback shares with its worker.

    Args:
        capacity_frames: of both rings, a power of two.
        input_channels: of what comes in.
        output_channels: of what is heard.

    Attributes:
        words: int64, constants, handshake and counters by the names of this module.
        levels: float32.
        edge: float32 [EDGES, output channel]: what the callback keeps of the last frame.
        inputs: ring of what came in.
        outputs: ring of what is to be heard.
    """

    def __init__(self, capacity_frames: int, input_channels: int, output_channels: int) -> None:
        self.words: NDArray[np.int64] = np.zeros(WORDS, np.int64)
        self.levels: NDArray[np.float32] = np.ones(LEVELS, np.float32)
        self.edge: NDArray[np.float32] = np.zeros((EDGES, output_channels), np.float32)
        self.inputs = Ring(capacity_frames, input_channels)
        self.outputs = Ring(capacity_frames, output_channels)
        self.words[ENDS_AT] = -1

    def prepare(self, *, delay: int, latency: int, hop: int, rate_hz: int, captures: bool, holds: bool) -> None:
        """Begin anew at position 0; only while the deck is not armed.

        Args:
            delay: output frames by which hops are late.
            latency: frames from input to output, the processor's delay included.
            hop: frames a hop.
            rate_hz: sample rate.
            captures: the callback itself brings the input; else a feeder fills `inputs`.
            holds: wait where the feeder has nothing, instead of going on in silence.
        """
        w = self.words
        if w[ARMED]:
            raise RuntimeError("the deck is armed")
        w[[DELAY, LATENCY, HOP, CAPTURES, HOLDS]] = delay, latency, hop, captures, holds
        w[GATE_FRAMES] = max(1, round(GATE_S * rate_hz))
        w[[PLAYED, GATE, BLENDED, RESIDUE, WAITING, COMPLETE]] = 0
        w[[ENDS_AT, LAST_MISSED]] = -1
        self.levels[DRY_GAIN] = self.levels[DRY_GAIN_WANTED]
        self.edge.fill(0.0)
        self.inputs.clear()
        self.outputs.clear()
        # Nothing is heard before the first hop: silence that no worker was late with.
        self.outputs.words[: WRITTEN + 1 : LINE_WORDS] = delay

    def count(self, word: int) -> int:
        """A counter's present value."""
        return int(self.words[word])


@jit
def exchange(
    words: NDArray[np.int64],
    levels: NDArray[np.float32],
    edge: NDArray[np.float32],
    in_words: NDArray[np.int64],
    in_data: NDArray[np.float32],
    out_words: NDArray[np.int64],
    out_data: NDArray[np.float32],
    captured: NDArray[np.float32],
    played: NDArray[np.float32],
) -> None:
    """One block: take what came in, give what is to be heard.

    Args:
        words, levels, edge, in_words, in_data, out_words, out_data: of a `Deck`.
        captured: [frame, input channel]; of no frames where a feeder brings the input.
        played: [frame, output channel], written.
    """
    count = played.shape[0]
    words[CALLBACKS] += 1
    words[FRAMES] += count
    words[LONGEST_BLOCK] = max(words[LONGEST_BLOCK], count)
    if words[ARMED] == 0:
        if load_acquire(words, WANTED) == 0:
            played[:] = 0.0
            return
        store_release(words, ARMED, 1)
    if words[CAPTURES]:
        ring_write(in_words, in_data, captured)
    start = words[PLAYED]
    ready = ring_written(out_words)  # hops are there up to this position
    ends_at = load_acquire(words, ENDS_AT)
    there = ring_written(in_words) + words[LATENCY]  # the mixture is there up to this position
    wanted = load_acquire(words, WANTED)
    if words[WAITING]:
        ahead = start + RESUME_FRAMES
        words[WAITING] = int(ready < (ahead if ends_at < 0 else min(ahead, ends_at)))
    advanced = 0
    for i in range(count):
        position = start + advanced
        over = ends_at >= 0 and position >= ends_at
        if words[HOLDS] and words[GATE] == 0 and (wanted == 0 or over):
            edge[NOW] = np.float32(0.0)
            edge[ABOVE] = np.float32(0.0)
            _sound(words, edge, played[i])
            continue
        if wanted == 0 or over:
            words[GATE] = max(0, words[GATE] - 1)
        elif position >= words[LATENCY] or words[HOLDS]:  # live sound begins anywhere: it has to fade in
            words[GATE] = min(words[GATE_FRAMES], words[GATE] + 1)
        if words[HOLDS] and not over and (words[WAITING] or (position >= ready and position >= words[COMPLETE])):
            _starve(words, edge)
            _sound(words, edge, played[i])
        else:
            _frame(words, levels, edge, in_data, out_data, position, position < ready, position < there)
            _sound(words, edge, played[i])
            advanced += 1
    last = start + advanced if ends_at < 0 else min(start + advanced, ends_at)
    _count_missed(words, max(start, ready), last)
    # A hop that the feeder completed after the last block is not one that the worker was late with.
    words[COMPLETE] = words[DELAY] + (there - words[LATENCY]) // words[HOP] * words[HOP]
    store_release(words, PLAYED, start + advanced)
    if wanted == 0 and words[GATE] == 0 and words[RESIDUE] == 0:
        store_release(words, ARMED, 0)


@jit
def _frame(
    words: NDArray[np.int64],
    levels: NDArray[np.float32],
    edge: NDArray[np.float32],
    in_data: NDArray[np.float32],
    out_data: NDArray[np.float32],
    position: int,
    in_time: bool,
    has_mixture: bool,
) -> None:
    """One frame: the mixture, and above it as much of the separated sound as is faded in."""
    difference = levels[DRY_GAIN_WANTED] - levels[DRY_GAIN]
    most = np.float32(1.0) / np.float32(words[GATE_FRAMES])
    levels[DRY_GAIN] += min(max(difference, -most), most)
    if in_time:
        # Behind a closed gate nothing has to be faded in: there is only silence before.
        words[BLENDED] = FADE_FRAMES if words[GATE] <= 1 else min(FADE_FRAMES, words[BLENDED] + 1)
    elif words[BLENDED] > 0:
        _fade_out(words, edge, ABOVE)
    blend = np.float32(words[BLENDED]) / np.float32(FADE_FRAMES)
    gate = np.float32(words[GATE]) / np.float32(words[GATE_FRAMES])
    source = position - words[LATENCY]
    outs = edge.shape[1]
    for c in range(outs):
        dry = np.float32(0.0)
        if has_mixture and source >= 0:
            dry = levels[DRY_GAIN] * _mixture(in_data, source, c, outs)
        wet = dry
        if in_time:
            wet = out_data[position & (out_data.shape[0] - 1), c]
        above = blend * (wet - dry)
        edge[ABOVE, c] = gate * above
        edge[NOW, c] = gate * (wet if words[BLENDED] == FADE_FRAMES else dry + above)


@jit
def _starve(words: NDArray[np.int64], edge: NDArray[np.float32]) -> None:
    """A frame without any input: what sounded last fades out; what comes next has to open the gate again."""
    words[STARVED_FRAMES] += 1
    words[GATE] = 0
    if words[WAITING] == 0:
        words[WAITING] = 1
        _fade_out(words, edge, NOW)
    edge[NOW] = np.float32(0.0)
    edge[ABOVE] = np.float32(0.0)


@jit
def _fade_out(words: NDArray[np.int64], edge: NDArray[np.float32], row: int) -> None:
    """Let a part of the last frame, and what was still fading, fade out from here on."""
    left = np.float32(words[RESIDUE]) / np.float32(FADE_FRAMES)
    for c in range(edge.shape[1]):
        edge[FADING, c] = edge[row, c] + left * edge[FADING, c]
    words[BLENDED] = 0
    words[RESIDUE] = FADE_FRAMES


@jit
def _sound(words: NDArray[np.int64], edge: NDArray[np.float32], frame: NDArray[np.float32]) -> None:
    """Write a frame: what is due and what fades out, within the limits of a sound card."""
    left = np.float32(words[RESIDUE]) / np.float32(FADE_FRAMES)
    words[RESIDUE] = max(0, words[RESIDUE] - 1)
    for c in range(frame.shape[0]):
        value = edge[NOW, c] + left * edge[FADING, c]
        if abs(value) > np.float32(1.0):
            words[CLIPPED] += 1
            value = np.float32(1.0) if value > 0 else np.float32(-1.0)
        frame[c] = value


@jit
def _mixture(in_data: NDArray[np.float32], position: int, channel: int, outs: int) -> np.float32:
    """One value of the input, brought to the output's channels; what is no sound is silence."""
    row = position & (in_data.shape[0] - 1)
    ins = in_data.shape[1]
    if outs == 1 and ins > 1:
        value = np.float32(0.5) * (in_data[row, 0] + in_data[row, 1])
    else:
        value = in_data[row, min(channel, ins - 1)]
    return value if abs(value) <= LOUDEST_SAMPLE else np.float32(0.0)


@jit
def _count_missed(words: NDArray[np.int64], first: int, end: int) -> None:
    """Count the hops that positions first…end belong to, each once."""
    if first >= end:
        return
    words[MISSED_FRAMES] += end - first
    first_hop = max((first - words[DELAY]) // words[HOP], words[LAST_MISSED] + 1)
    last_hop = (end - 1 - words[DELAY]) // words[HOP]
    if last_hop >= first_hop:
        words[MISSED_HOPS] += last_hop - first_hop + 1
        words[LAST_MISSED] = last_hop
