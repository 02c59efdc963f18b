"""Where an engine's sound comes from and goes to, opened from the words of the command line."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from .device import NULL, SPEAKERS, DeviceInfo, find_device, open_stream, share_a_clock
from .engine_settings import AUTO, EngineError, EngineSettings
from .portaudio import rescan
from .source import Source
from .spec import SignalSpec
from .stream import DeviceError, Stream

CLOCK_RATE_HZ = 48000  # where there is neither a device nor a model


@dataclass(frozen=True, slots=True)
class EngineIO:
    """What is open for one engine.

    Attributes:
        stream: the device, or the clock; not started.
        source: what is fed into the deck; None: a stream captures.
        label: both ends, for displays.
        capture: another device with a clock of its own that captures; None: `stream` does.
    """

    stream: Stream
    source: Source | None
    label: str
    capture: Stream | None = None

    @property
    def streams(self) -> list[Stream]:
        """All that are open."""
        return [self.stream] if self.capture is None else [self.capture, self.stream]

    def lost(self) -> str | None:
        """What to say where a device has gone; to be asked now and then while playing."""
        for stream in self.streams:
            if not stream.alive:
                return f"device '{stream.name}' has gone; waiting for it"
        return None

    def close(self) -> None:
        """Let go of all; returns within seconds."""
        for stream in self.streams:
            stream.close()
        if self.source is not None:
            self.source.close()


def open_io(settings: EngineSettings, signal: SignalSpec | None, standard_input: int | None) -> EngineIO:
    """Open what the settings name.

    Args:
        settings: names of both ends, the rate and the block.
        signal: what the model can be fed with; None: there is none.
        standard_input: its file descriptor, where the input is `-`.

    Raises:
        DeviceError: a device is not there, or cannot be opened.
        AdvsepError: a file cannot be used.
    """
    if settings.backing is not None and settings.is_fed:
        raise EngineError(
            f"input '{settings.input}': expected a device for one's own voice, or 'null', found a sound file; choose a "
            "microphone"
        )
    source = _open_song(settings, standard_input) if settings.is_fed else None
    try:
        captures = None if source is not None else find_device(settings.input, "input")
        plays = _find_output(settings.output)
        capture = None
        if captures is not None and plays is not None and not share_a_clock(captures, plays):
            capture, captures = _open_capture(settings, captures), None
        try:
            stream = _open_stream(settings, captures, plays, _choose_rate(settings, signal, source, plays or captures))
        except BaseException:
            if capture is not None:
                capture.close()
            raise
    except BaseException:
        if source is not None:
            source.close()
        raise
    comes = next((end.name for end in (source, capture, captures) if end is not None), NULL)
    goes = plays.name if plays is not None else NULL
    return EngineIO(stream, source, comes if comes == goes else f"{comes} to {goes}", capture)


def look_again() -> None:
    """Have PortAudio see which devices are there now, where it can; only while no stream is open."""
    with contextlib.suppress(DeviceError):
        rescan()


def _open_stream(
    settings: EngineSettings, captures: DeviceInfo | None, plays: DeviceInfo | None, rate_hz: int
) -> Stream:
    return open_stream(captures, plays, rate_hz=rate_hz, block_samples=settings.block_samples, latency=settings.latency)


def _open_capture(settings: EngineSettings, captures: DeviceInfo) -> Stream:
    """A device that captures only, at its own rate: what bridges the two clocks converts it as well."""
    return _open_stream(settings, captures, None, captures.rate_hz)


def _open_song(settings: EngineSettings, standard_input: int | None) -> Source:
    from .song import open_song  # only where it is needed: sound files take a library

    return open_song(settings.input, accept_damaged=settings.accept_damaged, standard_input=standard_input)


def _find_output(text: str) -> DeviceInfo | None:
    """As `find_device`; `auto`: the speakers where there are any."""
    if text != AUTO:
        return find_device(text, "output")
    with contextlib.suppress(DeviceError):
        return find_device(SPEAKERS, "output")
    return None


def _choose_rate(
    settings: EngineSettings, signal: SignalSpec | None, source: Source | None, device: DeviceInfo | None
) -> int:
    """The rate that was asked for, or the device's own; without a device one that needs no conversion."""
    if settings.rate_hz is not None:
        return settings.rate_hz
    if device is not None:
        return device.rate_hz
    if signal is None:
        return CLOCK_RATE_HZ
    native = signal.native_rates_hz
    return source.rate_hz if source is not None and source.rate_hz in native else signal.sample_rate_hz
