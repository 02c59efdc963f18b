"""A controller's knobs and buttons: real mido messages through the mapping, and real ports on a JACK server."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from advsep.realtime.errors import AdvsepError
from advsep.realtime.karaoke import midi
from advsep.realtime.karaoke.midi import MidiControl, event_of, midi_ports
from advsep.realtime.karaoke.midi_binding import DEFAULTS, Asked, Binding, MidiError
from advsep.realtime.karaoke.midi_commands import COMMANDS
from advsep.realtime.karaoke.midi_map import MidiMap
from hypothesis import given
from hypothesis import strategies as st
from waiting import until

mido = pytest.importorskip("mido")
rtmidi = pytest.importorskip("rtmidi")


def say(mapping: MidiMap, kind: str, **values: int) -> Asked | Binding | None:
    """What a mapping makes of a real message's bytes."""
    event = event_of(mido.Message(kind, **values).bytes())
    return None if event is None else mapping.feed(event)


def turn(mapping: MidiMap, control: int, value: int, channel: int = 0) -> Asked | Binding | None:
    return say(mapping, "control_change", control=control, value=value, channel=channel)


def test_a_knob_goes_from_one_end_of_its_level_to_the_other() -> None:
    mapping = MidiMap([Binding("tempo", "control", 7), Binding("band", "control", 8, low=0.0, high=-30.0)])
    assert turn(mapping, 7, 0) == Asked("tempo", 0.5)
    assert turn(mapping, 7, 127) == Asked("tempo", 1.5)
    middle = turn(mapping, 7, 64)
    assert isinstance(middle, Asked)
    assert middle.value == pytest.approx(0.5 + 64 / 127)
    assert turn(mapping, 8, 127) == Asked("band", -30.0)
    assert turn(mapping, 8, 0) == Asked("band", 0.0)
    assert turn(mapping, 9, 1) is None


def test_a_level_of_whole_steps_is_told_once_a_step() -> None:
    mapping = MidiMap([Binding("key", "control", 1)], pickup=False)
    asked = [turn(mapping, 1, value) for value in range(128)]
    values = [each.value for each in asked if isinstance(each, Asked)]
    assert values == list(range(-12, 13))


def test_a_button_counts_once_each_time_it_goes_down() -> None:
    mapping = MidiMap([Binding("play", "control", 41), Binding("next", "note", 60), Binding("record", "program", 5)])
    assert [turn(mapping, 41, value) for value in (127, 100, 0, 127)] == [
        Asked("play", 1.0), None, None, Asked("play", 1.0),
    ]  # fmt: skip
    notes = [("note_on", 1), ("note_off", 0), ("note_on", 90), ("note_on", 0), ("note_on", 90)]
    assert [say(mapping, kind, note=60, velocity=velocity) for kind, velocity in notes] == [
        Asked("next", 1.0), None, Asked("next", 1.0), None, Asked("next", 1.0),
    ]  # fmt: skip
    assert [say(mapping, "program_change", program=5) for _ in range(2)] == [Asked("record", 1.0)] * 2
    assert say(mapping, "program_change", program=6) is None


def test_a_pad_sets_a_level_and_a_wheel_is_a_fader() -> None:
    mapping = MidiMap([Binding("guide", "note", 36, high=0.25), Binding("mic", "bend", 0, channel=2)])
    assert say(mapping, "note_on", note=36, velocity=100) == Asked("guide", 0.25)
    assert say(mapping, "note_off", note=36) is None
    assert say(mapping, "pitchwheel", pitch=-8192, channel=1) == Asked("mic", -60.0)
    assert say(mapping, "pitchwheel", pitch=8191, channel=1) == Asked("mic", 6.0)
    assert say(mapping, "pitchwheel", pitch=0, channel=0) is None


def test_a_knob_that_stands_elsewhere_waits_until_it_comes_past() -> None:
    mapping = MidiMap([Binding("guide", "control", 0)])
    mapping.show("guide", 0.5)
    assert [turn(mapping, 0, value) for value in (0, 20, 40)] == [None, None, None]
    caught = turn(mapping, 0, 80)  # past the middle
    assert isinstance(caught, Asked)
    assert caught.value == pytest.approx(80 / 127)
    assert turn(mapping, 0, 0) == Asked("guide", 0.0)
    mapping.show("guide", 0.01)  # as the engine rounds it: no news
    assert isinstance(turn(mapping, 0, 30), Asked)
    mapping.show("guide", 1.0)  # somebody moved the slider
    assert turn(mapping, 0, 40) is None
    near = turn(mapping, 0, 125)
    assert isinstance(near, Asked)
    jumping = MidiMap([Binding("guide", "control", 0)], pickup=False)
    jumping.show("guide", 0.5)
    assert turn(jumping, 0, 0) == Asked("guide", 0.0)


