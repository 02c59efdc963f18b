"""Shards: tar files of long decoded pieces of songs, for sets that are larger than a disk's cache.

A folder holds `shard-00000.tar` and so on, and `shards.json`, which lists those that are whole. A piece is two FLAC
files of 16 bits and a JSON file of one name, as WebDataset lays them out.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..realtime.errors import AdvsepError
from ..realtime.strict import FormatError, from_plain
from ..realtime.whole_file import whole_file
from .datasets.render import as_track_files
from .datasets.track import DatasetTrack
from .tracks import STEMS, Track, load_tracks

INDEX_FILE, INDEX_VERSION = "shards.json", 1
PIECE_S = 60.0
_DECODING = ".decoding-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One tar file: its name, its size, and the pieces and samples a stem that it holds."""

    file: str
    bytes: int
    pieces: int
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardIndex:
    """Contents of `shards.json`.

    Attributes:
        schema_version: of this table.
        rate_hz: of all pieces.
        piece_s: about how long a piece is.
        made_of: hash of the tracks' files and of the settings, so that another set is not taken for a part of this.
        next_track: with which track, in the order of writing, the next shard begins; how many there are when all is
            done.
        next_piece: and with which of its pieces.
        complete: whether all tracks are in.
        shards: in the order of writing.
    """

    schema_version: int
    rate_hz: int
    piece_s: float
    made_of: str
    next_track: int = 0
    next_piece: int = 0
    complete: bool = False
    shards: tuple[Shard, ...] = ()


def read_index(folder: Path) -> ShardIndex:
    """What `shards.json` says.

    Raises:
        AdvsepError: it is missing, damaged or of another version.
    """
    path = folder / INDEX_FILE
    try:
        plain: Any = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise AdvsepError(
            f"{path}: cannot be read: {error.strerror}; give a folder that advsep-train shard wrote"
        ) from None
    except ValueError as error:
        raise FormatError(f"{path}: not JSON: {error}") from None
    index = from_plain(ShardIndex, plain, str(path))
    if index.schema_version != INDEX_VERSION:
        raise AdvsepError(f"{path}: expected version {INDEX_VERSION}, found {index.schema_version}; write it anew")
    return index


