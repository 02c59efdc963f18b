"""One song's stems by one model, as they lie on disk: what they are, and which parts are there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from ..errors import AdvsepError
from ..model import ModelError
from ..source import FileSource
from ..strict import FormatError, from_plain
from ..whole_file import whole_file
from .stem_lock import FileLock

VERSION = 1
CHUNK_S = 4.0
LEAD_S = 0.02  # by which chunks that do not continue the one before overlap it
FACTS_NAME = "entry.json"
_MODEL_NAME_LENGTH = 40


class StemError(AdvsepError):
    """Stems that cannot be kept, or not be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFacts:
    """The content of `entry.json`.

    Attributes:
        version: of this format.
        song: path of the song when it was separated.
        name: its file's name.
        rate_hz: sample rate, the song's own.
        samples: of the song.
        chunk_samples: of every chunk but the last.
        model: its file's name without suffix.
        created_s: seconds since 1970.
    """

    version: int
    song: str
    name: str
    rate_hz: int
    samples: int
    chunk_samples: int
    model: str
    created_s: float

    @staticmethod
    def of(song: Path, source: FileSource, model: Path) -> EntryFacts:
        """Of a song that nobody has separated yet."""
        return EntryFacts(
            version=VERSION,
            song=str(song.absolute()),
            name=song.name,
            rate_hz=source.rate_hz,
            samples=source.samples or 0,
            chunk_samples=round(CHUNK_S * source.rate_hz),
            model=model.stem,
            created_s=round(time.time(), 3),
        )

    def fits(self, wanted: EntryFacts) -> bool:
        """Whether chunks of these facts are chunks of those."""
        return all(
            getattr(self, name) == getattr(wanted, name) for name in ("version", "rate_hz", "samples", "chunk_samples")
        )


class StemEntry:
    """An entry in use; as a context manager it is closed.

    Args:
        folder: where its files lie.
        facts: what it is.
        lock: keeps it from being removed, and is closed with it.

    Attributes:
        rate_hz: sample rate of song and stems.
        samples: of the song.
        chunks: how many there are when all is done.
    """

    def __init__(self, folder: Path, facts: EntryFacts, lock: FileLock) -> None:
        self.folder, self.facts, self._lock = folder, facts, lock
        self.rate_hz, self.samples, self.chunk_samples = facts.rate_hz, facts.samples, facts.chunk_samples
        self.chunks = -(-self.samples // self.chunk_samples)
        self.lead_samples = round(LEAD_S * self.rate_hz)

    def __enter__(self) -> StemEntry:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def worker_lock(self) -> Path:
        """File of the lock that who writes chunks has to hold."""
        return self.folder / ".worker"

    def chunk_path(self, index: int) -> Path:
        """File of a chunk, there or not."""
        return self.folder / f"{index:06d}.flac"

    def chunk_length(self, index: int) -> int:
        """Samples of a chunk, its lead aside."""
        return min(self.chunk_samples, self.samples - index * self.chunk_samples)

    def chunk_at(self, position_s: float) -> int:
        """The chunk in which a place lies, the nearest one outside the song."""
        return min(max(int(position_s * self.rate_hz) // self.chunk_samples, 0), self.chunks - 1)

    def present(self) -> set[int]:
        """The chunks that are there."""
        try:
            names = os.listdir(self.folder)
        except OSError:
            return set()
        found = {int(name[:6]) for name in names if name.endswith(".flac") and name[:6].isdecimal()}
        return {index for index in found if index < self.chunks}

    def first_missing(self, position_s: float) -> int | None:
        """The first chunk that is not there from a place on, then from the start on; None: all are there."""
        present, first = self.present(), self.chunk_at(position_s)
        return next((i for i in (*range(first, self.chunks), *range(first)) if i not in present), None)

    def margin_s(self, position_s: float) -> float:
        """How much sound from a place on can be played without waiting, s."""
        present, end = self.present(), self.chunk_at(position_s)
        while end in present:
            end += 1
        # The last moment of a chunk may be faded into the next one.
        there = self.samples if end == self.chunks else end * self.chunk_samples - self.lead_samples
        return max(0.0, there / self.rate_hz - max(0.0, position_s))

    def close(self) -> None:
        """It may be removed from now on; more than once is fine."""
        self._lock.close()


def read_facts(folder: Path) -> EntryFacts | None:
    """Of an entry; None where there are none that are whole and of this version."""
    try:
        facts = from_plain(EntryFacts, json.loads((folder / FACTS_NAME).read_bytes()), FACTS_NAME)
    except (OSError, ValueError, RecursionError, FormatError):
        return None
    return facts if facts.version == VERSION and min(facts.rate_hz, facts.samples, facts.chunk_samples) > 0 else None


def write_facts(folder: Path, facts: EntryFacts) -> None:
    """Write them, whole or not at all.

    Raises:
        OSError: they cannot be written.
    """
    with whole_file(folder / FACTS_NAME) as partial:
        partial.write_text(json.dumps(asdict(facts), indent=1) + "\n", "utf-8")


def remove_leftovers(entry: StemEntry) -> None:
    """Of processes that were killed while they wrote; for who holds the lock of the one who writes."""
    for path in entry.folder.glob(".*.flac.partial"):
        with contextlib.suppress(OSError):
            path.unlink()


def model_key(model: Path) -> str:
    """What a model is called among the entries: its name and the hash of its file's content.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        stamp = model.stat()
        digest = _digest(model, stamp.st_mtime_ns, stamp.st_size)
    except OSError as error:
        raise ModelError(f"{model}: cannot be read: {error.strerror}; give a model file that can") from None
    return f"{model.stem[:_MODEL_NAME_LENGTH]}-{digest}"


@lru_cache(maxsize=16)
def _digest(model: Path, modified_ns: int, size_bytes: int) -> str:
    return hashlib.blake2b(model.read_bytes(), digest_size=6).hexdigest()
