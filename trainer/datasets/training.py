"""Data sets as training takes them: stems as files, divided into what is learnt from and what is held out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ...realtime.errors import AdvsepError
from ..tracks import SPLITS, Split, TrackFiles, find_tracks, split_tracks
from .layouts import recognise
from .partition import artist_disjoint
from .render import as_track_files
from .track import DatasetTrack

ALIGNED = "aligned folders"


def divided_tracks(
    roots: Sequence[Path],
    splits: Path | None,
    folder: Path,
    on_track: Callable[[DatasetTrack], None] = lambda track: None,
) -> dict[Split, list[TrackFiles]]:
    """Tracks of any data sets that have both sources.

    Args:
        roots: aligned folders, data sets of known layouts, CSV manifests.
        splits: JSON that says where each track belongs; without it no artist is in two shares and the sets' own test
            tracks are left alone, or, where there are aligned folders only, every tenth track by name is held out.
        folder: for stems that are sums or channels of files.
        on_track: called after each track of a data set, for a progress bar.

    Raises:
        AdvsepError: a root is nothing that is known, a stem cannot be read, or a track is not in the splits.
    """
    if all(_is_aligned(root) for root in roots):
        return split_tracks(find_tracks(roots), splits)
    tracks = [track for root in roots for track in recognise(root).read(root)]
    if splits is not None:
        return split_tracks(as_track_files(tracks, folder, on_track), splits)
    shares = artist_disjoint(tracks, valid_fraction=0.1, test_fraction=0.0).divide(tracks)
    return {split: as_track_files(shares[split], folder, on_track) for split in SPLITS}


def _is_aligned(root: Path) -> bool:
    """Also where nothing is known: looking for aligned folders says what is missing."""
    try:
        return recognise(root).name == ALIGNED
    except AdvsepError:
        return True
