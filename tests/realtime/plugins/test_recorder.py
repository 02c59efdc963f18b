"""The recorder: what passes is what lies in the file, takes, names, pauses, and a disk that fails."""

from __future__ import annotations

import shutil
import threading
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from advsep.realtime.parameter import ParameterError
from advsep.realtime.plugin import run, start
from advsep.realtime.plugins.recorder import Recorder
from advsep.realtime.recorder import RecorderError
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def made(folder: Path, rate_hz: int = 44100, channels: int = 2, name: str = "take", armed: bool = True) -> Recorder:
    plugin = Recorder()
    plugin.set_state({"folder": str(folder), "name": name})
    plugin.set("armed", armed)
    start(plugin, rate_hz, 8193, channels)
    return plugin


def noise(frames: int, channels: int = 2, seed: int = 1) -> Samples:
    return 4.0 * np.random.default_rng(seed).standard_normal((frames, channels)).astype(np.float32)


def play(plugin: Recorder, samples: Samples, block: int = 512) -> None:
    """Asserts that nothing is changed on its way."""
    heard = samples.copy()
    for at in range(0, len(heard), block):
        run(plugin, heard[at : at + block])
    np.testing.assert_array_equal(heard, samples)


def until(reached: Callable[[], object]) -> None:
    end_s = time.monotonic() + 10
    while not reached():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def read(path: Path) -> Samples:
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


@pytest.mark.parametrize(("rate_hz", "channels", "block"), [(8000, 1, 1), (44100, 2, 513), (192000, 2, 8193)])
def test_the_file_is_what_passed(tmp_path: Path, rate_hz: int, channels: int, block: int) -> None:
    plugin, given = made(tmp_path / "new" / "takes", rate_hz, channels), noise(20000, channels)
    play(plugin, given, block)
    plugin.close()
    assert plugin.takes == [tmp_path / "new" / "takes" / "take.wav"]
    np.testing.assert_array_equal(read(plugin.takes[0]), given)
    info = soundfile.info(plugin.takes[0])
    assert (info.samplerate, info.subtype) == (rate_hz, "FLOAT")
    assert info.format in ("WAV", "WAVEX")
    assert (plugin.error, plugin.lost_samples, plugin.latency_samples, plugin.tail_samples) == (None, 0, 0, 0)


def test_no_file_without_sound(tmp_path: Path) -> None:
    for armed in (True, False):
        plugin = made(tmp_path / "takes", armed=armed)
        if not armed:
            play(plugin, noise(5000))
        time.sleep(0.12)
        plugin.close()
        assert plugin.takes == []
    Recorder().close()
    assert list(tmp_path.iterdir()) == []


def test_a_take_each_time_it_is_armed_and_none_over_another(tmp_path: Path) -> None:
    (tmp_path / "take.wav").write_bytes(b"mine")
    plugin = made(tmp_path)
    takes = [noise(3000, seed=seed) for seed in range(3)]
    for i, take in enumerate(takes):
        plugin.set("armed", True)
        play(plugin, take)
        plugin.set("armed", False)
        play(plugin, noise(700))
        until(lambda count=i + 1: len(plugin.takes) == count)
    plugin.close()
    assert [path.name for path in plugin.takes] == ["take-2.wav", "take-3.wav", "take-4.wav"]
    for path, take in zip(plugin.takes, takes, strict=True):
        np.testing.assert_array_equal(read(path), take)
    assert (tmp_path / "take.wav").read_bytes() == b"mine"
    assert len(list(tmp_path.iterdir())) == 4


def test_armed_again_at_once_the_take_goes_on_in_time(tmp_path: Path) -> None:
    plugin, first, second = made(tmp_path), noise(1000), noise(1000, seed=2)
    play(plugin, first)
    until((tmp_path / ".take.wav.partial").exists)
    time.sleep(0.06)
    plugin.set("armed", False)
    play(plugin, noise(300))
    plugin.set("armed", True)
    play(plugin, second)
    plugin.close()
    together = np.concatenate([read(path) for path in plugin.takes])
    np.testing.assert_array_equal(together[:1000], first)
    np.testing.assert_array_equal(together[-1000:], second)
    # A thread that looked just then closes the first take; otherwise silence stands for what was not recorded.
    assert len(together) == 2300 if len(plugin.takes) == 1 else len(together) >= 2000
    assert not together[1000:-1000].any()


def test_two_recorders_find_two_names(tmp_path: Path) -> None:
    plugins = [made(tmp_path) for _ in range(4)]
    for i, plugin in enumerate(plugins):
        play(plugin, noise(600, seed=i))
    for plugin in plugins:
        plugin.close()
    assert len({path for plugin in plugins for path in plugin.takes}) == 4
    for i, plugin in enumerate(plugins):
        np.testing.assert_array_equal(read(plugin.takes[0]), noise(600, seed=i))


def test_a_full_disk_ends_the_take_and_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = [10**12]
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(free[0]))
    plugin = made(tmp_path)
    play(plugin, noise(4000))
    until((tmp_path / ".take.wav.partial").exists)
    free[0] = 1000
    until(lambda: plugin.takes)
    play(plugin, noise(4000, seed=2))
    time.sleep(0.12)
    assert isinstance(plugin.error, RecorderError)
    assert "only 0 MB are left" in str(plugin.error)
    np.testing.assert_array_equal(read(plugin.takes[0]), noise(4000))
    free[0] = 10**12
    plugin.set("armed", False)
    play(plugin, noise(10))
    time.sleep(0.12)
    plugin.set("armed", True)
    play(plugin, noise(500, seed=3))
    plugin.close()
    np.testing.assert_array_equal(read(plugin.takes[1]), noise(500, seed=3))
    assert plugin.error is None


def test_a_folder_that_cannot_be_made_is_told_and_sound_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    plugin = made(tmp_path / "file" / "takes")
    play(plugin, noise(4000))
    plugin.close()
    assert isinstance(plugin.error, RecorderError)
    assert "file" in str(plugin.error)
    assert plugin.takes == []


def test_what_the_disk_was_too_slow_for_is_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that is held up for longer than the ring holds sound."""
    go, write = threading.Event(), soundfile.SoundFile.write

    def slow(file: soundfile.SoundFile, data: Samples) -> None:
        go.wait(10)
        write(file, data)

    monkeypatch.setattr(soundfile.SoundFile, "write", slow)
    plugin, given = made(tmp_path, 8000, 1), noise(300_000, 1)
    play(plugin, given[:1000])
    until((tmp_path / ".take.wav.partial").exists)
    time.sleep(0.12)
    play(plugin, given[1000:])
    go.set()
    plugin.close()
    found = read(plugin.takes[0])
    kept = found[:, 0] != 0
    assert len(found) == len(given)
    np.testing.assert_array_equal(found[kept], given[kept])
    assert plugin.lost_samples == np.sum(~kept) > 150_000


def test_state_is_texts(tmp_path: Path) -> None:
    plugin = Recorder()
    assert plugin.state() == dict(Recorder.state_texts) == {"folder": "advsep-takes", "name": "take"}
    plugin.set_state({"name": "lead"})
    assert plugin.state() == {"folder": "advsep-takes", "name": "lead"}
    for wrong in ({"file": "x"}, {"folder": 3}, {"folder": ""}, {"name": "a/b"}, {"name": ".."}, {"name": "a\0b"}):
        with pytest.raises(ParameterError, match="expected"):
            plugin.set_state(wrong)
    assert plugin.state()["name"] == "lead"