def require_shards_extra() -> Any:
    """The module webdataset.

    Raises:
        AdvsepError: it is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module("webdataset")
    except ImportError:
        raise AdvsepError("shards need their extra (missing: webdataset): pip install 'advsep[shards]'") from None


def write_shards(
    tracks: Sequence[DatasetTrack],
    out: Path,
    rate_hz: int,
    size_bytes: int,
    piece_s: float = PIECE_S,
    on_track: Callable[[DatasetTrack], None] = lambda track: None,
) -> ShardIndex:
    """Write the shards that are still missing; one that is there is whole.

    Songs lie in an order that a hash of their names gives, so that a shard holds songs of many corpora. One song at a
    time is decoded, beside the shards. What a stop leaves undone is made up for by the same call.

    Args:
        tracks: with both sources.
        out: folder; made where it is missing.
        rate_hz: to resample to.
        size_bytes: a shard is closed when it has so many.
        piece_s: songs are cut into pieces of about this length, all of a song alike.
        on_track: called after each track, also those that were there.

    Raises:
        AdvsepError: a stem cannot be read, the folder holds shards of something else, or the disk is full.
    """
    ordered = sorted(tracks, key=lambda track: hashlib.sha256(f"{track.corpus}/{track.name}".encode()).digest())
    index = ShardIndex(
        schema_version=INDEX_VERSION,
        rate_hz=rate_hz,
        piece_s=piece_s,
        made_of=_made_of(ordered, rate_hz, size_bytes, piece_s),
    )
    if (out / INDEX_FILE).exists():
        before = read_index(out)
        if before.made_of != index.made_of:
            raise AdvsepError(
                f"{out}: holds shards of other recordings or of other settings; choose another folder or delete it"
            )
        index = before
    for track in ordered[: index.next_track]:
        on_track(track)
    if index.complete:
        return index
    try:
        out.mkdir(parents=True, exist_ok=True)
        for left in out.glob(f"{_DECODING}*"):
            shutil.rmtree(left, ignore_errors=True)
        return _Writer(out, index, size_bytes).write(ordered, on_track)
    except OSError as error:
        why = error.strerror or str(error)
        raise AdvsepError(f"{out}: cannot be written: {why}; make room and give the same command again") from None


class _Writer:
    """Fills one tar file after the other; a file gets its name when it is whole."""

    def __init__(self, out: Path, index: ShardIndex, size_bytes: int) -> None:
        self._out, self._index, self._size_bytes = out, index, size_bytes
        self._webdataset = require_shards_extra()
        self._file: BinaryIO | None = None
        self._tar: Any = None
        self._pieces = self._samples = 0

    def write(self, ordered: Sequence[DatasetTrack], on_track: Callable[[DatasetTrack], None]) -> ShardIndex:
        """All tracks from where the index says."""
        try:
            for number in range(self._index.next_track, len(ordered)):
                skip = self._index.next_piece if number == self._index.next_track else 0
                for piece, count, sample in self._pieces_of(ordered[number], skip):
                    self._add(f"{number:06d}-{piece:04d}", sample)
                    if self._file is not None and self._file.tell() >= self._size_bytes:
                        last = piece + 1 == count
                        self._close_shard(number + last, 0 if last else piece + 1)
                on_track(ordered[number])
            if self._pieces:
                self._close_shard(len(ordered), 0)
        finally:
            if self._file is not None:
                for each in (self._tar, self._file):
                    with contextlib.suppress(OSError):
                        each.close()
                self._partial.unlink(missing_ok=True)
        self._keep(dataclasses.replace(self._index, complete=True))
        return self._index

    def _pieces_of(self, track: DatasetTrack, skip: int) -> Iterator[tuple[int, int, dict[str, bytes]]]:
        """Number, how many there are, and files of each piece from number `skip` on."""
        with tempfile.TemporaryDirectory(dir=self._out, prefix=_DECODING) as made:
            files = as_track_files([track], Path(made) / "stems")
            for decoded in load_tracks(files, self._index.rate_hz, Path(made)):
                edges = piece_edges(len(decoded.vocals), self._index.rate_hz, self._index.piece_s)
                for piece in range(skip, len(edges) - 1):
                    sample = _files_of(decoded, self._index.rate_hz, edges[piece], edges[piece + 1])
                    self._samples += edges[piece + 1] - edges[piece]
                    yield piece, len(edges) - 1, sample

    @property
    def _partial(self) -> Path:
        return self._out / f"shard-{len(self._index.shards):05d}.tar.partial"

    def _add(self, key: str, sample: dict[str, bytes]) -> None:
        if self._file is None:
            self._file = self._partial.open("wb")
            # Without a time of day in it the same songs make the same bytes.
            self._tar = self._webdataset.TarWriter(self._file, encoder=False, compress=False, mtime=0)
        self._tar.write({"__key__": key, **sample})
        self._pieces += 1

    def _close_shard(self, next_track: int, next_piece: int) -> None:
        assert self._file is not None
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        size = self._file.tell()
        self._file.close()
        name = self._partial.name.removesuffix(".partial")
        os.replace(self._partial, self._out / name)
        shard = Shard(file=name, bytes=size, pieces=self._pieces, samples=self._samples)
        self._file, self._tar, self._pieces, self._samples = None, None, 0, 0
        shards = (*self._index.shards, shard)
        self._keep(dataclasses.replace(self._index, shards=shards, next_track=next_track, next_piece=next_piece))

    def _keep(self, index: ShardIndex) -> None:
        with whole_file(self._out / INDEX_FILE) as partial:
            partial.write_text(json.dumps(dataclasses.asdict(index), indent=1) + "\n", "utf-8")
        self._index = index


def piece_edges(samples: int, rate_hz: int, piece_s: float) -> list[int]:
    """Where a song is cut: pieces as equal as they can be, so that no short rest is left."""
    count = max(1, round(samples / (piece_s * rate_hz)))
    return [round(i * samples / count) for i in range(count + 1)]


def _files_of(track: Track, rate_hz: int, start: int, end: int) -> dict[str, bytes]:
    info = {
        "corpus": track.files.corpus,
        "track": track.files.name,
        "start_sample": start,
        "samples": end - start,
        "rate_hz": rate_hz,
        "bandwidth_hz": {"vocals": track.vocals_bandwidth_hz, "accompaniment": track.accompaniment_bandwidth_hz},
    }
    stems = zip(STEMS, (track.vocals, track.accompaniment), strict=True)
    sounds = {f"{stem}.flac": _flac(samples[start:end], rate_hz) for stem, samples in stems}
    return {**sounds, "json": json.dumps(info, ensure_ascii=False).encode()}


def _flac(samples: NDArray[np.int16], rate_hz: int) -> bytes:
    made = io.BytesIO()
    soundfile.write(made, samples, rate_hz, format="FLAC", subtype="PCM_16")
    return made.getvalue()


def _made_of(tracks: Sequence[DatasetTrack], rate_hz: int, size_bytes: int, piece_s: float) -> str:
    key = hashlib.sha256(f"{INDEX_VERSION}|{rate_hz}|{size_bytes}|{piece_s}".encode())
    for track in tracks:
        for part in (*track.vocals, *track.accompaniment):
            try:
                size = part.path.stat().st_size
            except OSError as error:
                raise AdvsepError(f"{part.path}: cannot be read: {error.strerror}; get a whole copy") from None
            key.update(f"{track.corpus}/{track.name}|{part}|{size}".encode())
    return key.hexdigest()[:24]
