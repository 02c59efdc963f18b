"""Sets of many files a stem become tracks that the trainer loads; what is one file is not copied."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from advsep.realtime.errors import AdvsepError
from advsep.trainer.datasets.layouts import read_tracks
from advsep.trainer.datasets.render import as_track_files
from advsep.trainer.tracks import load_tracks

WriteSounds = Callable[..., dict[str, np.ndarray]]
STEMS = ("mixture.wav", "drums.wav", "bass.wav", "other.wav", "vocals.wav")


def test_the_trainer_loads_what_was_rendered(tmp_path: Path, write_sounds: WriteSounds) -> None:
    folder = tmp_path / "set" / "train" / "A - B"
    sounds = write_sounds(folder, STEMS)
    tracks, made, seen = read_tracks(tmp_path / "set"), tmp_path / "made", []
    (files,) = as_track_files(tracks, made, seen.append)
    assert (files.name, files.corpus, files.vocals, seen) == ("A - B", "musdb18hq", folder / "vocals.wav", tracks)
    loaded = load_tracks([files], 44100, tmp_path / "cache")[0]
    band = sounds["drums.wav"] + sounds["bass.wav"] + sounds["other.wav"]
    assert np.abs(loaded.accompaniment / 32767 - band).max() < 2e-5
    assert [path.name for path in made.rglob("*.wav")] == ["accompaniment.wav"]


def test_a_stem_is_rendered_again_only_when_a_part_changes(tmp_path: Path, write_sounds: WriteSounds) -> None:
    write_sounds(tmp_path / "set" / "Wavfile", ("Ani_1_01.wav",), 16000)
    tracks, made = read_tracks(tmp_path / "set"), tmp_path / "made"
    (first,) = as_track_files(tracks, made)
    written = first.vocals.stat().st_mtime_ns
    assert as_track_files(tracks, made) == [first]
    assert first.vocals.stat().st_mtime_ns == written
    assert first.vocals.parent != first.accompaniment.parent  # each is named by its own channel
    os.utime(tmp_path / "set" / "Wavfile" / "Ani_1_01.wav", (1, 1))
    (second,) = as_track_files(tracks, made)
    assert second.vocals != first.vocals
    (tmp_path / "set" / "Wavfile" / "Ani_1_01.wav").unlink()
    with pytest.raises(AdvsepError, match=r"Ani_1_01\.wav: cannot be read: No such file"):
        as_track_files(tracks, made)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, write_sounds: WriteSounds) -> None:
    write_sounds(tmp_path / "set" / "Wavfile", ("Ani_1_01.wav",), 16000)
    (tmp_path / "file").touch()
    with pytest.raises(AdvsepError, match=r"vocals\.wav: cannot be written: Not a directory; free some space"):
        as_track_files(read_tracks(tmp_path / "set"), tmp_path / "file")