def test_what_is_moved_is_learnt() -> None:
    mapping = MidiMap()
    mapping.learn("echo")
    assert say(mapping, "note_on", note=60, velocity=100) is None  # a button is no level
    assert mapping.learning == "echo"
    assert turn(mapping, 41, 5, channel=3) == Binding("echo", "control", 41, channel=4)
    assert mapping.learning is None
    assert (mapping.of("play"), mapping.of("echo")[0].words) == ((), "control 41, channel 4")
    assert turn(mapping, 41, 127, channel=3) == Asked("echo", 1.0)
    assert turn(mapping, 41, 127, channel=2) is None
    mapping.learn("play")
    assert turn(mapping, 10, 0) is None  # let go: not yet
    assert turn(mapping, 10, 127) == Binding("play", "control", 10, channel=1)
    assert [turn(mapping, 10, value) for value in (0, 127)] == [None, Asked("play", 1.0)]
    mapping.learn("skip")
    assert say(mapping, "program_change", program=3) == Binding("skip", "program", 3, channel=1)
    assert [say(mapping, "program_change", program=3) for _ in range(2)] == [Asked("skip", 1.0)] * 2
    mapping.learn("next")
    mapping.stop_learning()
    assert turn(mapping, 45, 127) == Asked("record", 1.0)
    mapping.forget("record")
    assert turn(mapping, 45, 127) is None
    mapping.reset()
    assert mapping.bindings == DEFAULTS
    with pytest.raises(KeyError):
        mapping.learn("nothing")


def test_the_same_knob_on_two_channels_is_two_knobs() -> None:
    mapping = MidiMap([Binding("guide", "control", 0, channel=1), Binding("mic", "control", 0, channel=2)])
    assert turn(mapping, 0, 127, channel=0) == Asked("guide", 1.0)
    assert turn(mapping, 0, 127, channel=1) == Asked("mic", 6.0)
    mapping = MidiMap([*mapping.bindings, Binding("band", "control", 0)])
    assert [binding.command for binding in mapping.bindings] == ["band"]


def test_the_defaults_are_one_knob_each() -> None:
    assert len({(binding.kind, binding.number) for binding in DEFAULTS}) == len(DEFAULTS)
    assert {binding.command for binding in DEFAULTS} <= set(COMMANDS)
    assert MidiMap().bindings == DEFAULTS


def test_a_mapping_is_kept_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "state" / "midi.json"
    mapping = MidiMap(pickup=False)
    mapping.read(path)  # none yet
    mapping.learn("guide")
    turn(mapping, 99, 3, channel=5)
    mapping.write(path)
    again = MidiMap()
    again.read(path)
    assert again.bindings == mapping.bindings
    again.show("guide", 0.0)
    assert turn(again, 99, 127, channel=5) == Asked("guide", 1.0)  # no pickup: that is kept, too


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        ("[" * 100_000, "recursion"),
        ("[]", "found None"),
        ('{"version": 7}', "found 7"),
        ('{"version": 1, "bindings": [{"command": "fly", "kind": "note", "number": 1}]}', "no command 'fly'"),
        ('{"version": 1, "bindings": [{"command": "play", "kind": "knob", "number": 1}]}', "must be one of"),
        ('{"version": 1, "bindings": [{"command": "play", "kind": "note", "number": 128}]}', "0 to 127"),
        ('{"version": 1, "bindings": [{"command": "key", "kind": "note", "number": 1, "high": 99}]}', "found 99"),
        ('{"version": 1, "bindings": [{"command": "key", "kind": "note", "number": 1, "low": NaN}]}', "found nan"),
    ],
)
def test_a_file_that_is_no_mapping_is_told_and_changes_nothing(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "midi.json"
    path.write_text(text)
    mapping = MidiMap()
    with pytest.raises(MidiError, match=why) as raised:
        mapping.read(path)
    assert str(path) in str(raised.value)
    assert mapping.bindings == DEFAULTS
    with pytest.raises(MidiError, match="cannot be written"):
        mapping.write(path / "below.json")


@given(st.lists(st.integers(0, 255), min_size=1, max_size=3))
def test_any_bytes_of_a_cable_are_something_or_nothing(data: list[int]) -> None:
    mapping = MidiMap()
    event = event_of(data)
    assert event is None or 0.0 <= event.value <= 1.0
    asked = None if event is None else mapping.feed(event)
    if isinstance(asked, Asked) and COMMANDS[asked.command].is_level:
        command = COMMANDS[asked.command]
        assert command.low <= asked.value <= command.high


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "mido" else found(name))
    with pytest.raises(AdvsepError, match=r"needs the MIDI extra \(missing: mido\): pip install 'advsep\[midi\]'"):
        midi_ports()


