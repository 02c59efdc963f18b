"""Data sets as training takes them: stems as files, divided into what is learnt from and what is held out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ...realtime.errors import AdvsepError
from ..tracks import SPLITS, Split, TrackFiles, find_tracks, split_tracks
from .layouts import recognise
from .partition import artist_disjoint, read_partition
from .render import as_track_files
from .track import DatasetTrack, Part, artist_of

ALIGNED = "aligned folders"


def divided_tracks(
    roots: Sequence[Path],
    splits: Path | None,
    folder: Path,
    on_track: Callable[[DatasetTrack], None] = lambda track: None,
) -> dict[Split, list[TrackFiles]]:
    """Tracks of any data sets that have both sources, as files.

    Args:
        roots: aligned folders, data sets of known layouts, CSV manifests.
        splits: as `divided_sets` takes it.
        folder: for stems that are sums or channels of files.
        on_track: called after each track, for a progress bar.

    Raises:
        AdvsepError: as `divided_sets` does, or a stem cannot be read.
    """
    divided = divided_sets(roots, splits)
    return {split: as_track_files(divided[split], folder, on_track) for split in SPLITS}


def divided_sets(roots: Sequence[Path], splits: Path | None) -> dict[Split, list[DatasetTrack]]:
    """Tracks of any data sets that have both sources, before any stem of theirs is read.

    Args:
        roots: aligned folders, data sets of known layouts, CSV manifests.
        splits: JSON that says where each track belongs, as `write_partition` makes it, or by hand; its unpaired tracks
            are left out. Without it no artist is in two shares and the sets' own test tracks are left alone, or, where
            there are aligned folders only, every tenth track by name is held out.

    Raises:
        AdvsepError: a root is nothing that is known, or a track is not in the splits.
    """
    tracks = paired_tracks(roots)
    if splits is None and not all(_is_aligned(root) for root in roots):
        shares = artist_disjoint(tracks, valid_fraction=0.1, test_fraction=0.0).divide(tracks)
        return {split: shares[split] for split in SPLITS}
    if splits is not None:
        partition = read_partition(splits)
        tracks = [track for track in tracks if partition.share_of(track) != "unpaired"]
    files = [TrackFiles(each.name, each.corpus, each.vocals[0].path, each.accompaniment[0].path) for each in tracks]
    of = {id(file): track for file, track in zip(files, tracks, strict=True)}
    return {split: [of[id(file)] for file in found] for split, found in split_tracks(files, splits).items()}


def paired_tracks(roots: Sequence[Path]) -> list[DatasetTrack]:
    """Tracks of any data sets that have both sources.

    Raises:
        AdvsepError: a root is nothing that is known.
    """
    tracks = [
        track
        for root in roots
        for track in (map(_aligned, find_tracks([root])) if _is_aligned(root) else recognise(root).read(root))
    ]
    return [track for track in tracks if track.is_paired]


def _is_aligned(root: Path) -> bool:
    """Also where nothing is known: looking for aligned folders says what is missing."""
    try:
        return recognise(root).name == ALIGNED
    except AdvsepError:
        return True


def _aligned(files: TrackFiles) -> DatasetTrack:
    return DatasetTrack(
        name=files.name,
        artist=artist_of(files.name),
        corpus=files.corpus,
        vocals=(Part(files.vocals),),
        accompaniment=(Part(files.accompaniment),),
    )
