"""Batches: aligned where they must be, with context, amplified where they may be, and repeatable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from advsep.realtime.errors import AdvsepError
from advsep.trainer.paper.config import PaperConfig
from advsep.trainer.paper.examples import PairedExamples, UnpairedExamples, cut, validation_frames
from advsep.trainer.paper.objective import targets
from advsep.trainer.paper.songs import Song, UnpairedSongs, mixture_of, stems_of, unpaired_songs
from advsep.trainer.paper.spectra import analyse
from advsep.trainer.recordings import Recording
from advsep.trainer.tracks import Track

from .conftest import decoded

MakeConfig = Callable[..., PaperConfig]


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-8000, 8000, samples)


def test_a_batch_follows_from_the_seed_and_its_number(songs: list[Track], tiny: MakeConfig) -> None:
    for make in (
        lambda config: PairedExamples(songs, config),
        lambda config: UnpairedExamples(unpaired_songs(songs), config),
    ):
        one, other = make(tiny()), make(tiny())
        third = one[3]
        for number in (7, 0, 3):
            again = other[number]
        fields = list(type(third).__dataclass_fields__)
        assert all(torch.equal(getattr(third, name), getattr(again, name)) for name in fields)
        assert not torch.equal(getattr(third, fields[0]), getattr(one[4], fields[0]))
        assert not torch.equal(getattr(third, fields[0]), getattr(make(tiny(seed=1))[3], fields[0]))


def test_pairs_are_of_one_moment_and_unchanged(tiny: MakeConfig) -> None:
    """The accompaniment is the voice backwards in sign at half the level: at each sample, or it is another moment."""
    voice = 2 * noise(40000)
    batch = PairedExamples([decoded(voice, -voice // 2)], tiny(batch_examples=8))[0]
    assert batch.voices.shape == (8, 109 * 256 + 512)
    assert torch.equal(batch.voices, -2 * batch.accompaniments)
    places = {float(each[50 * 256]) * 32768 for each in batch.voices}
    assert len(places) == 8
    assert places <= set(voice.astype(float))  # no gain


def test_targets_have_the_context_of_their_mixture(tiny: MakeConfig) -> None:
    """A target's first and last frames hear what lies outside it: they are those of the whole track's transform."""
    track = decoded(noise(50 * 256, 1), noise(50 * 256, 2))
    batch = PairedExamples([track], tiny(batch_examples=6))[0]
    true = targets(batch, 18)
    assert true.shape == (6, 2, 258, 18)
    assert not true[:, :, 257].any()
    for number, stem in enumerate(stems_of(track)):
        whole = torch.log1p(analyse(torch.from_numpy(stem.read())).abs())
        for example in true[:, number, :257]:
            differences = [float((whole[:, k : k + 18] - example).abs().max()) for k in range(51 - 18 + 1)]
            assert min(differences) < 1e-4
            assert sorted(differences)[1] > 0.5


def test_only_unpaired_excerpts_are_amplified_each_by_itself(tiny: MakeConfig) -> None:
    level = np.full(60000, 8192)
    tracks = [decoded(level, level)]
    config = tiny(batch_examples=40, gain_range=(0.2, 1.2))
    paired = PairedExamples(tracks, config)[0]
    assert set(paired.voices.unique().tolist()) <= {0.0, 0.25}
    batch = UnpairedExamples(unpaired_songs(tracks), config)[0]
    assert batch.mixtures.shape == (40, 109 * 256 + 512)
    assert batch.voices.shape == batch.accompaniments.shape == (40, 17 * 256 + 512)
    gains = torch.stack([batch.mixtures.amax(1) / 2, batch.voices.amax(1), batch.accompaniments.amax(1)]) / 0.25
    assert 0.2 <= float(gains.min()) < 0.3
    assert 1.1 < float(gains.max()) <= 1.2
    assert len(gains.unique()) == 120


def test_every_moment_and_every_track_is_drawn(tiny: MakeConfig) -> None:
    """A track of many minutes is as likely as one of a second; the last frames of each are drawn, too."""
    tracks = [decoded(np.full(40 * 256, 1000), noise(40 * 256)), decoded(np.full(4000 * 256, 2000), noise(4000 * 256))]
    batch = PairedExamples(tracks, tiny(batch_examples=400))[0]
    middles = batch.voices[:, 46 * 256 + 256]
    assert 0.4 < float((middles == 1000 / 32768).float().mean()) < 0.6
    short = batch.voices[middles == 1000 / 32768]
    # Silence behind the track begins after 41 frames: as early as frame 23 + 18 of the excerpt, and not earlier.
    sounding = (short != 0).float().argmax(1)
    assert int(sounding.min()) == 46 * 256 + 256 - 23 * 256
    assert int(sounding.max()) == 46 * 256 + 256


@pytest.mark.parametrize("samples", [1, 300, 17 * 256 - 1])
def test_a_track_that_is_too_short_is_padded(tiny: MakeConfig, samples: int) -> None:
    track = decoded(noise(samples, 3) | 1, noise(samples, 4))
    batch = PairedExamples([track], tiny())[0]
    start = 46 * 256 + 256
    for found in batch.voices:
        assert torch.equal(found[start : start + samples], torch.from_numpy(stems_of(track)[0].read()))
        assert not found[:start].any()
        assert not found[start + samples :].any()
    assert validation_frames(stems_of(track)[0], tiny()) == [0]
    UnpairedExamples(unpaired_songs([track]), tiny())[0]


def test_sounds_are_mono_and_sum(tiny: MakeConfig) -> None:
    left, right, band = noise(900, 1), noise(900, 2), noise(900, 3)
    track = decoded(np.stack([left, right], 1), np.stack([band, band], 1))
    voice = (left + right) / 2 / 32768
    assert np.allclose(stems_of(track)[0].read(), voice, atol=1e-7)
    assert np.allclose(mixture_of(track).read(), voice + band / 32768, atol=1e-7)
    assert np.array_equal(mixture_of(track).read(-5, 10)[5:], mixture_of(track).read(0, 5))
    assert not mixture_of(track).read(890, 300)[10:].any()
    assert not mixture_of(track).read(2000, 30).any()


def test_unpaired_sounds_come_of_tracks_and_of_recordings() -> None:
    track = decoded(noise(900, 1), noise(900, 2))
    solo = Recording(Path("solo.wav"), noise(500, 3).astype(np.int16)[:, None], 3890.0)
    found = unpaired_songs([track], voices=[solo])
    assert found.voices == [Song(track, ("vocals",)), Song(solo, ("samples",))]
    assert found.mixtures == [mixture_of(track)]
    assert np.allclose(found.voices[1].read() * 32768, solo.samples[:, 0])


@pytest.mark.parametrize("missing", ["mixtures", "voices", "accompaniments"])
def test_without_unpaired_sounds_there_is_no_semi(tiny: MakeConfig, songs: list[Track], missing: str) -> None:
    lists = {name: [mixture_of(songs[0])] * (name != missing) for name in ("mixtures", "voices", "accompaniments")}
    with pytest.raises(AdvsepError, match=f"needs unpaired {missing}, found none: give a folder with --{missing}"):
        UnpairedExamples(UnpairedSongs(**lists), tiny())
    with pytest.raises(AdvsepError, match="no tracks to learn from"):
        PairedExamples([], tiny())


def test_validation_hears_a_track_once(tiny: MakeConfig) -> None:
    voice = stems_of(decoded(noise(99 * 256), noise(99 * 256)))[0]
    assert voice.frames == 100
    assert validation_frames(voice, tiny()) == [0, 18, 36, 54, 72]
    assert validation_frames(voice, tiny(validation_seconds=54 / 32)) == [23, 41, 59]
    assert validation_frames(voice, tiny(validation_seconds=0.001)) == [41]
    assert validation_frames(voice, tiny(patch_frames=64)) == [0]
    assert np.array_equal(cut(voice, 2, 3), voice.read(256, 4 * 256))
