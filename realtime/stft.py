"""Streaming STFT with a long analysis and a short synthesis window, a hop or many at a time.

`StreamingAnalysis` turns sound into spectra, `StreamingSynthesis` turns spectra into sound. The
analysis window of frame t ends at sample (t + 1)·H; only the last S samples of a frame's inverse
FFT are kept, windowed and overlapped. Unchanged spectra give back the sound exactly S - H samples
later, to float32 rounding (the windows: `realtime.windows`).

At the end of a stream the last S - H samples have not come out yet, and they need frames that
reach past the end: `StreamingAnalysis.flush` gives the spectra of these frames, and
`StreamingSynthesis.process` turns them into the missing samples.

    analysis = StreamingAnalysis(2048, 512, 256, channels=2)
    synthesis = StreamingSynthesis(2048, 512, 256, channels=2)
    analysis.process(samples, spectra)        # [frames * H, channels] -> [frames, channels, bins]
    synthesis.process(spectra, samples)       # the same shapes back
    analysis.flush(spectra[: analysis.flush_frames])

Memory: a hop allocates nothing, and a call nothing that stays. A call from Python mallocs and
frees some fifty bytes for each array that it hands to compiled code (Numba's wrapper), and
Python's own short-lived objects; a call with many hops does so once. Only lengths that go through
rocket-fft (`realtime.fft`) and are far above 48000 malloc in every FFT. The constructor
allocates, and compiles or loads the compiled code (seconds, the very first time).

Every output sample depends on N + S - H samples of its channel at most, so NaN and infinity
leave with the frames that contain them and never reach another channel.
"""

from __future__ import annotations

from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from .fft import fft_tables, forward, inverse
from .jit import jit
from .spec import SignalSpec, check_windows
from .windows import analysis_window, synthesis_window

Scalar = TypeVar("Scalar", np.float32, np.complex64)
Floats = NDArray[np.float32]
Spectra = NDArray[np.complex64]

_FLOAT32: np.dtype[np.float32] = np.dtype(np.float32)
_COMPLEX64: np.dtype[np.complex64] = np.dtype(np.complex64)


class StreamingAnalysis:
    """Sound to spectra. One stream, one thread at a time.

    Args:
        window_samples: N, even.
        synthesis_samples: S, even, at most N.
        hop_samples: H, a divisor of S/2.
        channels: 1 or more, each transformed by itself.
        taper_samples: M, at most S; None: S/2.

    Raises:
        SpecError: the windows cannot reconstruct.
        ValueError: no channel.
    """

    def __init__(
        self,
        window_samples: int,
        synthesis_samples: int,
        hop_samples: int,
        channels: int,
        taper_samples: int | None = None,
    ) -> None:
        check_windows(window_samples, hop_samples, synthesis_samples)
        _check_channels(channels)
        self._hop = hop_samples
        self._channels = channels
        self._bins = window_samples // 2 + 1
        self._window = analysis_window(window_samples, synthesis_samples, taper_samples).astype(np.float32)
        self._history = np.zeros((channels, 2 * window_samples), np.float32)
        self._end = window_samples
        self._frame = np.zeros(window_samples, np.float32)
        self._tables, self._work = fft_tables(window_samples)
        self._silence = np.zeros((synthesis_samples - hop_samples, channels), np.float32)
        # One silent hop, so that neither compiling nor an FFT plan is left for the first real one.
        self._run(self._silence[:hop_samples], np.zeros((1, channels, self._bins), np.complex64))
        self.reset()

    @classmethod
    def of_signal(cls, signal: SignalSpec) -> Self:
        """That of a model's signal path."""
        n, s, h = signal.window_samples, signal.synthesis_samples, signal.hop_samples
        return cls(n, s, h, signal.channels, signal.taper_samples)

    @property
    def flush_frames(self) -> int:
        """Frames that `flush` makes, S/H - 1."""
        return len(self._silence) // self._hop

    def process(self, samples: Floats, spectra: Spectra) -> None:
        """Analyse whole hops.

        Args:
            samples: [frames * H, channels], float32, C-contiguous; frames may be 0. Not changed
                (read-only or unaligned samples are copied first, which allocates).
            spectra: [frames, channels, N/2 + 1], complex64, C-contiguous; filled with the
                unnormalised real FFTs of the windowed frames.

        Raises:
            ValueError: a wrong dtype, shape or layout. Nothing has been taken in then.
        """
        frames = len(spectra)
        samples = _checked_input(samples, _FLOAT32, (frames * self._hop, self._channels), "samples")
        _check_output(spectra, _COMPLEX64, (frames, self._channels, self._bins), "spectra")
        self._run(samples, spectra)

    def flush(self, spectra: Spectra) -> None:
        """Analyse the S - H zeros that follow the last sample of a stream.

        Given to `StreamingSynthesis.process`, these spectra bring out the last S - H samples.
        The state is that of a stream that goes on after these zeros: `reset` to start another.

        Args:
            spectra: [flush_frames, channels, N/2 + 1], complex64, C-contiguous, filled.

        Raises:
            ValueError: a wrong dtype, shape or layout.
        """
        _check_output(spectra, _COMPLEX64, (self.flush_frames, self._channels, self._bins), "spectra")
        self._run(self._silence, spectra)

    def reset(self) -> None:
        """Forget the stream: as after construction, all that came before is silence."""
        self._history.fill(0)
        self._end = len(self._window)

    def _run(self, samples: Floats, spectra: Spectra) -> None:
        self._end = _analyse(
            samples, self._window, self._history, self._end, self._frame, self._tables, self._work, self._hop, spectra
        )


