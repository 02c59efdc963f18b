"""Delays found in synthetic rooms of known delay, in words where they cannot be, and kept by device pair."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soxr
from advsep.realtime.clock_stream import ClockStream
from advsep.realtime.exchange import Deck
from advsep.realtime.karaoke.calibration_signal import (
    BURSTS,
    GAPS_S,
    LONGEST_DELAY_S,
    bursts_of,
    calibration_train,
    response,
)
from advsep.realtime.karaoke.delay_calibration import CalibrationError, find_delay
from advsep.realtime.karaoke.delay_measurement import DelayMeasured, play_and_find
from advsep.realtime.karaoke.delays import Delays, DelaysError, DevicePair, KnownDelay
from advsep.realtime.probe import LatencyProbe
from numpy.typing import NDArray

RATE_HZ = 44100
Sound = NDArray[np.float32]


@pytest.fixture(scope="module")
def train() -> Sound:
    return calibration_train(RATE_HZ)


def delayed(sound: Sound, by: int, gain: float = 1.0) -> Sound:
    moved = np.zeros_like(sound)
    moved[by:] = gain * sound[: len(sound) - by]
    return moved


def noise(like: Sound, deviation: float, seed: int = 0) -> Sound:
    return (deviation * np.random.default_rng(seed).standard_normal(like.shape)).astype(np.float32)


def loudness(sound: Sound) -> float:
    """RMS while it sounds."""
    return float(np.sqrt(np.mean(sound[sound != 0] ** 2)))


def through(sound: Sound, response: Sound) -> Sound:
    size = 1 << (len(sound) + len(response)).bit_length()
    heard = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)
    return heard[: len(sound)].astype(np.float32)


def room(delay: int, reverberation_s: float, direct: float, seed: int = 1) -> Sound:
    """Sound that comes straight, and decaying noise behind it from 2 ms on, of 60 dB in `reverberation_s`."""
    length = round(1.2 * reverberation_s * RATE_HZ)
    tail = np.random.default_rng(seed).standard_normal(length) * 10 ** (
        -3 * np.arange(length) / (reverberation_s * RATE_HZ)
    )
    tail[: round(0.002 * RATE_HZ)] = 0.0
    tail *= 1.0 / np.sqrt(np.sum(tail**2))
    found = np.zeros(delay + length, np.float32)
    found[delay:] = tail
    found[delay] += direct
    return found


@pytest.mark.parametrize("rate_hz", [16000, 44100, 48000, 96000])
@pytest.mark.parametrize("delay", [0, 1, 1032])
def test_through_a_cable_to_the_sample(rate_hz: int, delay: int) -> None:
    train = calibration_train(rate_hz)
    found = find_delay(train, delayed(train, delay, 0.5), rate_hz)
    assert found.delay_s * rate_hz == pytest.approx(delay, abs=1e-6)
    assert (found.spread_s, found.agreeing, found.bursts, found.advice) == (0.0, BURSTS, BURSTS, "")
    assert found.level_dbfs == pytest.approx(20 * np.log10(0.175), abs=0.1)
    assert found.clearness > 100


@pytest.mark.parametrize("delay_s", [0.0234, 0.2, 0.5])
@pytest.mark.parametrize("gain", [1.0, -0.01])
def test_upside_down_faint_and_long_to_the_sample(train: Sound, delay_s: float, gain: float) -> None:
    delay = round(delay_s * RATE_HZ)
    found = find_delay(train, delayed(train, delay, gain) + noise(train, 1e-5), RATE_HZ)
    assert round(found.delay_s * RATE_HZ) == delay
    assert found.spread_s <= 2 / RATE_HZ


@pytest.mark.parametrize("seed", range(5))
def test_noise_as_loud_as_the_bursts(train: Sound, seed: int) -> None:
    heard = delayed(train, 1032, 0.1)
    found = find_delay(train, heard + noise(train, loudness(heard), seed), RATE_HZ)
    assert abs(found.delay_s * RATE_HZ - 1032) <= 2
    assert found.agreeing == BURSTS


@pytest.mark.parametrize("seed", range(3))
def test_noise_in_which_only_all_together_are_heard(train: Sound, seed: int) -> None:
    heard = delayed(train, 3000, 0.05)
    found = find_delay(train, heard + noise(train, 10 ** (14 / 20) * loudness(heard), seed), RATE_HZ)
    assert abs(found.delay_s * RATE_HZ - 3000) <= 0.001 * RATE_HZ
    assert found.agreeing == 0


def test_two_echoes_louder_than_what_comes_straight(train: Sound) -> None:
    """The slow obvious takes the strongest, and is wrong."""
    heard = delayed(train, 1000, 0.1) + delayed(train, 1300, 0.25) + delayed(train, 1650, -0.2)
    strongest = np.abs(np.correlate(heard[4410:30_000], train[4410:5900], "valid")).argmax()
    assert abs(int(strongest) - 1300) <= 5
    found = find_delay(train, heard + noise(heard, 0.002), RATE_HZ)
    assert abs(found.delay_s * RATE_HZ - 1000) <= 1


@pytest.mark.parametrize("reverberation_s", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_in_a_room_within_a_millisecond(train: Sound, reverberation_s: float, seed: int) -> None:
    """The reverberation has as much energy as what comes straight."""
    heard = 0.2 * through(train, room(2000, reverberation_s, 1.0, seed))
    found = find_delay(train, heard + noise(train, 0.3 * loudness(train) * 0.2, seed), RATE_HZ)
    assert abs(found.delay_s * RATE_HZ - 2000) <= 2


@pytest.mark.parametrize("microphone_hz", [16000, 8000])
def test_a_microphone_of_a_narrow_band(train: Sound, microphone_hz: int) -> None:
    """Sampled at 16 kHz, or at 8 kHz as a Bluetooth headset does."""
    heard = delayed(train, 5000, 0.2)
    narrow = soxr.resample(soxr.resample(heard, RATE_HZ, microphone_hz), microphone_hz, RATE_HZ)
    found = find_delay(train, narrow[: len(train)] + noise(narrow[: len(train)], 0.01), RATE_HZ)
    assert abs(found.delay_s - 5000 / RATE_HZ) < 0.0005


@pytest.mark.parametrize("drift_ppm", [-50, 50])
def test_clocks_that_drift_apart(train: Sound, drift_ppm: int) -> None:
    times = np.arange(len(train)) * (1 + 1e-6 * drift_ppm)
    heard = np.interp(times, np.arange(len(train)) + 1032, 0.3 * train).astype(np.float32)
    found = find_delay(train, heard + noise(train, 0.01), RATE_HZ)
    assert abs(found.delay_s - 1032 / RATE_HZ) < 0.0005
    assert 0.0002 < found.spread_s < 0.0005  # of 6.4 s from the first burst to the last


def test_all_that_is_hard_at_once(train: Sound) -> None:
    """A room, echoes, noise at 0 dB, 8 kHz, drift: the first arrival to a millisecond."""
    response = room(2500, 0.4, 0.9, 7)
    response[2500 + 300] += 0.8
    response[2500 + 700] -= 0.7
    heard = 0.2 * through(train, response)
    narrow: Sound = soxr.resample(soxr.resample(heard, RATE_HZ, 16000), 16000, RATE_HZ)[: len(train)]
    drifted = np.interp(np.arange(len(train)) * (1 - 5e-5), np.arange(len(narrow)), narrow).astype(np.float32)
    found = find_delay(train, drifted + noise(train, loudness(0.2 * train)), RATE_HZ)
    assert abs(found.delay_s - 2500 / RATE_HZ) < 0.001


def test_a_quiet_input_is_told(train: Sound) -> None:
    found = find_delay(train, delayed(train, 1032, 0.005) + noise(train, 1e-5), RATE_HZ)
    assert round(found.delay_s * RATE_HZ) == 1032
    assert "very quiet: turn" in found.advice


def test_an_overdriven_input_is_told(train: Sound) -> None:
    heard = np.clip(20 * delayed(train, 1032), -1, 1)
    found = find_delay(train, heard, RATE_HZ)
    assert abs(found.delay_s * RATE_HZ - 1032) <= 1
    assert "turn" in found.advice
    assert found.level_dbfs == 0.0


def ducking(sound: Sound, attack_s: float, floor: float) -> Sound:
    """A laptop's gain control that turns down what goes on: gain falls while it sounds and comes back in 300 ms."""
    gain, ducked = 1.0, np.empty_like(sound)
    falls, rises = 1 - 1 / (attack_s * RATE_HZ), 1 / (0.3 * RATE_HZ)
    for i, value in enumerate(sound.tolist()):
        gain = max(floor, gain * falls) if abs(value) > 0.003 else gain + (1.0 - gain) * rises
        ducked[i] = gain * value
    return ducked


