"""Sound devices by name: what is there, which one a few letters mean, and a stream to play on it."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Any, Literal

from .clock_stream import CLOCK_PERIOD_SAMPLES, CLOCK_RATE_HZ, ClockStream
from .portaudio import JACK, Latency, PortAudioStream, import_sounddevice
from .stream import DeviceError, MakeCallback, Stream, deck_callback

Kind = Literal["input", "output"]

MIC, SYSTEM, SPEAKERS, NULL = "mic", "system", "speakers", "null"
MOST_CHANNELS = 2

# Inputs that bring what other programs play: PulseAudio's and PipeWire's monitors, ALSA's loopback, mixers of Windows'
# drivers, virtual cables.
_LOOPBACK = re.compile(
    r"^monitor of |\bmonitor$|\.monitor\b|loopback|stereo mix|what u hear|wave out mix|blackhole|soundflower"
    r"|cable output|virtual cable|vb-cable",
    re.IGNORECASE,
)
_LOOPBACK_HELP = {
    "linux": "with PulseAudio or PipeWire choose 'Monitor of …' for advsep in pavucontrol and pass -i mic, "
    "or load ALSA's snd-aloop",
    "darwin": "install BlackHole (existential.audio/blackhole) and send the sound of other programs there",
    "win32": "enable 'Stereo Mix' among the recording devices, or install VB-CABLE (vb-audio.com/Cable)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInfo:
    """A device as PortAudio sees it.

    Attributes:
        index: PortAudio's number, valid while the process lives.
        name: as the host API calls it.
        host_api: through which it is reached; the same hardware may be there through several.
        input_channels: most that can be captured.
        output_channels: most that can be played.
        rate_hz: its own sample rate.
        default_input: it is what `mic` means.
        default_output: it is what `speakers` means.
    """

    index: int
    name: str
    host_api: str
    input_channels: int
    output_channels: int
    rate_hz: int
    default_input: bool = False
    default_output: bool = False

    @property
    def label(self) -> str:
        """`host api: name`, which `find_device` takes."""
        return f"{self.host_api}: {self.name}"

    def channels(self, kind: Kind) -> int:
        """Most channels in one direction."""
        return self.input_channels if kind == "input" else self.output_channels


def list_devices() -> list[DeviceInfo]:
    """All devices; those that come later are seen by a new process only.

    Raises:
        DeviceError: PortAudio is missing.
    """
    sounddevice = import_sounddevice()
    default_input, default_output = (_default_index(sounddevice, kind) for kind in ("input", "output"))
    host_apis: list[str] = [str(api["name"]) for api in sounddevice.query_hostapis()]
    return [
        DeviceInfo(
            index=int(device["index"]),
            name=str(device["name"]),
            host_api=host_apis[device["hostapi"]],
            input_channels=int(device["max_input_channels"]),
            output_channels=int(device["max_output_channels"]),
            rate_hz=round(device["default_samplerate"]),
            default_input=device["index"] == default_input,
            default_output=device["index"] == default_output,
        )
        for device in sounddevice.query_devices()
    ]


def describe_devices() -> list[str]:
    """Lines for `--list-devices`: every device, then what the words mean here.

    Raises:
        DeviceError: PortAudio is missing.
    """
    devices = list_devices()
    if not devices:
        lines = ["no sound device found; without one, -o null plays to nobody at the pace of the clock"]
    else:
        width = max(len(device.label) for device in devices)
        lines = [f" id  {'host api: name':{width}}   in  out  rate in Hz"]
        lines += [
            f"{device.index:3}  {device.label:{width}}  {device.input_channels:3}  {device.output_channels:3}"
            f"  {device.rate_hz:10}"
            for device in devices
        ]
    kinds: tuple[tuple[str, Kind], ...] = ((MIC, "input"), (SYSTEM, "input"), (SPEAKERS, "output"))
    for word, kind in kinds:
        try:
            device = find_device(word, kind)
            lines.append(f"{word:9} {kind:7} {device.index if device else ''} {device.label if device else ''}")
        except DeviceError:
            lines.append(f"{word:9} {kind:7} none here")
    lines.append(f"{NULL:9} both    no device: the clock keeps time")
    return lines


def find_device(text: str, kind: Kind) -> DeviceInfo | None:
    """The device that a user means.

    Args:
        text: its number, its name or a part of it (`host api: name` where that is not enough), or a word: `mic`,
            the default input; `speakers`, the default output; `system`, an input that brings what other programs
            play; `null`, nothing.
        kind: what it is wanted for.

    Returns:
        None for `null`.

    Raises:
        DeviceError: there is none, or several, or it has no channels of this kind.
    """
    word = text.strip().lower()
    if word == NULL:
        return None
    devices = list_devices()
    fitting = [device for device in devices if device.channels(kind)]
    if word in (MIC, SPEAKERS):
        return _default(word, kind, fitting)
    if word == SYSTEM and kind == "input":
        return _loopback(fitting)
    if word.isdigit():
        matches = [device for device in devices if device.index == int(word)]
        if matches and matches[0] not in fitting:
            raise DeviceError(f"device {word} ('{matches[0].label}') has no {kind}; {_choices(fitting, kind)}")
    else:
        matches = _named(word, fitting)
    if not matches:
        raise DeviceError(f"no {kind} device '{text}'; {_choices(fitting, kind)}")
    if len(matches) > 1:
        raise DeviceError(f"{kind} device '{text}' is ambiguous: {_labels(matches)}; pass more of the name, or the id")
    return matches[0]


def open_stream(
    input: DeviceInfo | None,
    output: DeviceInfo | None,
    *,
    rate_hz: int | None = None,
    block_samples: int | None = None,
    latency: Latency | None = None,
    make_callback: MakeCallback = deck_callback,
) -> Stream:
    """A stream with a deck of its own, not started.

    Args:
        input: what captures; None: nothing, or a feeder that fills the deck's input ring.
        output: what plays; None: what the deck plays goes nowhere.
        rate_hz: sample rate; None: the output's own, or the input's.
        block_samples: frames a callback; None: as suits the host (128 for the clock). JACK has a period of its own.
        latency: of the device, in seconds or `low`, `high`; None: low.
        make_callback: compiled code to be called, instead of the deck's.

    Raises:
        DeviceError: the device cannot be opened so, or the two do not belong to one host API.
    """
    device = output or input
    if device is None:
        period_samples = block_samples or CLOCK_PERIOD_SAMPLES
        return ClockStream(rate_hz or CLOCK_RATE_HZ, period_samples, make_callback=make_callback)
    name = device.name
    if input is not None and output is not None and input != output:
        if input.host_api != output.host_api:
            raise DeviceError(
                f"expected input and output of one host API, got '{input.label}' and '{output.label}'; "
                "choose two of the same, see --list-devices"
            )
        name = f"{input.name} to {output.name}"
    channels = (
        MOST_CHANNELS if input is None else min(MOST_CHANNELS, input.input_channels),
        MOST_CHANNELS if output is None else min(MOST_CHANNELS, output.output_channels),
    )
    return PortAudioStream(
        name,
        device.host_api,
        (input.index if input else None, output.index if output else None),
        channels,
        rate_hz or device.rate_hz,
        block_samples=block_samples,
        latency="low" if latency is None else latency,
        make_callback=make_callback,
    )


def share_a_clock(input: DeviceInfo, output: DeviceInfo) -> bool:
    """Whether two devices certainly run at the very same pace, so that one duplex stream may carry both."""
    return input.host_api == output.host_api and (input.index == output.index or input.host_api == JACK)


def _default_index(sounddevice: Any, kind: Kind) -> int:
    try:
        return int(sounddevice.query_devices(kind=kind)["index"])
    except (sounddevice.PortAudioError, ValueError):
        return -1


def _default(word: str, kind: Kind, fitting: list[DeviceInfo]) -> DeviceInfo:
    if (word == MIC) != (kind == "input"):
        hint = f"what they play can be had as '{SYSTEM}'" if word == SPEAKERS else "see --list-devices"
        raise DeviceError(f"'{word}' cannot be an {kind}; {hint}")
    found = next((d for d in fitting if (d.default_input if kind == "input" else d.default_output)), None)
    if found is None:
        raise DeviceError(f"'{word}': this system has no default {kind}; {_choices(fitting, kind)}")
    return found


def _loopback(inputs: list[DeviceInfo]) -> DeviceInfo:
    """What other programs play, of the default output where there are several; JACK's hardware by that very name."""
    found = [device for device in inputs if _LOOPBACK.search(device.name)]
    playing = [device.name.lower() for device in list_devices() if device.default_output]
    found.sort(key=lambda device: not any(name in device.name.lower() for name in playing))
    found += [device for device in inputs if device.name == SYSTEM]
    if not found:
        platform = sys.platform if sys.platform in _LOOPBACK_HELP else "linux"
        raise DeviceError(
            f"'{SYSTEM}': no input brings what other programs play; {_LOOPBACK_HELP[platform]}, "
            f"or {_choices(inputs, 'input')}"
        )
    return found[0]


def _named(word: str, fitting: list[DeviceInfo]) -> list[DeviceInfo]:
    """Those of exactly this name or label, else those that contain it."""
    exact = [device for device in fitting if word in (device.name.lower(), device.label.lower())]
    if exact:
        return exact
    host_api, _, name = (part.strip() for part in word.partition(":"))
    return [
        device
        for device in fitting
        if word in device.name.lower() or (name and host_api in device.host_api.lower() and name in device.name.lower())
    ]


def _choices(fitting: list[DeviceInfo], kind: Kind) -> str:
    return f"choose one of: {_labels(fitting)}" if fitting else f"there is no {kind} device at all, only '{NULL}'"


def _labels(devices: list[DeviceInfo]) -> str:
    return ", ".join(f"{device.index} '{device.label}'" for device in devices)
