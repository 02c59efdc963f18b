"""Devices by name, and the clock that stands in for one; no sound card is needed."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from advsep.realtime import device, portaudio
from advsep.realtime.clock_stream import ClockStream
from advsep.realtime.device import DeviceInfo, describe_devices, find_device, list_devices, open_stream
from advsep.realtime.exchange import CALLBACKS, FRAMES
from advsep.realtime.stream import DeviceError


class FakePortAudioError(Exception):
    """As sounddevice's: what happened, and PortAudio's number of it."""


def row(index: int, name: str, host_api: int, ins: int, outs: int, rate_hz: float = 44100.0) -> dict[str, Any]:
    return {
        "index": index,
        "name": name,
        "hostapi": host_api,
        "max_input_channels": ins,
        "max_output_channels": outs,
        "default_samplerate": rate_hz,
    }


DESK = [
    row(0, "HDA Intel PCH: ALC257 Analog (hw:0,0)", 0, 2, 2),
    row(1, "HDA Intel PCH: HDMI 0 (hw:0,3)", 0, 0, 8, 48000.0),
    row(2, "USB Audio", 0, 1, 2, 48000.0),
    row(3, "Monitor of USB Audio", 1, 2, 0),
    row(4, "Monitor of Built-in", 1, 2, 0),
    row(5, "Built-in", 1, 2, 2),
]


@pytest.fixture
def sounddevice(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`sounddevice(rows, default_input, default_output)`: the module, as far as devices are concerned."""

    def put(rows: list[dict[str, Any]], default_input: int = -1, default_output: int = -1, code: int = 0) -> Any:
        defaults = {"input": default_input, "output": default_output}

        def query_devices(kind: str | None = None) -> Any:
            if kind is None:
                return rows
            if defaults[kind] < 0:
                raise FakePortAudioError("Error querying device -1")
            return rows[defaults[kind]]

        def refuse(*_: Any, **__: Any) -> None:
            raise FakePortAudioError("Error opening stream: no", code)

        fake = SimpleNamespace(
            PortAudioError=FakePortAudioError,
            query_devices=query_devices,
            query_hostapis=lambda: [{"name": "ALSA"}, {"name": "PulseAudio"}],
            _StreamBase=refuse,
            _ffi=SimpleNamespace(cast=lambda _kind, value: value),
        )
        for module in (device, portaudio):
            monkeypatch.setattr(module, "import_sounddevice", lambda: fake)
        return fake

    return put


def found(text: str, kind: Any) -> int:
    info = find_device(text, kind)
    assert info is not None
    return info.index


def test_a_device_is_found_by_what_a_user_types(sounddevice: Callable[..., Any]) -> None:
    sounddevice(DESK, 5, 2)
    assert list_devices()[2] == DeviceInfo(
        index=2,
        name="USB Audio",
        host_api="ALSA",
        input_channels=1,
        output_channels=2,
        rate_hz=48000,
        default_output=True,
    )
    assert found("mic", "input") == 5
    assert found("speakers", "output") == 2
    assert found("2", "input") == 2
    assert found(" hdmi ", "output") == 1
    assert found("usb audio", "input") == 2  # the very name, though it is a part of the monitor's
    assert found("hda intel pch: hdmi", "output") == 1  # a colon of its own
    assert found("pulse: built", "output") == 5
    assert found("Alsa: usb", "input") == 2
    assert find_device("null", "input") is None


def test_system_is_the_monitor_of_what_plays(sounddevice: Callable[..., Any]) -> None:
    sounddevice(DESK, 5, 5)
    assert found("system", "input") == 4
    sounddevice(DESK, 5, 2)
    assert found("system", "input") == 3


@pytest.mark.parametrize("name", ["Stereo Mix (Realtek)", "BlackHole 2ch", "CABLE Output (VB-Audio)", "Loopback: PCM"])
def test_system_is_whatever_loops_back(sounddevice: Callable[..., Any], name: str) -> None:
    sounddevice([row(0, "Microphone", 0, 2, 0), row(1, name, 0, 2, 0), row(2, "system", 0, 2, 2)], 0)
    assert found("system", "input") == 1
    assert found("system", "output") == 2


def test_system_is_jacks_hardware_where_nothing_loops_back(sounddevice: Callable[..., Any]) -> None:
    sounddevice([row(0, "other", 0, 2, 2), row(1, "system", 0, 2, 2)], 0, 0)
    assert found("system", "input") == 1


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("hda", "output", ["ambiguous", "0 'ALSA: HDA Intel PCH: ALC257 Analog (hw:0,0)'", "1 'ALSA: HDA", "id"]),
        ("1", "input", ["'ALSA: HDA Intel PCH: HDMI 0 (hw:0,3)'", "no input", "choose one of", "2 'ALSA: USB Audio'"]),
        ("9", "output", ["no output device '9'", "choose one of"]),
        ("violin", "output", ["no output device 'violin'", "5 'PulseAudio: Built-in'"]),
        ("mic", "output", ["'mic' cannot be an output"]),
        ("speakers", "input", ["'speakers' cannot be an input", "'system'"]),
        ("system", "output", ["no output device 'system'"]),
        ("mic", "input", ["no default input", "choose one of"]),
    ],
)
def test_what_cannot_be_is_said(sounddevice: Callable[..., Any], text: str, kind: Any, said: list[str]) -> None:
    sounddevice(DESK)
    with pytest.raises(DeviceError) as error:
        find_device(text, kind)
    assert all(part in str(error.value) for part in said), error.value


