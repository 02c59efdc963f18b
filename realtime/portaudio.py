"""The door to PortAudio: brought up without its chatter, played by compiled code, left without hanging."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import os
import sys
import threading
from collections.abc import Callable, Generator
from typing import Any, Literal

from .exchange import Deck
from .stream import DECK_FRAMES, DeviceError, MakeCallback, Stream, deck_callback

Latency = float | Literal["low", "high"]

JACK = "JACK Audio Connection Kit"
CLIENT_NAME = b"advsep"  # PortAudio keeps the pointer
PATIENCE_S = 2.0  # PortAudio waits for ever for a JACK server that died
_INVALID_CHANNEL_COUNT, _INVALID_SAMPLE_RATE, _DEVICE_UNAVAILABLE = -9998, -9997, -9985
_open_streams: set[PortAudioStream] = set()  # their memory must outlive the callbacks


@functools.cache
def import_sounddevice() -> Any:
    """The sounddevice module, PortAudio initialised: it has looked at every device by now.

    Raises:
        DeviceError: PortAudio is not installed, or does not start.
    """
    library = portaudio_library()
    if library is not None:
        library.PaJack_SetClientName(CLIENT_NAME)
    try:
        with quiet_stderr():
            import sounddevice
    except OSError as error:
        raise DeviceError(
            f"sound devices need the PortAudio library ({first_line(error)}); "
            "install it (Debian: apt install libportaudio2), or pass -i and -o without devices (-o null)"
        ) from None
    except Exception as error:  # sounddevice's own type, in a module that could not be imported
        raise DeviceError(f"PortAudio does not start: {first_line(error)}; pass -o null to run without it") from None
    at_exit: Any = getattr(sounddevice, "_exit_handler", None)
    if at_exit is not None:
        atexit.unregister(at_exit)
        atexit.register(_in_time, at_exit)
    return sounddevice


def portaudio_library() -> ctypes.CDLL | None:
    """PortAudio where it speaks to JACK; what sounddevice does not reach."""
    with contextlib.suppress(OSError):
        library = ctypes.CDLL("libportaudio.so.2")
        if hasattr(library, "PaJack_GetClientName"):
            return library
    return None


@contextlib.contextmanager
def quiet_stderr() -> Generator[None]:
    """Nothing reaches file descriptor 2 meanwhile: ALSA and JACK print what only their developers understand."""
    with contextlib.suppress(AttributeError, OSError):  # under pythonw there is none
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def rescan() -> None:
    """Have PortAudio see which devices are there now; only while no stream is open.

    Raises:
        DeviceError: PortAudio is missing, or does not come back.
    """
    sounddevice = import_sounddevice()

    def again() -> None:
        sounddevice._terminate()
        sounddevice._initialize()

    try:
        done = _in_time(again)
    except sounddevice.PortAudioError as error:
        raise DeviceError(f"PortAudio does not start again: {first_line(error)}; start the program again") from None
    if not done:
        raise DeviceError("a sound server that died keeps PortAudio waiting; start the program again")


class PortAudioStream(Stream):
    """A stream of one host API, played by compiled code: no Python runs in its callback.

    Args:
        name: for displays.
        host_api: PortAudio's name of it.
        devices: PortAudio's numbers of input and output, None where there is none; not both.
        channels: of input and output; where there is no device, of what a feeder brings and of what goes nowhere.
        rate_hz: sample rate.
        block_samples: to be asked for; None: what suits the host.
        latency: to be asked for, in seconds, or PortAudio's idea of low or high.
        make_callback: compiled code to be called.

    Raises:
        DeviceError: the device cannot be opened so.
    """

    def __init__(
        self,
        name: str,
        host_api: str,
        devices: tuple[int | None, int | None],
        channels: tuple[int, int],
        rate_hz: int,
        *,
        block_samples: int | None = None,
        latency: Latency = "low",
        make_callback: MakeCallback = deck_callback,
    ) -> None:
        notes: tuple[str, ...] = ()
        if host_api == JACK and block_samples is not None:
            notes = (f"JACK decides on the period: {block_samples} samples are not asked for; start jackd with -p",)
            block_samples = None
        super().__init__(Deck(DECK_FRAMES, *channels), name, rate_hz, notes=notes)
        self._host_api, self._started, self._abandoned = host_api, False, False
        has_input, has_output = (device is not None for device in devices)
        self._callback = make_callback(self.deck, has_input, has_output)
        kind = "duplex" if has_input and has_output else "input" if has_input else "output"
        self._sounddevice = import_sounddevice()
        ffi: Any = self._sounddevice._ffi
        side = 0 if has_input else 1
        with self._explained(channels), quiet_stderr():
            self._stream: Any = self._sounddevice._StreamBase(
                kind,
                samplerate=rate_hz,
                blocksize=block_samples or 0,
                device=devices if kind == "duplex" else devices[side],
                channels=channels if kind == "duplex" else channels[side],
                dtype="float32",
                latency=latency,
                clip_off=True,
                dither_off=True,
                callback=ffi.cast("PaStreamCallback*", self._callback.address),
                userdata=ffi.cast("void*", self._callback.user_data),
                wrap_callback=None,
            )
        declared = self._stream.latency
        self.declared_latency_s = declared if kind == "duplex" else (declared, 0.0) if has_input else (0.0, declared)
        _open_streams.add(self)

    def close(self) -> None:
        """See `Stream.close`: a device that hangs, or whose JACK server died, is left to the end of the process."""
        if self._abandoned or self not in _open_streams:
            return
        # PortAudio aborts the process where it cannot unregister a port of JACK's.
        self._abandoned = self._host_api == JACK and self._started and not self._stream.active
        if self._abandoned:
            atexit.unregister(_in_time)
        elif _in_time(self._stop_and_close):
            _open_streams.discard(self)
        else:
            self._abandoned = True

    def _start(self) -> None:
        with self._explained((0, 0)):
            if not self._started and not _in_time(self._stream.start):
                raise DeviceError(
                    f"device '{self.name}': expected it to start within {PATIENCE_S:g} s, but it hangs; "
                    "restart its sound server, or pass -o null"
                )
        self._started = True

    def _active(self) -> bool:
        return self in _open_streams and not self._abandoned and bool(self._stream.active)

    def _stop_and_close(self) -> None:
        with contextlib.suppress(self._sounddevice.PortAudioError):  # it has gone: nothing to stop
            self._stream.stop()
        with contextlib.suppress(self._sounddevice.PortAudioError):
            self._stream.close()

    @contextlib.contextmanager
    def _explained(self, channels: tuple[int, int]) -> Generator[None]:
        """PortAudio's errors in words."""
        try:
            yield
        except self._sounddevice.PortAudioError as error:
            code = error.args[1] if len(error.args) > 1 else 0
            what = {
                _INVALID_SAMPLE_RATE: f"it refuses {self.rate_hz} Hz; pass a rate of its own with --samplerate "
                "(--list-devices shows it), or change it in the system's sound settings",
                _INVALID_CHANNEL_COUNT: f"it refuses {channels[0]} input and {channels[1]} output channels; "
                "choose another with --list-devices",
                _DEVICE_UNAVAILABLE: "it is in use or has gone; close what else plays there, or plug it in",
            }.get(code, f"{first_line(error)}; choose another with --list-devices, or pass -o null")
            raise DeviceError(f"device '{self.name}' cannot be opened: {what}") from None


def first_line(error: Exception) -> str:
    """What a library's error says, without its lists."""
    return str(error.args[0] if error.args else error).strip().split("\n")[0]


def _in_time(work: Callable[[], object]) -> bool:
    """Whether PortAudio has done something that may wait for ever; what it raises is raised."""
    errors: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="advsep-portaudio", daemon=True)
    try:
        with quiet_stderr():
            thread.start()
            thread.join(PATIENCE_S)
    except RuntimeError:  # Python is too far gone for threads; the system closes what is open
        return False
    for error in errors:
        raise error
    if thread.is_alive():
        atexit.unregister(_in_time)  # it would hang there, too
        return False
    return True