# Real ports: python-rtmidi on a JACK server of our own; ALSA's sequencer is a kernel module that a container lacks.


@pytest.fixture(scope="module")
def jack() -> Iterator[None]:
    if shutil.which("jackd") is None or rtmidi.API_UNIX_JACK not in rtmidi.get_compiled_api():
        pytest.skip("jackd is not installed")
    name = f"advsep-midi-{os.getpid()}"
    command = ["jackd", "-r", "-n", name, "-d", "dummy", "-r", "48000", "-p", "256"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JACK_DEFAULT_SERVER", name)
        patch.setenv("JACK_NO_START_SERVER", "1")
        patch.setattr(midi, "_ALSA_SEQUENCER", Path("/nowhere"))
        patch.setattr(midi, "LOOK_S", 0.05)
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(is_up, 20, "JACK's dummy server does not answer")
            yield
        finally:
            server.terminate()
            server.wait(10)


def is_up() -> bool:
    code = "import rtmidi; rtmidi.MidiIn(rtmidi.API_UNIX_JACK)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=20).returncode == 0


class Knobs:
    """A controller: a virtual port that messages are sent from."""

    def __init__(self, name: str) -> None:
        self._port = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name=name)
        self._port.open_virtual_port("knobs")
        self.name = f"{name}:knobs"

    def send(self, kind: str, **values: int) -> None:
        self._port.send_message(mido.Message(kind, **values).bytes())

    def unplug(self) -> None:
        if not self._port.is_deleted:
            self._port.close_port()
            self._port.delete()


@pytest.fixture
def knobs(jack: None) -> Iterator[Knobs]:
    made = Knobs("nanoTEST")
    yield made
    made.unplug()


def heard(knobs: Knobs, asked: list[Asked]) -> list[Asked]:
    """Turned until it is heard: JACK connects ports a cycle later."""
    del asked[:]
    value = 0

    def turned() -> bool:
        nonlocal value
        value = (value + 40) % 128
        knobs.send("control_change", control=0, value=value)
        return len(asked) > 0

    until(turned, 10, "the controller was not heard")
    return asked


def test_a_real_port_is_heard_in_a_thread_of_its_own_and_after_it_was_unplugged(knobs: Knobs) -> None:
    assert knobs.name in midi_ports()
    asked, learnt, threads = list[Asked](), list[Binding](), set[str]()

    def obey(each: Asked) -> None:
        threads.add(threading.current_thread().name)
        asked.append(each)

    mapping = MidiMap(pickup=False)
    control = MidiControl("nanotest", mapping, obey, learnt.append)
    control.start()
    assert (control.port, control.note) == (knobs.name, "")
    assert heard(knobs, asked)[0].command == "guide"
    mapping.learn("record")
    knobs.send("note_on", note=70, velocity=99)
    until(lambda: bool(learnt), 5)
    assert learnt[0].command == "record"
    assert threads == {"advsep-midi"}
    knobs.unplug()
    until(lambda: not control.port, 5)
    assert "was unplugged; it is used again" in control.note
    back = Knobs("nanoTEST")
    until(lambda: bool(control.port), 5)
    assert heard(back, asked)
    assert control.note == ""
    control.stop()
    control.stop()
    back.unplug()


def test_a_command_that_fails_leaves_the_controller_heard(knobs: Knobs) -> None:
    asked = list[Asked]()

    def obey(each: Asked) -> None:
        asked.append(each)
        raise ValueError("no such song")

    control = MidiControl(None, MidiMap(pickup=False), obey)
    control.start()
    assert heard(knobs, asked)
    assert heard(knobs, asked)
    until(lambda: "no such song" in control.note, 5)
    control.stop()


def test_a_port_that_is_not_there_is_named_with_those_that_are(knobs: Knobs) -> None:
    with pytest.raises(MidiError, match=r"MIDI port piano: not found; there are: .*nanoTEST:knobs"):
        MidiControl("piano", MidiMap(), print)


def test_no_controller_and_no_midi_are_said(jack: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MidiError, match="expected a controller, found none; plug one in"):
        MidiControl(None, MidiMap(), print)
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "advsep-not-there")
    with pytest.raises(MidiError, match=r"expected a system that has it, found none \(.*JACK server not running"):
        midi_ports()


def test_a_written_mapping_can_be_read_by_people(tmp_path: Path) -> None:
    MidiMap([Binding("guide", "control", 1, low=0.1)]).write(tmp_path / "midi.json")
    assert json.loads((tmp_path / "midi.json").read_text())["bindings"] == [
        {"command": "guide", "kind": "control", "number": 1, "channel": 0, "low": 0.1, "high": None}
    ]