@pytest.mark.parametrize(("platform", "help_"), [("linux", "snd-aloop"), ("darwin", "BlackHole"), ("win32", "CABLE")])
def test_without_a_loopback_the_way_to_one_is_told(
    sounddevice: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, platform: str, help_: str
) -> None:
    sounddevice(DESK[:3])
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(DeviceError, match=help_):
        find_device("system", "input")


def test_the_list_says_what_the_words_mean(sounddevice: Callable[..., Any]) -> None:
    sounddevice(DESK, 5, 2)
    lines = describe_devices()
    assert [line.split()[0] for line in lines] == ["id", *"012345", "mic", "system", "speakers", "null"]
    assert lines[3].split() == ["2", "ALSA:", "USB", "Audio", "1", "2", "48000"]
    assert lines[7].endswith("5 PulseAudio: Built-in")
    assert lines[8].endswith("3 PulseAudio: Monitor of USB Audio")
    assert lines[9].endswith("2 ALSA: USB Audio")
    sounddevice([])
    lines = describe_devices()
    assert "no sound device" in lines[0]
    assert all(line.endswith("none here") for line in lines[1:4])


@pytest.mark.parametrize(
    ("code", "said"), [(-9997, "48000 Hz"), (-9998, "1 input and 2 output"), (-9985, "in use"), (-1, "stream: no")]
)
def test_a_device_that_refuses_says_what(sounddevice: Callable[..., Any], code: int, said: str) -> None:
    sounddevice(DESK, code=code)
    usb = list_devices()[2]
    with pytest.raises(DeviceError, match=f"'USB Audio' cannot be opened: .*{said}"):
        open_stream(usb, usb)


def test_two_host_apis_are_not_one_stream(sounddevice: Callable[..., Any]) -> None:
    sounddevice(DESK)
    devices = list_devices()
    with pytest.raises(DeviceError, match=r"one host API.*'ALSA: USB Audio'.*'PulseAudio: Built-in'"):
        open_stream(devices[2], devices[5])


def test_without_portaudio_one_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    portaudio.import_sounddevice.cache_clear()
    with pytest.raises(DeviceError, match=r"PortAudio library not found.*apt install libportaudio2"):
        list_devices()
    portaudio.import_sounddevice.cache_clear()


def test_null_keeps_time_and_is_never_ahead_of_it() -> None:
    stream = open_stream(None, None, rate_hz=48000, block_samples=96)
    assert not stream.alive
    began_s = time.perf_counter()
    assert stream.settle() == 96
    assert (stream.name, stream.rate_hz, stream.alive) == ("null", 48000, True)
    time.sleep(0.3)
    assert stream.deck.count(FRAMES) == 96 * stream.deck.count(CALLBACKS)
    assert 8 <= stream.deck.count(CALLBACKS) <= (time.perf_counter() - began_s) * 500 + 2
    stream.close()
    stream.close()
    assert not stream.alive
    count = stream.deck.count(CALLBACKS)
    time.sleep(0.02)
    assert stream.deck.count(CALLBACKS) == count


def test_a_clock_that_runs_wrong_runs_wrong_by_so_much() -> None:
    """At half the pace, none may come early; at the full pace there would be twice as many."""
    stream = ClockStream(48000, 96, rate_error_ppm=-500_000)
    began_s = time.perf_counter()
    stream.settle()
    time.sleep(0.3)
    assert stream.deck.count(CALLBACKS) <= (time.perf_counter() - began_s) * 250 + 2
    stream.close()


def test_callbacks_that_stop_are_noticed_and_late_ones_counted() -> None:
    gate = threading.Event()
    gate.set()
    stream = ClockStream(48000, 96, cable=lambda _played, _captured: gate.wait(5) and None)
    stream.settle()
    assert stream.alive
    gate.clear()
    time.sleep(0.1)
    assert stream.alive  # so far it may only be late
    until_s = time.perf_counter() + 2.0
    while stream.alive and time.perf_counter() < until_s:
        time.sleep(0.01)
    assert 1.0 < until_s - time.perf_counter() < 1.7
    xruns = stream.xruns
    gate.set()
    time.sleep(0.1)
    assert stream.alive
    assert stream.xruns > xruns
    stream.close()
