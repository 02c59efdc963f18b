"""What one recording is like and what is wrong with it: level, silence, clipping, offset, a file cut short."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

SILENT_BELOW = 10 ** (-60 / 20)  # peak of a second that counts as silence
CLIPPED_FROM = 0.99
CLIPPED_STEP = 1e-4  # between neighbours of a flat top
CLIPPED_SHARE = 1e-4
MOST_OFFSET = 0.01
PRINT_HZ = 1000
PRINT_SECONDS = 20
OGG_LAST_PAGE = 4
LARGEST_OGG_PAGE = 65307
UNKNOWN_SIZES = (0, 0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Sound:
    """Measures of one recording.

    Attributes:
        samples: of each channel.
        peak: largest magnitude, 1 is full scale.
        offset: mean of the channel whose mean is farthest from 0.
        clipped_share: of the samples, those on a flat top at full scale.
        silent_share: of the seconds, those that stay below -60 dBFS.
    """

    rate_hz: int
    channels: int
    samples: int
    peak: float
    offset: float
    clipped_share: float
    silent_share: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.samples / self.rate_hz


def measure(samples: NDArray[np.float32], rate_hz: int) -> Sound:
    """Measures of samples [sample, channel], at least one of them."""
    size = np.abs(samples)
    means = samples.mean(0, dtype=np.float64)
    starts = np.arange(0, len(samples), rate_hz)
    peaks = np.maximum.reduceat(size.max(1), starts)
    return Sound(
        rate_hz,
        samples.shape[1],
        len(samples),
        float(size.max()),
        float(means[np.argmax(np.abs(means))]),
        _clipped_share(samples, size),
        float((peaks < SILENT_BELOW).mean()),
    )


def _clipped_share(samples: NDArray[np.float32], size: NDArray[np.float32]) -> float:
    """Share of samples whose two neighbours are as loud as they are, at full scale."""
    if len(samples) < 3 or size.max() < CLIPPED_FROM:
        return 0.0
    flat = np.abs(np.diff(samples, axis=0)) < CLIPPED_STEP
    return float(np.count_nonzero(flat[1:] & flat[:-1] & (size[1:-1] >= CLIPPED_FROM)) / samples.size)


def faults_of(sound: Sound) -> list[tuple[str, str]]:
    """What is wrong with a recording: kind and sentence."""
    found: list[tuple[str, str]] = []
    if sound.silent_share == 1:
        found.append(("silence", "is silent throughout; take it away or render it again"))
    if sound.clipped_share > CLIPPED_SHARE:
        percent = 100 * sound.clipped_share
        found.append(
            ("clipping", f"is clipped: {percent:.2g} % of its samples lie flat at full scale; render it softer")
        )
    if abs(sound.offset) > MOST_OFFSET:
        found.append(("dc", f"has an offset of {sound.offset:+.3f} of full scale; filter it out"))
    return found


def fingerprint(samples: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32] | None:
    """The middle of a recording in mono at 1 kHz, [sample], of unit energy; None where that is silent.

    Two fingerprints of one recording correlate to nearly 1 whatever its format, rate and gain.
    """
    wanted = min(len(samples), PRINT_SECONDS * rate_hz)
    start = (len(samples) - wanted) // 2
    low: NDArray[np.float32] = soxr.resample(samples[start : start + wanted].mean(1), rate_hz, PRINT_HZ, quality="LQ")
    energy = float(np.sqrt((low**2).sum(dtype=np.float64)))
    return low / np.float32(energy) if energy > SILENT_BELOW else None


def cut_short(path: Path) -> str | None:
    """How a file says itself that its end is missing; None if it does not, or cannot be opened.

    WAV and AIFF declare their size, the last page of Ogg and Opus is marked; FLAC is compared by who decodes it.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(8)
            file.seek(max(0, size - LARGEST_OGG_PAGE))
            tail = file.read()
    except OSError:
        return None
    if head[:4] in (b"RIFF", b"FORM"):
        declared = int.from_bytes(head[4:], "little" if head[:4] == b"RIFF" else "big")
        if declared not in UNKNOWN_SIZES and declared + 8 > size + 1:  # some writers leave the pad byte out
            return f"declares {declared + 8} bytes and has {size}"
    if head[:4] == b"OggS":
        page = tail.rfind(b"OggS")
        if page < 0 or page + 5 >= len(tail) or not tail[page + 5] & OGG_LAST_PAGE:
            return "has no last page"
    return None


def step_of(path: Path) -> float:
    """Distance between neighbouring values of a file's format, 1 being full scale; 0 for float and unreadable ones."""
    try:
        subtype = str(soundfile.info(path).subtype)
    except (soundfile.LibsndfileError, OSError):
        return 0.0
    bits = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}.get(subtype)
    return 0.0 if bits is None else 2.0 ** (1 - bits)