def test_a_gain_control_that_ducks_what_goes_on(train: Sound) -> None:
    found = find_delay(train, ducking(delayed(train, 1032, 0.4), 0.02, 0.05) + noise(train, 0.002), RATE_HZ)
    assert abs(found.delay_s * RATE_HZ - 1032) <= 0.0005 * RATE_HZ
    assert found.agreeing == BURSTS


def test_the_clearest_channel_counts_and_what_is_no_number_is_silent(train: Sound) -> None:
    heard = np.stack([noise(train, 0.2), delayed(train, 1032, 0.2)], axis=1)
    heard[10_000:10_050, 1] = np.nan
    heard[5, 0] = np.inf
    assert round(find_delay(train, heard, RATE_HZ).delay_s * RATE_HZ) == 1032


def test_some_bursts_that_are_lost_do_not_matter(train: Sound) -> None:
    """A headset that wakes up, a door that bangs."""
    heard = delayed(train, 1032, 0.2)
    heard[:RATE_HZ] = 0.0
    heard[3 * RATE_HZ : 3 * RATE_HZ + 9000] += noise(heard[:9000], 0.7)
    found = find_delay(train, heard + noise(train, 0.001), RATE_HZ)
    assert round(found.delay_s * RATE_HZ) == 1032
    assert BURSTS - 3 <= found.agreeing < BURSTS
    assert found.spread_s < 0.0001


