"""Seeking, pausing and looping from outside: a real engine's process on the null device, and what its stems hold."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from advsep.realtime.engine_settings import EngineError, EngineSettings
from advsep.realtime.process import EngineProcess
from advsep.realtime.telemetry_rings import RingReader
from waiting import until

pytestmark = pytest.mark.live

RATE_HZ, SECONDS, FADE = 44100, 12.0, 441


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chirp: every place sounds different, and nothing moves fast."""
    t = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    samples = np.stack([0.3 * np.sin(2 * np.pi * (50 + sign * 2 * t) * t) for sign in (1, -1)], 1).astype(np.float32)
    path = tmp_path_factory.mktemp("song") / "chirp.wav"
    soundfile.write(path, samples, RATE_HZ, subtype="FLOAT")
    return path


@pytest.fixture(scope="module")
def engine(song: Path) -> Iterator[EngineProcess]:
    with EngineProcess(EngineSettings(input=str(song), output="null", hold_at_end=True)) as made:
        until(lambda: made.status().position_s > 0.2)
        yield made


def mixture(frames: np.ndarray) -> np.ndarray:
    """Both stems together are what came in."""
    return frames[:, :2] + frames[:, 2:]


def recorded(engine: EngineProcess, position: int) -> np.ndarray:
    reader = RingReader(engine.telemetry, "stems")
    reader.position = position
    found: list[np.ndarray] = []
    while (frames := reader.read()) is not None:
        found.append(frames.data)
    assert reader.lost == 0
    return mixture(np.concatenate(found))


def written(engine: EngineProcess) -> int:
    """Where the ring of stems is now."""
    reader = RingReader(engine.telemetry, "stems")
    frames = reader.latest(1)
    assert frames is not None
    return reader.position


def faults(engine: EngineProcess) -> tuple[int, float]:
    status = engine.status()
    return status.restarts, status.starved_s


def test_what_is_recorded_is_the_new_place_to_the_sample_and_nothing_clicks(engine: EngineProcess, song: Path) -> None:
    samples, _ = soundfile.read(song, dtype="float32")
    began = written(engine)
    for place_s in (7.0, 2.5, 9.25):
        engine.seek(place_s).result(10)
        assert place_s <= engine.status().position_s < place_s + 0.1
        time.sleep(0.2)
    heard = recorded(engine, began)
    for place_s in (7.0, 2.5, 9.25):
        place = round(place_s * RATE_HZ)
        wanted = samples[place : place + 4000]
        product = np.correlate(heard[:, 0], wanted[:, 0])
        energy = np.convolve(heard[:, 0] ** 2, np.ones(len(wanted)), "valid")
        at = int(np.argmin(energy - 2 * product))
        np.testing.assert_allclose(heard[at : at + len(wanted)], wanted, atol=2e-5)
    assert np.abs(np.diff(heard, 2, axis=0)).max() < 0.002  # a step would be up to 0.6


def test_a_pause_stands_still_and_goes_on_with_the_next_sample(engine: EngineProcess, song: Path) -> None:
    samples, _ = soundfile.read(song, dtype="float32")
    engine.seek(3.0).result(10)
    began = written(engine)
    for _ in range(3):
        engine.set_paused(True)
        until(lambda: engine.status().paused)
        time.sleep(0.15)
        before = engine.status()
        time.sleep(0.15)
        after = engine.status()
        assert (after.position_s, after.hops, after.paused) == (before.position_s, before.hops, True)
        engine.set_paused(False)
        until(lambda was=before: engine.status().position_s > was.position_s + 0.1)
    heard = recorded(engine, began)
    start = int(np.argmin([np.abs(heard[:500] - samples[at : at + 500]).max() for at in range(120_000, 150_000, 1)]))
    np.testing.assert_allclose(heard, samples[120_000 + start :][: len(heard)], atol=2e-5)
    assert not engine.status().paused


