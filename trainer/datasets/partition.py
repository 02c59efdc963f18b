"""Partitions: which track is learnt from, which stops the training, and which is only ever tested on."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...realtime.errors import AdvsepError
from .track import DatasetTrack, artist_key

Share = Literal["train", "valid", "test", "unpaired"]
SHARES: tuple[Share, ...] = ("train", "valid", "test", "unpaired")
VERSION = 1
PAPER_CORPORA = ("dsd100", "medleydb", "ccmixter", "ikala")


@dataclass(frozen=True, slots=True)
class Partition:
    """Names of tracks by corpus and share; `train` is what the paper calls paired.

    Attributes:
        name: of the partition, such as `paper`.
        corpora: track names of each share; a corpus is named as in `DatasetTrack`, or by a path that ends so.
    """

    name: str
    corpora: Mapping[str, Mapping[Share, tuple[str, ...]]]

    def share_of(self, track: DatasetTrack) -> Share | None:
        """Where a track belongs; None if the partition does not name it."""
        for corpus, shares in self.corpora.items():
            if corpus.rsplit("/", 1)[-1] == track.corpus:
                for share, names in shares.items():
                    if track.name in names:
                        return share
        return None

    def divide(self, tracks: Iterable[DatasetTrack]) -> dict[Share, list[DatasetTrack]]:
        """Tracks by share, in their order; those that the partition does not name are left out."""
        divided: dict[Share, list[DatasetTrack]] = {share: [] for share in SHARES}
        for track in tracks:
            share = self.share_of(track)
            if share is not None:
                divided[share].append(track)
        return divided


def artist_disjoint(
    tracks: Iterable[DatasetTrack], valid_fraction: float = 0.1, test_fraction: float = 0.1, seed: int = 0
) -> Partition:
    """No artist in two shares, over all corpora together; the sets' own test and validation tracks stay what they are.

    An artist goes where a hash of its name says, so that tracks added later move none that were there, unless they
    bring an artist into a set's own test or validation half: then all of the artist's tracks go there. Artists whose
    tracks a set calls train are drawn for validation only.

    Args:
        tracks: of any number of data sets.
        valid_fraction: expected share of artists, 0 to 1.
        test_fraction: likewise; both together at most 1.
        seed: another one draws other artists.

    Raises:
        AdvsepError: the fractions are no fractions.
    """
    if valid_fraction < 0 or test_fraction < 0 or valid_fraction + test_fraction > 1:
        raise AdvsepError(
            f"expected fractions for validation and test of 0 or more that sum to at most 1, "
            f"found {valid_fraction} and {test_fraction}"
        )
    shares: list[tuple[DatasetTrack, Share]] = []
    for key, songs in _by_artist(tracks).items():
        own = {song.split for song in songs}
        drawn = int.from_bytes(_digest(f"{key}|{seed}" if seed else key)[:8], "big") / 2**64
        share: Share = "train"
        if "test" in own:
            share = "test"
        elif "valid" in own or drawn < valid_fraction:
            share = "valid"
        elif "train" not in own and drawn < valid_fraction + test_fraction:
            share = "test"
        shares += _all_to(share, songs)
    return _partition(f"artist-disjoint, seed {seed}" if seed else "artist-disjoint", shares)


def paper(tracks: Iterable[DatasetTrack]) -> Partition:
    """The partition of Stoller, Ewert, Dixon (ICASSP 2018), with artists kept in one share of a corpus.

    DSD100's train half is paired (`train`); its test half is halved into validation and test; MedleyDB, CCMixter and
    iKala go by thirds to unpaired, validation and test. Songs without a voice or without an accompaniment are left
    out. Which artist falls where follows from a hash of the name.

    Raises:
        AdvsepError: one of the four sets is missing.
    """
    return _paper("paper", tracks, PAPER_CORPORA)


def paper_no_ikala(tracks: Iterable[DatasetTrack]) -> Partition:
    """As `paper` without iKala, for those who cannot get it; the other tracks fall as they do there.

    Raises:
        AdvsepError: one of the three sets is missing.
    """
    return _paper("paper-no-ikala", tracks, tuple(corpus for corpus in PAPER_CORPORA if corpus != "ikala"))


def _paper(name: str, tracks: Iterable[DatasetTrack], corpora: tuple[str, ...]) -> Partition:
    found: dict[str, list[DatasetTrack]] = {corpus: [] for corpus in corpora}
    for track in tracks:
        if track.corpus in found and track.is_paired:
            found[track.corpus].append(track)
    missing = [corpus for corpus, songs in found.items() if not songs]
    if missing:
        raise AdvsepError(
            f"partition '{name}' needs tracks of {', '.join(corpora)}, found none of {', '.join(missing)}; "
            "give these sets' folders too"
        )
    shares: list[tuple[DatasetTrack, Share]] = []
    for corpus, songs in found.items():
        if corpus == "dsd100":
            shares += _all_to("train", [song for song in songs if song.split == "train"])
            shares += _dealt([song for song in songs if song.split == "test"], ("valid", "test"))
        else:
            shares += _dealt(songs, ("unpaired", "valid", "test"))
    return _partition(name, shares)


def _dealt(tracks: list[DatasetTrack], shares: tuple[Share, ...]) -> list[tuple[DatasetTrack, Share]]:
    """Tracks in shares as equal as they can be without cutting through an artist."""
    room = {share: len(tracks) / len(shares) for share in shares}
    # The big ones first: small ones fill what is left.
    artists = sorted(_by_artist(tracks).items(), key=lambda item: (-len(item[1]), _digest(item[0])))
    dealt: list[tuple[DatasetTrack, Share]] = []
    for _, songs in artists:
        share = max(shares, key=lambda each: room[each])
        room[share] -= len(songs)
        dealt += _all_to(share, songs)
    return dealt


def _all_to(share: Share, tracks: list[DatasetTrack]) -> list[tuple[DatasetTrack, Share]]:
    return [(track, share) for track in tracks]


def _by_artist(tracks: Iterable[DatasetTrack]) -> dict[str, list[DatasetTrack]]:
    artists: dict[str, list[DatasetTrack]] = {}
    for track in tracks:
        artists.setdefault(artist_key(track), []).append(track)
    return artists


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _partition(name: str, shares: list[tuple[DatasetTrack, Share]]) -> Partition:
    corpora: dict[str, dict[Share, tuple[str, ...]]] = {}
    for corpus in sorted({track.corpus for track, _ in shares}):
        here = [(track.name, share) for track, share in shares if track.corpus == corpus]
        corpora[corpus] = {each: tuple(sorted(name for name, share in here if share == each)) for each in SHARES}
    return Partition(name, corpora)


def write_partition(partition: Partition, path: Path) -> None:
    """Write JSON {"version": 1, "name": …, corpus: {"train": [names], "valid": …, "test": …, "unpaired": …}}.

    `advsep-train --splits` reads it too.

    Raises:
        AdvsepError: the file cannot be written.
    """
    data: dict[str, Any] = {"version": VERSION, "name": partition.name, **partition.corpora}
    try:
        path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise AdvsepError(f"{path}: cannot be written: {error.strerror}") from None


def read_partition(path: Path) -> Partition:
    """Read what `write_partition` wrote, or a splits file written by hand.

    Raises:
        AdvsepError: not JSON, of another version, with an unknown share, or with a track in two shares.
    """
    try:
        data: Any = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise AdvsepError(f"{path}: cannot read the partition: {error.strerror}") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise AdvsepError(f"{path}: expected JSON with train, valid and test names a corpus, found {error}") from None
    if not isinstance(data, dict) or data.get("version", VERSION) != VERSION:
        found = data.get("version") if isinstance(data, dict) else data
        raise AdvsepError(
            f"{path}: expected a table of corpora of version {VERSION}, found {found!r:.40}; write it anew"
        )
    corpora = {str(corpus): _shares(path, corpus, entry) for corpus, entry in data.items() if isinstance(entry, dict)}
    return Partition(str(data.get("name", path.stem)), corpora)


def _shares(path: Path, corpus: str, entry: dict[str, Any]) -> dict[Share, tuple[str, ...]]:
    homes: dict[str, str] = {}
    for share, names in entry.items():
        if share not in SHARES:
            near = difflib.get_close_matches(share, SHARES, n=1) or [", ".join(SHARES)]
            raise AdvsepError(
                f"{path}: '{corpus}' has an unknown share '{share}' (did you mean '{near[0]}'?); rename it"
            )
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise AdvsepError(f"{path}: '{share}' of '{corpus}' must be a list of track names, found {names!r:.40}")
        for name in names:
            if homes.setdefault(name, share) != share:
                raise AdvsepError(f"{path}: '{name}' of '{corpus}' is in {homes[name]} and in {share}; keep it in one")
    return {share: tuple(entry.get(share, ())) for share in SHARES}