def test_a_burst_that_came_at_another_time_is_reported(train: Sound) -> None:
    heard = delayed(train, 1032, 0.2)
    begin, end = round(3.4 * RATE_HZ), round(4.2 * RATE_HZ)  # about the sixth
    heard[begin:end] = delayed(heard, 441)[begin:end]
    found = find_delay(train, heard + noise(train, 0.001), RATE_HZ)
    assert round(found.delay_s * RATE_HZ) == 1032
    assert (found.agreeing, found.advice[:20]) == (BURSTS - 1, "1 of 10 bursts came ")


def jumping(train: Sound) -> Sound:
    """A device that loses 20 ms again and again."""
    heard = delayed(train, 1032, 0.2)
    for k in range(1, BURSTS):
        at = round(k * RATE_HZ * 0.7)
        heard[at:] = np.concatenate([heard[at + 880 :], np.zeros(880, np.float32)])
    return heard


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (np.zeros_like, "nothing came in at all.*unmute"),
        (lambda train: np.full_like(train, np.nan), "nothing came in at all"),
        (lambda train: noise(train, 1e-4), r"very quiet \(peak -6\d dB.*turn the loudspeaker and the microphone up"),
        (lambda train: noise(train, 0.1), "not heard in what came in.*turn the loudspeaker up"),
        (lambda train: np.sign(noise(train, 1.0)), "overdriven.*turn the microphone's level down"),
        (lambda train: train[:RATE_HZ], r"recording ended after 1\.0 s"),
        (lambda train: train[:0], "nothing came in at all"),
        (lambda train: np.full((len(train), 2), 1e-7, np.float32), "nothing came in at all"),
        (jumping, r"ms apart from each other: the device lost sound"),
        (lambda train: delayed(train, round(0.9 * RATE_HZ)), "apart from each other.*longer than 550 ms"),
    ],
)
def test_what_cannot_be_measured_is_said(train: Sound, make: Callable[[Sound], Sound], said: str) -> None:
    with pytest.raises(CalibrationError, match=said):
        find_delay(train, make(train), RATE_HZ)


