"""The demo song is deterministic, in tune, in time, clean at every rate, and the sum of its stems."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from advsep.realtime.demo import DemoSong, demo_song
from advsep.realtime.demo.articulation import SungNote
from advsep.realtime.demo.score import BAR_S, BEAT_S, FIRST_SUNG_BAR, INTERLUDE_BAR, MELODY, SONG_S
from advsep.realtime.demo.voice import pulse_train
from advsep.realtime.errors import AdvsepError
from numpy.typing import NDArray

RATE_HZ = 44100
LONG_NOTES = [note for note in MELODY if note.duration_s >= 0.55]


@pytest.fixture(scope="module")
def song() -> DemoSong:
    return demo_song()


def rms_db(signal: NDArray[np.float32]) -> float:
    return float(10.0 * np.log10(np.mean(np.square(signal.astype(np.float64))) + 1e-30))


def between(stem: NDArray[np.float32], start_s: float, end_s: float, rate_hz: int = RATE_HZ) -> NDArray[np.float32]:
    return stem[round(start_s * rate_hz) : round(end_s * rate_hz)]


def power_spectrum(signal: NDArray[np.floating], rate_hz: int, bin_hz: float = 10.0) -> NDArray[np.float64]:
    """Mean power per bin of `bin_hz` under a Blackman window; by hand, so that nothing is shared with the synthesis."""
    length = round(rate_hz / bin_hz)
    frames = np.lib.stride_tricks.sliding_window_view(signal.astype(np.float64), length)[:: length // 2]
    return np.mean(np.abs(np.fft.rfft(frames * np.blackman(length)) / length) ** 2, axis=0)


def pitch_track_hz(signal: NDArray[np.float32], rate_hz: int, low_hz: float, high_hz: float) -> NDArray[np.float64]:
    """Pitch every 10 ms by the highest peak of the normalised autocorrelation of 40 ms frames."""
    window = round(0.04 * rate_hz)
    lags = np.arange(int(rate_hz / high_hz), int(rate_hz / low_hz) + 2)
    track: list[float] = []
    for start in range(0, signal.size - window - lags[-1], round(0.01 * rate_hz)):
        frame = signal[start : start + window + lags[-1]].astype(np.float64)
        head = frame[:window]
        score = np.array([head @ frame[lag : lag + window] / np.linalg.norm(frame[lag : lag + window]) for lag in lags])
        best = int(np.clip(np.argmax(score), 1, lags.size - 2))
        left, middle, right = score[best - 1 : best + 2]
        track.append(rate_hz / (lags[best] + 0.5 * (left - right) / (left - 2.0 * middle + right)))
    return np.array(track)


def test_the_same_bytes_at_every_call(song: DemoSong) -> None:
    again = demo_song()
    assert song.vocals.tobytes() == again.vocals.tobytes()
    assert song.accompaniment.tobytes() == again.accompaniment.tobytes()


def test_shapes_and_types(song: DemoSong) -> None:
    for stem in (song.vocals, song.accompaniment, song.mixture):
        assert stem.shape == (round(SONG_S * RATE_HZ), 2)
        assert stem.dtype == np.float32
        assert np.isfinite(stem).all()
    assert song.sample_rate_hz == RATE_HZ
    assert np.array_equal(song.mixture, song.vocals + song.accompaniment)


def test_a_short_song_is_the_beginning_and_a_long_one_repeats() -> None:
    rate_hz = 8000
    whole = demo_song(rate_hz)
    period = whole.vocals.shape[0]
    short = demo_song(rate_hz, duration_s=7.25)
    assert short.mixture.shape == (58000, 2)
    assert np.array_equal(short.mixture, whole.mixture[:58000])
    long = demo_song(rate_hz, duration_s=65.0)
    assert long.mixture.shape == (520000, 2)
    assert np.array_equal(long.vocals[period : 2 * period], whole.vocals)
    assert np.array_equal(long.accompaniment[2 * period :], whole.accompaniment[: 520000 - 2 * period])
    assert np.abs(long.mixture[period - 1 : period + 1]).max() < 1e-3, "the song starts again without a click"


def test_mono_is_the_mean_of_left_and_right() -> None:
    stereo, mono = demo_song(16000), demo_song(16000, channels=1)
    assert mono.vocals.shape == (stereo.vocals.shape[0], 1)
    np.testing.assert_allclose(mono.accompaniment[:, 0], stereo.accompaniment.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize(
    ("rate_hz", "duration_s", "channels"), [(7999, None, 2), (192001, None, 2), (44100, 0.0, 2), (44100, None, 3)]
)
def test_what_cannot_be_made_is_refused(rate_hz: int, duration_s: float | None, channels: int) -> None:
    with pytest.raises(AdvsepError):
        demo_song(rate_hz, duration_s, channels)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 48000])
def test_levels(rate_hz: int) -> None:
    song = demo_song(rate_hz)
    peak_db = 20.0 * np.log10(np.abs(song.mixture).max())
    assert -3.0 < peak_db < -1.0
    sung = [(note.start_s, note.end_s) for note in MELODY]
    voice = np.concatenate([between(song.vocals, *span, rate_hz) for span in sung])
    band = np.concatenate([between(song.accompaniment, *span, rate_hz) for span in sung])
    assert -3.0 < rms_db(voice) - rms_db(band) < 0.0
    for stem in (song.vocals, song.accompaniment):
        assert np.abs(stem.mean(axis=0, dtype=np.float64)).max() < 3e-4


def test_the_voice_rests_where_the_score_does(song: DemoSong) -> None:
    first_consonant_s = 0.15
    assert rms_db(between(song.vocals, 0.0, FIRST_SUNG_BAR * BAR_S - first_consonant_s)) < -80.0
    rest = between(song.vocals, INTERLUDE_BAR * BAR_S + 0.3, (INTERLUDE_BAR + 1) * BAR_S - 0.6)
    assert rms_db(rest) < -50.0
    for bar in (2, 3, 4, 5, 7, 8, 9, 10):
        assert rms_db(between(song.vocals, bar * BAR_S, (bar + 1) * BAR_S)) > -26.0
    for bar in range(12):
        assert rms_db(between(song.accompaniment, bar * BAR_S, (bar + 1) * BAR_S)) > -26.0


@pytest.mark.parametrize("note", LONG_NOTES, ids=lambda note: f"{note.start_s:.1f}s {note.syllable}")
def test_the_voice_is_in_tune(song: DemoSong, note: SungNote) -> None:
    expected_hz = 440.0 * 2.0 ** ((note.pitch_midi - 69.0) / 12.0)
    middle = between(song.vocals.mean(axis=1), note.start_s + 0.15, note.end_s - 0.15)
    # Two octaves are searched, so that an octave error or a wrong note would show.
    track_hz = pitch_track_hz(middle, RATE_HZ, 0.51 * expected_hz, 1.95 * expected_hz)
    cents = 1200.0 * np.log2(np.median(track_hz) / expected_hz)
    assert abs(cents) < 40.0


def test_the_last_note_has_vibrato(song: DemoSong) -> None:
    last = MELODY[-1]
    expected_hz = 440.0 * 2.0 ** ((last.pitch_midi - 69.0) / 12.0)
    held = between(song.vocals.mean(axis=1), last.start_s + 0.6, last.end_s - 0.4)
    cents = 1200.0 * np.log2(pitch_track_hz(held, RATE_HZ, 200.0, 500.0) / expected_hz)
    spectrum = np.abs(np.fft.rfft((cents - cents.mean()) * np.hanning(cents.size), 4096))
    assert 4.8 < np.fft.rfftfreq(4096, 0.01)[np.argmax(spectrum)] < 6.5
    assert 15.0 < (np.percentile(cents, 95) - np.percentile(cents, 5)) / 2.0 < 60.0


def test_the_vowels_are_vowels(song: DemoSong) -> None:
    def front_to_back_db(syllable: str) -> float:
        note = next(each for each in MELODY if each.syllable == syllable)
        power = power_spectrum(between(song.vocals.mean(axis=1), note.start_s + 0.1, note.start_s + 0.4), RATE_HZ)
        return float(10.0 * np.log10(power[200:370].sum() / power[70:140].sum()))

    # /e/ has its second and third formants at 2.0…3.7 kHz; /o/ has its second near 1 kHz and little above.
    assert front_to_back_db("W EY") > front_to_back_db("L OW") + 15.0
    assert front_to_back_db("S T EY") > front_to_back_db("N OW") + 15.0
    power = power_spectrum(song.vocals.mean(axis=1), RATE_HZ)
    assert power[20:400].sum() / power.sum() > 0.9


def test_the_consonants_hiss(song: DemoSong) -> None:
    note = next(each for each in MELODY if each.syllable == "S L OW")
    voice = song.vocals.mean(axis=1)
    consonant = power_spectrum(between(voice, note.start_s - 0.19, note.start_s - 0.08), RATE_HZ)
    vowel = power_spectrum(between(voice, note.start_s + 0.2, note.start_s + 0.6), RATE_HZ)
    assert consonant[500:1200].sum() / consonant.sum() > 0.5
    assert vowel[500:1200].sum() / vowel.sum() < 1e-3


def test_the_band_keeps_time(song: DemoSong) -> None:
    hop = round(0.002 * RATE_HZ)
    # Sample-to-sample differences stand for the treble, where the cymbals and the snare are.
    treble = np.square(np.diff(song.accompaniment.mean(axis=1).astype(np.float64)))
    level = np.log10(treble[: treble.size // hop * hop].reshape(-1, hop).mean(axis=1) + 1e-8)
    rise = level[4:] - level[:-4]
    peaks = [i for i in range(8, rise.size - 8) if rise[i] > 0.9 and rise[i] == rise[i - 8 : i + 9].max()]
    onsets_s = (np.array(peaks) + 4) * hop / RATE_HZ
    sixteenth_s = BEAT_S / 4.0
    off_s = np.abs(onsets_s - sixteenth_s * np.round(onsets_s / sixteenth_s))
    assert len(peaks) > 60
    assert np.percentile(off_s, 95) < 0.035
    assert off_s.std() > 0.001, "a hand is not a machine"


def test_the_stereo_image(song: DemoSong) -> None:
    left, right = song.accompaniment.astype(np.float64).T
    assert rms_db(((left - right) / 2.0).astype(np.float32)) > rms_db(song.accompaniment) - 15.0
    assert abs(rms_db(song.accompaniment[:, 0]) - rms_db(song.accompaniment[:, 1])) < 1.5
    middle, side = song.vocals.mean(axis=1), (song.vocals[:, 0] - song.vocals[:, 1]) / 2.0
    assert -40.0 < rms_db(side) - rms_db(middle) < -10.0, "the voice is in the middle of a room"


def test_no_clicks(song: DemoSong) -> None:
    for stem in (song.vocals, song.accompaniment):
        assert np.abs(stem[0]).max() < 1e-3
        assert np.abs(stem[-1]).max() < 1e-4
    # A click is a step far out of proportion to the steps around it; drums have theirs, the voice has none.
    steps = np.abs(np.diff(song.vocals.mean(axis=1), n=2)).astype(np.float64)
    blocks = steps[: steps.size // 441 * 441].reshape(-1, 441)
    loud = blocks.max(axis=1) > 0.02
    assert (blocks.max(axis=1)[loud] / blocks.mean(axis=1)[loud]).max() < 40.0


def test_pulses_have_no_aliases() -> None:
    rate_hz, pitch_hz = 8000, 311.7
    phase = 2.0 * np.pi * pitch_hz * np.arange(16000) / rate_hz + 0.3
    spectrum = np.abs(np.fft.rfft(pulse_train(phase, np.full(16000, pitch_hz), rate_hz) * np.blackman(16000)))
    freq_hz = np.fft.rfftfreq(16000, 1.0 / rate_hz)
    distance_hz = np.abs(freq_hz - pitch_hz * np.round(freq_hz / pitch_hz))
    between_harmonics = (distance_hz > 20.0) | (freq_hz < 0.5 * pitch_hz)
    assert 20.0 * np.log10(spectrum[between_harmonics].max() / spectrum.max()) < -90.0


@pytest.mark.parametrize(("rate_hz", "top_hz"), [(8000, 3400), (48000, 16000), (96000, 16000)])
def test_every_rate_holds_the_same_song(song: DemoSong, rate_hz: int, top_hz: int) -> None:
    other = demo_song(rate_hz)
    for mine, theirs in ((song.vocals, other.vocals), (song.accompaniment, other.accompaniment)):
        ours = power_spectrum(mine[:, 0], RATE_HZ)
        power = power_spectrum(theirs[:, 0], rate_hz)
        edges = np.unique(np.geomspace(6, top_hz // 10, 16).astype(int))
        here = np.array([ours[a:b].sum() for a, b in pairwise(edges)])
        there = np.array([power[a:b].sum() for a, b in pairwise(edges)])
        heard = here > 1e-7 * here.sum()
        assert np.abs(10.0 * np.log10(there[heard] / here[heard])).max() < 1.5
        assert power[2000:].sum() < 1e-6 * power.sum(), "nothing above 20 kHz"


def test_low_rate_is_the_high_rate_low_passed(song: DemoSong) -> None:
    low = demo_song(8000)
    for here, there, limit_db in ((song.vocals, low.vocals, -20.0), (song.accompaniment, low.accompaniment, -15.0)):
        # Both last exactly 28.8 s, so bin k of either spectrum is the same frequency.
        wanted = np.fft.rfft(here[:, 0].astype(np.float64))[: round(1000.0 * SONG_S)] / here.shape[0]
        found = np.fft.rfft(there[:, 0].astype(np.float64))[: round(1000.0 * SONG_S)] / there.shape[0]
        difference = np.square(np.abs(found - wanted)).sum() / np.square(np.abs(wanted)).sum()
        assert 10.0 * np.log10(difference) < limit_db
