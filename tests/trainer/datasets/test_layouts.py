"""Sets are told by what lies in them; what is none of them ends in one sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from advsep.realtime.errors import AdvsepError
from advsep.trainer.datasets.layouts import LAYOUTS, read_tracks, recognise
from advsep.trainer.datasets.manifest import read
from advsep.trainer.datasets.track import read_sum

WriteSounds = Callable[..., dict[str, np.ndarray]]


def test_aligned_folders_with_a_mixture_beside_the_stems(tmp_path: Path, write_sounds: WriteSounds) -> None:
    # Folders that are called as MUSDB18's are, but hold something else.
    write_sounds(tmp_path / "train" / "Ann - Song", ("vocals.wav", "accompaniment.wav", "mixture.wav"))
    write_sounds(tmp_path / "test" / "song", ("vocals.wav", "accompaniment.wav"))
    assert recognise(tmp_path).name == "aligned folders"
    plain, mixed = read_tracks(tmp_path)
    assert (plain.corpus, plain.artist, plain.mixture, plain.split) == ("test", "", None, None)
    assert (mixed.corpus, mixed.artist) == ("train", "Ann")
    assert mixed.mixture is not None
    assert mixed.mixture.path.name == "mixture.wav"
    write_sounds(tmp_path / "train" / "Ann - Song", ("mixture.flac",))
    with pytest.raises(AdvsepError, match=r"one mixture\.\* file, found mixture\.flac, mixture\.wav; keep one"):
        read_tracks(tmp_path)


def test_recordings_of_one_kind(tmp_path: Path, write_sounds: WriteSounds) -> None:
    write_sounds(tmp_path / "a" / "b", ("Ann - Solo.wav",))
    write_sounds(tmp_path / "a", ("two.flac",))
    for role in ("vocals", "accompaniment", "mixture"):
        tracks = read_tracks(tmp_path, role)
        assert {(t.name, t.artist) for t in tracks} == {("a/b/Ann - Solo", "Ann"), ("a/two", "")}
        for track in tracks:
            assert [len(track.parts(each)) for each in ("vocals", "accompaniment", "mixture")] == [
                int(each == role) for each in ("vocals", "accompaniment", "mixture")
            ]
    with pytest.raises(AdvsepError, match="its 2 sound files are recordings of one kind, say which with --role"):
        recognise(tmp_path)


def test_what_is_no_data_set_names_all_that_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(AdvsepError, match="no known data set; looked for") as raised:
        recognise(tmp_path)
    assert all(layout.looked_for in str(raised.value) for layout in LAYOUTS)
    assert "--role" not in str(raised.value)
    with pytest.raises(AdvsepError, match=r"notes\.txt: no known data set"):
        recognise(tmp_path / "notes.txt")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(AdvsepError, match=": empty; give"):
        recognise(tmp_path)
    with pytest.raises(AdvsepError, match="no such folder; give"):
        recognise(tmp_path / "gone")


@pytest.mark.parametrize("depth", ["", "a", "z"])
@pytest.mark.parametrize("right", ["list", "enter"])
def test_a_folder_that_may_not_be_read(
    tmp_path: Path, write_sounds: WriteSounds, monkeypatch: pytest.MonkeyPatch, depth: str, right: str
) -> None:
    for name in ("a", "m", "z"):
        write_sounds(tmp_path / name, ("vocals.wav", "accompaniment.wav"))
    shut = tmp_path / depth

    def refusing(real: Callable[..., Any], refuses: Callable[[str], bool]) -> Callable[..., Any]:
        def call(path: str | Path, *args: Any, **kwargs: Any) -> Any:
            if refuses(os.fspath(path)):
                raise PermissionError(13, "Permission denied", os.fspath(path))
            return real(path, *args, **kwargs)

        return call

    # Tests may run as root, who may read everything: a mode of 0 would test nothing.
    for name in ("scandir", "listdir"):
        monkeypatch.setattr(os, name, refusing(getattr(os, name), lambda path: path == str(shut)))
    if right == "enter":
        monkeypatch.setattr(os, "stat", refusing(os.stat, lambda path: path.startswith(f"{shut}/")))
    says = rf"{shut}.*: cannot be read \(Permission denied\); give yourself the right to read it"
    with pytest.raises(AdvsepError, match=says):
        read_tracks(tmp_path)


def write_manifest(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", "utf-8-sig")
    return path


def test_a_manifest(tmp_path: Path, write_sounds: WriteSounds) -> None:
    sounds = write_sounds(tmp_path / "audio", ("v.wav", "d.wav", "b.wav", "m.wav"))
    path = write_manifest(
        tmp_path / "damp.csv",
        "name,artist,split,vocals,accompaniment,mixture,genre",
        '"Song, the",Ann,valid,audio/v.wav,audio/d.wav; audio/b.wav,,pop',
        "",
        "solo,,,audio/v.wav,,,",
        "whole,Bob,test,,,audio/m.wav,",
    )
    assert recognise(path).name == recognise(tmp_path).name == "CSV manifest"
    song, solo, whole = read_tracks(tmp_path)
    assert (song.name, song.artist, song.split, song.corpus) == ("Song, the", "Ann", "valid", "damp")
    np.testing.assert_allclose(read_sum(song.accompaniment)[0], sounds["d.wav"] + sounds["b.wav"], atol=1e-6)
    assert (solo.artist, solo.split, solo.is_paired, len(solo.vocals)) == ("", None, False, 1)
    assert whole.mixture is not None
    assert (whole.mixture.path.name, whole.split, whole.vocals) == ("m.wav", "test", ())


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["name,vocal", "a,v.wav"], r"column 'vocal' \(did you mean 'vocals'\?\)"),
        (["title,vocals", "a,v.wav"], "expected the columns name and at least one of"),
        (["name,vocals"], "expected a line a track"),
        (["name,vocals", "a,gone.wav"], r"line 2: no file .*gone\.wav; paths are relative to the manifest"),
        (["name,vocals", "a,v.wav", ",v.wav"], "line 3 lacks a name"),
        (["name,vocals", "a,"], "line 2 lacks a file in"),
        (["name,vocals", "a,v.wav", "a,v.wav"], "line 3: 'a' was there already"),
        (["name,vocals,split", "a,v.wav,dev"], "split must be empty or one of train, valid, test, found 'dev'"),
        (["name,mixture", "a,v.wav;v.wav"], "line 2: expected one mixture, found 2"),
        (["name,vocals", 'a,"v.wav'], "expected comma-separated UTF-8 text"),
    ],
)
def test_a_bad_manifest_names_the_line(tmp_path: Path, write_sounds: WriteSounds, lines: list[str], says: str) -> None:
    write_sounds(tmp_path, ("v.wav",))
    with pytest.raises(AdvsepError, match=rf"songs\.csv: .*{says}"):
        read(write_manifest(tmp_path / "songs.csv", *lines))


def test_parts_that_do_not_fit_are_not_added(tmp_path: Path, write_sounds: WriteSounds) -> None:
    write_sounds(tmp_path, ("a.wav",))
    write_sounds(tmp_path, ("b.wav",), 48000, channels=1)
    path = write_manifest(tmp_path / "x.csv", "name,vocals", "x,a.wav;b.wav")
    says = r"b\.wav: cannot be added to a\.wav: expected 400 samples, 2 channels at 44100 Hz, found 400 samples, 1 ch"
    with pytest.raises(AdvsepError, match=says):
        read_sum(read(path)[0].vocals)
