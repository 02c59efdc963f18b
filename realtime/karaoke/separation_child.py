"""The process that separates: one order a line comes in, one message a line goes out, the sound goes to the cache.

Orders and messages are JSON objects. Orders: `warm` (model), `work` (song, folder, limit_bytes, model, position_s),
`prefer` (position_s). Messages: `made` (chunk, speed), `done`, `refused` (words), `broken` (words). The process ends
with its work, and as soon as nobody can give it orders any more.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:  # what separates is loaded when it is needed, and not by who only wants a constant
    from .stem_cache import StemCache
    from .stem_entry import StemEntry
    from .stem_maker import StemMaker

NICENESS = 5
_WAIT_S = 0.1
_ROOM_CHUNKS = 8  # after which the cache's size is looked at again


class Orders:
    """What the parent wants, read by a thread of its own, which ends the process when the parent is no more.

    Attributes:
        jobs: `warm` and `work`, to be done in their order.
        position_s: from where on chunks are wanted.
        wishes: how often that was said.
    """

    def __init__(self) -> None:
        self.jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.position_s, self.wishes = 0.0, 0
        self._orders, self._messages = os.fdopen(os.dup(0), "rb"), os.dup(1)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1):  # what libraries print is no message
            os.dup2(nowhere, descriptor)
        threading.Thread(target=self._listen, name="advsep-orders", daemon=True).start()

    def say(self, message: str, **details: Any) -> None:
        """To the parent; ends the process where there is none."""
        try:
            os.write(self._messages, json.dumps({"say": message, **details}).encode() + b"\n")
        except OSError:
            os._exit(0)

    def _listen(self) -> None:
        with contextlib.suppress(Exception):
            for line in self._orders:
                order = json.loads(line)
                if "position_s" in order:
                    self.position_s = float(order["position_s"])
                    self.wishes += 1
                if order["do"] != "prefer":
                    self.jobs.put(order)
        os._exit(0)


class Worker:
    """Does the jobs; a model that was warmed up is used again."""

    def __init__(self, orders: Orders) -> None:
        self._orders, self._models = orders, {}

    def run(self) -> None:
        """Until a song is done."""
        while True:
            job = self._orders.jobs.get()
            if job["do"] == "warm":
                self._warm(job["model"])
            else:
                self._work(job)
                return

    def _model(self, name: str) -> Any:
        from ..model import ModelSession
        from ..registry import find_model
        from ..stems import HOPS_AT_ONCE

        if name not in self._models:
            self._models[name] = ModelSession(find_model(name), HOPS_AT_ONCE)
        return self._models[name]

    def _warm(self, name: str) -> None:
        """Load all that separating needs: imports, compiled code, the model."""
        import numpy as np

        from ..source import ArraySource
        from ..stems import HOPS_AT_ONCE, StemStream

        model = self._model(name)
        signal_spec = model.spec.signal
        silence = np.zeros((4 * HOPS_AT_ONCE * signal_spec.hop_samples, signal_spec.channels), np.float32)
        for rate_hz in (signal_spec.sample_rate_hz, 2 * signal_spec.sample_rate_hz + 1):  # the latter is resampled
            StemStream(ArraySource(silence, rate_hz, "silence"), model, HOPS_AT_ONCE).read_all()

    def _work(self, job: dict[str, Any]) -> None:
        from .stem_cache import StemCache
        from .stem_entry import remove_leftovers
        from .stem_lock import try_lock
        from .stem_maker import StemMaker

        cache, song = StemCache(Path(job["folder"]), job["limit_bytes"]), Path(job["song"])
        with cache.open(song, job["model"]) as entry:
            while (lock := try_lock(entry.worker_lock)) is None:  # somebody else is at it
                if entry.first_missing(0.0) is None:
                    return
                time.sleep(_WAIT_S)
            with lock:
                remove_leftovers(entry)
                self._make_all(StemMaker(song, entry, self._model(job["model"])), entry, cache)

    def _make_all(self, maker: StemMaker, entry: StemEntry, cache: StemCache) -> None:
        orders = self._orders
        made, made_s, spent_s = 0, 0.0, 0.0
        while True:
            began_s, wish = time.perf_counter(), orders.wishes
            index = entry.first_missing(orders.position_s)
            if index is None:
                return

            def given_up(index: int = index, wish: int = wish) -> bool:
                return orders.wishes != wish and entry.first_missing(orders.position_s) != index

            if not maker.make(index, given_up):
                continue
            if made == 0:
                _be_nice()
            made, made_s = made + 1, made_s + entry.chunk_length(index) / entry.rate_hz
            spent_s += time.perf_counter() - began_s
            orders.say("made", chunk=index, speed=made_s / spent_s)
            if made % _ROOM_CHUNKS == 0:
                cache.make_room()


def main() -> NoReturn:
    """Everything the process does; ends it."""
    _be_quiet()
    orders, code = Orders(), 0
    from ..errors import AdvsepError

    try:
        Worker(orders).run()
        orders.say("done")
    except AdvsepError as error:
        orders.say("refused", words=str(error))
    except BaseException as error:
        orders.say("broken", words=f"{type(error).__name__}: {error}")
        code = 1
    os._exit(code)


def _be_quiet() -> None:
    """Signals of a terminal are the parent's."""
    for name in ("SIGINT", "SIGHUP", "SIGQUIT"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _be_nice() -> None:
    """What plays goes first, once somebody need not wait for us."""
    if sys.platform != "win32":  # there the parent asks for it
        with contextlib.suppress(OSError):
            os.nice(NICENESS)


if __name__ == "__main__":
    main()
