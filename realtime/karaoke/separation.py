"""A song on its way to be separated, ahead of the playhead: a process that works, watched, and started again.

Nothing but files crosses from that process: whoever plays reads them through a `StemSource` of the same entry.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from ..errors import AdvsepError
from ..registry import best_model
from .separation_process import SeparationProcess
from .stem_cache import StemCache
from .stem_entry import StemError

MOST_CRASHES, CRASHES_WITHIN_S = 3, 30.0


@dataclass(frozen=True, slots=True)
class SeparationProgress:
    """How far it is.

    Attributes:
        done: chunks that are there.
        total: chunks of the song.
        speed: seconds of sound separated a second, by this process; 0 before its first chunk.
    """

    done: int
    total: int
    speed: float


class Separation:
    """Separates a song into the cache, from the playhead on and round to what is missing before it.

    Returns at once; use `StemSource(separation.entry)` to read. Where another process separates the same song already,
    this one waits, and takes over if that one ends too early; until then that one's playhead counts.
    Where all is there, no process is started. As a context manager it is closed.

    Args:
        song: a sound file, mono or stereo.
        cache: where the stems go.
        model: of the bundled ones by name, or a model file's path; None: the best.
        position_s: where to begin.

    Attributes:
        entry: of the cache, kept from being removed until `close`.

    Raises:
        AdvsepError: as `StemCache.open`.
    """

    def __init__(self, song: Path, cache: StemCache, model: str | None = None, *, position_s: float = 0.0) -> None:
        self._song, self._cache, self._position_s = song, cache, position_s
        self._model = best_model() if model is None else model
        self.entry = cache.open(song, self._model)
        self._lock = threading.RLock()
        self._process: SeparationProcess | None = None
        self._watcher: threading.Thread | None = None
        self._crashes: deque[float] = deque(maxlen=MOST_CRASHES)
        self._speed, self._closing = 0.0, False
        self._error: AdvsepError | None = None
        self._start_if_needed()

    def __enter__(self) -> Separation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @staticmethod
    def prewarm(model: str | None = None) -> None:
        """Have a process wait, with all that takes time loaded, for the next song, which takes it.

        Good for when the program starts, and once the song before is under way. It costs 0.24 GB of memory, half of
        which it shares with other processes of ours. Where one waits already, nothing happens.

        Args:
            model: what it loads; any other one works as well, but later.
        """
        _SPARE.fill(best_model() if model is None else model)

    @staticmethod
    def let_go() -> None:
        """End the process that `prewarm` has wait, if there is one."""
        _SPARE.empty()

    @property
    def process_id(self) -> int | None:
        """Of the process, while there is one."""
        with self._lock:
            return None if self._process is None else self._process.process_id

    @property
    def error(self) -> AdvsepError | None:
        """Why it does not go on, in words for the user; None: it does, or is done."""
        with self._lock:
            return self._error

    @property
    def progress(self) -> SeparationProgress:
        """As the disk has it now."""
        return SeparationProgress(len(self.entry.present()), self.entry.chunks, self._speed)

    @property
    def is_complete(self) -> bool:
        """Whether the whole song is there."""
        return len(self.entry.present()) == self.entry.chunks

    def margin_s(self, position_s: float) -> float:
        """How much sound from a place on can be played without waiting, s."""
        return self.entry.margin_s(position_s)

    def prefer(self, position_s: float) -> None:
        """Say where the playhead is, as often as one likes: the first missing chunk from there on comes next.

        What has vanished from a song that was complete is made again.
        """
        with self._lock:
            self._position_s = position_s
            if self._process is not None:
                self._process.send("prefer", position_s=position_s)
            self._start_if_needed()

    def close(self) -> None:
        """End the process; what is there stays. More than once is fine."""
        with self._lock:
            self._closing = True
            watcher = self._watcher
            if self._process is not None:
                self._process.kill()
        if watcher is not None:
            watcher.join()
        self.entry.close()

    def _start_if_needed(self) -> None:
        with self._lock:
            if self._watcher is None and not self._closing and self._error is None and not self.is_complete:
                self._watcher = threading.Thread(target=self._watch, name="advsep-separation", daemon=True)
                self._watcher.start()

    def _watch(self) -> None:
        """The thread that starts processes and sees them end."""
        goes_on = True
        while goes_on:
            try:
                goes_on = self._attend()
            except Exception as error:
                why = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
                self._fail(StemError(f"{self._song}: no process can separate it ({why}); choose it again"))
                goes_on = False
        with self._lock:
            if not self._closing:
                self._watcher = None

    def _attend(self) -> bool:
        """One process from its start to its end; whether another one is needed."""
        with self._lock:
            if self._closing:
                return False
            self._process = process = _SPARE.take() or SeparationProcess()
            process.send(
                "work",
                song=str(self._song.absolute()),
                folder=str(self._cache.folder.absolute()),
                limit_bytes=self._cache.limit_bytes,
                model=self._model,
                position_s=self._position_s,
            )
        words, is_done = "", False
        for message in process.messages():
            match message:
                case {"say": "made", "speed": float(speed)}:
                    self._speed = speed
                case {"say": "done"}:
                    is_done = True
                case {"say": "refused", "words": str(said)}:
                    self._fail(StemError(said))
                case {"say": "broken", "words": str(said)}:
                    words = said
                case _:
                    pass
        with self._lock:
            self._process = None
        ended = process.end()
        if is_done or self._error is not None or self._closing:
            return False
        return self._survives(words or ended)

    def _survives(self, words: str) -> bool:
        """Whether to try again after a crash."""
        now_s = time.monotonic()
        self._crashes.append(now_s)
        if len(self._crashes) < MOST_CRASHES or now_s - self._crashes[0] > CRASHES_WITHIN_S:
            return True
        self._fail(
            StemError(
                f"{self._song}: separating it ended {MOST_CRASHES} times within {CRASHES_WITHIN_S:g} s, at last: "
                f"{words}; choose another model, or the song again"
            )
        )
        return False

    def _fail(self, error: AdvsepError) -> None:
        with self._lock:
            self._error = error


class _Spare:
    """At most one process that waits for work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: SeparationProcess | None = None

    def fill(self, model: str) -> None:
        with self._lock:
            if self._process is None or not self._process.is_alive:
                try:
                    self._process = SeparationProcess()
                except OSError:  # a song that is chosen says it better
                    return
                self._process.send("warm", model=model)

    def take(self) -> SeparationProcess | None:
        with self._lock:
            process, self._process = self._process, None
        if process is not None and not process.is_alive:
            process.end()
            return None
        return process

    def empty(self) -> None:
        process = self.take()
        if process is not None:
            process.end()


_SPARE = _Spare()
