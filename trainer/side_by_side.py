"""Work on the parts of a batch in as many threads as torch has."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch


def side_by_side(work: Callable[[int], None], count: int) -> None:
    """Call `work` with 0 to `count` - 1. Compiled functions let go of the GIL, so these run at the same time."""
    threads = min(count, torch.get_num_threads())
    if threads <= 1:
        for number in range(count):
            work(number)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(count)))
