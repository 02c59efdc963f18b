"""JACK servers of our own on the dummy driver: real PortAudio where there is no sound card."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

LISTED = "import sounddevice as s; raise SystemExit(not any(d['name'] == 'system' for d in s.query_devices()))"


class JackServer:
    """A server by a name of its own, and the environment that leads to it."""

    def __init__(self, rate_hz: int, period_samples: int) -> None:
        name = f"advsep-{os.getpid()}"
        self.environment = {**os.environ, "JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1"}
        self._command = ["jackd", "-r", "-n", name, "-d", "dummy", "-r", str(rate_hz), "-p", str(period_samples)]
        self.start()

    def start(self) -> None:
        """Start it, also again after `kill`."""
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(50):
            time.sleep(0.2)
            listing = subprocess.run([sys.executable, "-c", LISTED], env=self.environment, check=False, timeout=30)
            if listing.returncode == 0:
                return
        pytest.fail("JACK's dummy device is not listed")

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        """End it in order; one that was killed once more, or its place among JACK's 8 servers stays taken."""
        if self.process.poll() is not None:
            self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(1.0)
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def start_jack() -> Iterator[Callable[[int, int], JackServer]]:
    """`start_jack(rate_hz, period_samples)`: a server, ended after the test; one at a time."""
    if shutil.which("jackd") is None:
        pytest.skip("jackd is not installed")
    servers: list[JackServer] = []

    def start(rate_hz: int, period_samples: int) -> JackServer:
        servers.append(JackServer(rate_hz, period_samples))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def jack(start_jack: Callable[[int, int], JackServer]) -> JackServer:
    """A server at 44.1 kHz, 256 frames a period."""
    return start_jack(44100, 256)
