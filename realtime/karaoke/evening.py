"""Who sings what next: a queue of songs and singers that outlives a crash."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from .evening_file import MOST_HISTORY, MOST_SINGERS, Entry, Kept, Sung, read_evening, write_evening
from .evening_turns import turns

Listener = Callable[[], None]


class Evening:
    """A queue of songs, who sings them and how, and what was sung.

    Belongs to one thread. Each change is written to the file before listeners are told, so that a program
    that is killed finds the queue and the song that was being sung again.

    In fair order singers take turns, see `evening_turns`; else the queue is sung as it was put together.

    Args:
        path: of a JSON file, made with the first change; a damaged one is put aside. None: remember nothing.

    Attributes:
        notes: what was wrong with the file, in words; empty as a rule.
        trouble: why the last change could not be written; empty: it was. The queue goes on in any case.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._kept, self.notes = (Kept(), []) if path is None else read_evening(path)
        self._listeners: list[Listener] = []
        self._removed: list[tuple[int, Entry]] | None = None
        self.trouble = ""

    @property
    def current(self) -> Entry | None:
        """What is being sung."""
        return self._kept.current

    @property
    def queue(self) -> tuple[Entry, ...]:
        """What follows, the next one first."""
        kept = self._kept
        return turns(kept.queue, self._singers_of_history()) if kept.fair else kept.queue

    @property
    def history(self) -> tuple[Sung, ...]:
        """What is over, the oldest first."""
        return self._kept.history

    @property
    def singers(self) -> tuple[str, ...]:
        """Names that were used, the latest first; of other evenings, too."""
        return self._kept.singers

    @property
    def fair(self) -> bool:
        """Whether singers take turns."""
        return self._kept.fair

    @property
    def can_undo(self) -> bool:
        """Whether something was removed that can come back."""
        return self._removed is not None

    def entry(self, number: int) -> Entry | None:
        """One of the queue, or the current one, by its number."""
        among = self._kept.queue if self.current is None else (self.current, *self._kept.queue)
        return next((entry for entry in among if entry.number == number), None)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have a function called after each change; returns what ends that."""
        self._listeners.append(listener)

        def end() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(listener)

        return end

    def add(
        self, song: Path, title: str, singer: str = "", *, key_semitones: int = 0, tempo: float = 1.0, note: str = ""
    ) -> Entry:
        """Put a song at the queue's end.

        Args:
            song: its file.
            title: as it is listed.
            singer: who sings; empty: nobody said.
            key_semitones: up or down, within `KEY_RANGE`, the nearest else.
            tempo: 1 is the song's own; within `TEMPO_RANGE`, the nearest else.
            note: any words.
        """
        kept = self._kept
        plain = Entry(kept.next_number, str(song), title or song.stem)
        entry = _changed(plain, singer=singer, key_semitones=key_semitones, tempo=tempo, note=note)
        self._become(
            replace(kept, queue=(*kept.queue, entry), next_number=kept.next_number + 1).with_singer(entry.singer)
        )
        return entry

    def change(
        self,
        number: int,
        *,
        singer: str | None = None,
        key_semitones: int | None = None,
        tempo: float | None = None,
        note: str | None = None,
    ) -> Entry | None:
        """Change what is given, of an entry of the queue or the current one; None: there is none of that number."""
        kept, entry = self._kept, self.entry(number)
        if entry is None:
            return None
        changed = _changed(entry, singer=singer, key_semitones=key_semitones, tempo=tempo, note=note)
        queue = tuple(changed if each.number == number else each for each in kept.queue)
        current = changed if kept.current is not None and kept.current.number == number else kept.current
        self._become(replace(kept, queue=queue, current=current).with_singer(changed.singer))
        return changed

    def remove(self, number: int) -> Entry | None:
        """Take an entry out of the queue; None: there is none of that number. Can be undone."""
        for place, entry in enumerate(self._kept.queue):
            if entry.number == number:
                self._removed = [(place, entry)]
                self._become(replace(self._kept, queue=_without(self._kept.queue, number)))
                return entry
        return None

    def clear(self) -> int:
        """Empty the queue; how many there were. Can be undone."""
        queue = self._kept.queue
        if queue:
            self._removed = list(enumerate(queue))
            self._become(replace(self._kept, queue=()))
        return len(queue)

    def undo_removal(self) -> tuple[Entry, ...]:
        """Bring back what was removed last, to its place or as near as there is; nothing: () ."""
        removed, self._removed = self._removed or [], None
        queue = list(self._kept.queue)
        for place, entry in removed:
            queue.insert(min(place, len(queue)), entry)
        if removed:
            self._become(replace(self._kept, queue=tuple(queue)))
        return tuple(entry for _, entry in removed)

    def move(self, number: int, by: int) -> bool:
        """Move an entry towards the front (below 0) or the end; whether it moved.

        In fair order it changes places with the same singer's other songs, whose turns stay where they are.
        """
        queue = list(self._kept.queue)
        moved = next((entry for entry in queue if entry.number == number), None)
        if moved is None:
            return False
        places = [place for place, each in enumerate(queue) if not self.fair or each.singer == moved.singer]
        at = next(i for i, place in enumerate(places) if queue[place] is moved)
        to = min(max(at + by, 0), len(places) - 1)
        if to == at:
            return False
        among = [queue[place] for place in places]
        among.insert(to, among.pop(at))
        for place, entry in zip(places, among, strict=True):
            queue[place] = entry
        self._become(replace(self._kept, queue=tuple(queue)))
        return True

    def next(self) -> Entry | None:
        """The current song was sung, the next one begins; None: there is none, and nothing is current."""
        return self._go_on(sung=True, number=None)

    def skip(self) -> Entry | None:
        """The current song, or the first where none is, is passed over, and the next one begins.

        The turn goes on to the next singer: who is not there when called does not hold up the others.
        """
        if self.current is None and self.queue:
            first = self.queue[0]
            kept = self._kept
            self._kept = replace(
                kept, queue=_without(kept.queue, first.number), history=(*kept.history, Sung(first, sung=False))
            )
        return self._go_on(sung=False, number=None)

    def start(self, number: int) -> Entry | None:
        """Sing an entry of the queue now, out of turn; what is current counts as passed over."""
        if all(entry.number != number for entry in self._kept.queue):
            return None
        return self._go_on(sung=False, number=number)

    def finish(self) -> None:
        """The current song was sung, and nothing follows yet."""
        kept = self._kept
        if kept.current is not None:
            self._become(replace(kept, current=None, history=(*kept.history, Sung(kept.current))))

    def set_fair(self, on: bool) -> None:
        """Have singers take turns, or sing in the order in which the songs were put together."""
        if on != self.fair:
            self._become(replace(self._kept, fair=on))

    def begin_anew(self) -> None:
        """Forget the queue and what was sung, as another evening begins; the singers' names are kept."""
        kept = self._kept
        self._removed = list(enumerate(kept.queue)) or None
        self._become(replace(kept, current=None, queue=(), history=()))

    def forget_singer(self, singer: str) -> None:
        """No longer offer a name."""
        self._become(replace(self._kept, singers=tuple(name for name in self._kept.singers if name != singer)))

    def _go_on(self, *, sung: bool, number: int | None) -> Entry | None:
        kept = self._kept
        if kept.current is not None:
            kept = replace(kept, history=(*kept.history, Sung(kept.current, sung)), current=None)
            self._kept = kept  # whose turn it is depends on it
        queue = self.queue
        following = next((entry for entry in queue if number is None or entry.number == number), None)
        if following is not None:
            kept = replace(kept, current=following, queue=_without(kept.queue, following.number))
        self._become(kept)
        return following

    def _singers_of_history(self) -> list[str]:
        singers = [each.entry.singer for each in self._kept.history]
        return singers if self.current is None else [*singers, self.current.singer]

    def _become(self, kept: Kept) -> None:
        self._kept = replace(kept, history=kept.history[-MOST_HISTORY:], singers=kept.singers[:MOST_SINGERS])
        self.trouble = "" if self._path is None else write_evening(self._path, self._kept)
        for listener in tuple(self._listeners):
            listener()


def _without(queue: tuple[Entry, ...], number: int) -> tuple[Entry, ...]:
    return tuple(entry for entry in queue if entry.number != number)


def _changed(
    entry: Entry, *, singer: str | None, key_semitones: int | None, tempo: float | None, note: str | None
) -> Entry:
    """What is given, within its range."""
    if singer is not None:
        entry = replace(entry, singer=" ".join(singer.split()))
    if key_semitones is not None:
        entry = replace(entry, key_semitones=key_semitones)
    if tempo is not None:
        entry = replace(entry, tempo=tempo)
    return (entry if note is None else replace(entry, note=" ".join(note.split()))).within_ranges()
