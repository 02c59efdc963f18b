"""Which tracks of data sets are evaluated: by default those that nobody may have learnt from."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..realtime.errors import AdvsepError

if TYPE_CHECKING:
    from .datasets.track import DatasetTrack
    from .tracks import TrackFiles

ALL = "all"


@dataclass(frozen=True, slots=True)
class TrackChoice:
    """What was asked for.

    Attributes:
        data: aligned folders, data sets of known layouts, CSV manifests.
        splits: JSON that says where each track belongs; a track that is not in it is an error.
        split: share of it; None: test.
        partition: such a file too; tracks that are not in it are left out.
        part: share of it, or of what `advsep-train` makes of the same data; `all`; None: test, and of data sets
            without test tracks all.
        cache: for stems that are sums or channels of files; None: the user's.
    """

    data: list[Path]
    splits: Path | None = None
    split: str | None = None
    partition: Path | None = None
    part: str | None = None
    cache: Path | None = None

    def check(self) -> None:
        """Raises AdvsepError where the options contradict each other or name no share."""
        from .datasets.partition import SHARES
        from .tracks import SPLITS

        if self.split is not None and self.splits is None:
            raise AdvsepError(f"--split {self.split} needs --splits FILE, which says what belongs to it")
        if self.split is not None and self.split not in SPLITS:
            raise AdvsepError(f"--split {self.split}: expected one of {', '.join(SPLITS)}")
        if self.splits is not None and (self.partition is not None or self.part is not None):
            raise AdvsepError("--splits takes --split; --partition takes --part: give one pair of them")
        parts = (*(SPLITS if self.partition is None else SHARES), ALL)
        if self.part is not None and self.part not in parts:
            raise AdvsepError(f"--part {self.part}: expected one of {', '.join(parts)}")

    def find(self, tell: Callable[[str], None] = lambda text: print(text, file=sys.stderr)) -> list[TrackFiles]:
        """The tracks, one file a stem.

        Args:
            tell: told in a sentence which tracks were left out.

        Raises:
            AdvsepError: a data set or a file cannot be read, or nothing is left.
        """
        from rich.console import Console

        from .datasets.render import as_track_files

        if not self.data:
            raise AdvsepError("--compare: a model needs tracks; expected folders with tracks behind A and B")
        with Console(stderr=True).status("looking for tracks"):
            chosen, left_out = self._chosen()
            if not chosen:
                where = ", ".join(map(str, self.data))
                file = self.splits or self.partition
                share = self.split or self.part or "test"
                raise AdvsepError(
                    f"{file}: names no {share} track of {where}; evaluate another share of it"
                    if file
                    else f"--part {share}: {where} has no such track; say with --partition FILE what belongs to it"
                )
            files = as_track_files(chosen, (self.cache or _user_cache()) / "stems")
        if left_out:
            tell(f"{len(files)} of {len(files) + left_out} tracks, the others are left out; --part all takes every one")
        return files

    def _chosen(self) -> tuple[list[DatasetTrack], int]:
        """Tracks, and how many others there are that nobody named."""
        from .datasets.training import divided_sets, paired_tracks
        from .tracks import SPLITS

        if self.splits is not None:
            divided = divided_sets(self.data, self.splits)
            return next(divided[share] for share in SPLITS if share == (self.split or "test")), 0
        tracks = paired_tracks(self.data)
        if self.partition is not None:
            chosen = self._of_partition(self.partition, tracks)
        elif self.part is None:
            chosen = _untouched(tracks)
        elif self.part == ALL:
            chosen = tracks
        else:
            divided = divided_sets(self.data, None)
            chosen = next(divided[share] for share in SPLITS if share == self.part)
        return chosen, len(tracks) - len(chosen) if self.part is None else 0

    def _of_partition(self, path: Path, tracks: list[DatasetTrack]) -> list[DatasetTrack]:
        from .datasets.partition import read_partition

        partition, wanted = read_partition(path), self.part or "test"
        shares = [(partition.share_of(track), track) for track in tracks]
        return [track for share, track in shares if share is not None and wanted in (share, ALL)]


def _untouched(tracks: list[DatasetTrack]) -> list[DatasetTrack]:
    """The test tracks of corpora that have some, and all of the others."""
    tested = {track.corpus for track in tracks if track.split == "test"}
    return [track for track in tracks if track.split == "test" or track.corpus not in tested]


def _user_cache() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("advsep")) / "decoded"
