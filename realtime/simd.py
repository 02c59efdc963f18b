"""Eight floats at a time, for compiled functions.

Numba leaves vectors to LLVM's loop vectoriser, which gives up on an FFT: it cannot know that the
many rows read and written do not overlap. Here a vector of eight float32 is a Numba type of its
own, so that a kernel says what it means. LLVM maps it to what the processor has (one AVX
register, two of SSE or NEON). Nothing is checked: reading or writing past an array is the
caller's mistake. All functions can be called from compiled functions only.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Protocol, cast

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.datamodel import models
from numba.extending import intrinsic, overload, register_model
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

LANES = 8
"""Floats in a vector."""

_IR_INDEX = ir.IntType(32)
_IR_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_FLOAT_BYTES = 4


class Vector(Protocol):
    """Eight float32, as a type checker sees them."""

    def __add__(self, other: Vector) -> Vector: ...
    def __sub__(self, other: Vector) -> Vector: ...
    def __mul__(self, other: Vector) -> Vector: ...


class _VectorType(types.Type):
    def __init__(self) -> None:
        super().__init__(name="advsep_float32x8")


class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, _IR_VECTOR)


register_model(_VectorType)(_VectorModel)
_vector = _VectorType()


def _address(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _IR_VECTOR.as_pointer())


def _load(typingctx: Any, array: Any, index: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_address(context, builder, signature.args[0], args[0], args[1]), align=_FLOAT_BYTES)

    return _vector(array, types.intp), codegen


def _store(typingctx: Any, array: Any, index: Any, vector: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _address(context, builder, signature.args[0], args[0], args[1]), align=_FLOAT_BYTES)
        return context.get_dummy_value()

    return types.none(array, types.intp, vector), codegen


def _splat(typingctx: Any, value: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        first = builder.insert_element(ir.Constant(_IR_VECTOR, ir.Undefined), args[0], _IR_INDEX(0))
        return builder.shuffle_vector(first, first, _lanes([0] * LANES))

    return _vector(types.float32), codegen


def _lanes(lanes: list[int]) -> Any:
    return ir.Constant(ir.VectorType(_IR_INDEX, len(lanes)), lanes)


def _shuffle(*lanes: int) -> Callable[[Vector, Vector], Vector]:
    """A function that picks lanes of two vectors: 0 to 7 of the first, 8 to 15 of the second."""

    def emit(typingctx: Any, first: Any, second: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.shuffle_vector(args[0], args[1], _lanes(list(lanes)))

        return _vector(first, second), codegen

    return cast("Callable[[Vector, Vector], Vector]", intrinsic(emit))


def _operator(function: Callable[..., object], instruction: str) -> None:
    """Let vectors take part in `a + b` and its like; a product may fuse with a sum into one rounding."""

    def emit(typingctx: Any, first: Any, second: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return getattr(builder, instruction)(args[0], args[1], flags=("contract",))

        return _vector(first, second), codegen

    compiled: Any = intrinsic(emit)

    def choose(first: Any, second: Any) -> Any:
        def apply(first: Any, second: Any) -> Any:
            return compiled(first, second)

        return apply if isinstance(first, _VectorType) and isinstance(second, _VectorType) else None

    overload(function)(choose)


_operator(operator.add, "fadd")
_operator(operator.sub, "fsub")
_operator(operator.mul, "fmul")

load = cast("Callable[[NDArray[np.float32], int], Vector]", intrinsic(_load))
"""`load(array, index)`: the eight floats from `array[index]` on (contiguous array of one axis)."""

store = cast("Callable[[NDArray[np.float32], int, Vector], None]", intrinsic(_store))
"""`store(array, index, vector)`: write the eight floats from `array[index]` on."""

splat = cast("Callable[[np.float32], Vector]", intrinsic(_splat))
"""`splat(value)`: eight times the float32 `value`."""

even = _shuffle(0, 2, 4, 6, 8, 10, 12, 14)
"""Real parts of eight interleaved complex numbers."""

odd = _shuffle(1, 3, 5, 7, 9, 11, 13, 15)
"""Imaginary parts of eight interleaved complex numbers."""

even_reversed = _shuffle(14, 12, 10, 8, 6, 4, 2, 0)
"""`even`, last one first."""

odd_reversed = _shuffle(15, 13, 11, 9, 7, 5, 3, 1)
"""`odd`, last one first."""

reversed_first = _shuffle(7, 6, 5, 4, 3, 2, 1, 0)
"""The first vector, last lane first (the second is not looked at)."""

zip_low = _shuffle(0, 8, 1, 9, 2, 10, 3, 11)
"""First halves, alternating: a0 b0 a1 b1 …"""

zip_high = _shuffle(4, 12, 5, 13, 6, 14, 7, 15)
"""Second halves, alternating: a4 b4 a5 b5 …"""

low_halves = _shuffle(0, 1, 2, 3, 8, 9, 10, 11)
"""First half of the one, then first half of the other."""

high_halves = _shuffle(4, 5, 6, 7, 12, 13, 14, 15)
"""Second half of the one, then second half of the other."""
