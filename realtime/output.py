"""Where mixed sound goes at the pace of the clock: a sound card, or the `null` device that only keeps time."""

from __future__ import annotations

import atexit
import time
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import AdvsepError

POLL_S = 0.001
PATIENCE_S = 2.0  # a device that takes nothing for so long has gone


class OutputError(AdvsepError):
    """A device that cannot be opened or has gone."""


class Output(Protocol):
    """Takes samples at the pace at which they are heard.

    Attributes:
        name: for displays.
        misses: blocks that came too late so far.
        clipped_samples: values beyond full scale so far.
    """

    name: str
    misses: int
    clipped_samples: int

    def write(self, samples: NDArray[np.float32]) -> None:
        """Hand over [sample, channel]; returns when the next block is wanted."""
        ...

    def close(self) -> None:
        """Let what was written sound to its end, then let go of the device."""
        ...


class NullOutput:
    """Nobody listens, but the clock runs: a block is late unless it comes before the one before it is over.

    Args:
        rate_hz: sample rate.
    """

    def __init__(self, rate_hz: int) -> None:
        self.name, self.misses, self.clipped_samples = "null", 0, 0
        self._rate_hz = rate_hz
        self._due_s: float | None = None

    def write(self, samples: NDArray[np.float32]) -> None:
        """See `Output.write`."""
        self.clipped_samples += _beyond_full_scale(samples)
        now_s = time.perf_counter()
        length_s = len(samples) / self._rate_hz
        if self._due_s is None:
            self._due_s = now_s + length_s
        elif now_s > self._due_s:
            self.misses += 1
            self._due_s = now_s  # a listener heard the gap; the next block is measured from its end
        wait_s = self._due_s - time.perf_counter()
        if wait_s > 0:
            time.sleep(wait_s)
        self._due_s += length_s

    def close(self) -> None:
        """Nothing is open."""


class SpeakerOutput:
    """A sound card's output through PortAudio's blocking interface: no Python runs in its callback.

    Args:
        device: PortAudio's number or a part of the name, None for the default.
        rate_hz: sample rate.
        channels: 1 or 2.

    Raises:
        OutputError: PortAudio is missing, or there is no such device, or it refuses the rate.
    """

    def __init__(self, device: int | str | None, rate_hz: int, channels: int) -> None:
        sounddevice = import_sounddevice()
        self.misses, self.clipped_samples = 0, 0
        try:
            self.name = str(sounddevice.query_devices(device, "output")["name"])
            self._stream: Any = sounddevice.OutputStream(
                samplerate=rate_hz, channels=channels, device=device, dtype="float32", latency="high"
            )
            self._stream.start()
            self._gone = False
        except (sounddevice.PortAudioError, ValueError) as error:
            why = "no sound device found" if device is None and not has_output_device() else _first_line(error)
            raise OutputError(
                f"output '{'speakers' if device is None else device}': {why}; list the devices with "
                "--list-devices, or pass -o null to run without one"
            ) from None

    def write(self, samples: NDArray[np.float32]) -> None:
        """See `Output.write`."""
        self.clipped_samples += _beyond_full_scale(samples)
        done = 0
        while done < len(samples):
            room = self._wait_for_room()
            block = samples[done : done + room]
            try:
                if self._stream.write(np.clip(block, -1.0, 1.0)):
                    self.misses += 1
            except Exception as error:  # sounddevice raises PortAudioError, whose class is not known here
                raise self._lost(_first_line(error)) from None
            done += len(block)

    def close(self) -> None:
        """See `Output.close`."""
        if self._gone:
            # PortAudio waits for ever for a JACK server that died, also when Python exits.
            at_exit = getattr(import_sounddevice(), "_exit_handler", None)
            if at_exit is not None:
                atexit.unregister(at_exit)
            return
        self._stream.stop()
        self._stream.close()

    def _wait_for_room(self) -> int:
        """Samples that can be written without waiting; a write to a device that died would never return."""
        since_s = time.perf_counter()
        while (room := self._stream.write_available) <= 0:
            if not self._stream.active or time.perf_counter() - since_s > PATIENCE_S:
                raise self._lost("it takes no more sound")
            time.sleep(POLL_S)
        return int(room)

    def _lost(self, why: str) -> OutputError:
        self._gone = True
        return OutputError(f"output '{self.name}' has gone: {why}; plug it in and start again")


def import_sounddevice() -> Any:
    """The sounddevice module.

    Raises:
        OutputError: PortAudio, which it needs, is not installed.
    """
    try:
        import sounddevice  # imported late: it starts PortAudio, which probes every device
    except OSError as error:
        raise OutputError(
            f"sound devices need the PortAudio library ({_first_line(error)}); "
            "install it (Debian: apt install libportaudio2), or pass -o null"
        ) from None
    return sounddevice


def has_output_device(name: str | None = None) -> bool:
    """Whether PortAudio is there and knows an output of this name, or a default one."""
    try:
        sounddevice = import_sounddevice()
        sounddevice.query_devices(name, "output")
    except Exception:  # no PortAudio, no host API, no device: each has its own type
        return False
    return True


def _beyond_full_scale(samples: NDArray[np.float32]) -> int:
    return int(np.count_nonzero(np.abs(samples) > 1.0))


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
