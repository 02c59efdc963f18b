"""MUSDB18-HQ, MUSDB18 and DSD100 (SiSEC): four stems a song, a train and a test half."""

from __future__ import annotations

import re
from pathlib import Path

from ...realtime.errors import AdvsepError
from ..tracks import Split
from .listing import files, needed, subfolders
from .track import DatasetTrack, Part, artist_of

BAND = ("drums", "bass", "other")
HALVES: tuple[Split, ...] = ("train", "test")
DSD_HALVES: dict[str, Split] = {"Dev": "train", "Test": "test"}
STREAMS = {"mixture": 0, "drums": 1, "bass": 2, "other": 3, "vocals": 4}
STEM_SUFFIX = ".stem.mp4"
HQ_LOOKED_FOR = "train|test/ARTIST - TITLE/{mixture,drums,bass,other,vocals}.wav (MUSDB18-HQ)"
STEMS_LOOKED_FOR = "train|test/ARTIST - TITLE.stem.mp4 (MUSDB18)"
DSD_LOOKED_FOR = "Mixtures and Sources/{Dev,Test}/NNN - ARTIST - TITLE/*.wav (DSD100)"


def fits_hq(root: Path) -> bool:
    """Whether a folder is laid out as MUSDB18-HQ."""
    folders = (folder for half in HALVES for folder in subfolders(root / half))
    return any((folder / f"{stem}.wav").is_file() for folder in folders for stem in BAND)


def read_hq(root: Path) -> list[DatasetTrack]:
    """Tracks of MUSDB18-HQ (Rafii et al. 2019): 44.1 kHz stereo, 16 bits.

    Raises:
        AdvsepError: a track lacks a stem.
    """
    return [
        _four_stems(folder, folder / "mixture.wav", folder.name, "musdb18hq", half)
        for half in HALVES
        for folder in subfolders(root / half)
    ]


def fits_stems(root: Path) -> bool:
    """Whether a folder is laid out as MUSDB18."""
    return any(files(root / half, STEM_SUFFIX) for half in HALVES)


def read_stems(root: Path) -> list[DatasetTrack]:
    """Tracks of MUSDB18 (Rafii et al. 2017): AAC streams mixture, drums, bass, other, vocals in one MP4 file."""
    return [_streams(path, half) for half in HALVES for path in files(root / half, STEM_SUFFIX)]


def _streams(path: Path, half: Split) -> DatasetTrack:
    name = path.name[: -len(STEM_SUFFIX)]
    return DatasetTrack(
        name=name,
        artist=artist_of(name),
        corpus="musdb18",
        split=half,
        vocals=(Part(path, stream=STREAMS["vocals"]),),
        accompaniment=tuple(Part(path, stream=STREAMS[stem]) for stem in BAND),
        mixture=Part(path, stream=STREAMS["mixture"]),
    )


def fits_dsd(root: Path) -> bool:
    """Whether a folder is laid out as DSD100, or as half of it."""
    return any(subfolders(root / side / half) for side in ("Mixtures", "Sources") for half in DSD_HALVES)


def read_dsd(root: Path) -> list[DatasetTrack]:
    """Tracks of DSD100 (Liutkus et al. 2017): mixtures in one tree, their sources in another.

    Raises:
        AdvsepError: a track is in one tree only, or lacks a stem.
    """
    found: list[DatasetTrack] = []
    for half, split in DSD_HALVES.items():
        sides = {side: {folder.name for folder in subfolders(root / side / half)} for side in ("Mixtures", "Sources")}
        alone = sorted(sides["Mixtures"] ^ sides["Sources"])
        if alone:
            here, lacks = ("Mixtures", "Sources") if alone[0] in sides["Mixtures"] else ("Sources", "Mixtures")
            raise AdvsepError(
                f"{root}: '{alone[0]}' is in {here}/{half} but not in {lacks}/{half}; "
                "unpack DSD100 whole into one folder"
            )
        for name in sorted(sides["Sources"]):
            mixture = root / "Mixtures" / half / name / "mixture.wav"
            found.append(_four_stems(root / "Sources" / half / name, mixture, name, "dsd100", split))
    return found


def _four_stems(folder: Path, mixture: Path, name: str, corpus: str, split: Split) -> DatasetTrack:
    return DatasetTrack(
        name=name,
        artist=artist_of(re.sub(r"^\d{3} - ", "", name)),
        corpus=corpus,
        split=split,
        vocals=(Part(needed(folder / "vocals.wav", corpus)),),
        accompaniment=tuple(Part(needed(folder / f"{stem}.wav", corpus)) for stem in BAND),
        mixture=Part(needed(mixture, corpus)),
    )
