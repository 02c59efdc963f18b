"""Chunks of an entry made in any order: a song separated from a place on, warmed up by what comes before it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from ..model import ModelSession
from ..sample_queue import SampleQueue
from ..source import FileSource
from ..stems import HOPS_AT_ONCE, StemStream
from .stem_chunks import write_chunk
from .stem_entry import StemEntry, StemError

PRE_ROLL_S = 2.0
"""Sound that is separated, and thrown away, before the first chunk after a jump.

How far such a chunk differs from one of a continuous run depends on how long the network remembers. With live-12 the
difference of the two voices, the mean of twelve places in three songs (and the worst of them), is so many dB below the
voice: 19.8 (16.2) with no pre-roll, 24.1 (17.1) with 2 s, 23.5 (18.0) with 4 s, 25.7 (21.7) with 8 s, 27.1 (20.8) with
12 s. More than 2 s buys little, and costs waiting after a seek. The two stems add up to the song in any case.
"""
_LONGEST_GRID_S = 4.0  # beyond it hops lie elsewhere than in a continuous run


class StemMaker:
    """Separates a song into the chunks of its entry.

    Chunks made one after the other are those of one `StemStream` to the last bit (of 24). The first one after a jump
    carries a lead, over which it is faded in after the chunk before.

    Args:
        song: a sound file.
        entry: of that song; whoever makes chunks holds its worker lock.
        model: opened with `max_frames` of `HOPS_AT_ONCE`.
        pre_roll_s: see `PRE_ROLL_S`.

    Raises:
        SourceError: the song cannot be used.
        StemError: it is another one than the entry's.
    """

    def __init__(self, song: Path, entry: StemEntry, model: ModelSession, pre_roll_s: float = PRE_ROLL_S) -> None:
        self._source = FileSource(song)
        if (self._source.rate_hz, self._source.samples) != (entry.rate_hz, entry.samples):
            self._source.close()
            raise StemError(f"{song}: it was changed while it was read; choose it again")
        self._entry, self._model, self._pre_roll_s = entry, model, pre_roll_s
        self._grid = _grid_samples(entry.rate_hz, model)
        self._go_to(0)

    def make(self, index: int, given_up: Callable[[], bool]) -> bool:
        """Make a chunk; whether it is there now.

        Args:
            index: which one.
            given_up: asked several times a second of sound whether it is still wanted.

        Raises:
            SourceError: the song is damaged there.
            StemError: the chunk cannot be written.
            AdvsepError: the song and the model do not go together.
        """
        if index != self._next:
            self._go_to(index)
        length = self._entry.chunk_length(index)
        while self._mixture.held < self._lead + length:
            if given_up():
                return False
            self._separate()
        mixture, vocals = self._mixture.take(self._lead + length), self._vocals.take(self._lead + length)
        path = self._entry.chunk_path(index)
        try:
            write_chunk(path, mixture, vocals, self._lead, self._entry.rate_hz)
        except OSError as error:
            raise StemError(
                f"{path}: cannot be written: {error.strerror}; what was separated before stays: free some space, or "
                "see who may write there, and choose the song again"
            ) from None
        self._next, self._lead = index + 1, 0
        return True

    def close(self) -> None:
        """Let go of the song."""
        self._source.close()

    def _go_to(self, index: int) -> None:
        start, rate_hz = index * self._entry.chunk_samples, self._entry.rate_hz
        begin = max(0, start - round(self._pre_roll_s * rate_hz)) // self._grid * self._grid
        self._lead = min(self._entry.lead_samples, start - begin)
        self._to_skip = start - begin - self._lead
        self._source.seek(begin)
        self._stream = StemStream(self._source, self._model, HOPS_AT_ONCE)
        self._stream.warm_up()
        self._mixture, self._vocals = SampleQueue(self._source.channels), SampleQueue(self._source.channels)
        self._next = index

    def _separate(self) -> None:
        block = self._stream.read()
        if block is None:
            raise StemError(f"{self._source.name}: ended before its last sample; get a whole copy")
        skipped = min(self._to_skip, len(block.mixture))
        self._to_skip -= skipped
        self._mixture.put(block.mixture[skipped:])
        self._vocals.put(block.stems[self._model.spec.sources[0]][skipped:])


def _grid_samples(rate_hz: int, model: ModelSession) -> int:
    """Samples of a song after which its samples at the model's rate, and the hops, lie as at its start."""
    signal = model.spec.signal
    model_rate_hz = rate_hz if rate_hz in signal.native_rates_hz else signal.sample_rate_hz
    period = rate_hz // math.gcd(rate_hz, model_rate_hz)
    model_period = period * model_rate_hz // rate_hz
    grid = period * (signal.hop_samples // math.gcd(signal.hop_samples, model_period))
    return grid if grid <= _LONGEST_GRID_S * rate_hz else 1
