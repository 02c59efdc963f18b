"""The fair order of a queue: singers take turns."""

from __future__ import annotations

from collections.abc import Sequence

from .evening_file import Entry


def turns(queue: Sequence[Entry], sung_by: Sequence[str]) -> tuple[Entry, ...]:
    """A queue in the order in which it is fair to sing it.

    The next turn belongs to the singer whose last turn is longest ago; who has had none comes before all
    who have. Among those that have had none, who stands first in the queue comes first. A singer's own songs
    keep their order, and songs without a singer count as one singer's.

    A song that was passed over was a turn, too, so that who is not there does not hold up the others.
    Who comes late waits for one song at most, and does not make up for what others sang before.

    Args:
        queue: as it was put together.
        sung_by: singers of the turns so far, the latest last.
    """
    last_turn = {singer: turn for turn, singer in enumerate(sung_by)}  # the latest of each
    waiting: dict[str, list[Entry]] = {}
    for entry in queue:
        waiting.setdefault(entry.singer, []).append(entry)
    order: list[Entry] = []
    for turn in range(len(sung_by), len(sung_by) + len(queue)):
        # Equal only where there was no turn; then `min` takes the first in the queue.
        singer = min(waiting, key=lambda singer: last_turn.get(singer, -1))
        order.append(waiting[singer].pop(0))
        last_turn[singer] = turn
        if not waiting[singer]:
            del waiting[singer]
    return tuple(order)
