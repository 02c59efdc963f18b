"""From folders and a partition to decoded tracks: what is paired, what is not, and what is only tested on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...realtime.errors import AdvsepError
from ..datasets.layouts import read_tracks
from ..datasets.partition import SHARES, Partition, Share, paper, paper_no_ikala, read_partition
from ..datasets.render import as_track_files
from ..datasets.track import DatasetTrack
from ..datasets.training import divided_tracks
from ..tracks import TrackFiles

NAMED = {"paper": paper, "paper-no-ikala": paper_no_ikala}


@dataclass(frozen=True, slots=True)
class Divided:
    """Tracks by share.

    Attributes:
        tracks: those with both stems.
        voices: of the unpaired share, files of which only the voice is known; `accompaniments` and `mixtures` likewise.
        accompaniments: see `voices`.
        mixtures: see `voices`.
        partition: that they were divided by; None where there was none.
        unnamed: tracks that it does not name, which are left out.
    """

    tracks: dict[Share, list[TrackFiles]]
    voices: list[Path]
    accompaniments: list[Path]
    mixtures: list[Path]
    partition: Partition | None
    unnamed: list[str]


def divide(roots: Sequence[Path], partition: str | None, folder: Path) -> Divided:
    """Tracks of any data sets, divided.

    Args:
        roots: data sets as they are published, aligned folders, CSV manifests.
        partition: `paper`, `paper-no-ikala`, or a JSON file; None: a tenth is held out for validation and nothing is
            unpaired.
        folder: for stems that are sums or channels of files.

    Raises:
        AdvsepError: a root is nothing that is known, or the partition does not fit it.
    """
    if partition is None:
        shares = divided_tracks(roots, None, folder)
        held: dict[Share, list[TrackFiles]] = {**shares, "unpaired": []}
        return Divided(held, [], [], [], None, [])
    tracks = [track for root in roots for track in read_tracks(root)]
    chosen = _chosen(partition, tracks)
    by_share = chosen.divide(tracks)
    if not any(by_share.values()):
        raise AdvsepError(
            f"--partition {partition}: names none of the {len(tracks)} tracks of {', '.join(map(str, roots))}, such as "
            f"'{tracks[0].name}' of '{tracks[0].corpus}'; give its corpora's folders, or another partition"
        )
    paired: dict[Share, list[TrackFiles]] = {share: as_track_files(by_share[share], folder) for share in SHARES}
    alone = [track for track in by_share["unpaired"] if not track.is_paired]
    names = [f"{track.corpus}/{track.name}" for track in tracks if chosen.share_of(track) is None]
    voices, accompaniments, mixtures = (
        [part.path for track in alone for part in track.parts(role)] for role in ("vocals", "accompaniment", "mixture")
    )
    return Divided(paired, voices, accompaniments, mixtures, chosen, names)


def _chosen(partition: str, tracks: Iterable[DatasetTrack]) -> Partition:
    if partition in NAMED:
        return NAMED[partition](tracks)
    path = Path(partition)
    if path.suffix != ".json":
        raise AdvsepError(f"--partition {partition}: expected {', '.join(NAMED)} or a .json file")
    return read_partition(path)


def every_track(roots: Sequence[Path], folder: Path) -> list[TrackFiles]:
    """All tracks of data sets that have both stems; arguments as `divide`.

    Raises:
        AdvsepError: a root is nothing that is known, or has no such track.
    """
    files = as_track_files([track for root in roots for track in read_tracks(root)], folder)
    if not files:
        raise AdvsepError(f"{', '.join(map(str, roots))}: no track with both stems; give data sets that have them")
    return files
