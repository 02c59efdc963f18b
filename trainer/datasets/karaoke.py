"""Sets of a voice and a ready accompaniment: CCMixter, iKala and MIR-1K."""

from __future__ import annotations

import re
from pathlib import Path

import soundfile

from ...realtime.errors import AdvsepError
from .listing import files, needed, subfolders
from .track import DatasetTrack, Part, artist_of

CCMIXTER_FILES = ("mix.wav", "source-01.wav", "source-02.wav")
CCMIXTER_LOOKED_FOR = "TRACK/{mix,source-01,source-02}.wav (CCMixter)"
IKALA_LOOKED_FOR = "Wavfile/NNNNN_{verse,chorus}.wav in stereo (iKala)"
MIR1K_LOOKED_FOR = "Wavfile/SINGER_N_NN.wav in stereo (MIR-1K)"
IKALA_NAME = re.compile(r"(\d+)_(verse|chorus)\.wav", re.IGNORECASE)
MIR1K_NAME = re.compile(r"([A-Za-z]+)_\d+_\d+\.wav")
LEFT, RIGHT = 0, 1


def fits_ccmixter(root: Path) -> bool:
    """Whether a folder is laid out as CCMixter: two of the three files in one folder are enough."""
    return any(sum((folder / name).is_file() for name in CCMIXTER_FILES) >= 2 for folder in subfolders(root))


def read_ccmixter(root: Path) -> list[DatasetTrack]:
    """Tracks of CCMixter (Liutkus et al. 2014): source 1 is the accompaniment, source 2 the voice.

    Raises:
        AdvsepError: a track lacks a file.
    """
    found: list[DatasetTrack] = []
    for folder in subfolders(root):
        mixture, accompaniment, vocals = (Part(needed(folder / name, "ccmixter")) for name in CCMIXTER_FILES)
        found.append(
            DatasetTrack(
                name=folder.name,
                artist=artist_of(folder.name),
                corpus="ccmixter",
                vocals=(vocals,),
                accompaniment=(accompaniment,),
                mixture=mixture,
            )
        )
    return found


def fits_ikala(root: Path) -> bool:
    """Whether a folder is laid out as iKala."""
    return any(IKALA_NAME.fullmatch(path.name) for path in files(root / "Wavfile", ".wav"))


def read_ikala(root: Path) -> list[DatasetTrack]:
    """Clips of iKala (Chan et al. 2015): left the accompaniment, right the voice, 44.1 kHz.

    The mixture is their sum and may exceed full scale, so no mixture is made here. File names tell the song and
    not the singer: the song stands for the artist, which keeps its verse and chorus together.

    Raises:
        AdvsepError: a file is named otherwise or is not stereo.
    """
    return _clips(root, "ikala", IKALA_NAME, "song ")


def fits_mir1k(root: Path) -> bool:
    """Whether a folder is laid out as MIR-1K."""
    return any(MIR1K_NAME.fullmatch(path.name) for path in files(root / "Wavfile", ".wav"))


def read_mir1k(root: Path) -> list[DatasetTrack]:
    """Clips of MIR-1K (Hsu and Jang 2010): left the accompaniment, right the voice, 16 kHz; the singer is named first.

    Raises:
        AdvsepError: a file is named otherwise or is not stereo.
    """
    return _clips(root, "mir1k", MIR1K_NAME, "")


def _clips(root: Path, corpus: str, pattern: re.Pattern[str], artist_prefix: str) -> list[DatasetTrack]:
    found: list[DatasetTrack] = []
    for path in files(root / "Wavfile", ".wav"):
        match = pattern.fullmatch(path.name)
        if match is None:
            raise AdvsepError(f"{path}: not named as the clips of {corpus} are; take the file away")
        _require_stereo(path)
        found.append(
            DatasetTrack(
                name=path.stem,
                artist=artist_prefix + match[1],
                corpus=corpus,
                vocals=(Part(path, channel=RIGHT),),
                accompaniment=(Part(path, channel=LEFT),),
            )
        )
    return found


def _require_stereo(path: Path) -> None:
    try:
        channels = int(soundfile.info(path).channels)
    except (soundfile.LibsndfileError, OSError):
        return  # what cannot be read is said by whoever reads it, among a doctor's other findings
    if channels != 2:
        raise AdvsepError(
            f"{path}: expected stereo, accompaniment left and voice right, found {channels} channel(s); "
            "get the original file"
        )
