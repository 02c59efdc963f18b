"""What sounds in an experiment: stems of tracks, their sums, and recordings of one kind, all in mono."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...realtime.errors import AdvsepError
from ..recordings import Recording
from ..tracks import STEMS, Track
from .spectra import frames_of

FULL_SCALE = 32768


@dataclass(frozen=True, slots=True)
class Song:
    """One sound; its arrays stay on the disk until they are read.

    Attributes:
        source: decoded at 8192 Hz.
        parts: names of the arrays of the source that sound together.
    """

    source: Track | Recording
    parts: tuple[str, ...]

    @property
    def samples(self) -> int:
        """Its length."""
        return len(getattr(self.source, self.parts[0]))

    @property
    def frames(self) -> int:
        """Its length in frames."""
        return frames_of(self.samples)

    def read(self, start: int = 0, count: int | None = None) -> NDArray[np.float32]:
        """Mono samples [count] from `start` on, by default all; silence where the sound is not."""
        count = self.samples - start if count is None else count
        found = np.zeros(count, np.float32)
        first, last = max(0, start), min(self.samples, start + count)
        if first < last:
            for name in self.parts:
                stem: NDArray[np.int16] = getattr(self.source, name)[first:last]
                found[first - start : last - start] += stem.mean(1, dtype=np.float32) / np.float32(FULL_SCALE)
        return found


def stems_of(track: Track) -> tuple[Song, Song]:
    """Voice and accompaniment of a track."""
    return Song(track, STEMS[:1]), Song(track, STEMS[1:])


def mixture_of(track: Track) -> Song:
    """Voice and accompaniment of a track together."""
    return Song(track, STEMS)


@dataclass(frozen=True, slots=True)
class UnpairedSongs:
    """What belongs together in nothing.

    Attributes:
        mixtures: to separate.
        voices: solo.
        accompaniments: without voices.
    """

    mixtures: list[Song]
    voices: list[Song]
    accompaniments: list[Song]

    def check(self) -> None:
        """Refuse what critics cannot learn from.

        Raises:
            AdvsepError: one of the three is missing.
        """
        for name in ("mixtures", "voices", "accompaniments"):
            if not getattr(self, name):
                raise AdvsepError(
                    f"mode semi needs unpaired {name}, found none: give a folder with --{name}, a --partition with a "
                    "share named unpaired, or train with --mode supervised"
                )


def unpaired_songs(
    tracks: Sequence[Track],
    mixtures: Sequence[Recording] = (),
    voices: Sequence[Recording] = (),
    accompaniments: Sequence[Recording] = (),
) -> UnpairedSongs:
    """All that may stand for a mixture, a voice or an accompaniment on its own.

    Args:
        tracks: whose stems are known but used apart, as the paper does with its unpaired share.
        mixtures: recordings of whole songs.
        voices: of solo voices.
        accompaniments: of music without voices.
    """
    lists: list[list[Song]] = []
    for parts, recordings in ((STEMS, mixtures), (STEMS[:1], voices), (STEMS[1:], accompaniments)):
        lists.append([Song(t, parts) for t in tracks] + [Song(r, ("samples",)) for r in recordings])
    return UnpairedSongs(*lists)