@pytest.mark.parametrize("seed", range(8))
def test_music_or_speech_alone_is_no_delay(train: Sound, seed: int) -> None:
    """Bangs at any moment, which single windows take for bursts."""
    random = np.random.default_rng(seed)
    heard = noise(train, 0.003, seed)
    for at in random.integers(0, len(train) - 4000, 30):
        bang = random.standard_normal(4000) * np.exp(-np.arange(4000) / 600)
        heard[at : at + 4000] += (random.uniform(0.05, 0.3) * bang).astype(np.float32)
    with pytest.raises(CalibrationError):
        find_delay(train, heard, RATE_HZ)


def test_the_train() -> None:
    for rate_hz in (8000, 44100, 192000):
        train = calibration_train(rate_hz)
        bursts = bursts_of(train, rate_hz)
        assert len(bursts) == BURSTS
        assert np.abs(train).max() == pytest.approx(0.35)
        assert np.diff([burst.start / rate_hz for burst in bursts]) == pytest.approx([*GAPS_S, *GAPS_S][:-1], abs=1e-3)
        assert max(len(burst.samples) for burst in bursts) < 0.033 * rate_hz
    assert min(GAPS_S) > LONGEST_DELAY_S + 0.033
    assert bursts_of(np.zeros(1000, np.float32), RATE_HZ) == []
    with pytest.raises(ValueError, match="silence"):
        find_delay(np.zeros(1000, np.float32), train, RATE_HZ)


def test_a_plain_delay_becomes_a_narrow_pulse_without_wings(train: Sound) -> None:
    """So that an echo's wings are never taken for an arrival before it."""
    burst = bursts_of(train, RATE_HZ)[0]
    found = response(delayed(train, 5000), burst, RATE_HZ)
    assert found is not None
    envelope = np.abs(found)
    assert envelope.argmax() == 5000
    assert envelope[5000] == pytest.approx(0.9, abs=0.1)
    apart = np.abs(np.arange(len(envelope)) - 5000) > 0.0004 * RATE_HZ
    assert 20 * np.log10(envelope[apart].max() / envelope[5000]) < -28


def measured(cable: Callable[[Sound, Sound], None]) -> DelayMeasured:
    """Through the clock's stream, ten times as fast as sound goes."""
    probes: list[LatencyProbe] = []

    def make(deck: Deck, has_input: bool, has_output: bool) -> LatencyProbe:
        probes.append(LatencyProbe(deck, has_input, has_output))
        return probes[-1]

    stream = ClockStream(RATE_HZ, 441, rate_error_ppm=9e6, cable=cable, make_callback=make)
    try:
        stream.settle()
        return play_and_find(stream, probes[0])
    finally:
        stream.close()


@pytest.mark.live
def test_through_a_stream() -> None:
    """23.4 ms by a cable of numbers; the probe plays and records in step."""
    line = np.zeros((1032 - 441, 2), np.float32)  # a block is late already

    def cable(played: Sound, captured: Sound) -> None:
        whole = np.concatenate([line, played])
        captured[:] = 0.3 * whole[: len(played)]
        line[:] = whole[len(played) :]

    found = measured(cable)
    assert found.delay_s * RATE_HZ == pytest.approx(1032)
    assert (found.spread_s, found.found.agreeing, found.advice) == (0.0, BURSTS, "")
    assert (found.rate_hz, found.period_samples, found.declared_s) == (RATE_HZ, 441, 0.0)
    assert found.clearness > 100


