"""Changes of the rack while it plays: planned aside, one after another, and taken up between two hops."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from .errors import AdvsepError
from .rack_builder import RackChange
from .rack_holder import RackHolder, RackPath
from .rack_spec import RackSpec
from .scheduling import HELPER_PRIORITY, raise_priority


class RackChanger:
    """Belongs to the thread that calls it.

    Args:
        answer: told the number of each request that is done, and why not where it failed.
    """

    def __init__(self, answer: Callable[[int, str | None], None]) -> None:
        self._answer = answer
        self._asked: deque[tuple[int, RackSpec]] = deque()
        self._plan: _Plan | None = None
        self._applied: threading.Event | None = None

    def ask(self, request: int, spec: RackSpec) -> None:
        """Have this rack, after those that were asked for before."""
        self._asked.append((request, spec))

    def advance(self, playing: RackHolder) -> RackSpec | None:
        """Do what can be done now without waiting; returns the rack that plays from now on, where it is another."""
        playing.tidy()
        if self._applied is not None and not self._applied.is_set():
            return None
        if self._plan is None and self._asked:
            request, spec = self._asked.popleft()
            if _is_simple(playing.rack_path, spec):
                playing.set_rack_values(spec)
                self._answer(request, None)
                return spec
            self._plan = _Plan(playing.rack_path, request, spec)
        if self._plan is None or not self._plan.ended:
            return None
        plan, self._plan = self._plan, None
        if plan.change is not None and plan.path is not playing.rack_path:  # another model plays meanwhile
            plan.change.close()
            self._asked.appendleft((plan.request, plan.spec))
            return None
        if plan.change is not None:
            self._applied = playing.take_up(plan.change)
        self._answer(plan.request, plan.error)
        return None if plan.change is None else plan.spec


def _is_simple(path: RackPath, spec: RackSpec) -> bool:
    """Whether values move and nothing else."""
    try:
        return not path.builder.needs_change(spec)
    except AdvsepError:
        return False  # planning says what is wrong


class _Plan:
    """One change on its way, in a thread of its own."""

    def __init__(self, path: RackPath, request: int, spec: RackSpec) -> None:
        self.path, self.request, self.spec = path, request, spec
        self.change: RackChange | None = None
        self.error: str | None = None
        self._thread = threading.Thread(target=self._work, name="advsep-plan", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def _work(self) -> None:
        raise_priority(HELPER_PRIORITY)
        try:
            self.change = self.path.builder.plan(self.spec)
        except AdvsepError as error:
            self.error = str(error)
        except Exception as error:  # a stranger's code
            self.error = f"{type(error).__name__}: {error}"
