"""JACK's patchbay, as far as a latency measurement needs it: our own outputs led to our own inputs."""

from __future__ import annotations

import ctypes
import shutil
import subprocess

from .portaudio import portaudio_library
from .stream import DeviceError

_TIMEOUT_S = 5.0


def client_name() -> str:
    """Of this process among JACK's clients, while PortAudio is connected to a server.

    Raises:
        DeviceError: it is not.
    """
    library, name = portaudio_library(), ctypes.c_char_p()
    if library is None or library.PaJack_GetClientName(ctypes.byref(name)) or not name.value:
        raise DeviceError("JACK: expected a server that this program is connected to, found none; start jackd first")
    return name.value.decode()


def loop_back() -> list[tuple[str, str]]:
    """Connect this client's outputs to its inputs, one to one, and nothing else to its inputs.

    Returns:
        The connections, output port and input port.

    Raises:
        DeviceError: JACK's tools are not installed, the server does not answer, or there are no ports.
    """
    if any(shutil.which(program) is None for program in ("jack_lsp", "jack_connect", "jack_disconnect")):
        raise DeviceError(
            f"JACK: expected the program jack_connect to lead {client_name()}'s outputs to its inputs, found none; "
            "install it (Debian: apt install jack-example-tools), or connect the ports in a patchbay"
        )
    own = client_name() + ":"
    connections = _connections()
    inputs = sorted(port for port in connections if port.startswith(own + "in_"))
    outputs = sorted(port for port in connections if port.startswith(own + "out_"))
    if not inputs or not outputs:
        raise DeviceError(f"JACK: expected {own} to have inputs and outputs, found {inputs + outputs or 'none'}")
    for port in inputs:
        for other in connections[port]:
            _tool("jack_disconnect", other, port)
    pairs = list(zip(outputs, inputs, strict=False))
    for output, input in pairs:
        _tool("jack_connect", output, input)
    return pairs


def _connections() -> dict[str, list[str]]:
    """All ports, and what each is connected to."""
    connections: dict[str, list[str]] = {}
    port = ""
    for line in _tool("jack_lsp", "-c").splitlines():
        if line.startswith(" "):
            connections[port].append(line.strip())
        else:
            port = line.strip()
            connections[port] = []
    return connections


def _tool(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise DeviceError(f"JACK: {command[0]} had no answer within {_TIMEOUT_S:g} s; restart the server") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().split("\n")[0]
        raise DeviceError(f"JACK: '{' '.join(command)}' failed: {said}")
    return done.stdout
