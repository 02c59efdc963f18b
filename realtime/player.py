"""The worker of a conversion: separated stems through the rack to files, until the end or a stop."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from .pipe import PipeSink
from .rack_stream import RackStream
from .recorder import AudioRecorder, StemRecorder
from .subnormals import subnormals_as_zero


@dataclass(slots=True)
class Destinations:
    """Where the sound goes; each may be absent.

    Attributes:
        stems: one file a source, at their levels in the mix.
        mix: one file of the mix, or a pipe.
    """

    stems: StemRecorder | None = None
    mix: AudioRecorder | PipeSink | None = None

    def finish(self) -> None:
        """Complete all files."""
        if self.stems is not None:
            self.stems.finish()
        if self.mix is not None:
            self.mix.finish()

    def discard(self) -> None:
        """Remove all files."""
        if self.stems is not None:
            self.stems.discard()
        if self.mix is not None:
            self.mix.discard()


class Player:
    """Moves a stream to its destinations in a thread of its own.

    Args:
        stream: the separated source, through its rack.
        destinations: where the sound goes.
        longest_samples: stop after so many samples, None to go to the end.

    Attributes:
        played_samples: how far it is, at the source's rate.
        error: what ended the worker before its time, else None.
    """

    def __init__(self, stream: RackStream, destinations: Destinations, longest_samples: int | None = None) -> None:
        self.played_samples = 0
        self.error: BaseException | None = None
        self._stream, self._destinations = stream, destinations
        self._longest_samples = longest_samples
        self._stop, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="advsep-worker", daemon=True)

    @property
    def running(self) -> bool:
        """Whether the worker is still at it."""
        return self._thread.ident is not None and not self._ended.is_set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask for an end after the present block; `wait` for it."""
        self._stop.set()

    def wait(self, timeout_s: float | None = None) -> None:
        """Until the worker has ended, or the time is over; at once where it was never started."""
        # Not by joining with a time limit: in Python 3.11 Ctrl-C in there marks a thread as ended that still runs.
        if self._thread.ident is not None and self._ended.wait(timeout_s):
            self._thread.join()

    def _work(self) -> None:
        try:
            with subnormals_as_zero():
                while not self._stop.is_set() and not self._is_long_enough() and self._step():
                    pass
        except BaseException as error:  # handed to the thread that waits
            self.error = error
        finally:
            self._ended.set()

    def _is_long_enough(self) -> bool:
        return self._longest_samples is not None and self.played_samples >= self._longest_samples

    def _step(self) -> bool:
        block = self._stream.read()
        if block is None:
            return False
        stems, mix = block.stems, block.mix
        if self._longest_samples is not None:
            left = self._longest_samples - self.played_samples
            stems, mix = {name: stem[:left] for name, stem in stems.items()}, mix[:left]
        to = self._destinations
        if to.stems is not None:
            to.stems.write(stems)
        if to.mix is not None:
            to.mix.write(mix)
        self.played_samples += len(mix)
        return True
