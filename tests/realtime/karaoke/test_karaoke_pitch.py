"""The pitch tracker against singing whose pitch is known, and against everything that is no singing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soxr
from advsep.realtime.karaoke import pitch_tracker
from advsep.realtime.karaoke.pitch_model import FRAMES_AHEAD, FRAMES_BEFORE, HOP_SAMPLES, PitchError, PitchNetwork
from advsep.realtime.karaoke.pitch_octave import raise_octaves
from advsep.realtime.karaoke.pitch_trace import PitchTrace
from advsep.realtime.karaoke.pitch_tracker import FRAME_S, PitchTracker, frame_times_s, track_guide, track_samples
from numpy.typing import NDArray
from sung import Note, Sung, a_song, sing

E2, G3, C6 = 40.0, 55.0, 84.0


def share_right(trace: PitchTrace, sung: Sung, cents: float = 25.0) -> float:
    """Of the frames that are truly sung, those heard within so many cents; what was not heard is wrong."""
    truth = sung.pitch_at(trace.times_s)
    at = np.isfinite(truth)
    return float(np.mean(100 * np.abs(trace.pitch_midi[at] - truth[at]) < cents))


@pytest.mark.parametrize("lowest_midi", [E2, 48.0, G3, 64.0, C6 - 12])
def test_singing_in_noise_is_heard_within_25_cents(lowest_midi: float) -> None:
    sung = sing(a_song(lowest_midi, seed=int(lowest_midi), count=9), 16_000, length_s=8, snr_db=20)
    trace = track_samples(sung.samples, 16_000)
    assert share_right(trace, sung) > 0.98  # 95 % are asked for
    silent = sung.level[np.minimum(np.round(trace.times_s * 16_000).astype(int), len(sung.samples) - 1)] == 0
    assert np.isfinite(trace.pitch_midi[silent]).mean() < 0.06  # of the pauses, which border on notes
    assert np.isfinite(trace.confidence).all()


def test_high_notes_are_heard_an_octave_too_low_without_the_look_at_their_harmonics(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sung = sing(a_song(C6 - 12, seed=172), 16_000, length_s=11, snr_db=20)
    with_it = share_right(track_samples(sung.samples, 16_000), sung)
    monkeypatch.setattr(pitch_tracker, "raise_octaves", lambda frequency_hz, *_: frequency_hz)
    without = share_right(track_samples(sung.samples, 16_000), sung)
    assert with_it > 0.98
    assert without < 0.95


def test_only_frames_without_odd_harmonics_are_raised() -> None:
    time_s = np.arange(16_000) / 16_000
    high = np.sin(2 * np.pi * 600 * time_s) + 0.3 * np.sin(2 * np.pi * 1200 * time_s)
    low = high + 0.12 * np.sin(2 * np.pi * 900 * time_s)  # 19 dB below: a weak third harmonic of 300 Hz
    heard_hz = np.full(20, 300, np.float32)
    np.testing.assert_array_equal(raise_octaves(heard_hz, high.astype(np.float32), 10), 600)
    np.testing.assert_array_equal(raise_octaves(heard_hz, low.astype(np.float32), 10), 300)
    np.testing.assert_array_equal(raise_octaves(heard_hz, np.zeros(16_000, np.float32), 10), 300)


def test_a_step_is_heard_where_it_is() -> None:
    random, late_s = np.random.default_rng(1), []
    for n, (low, step) in enumerate([(43, 3), (52, -4), (57, 7), (64, -2), (69, 5), (76, -6)]):
        at_s = 0.6 + random.uniform(0, FRAME_S)
        vowel = "aeiou"[n % 5]
        notes = [Note(start_s=0.2, end_s=at_s, pitch_midi=low, vowel=vowel)]
        notes.append(Note(start_s=at_s, end_s=1.0, pitch_midi=low + step, vowel=vowel))
        trace = track_samples(sing(notes, 16_000, length_s=1.2, snr_db=20, seed=n).samples, 16_000)
        gone = (trace.pitch_midi - low) / step
        after = np.flatnonzero((trace.times_s > at_s - 0.1) & (gone > 0.5))[0]
        share = (0.5 - gone[after - 1]) / (gone[after] - gone[after - 1])
        late_s.append(trace.times_s[after - 1] + share * FRAME_S - at_s)
    assert np.abs(late_s).max() < 0.013  # within a frame
    assert abs(np.mean(late_s)) < 0.003  # and no constant offset: the network itself is centred


@pytest.mark.parametrize(("rate_hz", "block"), [(48_000, 480), (44_100, 333), (16_000, 4096)])
def test_blocks_are_heard_as_the_whole(rate_hz: int, block: int) -> None:
    sung = sing(a_song(G3, seed=3, count=4), rate_hz, length_s=4.0, snr_db=20)
    sung.samples[3 * rate_hz : round(3.7 * rate_hz)] = 0  # a gate, behind which the network is not asked
    whole = track_samples(sung.samples, rate_hz)
    tracker = PitchTracker(rate_hz)
    parts = []
    for start in range(0, len(sung.samples), block):
        parts.append(tracker.feed(sung.samples[start : start + block]))
        until_s = min(start + block, len(sung.samples)) / rate_hz
        if len(parts[-1]):
            assert until_s - parts[-1].times_s[-1] >= (FRAMES_AHEAD + 1) * FRAME_S - 1e-9
            assert until_s - parts[-1].times_s[-1] < 0.176 + 4 * FRAME_S + 0.02 + block / rate_hz
            # What is shown early follows at once, and most of it stays as it is.
            assert tracker.latest.times_s[0] == pytest.approx(parts[-1].times_s[-1] + FRAME_S)
            assert until_s - tracker.latest.times_s[-1] < 0.08 + block / rate_hz
    parts.append(tracker.finish())
    np.testing.assert_allclose(np.concatenate([part.times_s for part in parts]), whole.times_s)
    np.testing.assert_allclose(np.arange(len(whole)) * FRAME_S, whole.times_s)
    assert len(whole) == -(-len(sung.samples) * 16_000 // rate_hz // HOP_SAMPLES)
    # A thousandth of a cent is rounding; a frame of context too few is a hundred times as much.
    heard = np.concatenate([part.pitch_midi for part in parts])
    np.testing.assert_allclose(heard, whole.pitch_midi, atol=1e-5)
    np.testing.assert_allclose(np.concatenate([part.confidence for part in parts]), whole.confidence, atol=1e-5)


def test_the_context_is_what_the_network_needs_and_no_more() -> None:
    network = PitchNetwork()
    samples = sing(a_song(G3, seed=3, count=3), 16_000, length_s=2.4, snr_db=20).samples[: 140 * HOP_SAMPLES]
    frame = 70
    whole_hz, whole_confidence = network.hear(samples)

    def off(before: int, ahead: int) -> float:
        part = samples[(frame - before) * HOP_SAMPLES : (frame + ahead + 1) * HOP_SAMPLES]
        hz, confidence = network.hear(part)
        return max(abs(hz[before] / whole_hz[frame] - 1), abs(confidence[before] - whole_confidence[frame]))

    assert off(FRAMES_BEFORE, FRAMES_AHEAD) < 1e-6
    assert off(FRAMES_BEFORE - 1, FRAMES_AHEAD) > 1e-6
    assert off(FRAMES_BEFORE, FRAMES_AHEAD - 1) > 1e-6


def test_what_is_shown_early_is_nearly_always_right() -> None:
    sung = sing(a_song(G3, seed=8, count=8), 16_000, length_s=6.5, snr_db=20)
    tracker, shares = PitchTracker(16_000), []
    for start in range(0, len(sung.samples), 1024):
        if len(tracker.feed(sung.samples[start : start + 1024])):
            truth = sung.pitch_at(tracker.latest.times_s)
            at = np.isfinite(truth)
            shares.extend(np.abs(tracker.latest.pitch_midi[at] - truth[at]) < 0.25)
    assert len(shares) > 450
    assert np.mean(shares) > 0.96


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 96_000, 192_000])
def test_any_rate_is_heard_alike(rate_hz: int) -> None:
    sung = sing(a_song(G3, seed=5, count=4), 48_000, length_s=3.0, snr_db=30)
    there = soxr.resample(sung.samples, 48_000, rate_hz).astype(np.float32)
    trace = track_samples(np.stack([there, there], axis=1), rate_hz)
    assert share_right(trace, sung) > 0.97


@pytest.mark.parametrize(("peak", "least"), [(0.9, 0.98), (0.01, 0.98), (0.003, 0.97)])
def test_a_quiet_microphone_is_heard_too(peak: float, least: float) -> None:
    sung = sing(a_song(60.0, seed=60), 16_000, length_s=11, snr_db=30, peak=peak)
    assert share_right(track_samples(sung.samples, 16_000), sung) > least
    quiet_db = 20 * np.log10(peak)
    assert not np.isfinite(track_samples(sung.samples, 16_000, quietest_dbfs=quiet_db + 6).pitch_midi).any()


def test_a_guides_bleed_is_not_the_guide() -> None:
    voice = sing(a_song(G3, seed=4, count=5), 16_000, length_s=5.0, peak=0.4)
    band = sing([Note(start_s=0, end_s=5, pitch_midi=71, vowel="o")], 16_000, length_s=5.0, peak=0.02)
    stem = voice.samples + band.samples
    pauses = np.isnan(voice.pitch_at(frame_times_s(300), level=1e-9))
    assert np.isfinite(track_samples(stem, 16_000).pitch_midi[:300][pauses]).mean() > 0.5
    guide = track_guide(np.stack([stem, stem], axis=1), 16_000)
    assert np.isfinite(guide.pitch_midi[:300][pauses]).mean() < 0.1
    assert share_right(guide, voice) > 0.97
    assert len(track_guide(np.zeros(0, np.float32), 48_000)) == 0
    assert not np.isfinite(track_guide(np.zeros((9_000, 2), np.float32), 48_000).pitch_midi).any()


def test_clipping_costs_nothing() -> None:
    sung = sing(a_song(G3, seed=6, count=6), 16_000, length_s=5.0, peak=0.5)
    clipped = np.clip(sung.samples * 8, -1, 1)
    assert share_right(track_samples(clipped, 16_000), sung) > 0.95


def noises() -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(0)
    white = random.standard_normal(80_000)
    spectrum = np.fft.rfft(white)
    pink = np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 1))
    clicks = np.where(random.random(80_000) < 2e-4, 1.0, 0.0)
    found = {"white": white, "pink": pink, "clicks": clicks}
    return {name: (noise / np.abs(noise).max()).astype(np.float32) for name, noise in found.items()}


@pytest.mark.parametrize("level_db", [0, -40])
def test_noise_is_not_sung(level_db: float) -> None:
    for name, noise in noises().items():
        trace = track_samples(noise * np.float32(10 ** (level_db / 20)), 16_000)
        assert np.isfinite(trace.pitch_midi).mean() < 0.01, name


def test_silence_is_not_sung_and_what_is_no_number_is_silence() -> None:
    assert not np.isfinite(track_samples(np.zeros((48_000, 2), np.float32), 48_000).pitch_midi).any()
    sung = sing(a_song(G3, seed=7, count=6), 48_000, length_s=5.0)
    broken = sung.samples.copy()
    broken[48_000:52_800] = np.nan
    broken[96_000], broken[96_500] = np.inf, 3e38
    trace, clean = track_samples(broken, 48_000), track_samples(sung.samples, 48_000)
    assert np.isfinite(trace.confidence).all()
    assert not np.isinf(trace.pitch_midi).any()
    far = np.abs(trace.times_s - 1.05) > 0.3
    far &= np.abs(trace.times_s - 2.005) > 0.3
    before = far & (trace.times_s < 1.5)
    np.testing.assert_allclose(trace.pitch_midi[before], clean.pitch_midi[before], atol=0.02)
    only_broken = np.full(48_000, np.nan, np.float32)
    assert not np.isfinite(track_samples(only_broken, 48_000).pitch_midi).any()


@pytest.mark.parametrize("length", [0, 1, 255, 256, 257])
def test_very_little_sound_is_heard_without_complaint(length: int) -> None:
    trace = track_samples(np.full(length, 0.1, np.float32), 16_000)
    assert len(trace) == len(trace.pitch_midi) == len(trace.confidence) == -(-length // HOP_SAMPLES)
    for rate_hz in (16_000, 44_100):
        tracker = PitchTracker(rate_hz)
        assert [len(tracker.finish()), len(tracker.finish()), len(tracker.feed(np.zeros(0, np.float32)))] == [0, 0, 0]


def test_a_tracker_that_begins_anew_has_forgotten_everything() -> None:
    sung = sing(a_song(G3, seed=9, count=3), 16_000, length_s=2.4)
    tracker = PitchTracker(16_000)
    tracker.feed(np.random.default_rng(0).standard_normal(10_000).astype(np.float32))
    tracker.reset()
    first = tracker.feed(sung.samples)
    rest = tracker.finish()
    again = tracker.feed(sung.samples)
    np.testing.assert_array_equal(first.pitch_midi, again.pitch_midi)
    assert first.times_s[0] == again.times_s[0] == 0
    assert len(first) + len(rest) == len(track_samples(sung.samples, 16_000))


def test_rates_and_networks_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PitchError, match=r"8000 to 192000 Hz, found 4000"):
        PitchTracker(4_000)
    damaged = tmp_path / "model.onnx"
    for content in (b"", b"no network", pitch_model_bytes()[:50_000]):
        damaged.write_bytes(content)
        with pytest.raises(PitchError, match=r"model\.onnx.*install advsep again"):
            PitchNetwork(damaged)
    with pytest.raises(PitchError, match="install advsep again"):
        PitchNetwork(tmp_path / "missing.onnx")
    other = next((Path(pitch_tracker.__file__).parents[1] / "models").glob("live-*[0-9].onnx"))
    with pytest.raises(PitchError, match="found another network"):
        PitchNetwork(other)


def pitch_model_bytes() -> bytes:
    return (Path(pitch_tracker.__file__).parent / "swift_f0" / "model.onnx").read_bytes()