def test_a_loop_goes_round_with_its_period(engine: EngineProcess) -> None:
    engine.seek(4.0).result(10)
    engine.set_loop((4.0, 4.25)).result(10)
    assert engine.status().loop == (4.0, 4.25)
    until(lambda: engine.status().heard_s > 0 and 4.0 <= engine.status().position_s < 4.25)
    time.sleep(0.3)
    began, period = written(engine), round(0.25 * RATE_HZ)
    time.sleep(1.2)
    heard = recorded(engine, began)
    assert len(heard) > 4 * period
    np.testing.assert_allclose(heard[period:], heard[:-period], atol=2e-5)
    assert np.abs(heard[period // 2 :] - heard[: -(period // 2)]).max() > 0.1
    engine.set_loop(None).result(10)
    until(lambda: engine.status().position_s > 4.5)


def test_fifty_places_at_random(engine: EngineProcess) -> None:
    rng, before = np.random.default_rng(2), faults(engine)
    for number in range(50):
        place_s = float(rng.uniform(0, SECONDS - 0.5))
        if number % 5 == 0:
            engine.set_paused(not engine.settings.paused)
        engine.seek(place_s).result(10)
        status = engine.status()
        assert place_s - 1 / RATE_HZ <= status.position_s < place_s + 0.15
        if engine.settings.paused:
            assert status.position_s == pytest.approx(place_s, abs=1 / RATE_HZ)
        if number % 7 == 0:
            time.sleep(float(rng.uniform(0, 0.05)))
    assert not engine.settings.paused
    assert faults(engine) == before


def test_at_the_end_it_waits(engine: EngineProcess) -> None:
    engine.seek(SECONDS - 0.1).result(10)
    until(lambda: engine.status().paused)
    assert (engine.status().state, engine.status().position_s) == ("playing", SECONDS)
    engine.seek(1.0).result(10)
    assert engine.status().position_s == pytest.approx(1.0, abs=1 / RATE_HZ)
    engine.set_paused(False)
    until(lambda: engine.status().position_s > 1.1)


@pytest.mark.parametrize(
    ("place_s", "words"),
    [
        (float("nan"), "expected 0 s or more, found nan s"),
        (-1.0, "expected 0 s or more, found -1 s"),
        (SECONDS + 1, "expected at most 12.00 s, its end, found 13.00 s"),
    ],
)
def test_places_that_are_none(engine: EngineProcess, song: Path, place_s: float, words: str) -> None:
    with pytest.raises(EngineError, match=words) as error:
        engine.seek(place_s).result(10)
    assert str(error.value).startswith(f"{song}: ")
    for loop, said in {
        (place_s, place_s + 1): "a loop: expected",
        (2.0, 2.01): "at least 0.05 s after its begin, found 2 s to 2.01 s",
    }.items():
        with pytest.raises(EngineError, match=said):
            engine.set_loop(loop).result(10)
    assert engine.status().loop is None


@pytest.mark.skipif(sys.platform != "linux", reason="kills as Linux does")
def test_a_killed_engine_comes_back_paused_where_it_was_with_its_loop(engine: EngineProcess) -> None:
    engine.set_loop((5.0, 7.0)).result(10)
    engine.set_paused(True)
    engine.seek(6.25).result(10)
    pid = engine.process_id
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: engine.status().state == "playing" and engine.status().restarts == 1)
    status = engine.status()
    assert (status.paused, status.loop) == (True, (5.0, 7.0))
    assert status.position_s == pytest.approx(6.25, abs=1 / RATE_HZ)
    engine.set_paused(False)
    until(lambda: engine.status().position_s > 6.3)
    # Another input begins anew; one that only goes on has neither places nor pauses.
    engine.change_devices("null", "null").result(30)
    until(lambda: engine.status().loop is None)
    with pytest.raises(EngineError, match="input 'null': a place to go to needs a sound file"):
        engine.seek(1.0).result(10)
    with pytest.raises(EngineError, match="input 'null': a pause needs a sound file"):
        engine.set_paused(True)
    with pytest.raises(EngineError, match="input 'null': a loop needs a sound file"):
        engine.set_loop((1.0, 2.0)).result(10)


def test_a_loop_on_the_command_line(live: Callable[..., Any], song: Path, tmp_path: Path) -> None:
    asked = ("-i", song, "-o", "null", "--loop", "0:02.5-2.75")
    ended = live(*asked, "--seconds", "1", "--record", tmp_path, "--json")
    assert ended.code == 0, ended.err
    assert 2.5 <= ended.json["seconds"] <= 2.75
    stems = [soundfile.read(tmp_path / f"{name}.wav", dtype="float32")[0] for name in ("vocals", "accompaniment")]
    heard, period = sum(stems), round(0.25 * RATE_HZ)
    samples, _ = soundfile.read(song, dtype="float32")
    np.testing.assert_allclose(heard[: period - FADE], samples[round(2.5 * RATE_HZ) :][: period - FADE], atol=2e-5)
    np.testing.assert_allclose(heard[period:RATE_HZ], heard[: RATE_HZ - period], atol=2e-5)
    for wrong, words in {
        "1:5:6-2": "--loop 1:5:6-2: expected two places as seconds or m:ss",
        "3-2": "expected an end at least 0.05 s after its begin, found 3 s to 2 s",
        "3-99": "expected an end at 12.00 s, the song's, or before, found 99.00 s",
    }.items():
        ended = live("-i", song, "-o", "null", "--loop", wrong)
        assert (ended.code, "Traceback" in ended.err) == (2, False)
        assert words in ended.err
    assert "--loop goes with playing" in live("-i", song, "-o", tmp_path / "out", "--loop", "1-2").err
