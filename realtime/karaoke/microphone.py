"""One's own voice: where it comes in, and the room around it."""

from __future__ import annotations

from dataclasses import replace

from ..device import NULL, find_device
from ..rack_spec import MICROPHONE, PluginSpec, RackSpec
from ..stream import DeviceError

ROOM = "reverb"
WETTEST = 0.5  # the room's share of the sound at an echo of 1


def usual_microphone() -> str:
    """What to open where nobody said: `mic` where there is one, else `null`. Starts PortAudio, which takes its time."""
    try:
        find_device("mic", "input")
    except DeviceError:
        return NULL
    return "mic"


def with_echo(rack: RackSpec, share: float) -> RackSpec:
    """A rack with so much room around the microphone, 0 to 1; its first reverb, or one that is added."""
    strip = rack.named(MICROPHONE)
    room = next((place for place, plugin in enumerate(strip.chain) if plugin.name == ROOM), None)
    mix = round(WETTEST * share, 4)
    if room is None:
        chain = (*strip.chain, PluginSpec(ROOM, {"mix": mix}))
    else:
        plugin = strip.chain[room]
        changed = replace(plugin, values={**plugin.values, "mix": mix}, bypassed=False)
        chain = (*strip.chain[:room], changed, *strip.chain[room + 1 :])
    return rack.with_strip(MICROPHONE, replace(strip, chain=chain))


def echo_of(rack: RackSpec) -> float:
    """How much room a rack has around the microphone, 0 to 1."""
    for plugin in rack.named(MICROPHONE).chain:
        if plugin.name == ROOM and not plugin.bypassed:
            mix = plugin.values.get("mix", 0.0)
            return min(1.0, float(mix) / WETTEST) if isinstance(mix, (int, float)) else 0.0
    return 0.0
