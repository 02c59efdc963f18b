"""Arithmetic that takes numbers too small to hear for zero, which processors handle a hundred times faster.

Filters and recurrent networks that fade towards silence get there. ONNX Runtime's own option changes
the first thread that ever opens a session, for good, and no other: not the one that plays.
"""

# pyright: reportUnknownParameterType=false, reportMissingParameterType=false

from __future__ import annotations

import contextlib
import platform
from collections.abc import Generator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from .jit import intrinsic, jit

_WORD, _VOID, _LONG = ir.IntType(32), ir.VoidType(), ir.IntType(64)
_X86 = platform.machine().lower() in ("x86_64", "amd64")
_ARM = platform.machine().lower() in ("arm64", "aarch64")
# x86: results that small become zero (bit 15), and so do operands (bit 6); ARM: both (bit 24).
_BITS = 0x8040 if _X86 else 1 << 24 if _ARM else 0


@intrinsic
def _load_control(typing: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        if _X86:
            place = cgutils.alloca_once(builder, _WORD)
            kind = ir.FunctionType(_VOID, [ir.PointerType(ir.IntType(8))])
            function = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse.stmxcsr")
            builder.call(function, [builder.bitcast(place, ir.PointerType(ir.IntType(8)))])
            return builder.zext(builder.load(place), _LONG)
        if _ARM:
            return builder.asm(ir.FunctionType(_LONG, []), "mrs $0, fpcr", "=r", [], side_effect=True)
        return ir.Constant(_LONG, 0)

    return types.int64(), emit


@intrinsic
def _store_control(typing: Any, control: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        if _X86:
            place = cgutils.alloca_once_value(builder, builder.trunc(values[0], _WORD))
            kind = ir.FunctionType(_VOID, [ir.PointerType(ir.IntType(8))])
            function = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse.ldmxcsr")
            builder.call(function, [builder.bitcast(place, ir.PointerType(ir.IntType(8)))])
        elif _ARM:
            builder.asm(ir.FunctionType(_VOID, [_LONG]), "msr fpcr, $0", "r", [values[0]], side_effect=True)
        return context.get_dummy_value()

    return types.void(types.int64), emit


@jit
def _get() -> int:
    return _load_control()


@jit
def _set(control: int) -> None:
    _store_control(control)


@contextlib.contextmanager
def subnormals_as_zero() -> Generator[None]:
    """While the context lasts, numbers below 1.2e-38 (float32) count as zero in the calling thread
    and in those it starts.

    On processors other than x86-64 and ARM64 nothing changes.
    """
    before = _get()
    _set(before | _BITS)
    try:
        yield
    finally:
        _set(before)
