"""What examples are drawn from, and how their colour is changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from advsep.trainer.config import RemixConfig, TrainConfig
from advsep.trainer.excerpts import cut_excerpt, past_samples, tilted
from advsep.trainer.pool import Sources
from advsep.trainer.recordings import Recording
from advsep.trainer.remix import Remixer
from advsep.trainer.tracks import Track

RATE_HZ = 8000
LEVELS = {"voice_to_band_db": (0.0, 0.0), "level_dbfs": (-20.0, -20.0), "speed_range": (1.0, 1.0)}
PLAIN = LEVELS | {"no_voice_probability": 0.0, "no_band_probability": 0.0, "swap_probability": 0.0}


def tone(hz: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(4 * RATE_HZ) / RATE_HZ)).astype(np.float32)[:, None]


def recording(hz: float) -> Recording:
    return Recording(Path(), (32767 * tone(hz)).astype(np.int16), 3800.0)


def pitch_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * RATE_HZ / len(samples))


def test_solos_and_guesses_get_their_share(make_track: Callable[..., Track], tiny: Callable[..., TrainConfig]) -> None:
    """Each source has tones of its own, by which an example tells where it comes from."""
    song, guess = (make_track(tone(hz), tone(hz + 50)) for hz in (500, 1500))
    voice, band = recording(2500), recording(2550)
    config = tiny(steps=4000, lanes=1, remix=PLAIN | {"solo_probability": 0.3, "pseudo_probability": 0.5})
    remixer = Remixer(Sources([song], [voice], [band], [guess]), config.signal.spec(), config)
    past, found, over_music = past_samples(config.signal.spec()), [], []
    for number in range(200):
        batch = remixer[number * config.excerpt_segments]
        voice_hz, band_hz = (pitch_hz(stem[0, 0, past:].numpy()) for stem in (batch.vocals, batch.accompaniment))
        found.append(band_hz)
        if band_hz > 2000:
            over_music.append(voice_hz)
            assert not bool(batch.paired[0])
        else:
            assert abs(band_hz - 50 - voice_hz) < 20
    # 30 % are over music without voices, half of these of the song's voice; half of the rest are guesses.
    shares = [np.mean([abs(each - hz) < 20 for each in found]) for hz in (550, 1550, 2550)]
    assert shares == pytest.approx([0.35, 0.35, 0.3], abs=0.1)
    shares = [np.mean([abs(each - hz) < 20 for each in over_music]) for hz in (500, 2500)]
    assert sum(shares) == 1.0
    assert shares[0] == pytest.approx(0.5, abs=0.2)


def test_sources_that_are_not_there_leave_their_share_to_the_rest(make_track: Callable[..., Track]) -> None:
    track, solo = make_track(), recording(500)
    remix = RemixConfig(solo_probability=1.0, pseudo_probability=0.5)
    assert [share for share, _, _ in Sources([track]).pools(remix, RATE_HZ)] == [1.0]
    assert [share for share, _, _ in Sources([track], [solo]).pools(remix, RATE_HZ)] == [1.0]
    pools = Sources([track], [], [solo]).pools(RemixConfig(solo_probability=0.25), RATE_HZ)
    assert [(share, belongs, len(pool.vocals)) for share, belongs, pool in pools] == [(0.25, False, 1), (0.75, True, 1)]
    pools = Sources([track], [solo], [solo], [track]).pools(remix, RATE_HZ)
    assert [(share, belongs) for share, belongs, _ in pools] == [(1.0, False), (0.0, True)]
    assert len(pools[0][2].vocals) == 1  # the solo: no songs, not even their voices
    assert Sources([]).pools(remix, RATE_HZ) == []
    assert Sources([track], pseudo=[track]).corpora == {"corpus"}


@pytest.mark.parametrize("tilt_db", [6.0, -3.0])
def test_a_tilt_is_even_over_octaves(tilt_db: float) -> None:
    impulse = np.zeros((2, 8192), np.float32)
    impulse[:, 100] = 1.0
    found = tilted(impulse, tilt_db, 44100)
    level_db = 20 * np.log10(np.abs(np.fft.rfft(found[1])))
    freq_hz = np.fft.rfftfreq(8192, 1 / 44100)
    octaves = np.log2(16000 / 60)
    for hz in (120, 480, 1920, 7680):
        expected = tilt_db * (np.log2(hz / 60) / octaves - 0.5)
        assert np.interp(hz, freq_hz, level_db) == pytest.approx(expected, abs=0.02)
    assert level_db[-1] == pytest.approx(tilt_db / 2, abs=0.02)
    assert int(np.argmax(found[0])) == 100  # in phase
    assert found.dtype == np.float32


def test_polarity_turns_stems_upside_down(make_track: Callable[..., Track], tiny: Callable[..., TrainConfig]) -> None:
    config = tiny(lanes=1, steps=400, remix=PLAIN | {"polarity_probability": 0.5, "pair_probability": 1.0})
    straight = tiny(lanes=1, steps=400, remix=PLAIN | {"pair_probability": 1.0})
    song, signs = make_track(np.abs(tone(300)), tone(200)), []
    for each in (config, straight):
        remixer = Remixer(Sources([song]), each.signal.spec(), each)
        signs.append([float(remixer[4 * n].vocals.mean() > 0) for n in range(60)])
    assert set(signs[1]) == {1.0}
    assert 0.3 < np.mean(signs[0]) < 0.7


def test_an_excerpt_beyond_the_end_is_silent_there() -> None:
    recording = np.full((10, 2), 16384, np.int16)
    assert np.array_equal(cut_excerpt(recording, 7, 6, 6, 1), [[0.5, 0.5, 0.5, 0, 0, 0]])
    assert cut_excerpt(recording[:, :1], 0, 4, 4, 2).shape == (2, 4)
    assert cut_excerpt(recording, 0, 10, 20, 2).shape == (2, 20)
