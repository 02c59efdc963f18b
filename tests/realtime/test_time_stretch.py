"""Tempo and key: the same partials, at places that are known, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
from advsep.realtime.source import ArraySource
from advsep.realtime.tape import Loop
from advsep.realtime.time_stretch import TimeStretch
from advsep.realtime.tune import AS_IT_IS, Tune, TuneError
from advsep.realtime.tuned_reel import TunedReel

RATE_HZ = 44100
Samples = np.ndarray


def stretched(
    sound: Samples, tempo: float, semitones: float, block: int = 1000, *, keeps_formants: bool = False
) -> Samples:
    made = TimeStretch(RATE_HZ, sound.shape[1], 0.09, tempo, 2 ** (semitones / 12), keeps_formants=keeps_formants)
    context = np.zeros((made.context_samples, sound.shape[1]), np.float32)
    given = np.concatenate([context, sound, context, context])
    return np.concatenate([made.process(given[at : at + block]) for at in range(0, len(given), block)])


def sine(hz: float, seconds: float) -> Samples:
    wave = 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)
    return np.stack([wave, 0.5 * wave], 1).astype(np.float32)


def bursts(places_s: list[float], seconds: float, channels: int = 2) -> Samples:
    sound = np.zeros((round(seconds * RATE_HZ), channels), np.float32)
    along = np.arange(400) / RATE_HZ
    for place_s in places_s:
        at = round(place_s * RATE_HZ) - 200
        sound[at : at + 400] += (np.hanning(400) * np.sin(2 * np.pi * 1000 * along))[:, None].astype(np.float32)
    return sound


def loudest_s(sound: Samples, near_s: float) -> float:
    energy = np.convolve(sound[:, 0] ** 2, np.ones(400), "same")
    first = max(0, round((near_s - 0.1) * RATE_HZ))
    return (first + int(np.argmax(energy[first : first + round(0.2 * RATE_HZ)]))) / RATE_HZ


def test_at_its_own_tempo_and_key_sound_stays_what_it_is() -> None:
    sound = np.random.default_rng(1).standard_normal((30000, 2)).astype(np.float32)
    made = stretched(sound, 1.0, 0.0)
    # Behind the first frames, which the silence before the sound belongs to.
    assert np.abs(made[:30000] - sound).max() < 2e-5


@pytest.mark.parametrize(("tempo", "semitones"), [(0.5, 0.0), (0.8, -5.0), (1.25, 0.0), (1.5, 0.0), (1.0, 3.0)])
def test_a_partial_stays_one_at_its_pitch_and_level(tempo: float, semitones: float) -> None:
    made = stretched(sine(440, 3.0), tempo, semitones)
    assert abs(len(made) - 3.0 * RATE_HZ / tempo) < 3 * 8192
    part = made[RATE_HZ // 2 : RATE_HZ // 2 + 44100]
    power = np.abs(np.fft.rfft(part[:, 0] * np.hanning(len(part)))) ** 2
    peak = int(np.argmax(power))
    assert abs(peak - 440 * 2 ** (semitones / 12)) < 1.0  # a bin is a hertz
    beside = power.sum() - power[peak - 6 : peak + 7].sum()
    assert 10 * np.log10(beside / power.sum()) < (-100 if semitones == 0 else -50)
    assert np.sqrt(np.mean(part**2, 0)) == pytest.approx([0.5 / 2**0.5, 0.25 / 2**0.5], rel=0.002)


@pytest.mark.parametrize(("tempo", "semitones"), [(0.5, 0.0), (0.7, 12.0), (1.0, -12.0), (1.5, 5.0)])
def test_a_place_of_the_sound_is_where_it_is_said_to_be(tempo: float, semitones: float) -> None:
    places_s = [0.3, 0.9, 1.7, 2.4]
    made = stretched(bursts(places_s, 3.0), tempo, semitones)
    found = [loudest_s(made, place_s / tempo) for place_s in places_s]
    assert found == pytest.approx([place_s / tempo for place_s in places_s], abs=0.004)


def test_blocks_do_not_matter() -> None:
    sound = np.random.default_rng(2).standard_normal((20000, 2)).astype(np.float32)
    whole = stretched(sound, 0.83, 2.0, block=10**6)
    for block in (37, 4096):
        assert np.array_equal(stretched(sound, 0.83, 2.0, block), whole)
    few = sound[:1000]
    assert np.array_equal(stretched(few, 0.83, 2.0, 1), stretched(few, 0.83, 2.0, 10**6))


def test_formants_stay_where_they_are_asked_to() -> None:
    t = np.arange(2 * RATE_HZ) / RATE_HZ
    partials = [np.exp(-(((120 * n - 1000) / 300) ** 2)) * np.sin(2 * np.pi * 120 * n * t) for n in range(1, 40)]
    voice = np.repeat(0.1 * np.sum(partials, 0)[:, None], 2, 1).astype(np.float32)

    def middle_hz(sound: Samples) -> float:
        power = np.abs(np.fft.rfft(sound[20000:64100, 0] * np.hanning(44100))) ** 2
        return float(np.sum(power * np.arange(len(power))) / power.sum())

    assert middle_hz(stretched(voice, 1.0, 7.0, keeps_formants=True)) == pytest.approx(1000, abs=200)
    assert middle_hz(stretched(voice, 1.0, 7.0)) == pytest.approx(1000 * 2 ** (7 / 12), abs=60)


def drained(reel: TunedReel) -> Samples:
    blocks = []
    while not reel.ended:
        blocks.append(reel.read())
    return np.concatenate(blocks)


@pytest.mark.parametrize("rate_hz", [44100, 48000])
def test_a_tuned_song_is_as_long_as_it_ought_to_be(rate_hz: int) -> None:
    song = ArraySource(bursts([0.5, 1.0, 1.9], 2.0, 4), RATE_HZ, "song")
    made = drained(TunedReel(song, 0, None, rate_hz, 4, Tune(0.8, 2.0)))
    assert len(made) == pytest.approx(2.0 * rate_hz / 0.8, abs=2)
    resampled = [loudest_s(made, place_s / 0.8 * rate_hz / RATE_HZ) * RATE_HZ / rate_hz for place_s in (0.5, 1.0, 1.9)]
    assert resampled == pytest.approx([0.5 / 0.8, 1.0 / 0.8, 1.9 / 0.8], abs=0.004)


def test_rounds_of_a_loop_are_told_where_they_are_heard() -> None:
    song = ArraySource(bursts([1.0], 2.0, 4), RATE_HZ, "song")
    reel = TunedReel(
        song, round(0.8 * RATE_HZ), Loop(round(0.75 * RATE_HZ), round(1.25 * RATE_HZ)), RATE_HZ, 4, Tune(1.25)
    )
    turns: list[tuple[float, int]] = []
    made = np.zeros((0, 4), np.float32)
    while len(made) < 2 * RATE_HZ:
        made = np.concatenate([made, reel.read()])
        turns += reel.turns
        reel.turns.clear()
    assert [place for _, place in turns[:3]] == [round(0.75 * RATE_HZ)] * 3
    # From 0.8 to 1.25 s, then rounds of half a second, all by the tempo; a seam ends a round before it is over.
    assert [at / RATE_HZ for at, _ in turns[:3]] == pytest.approx([0.36, 0.76, 1.16], abs=0.012)
    assert [loudest_s(made, near_s) for near_s in (0.16, 0.56, 0.96)] == pytest.approx([0.16, 0.56, 0.96], abs=0.004)


@pytest.mark.parametrize(
    ("tempo", "key", "words"),
    [(0.4, 0, "50% to 150%"), (float("nan"), 0, "nan"), (1, 13, "at most 12"), (1, float("inf"), "inf")],
)
def test_what_cannot_be_played_is_refused(tempo: float, key: float, words: str) -> None:
    with pytest.raises(TuneError, match=words):
        Tune(tempo, key)
    assert AS_IT_IS.is_neutral
    assert not Tune(1.0, -1.0).is_neutral
