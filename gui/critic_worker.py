"""Critics at work in a thread of their own: always on the newest estimates, and late for nothing.

What is handed in takes the place of what has not been begun; what is behind is dropped, not made up for. The thread
runs at lowered priority (Linux; elsewhere only the rate at which it is asked keeps it small), and touches nothing
that belongs to the engine or the window.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import weakref
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..realtime.critic_map import CriticSession, CriticSpec
from ..realtime.errors import AdvsepError

NICENESS = 10
_MOST_VERDICTS = 64  # that wait for a window that does not look
_CLOSE_S = 2.0


@dataclass(frozen=True, slots=True)
class Patch:
    """Estimates to be judged.

    Attributes:
        end: position behind the last column.
        magnitudes: float32 [source, frame, band], masks applied.
        sources: which of them are to be judged, 0 and 1.
    """

    end: int
    magnitudes: NDArray[np.float32]
    sources: tuple[int, ...] = (0, 1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a critic said of one source of a patch.

    Attributes:
        path: of the critics.
        source: 0 or 1.
        end: as of the patch.
        score: higher: more like a recording of the source.
        gradient: of the score by the patch, float32 [band, frame].
    """

    path: Path
    source: int
    end: int
    score: float
    gradient: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Opened:
    """A file of critics that can be used, or why it cannot.

    Attributes:
        path: of the file.
        spec: its contract; None: see `error`.
        error: in words.
    """

    path: Path
    spec: CriticSpec | None = None
    error: str = ""


class CriticWorker:
    """Opens critics and has them judge; every call returns at once.

    The thread ends with `close`, and when nobody holds the worker any more.
    """

    def __init__(self) -> None:
        self._desk = _Desk()
        self._thread = threading.Thread(target=self._desk.work, name="advsep-critics", daemon=True)
        self._thread.start()
        self._finalizer = weakref.finalize(self, self._desk.close)

    @property
    def opened(self) -> Opened | None:
        """The critics there are; None: none were asked for, or they are still being opened."""
        return self._desk.opened

    @property
    def dropped(self) -> int:
        """Patches that newer ones took the place of."""
        return self._desk.dropped

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def open(self, path: Path | None) -> None:
        """Go over to other critics; None: to none."""
        self._desk.ask(path)

    def submit(self, patch: Patch) -> None:
        """Have the newest patch judged, instead of any that still waits."""
        self._desk.put(patch)

    def take(self) -> list[Verdict]:
        """What was said since the last call, of the critics there are now; the oldest first."""
        return self._desk.take()

    def close(self) -> None:
        """End the thread, once it is through with what it is doing; more than once is fine."""
        self._finalizer()
        self._thread.join(_CLOSE_S)


class _Desk:
    """What lies between the window and the thread, which knows only this: so the worker can be let go of."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._verdicts: deque[Verdict] = deque(maxlen=_MOST_VERDICTS)
        self._wanted: Path | None = None
        self._orders = 0  # counts what was asked for, so that an answer to an older question is known
        self._patch: Patch | None = None
        self._is_closed = False
        self.opened: Opened | None = None
        self.dropped = 0

    def ask(self, path: Path | None) -> None:
        with self._news:
            self._wanted, self.opened, self._patch = path, None, None
            self._verdicts.clear()
            self._orders += 1
            self._news.notify()

    def put(self, patch: Patch) -> None:
        with self._news:
            self.dropped += self._patch is not None
            self._patch = patch
            self._news.notify()

    def take(self) -> list[Verdict]:
        with self._news:
            found = list(self._verdicts)
            self._verdicts.clear()
            return found

    def close(self) -> None:
        with self._news:
            self._is_closed = True
            self._news.notify()

    def work(self) -> None:
        """The thread."""
        _lower_priority()
        session: CriticSession | None = None
        done = 0
        while True:
            with self._news:
                self._news.wait_for(
                    lambda seen=done: self._is_closed or seen != self._orders or self._patch is not None
                )
                if self._is_closed:
                    return
                orders, wanted, patch, self._patch = self._orders, self._wanted, self._patch, None
            if orders != done:
                done = orders
                session = self._open(wanted, orders)
            elif session is not None and patch is not None:
                self._judge(session, patch, orders)

    def _open(self, wanted: Path | None, orders: int) -> CriticSession | None:
        if wanted is None:
            return None
        session, error = None, ""
        try:
            session = CriticSession(wanted)
        except AdvsepError as refusal:
            error = str(refusal)
        except Exception as unexpected:
            error = f"{wanted}: cannot be used ({type(unexpected).__name__}: {unexpected}); export the critics again"
        with self._news:
            if orders == self._orders:
                self.opened = Opened(wanted, None if session is None else session.spec, error)
        return session

    def _judge(self, session: CriticSession, patch: Patch, orders: int) -> None:
        found = list[Verdict]()
        try:
            patches = session.patches(patch.magnitudes[:, None])
            for source in patch.sources:
                name = source_name(session.spec, source)
                if name is not None:
                    said = session.judge(name, patches[source : source + 1])
                    found.append(Verdict(session.path, source, patch.end, float(said.scores[0]), said.gradients[0, 0]))
        except Exception as unexpected:
            why = f"{session.path}: its critics failed ({type(unexpected).__name__}: {unexpected}); export them again"
            with self._news:
                if orders == self._orders:
                    self.opened = Opened(session.path, None, why)
            return
        with self._news:
            if orders == self._orders:
                self._verdicts.extend(found)


def source_name(spec: CriticSpec, source: int) -> str | None:
    """What critics call the first or the second source of a model; None: they have no critic of it."""
    name = ("voice", "accompaniment")[source]
    return name if name in spec.sources else None


def _lower_priority() -> None:
    """Of this thread alone, which Linux has a number for."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
