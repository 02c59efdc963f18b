"""MedleyDB, versions 1 and 2 (Bittner et al. 2014, 2016): any number of stems, told apart by metadata."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from ...realtime.errors import AdvsepError
from .listing import needed, subfolders
from .track import DatasetTrack, Part, artist_of

LOOKED_FOR = "Audio/TRACK/{TRACK_MIX.wav,TRACK_STEMS/*.wav} and TRACK_METADATA.yaml (MedleyDB)"
BASES = ("Audio", "V1", "V2", "")
METADATA = ("Metadata", "medleydb/data/Metadata")
# `voices` of MedleyDB's taxonomy without `crowd`, which nobody wants in a vocal track.
VOCAL_INSTRUMENTS = frozenset(
    {f"{who} {what}" for who in ("male", "female") for what in ("singer", "speaker", "rapper", "screamer")}
    | {"vocalists", "choir", "beatboxing"}
)


def fits(root: Path) -> bool:
    """Whether a folder is laid out as MedleyDB."""
    return bool(_folders(root))


def _folders(root: Path) -> list[Path]:
    found = (folder for base in BASES for folder in subfolders(root / base))
    return [f for f in found if (f / f"{f.name}_STEMS").is_dir() or (f / f"{f.name}_MIX.wav").is_file()]


def read(root: Path) -> list[DatasetTrack]:
    """Tracks of MedleyDB: stems of a vocal instrument are the voice, each once, the rest the accompaniment.

    A song without such a stem has an accompaniment only. The mixtures are mastered: not the sum of the stems.

    Raises:
        AdvsepError: metadata or a stem is missing or damaged, or PyYAML is not installed.
    """
    return [_track(folder, root) for folder in _folders(root)]


def _track(folder: Path, root: Path) -> DatasetTrack:
    path = _metadata_path(folder, root)
    data = _parsed(path)
    stems: Any = data.get("stems")
    if not isinstance(stems, dict) or not stems:
        raise AdvsepError(f"{path}: expected a table of stems, found {stems!r:.40}; get the original file")
    place = folder / str(data.get("stem_dir") or f"{folder.name}_STEMS")
    sides: dict[bool, list[Part]] = {True: [], False: []}
    for key, stem in sorted(stems.items()):
        if not isinstance(stem, dict) or not isinstance(stem.get("filename"), str):
            raise AdvsepError(f"{path}: stem {key} has no filename; get the original file")
        sides[_is_vocal(stem)].append(Part(needed(place / stem["filename"], "medleydb")))
    return DatasetTrack(
        name=folder.name,
        artist=str(data.get("artist") or artist_of(folder.name.replace("_", " - ", 1))),
        corpus="medleydb",
        vocals=tuple(sides[True]),
        accompaniment=tuple(sides[False]),
        mixture=Part(needed(folder / f"{folder.name}_MIX.wav", "medleydb")),
        mastered=True,
        has_bleed=data.get("has_bleed") in ("yes", True),
    )


def _is_vocal(stem: dict[str, Any]) -> bool:
    instrument = stem.get("instrument")
    kinds = instrument if isinstance(instrument, list) else [instrument]
    return any(str(kind).strip().casefold() in VOCAL_INSTRUMENTS for kind in kinds)


def _metadata_path(folder: Path, root: Path) -> Path:
    name = f"{folder.name}_METADATA.yaml"
    places = [folder, *(root / place for place in METADATA)]
    for place in places:
        if (place / name).is_file():
            return place / name
    raise AdvsepError(
        f"{folder}: no {name}, which tells voices from instruments; looked in {', '.join(map(str, places))}: "
        "copy medleydb/data/Metadata from github.com/marl/medleydb there"
    )


def _parsed(path: Path) -> dict[str, Any]:
    try:
        yaml: Any = importlib.import_module("yaml")
    except ImportError:
        raise AdvsepError(f"{path}: MedleyDB's metadata needs PyYAML: pip install pyyaml") from None
    try:
        data: Any = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise AdvsepError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise AdvsepError(f"{path}: not YAML: {error}; get the original file") from None
    if not isinstance(data, dict):
        raise AdvsepError(f"{path}: expected a table with artist and stems, found {data!r:.40}; get the original file")
    return data
