"""Pieces of songs out of shards: each once an epoch, dealt out to processes and their workers, shuffled."""

from __future__ import annotations

import io
import json
import random
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..realtime.errors import AdvsepError
from .shards import INDEX_FILE, Shard, read_index, require_shards_extra
from .tracks import STEMS, Track, TrackFiles

BUFFER_PIECES = 12  # of 60 s in stereo, packed: about 130 MB


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a song as it lies in a shard.

    Attributes:
        shard: its tar file.
        key: its name in there.
        files: by the end of their names, as read.
    """

    shard: Path
    key: str
    files: dict[str, bytes]

    def track(self) -> Track:
        """Decoded: int16 [sample, channel], as long as the piece.

        Raises:
            AdvsepError: it is damaged.
        """
        try:
            info: dict[str, Any] = json.loads(self.files["json"])
            stems = [_decoded(self.files[f"{stem}.flac"]) for stem in STEMS]
            if any(len(stem) != info["samples"] for stem in stems):
                raise ValueError("it is too short")
            name = f"{info['track']} at {info['start_sample'] / info['rate_hz']:.1f} s"
            files = TrackFiles(name, str(info["corpus"]), *(self.shard / f"{self.key}.{stem}.flac" for stem in STEMS))
            limits_hz = [float(info["bandwidth_hz"][stem]) for stem in STEMS]
        except (soundfile.LibsndfileError, ValueError, KeyError, TypeError) as error:
            raise _damaged(self.shard, f"piece {self.key}: {error!r:.80}") from None
        return Track(files, stems[0], stems[1], limits_hz[0], limits_hz[1])


class ShardReader:
    """Reads the shards of a folder from their beginnings to their ends.

    Args:
        folder: that `write_shards` filled.
        rate_hz: that is needed.
        seed: the order follows from it, the epoch and who reads.
        rank: of this process among those that train together.
        ranks: how many there are.
        buffer_pieces: that wait in memory; the next one is drawn from them.

    Raises:
        AdvsepError: the folder is not complete, a shard is missing or cut short, or the rate is another.
    """

    def __init__(
        self,
        folder: Path,
        rate_hz: int,
        *,
        seed: int = 0,
        rank: int = 0,
        ranks: int = 1,
        buffer_pieces: int = BUFFER_PIECES,
    ) -> None:
        require_shards_extra()
        self._folder, self._seed, self._rank, self._ranks = folder, seed, rank, ranks
        self._buffer_pieces = buffer_pieces
        self.index = read_index(folder)
        if not self.index.complete:
            raise AdvsepError(
                f"{folder / INDEX_FILE}: lists {len(self.index.shards)} shards and is not complete; "
                "give the same advsep-train shard command again"
            )
        if self.index.rate_hz != rate_hz:
            raise AdvsepError(
                f"{folder / INDEX_FILE}: expected shards of {rate_hz} Hz, found {self.index.rate_hz} Hz; "
                f"write others with advsep-train shard --rate {rate_hz}"
            )
        for shard in self.index.shards:
            self._check_size(shard)

    def pieces(self, epoch: int, worker: int = 0, workers: int = 1) -> Iterator[Piece]:
        """This reader's pieces of an epoch; together, all ranks' and workers' are every piece once.

        Args:
            epoch: from 0.
            worker: of this process, from 0.
            workers: how many each process has.

        Raises:
            AdvsepError: there are fewer shards than readers, or one is damaged.
        """
        readers = self._ranks * workers
        if len(self.index.shards) < readers:
            raise AdvsepError(
                f"{self._folder}: {len(self.index.shards)} shards for {readers} readers, expected one each at least; "
                "write smaller ones (--size-mb) or take fewer --workers"
            )
        order = np.random.default_rng([self._seed, epoch]).permutation(len(self.index.shards))
        mine = order[self._rank * workers + worker :: readers]
        rng = random.Random(f"{self._seed}/{epoch}/{self._rank}/{worker}")
        found = (piece for number in mine for piece in self._read(self.index.shards[int(number)]))
        shuffle = require_shards_extra().filters.shuffle(self._buffer_pieces, initial=self._buffer_pieces, rng=rng)
        return shuffle(found)

    def endless(self, worker: int = 0, workers: int = 1) -> Iterator[Piece]:
        """This reader's pieces, epoch after epoch."""
        epoch = 0
        while True:
            yield from self.pieces(epoch, worker, workers)
            epoch += 1

    def _check_size(self, shard: Shard) -> None:
        path = self._folder / shard.file
        try:
            size = path.stat().st_size
        except OSError as error:
            raise AdvsepError(f"{path}: cannot be read: {error.strerror}; get a whole copy of the folder") from None
        if size != shard.bytes:
            raise _damaged(path, f"has {size} bytes instead of {shard.bytes}")

    def _read(self, shard: Shard) -> Iterator[Piece]:
        path, count = self._folder / shard.file, 0
        tar: Any = require_shards_extra().tariterators
        try:
            with path.open("rb") as file:
                source = iter([{"url": str(path), "stream": file}])
                for sample in tar.group_by_keys(tar.tar_file_expander(source)):
                    count += 1
                    files = {name: data for name, data in sample.items() if not name.startswith("__")}
                    yield Piece(path, sample["__key__"], files)
        except (OSError, tarfile.TarError, ValueError) as error:
            raise _damaged(path, str(error.args[0] if error.args else error)) from None
        if count != shard.pieces:
            raise _damaged(path, f"holds {count} pieces instead of {shard.pieces}")


def _decoded(flac: bytes) -> NDArray[np.int16]:
    read: tuple[Any, int] = soundfile.read(io.BytesIO(flac), dtype="int16", always_2d=True)
    return read[0]


def _damaged(path: Path, why: str) -> AdvsepError:
    return AdvsepError(
        f"{path}: cut short or damaged ({why}); copy it again, or delete the folder and write it with "
        "advsep-train shard"
    )
