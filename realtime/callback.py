"""PortAudio's callback as machine code around `exchange`: what the sound card's thread runs, without Python."""

# pyright: reportUnknownParameterType=false, reportMissingParameterType=false

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.ccallback import CFunc
from numba.core.sigutils import normalize_signature
from numpy.typing import NDArray

from .exchange import EDGES, INPUT_UNDERFLOWS, LEVELS, WORDS, Deck, exchange
from .jit import intrinsic, jit, tie_to_sources
from .ring import RING_WORDS

LONGEST_BLOCK_SAMPLES = 32768
# Places of the addresses in the block that PortAudio hands to the callback:
_WORDS, _LEVELS, _EDGE, _IN_WORDS, _IN_DATA, _OUT_WORDS, _OUT_DATA, _SPARE_IN, _SPARE_OUT = range(9)
_CAPACITY, _INS, _OUTS, _HAS_INPUT, _HAS_OUTPUT, _SIZE = range(9, 15)

_F32, _I64 = types.CPointer(types.float32), types.CPointer(types.int64)


_numba: Any = numba  # whose own types are wrong here
carray: Any = _numba.carray  # the memory at an address as an array


def _cast(result: Any, argument: Any) -> Any:
    def typed(typing: Any, value: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            target = context.get_value_type(result)
            if isinstance(values[0].type, ir.PointerType):
                return builder.bitcast(values[0], target)
            return builder.inttoptr(values[0], target)

        return result(argument), emit

    return intrinsic(typed)


words_of = _cast(_I64, types.voidptr)
floats_at = _cast(_F32, types.int64)
words_at = _cast(_I64, types.int64)

SIGNATURE = types.int32(_F32, _F32, types.uint64, types.voidptr, types.uint64, types.voidptr)


def audio_callback(function: Any) -> Any:
    """Compile `function` to a `PaStreamCallback`; its `address` is for PortAudio."""
    # As `numba.cfunc` does, but for what it takes a cached one to be good for.
    compiled: Any = CFunc(function, normalize_signature(SIGNATURE), {}, {"nopython": True, "error_model": "numpy"})
    compiled.enable_caching()
    tie_to_sources(compiled._cache)
    compiled.compile()
    return compiled


@jit
def play_deck(captured: Any, played: Any, frames: Any, flags: Any, block: Any) -> None:
    """One block, for compiled code.

    Args:
        captured, played: PortAudio's pointers to float32.
        frames, flags: as PortAudio gives them.
        block: pointer to int64, `DeckCallback.user_data`.
    """
    at = carray(block, _SIZE)
    capacity, ins, outs, count = at[_CAPACITY], at[_INS], at[_OUTS], np.int64(frames)
    words = carray(words_at(at[_WORDS]), WORDS)
    # Silence where the stream has no input; where it has no output, what would be heard goes nowhere.
    source = carray(captured if at[_HAS_INPUT] else floats_at(at[_SPARE_IN]), (count, ins))
    target = carray(played if at[_HAS_OUTPUT] else floats_at(at[_SPARE_OUT]), (count, outs))
    for bit in range(4):
        if (np.int64(flags) >> bit) & 1:
            words[INPUT_UNDERFLOWS + bit] += 1
    exchange(
        words,
        carray(floats_at(at[_LEVELS]), LEVELS),
        carray(floats_at(at[_EDGE]), (EDGES, outs)),
        carray(words_at(at[_IN_WORDS]), RING_WORDS),
        carray(floats_at(at[_IN_DATA]), (capacity, ins)),
        carray(words_at(at[_OUT_WORDS]), RING_WORDS),
        carray(floats_at(at[_OUT_DATA]), (capacity, outs)),
        source,
        target,
    )


@audio_callback
def _callback(captured: Any, played: Any, frames: Any, times: Any, flags: Any, block: Any) -> int:
    play_deck(captured, played, frames, flags, words_of(block))
    return 0


class DeckCallback:
    """A deck's callback, to be handed to PortAudio; must outlive the stream.

    Args:
        deck: what it works on.
        has_input: whether PortAudio brings samples, in `deck`'s number of input channels.
        has_output: whether PortAudio takes samples.

    Attributes:
        address: of the compiled function.
        user_data: address to give it.
    """

    def __init__(self, deck: Deck, *, has_input: bool, has_output: bool) -> None:
        ins, outs = deck.inputs.data.shape[1], deck.outputs.data.shape[1]
        self._deck = deck
        self._spare_in: NDArray[np.float32] = np.zeros((LONGEST_BLOCK_SAMPLES, ins), np.float32)
        self._spare_out: NDArray[np.float32] = np.zeros((LONGEST_BLOCK_SAMPLES, outs), np.float32)
        arrays = (
            deck.words,
            deck.levels,
            deck.edge,
            deck.inputs.words,
            deck.inputs.data,
            deck.outputs.words,
            deck.outputs.data,
            self._spare_in,
            self._spare_out,
        )
        rest = (deck.inputs.capacity_frames, ins, outs, int(has_input), int(has_output))
        self._block: NDArray[np.int64] = np.array([*(array.ctypes.data for array in arrays), *rest], np.int64)
        self.address = int(_callback.address)
        self.user_data = int(self._block.ctypes.data)
