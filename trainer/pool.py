"""What training examples are drawn from: songs whose stems belong together, and recordings that stand alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .config import RemixConfig
from .recordings import Recording
from .tracks import Track

LONGEST_WEIGHTED_S = 300.0  # one long track must not crowd out the rest


@dataclass(frozen=True, slots=True)
class Stem:
    """One stem to cut from: int16 [sample, channel] and the frequency above which it holds nothing."""

    samples: NDArray[np.int16]
    bandwidth_hz: float


class Pool:
    """Voices and accompaniments to draw from, long ones more often than short ones.

    Args:
        vocals: one or more.
        accompaniment: as many where the two belong together, else any number.
        rate_hz: of both.
    """

    def __init__(self, vocals: list[Stem], accompaniment: list[Stem], rate_hz: int) -> None:
        self.vocals, self.accompaniment = vocals, accompaniment
        self._weights = [_weights(stems, rate_hz) for stems in (vocals, accompaniment)]

    @staticmethod
    def of_tracks(tracks: Sequence[Track], rate_hz: int) -> Pool:
        """Stems that belong together."""
        return Pool(_voices(tracks), [Stem(t.accompaniment, t.accompaniment_bandwidth_hz) for t in tracks], rate_hz)

    def draw_voice(self, rng: np.random.Generator) -> int:
        """Number of a voice."""
        return int(rng.choice(len(self.vocals), p=self._weights[0]))

    def draw_accompaniment(self, rng: np.random.Generator) -> int:
        """Number of an accompaniment."""
        return int(rng.choice(len(self.accompaniment), p=self._weights[1]))


def _voices(tracks: Sequence[Track]) -> list[Stem]:
    return [Stem(track.vocals, track.vocals_bandwidth_hz) for track in tracks]


def _alone(recordings: Sequence[Recording]) -> list[Stem]:
    return [Stem(each.samples, each.bandwidth_hz) for each in recordings]


def _weights(stems: list[Stem], rate_hz: int) -> NDArray[np.float64]:
    lengths_s = np.array([min(len(stem.samples) / rate_hz, LONGEST_WEIGHTED_S) for stem in stems])
    return lengths_s / lengths_s.sum()


@dataclass(frozen=True, slots=True)
class Sources:
    """What examples are made of.

    Attributes:
        tracks: songs of which both stems are there.
        voices: solo voices, see `RemixConfig.solo_probability`.
        accompaniments: music without voices.
        pseudo: songs that a teacher took apart, see `RemixConfig.pseudo_probability`.
    """

    tracks: Sequence[Track]
    voices: Sequence[Recording] = ()
    accompaniments: Sequence[Recording] = ()
    pseudo: Sequence[Track] = ()

    @property
    def corpora(self) -> set[str]:
        """Names of the tracks' corpora."""
        return {track.files.corpus for track in (*self.tracks, *self.pseudo)}

    def pools(self, remix: RemixConfig, rate_hz: int) -> list[tuple[float, bool, Pool]]:
        """Each with its share and whether its stems belong together; the shares sum to 1, none: nothing to learn."""
        found: list[tuple[float, bool, Pool]] = []
        left = 1.0
        # With nothing left for songs their voices are not wanted either.
        voices = [*_alone(self.voices), *(_voices(self.tracks) if remix.solo_probability < 1 else [])]
        if voices and self.accompaniments and remix.solo_probability > 0:
            left -= remix.solo_probability
            found.append((remix.solo_probability, False, Pool(voices, _alone(self.accompaniments), rate_hz)))
        if self.pseudo and remix.pseudo_probability > 0:
            found.append((left * remix.pseudo_probability, True, Pool.of_tracks(self.pseudo, rate_hz)))
            left *= 1 - remix.pseudo_probability
        if self.tracks and left > 0:
            found.append((left, True, Pool.of_tracks(self.tracks, rate_hz)))
        whole = sum(share for share, _, _ in found)
        return [(share / whole, belongs, pool) for share, belongs, pool in found]