@pytest.mark.live
def test_through_a_stream_that_brings_nothing() -> None:
    with pytest.raises(CalibrationError, match="nothing came in at all"):
        measured(lambda played, captured: captured.fill(0.0))


PAIR = DevicePair(input="ALSA: USB Mic", output="ALSA: HDA Intel", rate_hz=48000, block_samples=256)
OTHER = DevicePair(input="ALSA: USB Mic", output="ALSA: Headphönes", rate_hz=48000)


def test_delays_are_kept_by_pair(tmp_path: Path) -> None:
    delays = Delays(tmp_path / "new/folder")
    assert delays.get(PAIR) is None
    known = delays.set(PAIR, 0.0234, "air")
    delays.set(OTHER, -0.1, "by hand")
    again = Delays(tmp_path / "new/folder")
    assert again.get(PAIR, 0.5) == known
    assert (known.delay_s, known.how, known.is_declared, known.when[-6:]) == (0.0234, "air", False, "+00:00")
    assert again.get(DevicePair(input=PAIR.input, output=PAIR.output, rate_hz=44100, block_samples=256)) is None
    assert delays.set(PAIR, 0.03, "cable").delay_s == 0.03
    again.forget(PAIR)
    again.forget(PAIR)
    assert delays.get(PAIR) is None
    assert [path.name for path in (tmp_path / "new/folder").iterdir()] == ["delays.json"]
    assert "Headphönes" in again.path.read_text(encoding="utf-8")
    assert (delays.problem, again.problem) == ("", "")


def test_what_the_device_says_stands_in_and_is_marked(tmp_path: Path) -> None:
    delays = Delays(tmp_path)
    assert delays.get(PAIR, 0.012) == KnownDelay(delay_s=0.012, how="declared")
    assert delays.get(PAIR, -1.0) == KnownDelay(delay_s=0.0, how="declared")
    assert delays.get(PAIR, float("nan")) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '"delays"',
        "[" * 100_000,
        '{"version": 2, "delays": []}',
        '{"version": 1, "delays": [{}]}',
        '{"version": 1, "delays": {"a": 1}}',
        '{"version": 1, "delays": [{"pair": {"input": "a", "output": "b", "rate_hz": 1}, "delay": {"delay_s": NaN, '
        '"how": "air"}}]}',
        "\udcff",
    ],
)
def test_a_damaged_file_is_put_aside(tmp_path: Path, text: str) -> None:
    path = tmp_path / "delays.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    delays = Delays(tmp_path)
    assert delays.get(PAIR) is None
    assert "is damaged" in delays.problem
    assert (tmp_path / "delays.damaged.json").read_bytes() == text.encode("utf-8", "surrogateescape")
    delays.set(PAIR, 0.1, "jack")
    assert json.loads(path.read_text())["delays"][0]["delay"]["delay_s"] == 0.1


def test_delays_that_cannot_be_kept(tmp_path: Path) -> None:
    for wrong_s in (float("nan"), float("inf"), 2.5):
        with pytest.raises(DelaysError, match="expected a delay of 2 s at most"):
            Delays(tmp_path).set(PAIR, wrong_s, "air")
    (tmp_path / "file").write_text("")
    with pytest.raises(DelaysError, match="cannot be kept"):
        Delays(tmp_path / "file").set(PAIR, 0.1, "air")
    folder = Delays(tmp_path / "other")
    folder.path.mkdir(parents=True)
    assert folder.get(PAIR) is None
    assert "cannot be read" in folder.problem


def test_two_programs_keep_each_others_delays(tmp_path: Path) -> None:
    one, two = Delays(tmp_path), Delays(tmp_path)
    one.set(PAIR, 0.1, "air")
    two.set(OTHER, 0.2, "air")
    one.set(PAIR, 0.3, "air")
    known = [delays.get(pair) for delays in (one, two) for pair in (PAIR, OTHER)]
    assert [each.delay_s for each in known if each is not None] == [0.3, 0.2, 0.3, 0.2]
