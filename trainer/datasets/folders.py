"""Layouts of our own: aligned folders of vocals.* and accompaniment.*, and folders of recordings of one kind."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from ...realtime.errors import AdvsepError
from ..tracks import STEMS, SUFFIXES, TrackFiles, find_tracks
from .listing import sound_files
from .track import DatasetTrack, Part, Role, artist_of

LOOKED_FOR = "TRACK/vocals.* and TRACK/accompaniment.* at any depth"


def fits_aligned(root: Path) -> bool:
    """Whether any folder below one holds a file named as a stem."""
    return any(path.stem in STEMS for path in sound_files(root))


def read_aligned(root: Path) -> list[DatasetTrack]:
    """Tracks as `find_tracks` gives them, with `mixture.*` beside the stems where there is one.

    Raises:
        AdvsepError: a folder holds only one of its stems, or may not be listed.
    """
    deque(sound_files(root), maxlen=0)  # find_tracks passes by what may not be listed
    return [_aligned(files) for files in find_tracks([root])]


def _aligned(track: TrackFiles) -> DatasetTrack:
    mixtures = sorted(p for p in track.vocals.parent.glob("mixture.*") if p.suffix.lower() in SUFFIXES)
    if len(mixtures) > 1:
        raise AdvsepError(
            f"{track.vocals.parent}: expected one mixture.* file, found "
            f"{', '.join(p.name for p in mixtures)}; keep one of them"
        )
    return DatasetTrack(
        name=track.name,
        artist=artist_of(track.name),
        corpus=track.corpus,
        vocals=(Part(track.vocals),),
        accompaniment=(Part(track.accompaniment),),
        mixture=Part(mixtures[0]) if mixtures else None,
    )


def read_recordings(root: Path, role: Role) -> list[DatasetTrack]:
    """Every sound file below a folder as a recording of one kind, named by its path without the suffix.

    Raises:
        AdvsepError: there is none, or a folder may not be listed.
    """
    found: list[DatasetTrack] = []
    for path in sound_files(root):
        name = path.relative_to(root).with_suffix("").as_posix()
        part, artist, corpus = Part(path), artist_of(path.stem), root.resolve().name
        found.append(
            DatasetTrack(
                name=name,
                artist=artist,
                corpus=corpus,
                vocals=(part,) if role == "vocals" else (),
                accompaniment=(part,) if role == "accompaniment" else (),
                mixture=part if role == "mixture" else None,
            )
        )
    if not found:
        raise AdvsepError(f"{root}: no recordings; expected files such as .wav or {', '.join(SUFFIXES[1:])}")
    return found
