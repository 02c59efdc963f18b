"""Which recordings a run learns from, in a form that a later run can be compared with."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..realtime.errors import AdvsepError
from .recordings import Recording
from .tracks import Track

_BLOCKS, _BLOCK_BYTES = 16, 1 << 14  # of a file that go into its hash, spread over it
_SHOWN_NAMES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DataItem:
    """A track or a recording.

    Attributes:
        part: `train`, `valid`, `mixtures`, `voices` or `accompaniments`.
        corpus: name of the folder around it.
        name: of the track's folder or of the recording's file.
        seconds: its length.
        sha256: of the files' sizes and of blocks spread over them, 16 hexadecimal digits.
    """

    part: str
    corpus: str
    name: str
    seconds: float
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPart:
    """Sum of a part's items."""

    part: str
    corpora: tuple[str, ...]
    count: int
    hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What a run learns from; `sha256` is the same wherever on a disk the same recordings lie."""

    sha256: str
    parts: tuple[DataPart, ...]
    items: tuple[DataItem, ...]


def describe_data(
    tracks: Mapping[str, Sequence[Track]], recordings: Mapping[str, Sequence[Recording]], rate_hz: int
) -> Data:
    """Names, lengths and hashes of what a run learns from.

    Args:
        tracks: by part, decoded at `rate_hz`.
        recordings: by part, likewise.
        rate_hz: the model's rate.

    Raises:
        AdvsepError: a file has gone meanwhile.
    """
    items: list[DataItem] = []
    for part, each in tracks.items():
        for track in each:
            files, seconds = track.files, round(len(track.vocals) / rate_hz, 2)
            digest = sampled_sha256((files.vocals, files.accompaniment))
            items.append(DataItem(part=part, corpus=files.corpus, name=files.name, seconds=seconds, sha256=digest))
    for part, each in recordings.items():
        for one in each:
            seconds, digest = round(len(one.samples) / rate_hz, 2), sampled_sha256((one.path,))
            corpus, name = one.path.parent.name, one.path.name
            items.append(DataItem(part=part, corpus=corpus, name=name, seconds=seconds, sha256=digest))
    items.sort(key=_identity)
    whole = hashlib.sha256("\n".join("\t".join(_identity(item)) for item in items).encode()).hexdigest()
    parts = (_sum_of(part, [item for item in items if item.part == part]) for part in (*tracks, *recordings))
    return Data(sha256=whole, parts=tuple(parts), items=tuple(items))


def _identity(item: DataItem) -> tuple[str, ...]:
    return item.part, item.corpus, item.name, item.sha256


def _sum_of(part: str, items: list[DataItem]) -> DataPart:
    corpora = tuple(sorted({item.corpus for item in items}))
    return DataPart(
        part=part, corpora=corpora, count=len(items), hours=round(sum(item.seconds for item in items) / 3600, 3)
    )


def sampled_sha256(paths: Iterable[Path]) -> str:
    """16 hexadecimal digits of the files' sizes and of 16 blocks of 16 KiB of each, first and last included.

    So a terabyte is looked at in seconds; files of at most 256 KiB are read whole.

    Raises:
        AdvsepError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                digest.update(f"{size}\n".encode())
                last = max(0, size - _BLOCK_BYTES)
                whole = size <= _BLOCKS * _BLOCK_BYTES
                for start in [0] if whole else [last * block // (_BLOCKS - 1) for block in range(_BLOCKS)]:
                    file.seek(start)
                    digest.update(file.read(size if whole else _BLOCK_BYTES))
        except OSError as error:
            raise AdvsepError(
                f"{path}: went away while it was needed: {error.strerror}; put it back and start again"
            ) from None
    return digest.hexdigest()[:16]


def data_changes(before: Data, now: Data) -> list[str]:
    """What differs between two sessions' recordings, a sentence a part; none where nothing does."""
    changes: list[str] = []
    for part in dict.fromkeys(item.part for item in (*before.items, *now.items)):
        old, new = (Counter(_identity(item)[1:] for item in data.items if item.part == part) for data in (before, now))
        gone, come = (Counter(key[:2] for key in one.elements()) for one in (old - new, new - old))
        changed = gone & come  # the same name, other contents
        sorts = ((gone - changed, "gone"), (come - changed, "new"), (changed, "changed"))
        said = [_counted(list(names.elements()), what) for names, what in sorts if names]
        if said:
            changes.append(f"{part}: {', '.join(said)}")
    return changes


def _counted(names: list[tuple[str, ...]], what: str) -> str:
    shown = ["/".join(name) for name in names[:_SHOWN_NAMES]] + ["…"] * (len(names) > _SHOWN_NAMES)
    return f"{len(names)} {what} ({', '.join(shown)})"
