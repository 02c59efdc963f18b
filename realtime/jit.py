"""One decorator for every function that runs while sound is playing.

It compiles to machine code without the Python interpreter, lets go of the GIL, keeps the
compiled code on disk, and divides by zero as NumPy does (a branch less in every loop).

The cache lies in `__pycache__` beside the source or, where that cannot be written, in Numba's
folder in the user's cache. Numba itself notices a change of the function's own file only, and would
go on with old code of a compiled helper, also after an upgrade: here a change of any file of the
package that holds compiled code is noticed by all of it.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba import extending

F = TypeVar("F", bound=Callable[..., object])


def jit(function: F) -> F:
    """Compile `function` on its first call (seconds) or load it from the cache (milliseconds).

    To a type checker the compiled function keeps its signature.
    """
    compiled: Any = numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    tie_to_sources(compiled._cache)
    return cast("F", compiled)


def tie_to_sources(cache: Any) -> None:
    """Have a Numba cache hold only for the package's compiled code as it is now."""
    file = cache._cache_file
    file._source_stamp = (file._source_stamp, sources_stamp(Path(__file__).parent))


@functools.cache
def sources_stamp(folder: Path) -> str:
    """Hash of the files below a folder that hold compiled code; another one where any of them is changed."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        source = path.read_bytes()
        if b"jit import" in source or path == Path(__file__):
            digest.update(source)
    return digest.hexdigest()


def intrinsic(emitter: Callable[..., Any]) -> Any:
    """Numba's `intrinsic`: `emitter` returns a signature and what writes the LLVM code of a call.

    Its own types say nothing of what compiled code calls.
    """
    return extending.intrinsic(emitter)
