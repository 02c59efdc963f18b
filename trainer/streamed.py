"""Training examples out of shards: remixed from a window of pieces that moves through them.

Each worker reads its own shards and makes its own lanes, so nothing is read or made twice. Every batch follows from
the seed, the step and the number of workers: a resumed run of as many sees what an uninterrupted one would.
"""

from __future__ import annotations

import dataclasses
import os
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from ..realtime.errors import AdvsepError
from ..realtime.spec import SignalSpec
from .config import TrainConfig
from .pool import Sources
from .remix import Batch, Excerpt, Remixer, batches
from .shard_reader import Piece, ShardReader
from .tracks import Track

WINDOW_PIECES = 12  # of 60 s in stereo: about 250 MB a worker


class StreamedRemixer(Dataset[Batch]):
    """Item n is the part of step n // parts that worker n % parts makes; read in order, or it begins anew each time.

    Args:
        reader: of the shards.
        spec: the model's signal path.
        config: sizes, probabilities and the seed.
        lanes: numbers of the lanes to make; None: all of them.
        workers: processes that make examples; 0: this one.
        window_pieces: that examples are drawn from at a time.

    Raises:
        AdvsepError: lanes that cannot be dealt out evenly.
    """

    def __init__(
        self,
        reader: ShardReader,
        spec: SignalSpec,
        config: TrainConfig,
        lanes: Sequence[int] | None = None,
        workers: int = 0,
        window_pieces: int = WINDOW_PIECES,
    ) -> None:
        self._reader, self._spec, self._config = reader, spec, config
        self._lanes = list(range(config.lanes) if lanes is None else lanes)
        self.parts, self._window_pieces = max(1, workers), window_pieces
        if len(self._lanes) % self.parts:
            raise AdvsepError(
                f"--workers {workers}: expected a number that divides the {len(self._lanes)} lanes of this process"
            )
        self._streams: dict[int, tuple[tuple[int, int], _LaneStream]] = {}

    def __len__(self) -> int:
        return self._config.steps * self.parts

    def __getitem__(self, number: int) -> Batch:
        step, part = divmod(number, self.parts)
        held = self._streams.get(part)
        # A stream goes forward only, and its open file is not to be shared with a process forked off.
        if held is None or held[0] != (os.getpid(), step):
            held = ((os.getpid(), step), self._stream(part, step))
        batch = held[1][step]
        self._streams[part] = ((os.getpid(), step + 1), held[1])
        return batch

    def _stream(self, part: int, step: int) -> _LaneStream:
        size = len(self._lanes) // self.parts
        lanes = self._lanes[part * size : (part + 1) * size]
        pieces = self._reader.endless(part, self.parts)
        uses = self._uses_of_a_piece()
        made = _LaneStream(pieces, self._window_pieces, uses, self._spec, self._config, lanes)
        made.go_on_from(step)
        return made

    def _uses_of_a_piece(self) -> int:
        """Excerpts that are made before the next piece comes in: each second is heard about once an epoch."""
        config = self._config
        frames = config.segment_frames * config.excerpt_segments
        excerpt_s = frames * self._spec.hop_samples / self._spec.sample_rate_hz
        return max(1, round(self._reader.index.piece_s / excerpt_s))


def streamed_batches(examples: StreamedRemixer, count: int, first: int, workers: int) -> Iterator[Batch]:
    """Batches of all lanes from number `first` to the last of `count`, made ahead by `workers` processes."""
    parts = batches(examples, count * examples.parts, first * examples.parts, workers)
    for _ in range(first, count):
        yield _joined([next(parts) for _ in range(examples.parts)])


def _joined(parts: list[Batch]) -> Batch:
    names = [field.name for field in dataclasses.fields(Batch)]
    return Batch(**{name: torch.cat([getattr(part, name) for part in parts]) for name in names})


class _LaneStream(Remixer):
    """Some lanes, remixed from the last pieces of a stream."""

    def __init__(
        self,
        pieces: Iterator[Piece],
        window_pieces: int,
        uses: int,
        spec: SignalSpec,
        config: TrainConfig,
        lanes: Sequence[int],
    ) -> None:
        super().__init__(Sources([]), spec, config, lanes)
        self._pieces, self._uses = pieces, uses
        self._window: deque[Piece] = deque(maxlen=window_pieces)
        self._decoded: dict[tuple[Path, str], Track] = {}
        self._made = 0

    def go_on_from(self, first: int) -> None:
        """Do what steps 0 to `first` - 1 would have done to the stream; only what still sounds is made."""
        count = self._config.excerpt_segments
        for step in range(first):
            for lane in self._numbers:
                number, segment = divmod(step + lane % count, count)
                if segment and step:
                    continue
                if step > first - count:
                    self._excerpt(lane, number)
                else:
                    self._advance()

    def _make_excerpt(self, rng: np.random.Generator, rate_hz: int) -> Excerpt:
        self._advance()
        self._decode()
        return super()._make_excerpt(rng, rate_hz)

    def _advance(self) -> None:
        if not self._window:
            assert self._window.maxlen is not None
            self._window.extend(next(self._pieces) for _ in range(self._window.maxlen))
        elif self._made % self._uses == 0:
            self._window.append(next(self._pieces))
        self._made += 1

    def _decode(self) -> None:
        """What has come into the window since."""
        here = {(piece.shard, piece.key): piece for piece in self._window}
        if here.keys() != self._decoded.keys():
            self._decoded = {key: self._decoded.get(key) or piece.track() for key, piece in here.items()}
            sources = Sources(list(self._decoded.values()))
            self._pools = sources.pools(self._config.remix, self._spec.sample_rate_hz)
