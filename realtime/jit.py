"""One decorator for every function that runs while sound is playing.

It compiles to machine code without the Python interpreter, lets go of the GIL, keeps the
compiled code on disk, and divides by zero as NumPy does (a branch less in every loop).

The cache lies in `__pycache__` beside the source or, where that cannot be written, in Numba's
folder in the user's cache. Numba notices a change of the function's own file only: after editing
a compiled helper, touch the files whose compiled functions call it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba import extending

F = TypeVar("F", bound=Callable[..., object])


def jit(function: F) -> F:
    """Compile `function` on its first call (seconds) or load it from the cache (milliseconds).

    To a type checker the compiled function keeps its signature.
    """
    return cast("F", numba.njit(nogil=True, cache=True, error_model="numpy")(function))


def intrinsic(emitter: Callable[..., Any]) -> Any:
    """Numba's `intrinsic`: `emitter` returns a signature and what writes the LLVM code of a call.

    Its own types say nothing of what compiled code calls.
    """
    return extending.intrinsic(emitter)
