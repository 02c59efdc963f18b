"""The network that hears pitch: SwiftF0 (Nieradzik 2025, arXiv 2508.18440), version 0.3.0, in ONNX Runtime."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import AdvsepError
from ..onnx_session import FileKind, open_session

RATE_HZ = 16_000
HOP_SAMPLES = 256  # 16 ms
LOWEST_HZ, HIGHEST_HZ = 46.875, 2093.75
# A frame sees 2815 samples to either side of its middle: half of the longest window, 2048, and seven frames of
# convolutions. Its own hop covers 256 of those that come after it.
FRAMES_BEFORE, FRAMES_AHEAD = 11, 10
MOST_FRAMES = 1875  # in one run, 30 s: a whole song at once would ask for a gigabyte
SILENT_PEAK = 1e-3  # digital silence is nothing that the network has ever seen: it answers at random

NETWORK = Path(__file__).parent / "swift_f0" / "model.onnx"


class PitchError(AdvsepError):
    """Pitch that cannot be found, read or written."""


_KIND = FileKind(PitchError, "pitch network", "model.onnx", "a pitch network", "sample_rate", "no pitch network")


class PitchNetwork:
    """Samples to pitch, without memory of the call before; any thread may call it at any time.

    Args:
        path: of the network.

    Raises:
        PitchError: it is missing, damaged or another one.
    """

    def __init__(self, path: Path = NETWORK) -> None:
        try:
            self._session: Any = open_session(path, _KIND)
        except PitchError:
            raise PitchError(
                f"{path}: expected the pitch network that comes with advsep, found none that ONNX Runtime can load; "
                "install advsep again"
            ) from None
        names = {item.name for item in self._session.get_inputs()}, {item.name for item in self._session.get_outputs()}
        if names != ({"audio", "fmin", "fmax"}, {"pitch", "confidence"}):
            raise PitchError(f"{path}: expected SwiftF0 of version 0.3, found another network; install advsep again")
        self._range = {"fmin": np.array(LOWEST_HZ, np.float32), "fmax": np.array(HIGHEST_HZ, np.float32)}

    def hear(self, samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Pitch of every whole hop.

        Args:
            samples: [sample] at `RATE_HZ`, finite, whole hops, at least one.

        Returns:
            frequency_hz [frame], of `LOWEST_HZ` to `HIGHEST_HZ`, and confidence [frame], 0 to 1, from 0.5 on it is
            sung. The middle of frame n is sample n * `HOP_SAMPLES`. Frames closer to an end than `FRAMES_BEFORE` and
            `FRAMES_AHEAD` would change if more were known.
        """
        frequency_hz, confidence = self._session.run(
            ["pitch", "confidence"], {"audio": samples[np.newaxis], **self._range}
        )
        peak = np.abs(samples.reshape(-1, HOP_SAMPLES)).max(axis=1)
        heard = np.where(peak < SILENT_PEAK, 0.0, confidence[0]).astype(np.float32)
        return np.asarray(frequency_hz[0], np.float32), heard


@functools.cache
def bundled_network() -> PitchNetwork:
    """The network that comes with advsep, opened once.

    Raises:
        PitchError: it is missing or damaged.
    """
    return PitchNetwork()
