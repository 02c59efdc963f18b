"""Loads and stores of array elements that another thread, or another process, may see half-done otherwise.

Compiled code only. An acquire load sees everything that was written before the release store whose
value it reads; on x86 both are plain moves, elsewhere the compiler adds what the processor needs.
"""

# pyright: reportUnknownParameterType=false, reportMissingParameterType=false, reportUnknownLambdaType=false

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from .jit import intrinsic

_WORD = ir.IntType(64)


def _element(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index])


@intrinsic
def load_acquire(typing: Any, words: Any, index: Any) -> Any:
    """Element `index` of an int64 array, before anything that follows in the program."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = _element(context, builder, signature.args[0], values[0], values[1])
        return builder.load_atomic(place, "acquire", 8, typ=_WORD)

    return types.int64(words, types.intp), emit


@intrinsic
def store_release(typing: Any, words: Any, index: Any, value: Any) -> Any:
    """Set element `index` of an int64 array, after anything that precedes in the program."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = _element(context, builder, signature.args[0], values[0], values[1])
        builder.store_atomic(values[2], place, "release", 8)
        return context.get_dummy_value()

    return types.void(words, types.intp, types.int64), emit


def _fence(ordering: str) -> Any:
    def typed(typing: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            builder.fence(ordering)
            return context.get_dummy_value()

        return types.void(), emit

    return typed


fence_acquire = intrinsic(_fence("acquire"))  # loads before it stay before it
fence_release = intrinsic(_fence("release"))  # stores after it stay after it
