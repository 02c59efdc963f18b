"""A take's track as a file for others: WAV, FLAC, Ogg Vorbis, Opus or MP3, whole or not there."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..resample import StreamResampler
from ..whole_file import whole_file
from .take_details import TakeError
from .take_ending import why

BLOCK_FRAMES = 8192  # libsndfile's Vorbis encoder breaks on much more at once


class Format(NamedTuple):
    """How libsndfile calls it.

    Attributes:
        container: of the file.
        subtype: of its samples; `PCM` gets its bits added.
        rates_hz: that it knows; none: any.
    """

    container: str
    subtype: str
    rates_hz: tuple[int, ...] = ()


FORMATS = {
    ".wav": Format("WAV", "PCM"),
    ".flac": Format("FLAC", "PCM"),
    ".ogg": Format("OGG", "VORBIS"),
    ".opus": Format("OGG", "OPUS", (8000, 12000, 16000, 24000, 48000)),
    ".mp3": Format("MP3", "MPEG_LAYER_III", (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)),
}


def export_sound(source: Path, target: Path, bits: int = 24, *, overwrite: bool = False) -> None:
    """Copy a sound file to another format, by the target's ending; a rate it does not know becomes 48 kHz.

    Args:
        source: WAV or FLAC.
        target: .wav, .flac, .ogg, .opus or .mp3; its folder must be there.
        bits: 16, rounded with triangular dither of one step, or 24; of WAV and FLAC.
        overwrite: replace a file that is there.

    Raises:
        TakeError: it is there already, of no such kind, cannot be read or cannot be written.
    """
    form = FORMATS.get(target.suffix.lower())
    if form is None:
        raise TakeError(f"{target}: expected a file that ends in {', '.join(FORMATS)}; choose one of these")
    subtype = f"{form.subtype}_{bits}" if form.subtype == "PCM" else form.subtype
    if bits not in (16, 24):
        raise TakeError(f"{target}: expected 16 or 24 bits, found {bits}; choose one of these")
    if form.container not in soundfile.available_formats() or subtype not in soundfile.available_subtypes(
        form.container
    ):
        raise TakeError(
            f"{target}: libsndfile {soundfile.__libsndfile_version__} writes no {target.suffix} here; choose .wav"
        )
    if target.is_dir() or (target.exists() and not overwrite):
        raise TakeError(f"{target}: is there already and is not replaced; choose another name")
    try:
        with soundfile.SoundFile(source) as sound, whole_file(target) as partial:
            rate_hz = sound.samplerate if not form.rates_hz or sound.samplerate in form.rates_hz else 48000
            partial.open("wb").close()  # Python's errors say why, libsndfile's only that
            with soundfile.SoundFile(partial, "w", rate_hz, sound.channels, subtype, format=form.container) as written:
                random = np.random.default_rng()
                for block in _blocks(sound, rate_hz):
                    written.write(_dithered(block, random) if subtype == "PCM_16" else block)
    except (OSError, soundfile.LibsndfileError) as error:
        raise TakeError(f"{target}: cannot be written: {why(error)}; choose another folder") from None


def _blocks(sound: Any, rate_hz: int) -> Generator[NDArray[np.float32]]:
    """All of a file as float32 [sample, channel] at a rate."""
    resampler = StreamResampler(sound.samplerate, rate_hz, sound.channels)
    while True:
        block: NDArray[np.float32] = sound.read(BLOCK_FRAMES, "float32", always_2d=True)
        last = len(block) == 0
        # Resampling overshoots a little; the encoders would wrap or clip on their own terms.
        converted = np.clip(resampler.process(block, last=last), -1.0, 1.0)
        for at in range(0, len(converted), BLOCK_FRAMES):
            yield converted[at : at + BLOCK_FRAMES]
        if last:
            return


def _dithered(block: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.int16]:
    """Rounded to 16 bits with triangular dither, so that quiet ends fade instead of crackling."""
    noise = random.random(block.shape) - random.random(block.shape)
    return np.clip(np.rint(block * 32768.0 + noise), -32768, 32767).astype(np.int16)
