"""CCMixter, iKala and MIR-1K in miniature: which file or channel is the voice, and who sings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from advsep.realtime.errors import AdvsepError
from advsep.trainer.datasets.layouts import read_tracks, recognise
from advsep.trainer.datasets.track import read_sum

WriteSounds = Callable[..., dict[str, np.ndarray]]
CCMIXTER = ("mix.wav", "source-01.wav", "source-02.wav")


def test_ccmixter(tmp_path: Path, write_sounds: WriteSounds) -> None:
    sounds = write_sounds(tmp_path / "Alex_Beroza_-_Art_Now", CCMIXTER)
    write_sounds(tmp_path / "untitled", CCMIXTER)
    assert recognise(tmp_path).name == "CCMixter"
    first, second = read_tracks(tmp_path)
    assert (first.corpus, first.artist, first.split, second.artist) == ("ccmixter", "Alex_Beroza", None, "")
    np.testing.assert_allclose(read_sum(first.vocals)[0], sounds["source-02.wav"], atol=1e-6)
    np.testing.assert_allclose(read_sum(first.accompaniment)[0], sounds["source-01.wav"], atol=1e-6)
    assert first.mixture is not None
    assert first.mixture.path.name == "mix.wav"


def test_ccmixter_without_a_voice_is_named(tmp_path: Path, write_sounds: WriteSounds) -> None:
    write_sounds(tmp_path / "song", CCMIXTER[:2])
    with pytest.raises(AdvsepError, match=r"song/source-02\.wav: missing; every track of ccmixter has it"):
        read_tracks(tmp_path)


@pytest.mark.parametrize(
    ("layout", "corpus", "rate_hz", "names", "artists"),
    [
        (
            "iKala",
            "ikala",
            44100,
            ("10161_chorus", "10161_verse", "21025_verse"),
            ("song 10161",) * 2 + ("song 21025",),
        ),
        ("MIR-1K", "mir1k", 16000, ("Ani_1_01", "abjones_1_02", "abjones_2_01"), ("Ani", "abjones", "abjones")),
    ],
)
def test_the_voice_is_right_and_the_band_is_left(
    tmp_path: Path,
    write_sounds: WriteSounds,
    layout: str,
    corpus: str,
    rate_hz: int,
    names: tuple[str, ...],
    artists: tuple[str, ...],
) -> None:
    sounds = write_sounds(tmp_path / "Wavfile", [f"{name}.wav" for name in names], rate_hz)
    assert recognise(tmp_path).name == layout
    tracks = read_tracks(tmp_path)
    assert [(t.name, t.artist, t.corpus, t.mixture) for t in tracks] == [
        (name, artist, corpus, None) for name, artist in zip(names, artists, strict=True)
    ]
    for track in tracks:
        voice, found_hz = read_sum(track.vocals)
        both = sounds[f"{track.name}.wav"]
        assert (voice.shape, found_hz) == ((400, 1), rate_hz)
        np.testing.assert_allclose(voice[:, 0], both[:, 1], atol=1e-6)
        np.testing.assert_allclose(read_sum(track.accompaniment)[0][:, 0], both[:, 0], atol=1e-6)


def test_a_mono_clip_and_a_stranger_are_named(tmp_path: Path, write_sounds: WriteSounds) -> None:
    write_sounds(tmp_path / "Wavfile", ["Ani_1_01.wav"], 16000, channels=1)
    with pytest.raises(
        AdvsepError, match=r"Ani_1_01\.wav: expected stereo, accompaniment left and voice right, found 1"
    ):
        read_tracks(tmp_path)
    write_sounds(tmp_path / "Wavfile", ["Ani_1_01.wav", "readme.wav"], 16000)
    with pytest.raises(AdvsepError, match=r"readme\.wav: not named as the clips of mir1k are"):
        read_tracks(tmp_path)
