"""Edits of the rack: each a step that can be undone, sent to the engine no faster than it takes them up."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtGui import QUndoCommand

from ..realtime.rack_spec import RackSpec, StripSpec
from .session_crossing import Crossing

if TYPE_CHECKING:
    from ..realtime.process import EngineProcess


class RackEdit(QUndoCommand):
    """One step of the undo stack.

    Args:
        before: what was asked for until then.
        after: what is asked for from then on.
        what: in words, as the menu shows it.
        merge: the steps that follow with the same key become part of this one; empty: none.
        take_up: has a rack played.

    Attributes:
        is_refused: the step is forgotten when it is undone.
    """

    def __init__(
        self, before: RackSpec, after: RackSpec, what: str, merge: str, take_up: Callable[[RackSpec], None]
    ) -> None:
        super().__init__(what)
        self._before, self._after, self._merge, self._take_up = before, after, merge, take_up
        self.is_refused = False

    def id(self) -> int:
        """Steps of one id may be merged; -1: never."""
        return zlib.crc32(self._merge.encode()) & 0x7FFFFFFF if self._merge else -1

    def mergeWith(self, other: QUndoCommand) -> bool:  # noqa: N802
        """Become a step that includes the next one."""
        if not isinstance(other, RackEdit) or other._merge != self._merge:
            return False
        self._after = other._after
        return True

    def undo(self) -> None:
        """Back to what was."""
        self._take_up(self._before)
        self.setObsolete(self.is_refused)  # before `undo` Qt would forget the step without taking it back

    def redo(self) -> None:
        """Forward again; also the first time."""
        self._take_up(self._after)


class RackSender:
    """Has one engine play the newest rack that was asked for; what was overtaken is never sent.

    Args:
        engine: that plays.
        crossing: brings answers back.
        refused: told the rack that goes on playing, and why another one does not.
    """

    def __init__(self, engine: EngineProcess, crossing: Crossing, refused: Callable[[RackSpec, str], None]) -> None:
        self._engine, self._crossing, self._refused = engine, crossing, refused
        self._accepted = self._sent = self._wanted = engine.settings.rack
        self._awaits = False

    def play(self, rack: RackSpec) -> None:
        """Levels at once; plugins and what belongs to them one request after the other."""
        self._wanted = rack
        self._send()

    def _send(self) -> None:
        wanted = self._wanted
        if same(self._sent, wanted):
            return
        if same(_with_levels_of(self._sent, wanted), wanted):
            self._send_levels(wanted)
        elif not self._awaits:
            self._awaits, self._sent = True, wanted
            self._crossing.when_done(self._engine.set_rack(wanted), self._answered)

    def _send_levels(self, wanted: RackSpec) -> None:
        """Past requests that are on their way: the engine's side keeps the levels."""
        before, self._sent = self._sent, wanted
        for name in wanted.strips:
            if wanted.named(name).gain_db != before.named(name).gain_db:
                self._engine.set_gain_db(name, wanted.named(name).gain_db)
        if _muted(before) != _muted(wanted):
            self._engine.set_muted(_muted(wanted))
        if _soloed(before) != _soloed(wanted):
            self._engine.set_soloed(_soloed(wanted))
        if not self._awaits:
            self._accepted = wanted

    def _answered(self, why: str) -> None:
        self._awaits = False
        if why:
            self._sent = self._engine.settings.rack
            self._wanted = self._accepted
            self._refused(self._accepted, why)
        else:
            self._accepted = self._sent
        self._send()


def same(one: RackSpec, other: RackSpec) -> bool:
    """Whether they sound the same; a strip that is not named is as a new one."""
    names = {*one.strips, *other.strips}
    return all(one.named(name) == other.named(name) for name in names) and one.buses(()) == other.buses(())


def _with_levels_of(rack: RackSpec, other: RackSpec) -> RackSpec:
    """With the other one's gains, mutes and solos, as far as the engine takes them without a new rack."""
    for name in other.strips:
        rack = rack.with_strip(name, replace(rack.named(name), gain_db=other.named(name).gain_db))
    return rack.with_levels(muted=_muted(other), soloed=_soloed(other))


def _muted(rack: RackSpec) -> frozenset[str]:
    return _names(rack, lambda strip: strip.muted)


def _soloed(rack: RackSpec) -> frozenset[str]:
    return _names(rack, lambda strip: strip.soloed)


def _names(rack: RackSpec, wanted: Callable[[StripSpec], bool]) -> frozenset[str]:
    return frozenset(name for name, strip in rack.strips.items() if wanted(strip))
