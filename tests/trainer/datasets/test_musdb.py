"""MUSDB18-HQ, MUSDB18 and DSD100 in miniature: what is voice, what is band, whose song, which half."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from advsep.realtime.errors import AdvsepError
from advsep.trainer.datasets.layouts import read_tracks, recognise
from advsep.trainer.datasets.track import read_sum

WriteSounds = Callable[..., dict[str, np.ndarray]]
STEMS = ("drums.wav", "bass.wav", "other.wav", "vocals.wav")


def test_musdb18_hq(tmp_path: Path, write_sounds: WriteSounds) -> None:
    write_sounds(tmp_path / "train" / "A Classic Education - NightOwl", ("mixture.wav", *STEMS))
    sounds = write_sounds(tmp_path / "test" / "Al James - Schoolboy Facination", ("mixture.wav", *STEMS))
    (tmp_path / "test" / ".DS_Store").touch()
    assert recognise(tmp_path).name == "MUSDB18-HQ"
    first, second = read_tracks(tmp_path)
    assert (first.artist, first.split, first.corpus) == ("A Classic Education", "train", "musdb18hq")
    assert (second.name, second.artist, second.split) == ("Al James - Schoolboy Facination", "Al James", "test")
    band, rate_hz = read_sum(second.accompaniment)
    assert rate_hz == 44100
    np.testing.assert_allclose(band, sounds["drums.wav"] + sounds["bass.wav"] + sounds["other.wav"], atol=1e-6)
    np.testing.assert_allclose(read_sum(second.vocals)[0], sounds["vocals.wav"], atol=1e-6)
    assert second.mixture is not None
    np.testing.assert_allclose(read_sum((second.mixture,))[0], sounds["mixture.wav"], atol=1e-6)


def test_a_missing_stem_is_named(tmp_path: Path, write_sounds: WriteSounds) -> None:
    write_sounds(tmp_path / "train" / "A - B", ("mixture.wav", *STEMS))
    (tmp_path / "train" / "A - B" / "vocals.wav").unlink()
    with pytest.raises(AdvsepError, match=r"A - B/vocals\.wav: missing; every track of musdb18hq has it"):
        read_tracks(tmp_path)


def write_dsd(root: Path, write_sounds: WriteSounds) -> dict[str, np.ndarray]:
    write_sounds(root / "Mixtures" / "Dev" / "051 - AM Contra - Heart Peripheral", ("mixture.wav",))
    write_sounds(root / "Mixtures" / "Test" / "001 - ANiMAL - Clinic A", ("mixture.wav",))
    write_sounds(root / "Sources" / "Test" / "001 - ANiMAL - Clinic A", STEMS)
    return write_sounds(root / "Sources" / "Dev" / "051 - AM Contra - Heart Peripheral", STEMS)


def test_dsd100(tmp_path: Path, write_sounds: WriteSounds) -> None:
    sounds = write_dsd(tmp_path, write_sounds)
    assert recognise(tmp_path).name == "DSD100"
    dev, test = read_tracks(tmp_path)
    assert [(t.artist, t.split, t.corpus) for t in (dev, test)] == [
        ("AM Contra", "train", "dsd100"),
        ("ANiMAL", "test", "dsd100"),
    ]
    np.testing.assert_allclose(read_sum(dev.vocals)[0], sounds["vocals.wav"], atol=1e-6)
    assert [part.path.stem for part in dev.accompaniment] == ["drums", "bass", "other"]
    assert dev.mixture is not None
    assert dev.mixture.path == tmp_path / "Mixtures/Dev" / dev.name / "mixture.wav"


def test_half_of_dsd100_says_which_half_lacks(tmp_path: Path, write_sounds: WriteSounds) -> None:
    write_dsd(tmp_path, write_sounds)
    (tmp_path / "Sources/Test/001 - ANiMAL - Clinic A").rename(tmp_path / "Sources/Test/002 - Other - Song")
    with pytest.raises(AdvsepError, match=r"'001 - ANiMAL - Clinic A' is in Mixtures/Test but not in Sources/Test"):
        read_tracks(tmp_path)


@pytest.fixture
def stems_root(tmp_path: Path) -> Path:
    for half in ("train", "test"):
        (tmp_path / half).mkdir()
        (tmp_path / half / f"Artist {half} - Song.stem.mp4").write_bytes(b"\0\0\0 ftypisom")
    return tmp_path


def test_musdb18_takes_each_stream_for_what_it_is(stems_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_stems(path: str, stem_id: int, dtype: Any) -> tuple[np.ndarray, float]:
        assert path.endswith(".stem.mp4")
        return np.full((10, 2), 10.0**-stem_id, dtype), 44100.0

    monkeypatch.setitem(sys.modules, "stempeg", SimpleNamespace(read_stems=read_stems))
    assert recognise(stems_root).name == "MUSDB18"
    train, test = read_tracks(stems_root)
    assert [(t.name, t.artist, t.split) for t in (train, test)] == [
        ("Artist train - Song", "Artist train", "train"),
        ("Artist test - Song", "Artist test", "test"),
    ]
    # Streams: 0 mixture, 1 drums, 2 bass, 3 other, 4 vocals.
    for parts, value in ((train.vocals, 1e-4), (train.accompaniment, 0.111), ((train.mixture,), 1.0)):
        samples, rate_hz = read_sum(parts)
        assert (samples.shape, samples.dtype, rate_hz) == ((10, 2), np.float32, 44100)
        np.testing.assert_allclose(samples, value, rtol=1e-5)


@pytest.mark.parametrize("error", [ImportError("No module named 'stempeg'"), RuntimeError("ffmpeg not found")])
def test_without_stempeg_or_ffmpeg_it_says_what_to_install(
    stems_root: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    class Finder:
        @staticmethod
        def find_spec(name: str, *_: Any) -> None:
            if name == "stempeg":
                raise error

    monkeypatch.delitem(sys.modules, "stempeg", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    track = read_tracks(stems_root)[0]
    with pytest.raises(AdvsepError, match=r"Song\.stem\.mp4: stem files need stempeg and ffmpeg: pip install stempeg"):
        read_sum(track.vocals)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            Warning("moov atom\nnot found"),
            r"stream 4 cannot be read \(moov atom not found\); see that `ffmpeg -i` reads",
        ),
        (FileNotFoundError(2, "No such file", "ffprobe"), "stem files need stempeg and ffmpeg"),
    ],
)
def test_a_stem_file_that_ffmpeg_refuses_is_named(
    stems_root: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, says: str
) -> None:
    def read_stems(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setitem(sys.modules, "stempeg", SimpleNamespace(read_stems=read_stems))
    with pytest.raises(AdvsepError, match=rf"Artist train - Song\.stem\.mp4: {says}"):
        read_sum(read_tracks(stems_root)[0].vocals)
