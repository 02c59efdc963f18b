"""One song of a data set: who sings, what part of the set it is, and which files hold its sources."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...realtime.errors import AdvsepError
from ..decoded import read_stem
from ..tracks import Split

Role = Literal["vocals", "accompaniment", "mixture"]
ROLES: tuple[Role, ...] = ("vocals", "accompaniment", "mixture")


@dataclass(frozen=True, slots=True)
class Part:
    """Something that sounds: a file, one channel of it, or one stream of a stem container.

    Attributes:
        path: of the file.
        channel: 0 left, 1 right; None: all.
        stream: of a `.stem.mp4`, counted from 0; None: an ordinary file.
    """

    path: Path
    channel: int | None = None
    stream: int | None = None

    def __str__(self) -> str:
        side = "" if self.channel is None else f" ({('left', 'right')[self.channel]})"
        return f"{self.path}{side}" if self.stream is None else f"{self.path} (stream {self.stream})"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetTrack:
    """One song.

    Attributes:
        name: unlike any other of the corpus.
        artist: whose voice it is, as far as the set tells; "" where it does not.
        corpus: the set's name, as splits files use it.
        split: the set's own; None where it has none.
        vocals: parts whose sum is the voice; empty where the song has none of its own.
        accompaniment: likewise, the rest.
        mixture: as the set ships it; None where the sum of the sources is the mixture.
        mastered: the set's mixture was processed after the sources were summed, so it is not their sum.
        has_bleed: the set says that its sources leak into each other.
    """

    name: str
    artist: str
    corpus: str
    split: Split | None = None
    vocals: tuple[Part, ...] = ()
    accompaniment: tuple[Part, ...] = ()
    mixture: Part | None = None
    mastered: bool = False
    has_bleed: bool = False

    @property
    def is_paired(self) -> bool:
        """Whether both sources are known."""
        return bool(self.vocals and self.accompaniment)

    def parts(self, role: Role) -> tuple[Part, ...]:
        """What sums to one of the sources, or the shipped mixture."""
        if role == "mixture":
            return () if self.mixture is None else (self.mixture,)
        return self.vocals if role == "vocals" else self.accompaniment


def artist_of(title: str) -> str:
    """The artist of "ARTIST - TITLE" or "ARTIST_-_TITLE"; "" where there is no such dash."""
    for dash in (" - ", "_-_"):
        if dash in title:
            return title.split(dash, 1)[0].strip(" _")
    return ""


def artist_key(track: DatasetTrack) -> str:
    """What is equal for two tracks of one artist: letters and digits alone, or the track itself if nobody is named."""
    key = "".join(letter for letter in track.artist.casefold() if letter.isalnum())
    return key or f"{track.corpus}/{track.name}"


def read_part(part: Part) -> tuple[NDArray[np.float32], int]:
    """Samples [sample, channel] and their rate.

    Raises:
        AdvsepError: it cannot be read, is empty, holds NaN or lacks the channel; or stempeg is not installed.
    """
    samples, rate_hz = read_stem(part.path) if part.stream is None else _read_stream(part.path, part.stream)
    if part.channel is None:
        return samples, rate_hz
    if samples.shape[1] <= part.channel:
        raise AdvsepError(
            f"{part.path}: expected stereo with one source a side, found {samples.shape[1]} channel; get the original"
        )
    return samples[:, part.channel : part.channel + 1], rate_hz


def read_sum(parts: tuple[Part, ...]) -> tuple[NDArray[np.float32], int]:
    """The sum [sample, channel] of parts, each counted once, and its rate.

    Raises:
        AdvsepError: a part cannot be read, or they differ in rate, channels or length.
    """
    total, rate_hz = read_part(parts[0])
    for part in parts[1:]:
        samples, other_hz = read_part(part)
        if samples.shape != total.shape or other_hz != rate_hz:
            raise AdvsepError(
                f"{part}: cannot be added to {parts[0].path.name}: expected {_shape(total, rate_hz)}, "
                f"found {_shape(samples, other_hz)}; cut, pad or convert it"
            )
        total = total + samples
    return total, rate_hz


def _shape(samples: NDArray[np.float32], rate_hz: int) -> str:
    return f"{len(samples)} samples, {samples.shape[1]} channels at {rate_hz} Hz"


def _read_stream(path: Path, stream: int) -> tuple[NDArray[np.float32], int]:
    stempeg = _stempeg(path)
    try:
        found: tuple[Any, Any] = stempeg.read_stems(str(path), stem_id=stream, dtype=np.float32)
    except FileNotFoundError:  # older stempegs look for ffmpeg only here
        raise _lacks_stempeg(path) from None
    except Exception as error:  # ffmpeg's complaints come in many types, some of them bare
        why = " ".join(str(error).split())[:200]
        raise AdvsepError(
            f"{path}: stream {stream} cannot be read ({why}); see that `ffmpeg -i` reads the file, "
            "or use MUSDB18-HQ, whose stems are WAV files"
        ) from None
    samples = np.asarray(found[0], np.float32)
    samples = samples[:, None] if samples.ndim == 1 else samples
    if samples.ndim != 2 or len(samples) == 0:
        raise AdvsepError(f"{path}: stream {stream} holds no samples; get a whole copy")
    return samples, round(float(found[1]))


def _stempeg(path: Path) -> Any:
    try:
        return importlib.import_module("stempeg")
    except Exception:  # stempeg raises a RuntimeError where it finds no ffmpeg
        raise _lacks_stempeg(path) from None


def _lacks_stempeg(path: Path) -> AdvsepError:
    return AdvsepError(
        f"{path}: stem files need stempeg and ffmpeg: pip install stempeg, and ffmpeg from your system; "
        "or use MUSDB18-HQ, whose stems are WAV files"
    )