class StreamingSynthesis:
    """Spectra to sound. One stream, one thread at a time. Arguments and errors as `StreamingAnalysis`.

    Args:
        crossfade_samples: C, see `realtime.windows.heard_window`.
    """

    def __init__(
        self,
        window_samples: int,
        synthesis_samples: int,
        hop_samples: int,
        channels: int,
        crossfade_samples: int | None = None,
        taper_samples: int | None = None,
    ) -> None:
        n, h, s = window_samples, hop_samples, synthesis_samples
        # The inverse FFT is unnormalised: its 1/N is in the window.
        window = synthesis_window(n, h, s, crossfade_samples, taper_samples) / n
        _check_channels(channels)
        self._hop = hop_samples
        self._channels = channels
        self._bins = window_samples // 2 + 1
        self._window = window.astype(np.float32)
        self._overlap = np.zeros((channels, synthesis_samples), np.float32)
        self._frame = np.zeros(window_samples, np.float32)
        self._tables, self._work = fft_tables(window_samples)
        # One silent hop, so that neither compiling nor an FFT plan is left for the first real one.
        self._run(np.zeros((1, channels, self._bins), np.complex64), np.zeros((hop_samples, channels), np.float32))

    @classmethod
    def of_signal(cls, signal: SignalSpec) -> Self:
        """That of a model's signal path."""
        n, s, h = signal.window_samples, signal.synthesis_samples, signal.hop_samples
        return cls(n, s, h, signal.channels, signal.crossfade_samples, signal.taper_samples)

    @property
    def delay_samples(self) -> int:
        """Samples by which the output of `process` lags the input of the analysis, S - H."""
        return len(self._window) - self._hop

    def process(self, spectra: Spectra, samples: Floats) -> None:
        """Synthesise whole hops.

        Args:
            spectra: [frames, channels, N/2 + 1], complex64, C-contiguous; frames may be 0. Not
                changed (read-only or unaligned spectra are copied first, which allocates).
            samples: [frames * H, channels], float32, C-contiguous; filled with the samples that
                these frames complete. Output sample n is input sample n - (S - H).

        Raises:
            ValueError: a wrong dtype, shape or layout. Nothing has been taken in then.
        """
        frames = len(spectra)
        spectra = _checked_input(spectra, _COMPLEX64, (frames, self._channels, self._bins), "spectra")
        _check_output(samples, _FLOAT32, (frames * self._hop, self._channels), "samples")
        self._run(spectra, samples)

    def reset(self) -> None:
        """Forget the stream: as after construction, all that came before is silence."""
        self._overlap.fill(0)

    def _run(self, spectra: Spectra, samples: Floats) -> None:
        _synthesise(spectra, self._window, self._overlap, self._frame, self._tables, self._work, self._hop, samples)


@jit
def _analyse(
    samples: Floats,
    window: Floats,
    history: Floats,
    end: int,
    frame: Floats,
    tables: Floats,
    work: Floats,
    hop: int,
    spectra: Spectra,
) -> int:
    """Each row of `history` [channels, 2 N] holds the last samples up to `end`; returns the new end."""
    length = window.size
    for t in range(len(spectra)):
        if end + hop > 2 * length:
            # The buffer is twice as long as a frame, so this happens once in N/H hops.
            kept = length - hop
            for c in range(len(history)):
                row = history[c]
                past = row[end - kept : end]
                for i in range(kept):
                    row[i] = past[i]
            end = kept
        for c in range(len(history)):
            row = history[c]
            for i in range(hop):
                row[end + i] = samples[t * hop + i, c]
            past = row[end + hop - length : end + hop]
            for i in range(length):
                frame[i] = past[i] * window[i]
            forward(frame, spectra[t, c], tables, work)
        end += hop
    return end


@jit
def _synthesise(
    spectra: Spectra,
    window: Floats,
    overlap: Floats,
    frame: Floats,
    tables: Floats,
    work: Floats,
    hop: int,
    samples: Floats,
) -> None:
    """Each row of `overlap` [channels, S] holds the sum of the frames so far; its last H samples are zero."""
    kept = window.size
    tail = frame[frame.size - kept :]
    for t in range(len(spectra)):
        for c in range(len(overlap)):
            inverse(spectra[t, c], frame, frame.size - kept, tables, work)
            total = overlap[c]
            for i in range(kept):
                total[i] += tail[i] * window[i]
            for i in range(hop):
                samples[t * hop + i, c] = total[i]
            for i in range(kept - hop):
                total[i] = total[i + hop]
            for i in range(kept - hop, kept):
                total[i] = 0


def _check_channels(channels: int) -> None:
    if channels < 1:
        raise ValueError(f"channels must be 1 or more, got {channels}")


def _checked_input(
    array: NDArray[Scalar], dtype: np.dtype[Scalar], shape: tuple[int, ...], name: str
) -> NDArray[Scalar]:
    """The array, or a copy of it where the compiled code was not built for its kind of memory."""
    flags = array.flags
    if array.dtype != dtype or array.shape != shape or not flags.c_contiguous:
        raise ValueError(_complaint(array, dtype, shape, name))
    return array if flags.behaved else array.copy()


def _check_output(array: NDArray[Scalar], dtype: np.dtype[Scalar], shape: tuple[int, ...], name: str) -> None:
    if array.dtype != dtype or array.shape != shape or not array.flags.carray:
        raise ValueError(_complaint(array, dtype, shape, name))


def _complaint(array: NDArray[Scalar], dtype: np.dtype[Scalar], shape: tuple[int, ...], name: str) -> str:
    layout = "C-contiguous" if array.flags.c_contiguous else "not C-contiguous"
    access = "" if array.flags.writeable else ", read-only"
    return (
        f"{name} must be a C-contiguous array of {dtype}, shape {shape}, writeable if it is filled; "
        f"got {array.dtype}, shape {array.shape}, {layout}{access}"
    )
