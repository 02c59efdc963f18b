"""A MIDI controller's knobs and buttons, heard while it is plugged in.

Through python-rtmidi, polled by a thread of ours: its own callback would hold up JACK's or ALSA's thread while
Python is busy elsewhere. Messages are read by mido.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..extras import require_extra
from .midi_binding import Asked, Binding, MidiError, MidiEvent
from .midi_map import MidiMap

NEEDED = ("mido", "rtmidi")
POLL_S = 0.004
LOOK_S = 1.0  # for a port that went or came
_CLIENT = "advsep"
_LARGEST_BEND = 8191
_ALSA_SEQUENCER = Path("/dev/snd/seq")


def midi_ports() -> list[str]:
    """Names of the ports that controllers send from.

    ALSA's where Linux has its sequencer, else JACK's.

    Raises:
        AdvsepError: the extra is not installed.
        MidiError: the system has no MIDI.
    """
    port = _client()
    try:
        return _names(port)
    finally:
        port.delete()


def event_of(data: list[int]) -> MidiEvent | None:
    """A message's bytes as a mapping understands them; None: they are no knob and no button, or half a message."""
    import mido

    try:
        message: Any = mido.Message.from_bytes(data)
    except (ValueError, IndexError):  # the latter is what mido makes of some halves
        return None
    match message.type:
        case "control_change":
            return MidiEvent("control", message.channel + 1, message.control, message.value / 127)
        case "note_on" | "note_off":
            velocity = message.velocity / 127 if message.type == "note_on" else 0.0
            return MidiEvent("note", message.channel + 1, message.note, velocity)
        case "program_change":
            return MidiEvent("program", message.channel + 1, message.program, 1.0)
        case "pitchwheel":
            return MidiEvent("bend", message.channel + 1, 0, min(1.0, (message.pitch + 8192) / (8192 + _LARGEST_BEND)))
        case _:
            return None


class MidiControl:
    """Listens to one port, and takes it up again when it was unplugged and is back.

    Use `start`, then `stop`.

    Args:
        port_name: of `midi_ports`, or how one begins; None: the first that is a device's.
        mapping: what knobs and buttons do.
        obey: is given what is asked for, in a thread of this.
        learnt: is given what was learnt, in the same thread.

    Attributes:
        port: that is listened to; empty while it is away.
        note: what is wrong, in words; empty while nothing is.

    Raises:
        AdvsepError: the extra `midi` is not installed.
        MidiError: there is no such port, or it cannot be opened.
    """

    def __init__(
        self,
        port_name: str | None,
        mapping: MidiMap,
        obey: Callable[[Asked], None],
        learnt: Callable[[Binding], None] | None = None,
    ) -> None:
        self._mapping, self._obey, self._learnt = mapping, obey, learnt
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="advsep-midi", daemon=True)
        self._client: Any = _client()
        self.port, self.note = "", ""
        try:
            self._wanted = _chosen(port_name, _names(self._client))
            self._open(self._wanted)
        except BaseException:
            self._client.delete()
            raise

    def start(self) -> None:
        """Listen from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no more, and let go of the port; more than once is fine."""
        self._ending.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.close_port()
            self._client.delete()
            self._client = None

    def _run(self) -> None:
        look_at_s = time.monotonic() + LOOK_S
        while not self._ending.wait(POLL_S):
            try:
                while (received := self._client.get_message()) is not None:
                    self._take(received[0])
                if time.monotonic() >= look_at_s:
                    self._look()
                    look_at_s = time.monotonic() + LOOK_S
            except (OSError, MidiError) as error:  # of rtmidi: the system's MIDI went away
                self.port, self.note = (
                    "",
                    f"MIDI port {self._wanted}: cannot be heard any more ({error}); open it again",
                )
                return

    def _take(self, data: list[int]) -> None:
        event = event_of(data)
        asked = None if event is None else self._mapping.feed(event)
        try:
            if isinstance(asked, Asked):
                self._obey(asked)
            elif asked is not None and self._learnt is not None:
                self._learnt(asked)
        except Exception as error:  # one command that fails must not make the controller deaf
            self.note = f"MIDI port {self._wanted}: what it asked for failed: {error}"

    def _look(self) -> None:
        is_there = self._wanted in map(_lasting, _names(self._client))
        if self.port and not is_there:
            self._client.close_port()
            self.port, self.note = "", f"MIDI port {self._wanted}: was unplugged; it is used again when it is back"
        elif is_there and not self.port:
            self._open(self._wanted)

    def _open(self, name: str) -> None:
        names = [_lasting(each) for each in self._client.get_ports()]
        try:
            self._client.open_port(names.index(name), name="knobs")
        except (OSError, ValueError) as error:  # InvalidPortError of rtmidi is a ValueError
            raise MidiError(
                f"MIDI port {name}: cannot be opened ({error}); close other programs that use it, or choose another"
            ) from None
        self.port, self.note = name, ""


def _client() -> Any:
    """Of the first of the system's kinds of MIDI that works."""
    require_extra("this needs the MIDI extra", "midi", *NEEDED)
    rtmidi: Any = importlib.import_module("rtmidi")  # which has no types

    failed = "none is built in"
    for api in rtmidi.get_compiled_api():
        if api == rtmidi.API_LINUX_ALSA and not _ALSA_SEQUENCER.exists():
            failed = "ALSA's sequencer is not there"
            continue
        try:
            client = rtmidi.MidiIn(api, name=_CLIENT)
        except OSError as error:  # rtmidi's errors are
            failed = str(error)
            continue
        client.ignore_types(sysex=True, timing=True, active_sense=True)
        return client
    hint = "load it (modprobe snd-seq) or start JACK" if sys.platform == "linux" else "see to the system's MIDI"
    raise MidiError(f"MIDI: expected a system that has it, found none ({failed}); {hint}")


def _names(client: Any) -> list[str]:
    return [name for name in client.get_ports() if not name.startswith(f"{_CLIENT}:")]


def _lasting(name: str) -> str:
    """A port's name without the numbers that ALSA gives anew each time it is plugged in."""
    return re.sub(r" \d+:\d+$", "", name)


def _chosen(wanted: str | None, names: list[str]) -> str:
    if wanted is None:
        devices = [name for name in names if "through" not in name.lower()]
        if not devices:
            raise MidiError("MIDI: expected a controller, found none; plug one in")
        return _lasting(devices[0])
    for is_it in (str.__eq__, str.startswith):
        for name in map(_lasting, names):
            if is_it(name.casefold(), _lasting(wanted).casefold()):
                return name
    raise MidiError(f"MIDI port {wanted}: not found; there are: {', '.join(names) or 'none'}; choose one of them")
